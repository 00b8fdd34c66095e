"""How long the steps take, by hand."""

import numpy as np
import pandas as pd

from funnel_lib.durations import count_pace
from funnel_lib.events import build_log
from funnel_lib.journeys import build_journeys, select_leads
from funnel_lib.steps import Steps

START = pd.Timestamp("2025-01-01")
STEPS = Steps(steps=[{"id": "ask"}, {"id": "read"}, {"id": "pay"}, {"id": "again"}], won="pay")


def journeys_of(text):
    rows = [line.split() for line in text.splitlines()]
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    return build_journeys(build_log(events), STEPS)


def test_pace_is_from_first_evidence_to_first_evidence():
    # read after entry: a 2, b 0.5, c 0 (it begins with it): median 0.5
    # read after ask: a 2, b 0.5; c asked after it had read: not in that order: median 1.25
    # pay after entry: a 4, c 3: median 3.5; after read: the same
    text = "a 1 ask\na 3 read\na 4 read\na 5 pay\na 9 again\nb 1 ask\nb 1.5 read"
    table = count_pace(journeys_of(text + "\nc 2 read\nc 3 ask\nc 5 pay"), segment="s")
    assert table["step"].tolist() == ["ask", "read", "pay"] and set(table["segment"]) == {"s"}
    assert table["n_from_entry"].tolist() == [3, 3, 2]
    assert table["median_days_from_entry"].tolist() == [0, 0.5, 3.5]
    assert table["n_from_previous"].tolist() == [3, 2, 2]
    # The first step counts from entry: a 0, b 0, c 1.
    assert table["median_days_from_previous"].tolist() == [0, 1.25, 2.5]


def test_same_moment_is_no_time_and_unseen_steps_have_none():
    table = count_pace(journeys_of("a 1 read\na 1 ask\nb 1 ask\nb 3 pay"))
    assert table["n_from_previous"].tolist() == [2, 1, 0]  # b was never seen to read
    assert table["median_days_from_previous"].tolist()[:2] == [0, 0]
    assert np.isnan(table["median_days_from_previous"][2])
    assert table["median_days_from_entry"].tolist() == [0, 0, 2]


def test_no_leads_give_rows_without_medians():
    table = count_pace(select_leads(journeys_of("a 1 ask"), np.zeros(1, bool)))
    assert table["n_from_entry"].tolist() == [0, 0, 0]
    assert table["median_days_from_entry"].isna().all()
