"""Tallies: walks by hand, against single leads, in partitions, whatever ids and hashes."""

from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core import tallies
from funnel_lib.core.events import STATUSES, build_log
from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import Steps
from funnel_lib.core.tallies import NOWHERE, Tallies, add_tallies, tally
from funnel_lib.counting.reach import RULES, count_funnel
from funnel_lib.counting.variants import count_variants

STEPS = Steps(
    steps=[
        {"id": "ask"}, {"id": "read", "asked_by": ["send"]}, {"id": "pay", "asked_by": ["bill"]},
        {"id": "thanks"},
    ],
    won="pay", lost=["gone"], self_reported=["read_told"],
)  # fmt: skip
START = pd.Timestamp("2025-01-01", tz="UTC")
DAY = 86_400_000_000


def journeys_of(rows, until=40, steps=STEPS, leads=None):
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    return build_journeys(build_log(events, leads, START + pd.Timedelta(days=until)), steps)


def random_rows(n_leads, seed=0, n_days=8):
    """Events on few days, so that many come at one time and many leads do the same."""
    rng = np.random.default_rng(seed)
    actions = ["ask", "read", "pay", "thanks", "send", "bill", "gone"]
    return [
        (f"L{lead:04d}", day, actions[rng.choice(7, p=[0.3, 0.2, 0.1, 0.1, 0.15, 0.1, 0.05])])
        for lead in range(n_leads)
        for day in rng.integers(0, n_days, rng.integers(1, 6))
    ]


def show_walks(counted):
    """Walks as texts, with how many leads took them and how much they belong."""
    shown = Counter()
    for i, n in enumerate(counted.n):
        own = slice(*counted.offsets[i : i + 2])
        asks = slice(*counted.ask_offsets[i : i + 2])
        shown[(
            *(tuple(x[own]) for x in (counted.place, counted.step, counted.self_reported)),
            *(tuple(x[asks]) for x in (counted.ask_place, counted.ask_kind)),
            counted.status[i], counted.entered[i], counted.bought[i], counted.sold[i],
            tuple(counted.members[i]),
        )] += n  # fmt: skip
    return shown


def test_a_walk_by_hand():
    rows = [("a", 0, "ask"), ("a", 1, "send"), ("a", 1.5, "send"), ("a", 2, "read"),
            ("a", 2, "bill"), ("a", 3, "pay"), ("a", 9, "bill"), ("a", 4, "thanks"),
            ("b", 5, "ask"), ("b", 5.2, "send"), ("b", 6, "read"), ("b", 6, "bill"),
            ("b", 8, "pay"), ("b", 20, "thanks")]  # fmt: skip
    counted = tally(journeys_of(rows))
    assert counted.n.tolist() == [2] and counted.of_lead.tolist() == [0, 0]  # the same, later
    assert counted.step.tolist() == [0, 1, 2, 3] and counted.place.tolist() == [0, 2, 4, 6]
    # Two letters between the same steps are one; the bill came as they read; a bill after the sale
    # asks for nothing. The kinds of asks: for reading, for paying.
    assert counted.ask_kind.tolist() == [0, 1] and counted.ask_place.tolist() == [1, 2]
    assert counted.ask_sets.tolist() == [[False, True, False, False], [False, False, True, False]]
    assert counted.sold.tolist() == [4] and STATUSES[counted.status[0]] == "won"


def test_an_action_that_asks_for_two_steps_is_one_ask_of_its_own_kind():
    steps = Steps(
        steps=[
            {"id": "ask"}, {"id": "read", "asked_by": ["send", "call*"]},
            {"id": "pay", "asked_by": ["bill", "call*"]},
        ],
        won="pay",
    )  # fmt: skip
    rows = [("a", 0, "ask"), ("a", 1, "call one"), ("a", 2, "call two"), ("a", 3, "send"),
            ("b", 0, "ask"), ("b", 1, "bill")]  # fmt: skip
    counted = tally(journeys_of(rows, steps=steps))
    asked = [
        sorted(counted.ask_sets[counted.ask_kind[counted.ask_walk == walk]].tolist())
        for walk in counted.of_lead
    ]
    # The two calls, with nothing between them, are one.
    both, read, pay = [False, True, True], [False, True, False], [False, False, True]
    assert asked == [[read, both], [pay]]


def test_the_sale_known_by_the_status_lies_between_the_steps():
    closed = START + pd.to_timedelta([1.5, 2], unit="D")
    leads = pd.DataFrame({"lead_id": ["a", "b"], "status": "won", "closed_at": closed})
    rows = [(lead, day, action) for lead in "ab" for day, action in ((0, "ask"), (2.5, "read"))]
    counted = tally(journeys_of(rows, leads=leads))
    assert counted.sold[counted.of_lead].tolist() == [1, 1]  # both after asking, before reading


def test_what_counts_for_nothing_is_left_out():
    rows = [("a", 0, "thanks"), ("a", 0, "send"), ("a", 1, "ask"), ("b", 1, "ask"),
            ("b", 2, "gone"), ("b", 3, "bill"), ("c", 5, "thanks")]  # fmt: skip
    counted = tally(journeys_of(rows))
    # a's thanks came before any sale, and what it was sent before it entered; b was lost; c never
    # entered
    assert len(counted.n) == 3
    assert counted.step.tolist() == [0, 0] and not len(counted.ask_kind)
    assert counted.entered[counted.of_lead].tolist() == [True, True, False]


@pytest.mark.parametrize("window", [tallies.NEVER, 3 * DAY])
def test_walks_are_those_of_single_leads(window):
    journeys = journeys_of(random_rows(400, seed=1))
    counted, n = tally(journeys, window=window), len(journeys.leads)
    assert counted.n.sum() == n and len(counted.n) < n / 2
    alone = Counter()
    for i in range(n):
        one = tally(select_leads(journeys, np.arange(n) == i), window=window)
        alone.update(show_walks(one))
    assert show_walks(counted) == alone


@pytest.mark.parametrize("seed", range(3))
def test_partitions_add_up_exactly(seed):
    journeys = journeys_of(random_rows(500, seed))
    part = np.random.default_rng(seed).integers(0, 7, len(journeys.leads))
    parts = [select_leads(journeys, part == k) for k in range(7)]
    whole, added = tally(journeys), add_tallies([tally(p) for p in parts])
    for name in (f.name for f in fields(Tallies)):
        if name not in ("of_lead", "first", "steps"):
            assert np.array_equal(getattr(added, name), getattr(whole, name)), name
    order = np.argsort(part, kind="stable")
    assert np.array_equal(added.of_lead, whole.of_lead[order])
    assert np.array_equal(added.of_lead[added.first], np.arange(len(added.n)))


def test_neither_ids_nor_the_order_of_rows_matter():
    rows = random_rows(300)
    other = [(f"x{997 * int(lead[1:]) % 1009}", *rest) for lead, *rest in rows[::-1]]
    one, two = tally(journeys_of(rows)), tally(journeys_of(other))
    assert show_walks(one) == show_walks(two)
    assert np.array_equal(one.n, two.n) and np.array_equal(one.step, two.step)


def test_leads_that_belong_otherwise_are_other_walks():
    journeys = journeys_of(random_rows(300))
    plain, n = tally(journeys), len(journeys.leads)
    alike = np.random.default_rng(0).dirichlet([1, 1], len(plain.n))[plain.of_lead]
    same = tally(journeys, alike)
    assert len(same.n) == len(plain.n) and same.members[same.of_lead] == pytest.approx(alike)
    member = np.eye(2)[np.arange(n) % 2]
    parted = tally(journeys, member)
    assert len(plain.n) < len(parted.n) <= 2 * len(plain.n) and parted.n.sum() == n
    assert np.array_equal(parted.members[parted.of_lead], member)
    lost = [t.has_status("lost")[t.of_lead] for t in (plain, parted)]
    assert np.array_equal(*lost)


def test_walks_whose_hashes_agree_are_told_apart(monkeypatch):
    right, mix = tally(journeys_of(random_rows(200))), tallies._hash_runs
    monkeypatch.setattr(
        tallies,
        "_hash_runs",
        lambda *given: mix(*given) % np.uint64(3 if given[-1] == 0 else 2**63),
    )
    assert show_walks(tally(journeys_of(random_rows(200)))) == show_walks(right)
    monkeypatch.setattr(
        tallies, "_hash_runs", lambda marks, offsets, seed: mix(marks, offsets, 0) * 0
    )
    with pytest.raises(RuntimeError, match="told apart"):
        tally(journeys_of(random_rows(20)))


def test_words_of_managers_beside_clients_acts_count_in_any_order():
    steps = Steps(
        steps=[{"id": "ask", "evidence": ["ask", "told"]}, {"id": "pay"}],
        won="pay", self_reported=["told"],
    )  # fmt: skip
    rows = [("a", 0, "ask"), ("a", 0, "told"), ("b", 0, "told"), ("b", 0, "ask")]
    counted = tally(journeys_of(rows, steps=steps))
    assert counted.n.tolist() == [2] and counted.self_reported.tolist() == [False, True]


def test_a_tally_is_kept_with_its_journeys_alone():
    journeys = journeys_of(random_rows(50))
    assert tally(journeys) is tally(journeys)
    some = select_leads(journeys, np.arange(len(journeys.leads)) < 10)
    assert tally(some).n.sum() == 10


@pytest.mark.parametrize("rows", [[("a", 0, "other")], [("a", 0, "ask")]])
def test_logs_of_one_lead_and_of_no_evidence(rows):
    journeys = journeys_of(rows)
    counted = tally(journeys)
    assert counted.n.tolist() == [1] and counted.sold.tolist() == [NOWHERE]
    assert count_variants(journeys).weight.sum() == (rows[0][2] == "ask")
    for rule in RULES:
        assert count_funnel(journeys, rule)["n_entered"].iloc[0] == (rows[0][2] == "ask")


def test_a_sum_over_walks_is_a_sum_over_leads():
    journeys = journeys_of(random_rows(300, seed=5))
    member = np.random.default_rng(5).dirichlet([1, 2, 3], len(journeys.leads))
    group = Group("s2", ("ask", "read", "pay"), memberships=member, column=1)
    by_walk = count_funnel(journeys, "passed", group=group)
    shown = np.zeros((len(member), 3), bool)
    shown[journeys.lead[journeys.step < 3], journeys.step[journeys.step < 3]] = True
    shown[(journeys.leads["status"] == "won").to_numpy(), 2] = True
    reached = np.logical_or.accumulate(shown[:, ::-1], axis=1)[:, ::-1]
    entered = journeys.leads["entered_at"].notna().to_numpy()
    assert by_walk["n_reached"][:3].to_numpy() == pytest.approx(
        member[entered, 1] @ reached[entered]
    )


@pytest.mark.parametrize("window", [tallies.NEVER, 3 * DAY])
def test_journeys_in_parts_are_counted_alike(window):
    journeys = journeys_of(random_rows(300, seed=4))
    whole = tally(journeys, window=window)
    for n_parts in (2, 7, 1000):
        parts = tally(replace(journeys, n_parts=n_parts), window=window)
        for name in (f.name for f in fields(Tallies)):
            if name != "steps":
                assert np.array_equal(getattr(parts, name), getattr(whole, name)), name
