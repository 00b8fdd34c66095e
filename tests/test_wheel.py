"""The wheel works outside the checkout: notebooks, templates and words travel inside it."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps",
               "--no-build-isolation", "--wheel-dir", str(folder), str(root)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_what_the_library_reads(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("notebooks/en/audit.ipynb", "notebooks/ru/audit.ipynb", "locale/ru.yml",
                 "reporting/templates/report/index.html.j2", "core/templates/section.html.j2",
                 "reporting/templates/report/report.css",
                 "reading/columns.yml", "reading/crms/hubspot.yml"):  # fmt: skip
        assert f"funnel_lib/{name}" in names
    assert not [n for n in names if n.startswith(("tests/", "data/"))]


def test_an_audit_runs_from_the_installed_wheel(wheel, planted_folder, tmp_path):
    """In an environment of its own that sees this one's packages, but not the checkout."""
    place = tmp_path / "env"
    venv.create(place, with_pip=False, symlinks=True)
    python = place / "bin" / "python"
    site = next(place.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    here = next(p for p in sys.path if p.endswith("site-packages"))
    # A plain entry, not site.addsitedir: the editable install's own .pth must not be followed.
    (site / "packages.pth").write_text(here + "\n")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["JUPYTER_PATH"] = str(Path(sys.prefix, "share", "jupyter"))  # nbconvert's own
    out = tmp_path / "out"
    audit = [python, "-m", "funnel_lib.cli", "audit", planted_folder / "events.csv",
             "--leads", planted_folder / "leads.csv", "--steps", planted_folder / "steps.yml",
             "--segments", "none", "--out", out, "--lang", "ru"]  # fmt: skip
    done = subprocess.run(audit, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "купили" in (out / "report.html").read_text(encoding="utf-8")
    where = "import funnel_lib; print(funnel_lib.__file__)"
    shown = subprocess.run([python, "-c", where], cwd=tmp_path, env=environment,
                           capture_output=True, text=True)  # fmt: skip
    assert str(site) in shown.stdout
    copied = subprocess.run([python, "-m", "funnel_lib.cli", "notebooks", "mine"], cwd=tmp_path,
                            env=environment, capture_output=True, text=True)  # fmt: skip
    assert copied.returncode == 0, copied.stderr
    assert (tmp_path / "mine" / "ru" / "audit.ipynb").exists()
