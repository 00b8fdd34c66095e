"""Where leads are lost, and were they asked: by hand, against loops, against planted truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import Steps, parse_steps
from funnel_lib.counting.leads import list_leads
from funnel_lib.counting.missed import ASKED, place_leads
from funnel_lib.datasets.planted import plant_log
from funnel_lib.datasets.worlds import WORLDS
from funnel_lib.sections.losses.count import count_losses
from funnel_lib.sections.necessity.count import count_necessity
from funnel_lib.sections.open_leads.count import list_open_leads

ROUNDING = 1e-9  # sums of a few weights below 1 in another order
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


def missed_of(log, steps=STEPS, group=None):
    """Each lead's (last step, missed step, asked)."""
    journeys = build_journeys(log, steps)
    found = place_leads(journeys, group)
    ids = [*((group and group.path) or steps.before_sale), None]
    words = [*ASKED, None]
    parts = zip(found.last, found.missed, found.asked, strict=True)
    rows = [(ids[last], ids[missed], words[asked]) for last, missed, asked in parts]
    return dict(zip(journeys.leads["lead_id"], rows, strict=True))


# --- by hand: the missed step ----------------------------------------------------------------


def test_missed_is_the_step_after_the_furthest_and_gaps_are_unseen():
    log = log_of(
        EVERYTHING + "\na 1 ask\na 2 gone\nb 1 ask\nb 2 sign\nb 3 gone\nc 1 what\nc 2 gone"
    )
    found = missed_of(log)
    assert found["a"][:2] == ("ask", "read")
    assert found["b"][:2] == ("sign", "pay")  # read was passed
    assert found["c"][:2] == (None, "ask")  # never entered: stands before the first step
    assert found["z"] == ("pay", None, None)


def test_optional_steps_are_never_missed():
    steps = [s.model_copy(update={"optional": s.id == "read"}) for s in STEPS.steps]
    log = log_of(EVERYTHING + "\na 1 ask\na 2 gone\nb 1 ask\nb 2 read\nb 3 gone")
    found = missed_of(log, STEPS.model_copy(update={"steps": tuple(steps)}))
    assert (found["a"][1], found["b"][:2]) == ("sign", ("read", "sign"))
    found = missed_of(log, group=Group(optional=("read", "sign")))
    assert (found["a"][1], found["b"][1]) == ("pay", "pay")
    assert count_losses(build_journeys(log, STEPS), Group(optional=("read",)))[
        "missed_step"
    ].tolist() == ["ask", "sign", "pay"]


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
    found = missed_of(log, group=Group(path=("ask", "sign", "read", "pay")))
    assert found["a"][:2] == ("sign", "read") and found["b"][:2] == ("read", "pay")


# --- by hand: asked --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asks", "answer"),
    [
        ("", "no"),
        ("a 3 draft", "yes"),
        ("a 3 remind", "yes"),  # any of its actions
        ("a 3 bill", "no"),  # helps with another step
        ("a 1.5 draft", "no"),  # before the last step was reached
        ("a 2 draft", "yes"),  # at the same moment
        ("a 5 draft", "yes"),  # at the moment of closing
        ("a 6 draft", "no"),  # after closing
        ("a 1.5 draft\na 3 remind", "yes"),
    ],
)
def test_asked_is_between_the_last_step_and_closing(asks, answer):
    # a reads on day 2 (again on day 4, which changes nothing) and is lost on day 5.
    log = log_of(f"{EVERYTHING}\na 1 ask\na 2 read\na 4 read\na 5 gone\n{asks}")
    assert missed_of(log)["a"] == ("read", "sign", answer)


def test_asked_is_unknown_where_nobody_could_be_seen_asking():
    # `ask` has no asked_by; `draft` and `remind` occur nowhere in the log, `send` with z only.
    text = "z 1 ask\nz 2 read\nz 3 sign\nz 1 send\na 1 read\na 2 gone\nb 1 ask\nb 2 gone\nc 2 gone"
    found = missed_of(log_of(text))
    assert found["a"] == ("read", "sign", "unknown")
    assert found["b"] == ("ask", "read", "no")
    assert found["c"] == (None, "ask", "unknown")


def test_open_leads_are_asked_until_the_export():
    found = missed_of(log_of(EVERYTHING + "\na 1 ask\na 29 send\nb 1 ask"))
    assert found["a"] == ("ask", "read", "yes") and found["b"] == ("ask", "read", "no")


def test_a_step_reached_the_second_time_is_asked_after_from_then_on():
    # Path ask > read > ask > sign: the second ask comes on day 4, the draft before it.
    path = ("ask", "read", "ask", "sign", "pay")
    text = EVERYTHING + "\na 1 ask\na 2 read\na 3 draft\na 4 ask\na 9 gone"
    assert missed_of(log_of(text), group=Group(path=path))["a"] == ("ask", "sign", "no")
    assert missed_of(log_of(text + "\na 5 draft"), group=Group(path=path))["a"] == (
        "ask",
        "sign",
        "yes",
    )


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
        *("share_of_lost", "share_of_entered", "amount_lost", "currency"),
    ]
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


def test_empty_segment_loses_nothing_and_keeps_its_rows():
    journeys = build_journeys(log_of(EVERYTHING + "\na 1 ask\na 2 gone"), STEPS)
    for table in (
        count_losses(journeys, Group("s", memberships=np.zeros((2, 1)))),
        count_losses(select_leads(journeys, np.zeros(2, bool)), Group("s")),
    ):
        assert table["missed_step"].tolist() == ["ask", "read", "sign", "pay"]
        counts = ["n_lost", "n_asked", "n_not_asked", "n_unknown", "amount_lost"]
        assert (table[counts] == 0).all(axis=None) and set(table["segment"]) == {"s"}
        assert table[["share_of_lost", "share_of_entered"]].isna().all(axis=None)
    necessity = count_necessity(journeys, Group(memberships=np.zeros((2, 1))))
    assert (necessity[["n_won", "n_won_with_evidence"]] == 0).all(axis=None)


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
    weighted = count_necessity(
        build_journeys(log_of(text, leads=leads), Steps(**steps)),
        Group(memberships=np.array([[0.5], [0.25], [1], [1], [1]])),
    ).set_index("step")
    # n_won = .5 + .25 + 1; with evidence of reading .75, of it .25 by the manager's word alone
    assert weighted.loc["read"].tolist()[1:] == [1.75, 0.75, 0.75 / 1.75, 0.25 / 0.75]


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
    assert table.loc["f", "missed_step"] == "ask"


def test_further_columns_of_the_leads_are_kept_whatever_they_are_called():
    leads = {"lead_id": ["a"], "segment": ["B2B"], "asked": [1], "region": ["north"]}
    log = log_of("a 1 ask", leads=leads)
    journeys = build_journeys(log, STEPS)
    table = list_leads(log, journeys)
    assert table.columns.is_unique
    assert table[["segment", "segment_in_export", "asked_in_export", "region"]].values.tolist() == [
        ["all", "B2B", 1, "north"]
    ]
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
        *("lead_id", "segment", "last_step", "next_step", "asked", "days_silent"),
        *("stage", "manager", "amount", "currency"),
    ]


# --- a second opinion ------------------------------------------------------------------------


def slow_missed(rows, leads, steps):
    """The rules of counting for each lead, over plain lists: (last, missed, asked)."""
    actions = {action for _, _, action in rows}
    order, found = steps.before_sale, {}
    for name, lead in leads.items():
        own = sorted((at, action) for who, at, action in rows if who == name)
        taken = [step for _, step in own if step in order]
        if lead["status"] == "lost":
            taken = [step for step in taken if step != steps.won]
        last = max((order.index(step) for step in taken), default=-1)
        if lead["status"] == "won":
            found[name] = (order[-1] if taken else None), None, None
            continue
        measurable = [s for s in order if s == steps.won or any(a == s for _, _, a in rows)]
        missed = next((s for s in order[last + 1 :] if s in measurable), None)
        since = min((at for at, step in own if last >= 0 and step == order[last]), default=-1)
        until = lead["closed"] if lead["status"] == "lost" else 99
        asks = set(steps[missed].asked_by) & actions if missed else ()
        hits = [at for at, action in own if action in asks and since <= at <= until]
        asked = None if missed is None else "unknown" if not asks else "yes" if hits else "no"
        found[name] = order[last] if last >= 0 else None, missed, asked
    return found


LOGS = st.tuples(
    st.lists(
        st.tuples(
            st.sampled_from("abcde"),
            st.integers(0, 6),
            st.sampled_from(
                ["ask", "read", "sign", "pay", "send", "draft", "remind", "bill", "huh"]
            ),
        ),
        min_size=1,
        max_size=24,
        unique=True,
    ),
    st.fixed_dictionaries(
        dict.fromkeys(
            "abcde", st.tuples(st.sampled_from(["won", "lost", "open"]), st.integers(0, 8))
        )
    ),
)


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


@settings(max_examples=150, derandomize=True)
@given(LOGS)
def test_slow_loops_find_the_same_missed_steps_losses_and_necessity(drawn):
    log, leads = both_ways(drawn)
    lost = [k for k, lead in leads.items() if lead["status"] == "lost"]
    rows = [r for r in drawn[0] if not (r[2] == "pay" and r[0] in lost)]
    slow = slow_missed(rows, leads, STEPS)
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
        shown = {who for who, _, action in rows if action == row.step}
        assert (row.n_won, row.n_won_with_evidence) == (len(buyers), len(shown & {*buyers}))


@settings(max_examples=25, derandomize=True)
@given(LOGS, st.integers(0, 2**32 - 1))
def test_losses_of_segments_add_up_to_all(drawn, seed):
    journeys = build_journeys(both_ways(drawn)[0], STEPS)
    weights = np.random.default_rng(seed).random(len(journeys.leads))
    every = count_losses(journeys)
    one, other = (
        count_losses(journeys, Group(memberships=w[:, None])) for w in (weights, 1 - weights)
    )
    for name in ("n_lost", "n_asked", "n_not_asked", "n_unknown", "amount_lost"):
        assert np.allclose(one[name] + other[name], every[name], atol=ROUNDING, rtol=0)
    kinds = one["n_asked"] + one["n_not_asked"] + one["n_unknown"]
    assert np.allclose(kinds, one["n_lost"], atol=ROUNDING, rtol=0)


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
