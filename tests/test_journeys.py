"""From events to evidence: what shows a step, who entered when, how each lead ended."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel_lib.audit import build_audit
from funnel_lib.core.errors import InputError
from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import Steps, read_steps
from funnel_lib.core.times import NEVER, first_at, last_at
from funnel_lib.counting.checks import check_asks, check_log
from funnel_lib.counting.reach import count_funnel
from funnel_lib.reading.export import read_export

START = pd.Timestamp("2025-01-01", tz="UTC")
STEPS = Steps(steps=[{"id": "ask"}, {"id": "read"}, {"id": "pay"}], won="pay", lost=["gone"])


def day(number):
    return START + pd.Timedelta(days=number)


def events_of(text, **columns):
    """Events from lines of `lead day action`."""
    rows = [line.split(maxsplit=2) for line in text.strip().splitlines()]
    table = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    return table.assign(at=[day(float(d)) for d in table["at"]], **columns)


def leads_of(**told):
    """Leads from `lead="status day"`; further columns from dicts."""
    rows = [{"lead_id": k, **v} for k, v in told.items()]
    leads = pd.DataFrame(rows)
    if "closed" in leads:
        leads["closed_at"] = [day(d) if pd.notna(d) else pd.NaT for d in leads.pop("closed")]
    return leads


def shown(journeys):
    """The evidence as (lead, step, day), in the order kept."""
    ids = journeys.leads["lead_id"].to_numpy()
    days = (pd.to_datetime(journeys.at, unit="us", utc=True) - START) / pd.Timedelta("1D")
    steps = np.array(journeys.steps.ids)[journeys.step]
    return list(zip(ids[journeys.lead], steps, days, strict=True))


def steps_with(*evidence, **more):
    """Three steps, `read` shown by this evidence."""
    steps = [{"id": "ask"}, {"id": "read", "evidence": list(evidence)}, {"id": "pay"}]
    return Steps(steps=steps, won="pay", **more)


def quality_of(journeys):
    return journeys.quality.set_index("check")["n_rows"].to_dict()


# --- order and packing -----------------------------------------------------------------------


def test_packed_by_lead_time_and_step_order_at_ties():
    log = build_log(events_of("b 1 pay\nb 1 ask\na 2 ask\na 1 read\nb 1 read"))
    journeys = build_journeys(log, STEPS)
    assert shown(journeys) == [
        ("a", "read", 1), ("a", "ask", 2),
        ("b", "ask", 1), ("b", "read", 1), ("b", "pay", 1),
    ]  # fmt: skip
    assert journeys.offsets.tolist() == [0, 2, 5]
    assert journeys.leads["entered_at"].tolist() == [day(1), day(1)]


def test_one_event_may_show_two_steps_and_two_rules_show_it_once():
    steps = Steps(
        steps=[
            {"id": "ask"},
            {"id": "talk", "evidence": ["call", {"action": "call", "where": "minutes > 5"}]},
            {"id": "long", "evidence": [{"action": "ca*", "where": "minutes > 5"}]},
            {"id": "pay"},
        ],
        won="pay",
    )
    journeys = build_journeys(build_log(events_of("a 1 call\na 2 call", minutes=[3, 9])), steps)
    assert shown(journeys) == [("a", "talk", 1), ("a", "talk", 2), ("a", "long", 2)]


def test_select_leads_keeps_whole_journeys():
    log = build_log(events_of("a 1 ask\na 2 send\nb 1 ask\nb 2 read\nc 3 ask\nc 4 send\nc 5 send"))
    steps = Steps(
        steps=[{"id": "ask"}, {"id": "read", "asked_by": ["send"]}, {"id": "pay"}], won="pay"
    )
    journeys = build_journeys(log, steps)
    chosen = select_leads(journeys, np.array([False, True, True]))
    assert shown(chosen) == [("b", "ask", 1), ("b", "read", 2), ("c", "ask", 3)]
    assert chosen.offsets.tolist() == [0, 2, 3]
    assert chosen.ask_lead.tolist() == [1, 1] and chosen.ask_kind.tolist() == [0, 0]
    assert chosen.ask_sets.tolist() == [[False, True, False]]
    # What can be measured is a matter of the whole log, not of the leads chosen.
    one = select_leads(journeys, np.array([True, False, False]))
    assert one.measurable.tolist() == [True, True, False]
    none = select_leads(journeys, np.zeros(3, bool))
    assert len(none.leads) == 0 and none.offsets.tolist() == [0]


def test_first_and_last_times_of_leads():
    lead, at = np.array([0, 0, 2]), np.array([7, 5, -3])
    assert first_at(lead, at, 3).tolist() == [5, NEVER, -3]
    assert last_at(lead, at, 3).tolist() == [7, -NEVER, -3]


# --- evidence --------------------------------------------------------------------------------


def test_glob_shows_a_step_and_an_exact_name_beats_it():
    steps = Steps(
        steps=[{"id": "ask", "evidence": ["in_*"]}, {"id": "pay", "evidence": ["in_money"]}],
        won="pay",
    )
    journeys = build_journeys(build_log(events_of("a 1 in_mail\na 2 in_money\na 3 join")), steps)
    assert shown(journeys) == [("a", "ask", 1), ("a", "pay", 2)]


def test_two_globs_claiming_one_action_are_refused_once_per_action():
    steps = Steps(
        steps=[{"id": "ask", "evidence": ["in_*"]}, {"id": "pay", "evidence": ["*_mail"]}],
        won="pay",
    )
    build_journeys(build_log(events_of("a 1 in_call\na 2 out_mail")), steps)  # no action of both
    with pytest.raises(InputError, match="ask and pay both claim the action 'in_mail'") as caught:
        build_journeys(build_log(events_of("a 1 in_mail\na 2 in_mail")), steps)
    assert len(caught.value.problems) == 1


def test_evidence_after_another_action_counts_at_the_same_moment_too():
    # a: replies on day 1 (before sending), 2 (same moment), 3; b: never sent anything.
    log = build_log(events_of("a 1 in_mail\na 2 in_mail\na 2 send\na 3 in_call\nb 5 in_mail"))
    steps = steps_with({"action": "in_*", "after": "send"})
    assert shown(build_journeys(log, steps)) == [("a", "read", 2), ("a", "read", 3)]


@pytest.mark.parametrize(
    ("where", "days"),
    [
        ("x >= 30", [2, 3]),
        ("x > 30", [3]),
        ("x == 30", [2]),
        ("x != 30", [1, 3]),  # the empty cell of day 4 fits no comparison
        ("x < 30.5", [1, 2]),
        ("x <= 4", [1]),
        ("y == yes", [1, 3]),
        ("y != yes", [2]),
        ("y == 'yes'", [1, 3]),
        ("z >= 9", [3]),  # texts that are numbers are compared as numbers: "10" is above "9"
    ],
)
def test_evidence_with_a_condition_on_a_column(where, days):
    columns = {
        "x": [4, 30, 31, None],
        "y": ["yes", "no", "yes", None],
        "z": ["8", "b", "10", None],
    }
    log = build_log(events_of("a 1 call\na 2 call\na 3 call\na 4 call", **columns))
    found = shown(build_journeys(log, steps_with({"action": "call", "where": where})))
    assert [d for _, _, d in found] == days


def test_condition_on_a_column_of_nullable_numbers():
    minutes = pd.array([4, None], dtype="Int64")
    log = build_log(events_of("a 1 call\na 2 call", minutes=minutes))
    for where, days in (("minutes >= 1", [1]), ("minutes != 5", [1])):
        found = shown(build_journeys(log, steps_with({"action": "call", "where": where})))
        assert [d for _, _, d in found] == days


def test_condition_on_a_column_that_is_not_there_shows_nothing_and_is_noted():
    log = build_log(events_of("a 1 call\na 2 ask"))
    journeys = build_journeys(log, steps_with({"action": "call", "where": "minutes > 1"}))
    assert shown(journeys) == [("a", "ask", 2)]
    assert quality_of(journeys)["no_such_column"] == 2
    assert journeys.measurable.tolist() == [True, False, False]


def test_actions_the_steps_do_not_know_are_counted_and_the_known_are_not():
    log = build_log(events_of("a 1 ask\na 2 huh\na 3 huh\na 4 note\na 5 stage: X\na 6 gone"))
    steps = steps_with("read", ignore=["no*"], lost=["gone"])
    quality = build_journeys(log, steps).quality.set_index("check")
    assert quality.loc["unknown_actions", ["n_rows", "example"]].tolist() == [2, "'huh (2)'"]
    assert quality.loc["not_measurable", ["n_rows", "example"]].tolist() == [2, "read, pay"]


def test_evidence_by_the_managers_word_is_marked():
    log = build_log(events_of("a 1 ask\na 2 field_read\na 3 opened"))
    steps = steps_with("field_read", "opened", self_reported=["field_*"])
    assert build_journeys(log, steps).self_reported.tolist() == [False, True, False]


# --- status ----------------------------------------------------------------------------------


def test_status_from_evidence_where_no_table_tells_it():
    # a paid (twice: sold at the first); b gave up twice (closed at the last); c both: won; d open.
    twice = "a 1 ask\na 3 pay\na 4 pay\nb 1 ask\nb 2 gone\nb 5 gone"
    log = build_log(events_of(twice + "\nc 1 ask\nc 2 gone\nc 6 pay\nd 1 ask"))
    leads = build_journeys(log, STEPS).leads
    assert leads["status"].tolist() == ["won", "lost", "won", "open"]
    assert leads["closed_at"].tolist() == [day(3), day(5), day(6), pd.NaT]
    assert leads["sold_at"].tolist() == [day(3), pd.NaT, day(6), pd.NaT]


def test_leads_table_decides_and_evidence_fills_its_gaps():
    # The table says a is lost although it paid, b is open although it gave up, c says nothing.
    events = events_of("a 1 ask\na 2 pay\nb 1 ask\nb 2 gone\nc 1 ask\nc 4 pay")
    table = leads_of(a={"status": "lost", "closed": 5}, b={"status": "open"}, c={"status": None})
    journeys = build_journeys(build_log(events, table), STEPS)
    assert journeys.leads["status"].tolist() == ["lost", "open", "won"]
    assert journeys.leads["closed_at"].tolist() == [day(5), pd.NaT, day(4)]
    assert ("a", "pay", 2) not in shown(journeys)
    assert quality_of(journeys)["sale_evidence_on_lost"] == 1


def test_lead_with_nothing_but_a_sale_that_does_not_count_never_entered():
    log = build_log(events_of("a 1 pay\nb 1 ask"), leads_of(a={"status": "lost", "closed": 2}))
    journeys = build_journeys(log, STEPS)
    assert journeys.leads["entered_at"].tolist() == [pd.NaT, day(1)]
    assert quality_of(journeys)["never_entered"] == 1


def test_sale_evidence_on_an_open_lead_counts_and_is_noted():
    log = build_log(events_of("a 1 ask\na 2 pay"), leads_of(a={"status": "open"}))
    journeys = build_journeys(log, STEPS)
    assert shown(journeys)[-1] == ("a", "pay", 2)
    assert journeys.leads["sold_at"].isna().all()
    assert quality_of(journeys)["sale_evidence_on_open"] == 1


def test_silence_means_lost_only_where_the_steps_file_says_so():
    # Observed until day 20: silent for more than 10 days since day 9 or before. a: the client was
    # last heard on day 2; b: the manager wrote on day 12; c: paid, but is open in the table; d: no
    # event, created on day 1; e: nothing known; f: day 10, so for ten days and no longer.
    events = events_of("a 1 ask\na 2 ask\nb 1 ask\nb 12 write\nc 1 ask\nc 2 pay\nf 10 ask")
    table = leads_of(a={"status": "open"}, b={"status": "open"}, c={"status": "open"},
                     d={"status": "open"}, e={"status": None}, f={"status": None})  # fmt: skip
    table["created_at"] = [None, None, None, day(1), None, None]
    log = build_log(events, table, observed_until=day(20))
    journeys = build_journeys(log, STEPS)
    assert journeys.leads["status"].tolist() == ["open"] * 6
    assert "silent_is_lost" not in quality_of(journeys)
    journeys = build_journeys(log, STEPS.model_copy(update={"lead_lost_after": "10D"}))
    lost = journeys.leads.set_index("lead_id")["status"] == "lost"
    assert lost.to_dict() == dict.fromkeys("bcef", False) | dict.fromkeys("ad", True)
    assert journeys.leads["closed_at"].tolist()[::3] == [day(12), day(11)]
    assert quality_of(journeys)["silent_is_lost"] == 2


def test_a_time_of_silence_that_is_none_is_refused(tmp_path):
    path = tmp_path / "steps.yml"
    for text in ("90", "soon", "-5D", "0D"):
        path.write_text(f"steps: [{{id: ask}}]\nwon: ask\nlead_lost_after: {text}\n")
        with pytest.raises(InputError, match=r"lead_lost_after.*90D"):
            read_steps(path)


def test_when_a_won_lead_was_sold():
    # a: paid on day 2, before it was closed; b: no date told, paid on day 3; c: neither, last event
    # on day 5;
    # d: won, but nothing ever happened: nobody knows when.
    events = events_of("a 1 ask\na 2 pay\nb 1 ask\nb 3 pay\nb 4 x\nc 1 ask\nc 5 x")
    table = leads_of(
        a={"status": "won", "closed": 9}, b={"status": "won"}, c={"status": "won"},
        d={"status": "won"},
    )  # fmt: skip
    journeys = build_journeys(build_log(events, table), STEPS)
    assert journeys.leads["sold_at"].tolist() == [day(2), day(3), day(5), pd.NaT]
    assert quality_of(journeys)["won_without_evidence"] == 2


def test_lead_closed_after_the_export_is_open():
    table = leads_of(a={"status": "lost", "closed": 9}, b={"status": "lost", "closed": 8})
    log = build_log(events_of("a 1 ask\nb 1 ask"), table, observed_until=day(8))
    assert build_journeys(log, STEPS).leads["status"].tolist() == ["open", "lost"]


def test_what_happens_after_the_export_decides_nothing():
    log = build_log(events_of("a 1 ask\na 9 pay\nb 1 ask\nb 9 gone"), observed_until=day(8))
    assert build_journeys(log, STEPS).leads["status"].tolist() == ["open", "open"]


# --- after closing ---------------------------------------------------------------------------


def test_after_a_loss_nothing_is_a_step_before_the_sale():
    # a is lost on day 3: what it read on day 3 counts, on day 4 not. b was won on day 3, and what
    # it did later counts: dates of sales are often entered late or early. Of c nobody knows when it
    # was lost; d is open.
    steps = Steps(steps=[*STEPS.steps, {"id": "thanks"}], won="pay")
    text = "a 1 ask\na 3 read\na 4 read\nb 1 ask\nb 4 read\nb 5 pay\nb 6 read\nb 7 thanks"
    log = build_log(
        events_of(text + "\nc 1 ask\nc 9 read\nd 1 ask\nd 9 read"),
        leads_of(
            a={"status": "lost", "closed": 3}, b={"status": "won", "closed": 3},
            c={"status": "lost", "closed": None}, d={"status": "open", "closed": None},
        ),
    )  # fmt: skip
    journeys = build_journeys(log, steps)
    assert shown(journeys) == [
        ("a", "ask", 1), ("a", "read", 3),
        ("b", "ask", 1), ("b", "read", 4), ("b", "pay", 5), ("b", "read", 6), ("b", "thanks", 7),
        ("c", "ask", 1), ("c", "read", 9), ("d", "ask", 1), ("d", "read", 9),
    ]  # fmt: skip
    assert quality_of(journeys)["acts_after_closing"] == 1  # a's last reading


def test_a_lead_that_only_acted_after_closing_never_entered():
    log = build_log(events_of("a 4 ask\nb 1 ask"), leads_of(a={"status": "lost", "closed": 3}))
    journeys = build_journeys(log, STEPS)
    assert journeys.leads["entered_at"].tolist() == [pd.NaT, day(1)]


def test_a_step_shown_only_after_closing_is_not_measurable():
    log = build_log(events_of("a 1 ask\na 4 read"), leads_of(a={"status": "lost", "closed": 3}))
    assert build_journeys(log, STEPS).measurable.tolist() == [True, False, False]


def test_acts_after_closing_are_the_clients():
    # After the loss of day 2 the client chats and reads, the manager writes and says it has read.
    # What a won client does later is no wonder.
    rows = [
        ("a 1 ask", "client"), ("a 3 chat", "client"), ("a 3 read", "client"),
        ("a 3 mail", "manager"), ("a 4 told", "manager"), ("b 1 ask", "client"),
        ("b 3 chat", "client"), ("b 3 ask", "client"), ("c 5 chat", "client"),
    ]  # fmt: skip
    events = events_of("\n".join(row for row, _ in rows), actor=[actor for _, actor in rows])
    table = leads_of(
        a={"status": "lost", "closed": 2}, b={"status": "won", "closed": 2}, c={"status": "open"}
    )
    steps = steps_with("read", "told", self_reported=["told"])
    journeys = build_journeys(build_log(events, table), steps)
    found = journeys.quality.set_index("check").loc["acts_after_closing"]
    # a: chat, read, and the word of the manager, which is left out, too.
    assert found["n_rows"] == 3 and found["share_of_rows"] == 3 / 9
    assert (found["severity"], found["example"]) == ("warning", "a")
    assert shown(journeys) == [("a", "ask", 1), ("b", "ask", 1), ("b", "ask", 3)]


@pytest.mark.parametrize(
    ("rows", "status", "closed", "acts"),  # acts after the loss
    [
        ("a 3 read client", "open", None, 1),  # acts later: open again
        ("a 3 chat client\na 4 read client", "open", None, 2),  # so does what is no step
        ("a 3 mail manager", "lost", 2, 0),  # an act of the manager is none
        ("a 3 told manager", "lost", 2, 1),  # nor is the manager's word: it is left out
        ("a 2 read client", "lost", 2, 0),  # at the same moment, not later
        ("a 1.5 read client", "lost", 2, 0),
        ("a 3 read client\na 4 gone manager", "lost", 4, 0),  # and lost again
        ("a 3 gone client", "lost", 3, 0),  # saying no twice opens nothing
        ("a 3 pay client", "won", 3, 0),
        # Whose act it is is not told: a day later it is the client's; before that it may be the
        # system that finishes its work, and shows a step of one who is lost.
        ("a 3 read ?", "open", None, 1),
        ("a 2.75 read ?", "lost", 2, 1),
        ("a 4 chat ?", "lost", 2, 0),
    ],
)
def test_a_lead_lost_by_evidence_is_open_again_where_its_client_acts_later(
    rows, status, closed, acts
):
    rows = [line.rsplit(maxsplit=1) for line in f"a 1 ask client\na 2 gone ?\n{rows}".splitlines()]
    actors = [None if actor == "?" else actor for _, actor in rows]
    steps = steps_with("read", "told", self_reported=["told"], lost=["gone"])
    log = build_log(events_of("\n".join(row for row, _ in rows), actor=actors))
    journeys = build_journeys(log, steps)
    assert journeys.leads["status"].tolist() == [status]
    assert journeys.leads["closed_at"].tolist() == [pd.NaT if closed is None else day(closed)]
    found = quality_of(journeys)
    assert found.get("reopened", 0) == (status == "open")
    assert found.get("acts_after_closing", 0) == acts
    taken = [("a", step, float(at)) for _, at, step in (row.split() for row, _ in rows)]
    taken = [t for t in taken if t[1] in steps.ids]
    assert shown(journeys) == sorted(taken, key=lambda t: (t[2], steps.ids.index(t[1])))


def test_a_lead_that_a_table_calls_lost_stays_lost():
    table = leads_of(a={"status": "lost", "closed": 2}, b={"status": None, "closed": None})
    events = events_of("a 1 ask\na 2 gone\na 3 read\nb 1 ask\nb 2 gone\nb 3 read")
    journeys = build_journeys(build_log(events, table), STEPS)
    assert journeys.leads["status"].tolist() == ["lost", "open"]
    found = journeys.quality.set_index("check")
    assert found.loc["reopened", ["n_rows", "severity", "example"]].tolist() == [1, "info", "b"]
    assert shown(journeys) == [
        ("a", "ask", 1), ("b", "ask", 1), ("b", "read", 3),
    ]  # fmt: skip


# --- asks ------------------------------------------------------------------------------------

ASKS = """\
steps:
  - {id: ask}
  - id: read
    asked_by:
      - send
      - {action: "call*", after: send}
  - id: pay
    asked_by: [bill, "call*"]
won: pay
"""


def test_asks_are_kept_with_the_steps_they_ask_for(tmp_path):
    (tmp_path / "steps.yml").write_text(ASKS, encoding="utf-8")
    steps = read_steps(tmp_path / "steps.yml")
    # The first call came before anything was sent, so that it asks for paying alone; the second for
    # both; the other two for one each.
    text = "a 1 ask\na 2 call one\na 3 send\na 4 call two\na 5 bill\na 6 recall"
    journeys = build_journeys(build_log(events_of(text)), steps)
    days = (pd.to_datetime(journeys.ask_at, unit="us", utc=True) - START) / pd.Timedelta("1D")
    asked = {
        at: [steps.ids[code] for code in np.flatnonzero(journeys.ask_sets[kind])]
        for at, kind in zip(days, journeys.ask_kind, strict=True)
    }
    assert asked == {2: ["pay"], 3: ["read"], 4: ["read", "pay"], 5: ["pay"]}
    assert journeys.ask_sets.any(axis=0).tolist() == [False, True, True]
    unseen = build_journeys(build_log(events_of("a 1 ask\na 2 bill")), steps)
    assert unseen.ask_sets.any(axis=0).tolist() == [False, False, True]


def test_what_clients_did_themselves_is_no_ask_and_is_named_with_its_line(tmp_path):
    path = tmp_path / "steps.yml"
    path.write_text(ASKS, encoding="utf-8")
    steps = read_steps(path)
    rows = [
        ("a 1 ask", "client"), ("a 2 send", "client"), ("a 3 send", "manager"),
        ("a 4 call in", "client"), ("a 5 call in", "client"), ("a 6 bill", "manager"),
    ]  # fmt: skip
    events = events_of("\n".join(row for row, _ in rows), actor=[actor for _, actor in rows])
    log = build_log(events)
    (found,) = check_asks(log, steps, str(path)).to_dict("records")
    assert (found["check"], found["severity"]) == ("asked_by_client", "warning")
    # One was sent by the client, two calls are named twice: 1 + 2 + 2.
    assert found["n_rows"] == 5
    assert found["example"] == (
        "line 5: read: send (1), line 6: read: call* (2), line 8: pay: call* (2)"
    )
    (found,) = check_asks(log, steps, "").to_dict("records")  # steps without a file
    assert found["example"] == "read: send (1), read: call* (2), pay: call* (2)"
    assert check_asks(build_log(events.assign(actor="manager")), steps, str(path)).empty
    # The audit says so, too.
    events.to_csv(tmp_path / "events.csv", index=False)
    audit = build_audit(tmp_path / "events.csv", steps=path, segments="none")
    quality = audit.tables["quality"].set_index("check")
    assert quality.loc["asked_by_client", "example"].startswith("line 5: read: send (1), line 6")


# --- entry -----------------------------------------------------------------------------------


def test_entry_is_the_earliest_evidence_of_any_step_before_the_sale():
    # a begins with `read`; b shows only a step after the sale; c only an unknown action.
    steps = Steps(steps=[*STEPS.steps, {"id": "thanks"}], won="pay")
    log = build_log(events_of("a 2 read\na 3 ask\nb 1 thanks\nc 1 what"))
    assert build_journeys(log, steps).leads["entered_at"].tolist() == [day(2), pd.NaT, pd.NaT]


# --- other deals -----------------------------------------------------------------------------

AGAIN = Steps(
    steps=[
        {"id": "ask"},
        {"id": "pay"},
        {"id": "again", "evidence": ["again", {"action": "pay", "other_deal": True}]},
    ],
    won="pay",
    lost=["gone"],
)


def test_other_deals_of_the_account_show_repeat_orders():
    # Account X: a sold on day 2, b on day 5, c (day 9) on an account of its own, d on none.
    events = events_of("a 1 ask\na 2 pay\nb 4 ask\nb 5 pay\nc 8 ask\nc 9 pay\nd 1 ask\nd 3 pay")
    table = leads_of(
        a={"account_id": "X"}, b={"account_id": "X"}, c={"account_id": "Y"}, d={"account_id": None}
    )
    journeys = build_journeys(build_log(events, table), AGAIN)
    # b's sale is a's repeat order; a's sale came before b's, so it is none of b's.
    assert [row for row in shown(journeys) if row[1] == "again"] == [("a", "again", 5)]


def test_other_deals_show_nothing_for_leads_not_won_and_lost_sales_are_no_repeat_orders():
    # a is won; b is open (its account's other sales do not concern it); c paid but is lost: that
    # evidence is left out everywhere.
    events = events_of("a 1 ask\na 2 pay\nb 1 ask\nc 3 ask\nc 4 pay")
    table = leads_of(
        a={"account_id": "X", "status": "won", "closed": 2},
        b={"account_id": "X", "status": "open"},
        c={"account_id": "X", "status": "lost", "closed": 5},
    )
    journeys = build_journeys(build_log(events, table), AGAIN)
    assert [row for row in shown(journeys) if row[1] == "again"] == []


# --- properties ------------------------------------------------------------------------------

ROW = st.tuples(
    st.sampled_from("abcd"), st.integers(0, 4), st.sampled_from(["ask", "read", "pay", "gone"])
)
# Of lists that may be short most are.
ROWS = st.sampled_from([1, 8]).flatmap(lambda n: st.lists(ROW, min_size=n, max_size=20))


@settings(deadline=None, max_examples=15, derandomize=True)
@given(ROWS, st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(rows, random):
    def journeys(rows):
        return build_journeys(
            build_log(events_of("\n".join(f"{a} {b} {c}" for a, b, c in rows))), STEPS
        )

    shuffled = rows.copy()
    random.shuffle(shuffled)
    one, other = journeys(rows), journeys(shuffled)
    pd.testing.assert_frame_equal(one.leads, other.leads)
    pd.testing.assert_frame_equal(one.quality, other.quality)
    for part in ("offsets", "step", "at", "self_reported"):
        assert getattr(one, part).tolist() == getattr(other, part).tolist()


@settings(deadline=None, max_examples=15, derandomize=True)
@given(ROWS, st.integers(-30_000, 3_000))  # back to 1942: times before 1970 are negative numbers
def test_shifting_all_times_changes_nothing_but_times(rows, shift):
    events = events_of("\n".join(f"{a} {b} {c}" for a, b, c in rows))
    moved = events.assign(at=events["at"] + pd.Timedelta(days=shift))
    one, other = (build_journeys(build_log(e), STEPS) for e in (events, moved))
    assert one.step.tolist() == other.step.tolist()
    assert one.leads["status"].tolist() == other.leads["status"].tolist()
    for column in ("entered_at", "sold_at", "closed_at"):
        later = one.leads[column] + pd.Timedelta(days=shift)
        pd.testing.assert_series_equal(later, other.leads[column])
    for rule in ("passed", "ordered", "any"):
        pd.testing.assert_frame_equal(*(count_funnel(j, rule, "2D") for j in (one, other)))


def test_a_closing_day_ends_with_the_day():
    events = pd.DataFrame({
        "lead_id": ["a", "a", "b"], "action": ["ask", "read", "ask"], "actor": "client",
        "at": ["2025-01-03 09:10", "2025-01-03 14:20", "2025-01-04 11:30"],
    })  # fmt: skip
    leads = pd.DataFrame({"lead_id": ["a", "b"], "status": ["won", "open"],
                          "created_at": ["2025-01-03 09:00", "2025-01-04 11:00"],
                          "closed_at": ["2025-01-03", None]})  # fmt: skip
    log = build_log(events, leads)
    journeys = build_journeys(log, Steps(steps=[{"id": "ask"}, {"id": "read"}, {"id": "pay"}],
                                         won="pay"))  # fmt: skip
    assert journeys.leads["sold_at"][0] == pd.Timestamp("2025-01-03 23:59:59", tz="UTC")
    assert "closed_before_created" not in set(check_log(log)["check"])
    assert "sale_before_first_step" not in set(journeys.quality["check"])


def test_the_shared_acts_after_a_loss_are_told(root):
    folder = root.parent / "shared" / "cases" / "acts_after_lost"
    if not folder.is_dir():
        pytest.skip("../shared is not there")
    journeys = build_journeys(read_export(folder / "events.csv"), read_steps(folder / "steps.yml"))
    found = journeys.quality.set_index("check")
    assert found.loc["acts_after_closing", "example"] == "lost_then_reply"
    status = journeys.leads.set_index("lead_id")["status"]
    assert status["lost_then_reply"] == "open" and status["plain_lost"] == "lost"
