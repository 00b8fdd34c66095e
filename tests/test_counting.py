"""Small parts of counting, by hand."""

from datetime import date

import numpy as np
import pandas as pd

from funnel_lib.core.steps import Steps
from funnel_lib.core.times import read_window
from funnel_lib.counting.moves import find_stage_step
from funnel_lib.counting.reach import nth_times
from funnel_lib.counting.values import name_periods, name_quarter, read_day


def test_a_stage_shows_its_step_with_its_pipeline_or_without():
    stages = {"Sent": "pay", "Retail / New": "ask", "New": "pay"}
    steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay", stages=stages)
    asked = ("Retail / Sent", "Retail / New", "Other / New", "Other", None)
    found = [find_stage_step(steps, stage) for stage in asked]
    assert found == ["pay", "ask", "pay", None, None]


def test_a_step_that_comes_again_is_counted_from_one():
    assert nth_times(np.array([0, 1, 0])).tolist() == [1, 1, 2]


def test_a_window_is_microseconds():
    assert read_window("1D") == 24 * 3600 * 10**6


def test_periods_are_written_in_the_time_zone():
    times = pd.Series(pd.to_datetime(["2025-03-31 23:00-02:00", None], utc=True), index=[7, 3])
    assert name_periods(times, "month").to_dict() == {7: "2025-04", 3: ""}
    assert name_periods(times, "quarter").tolist() == ["2025-Q2", ""]
    assert name_periods(times, "month", "America/New_York").tolist() == ["2025-03", ""]
    assert name_periods(times, "quarter", "America/New_York").tolist() == ["2025-Q1", ""]
    assert name_periods(times[:0], "month").tolist() == []
    old = pd.Series(pd.to_datetime(["1969-12-31", "1969-01-01"], utc=True))
    assert name_periods(old, "quarter").tolist() == ["1969-Q4", "1969-Q1"]
    moment = pd.Timestamp("2025-03-31T21:30Z")
    assert name_quarter(moment) == "2025-Q1"
    assert name_quarter(moment, "Europe/Moscow") == "2025-Q2"


def test_a_day_that_is_given_begins_in_the_time_zone():
    assert read_day("2025-03-01", "since") == pd.Timestamp("2025-03-01T00:00Z")
    for given in ("2025-03-01", date(2025, 3, 1), pd.Timestamp("2025-03-01")):
        read = read_day(given, "since", "Europe/Moscow")
        assert read == pd.Timestamp("2025-02-28T21:00Z") and str(read.tz) == "UTC"
    told = read_day("2025-03-01T12:00+05:00", "since", "Europe/Moscow")
    assert told == pd.Timestamp("2025-03-01T07:00Z")  # it has its own
    # Summer time came at midnight: this day began at one o'clock.
    assert read_day("2019-03-31", "since", "Asia/Beirut") == pd.Timestamp("2019-03-30T22:00Z")
