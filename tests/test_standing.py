"""Where planted leads stand in the tree: worked by hand, on worlds of a few leads."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import parse_steps
from funnel_lib.counting.leads import list_leads
from funnel_lib.datasets.planted import plant_log
from funnel_lib.datasets.standing import COLUMNS, grow_tree, list_path, list_skipped, place_leads
from funnel_lib.datasets.truth import find_codes, list_steps
from funnel_lib.datasets.worlds import WON, WORLDS, PlantedSegment, PlantedStep, World

A, B, C, D = "request_left", "call_answered", "task_stated", "demo_attended"  # in the file's order
EVERY = f"{A} {B} {C} {D}"


def segment(path, **settings):
    return PlantedSegment(1, (*path.split(), WON), **settings)


def make(*segments, **settings):
    return World({f"s{k}": s for k, s in enumerate(segments)}, **settings)


def tree_of(world, unseen=""):
    """The tree in words: for each segment, number and next steps of the places it comes through."""
    steps = list_steps(world)
    paths = [list_path(s, steps) for s in world.segments.values()]
    often = [list_skipped(s, steps) for s in world.segments.values()]
    measured = set(range(len(steps))) - set(find_codes(steps, unseen.split()))
    lines = grow_tree(paths, often, measured)
    return [[(n.number, " | ".join(steps[s].id for s in n.steps)) for n in line] for line in lines]


def place(world, *told, unseen=""):
    """Place leads: each a segment, a status and its events, 'minute step' or 'minute ?step'.

    All steps can be taken, if by others, but those unseen; all leads close at minute 50.
    """
    steps = list_steps(world)
    fate, evidence, asks = [], [], []
    for lead, (group, status, text) in enumerate(told):
        fate.append([group, status, 0, 50])
        for event in text.split(", "):
            minute, name = event.split()
            rows = asks if name[0] == "?" else evidence
            rows.append([lead, int(minute), *find_codes(steps, [name.lstrip("?")])])
    columns = ["lead", "at", "step"]
    found = place_leads(
        world, steps, pd.DataFrame(fate, columns=["group", "status", "created", "closed"]),
        pd.DataFrame(evidence, columns=columns), pd.DataFrame(asks, columns=columns),
        set(range(len(steps))) - set(find_codes(steps, unseen.split())),
    )  # fmt: skip
    assert tuple(found.columns) == COLUMNS
    rows = found[["tree_node", "tree_missed", "tree_asked"]].astype(object)
    return [tuple(None if pd.isna(x) else x for x in row) for row in rows.to_numpy()]


def test_the_tree_of_one_path_is_the_path():
    world = make(segment(f"{A} {B} {C}"))
    assert tree_of(world) == [[(1, A), (2, B), (3, C), (4, WON)]]
    assert place(
        world,
        (0, "won", f"0 {A}, 9 {C}, 20 {WON}"),
        (0, "lost", f"0 {A}"),
        (0, "lost", f"0 {A}, 3 ?{B}"),
        (0, "open", f"0 {A}, 9 {C}"),  # the call is unseen, not missed
        (0, "lost", f"0 {A}, 5 {B}, 51 ?{C}"),  # asked after the closing
        (0, "lost", f"0 {A}, 3 ?{C}, 5 {B}"),  # asked ahead of the step before
    ) == [
        (None, None, None),
        (2, B, "no"),
        (2, B, "yes"),
        (4, WON, "unknown"),  # nobody was asked for the sale in this log
        (3, C, "no"),
        (3, C, "yes"),
    ]


def test_two_paths_fork_and_each_branch_begins_after_its_step():
    world = make(segment(f"{A} {D}"), segment(f"{A} {B} {C}"))
    # depth first, the branch of the call first: it is the earlier one in the file
    fork = f"{B} | {D}"
    assert tree_of(world) == [
        [(1, A), (2, fork), (5, WON)],
        [(1, A), (2, fork), (3, C), (4, WON)],
    ]
    leads = [
        (0, "lost", f"0 {A}"),
        (0, "lost", f"0 {A}, 4 ?{B}"),  # asked for the other branch's step: asked for any
        (1, "lost", f"0 {A}, 4 {D}"),  # a step that is not on its path counts for nothing
        (1, "lost", f"0 {A}, 4 {B}"),
        (0, "open", f"0 {A}, 4 {B}, 9 {D}"),
        (1, "won", f"0 {A}, 9 {C}"),
    ]
    one_kind = [
        (2, fork, "unknown"),  # nobody in this log was ever asked for the demo: no cannot be known
        (2, fork, "yes"),
        (2, fork, "unknown"),
        (3, C, "unknown"),
        (5, WON, "unknown"),
        (None, None, None),
    ]
    assert place(world, *leads) == one_kind
    more = place(world, *leads, (0, "lost", f"0 {A}, 4 ?{D}"))
    assert [row[2] for row in more] == ["no", "yes", "no", "unknown", "unknown", None, "yes"]


def test_a_path_that_is_the_beginning_of_another_ends_at_the_fork():
    world = make(segment(f"{A} {B}"), segment(f"{A} {B} {C}"), segment(f"{A} {B} {C} {D}"))
    first, second = f"{C} | {WON}", f"{D} | {WON}"
    shared = [(1, A), (2, B), (3, first)]
    assert tree_of(world) == [
        shared,  # its next step is the sale: the branch has no place of its own
        [*shared, (4, second)],
        [*shared, (4, second), (5, WON)],
    ]
    assert place(
        world,
        (0, "lost", f"0 {A}, 2 {B}"),
        (1, "lost", f"0 {A}, 2 {B}, 4 {C}"),
        (2, "open", f"0 {A}, 2 {B}, 4 {C}, 6 {D}"),
        (0, "lost", f"0 {A}, 2 {B}, 4 {C}"),  # of the shortest path, whatever else it did
    ) == [
        (3, first, "unknown"),
        (4, second, "unknown"),
        (5, WON, "unknown"),
        (3, first, "unknown"),
    ]


def test_a_step_that_is_optional_everywhere_is_no_place_and_still_tells_how_far():
    world = make(segment(EVERY, skip={C: 0.4}), segment(f"{A} {B} {C}", skip={C: 1 / 3}))
    fork = f"{D} | {WON}"
    assert tree_of(world) == [[(1, A), (2, B), (3, fork), (4, WON)], [(1, A), (2, B), (3, fork)]]
    (row,) = place(world, (0, "lost", f"0 {A}, 9 {C}"))  # past the call, which is unseen
    assert row == (3, fork, "unknown")


def test_a_step_optional_on_one_path_and_required_on_another_is_a_place_on_both():
    world = make(segment(f"{A} {B} {C}", skip={B: 0.5}), segment(f"{A} {B} {D}", skip={B: 0.2}))
    fork = f"{C} | {D}"
    assert tree_of(world) == [
        [(1, A), (2, B), (3, fork), (4, WON)],
        [(1, A), (2, B), (3, fork), (5, WON)],
    ]
    assert place(world, (0, "lost", f"0 {A}"), (0, "lost", f"0 {A}, 2 {B}")) == [
        (2, B, "unknown"),
        (3, fork, "unknown"),
    ]


def test_an_either_order_pair_stands_in_the_order_of_the_file():
    swapped = segment(f"{A} {C} {B} {D}", swaps={(C, B): 0.5})
    world = make(swapped, segment(EVERY))
    line = [(1, A), (2, B), (3, C), (4, D), (5, WON)]
    assert tree_of(world) == [line, line]
    assert place(
        world,
        (0, "lost", f"0 {A}, 3 {C}"),  # the later of the pair shows the earlier
        (0, "lost", f"0 {A}, 3 {B}"),
    ) == [(4, D, "unknown"), (3, C, "unknown")]
    three = segment(f"{A} {D} {C} {B}", swaps={(D, C): 0.5, (C, B): 0.5})
    assert tree_of(make(three)) == [line]


def test_a_step_that_nobody_is_seen_to_take_is_no_place_but_the_sale_always_is():
    world = make(segment(EVERY), segment(f"{A} {B} {D}"))
    line = [(1, A), (2, B), (3, D), (4, WON)]
    assert tree_of(world, unseen=C) == [line, line]
    rows = place(world, (0, "lost", f"0 {A}, 1 {B}, 2 {D}"), (1, "lost", f"0 {A}, 2 {B}"), unseen=C)
    assert rows == [(4, WON, "unknown"), (3, D, "unknown")]


def test_an_action_for_several_steps_is_for_the_earliest_not_yet_taken():
    steps = tuple(
        PlantedStep(name, name, name, asked_by="call" if name in (B, C, WON) else "")
        for name in (*EVERY.split(), WON)
    )
    world = make(segment(EVERY), steps=steps)
    assert place(
        world,
        (0, "lost", f"0 {A}, 1 ?{B}"),
        (0, "lost", f"0 {A}, 1 ?{C}"),  # whichever step it was planted for: the call is due
        (0, "lost", f"0 {A}, 1 ?{B}, 5 {B}"),  # that was for the call
        (0, "lost", f"0 {A}, 5 {B}, 5 ?{B}"),  # the call was taken by then
        (0, "lost", f"0 {A}, 5 {D}, 7 ?{B}"),  # the need is passed, unseen: for the sale
        (0, "lost", f"0 {A}, 5 {D}, 3 ?{B}"),
        (0, "lost", f"0 {A}, 1 {B}, 2 {C}"),
    ) == [
        (2, B, "yes"),
        (2, B, "yes"),
        (3, C, "no"),
        (3, C, "yes"),
        (5, WON, "yes"),
        (5, WON, "no"),
        (4, D, "unknown"),
    ]


@pytest.mark.parametrize("name", ["kettles", "optional", "either-order", "messy", "rare"])
def test_every_lead_of_a_planted_log_stands_where_its_path_says(name):
    world = WORLDS[name]
    asked = {k: replace(s, ask=0.5, ask_ahead=0.1) for k, s in world.segments.items()}
    planted = plant_log(replace(world, segments=asked, days=120), 1500, seed=7)
    table = planted.truth_leads
    won = table.status == "won"
    for column in ("tree_node", "tree_missed", "tree_asked"):
        assert table[column].isna().equals(won)
    paths = {k: " > ".join(s.path) for k, s in world.segments.items()}
    assert (table.path == table.segment.map(paths)).all()
    # One place, one set of next steps; the own missed step is one of them, unless it is optional
    # here and required elsewhere.
    assert table[~won].groupby("tree_node").tree_missed.nunique().eq(1).all()
    needed = {k for s in asked.values() for k in s.path if s.skip.get(k, 0) < 1 / 3}
    for row in table[~won].itertuples():
        steps = row.tree_missed.split(" | ")
        skipped = {k for k in asked[row.segment].skip if k in needed}
        assert row.missed_step in steps or skipped & {*steps}
        if steps == [row.missed_step]:
            assert row.tree_asked == row.asked
    assert {"yes", "no"} <= set(table.tree_asked.dropna())


def test_the_tree_of_the_kettles():
    planted = plant_log("kettles", 3000, seed=1)
    table = planted.truth_leads.dropna(subset="tree_node")
    places = table.groupby(["tree_node", "tree_missed"]).segment.unique().reset_index()
    told = [(n, step, "+".join(sorted(s))) for n, step, s in places.itertuples(index=False)]
    both = "considered+urgent"
    assert told == [
        (2, "call_answered", both),
        (3, "task_stated | terms_agreed", both),
        (4, "proposal_opened", "considered"),
        (5, "proposal_answered", "considered"),
        (6, "terms_agreed", "considered"),
        (7, "contract_signed", "considered"),
        (8, "invoice_paid", "considered"),
        (9, "invoice_paid", "urgent"),
    ]


@pytest.mark.parametrize("asks", [{}, {"ask": 0.6, "ask_ahead": 0.2}])
@pytest.mark.parametrize("name", WORLDS)
def test_the_library_finds_every_lead_where_it_stands_if_told_its_path(name, asks):
    world = WORLDS[name]
    segments = {k: replace(s, **asks) for k, s in world.segments.items()}
    planted = plant_log(replace(world, noise=0, segments=segments, days=150), 1500, seed=21)
    log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    truth = planted.truth_leads.set_index("lead_id").loc[journeys.leads["lead_id"]]
    paths = {k: s.path for k, s in segments.items()}
    often = (tuple(k for k, p in s.skip.items() if p >= 1 / 3) for s in segments.values())
    found = Segmentation(
        steps=journeys.steps.before_sale,
        ids=tuple(paths),
        paths=tuple(paths.values()),
        optional=tuple(often),
        memberships=np.equal.outer(truth["segment"].to_numpy(), np.array([*paths])).astype(float),
        either_order=tuple(tuple(s.swaps) for s in segments.values()),
    )
    leads = list_leads(log, journeys, found).set_index("lead_id").loc[truth.index]
    pairs = {"node": "tree_node", "missed_step": "tree_missed", "asked": "tree_asked"}
    for column, true in pairs.items():
        same = leads[column].astype(object).fillna("") == truth[true].astype(object).fillna("")
        assert same.all(), (column, leads[~same].head(3), truth[~same].head(3))
