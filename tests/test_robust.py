"""No stray file disturbs a run, no end of it leaves half a report, no input ends in a traceback."""

import os
import subprocess
import sys

import pytest

from funnel_lib.engine import choose

STRAY = ("funnel_lib", "yaml", "joblib", "pickle", "seaborn", "pandas", "numpy", "matplotlib",
         "typer", "IPython", "ipykernel", "json")  # fmt: skip
COMMAND = "import sys; from funnel_lib.cli import main; sys.argv[0] = 'funnel'; main()"


def start(folder, *arguments, **environment):
    """Start the command as its script does: without the current folder on the path of modules."""
    call = [sys.executable, "-P", "-c", COMMAND, *map(str, arguments)]
    return subprocess.Popen(
        call, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"} | environment,
    )  # fmt: skip


def run(folder, *arguments, **environment):
    """Exit code, output and error output of the command."""
    process = start(folder, *arguments, **environment)
    out, err = process.communicate()
    return process.returncode, out, err


def write_strays(folder):
    """Modules that say so, and stop what imports them."""
    folder.mkdir(exist_ok=True)
    for name in STRAY:
        (folder / f"{name}.py").write_text(f"open({str(folder / 'told')!r}, 'a').write({name!r})\n")
    (folder / "ipython_config.py").write_text(f"open({str(folder / 'told')!r}, 'a')\n")


@pytest.mark.parametrize("command", [["audit"], ["audit", "--no-report"], ["check"], ["steps"]])
def test_nothing_is_imported_from_the_folders_it_works_in(planted_folder, tmp_path, command):
    folders = [tmp_path / name for name in ("here", "input", "out")]
    for folder in folders:
        write_strays(folder)
    here, given, out = folders
    for name in ("events.csv", "leads.csv", "steps.yml"):
        (given / name).write_bytes((planted_folder / name).read_bytes())
    # what a shell's profile may hold
    startup = tmp_path / "startup.py"
    startup.write_text(f"open({str(here / 'told')!r}, 'a')\n")
    files = [given / "events.csv", "--leads", given / "leads.csv"]
    if command[0] == "audit":
        files += ["--steps", given / "steps.yml", "--out", out, "--segments", "2"]
    path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), ""])
    code, _, err = run(here, *command, *files, PYTHONPATH=path, PYTHONSTARTUP=str(startup))
    assert code == 0, err
    assert not [folder for folder in folders if (folder / "told").exists()]


def test_workers_import_nothing_from_here(tmp_path, monkeypatch):
    write_strays(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    monkeypatch.setattr(choose, "LONG", 0)
    assert choose._run_all(abs, [-1, -2, -3]) == [1, 2, 3]
    assert not (tmp_path / "told").exists()


def test_a_foreign_kernel_is_never_started(planted_folder, tmp_path):
    """A `python3` that others have set up, found by Jupyter before any other."""
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text('{"argv": ["false"], "display_name": "x", "language": "x"}')
    files = [planted_folder / n for n in ("events.csv", "leads.csv", "steps.yml")]
    call = ["audit", files[0], "--leads", files[1], "--steps", files[2], "--segments", "none"]
    code, _, err = run(tmp_path, *call, "--out", "out", JUPYTER_PATH=str(tmp_path / "jupyter"))
    assert (code, err) == (0, "")
