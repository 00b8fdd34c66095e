"""Frames at the notebook's door: read as the same table in a file is."""

from datetime import date, datetime
from decimal import Decimal

import duckdb
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.csv
import pytest

import funnel_lib as fl
from funnel_lib.core.errors import InputError
from funnel_lib.reading.export import read_export
from funnel_lib.reporting.report import write_report

WAYS = {
    "pandas": pd.read_csv,
    "pandas, texts": lambda path: pd.read_csv(path, dtype="str"),
    "pandas, objects": lambda path: pd.read_csv(path, dtype="object"),
    "pandas, an index": lambda path: pd.read_csv(path).set_index("lead_id"),
    "polars": polars.read_csv,
    "polars, lazy": polars.scan_csv,
    "Arrow": pa.csv.read_csv,
    "DuckDB": lambda path: duckdb.sql(f"SELECT * FROM '{path}'"),
}


@pytest.fixture(scope="module")
def sample(root):
    folder = root / "data" / "sample"
    return [str(folder / name) for name in ("events.csv", "leads.csv", "steps.yml")]


@pytest.fixture(scope="module")
def log(sample):
    return read_export(*sample[:2])


@pytest.mark.parametrize("way", WAYS)
def test_a_frame_is_read_as_its_file(way, sample, log):
    found = read_export(*map(WAYS[way], sample[:2]))
    for name in ("events", "leads", "removed", "noticed"):
        ours, theirs = getattr(found, name), getattr(log, name)
        pd.testing.assert_frame_equal(
            ours.astype("str"), theirs.astype("str")[list(ours)], check_column_type=False
        )
    assert found.observed_until == log.observed_until


def test_an_audit_of_frames_is_that_of_files(sample):
    files = fl.build_audit(
        sample[0], leads=sample[1], steps=sample[2], segments="none", only="manager=Anna"
    )
    frames = fl.build_audit(**fl.load_sample(), segments="none", only="manager=Anna")
    assert not frames.failed and frames.tables.keys() == files.tables.keys()
    for name, table in files.tables.items():
        pd.testing.assert_frame_equal(frames.tables[name], table)
    assert frames.settings.list_inputs() == [frames.settings.steps]
    mixed = fl.build_audit(sample[0], leads=pd.read_csv(sample[1]), steps=sample[2],
                           segments="none", only="manager=Anna")  # fmt: skip
    assert mixed.tables["losses"].equals(files.tables["losses"])


def test_several_frames_and_files_are_one_log(sample, log):
    events = pd.read_csv(sample[0])
    half = len(events) // 2
    found = read_export([events[:half], polars.from_pandas(events[half:])], sample[1])
    assert found.events.astype("str").equals(log.events.astype("str"))


def test_a_query_of_a_database_is_one_line():
    events = fl.load_sample()["events"]
    found = read_export(duckdb.sql("SELECT * FROM events WHERE actor = 'client'"))
    assert len(found.events) == (events["actor"] == "client").sum()


def test_cells_of_a_frame_may_be_any_objects():
    rows = [(7, datetime(2025, 1, 2, 3, 4), "call", Decimal("1.5")),
            ("8", date(2025, 1, 3), "mail", None), (9, "2025-01-04 10:00", "mail", 3)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["lead_id", "at", "action", "weight"])
    events = read_export(frame).events
    assert events["lead_id"].astype("str").tolist() == ["7", "8", "9"]
    assert events["at"].dt.strftime("%d %H:%M").tolist() == ["02 03:04", "03 00:00", "04 10:00"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (5, "events: expected a file or a frame, and this (int) is neither"),
        ({"lead_id": [1]}, "events: expected a file or a frame, and this (dict) is neither"),
        (pd.DataFrame(), "events: the frame has no rows"),
        (pd.DataFrame({"lead_id": []}), "events: the frame has no rows"),
        (pd.DataFrame({"colour": ["red"]}), "events: no column tells"),
    ],
)
def test_what_is_no_table_is_refused(given, told, sample):
    for read in (read_export, lambda table: fl.build_audit(table, steps=sample[2])):
        with pytest.raises(InputError) as error:
            read(given)
        assert str(error.value).startswith(told)


def test_frames_and_wrong_settings_are_told_together():
    with pytest.raises(InputError) as error:
        fl.build_audit(pd.DataFrame({"colour": ["red"]}), steps="none.yml", rule="odd")
    told = "\n".join(error.value.problems)
    assert "none.yml" in told and "'odd'" in told and "events: no column" in told


def test_a_report_needs_files(tmp_path):
    with pytest.raises(InputError, match="to_parquet"):
        write_report(fl.Settings(**fl.load_sample(), out=str(tmp_path / "out")))
    assert not any(tmp_path.iterdir())


def test_settings_of_frames_are_shown_without_them():
    given = fl.load_sample("ru")
    settings = fl.Settings(**given)
    assert settings.model_dump()["events"] == ("<events>",) and settings.leads == "<leads>"
    events, leads = settings.model_copy(update={"lang": "ru"}).take_tables()
    assert events[0] is given["events"] and leads is given["leads"]
