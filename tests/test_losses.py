"""Where leads are lost, and were they asked: by hand, against loops, against planted truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from habits import make_world
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import Evidence, Step, Steps, parse_steps
from funnel_lib.counting.asked import ASKED
from funnel_lib.counting.leads import list_leads
from funnel_lib.counting.tree import find_places
from funnel_lib.datasets.planted import plant_log
from funnel_lib.datasets.worlds import WORLDS
from funnel_lib.sections.losses.count import count_alike, count_losses
from funnel_lib.sections.necessity.count import count_necessity
from funnel_lib.sections.open_leads.count import list_open_leads
from funnel_lib.sections.paths.segments import find_segments

START = pd.Timestamp("2025-01-01", tz="UTC")
STEPS = Steps(
    steps=[
        {"id": "ask"},
        {"id": "read", "asked_by": ["send"]},
        {"id": "sign", "asked_by": ["draft", "remind"]},
        {"id": "pay", "asked_by": ["bill"]},
        {"id": "launch"},
    ],
    won="pay",
    lost=["gone"],
    stages={"Sent": "read", "Signing": "sign", "Launched": "launch"},
    self_reported=["field"],
)
EVERYTHING = "z 1 ask\nz 2 read\nz 3 sign\nz 4 pay\nz 1 send\nz 1 draft\nz 1 bill"  # a full sale


def log_of(text, until=30, leads=None, **columns):
    rows = [line.split(maxsplit=2) for line in text.strip().splitlines()]
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"]).assign(**columns)
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    if leads is not None:
        leads = pd.DataFrame(leads)
        for name in {"closed_at", "created_at"} & set(leads):
            leads[name] = START + pd.to_timedelta(leads[name].astype(float), unit="D")
    return build_log(events, leads, START + pd.Timedelta(days=until))


def one_path(journeys, path, optional=()):
    """All leads on one path."""
    everybody = journeys.leads["entered_at"].notna().to_numpy(float)[:, None]
    return Segmentation(journeys.steps.before_sale, ("all",), (path,), (optional,), everybody)


def missed_of(log, steps=STEPS, path=None, optional=()):
    """Each lead's (last step, missed step, asked)."""
    journeys = build_journeys(log, steps)
    found = one_path(journeys, path or steps.before_sale, optional) if path or optional else None
    places = find_places(journeys, found)
    ids, words = [*steps.before_sale, None], [*ASKED, None]
    missed = [None, *(node.missed for node in places.tree.nodes)]
    parts = zip(places.last, places.node, places.asked, strict=True)
    rows = [(ids[last], missed[node], words[asked]) for last, node, asked in parts]
    ids, of_lead = journeys.leads["lead_id"], places.counted.of_lead
    return {lead: rows[walk] for lead, walk in zip(ids, of_lead, strict=True)}


# --- by hand: the missed step ----------------------------------------------------------------


def test_missed_is_the_step_after_the_furthest_and_gaps_are_unseen():
    log = log_of(
        EVERYTHING + "\na 1 ask\na 2 gone\nb 1 ask\nb 2 sign\nb 3 gone\nc 1 what\nc 2 gone"
    )
    found = missed_of(log)
    assert found["a"][:2] == ("ask", "read")
    assert found["b"][:2] == ("sign", "pay")  # read was passed
    assert found["c"] == (None, None, None)  # never entered: stands nowhere
    assert found["z"] == ("pay", None, None)


def test_optional_steps_are_never_missed():
    steps = [s.model_copy(update={"optional": s.id == "read"}) for s in STEPS.steps]
    log = log_of(EVERYTHING + "\na 1 ask\na 2 gone\nb 1 ask\nb 2 read\nb 3 gone")
    found = missed_of(log, STEPS.model_copy(update={"steps": tuple(steps)}))
    assert (found["a"][1], found["b"][:2]) == ("sign", ("read", "sign"))
    found = missed_of(log, optional=("read", "sign"))
    assert (found["a"][1], found["b"][1]) == ("pay", "pay")
    journeys = build_journeys(log, STEPS)
    table = count_losses(journeys, one_path(journeys, STEPS.before_sale, ("read",)))
    assert table["missed_step"].tolist() == ["ask", "sign", "pay"]


def test_step_without_any_evidence_is_never_called_missed_but_the_sale_is():
    log = log_of("a 1 ask\na 2 gone\nb 1 ask\nb 2 sign\nb 3 gone")  # nobody reads or pays
    found = missed_of(log)
    assert found["a"][1] == "sign" and found["b"][1] == "pay"
    table = count_losses(build_journeys(log, STEPS))
    assert table["missed_step"].tolist() == ["ask", "sign", "pay"]
    assert table["n_lost"].tolist() == [0, 1, 1]


def test_won_leads_miss_nothing_even_if_they_never_entered():
    leads = {"lead_id": ["a", "b"], "status": "won", "closed_at": [5, 5]}
    found = missed_of(log_of("a 1 ask\nb 1 what", leads=leads))
    assert found == {"a": ("pay", None, None), "b": (None, None, None)}


def test_path_of_a_segment_has_its_own_order():
    log = log_of(EVERYTHING + "\na 1 sign\na 2 gone\nb 1 read\nb 2 gone")
    found = missed_of(log, path=("ask", "sign", "read", "pay"))
    assert found["a"][:2] == ("sign", "read") and found["b"][:2] == ("read", "pay")


# --- by hand: asked --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asks", "answer"),
    [
        ("", "no"),
        ("a 3 draft", "yes"),
        ("a 3 remind", "yes"),  # any of its actions
        ("a 3 bill", "no"),  # asks for another step
        ("a 0.5 draft", "no"),  # before it entered
        ("a 1 draft", "yes"),  # at the moment of entry
        ("a 1.5 draft", "yes"),  # ahead of the last step
        ("a 5 draft", "yes"),  # at the moment of closing
        ("a 6 draft", "no"),  # after closing
        ("a 0.5 draft\na 3 remind", "yes"),
    ],
)
def test_asked_is_from_entry_to_closing(asks, answer):
    # a reads on day 2 (again on day 4, which changes nothing) and is lost on day 5.
    log = log_of(f"{EVERYTHING}\na 1 ask\na 2 read\na 4 read\na 5 gone\n{asks}")
    assert missed_of(log)["a"] == ("read", "sign", answer)


def test_asked_is_unknown_where_nobody_could_be_seen_asking():
    # `ask` has no asked_by; `draft` and `remind` occur nowhere in the log, `send` with z only.
    text = "z 1 ask\nz 2 read\nz 3 sign\nz 1 send\na 1 read\na 2 gone\nb 1 ask\nb 2 gone"
    found = missed_of(log_of(text))
    assert found["a"] == ("read", "sign", "unknown")
    assert found["b"] == ("ask", "read", "no")
    # c begins with reading, which is not the first step of its path.
    found = missed_of(log_of(text + "\nc 1 read\nc 2 gone"), path=("ask", "sign", "pay"))
    assert found["c"] == (None, "ask", "unknown")


def test_open_leads_are_asked_until_the_export():
    found = missed_of(log_of(EVERYTHING + "\na 1 ask\na 29 send\nb 1 ask"))
    assert found["a"] == ("ask", "read", "yes") and found["b"] == ("ask", "read", "no")


def test_a_step_that_a_path_has_twice_may_be_asked_for_at_any_time():
    # Path ask > read > ask > sign: the draft comes before the second asking.
    path = ("ask", "read", "ask", "sign", "pay")
    text = EVERYTHING + "\na 1 ask\na 2 read\na 4 ask\na 9 gone"
    assert missed_of(log_of(text), path=path)["a"] == ("ask", "sign", "no")
    found = missed_of(log_of(text + "\na 3 draft"), path=path)
    assert found["a"] == ("ask", "sign", "yes")


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("a 2 both", ("ask", "read", "yes")),
        ("a 2 both\na 3 read", ("read", "sign", "no")),  # it was asked for reading
        ("a 3 read\na 4 both", ("read", "sign", "yes")),
        ("a 3 read\na 3 both", ("read", "sign", "no")),  # not read yet at that moment
        ("a 3 sign\na 4 both", ("sign", "pay", "no")),  # nothing is left to ask for
    ],
)
def test_an_action_that_asks_for_two_steps_counts_for_the_first_not_taken(rows, found):
    steps = [
        step.model_copy(update={"asked_by": (*step.asked_by, Evidence(action="both"))})
        if step.id in ("read", "sign")
        else step
        for step in STEPS.steps
    ]
    log = log_of(f"{EVERYTHING}\na 1 ask\n{rows}\na 9 gone")
    assert missed_of(log, STEPS.model_copy(update={"steps": tuple(steps)}))["a"] == found


# --- by hand: the table of losses ------------------------------------------------------------


def test_losses_by_step_and_currency_are_never_summed_together():
    text = "a 1 ask\na 2 send\nb 1 ask\nc 1 ask\nc 2 read\nd 1 ask\ne 1 ask\nf 1 what\ng 1 sign"
    leads = {
        "lead_id": [*"abcdefg"],
        "status": ["lost", "lost", "lost", "open", "lost", "lost", "won"],
        "closed_at": [5, 5, 5, None, 5, 5, 5],
        "amount": [100, 10, 7, 1000, None, 500, 900],
        "currency": ["RUB", "USD", "RUB", "RUB", "RUB", "RUB", "RUB"],
    }
    table = count_losses(build_journeys(log_of(text, leads=leads), STEPS))
    assert table.columns.tolist() == [
        *("segment", "missed_step", "n_lost", "n_asked", "n_not_asked", "n_unknown"),
        *("share_of_lost", "share_of_entered", "amount_lost", "currency", "node"),
    ]
    table = table.drop(columns="node")
    rows = table.set_index(["missed_step", "currency"])
    # read is missed by a (asked), e (not asked, no amount) in RUB and by b (not asked) in USD;
    # sign by c, and nobody ever sent a draft. f never entered. d is open, g won.
    assert rows.loc[("read", "RUB")].tolist()[1:] == [2, 1, 1, 0, 2 / 4, 2 / 6, 100]
    assert rows.loc[("read", "USD")].tolist()[1:] == [1, 0, 1, 0, 1 / 4, 1 / 6, 10]
    assert rows.loc[("sign", "RUB")].tolist()[1:] == [1, 0, 0, 1, 1 / 4, 1 / 6, 7]
    assert rows.loc[("sign", "USD")].tolist()[1:] == [0, 0, 0, 0, 0, 0, 0]
    assert len(table) == 8 and table["share_of_lost"].sum() == 1


def test_losses_without_any_currency_or_amount():
    table = count_losses(build_journeys(log_of(EVERYTHING + "\na 1 ask\na 2 gone"), STEPS))
    assert table["n_lost"].tolist() == [0, 1, 0, 0] and set(table["currency"]) == {""}
    assert table["amount_lost"].tolist() == [0, 0, 0, 0]


def test_losses_of_segments_are_of_whole_leads_behind_the_fork():
    # s1 reads, s2 signs at once. Lost: a at the fork, b (surely s1) at signing, c (s1 by 0.6) as
    # well; d on s2 before the sale; e, on s2, read: that is no step of its path.
    text = "\na 1 ask\na 5 gone\nb 1 read\nb 5 gone\nc 1 read\nc 2 draft\nc 5 gone"
    text += "\nd 1 sign\nd 5 gone\ne 1 ask\ne 2 read\ne 5 gone"
    journeys = build_journeys(log_of(EVERYTHING + text), STEPS)
    paths = ("ask", "read", "sign", "pay"), ("ask", "sign", "pay")
    weights = np.array([[0.5, 0.5], [1, 0], [0.6, 0.4], [0, 1], [0, 1], [1, 0]])
    found = Segmentation(STEPS.before_sale, ("s1", "s2"), paths, ((), ()), weights)
    table = count_losses(journeys, found)
    names = ["segment", "node", "missed_step", "n_lost", "n_asked", "n_not_asked"]
    assert table[names].values.tolist() == [
        ["all", 1, "ask", 0, 0, 0],
        ["all", 2, "read | sign", 2, 0, 2],  # a, e
        ["all", 3, "sign", 2, 1, 1],  # b, c
        ["all", 4, "pay", 0, 0, 0],
        ["all", 5, "pay", 1, 0, 1],  # d
        ["s1", 3, "sign", 2, 1, 1],
        ["s1", 4, "pay", 0, 0, 0],
        ["s2", 5, "pay", 1, 0, 1],
    ]
    # Of all five lost and six that entered; of s1 two lost and three (z, too) that came so far.
    assert table["share_of_lost"].tolist() == [0, 0.4, 0.4, 0, 0.2, 1, 0, 1]
    assert table["share_of_entered"].tolist() == pytest.approx(
        [0, 2 / 6, 2 / 6, 0, 1 / 6, 2 / 3, 0, 1]
    )


def test_an_empty_segment_loses_nothing_and_keeps_its_rows():
    journeys = build_journeys(log_of(EVERYTHING + "\na 1 ask\na 2 gone"), STEPS)
    paths = (STEPS.before_sale, ("ask", "sign", "pay"))
    weights = np.array([[1.0, 0], [1, 0]])
    found = Segmentation(STEPS.before_sale, ("s1", "s2"), paths, ((), ()), weights)
    counts = ["n_lost", "n_asked", "n_not_asked", "n_unknown", "amount_lost"]
    table = count_losses(journeys, found)
    empty = table[table["segment"] == "s2"]
    assert empty["missed_step"].tolist() == ["pay"]  # behind the fork: read | sign
    assert (empty[counts] == 0).all(axis=None)
    assert empty[["share_of_lost", "share_of_entered"]].isna().all(axis=None)
    nobody = count_losses(select_leads(journeys, np.zeros(2, bool)))
    assert nobody["missed_step"].tolist() == ["ask", "read", "sign", "pay"]
    assert (nobody[counts] == 0).all(axis=None)
    assert nobody[["share_of_lost", "share_of_entered"]].isna().all(axis=None)
    necessity = count_necessity(journeys, found)
    empty = necessity[necessity["segment"] == "s2"]
    assert (empty[["n_won", "n_won_with_evidence"]] == 0).all(axis=None) and len(empty) == 4


# --- by hand: necessity ----------------------------------------------------------------------


def test_necessity_is_of_buyers_that_entered():
    steps = STEPS.model_dump() | {"steps": [
        {"id": "ask"}, {"id": "read", "evidence": ["read", "field"]}, {"id": "dark"}, {"id": "pay"},
    ], "stages": {}}  # fmt: skip
    # a and b bought and read, b by the manager's word alone (a by both); c bought without; d was
    # won with no evidence at all: it never entered; e is lost.
    text = "a 1 ask\na 2 read\na 2 field\na 3 pay\nb 1 ask\nb 2 field\nc 1 ask\nd 1 what\ne 1 read"
    leads = {"lead_id": [*"abcde"], "status": ["won"] * 4 + ["lost"], "closed_at": [5] * 5}
    table = count_necessity(build_journeys(log_of(text, leads=leads), Steps(**steps)))
    table = table.set_index("step")
    assert table["n_won"].tolist() == [3, 3, 3, 3]
    assert table["n_won_with_evidence"].tolist() == [3, 2, 0, 1]
    assert table["share"].drop("dark").tolist() == [1, 2 / 3, 1 / 3]
    assert np.isnan(table.loc["dark", "share"])  # not measurable
    assert table.loc["read", "self_reported_share"] == 1 / 2


def test_a_step_is_asked_of_buyers_whose_path_has_it():
    # Bought: z and a on s1, b on s2, whose path has no reading, and c, of s1 by 0.6. a never read,
    # b did all the same. Nobody has to be called: of that all are asked.
    steps = STEPS.model_copy(update={"steps": (*STEPS.steps[:3], Step(id="call"), STEPS.steps[3])})
    text = "\na 1 ask\na 4 pay\nb 1 ask\nb 2 read\nb 4 pay\nc 1 read\nc 2 call\nc 4 pay"
    journeys = build_journeys(log_of(EVERYTHING + text), steps)
    paths = ("ask", "read", "sign", "pay"), ("ask", "sign", "pay")
    weights = np.array([[1, 0], [0, 1], [0.6, 0.4], [1, 0]])
    found = Segmentation(steps.before_sale, ("s1", "s2"), paths, ((), ()), weights)
    table = count_necessity(journeys, found).set_index(["segment", "step"])
    counts = table[["n_won", "n_won_with_evidence"]]
    assert counts.loc["all"].T.to_dict("list") == {
        "ask": [4, 3], "read": [3, 2], "sign": [4, 1], "call": [4, 1], "pay": [4, 4],
    }  # fmt: skip
    # A segment's own buyers are asked of every step.
    assert counts.loc["s1"].T.to_dict("list") == {
        "ask": [3, 2], "read": [3, 2], "sign": [3, 1], "call": [3, 1], "pay": [3, 3],
    }  # fmt: skip
    assert counts.loc["s2"].T.to_dict("list") == {
        "ask": [1, 1], "read": [1, 1], "sign": [1, 0], "call": [1, 0], "pay": [1, 1],
    }  # fmt: skip


# --- by hand: the lists of leads -------------------------------------------------------------


def test_stage_is_the_last_one_and_ahead_where_its_step_lies_beyond():
    text = "a 1 ask\na 2 stage: Sent\na 3 stage: Signing\nb 1 ask\nb 2 sign\nb 3 stage: Sent"
    text += "\nc 1 ask\nc 2 stage: Launched\nd 1 ask\nd 2 stage: Huh\ne 1 ask\ne 4 stage: Launched"
    leads = {
        "lead_id": [*"abcdef"],
        "status": ["open", "open", "lost", "open", "won", "open"],
        "closed_at": [None, None, 5, None, 3, None],
        "stage": ["Sent", None, None, None, None, "Sent"],
    }
    log = log_of(text, leads=leads)
    table = list_leads(log, build_journeys(log, STEPS)).set_index("lead_id")
    assert table["stage"].tolist() == ["Signing", "Sent", "Launched", "Huh", "Launched", "Sent"]
    # c stands at a stage after the sale and never bought; e did buy; f never entered.
    assert table["stage_ahead"].tolist() == [True, False, True, False, False, True]
    assert table["stage_ahead"].dtype == bool
    assert table.loc["f", ["segment", "last_step"]].isna().all()
    assert np.isnan(table.loc["f", "probability"]) and table.loc["a", "probability"] == 1
    assert table.loc["f", ["likely", "missed_step", "asked", "node", "tree_segment"]].isna().all()


def test_further_columns_of_the_leads_are_kept_whatever_they_are_called():
    leads = {"lead_id": ["a"], "segment": ["B2B"], "asked": [1], "region": ["north"], "node": ["x"]}
    log = log_of("a 1 ask", leads=leads)
    journeys = build_journeys(log, STEPS)
    table = list_leads(log, journeys)
    assert table.columns.is_unique
    own = ["segment_in_export", "asked_in_export", "region", "node_in_export"]
    assert table[["segment", "node", *own]].values.tolist() == [["all", 2, "B2B", 1, "north", "x"]]
    assert len(list_open_leads(log, journeys, table)) == 1


def test_open_leads_are_listed_as_a_team_works_through_them():
    # Observed until day 30. a was asked on day 9; b, c, d were not, d has no amount; e cannot be
    # told (no asked_by of `ask`) and never entered; f is lost.
    text = (
        EVERYTHING + "\na 1 ask\na 9 send\nb 2 ask\nc 3 ask\nc 6 chat\nd 4 ask\ne 5 what\nf 1 ask"
    )
    actors = {"chat": "client", "send": "manager", "what": "manager"}
    actor = [actors.get(line.split()[2]) for line in text.splitlines()]
    leads = {
        "lead_id": [*"abcdefz"],
        "status": ["open"] * 5 + ["lost", "won"],
        "closed_at": [None] * 5 + [5, 5],
        "amount": [900, 10, 20, None, 50, 70, 1],
        "created_at": [0] * 7,
        "manager": ["Anna"] * 7,
    }
    log = log_of(text, leads=leads, actor=actor)
    journeys = build_journeys(log, STEPS)
    table = list_open_leads(log, journeys, list_leads(log, journeys))
    assert table["lead_id"].tolist() == ["c", "b", "d", "e", "a"]
    assert table["asked"].tolist() == ["no", "no", "no", "unknown", "yes"]
    assert table["next_step"].tolist() == ["read", "read", "read", "ask", "read"]
    # Since the client's last act: c chatted on day 6, a asked on day 1 (what the manager did later
    # is no act of the client); e was never heard of: since it was created on day 0.
    assert table["days_silent"].tolist() == [24, 28, 26, 30, 29]
    assert table.columns.tolist() == [
        *("lead_id", "segment", "last_step", "next_step", "asked", "days_silent", "overdue"),
        *("stage", "manager", "amount", "currency", "likely", "node", "tree_segment"),
        "doubt",
    ]
    assert not table["overdue"].any()  # too few have gone on to say how long that takes


def test_amounts_of_two_currencies_are_not_ranked_together():
    text = EVERYTHING + "\n" + "\n".join(f"{lead} 1 ask" for lead in "abcdef")
    leads = {
        "lead_id": [*"abcdef"], "created_at": [0] * 6, "manager": ["Anna"] * 6,
        "amount": [90_000, 20, None, 30, 80_000, 10],
        "currency": ["RUB", "USD", "USD", "USD", "RUB", "USD"],
    }  # fmt: skip
    log = log_of(text, leads=leads)
    journeys = build_journeys(log, STEPS)
    table = list_open_leads(log, journeys, list_leads(log, journeys))
    assert [x for x in table["lead_id"] if x in "abcdef"] == [*"dbfcae"]


# --- a second opinion ------------------------------------------------------------------------


def slow_evidence(rows, leads, steps):
    """Each lead's evidence that counts before the sale, (time, step): of a lost lead never the
    sale, nor what came after closing."""
    found = {name: [] for name in leads}
    for who, at, action in rows:
        counts = action in steps.before_sale
        if leads[who]["status"] == "lost":
            counts = counts and action != steps.won and at <= leads[who]["closed"]
        if counts:
            found[who].append((at, action))
    return found


def slow_missed(rows, leads, steps):
    """The rules of counting for each lead, over plain lists: (last, missed, asked)."""
    actions, order = {action for _, _, action in rows}, steps.before_sale
    shown, found = slow_evidence(rows, leads, steps), {}
    seen = {step for own in shown.values() for _, step in own} | {steps.won}
    for name, lead in leads.items():
        if lead["status"] == "won" or not shown[name]:  # who never entered stands nowhere
            found[name] = (order[-1] if shown[name] else None), None, None
            continue
        last = max(order.index(step) for _, step in shown[name])
        missed = next((step for step in order[last + 1 :] if step in seen), None)
        since = min(at for at, _ in shown[name])  # from entry
        until = lead["closed"] if lead["status"] == "lost" else 99
        asks = set(steps[missed].asks) & actions if missed else ()
        hits = [at for w, at, a in rows if w == name and a in asks and since <= at <= until]
        asked = None if missed is None else "unknown" if not asks else "yes" if hits else "no"
        found[name] = order[last], missed, asked
    return found


ROW = st.tuples(
    st.sampled_from("abcde"),
    st.integers(0, 6),
    st.sampled_from(["ask", "read", "sign", "pay", "send", "draft", "remind", "bill", "huh"]),
)
# Of lists that may be short most are.
ROWS = st.sampled_from([1, 10]).flatmap(
    lambda n: st.lists(ROW, min_size=n, max_size=24, unique=True)
)
STATUS = st.tuples(st.sampled_from(["won", "lost", "open"]), st.integers(0, 8))
LOGS = st.tuples(ROWS, st.fixed_dictionaries(dict.fromkeys("abcde", STATUS)))


def both_ways(drawn):
    """A drawn log, and the same as plain lists."""
    rows, told = drawn
    told = {k: told[k] for k in sorted({who for who, _, _ in rows})}
    leads = {
        "lead_id": [*told],
        "status": [s for s, _ in told.values()],
        "closed_at": [None if s == "open" else d for s, d in told.values()],
    }
    log = log_of("\n".join(f"{w} {at} {a}" for w, at, a in rows), until=9, leads=leads)
    return log, {k: {"status": s, "closed": d} for k, (s, d) in told.items()}


@settings(max_examples=30, derandomize=True)
@given(LOGS)
def test_slow_loops_find_the_same_missed_steps_losses_and_necessity(drawn):
    log, leads = both_ways(drawn)
    lost = [k for k, lead in leads.items() if lead["status"] == "lost"]
    slow = slow_missed(drawn[0], leads, STEPS)
    shown = slow_evidence(drawn[0], leads, STEPS)
    assert missed_of(log) == slow
    journeys = build_journeys(log, STEPS)
    table = count_losses(journeys)
    for row in table.itertuples():
        mine = [slow[k] for k in lost if slow[k][0] and slow[k][1] == row.missed_step]
        asked = [sum(m[2] == word for m in mine) for word in ASKED]
        assert [row.n_lost, row.n_asked, row.n_not_asked, row.n_unknown] == [len(mine), *asked]
    # What must always hold: every lost lead that entered is lost at one step.
    assert table["n_lost"].sum() == sum(slow[k][0] is not None for k in lost)
    buyers = [k for k, lead in leads.items() if lead["status"] == "won" and slow[k][0]]
    for row in count_necessity(journeys).itertuples():
        with_it = [k for k in buyers if row.step in {step for _, step in shown[k]}]
        assert (row.n_won, row.n_won_with_evidence) == (len(buyers), len(with_it))


@settings(max_examples=15, derandomize=True)
@given(LOGS, st.integers(0, 2**32 - 1))
def test_losses_of_paths_and_of_their_forks_add_up_to_all(drawn, seed):
    journeys = build_journeys(both_ways(drawn)[0], STEPS)
    share = np.random.default_rng(seed).random(len(journeys.leads))
    entered = journeys.leads["entered_at"].notna().to_numpy()
    weights = np.column_stack([share, 1 - share]) * entered[:, None]
    paths = (STEPS.before_sale, ("ask", "sign", "read", "pay"))
    found = Segmentation(STEPS.before_sale, ("s1", "s2"), paths, ((), ()), weights)
    table = count_losses(journeys, found)
    every, parts = table[table["segment"] == "all"], table[table["segment"] != "all"]
    own = every["node"].isin(parts["node"])
    counts = ["n_lost", "n_asked", "n_not_asked", "n_unknown", "amount_lost"]
    added = parts.groupby("node")[counts].sum()  # of paths that are the same in this log, too
    assert every.loc[own, counts].values.tolist() == added.values.tolist()
    # All lost leads that entered are lost somewhere, as on one chain.
    assert every["n_lost"].sum() == count_losses(journeys)["n_lost"].sum()
    kinds = table["n_asked"] + table["n_not_asked"] + table["n_unknown"]
    assert (kinds == table["n_lost"]).all()


@settings(max_examples=15, derandomize=True)
@given(LOGS, st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(drawn, random):
    rows, told = drawn
    shuffled = rows.copy()
    random.shuffle(shuffled)
    tables = []
    for some in (rows, shuffled):
        log, _ = both_ways((some, told))
        journeys = build_journeys(log, STEPS)
        leads = list_leads(log, journeys)
        tables.append((count_losses(journeys), leads, list_open_leads(log, journeys, leads)))
    for one, other in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(one, other)


# --- recovery --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["kettles", "optional", "either-order"])
def test_planted_reasons_are_found_for_every_lead(name):
    world = replace(WORLDS[name], noise=0, days=120)
    asked = {k: replace(s, ask=0.6) for k, s in world.segments.items()}
    planted = plant_log(replace(world, segments=asked), 1500, seed=11)
    log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    found = list_leads(log, build_journeys(log, parse_steps(planted.steps_yaml)))
    found = found.set_index("lead_id").loc[planted.truth_leads["lead_id"]]
    truth = planted.truth_leads.set_index("lead_id")
    pairs = {
        "last_step": "furthest_in_all",
        "missed_step": "missed_in_all",
        "asked": "asked_in_all",
    }
    for column, true in pairs.items():
        same = found[column].fillna("") == truth[true].fillna("")
        assert same.all(), (column, found[~same].head(3), truth[~same].head(3))
    assert {"yes", "no"} <= set(found["asked"].dropna())
    assert {"won", "lost", "open"} == set(found["status"])
    if world.stages:
        unwon = truth["status"] != "won"
        assert (found["stage_ahead"] == truth["stage_ahead"])[unwon].all()


@pytest.mark.parametrize("kind", ["steps", "team", "never-closes"])
def test_without_those_who_record_otherwise_losses_are_those_of_the_others(kind):
    """The leads of who leaves out steps are as if they were not there, and so is the path, and the
    fork, that the habit makes. Who never closes loses nobody, and changes no place."""
    made = make_world(kind, 3, 2400)
    journeys = made.journeys
    odd = {"steps": ["D"], "team": ["C", "D"], "never-closes": []}[kind]
    others = select_leads(journeys, ~journeys.leads["manager"].isin(odd).to_numpy())
    alike = count_alike(journeys)
    if kind == "never-closes":
        assert alike.empty
        return
    expected = count_losses(others)
    for column in ("missed_step", "n_lost", "amount_lost"):
        assert alike[column].tolist() == expected[column].tolist()
    places = find_places(others)
    assert alike["n_came"].tolist() == (places.came.T @ places.counted.n).tolist()
    segmentation = find_segments(journeys)
    assert len(segmentation.ids) > len(made.draft.paths)
    branches = count_alike(journeys, segmentation)["missed_step"].str.count(r"\|")
    assert branches.sum() == len(made.draft.paths) - 1
