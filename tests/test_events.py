"""The checked log: nothing dropped silently, every oddity counted, the order of rows irrelevant."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import LEAD_COLUMNS, build_log, show_rows, show_values
from funnel_lib.core.times import to_micros
from funnel_lib.counting import checks
from funnel_lib.counting.checks import BULK_LEADS, check_log
from funnel_lib.reading.export import read_export

EXAMPLES = 30  # small logs; more find nothing new and take seconds


def days(numbers):
    """10:00 on so many days of January 2025."""
    return pd.Timestamp("2024-12-31 10:00") + pd.to_timedelta(pd.Series(numbers), unit="D")


def events_of(*rows):
    """Rows are (lead, day, action) or (lead, day, action, actor)."""
    full = [(*r, "client")[:4] for r in rows]
    frame = pd.DataFrame(full, columns=["lead_id", "at", "action", "actor"])
    frame["at"] = days(frame["at"].astype("float64"))
    return frame.astype({"lead_id": "str", "action": "str"})


def leads_of(**columns):
    frame = pd.DataFrame(columns)
    for name in ("created_at", "closed_at"):
        if name in frame:
            frame[name] = days(frame[name].astype("float64"))
    return frame


CLEAN_EVENTS = events_of(("a", 1, "ask"), ("a", 3, "pay", "manager"), ("b", 2, "ask", "System"))
CLEAN_LEADS = leads_of(
    lead_id=["a", "b"], created_at=[1, 2], status=["won", "open"], closed_at=[3, None],
    amount=[5.0, 7.0], currency=["EUR", "EUR"],
)  # fmt: skip


def quality_of(events, leads=None, until=None):
    return check_log(build_log(events, leads, until)).set_index("check")


def test_a_clean_log_has_nothing_to_tell():
    log = build_log(CLEAN_EVENTS, CLEAN_LEADS, "2025-02-01")
    assert check_log(log).empty and log.removed.empty and log.assumed == ()
    assert log.rows_read == len(log.events) == 3
    assert log.leads.columns[: len(LEAD_COLUMNS)].tolist() == list(LEAD_COLUMNS)
    assert log.events["actor"].tolist() == ["client", "manager", "system"]
    assert str(log.events["at"].dt.tz) == "UTC"


BULK = events_of(*[(f"l{i}", 1, "call") for i in range(BULK_LEADS)])


@pytest.mark.parametrize(
    ("check", "n_rows", "events", "leads", "until"),
    [
        ("no_lead", 1, events_of(("a", 1, "ask"), (None, 1, "ask")), None, None),
        ("no_time", 1, events_of(("a", 1, "ask"), ("a", None, "pay")), None, None),
        ("no_action", 1, events_of(("a", 1, "ask"), ("a", 2, None)), None, None),
        ("duplicate", 2, events_of(*[("a", 1, "ask")] * 3), None, None),
        ("after_observed_until", 1, CLEAN_EVENTS, None, "2025-01-03 09:59"),
        ("events_before_created", 1, events_of(("a", 1, "ask")), ([2], [None], ["open"]), None),
        ("closed_before_created", 1, events_of(("a", 1, "ask")), ([1], [0], ["won"]), None),
        ("closed_without_date", 1, events_of(("a", 1, "ask")), ([1], [None], ["lost"]), None),
        ("leads_without_events", 1, events_of(("a", 1, "ask")), ([1, 1], [None] * 2, ["open"] * 2),
         None),
        ("events_without_lead_row", 1, events_of(("a", 1, "x"), ("z", 1, "x")),
         ([1], [None], ["open"]), None),
        ("lead_created_after_observed_until", 1, events_of(("a", 1, "x")),
         ([1, 9], [None] * 2, ["open"] * 2), "2025-01-05"),
        ("bulk_edits", BULK_LEADS, BULK, None, None),
        ("actor_unknown", 1, events_of(("a", 1, "ask", "robot")), None, None),
    ],
)  # fmt: skip
def test_each_oddity_is_counted_with_an_example(check, n_rows, events, leads, until):
    if leads is not None:
        created, closed, status = leads
        ids = ["a", "b"][: len(created)]
        leads = leads_of(lead_id=ids, created_at=created, closed_at=closed, status=status)
    found = quality_of(events, leads, until)
    assert found.index.tolist() == [check]
    assert found["n_rows"].tolist() == [n_rows]
    assert found["example"][check] != "" and 0 < found["share_of_rows"][check] <= 1


def test_repeated_and_nameless_lead_rows_are_counted_and_the_first_known_value_stays():
    leads = pd.DataFrame({
        "lead_id": ["a", "a", None, "b"], "amount": [None, 5.0, 1.0, 7.0],
        "product": ["tea", None, "x", "y"],
    })  # fmt: skip
    events = events_of(("a", 1, "ask"), ("b", 1, "ask"))
    log = build_log(events, leads)
    assert log.leads[["amount", "product"]].values.tolist() == [[5.0, "tea"], [7.0, "y"]]
    counted = log.removed.set_index("reason")["rows"].to_dict()
    assert counted == {"lead_row_without_id": 1, "lead_row_repeated": 1}
    assert build_log(events, leads[::-1]).leads.equals(log.leads)


def test_several_currencies_and_gaps_in_amounts_are_told():
    leads = leads_of(lead_id=["a", "b"], amount=[5.0, None], currency=["EUR", "RUB"])
    found = quality_of(events_of(("a", 1, "x"), ("b", 1, "x")), leads)
    assert found["example"].to_dict() == {
        "leads_without_amount": "b",
        "several_currencies": "EUR, RUB",
    }


def test_bulk_edits_need_enough_leads_one_minute_and_a_time_of_day():
    assert quality_of(BULK[1:]).empty
    assert quality_of(BULK.assign(lead_id="same", x=range(BULK_LEADS))).empty
    assert quality_of(BULK.assign(at=BULK["at"].dt.normalize())).empty
    apart = BULK["at"] + pd.to_timedelta(range(BULK_LEADS), unit="min")
    assert quality_of(BULK.assign(at=apart)).empty


def find_bulk(log):
    codes = (log.events[c].cat.codes.to_numpy() for c in ("action", "lead_id"))
    return checks.find_bulk_edits(to_micros(log.events["at"]), *codes)


def visits(minutes):
    """A visit of a lead of its own in each of these minutes."""
    at = pd.Timestamp("2025-01-01 00:00:30", tz="UTC") + pd.to_timedelta(minutes, unit="min")
    ids = [f"l{i}" for i in range(len(minutes))]
    return pd.DataFrame({"lead_id": ids, "action": "visit", "at": at})


@pytest.mark.parametrize("grid", [5, 30, 60])
def test_rounded_times_tell_no_minute(grid):
    rng = np.random.default_rng(1)
    minutes = rng.integers(0, 20 * 24 * 60 // grid, 40_000) * grid
    assert not find_bulk(build_log(visits(minutes))).any()
    script = np.append(rng.integers(0, 20 * 24 * 60, 2000), np.full(BULK_LEADS, 600))
    assert find_bulk(build_log(visits(script))).sum() >= BULK_LEADS


def test_what_comes_every_minute_is_no_bulk_edit():
    every = np.arange(3 * 1440)
    once = np.append(every, np.full(BULK_LEADS, 600))
    assert find_bulk(build_log(visits(once))).sum() == BULK_LEADS + 1
    busy = np.append(np.repeat(every, BULK_LEADS), -20_000_000)  # and one typed into 1986
    assert not find_bulk(build_log(visits(busy))).any()


def test_a_script_that_runs_for_an_hour_a_day_is_found_every_day():
    script = np.repeat(np.add.outer(np.arange(20) * 1440, np.arange(80)).ravel(), BULK_LEADS)
    rare = np.arange(0, 20 * 1440, 30)
    found = find_bulk(build_log(visits(np.append(script, rare))))
    assert len(script) <= found.sum() < len(script) + len(rare)


@pytest.mark.parametrize("n", [127, 128, 129])
def test_many_actions_in_one_minute_are_no_bulk_edit(n):
    rows = visits(np.zeros(n)).assign(action=[f"a{i:03}" for i in range(n)])
    assert not find_bulk(build_log(rows)).any()


def test_a_lead_closed_after_the_end_is_open_and_has_no_closing_time():
    leads = leads_of(lead_id=["a", "b", "c"], status=["won", "lost", "open"], closed_at=[4, 3, 2])
    log = build_log(events_of(("a", 1, "x"), ("b", 1, "x"), ("c", 1, "x")), leads, "2025-01-04")
    assert log.leads["status"].tolist() == ["open", "lost", "open"]
    assert log.leads["closed_at"].isna().tolist() == [True, False, True]


def test_the_end_of_the_data_is_the_last_moment_of_events_creations_and_closings():
    log = build_log(CLEAN_EVENTS)
    assert log.observed_until == pd.Timestamp("2025-01-03 10:00", tz="UTC")
    assert log.assumed == ("observed_until",)
    leads = leads_of(lead_id=["a", "b"], created_at=[1, 5], status=["won", "open"],
                     closed_at=[7, 9])  # fmt: skip
    assert build_log(CLEAN_EVENTS, leads).observed_until.day == 7  # an open lead closes never
    assert build_log(CLEAN_EVENTS, leads.drop(columns="status")).observed_until.day == 5


def test_an_end_before_the_data_begins_is_refused():
    with pytest.raises(InputError, match=r"observed_until 2024-12-31 lies before .*2025-01-01"):
        build_log(CLEAN_EVENTS, observed_until="2024-12-31")


@pytest.mark.parametrize(
    ("events", "leads", "told"),
    [
        (
            pd.DataFrame({"id": [1]}),
            None,
            "events: no column lead_id and at and action; found 'id'",
        ),
        (CLEAN_EVENTS, pd.DataFrame({"id": [1]}), "leads: no column lead_id; found 'id'"),
        (
            CLEAN_EVENTS.assign(action=None),
            None,
            "no row has a lead, a readable time and an action",
        ),
        (CLEAN_EVENTS[:0], None, "no row has a lead, a readable time and an action"),
    ],
)
def test_logs_that_cannot_be_built(events, leads, told):
    with pytest.raises(InputError, match=told):
        build_log(events, leads)


def test_lead_columns_of_events_give_each_lead_its_last_known_value_and_the_table_wins():
    events = CLEAN_EVENTS.assign(amount=[1.0, None, 3.0], manager=["Old", "New", "B"], note="n")
    leads = build_log(events, pd.DataFrame({"lead_id": ["b"], "manager": ["Boss"]})).leads
    assert leads["amount"].isna().all()  # of an event
    assert leads["manager"].tolist() == ["New", "Boss"]
    log = build_log(events)
    assert log.events.columns.tolist() == ["lead_id", "at", "action", "actor", "note", "amount"]
    assert log.leads["manager"].tolist() == ["New", "B"]
    assert quality_of(events)["n_rows"]["events_differ"] == 1
    for how, amounts in (("last", [1.0, 3.0]), ("first", [1.0, 3.0]), ("sum", [np.nan] * 2)):
        log = build_log(events, lead_columns={"amount": how})
        np.testing.assert_array_equal(log.leads["amount"], amounts)


def test_the_callers_frames_stay_as_they_are():
    events = events_of(("b", 1, "x"), ("a", 2, "y"), (None, 1, "z"), ("a", 2, "y"))
    leads = leads_of(lead_id=["a", "a"], status=["won", "won"], closed_at=[9, 9], amount=[1, 1])
    before = events.copy(deep=True), leads.copy(deep=True)
    check_log(build_log(events, leads, "2025-01-05"))
    pd.testing.assert_frame_equal(events, before[0])
    pd.testing.assert_frame_equal(leads, before[1])


maybe = st.one_of(st.none(), st.sampled_from(["a", "b", "ё"]))
row = st.tuples(maybe, st.one_of(st.none(), st.integers(1, 5)), maybe)
# Of lists that may be short most are.
rows = st.sampled_from([0, 6]).flatmap(lambda n: st.lists(row, min_size=n, max_size=12))


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(rows, st.integers(1, 5), st.randoms())
def test_kept_and_removed_are_read_whatever_the_order(rows, until, shuffler):
    events = events_of(("a", 1, "x"), *rows)
    log = build_log(events, observed_until=f"2025-01-0{until} 12:00")
    assert len(log.events) + log.removed["rows"].sum() == len(events) == log.rows_read
    assert log.events[["lead_id", "at", "action"]].notna().all(axis=None)
    assert not log.events.duplicated().any() and (log.events["at"] <= log.observed_until).all()
    shuffled = shuffler.sample(range(len(events)), len(events))
    again = build_log(events.iloc[shuffled], observed_until=f"2025-01-0{until} 12:00")
    pd.testing.assert_frame_equal(again.events, log.events)
    pd.testing.assert_frame_equal(again.leads, log.leads)
    pd.testing.assert_frame_equal(check_log(again), check_log(log))


def test_closings_told_by_events_are_data_too():
    told = {"status": ["won", "open"], "closed_at": ["2025-01-10", None]}
    at = ["2025-01-01", "2025-01-05"]
    events = pd.DataFrame({"lead_id": ["1", "2"], "at": at, "action": "x", **told})
    log = build_log(events, lead_columns={"status": "last", "closed_at": "last"})
    assert log.leads["status"].tolist() == ["won", "open"]
    assert log.observed_until == pd.Timestamp("2025-01-10", tz="UTC")


def test_columns_of_leads_stay_where_every_row_is_too_late():
    events = pd.DataFrame({"lead_id": ["a"], "at": ["2025-01-01"], "action": ["x"]})
    leads = pd.DataFrame({"lead_id": ["b"], "created_at": ["2026-01-01"], "region": ["north"]})
    log = build_log(events, leads, "2025-06-01")
    assert log.leads["region"].isna().tolist() == [True]


def test_a_few_rows_and_values_are_shown_whatever_their_order():
    rows = pd.DataFrame({"lead_id": ["b", "a"], "at": [None, "2025"], "action": ["x", "y"]})
    assert show_rows(rows) == show_rows(rows[::-1]) == "a · 2025 · y; b · — · x"
    assert show_values(pd.Series(["b", "a", None, "b"])) == "a, b"
    assert show_rows(rows.rename(columns=str.upper)) == ""


def test_bulk_edits_are_those_of_a_slow_loop(monkeypatch):
    monkeypatch.setattr(checks, "BULK_LEADS", 4)
    rng, n = np.random.default_rng(3), 600
    seconds = rng.choice([0, 30, 59, 61, 119, 86_400, 86_430, 90_015], n)
    rows = pd.DataFrame({
        "lead_id": rng.integers(0, 40, n).astype(str), "action": rng.choice(["a", "b", "c"], n),
        "at": pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(seconds, unit="s"),
    })  # fmt: skip
    log = build_log(rows)
    together = {}
    for row in log.events.itertuples():
        if row.at != row.at.normalize():
            together.setdefault((row.at.floor("min"), row.action), set()).add(row.lead_id)
    slow = [
        row.at != row.at.normalize() and len(together[row.at.floor("min"), row.action]) >= 4
        for row in log.events.itertuples()
    ]
    assert find_bulk(log).tolist() == slow and 0 < sum(slow) < len(slow)


DAILY = events_of(*[(f"l{i}", i, "ask") for i in range(1, 41)])


@pytest.mark.parametrize("day", [9_900, 101])
def test_an_act_long_after_all_others_is_no_act_and_no_export_date(day):
    late = events_of(("l7", day, "pay"), ("l8", day, "pay"))
    log = build_log(pd.concat([DAILY, late]))
    assert log.observed_until == DAILY["at"].max().tz_localize("UTC") and len(log.events) == 40
    found = check_log(log).set_index("check").loc["act_far_from_others"]
    assert found["n_rows"] == 2 and found["severity"] == "warning"
    assert found["example"].startswith("l7 · ")


def test_a_gap_is_told_by_days_and_not_by_hours():
    days = pd.Series([0] * 100 + [60] * 3)
    at = pd.Timestamp("2025-01-01 23:30") + pd.to_timedelta(days, "D")
    at[100:] -= pd.Timedelta("23h")
    log = build_log(pd.DataFrame({"lead_id": range(103), "at": at, "action": "call"}))
    assert log.removed[["reason", "rows"]].values.tolist() == [["act_far_from_others", 3]]


@pytest.mark.parametrize(
    ("why", "rows", "until"),
    [
        ("a quiet season", [("l7", 99, "pay")], None),
        ("too many for a typing error", [(f"l{i}", 300, "pay") for i in range(6)], None),
        ("a log of long gaps", [("l7", 70, "pay"), ("l8", 200, "pay")], None),
        ("the day of the export is told", [("l7", 300, "pay")], "2026-01-01"),
    ],
)
def test_late_acts_that_may_be_true_stay(why, rows, until):
    log = build_log(pd.concat([DAILY, events_of(*rows)]), observed_until=until)
    assert len(log.events) == 40 + len(rows)
    assert until or log.observed_until == log.events["at"].max()
    few = pd.concat([DAILY[:20], events_of(("l7", 9_900, "pay"))])
    assert len(build_log(few).events) == 21  # of so few no gap is unusual


def test_far_dates_of_leads_are_unknown_however_many_bear_them():
    leads = leads_of(
        lead_id=[f"l{i}" for i in range(1, 41)], created_at=[*range(1, 40), 9_900],
        closed_at=[9_000] * 20 + [30] * 10 + [9_500] * 10,
        status=["won"] * 20 + ["lost"] * 10 + ["open"] * 10,
    )  # fmt: skip
    log = build_log(DAILY, leads)
    assert log.observed_until == DAILY["at"].max().tz_localize("UTC")
    assert (log.leads["status"] == "won").sum() == 20 and len(log.leads) == 40
    assert log.leads["closed_at"].notna().sum() == 10 and log.leads["created_at"].isna().sum() == 1
    found = check_log(log).set_index("check")
    assert found.loc["date_far_from_others", "n_rows"] == 21
    assert found.loc["closed_without_date", "n_rows"] == 20


def test_a_later_modification_is_the_export_date():
    modified = pd.Series([pd.NaT, pd.Timestamp("2025-02-20")])
    assert build_log(DAILY, modified=modified).observed_until == pd.Timestamp(
        "2025-02-20", tz="UTC"
    )


def test_the_shared_typo_is_no_export_date(root):
    folder = root.parent / "shared" / "cases" / "one_year_typo"
    if not folder.is_dir():
        pytest.skip("../shared is not there")
    log = read_export(folder / "events.csv")
    assert f"{log.observed_until:%Y-%m-%d}" == "2025-06-18"
    found = check_log(log).set_index("check")
    assert found.loc["act_far_from_others", "example"].startswith("5 · 2052-03-01")
