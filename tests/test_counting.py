"""Small parts of counting, by hand."""

import numpy as np
import pandas as pd

from funnel_lib.core.steps import Steps
from funnel_lib.counting.moves import find_stage_step
from funnel_lib.counting.reach import nth_times, read_window
from funnel_lib.counting.values import name_periods


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


def test_periods_are_written_in_utc():
    times = pd.Series(pd.to_datetime(["2025-03-31 23:00-02:00", None], utc=True))
    assert name_periods(times, "month").tolist() == ["2025-04", ""]
    assert name_periods(times, "quarter").tolist() == ["2025-Q2", ""]
