"""What examples in docstrings may use without importing it, and how one room is tested alone."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "funnel_lib"
# What examples need nothing but their names for.
NAMES = ("Group", "Steps", "Words", "build_journeys", "build_log", "parse_steps", "plant_log",
         "write_planted")  # fmt: skip


@pytest.fixture(autouse=True, scope="session")
def _names_of_examples(doctest_namespace):
    import numpy as np
    import pandas as pd

    import funnel_lib as fl

    doctest_namespace |= {"np": np, "pd": pd, "fl": fl}
    doctest_namespace |= {name: getattr(fl, name) for name in NAMES}


def pytest_addoption(parser):
    """Add ``--room``: a folder of the library, such as losses, core or reading/crms."""
    parser.addoption("--room", help="only the examples of a room, and the tests that use it")


def pytest_configure(config):
    """Find the room's folder, in the library or among its sections."""
    room = config.getoption("--room")
    folders = [f for f in (PACKAGE / str(room), PACKAGE / "sections" / str(room)) if f.is_dir()]
    if room and not folders:
        raise pytest.UsageError(f"--room {room}: no such folder in funnel_lib, nor in its sections")
    config.room = folders[0] if room else None


def pytest_ignore_collect(collection_path: Path, config):
    """Leave out modules and test files that have nothing to do with the room asked for."""
    if config.room is None or collection_path.suffix != ".py":
        return None
    if PACKAGE in collection_path.parents:
        return None if config.room in collection_path.parents else True
    return None if _uses(collection_path, config.room) else True


def _uses(test: Path, folder: Path) -> bool:
    """Whether a test file imports from a room, or calls a public name that lives there."""
    import funnel_lib as fl

    homes = fl._HOME_OF | fl.count._homes | fl.tell._homes | fl.draw._homes
    text, home = test.read_text(encoding="utf-8"), ".".join(folder.relative_to(PACKAGE).parts)
    own = {name for name, place in homes.items() if f"{place}.".startswith(f"{home}.")}
    return f"funnel_lib.{home}" in text or bool(own & {*re.findall(r"\bfl(?:\.\w+)?\.(\w+)", text)})
