"""What several test files share."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from funnel_lib import cli
from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import parse_steps
from funnel_lib.datasets.planted import plant_log, write_planted
from funnel_lib.sections.paths.segments import find_segments

# How long an example takes says nothing of the code on a busy machine.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
# Nor does what a run says of its progress, which depends on how long it takes.
os.environ["FUNNEL_QUIET"] = "1"

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real logs, which are never part of the project."""
    folder = Path(os.environ.get("FUNNEL_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real logs in {folder}; name their folder in FUNNEL_REAL_DATA")
    return folder


@pytest.fixture(scope="session")
def planted_folder(tmp_path_factory) -> Path:
    """A planted CRM of 400 leads as files."""
    folder = tmp_path_factory.mktemp("planted")
    write_planted(plant_log("kettles", 400, seed=5), folder)
    return folder


@pytest.fixture(scope="session")
def planted_journeys():
    """The journeys of the same planted CRM, without files between."""
    planted = plant_log("kettles", 400, seed=5)
    log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    return build_journeys(log, parse_steps(planted.steps_yaml))


@pytest.fixture(scope="session")
def planted():
    """A planted CRM with three clean paths."""
    return plant_log("clean", 3000, seed=11)


@pytest.fixture(scope="session")
def journeys(planted):
    """Its journeys."""
    return build_journeys(build_log(planted.events, planted.leads), parse_steps(planted.steps_yaml))


@pytest.fixture(scope="session")
def found(journeys):
    """Its segments."""
    return find_segments(journeys)


@pytest.fixture
def funnel(monkeypatch, capsys):
    """Run the command in this process; gives exit code, output and error output."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["funnel", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return run
