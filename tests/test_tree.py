"""The tree of the clients' paths: by hand, against an obvious loop, what always holds, how it
reads."""

import re
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from funnel_lib.comparing.decided import find_decided
from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Segmentation, keep_together
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps
from funnel_lib.core.words import Words
from funnel_lib.counting.leads import list_leads
from funnel_lib.counting.tree import build_tree, find_places
from funnel_lib.sections.losses.count import count_losses
from funnel_lib.sections.necessity.count import count_necessity
from funnel_lib.sections.open_leads.count import list_open_leads
from funnel_lib.sections.times.count import count_pace, count_standing
from funnel_lib.sections.tree.count import count_tree
from funnel_lib.sections.tree.draw import show_tree
from funnel_lib.sections.tree.tell import tell_tree

START = pd.Timestamp("2025-01-01 00:07", tz="UTC")  # a time with minutes is no mere date
STEPS = Steps(
    steps=[
        {"id": "ask"},
        {"id": "read", "asked_by": ["send", "push"]},
        {"id": "meet", "asked_by": ["invite"]},
        {"id": "sign", "asked_by": ["draft", "push"]},
        {"id": "pay", "asked_by": ["bill"]},
    ],
    won="pay",
    lost=["gone"],
)
# A lead that shows everything and is asked for everything, so that all can be seen.
EVERYTHING = "z 1 ask\nz 2 read\nz 3 meet\nz 4 sign\nz 5 pay\n" + "\n".join(
    f"z 1 {ask}" for ask in ("send", "push", "invite", "draft", "bill")
)
COUNTS = ["n_came", "n_went_on", "n_lost_not_asked", "n_lost_asked", "n_lost_unknown", "n_open"]
READ, MEET = "ask read sign pay", "ask meet pay"


def log_of(text, until=30, leads=None, actor=None):
    rows = [line.split(maxsplit=2) for line in text.strip().splitlines()]
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    if actor is not None:
        events["actor"] = actor
    return build_log(events, leads, START + pd.Timedelta(days=until))


def journeys_of(text, steps=STEPS, **more):
    return build_journeys(log_of(text, **more), steps)


def with_optional(*ids, steps=STEPS):
    marked = [s.model_copy(update={"optional": s.id in ids}) for s in steps.steps]
    return steps.model_copy(update={"steps": tuple(marked)})


def segments_of(journeys, paths, member, optional=None, either_order=()):
    """Segments s1, s2 … by their paths; `member` says of each lead the number of its segment, from
    1, or how much it belongs to each."""
    paths = tuple(tuple(path.split()) for path in paths)
    weights = np.zeros((len(journeys.leads), len(paths)))
    for row, lead in enumerate(journeys.leads["lead_id"]):
        if pd.notna(journeys.leads["entered_at"][row]):
            own = member.get(lead, 1)
            weights[row] = np.eye(len(paths))[own - 1] if isinstance(own, int) else own
    ids = tuple(f"s{k + 1}" for k in range(len(paths)))
    optional = tuple(tuple(own.split()) for own in optional or [""] * len(paths))
    return Segmentation(
        journeys.steps.before_sale, ids, paths, optional, weights, either_order=either_order
    )


def tree_of(text, paths, member, steps=STEPS, optional=None, either_order=(), **more):
    """(segments, next steps) of each node -> its counts; beside it the table."""
    journeys = journeys_of(text, steps, **more)
    found = segments_of(journeys, paths, member, optional, either_order)
    table = count_tree(journeys, found)
    return counts_of(table), table


def counts_of(table):
    return {
        (row["segments"], row["next_steps"]): [row[name] for name in COUNTS]
        for row in table.to_dict("records")
    }


def shape_of(paths, steps=STEPS, measurable=None, optional=None, either_order=()):
    """(number, parent, segments, next steps) of the nodes, of no leads at all."""
    n = len(paths)
    paths = tuple(tuple(path.split()) for path in paths)
    optional = tuple(tuple(own.split()) for own in optional or [""] * n)
    ids = tuple(f"s{k + 1}" for k in range(n))
    found = Segmentation(
        steps.before_sale, ids, paths, optional, np.zeros((0, n)), either_order=either_order
    )
    seen = np.array([step in (measurable or steps.ids) for step in steps.ids])
    tree = build_tree(steps, seen, found)
    return [(n.number, n.parent, tree.name(n.segments), n.missed) for n in tree.nodes]


def lists_of(text, paths, member, steps=STEPS, optional=None, **more):
    """The lists of all leads and of open ones, by lead."""
    log = log_of(text, **more)
    journeys = build_journeys(log, steps)
    found = segments_of(journeys, paths, member, optional)
    leads = list_leads(log, journeys, found)
    waiting = list_open_leads(log, journeys, leads, found)
    return leads.set_index("lead_id"), waiting.set_index("lead_id")


# --- by hand: the shape ----------------------------------------------------------------------


def test_one_fork():
    # Behind a fork a path starts after the step that tells it apart: s2 has met, and is to pay.
    assert shape_of([READ, MEET]) == [
        (1, 0, "s1+s2", "ask"),
        (2, 1, "s1+s2", "read | meet"),
        (3, 2, "s1", "sign"),
        (4, 3, "s1", "pay"),
        (5, 2, "s2", "pay"),
    ]


def test_one_path_is_its_tree():
    steps = with_optional("meet")
    assert shape_of(["ask read meet sign pay"], steps, measurable=["ask", "read", "meet"]) == [
        (1, 0, "all", "ask"), (2, 1, "all", "read"), (3, 2, "all", "pay"),
    ]  # fmt: skip


def test_a_step_optional_on_one_path_counts_where_another_requires_it():
    # s1 may go without reading, s2 may not: both stand before it.
    paths = ["ask read sign pay", "ask read meet pay"]
    assert shape_of(paths, optional=["read", ""]) == [
        (1, 0, "s1+s2", "ask"),
        (2, 1, "s1+s2", "read"),
        (3, 2, "s1+s2", "meet | sign"),
        (4, 3, "s2", "pay"),
        (5, 3, "s1", "pay"),
    ]
    # Optional on both it is on none; what the file has as optional is on none, whoever requires it.
    for given in ({"optional": ["read", "read"]}, {"steps": with_optional("read")}):
        assert shape_of(paths, **given) == [
            (1, 0, "s1+s2", "ask"),
            (2, 1, "s1+s2", "meet | sign"),
            (3, 2, "s2", "pay"),
            (4, 2, "s1", "pay"),
        ]


def test_two_steps_in_either_order_stand_in_file_order():
    # s1 meets, then reads, or the other way round; s2 always meets first.
    paths = ["ask meet read pay", "ask meet sign pay"]
    assert [n[3] for n in shape_of(paths)] == ["ask", "meet", "read | sign", "pay", "pay"]
    pairs = ((("meet", "read"),), ())
    assert shape_of(paths, either_order=pairs) == [
        (1, 0, "s1+s2", "ask"),
        (2, 1, "s1+s2", "read | meet"),
        (3, 2, "s1", "meet"),
        (4, 3, "s1", "pay"),
        (5, 2, "s2", "sign"),
        (6, 5, "s2", "pay"),
    ]
    # A pair that is in file order stays; one of which a step is optional is no pair.
    pairs = ((("read", "meet"),), ())
    assert [n[3] for n in shape_of(["ask read meet pay", "ask pay"], either_order=pairs)] == [
        "ask", "read | pay", "meet", "pay",
    ]  # fmt: skip
    pairs = ((("sign", "read"),),)
    assert [
        n[3]
        for n in shape_of(["ask sign read pay"], optional=["read"], either_order=pairs)
    ] == ["ask", "sign", "pay"]  # fmt: skip


def test_a_step_that_comes_twice_stands_at_its_first_time():
    assert [n[3] for n in shape_of(["ask read meet read sign ask pay"])] == [
        "ask", "read", "meet", "sign", "pay",
    ]  # fmt: skip
    # Of a pair of which one step came before, nothing is moved: s1 reads, then meets.
    path, pairs = ["ask read sign meet read pay"], ((("meet", "read"),),)
    assert [n[3] for n in shape_of(path, either_order=pairs)] == [
        "ask", "read", "sign", "meet", "pay",
    ]  # fmt: skip


def test_forks_within_forks_are_numbered_depth_first():
    steps = Steps(steps=[{"id": step} for step in "abcdefp"], won="p")
    paths = ["a b c p", "a b d p", "a e p", "a e f p"]
    assert shape_of(paths, steps) == [
        (1, 0, "s1+s2+s3+s4", "a"),
        (2, 1, "s1+s2+s3+s4", "b | e"),
        (3, 2, "s1+s2", "c | d"),
        (4, 3, "s1", "p"),
        (5, 3, "s2", "p"),
        (6, 2, "s3+s4", "f | p"),  # s3 has no rows of its own: the sale is next
        (7, 6, "s4", "p"),
    ]
    # Paths that meet later stay apart; a fork may be the root.
    assert shape_of(["a c p", "b c p"], steps) == [
        (1, 0, "s1+s2", "a | b"), (2, 1, "s1", "c"), (3, 2, "s1", "p"),
        (4, 1, "s2", "c"), (5, 4, "s2", "p"),
    ]  # fmt: skip


def test_equal_paths_are_one():
    # The third is the same but for a step that nobody has to take.
    paths = ["ask read pay", "ask read pay", "ask read meet pay"]
    assert shape_of(paths, optional=["", "", "meet"]) == [
        (1, 0, "s1+s2+s3", "ask"), (2, 1, "s1+s2+s3", "read"), (3, 2, "s1+s2+s3", "pay"),
    ]  # fmt: skip


def test_nine_paths():
    # Each of nine steps is one path's own: a root, a fork of nine, nine leaves.
    letters = "bcdefghij"
    steps = Steps(steps=[{"id": step} for step in f"a{letters}p"], won="p")
    tree = shape_of([f"a {letter} p" for letter in letters], steps)
    every = "+".join(f"s{k}" for k in range(1, 10))
    assert tree[:2] == [(1, 0, every, "a"), (2, 1, every, " | ".join(letters))]
    assert tree[2:] == [(k + 2, 2, f"s{k}", "p") for k in range(1, 10)]


def test_steps_that_nothing_shows_are_on_no_path_but_the_sale():
    # Nobody signs in the log, and nobody pays.
    assert shape_of([READ, MEET], measurable=["ask", "read", "meet"]) == [
        (1, 0, "s1+s2", "ask"),
        (2, 1, "s1+s2", "read | meet"),
        (3, 2, "s1", "pay"),
        (4, 2, "s2", "pay"),
    ]
    assert shape_of([READ, MEET], measurable=["ask", "sign"]) == [
        (1, 0, "s1+s2", "ask"), (2, 1, "s1+s2", "sign | pay"), (3, 2, "s1", "pay"),
    ]  # fmt: skip


# --- by hand: counts -------------------------------------------------------------------------


def test_leads_stand_on_their_own_paths():
    # z bought on s1. a read and is lost at signing; b asked and is lost at the fork; c met and is
    # open before the sale of s2, d bought there. e began with meeting: the asking is unseen, not
    # missed. f is on s1: that it met counts for nothing there, it stands at the fork. g never did
    # anything.
    text = """
        a 1 ask\na 2 read\na 3 gone\nb 1 ask\nb 2 gone\nc 1 ask\nc 2 meet\nd 1 ask\nd 2 meet
        d 3 pay\ne 1 meet\ne 2 gone\nf 1 ask\nf 2 meet\nf 3 gone\ng 1 what\ng 2 gone"""
    member = {"c": 2, "d": 2, "e": 2}
    counts, table = tree_of(EVERYTHING + text, [READ, MEET], member)
    assert counts == {
        ("s1+s2", "ask"): [7, 7, 0, 0, 0, 0],  # all but g
        ("s1+s2", "read | meet"): [7, 5, 2, 0, 0, 0],  # b and f were asked for neither
        ("s1", "sign"): [2, 1, 1, 0, 0, 0],  # z, a
        ("s1", "pay"): [1, 1, 0, 0, 0, 0],
        ("s2", "pay"): [3, 1, 1, 0, 0, 1],  # c, d, e
    }
    assert table["node"].tolist() == [1, 2, 3, 4, 5]
    assert table["parent"].tolist() == [pd.NA, 1, 2, 3, 2]
    assert table["step"].tolist() == ["ask", "fork", "sign", "pay", "pay"]
    assert set(table["n_untold"]) == {0}
    leads, _ = lists_of(EVERYTHING + text, [READ, MEET], member)
    assert leads["last_step"].fillna("").to_dict() == {
        "a": "read", "b": "ask", "c": "meet", "d": "pay", "e": "meet", "f": "ask", "g": "",
        "z": "pay",
    }  # fmt: skip
    missed = leads["missed_step"].dropna().to_dict()
    assert missed == {"a": "sign", "b": "read | meet", "c": "pay", "e": "pay", "f": "read | meet"}
    assert leads["tree_segment"].dropna().to_dict() == {
        "a": "s1", "b": "s1+s2", "c": "s2", "d": "s2", "e": "s2", "f": "s1+s2", "z": "s1",
    }  # fmt: skip


def test_waits_are_of_those_who_went_on_from_the_step_before():
    # To read from asking: z 1 day, a 4 days; to meet: c 2, d 1.5: at the fork 1, 1.5, 2, 4 → 1.75.
    # From there z signs after 2 days and pays after 1; d pays after half a day; of e it is not
    # known when it asked.
    text = """
        a 1 ask\na 5 read\nc 1 ask\nc 3 meet\nd 1 ask\nd 2.5 meet\nd 3 pay\ne 1 meet"""
    _, table = tree_of(EVERYTHING + text, [READ, MEET], {"c": 2, "d": 2, "e": 2})
    assert table["median_days_waited"].tolist() == [0, 1.75, 2, 1, 0.5]


def test_the_step_of_one_path_is_not_missed_on_the_other():
    # c met on s2 and is lost; on one chain for all it would have missed the signing.
    text = "\nc 1 ask\nc 2 meet\nc 3 gone"
    counts, _ = tree_of(EVERYTHING + text, [READ, MEET], {"c": 2})
    assert counts["s2", "pay"] == [1, 0, 1, 0, 0, 0] and counts["s1", "sign"][2] == 0


def test_a_path_that_is_the_beginning_of_another_has_no_rows_behind_the_fork():
    # s2 pays at once. a paid on s2, b is lost at the fork, c read on s1 and waits, d went to pay
    # (nobody has closed it yet) on s2: it went on.
    text = "\na 1 ask\na 2 pay\nb 1 ask\nb 2 gone\nc 1 ask\nc 2 read\nd 1 ask\nd 2 pay"
    leads = pd.DataFrame({
        "lead_id": [*"abcdz"], "status": ["won", "lost", "open", "open", "won"],
        "closed_at": START + pd.to_timedelta([2, 2, None, None, 5], unit="D"),
    })  # fmt: skip
    counts, table = tree_of(
        EVERYTHING + text, [READ, "ask pay"], {"a": 2, "b": 2, "d": 2}, leads=leads
    )
    assert counts == {
        ("s1+s2", "ask"): [5, 5, 0, 0, 0, 0],
        ("s1+s2", "read | pay"): [5, 4, 1, 0, 0, 0],
        ("s1", "sign"): [2, 1, 0, 0, 0, 1],
        ("s1", "pay"): [1, 1, 0, 0, 0, 0],
    }
    assert not (table["segments"] == "s2").any()
    leads, _ = lists_of(EVERYTHING + text, [READ, "ask pay"], {"a": 2, "b": 2, "d": 2}, leads=leads)
    assert leads["tree_segment"].tolist() == ["s2", "s1+s2", "s1", "s2", "s1"]


def test_a_lead_that_took_an_optional_step_stands_before_the_next_required_one():
    # Reading is optional on s1, and s2 does not have it. a read: its last step; it misses signing.
    paths, text = ["ask read sign pay", "ask meet pay"], "\na 1 read\na 2 gone\nb 1 ask\nb 2 gone"
    counts, _ = tree_of(EVERYTHING + text, paths, {}, optional=["read", ""])
    # a's reading is on no skeleton: it is at the root, of which there is no evidence.
    assert counts["s1+s2", "ask"] == [3, 2, 0, 0, 1, 0]
    assert counts["s1+s2", "meet | sign"] == [2, 1, 1, 0, 0, 0]
    leads, _ = lists_of(EVERYTHING + text, paths, {}, optional=["read", ""])
    assert leads.loc["a", ["last_step", "missed_step"]].tolist() == ["read", "ask"]


def test_at_each_fork_the_heavier_branch_takes_the_lead():
    # b | e, then c | d or f. Of u 0.35 + 0.15 are of e, 0.3 + 0.2 of b: a tie, which goes to b, and
    # there to c (0.3). v is most of s3 (0.4), but more of b (0.3 + 0.3): a tie again, c.
    steps = Steps(steps=[{"id": step} for step in "abcdefp"], won="p", lost=["gone"])
    paths = ["a b c p", "a b d p", "a e p", "a e f p"]
    member = {"u": [0.3, 0.2, 0.35, 0.15], "v": [0.3, 0.3, 0.4, 0], "w": [0, 0, 0.1, 0.9]}
    text = "\n".join(f"x {day} {step}" for day, step in enumerate("abcdefp"))
    text += "\nu 1 a\nu 2 b\nu 3 gone\nv 1 a\nw 1 a\nw 2 e\nw 3 f"
    counts, table = tree_of(text, paths, member, steps)
    every = "s1+s2+s3+s4"
    assert counts == {
        (every, "a"): [4, 4, 0, 0, 0, 0],
        (every, "b | e"): [4, 3, 0, 0, 0, 1],  # v waits
        ("s1+s2", "c | d"): [2, 1, 0, 0, 1, 0],  # x bought, u is lost
        ("s1", "p"): [1, 1, 0, 0, 0, 0],
        ("s2", "p"): [0, 0, 0, 0, 0, 0],
        ("s3+s4", "f | p"): [1, 1, 0, 0, 0, 0],
        ("s4", "p"): [1, 0, 0, 0, 0, 1],
    }
    # Not sure of those who came: behind the first fork u (0.5); w is sure (1.0, then 0.9).
    assert table["n_untold"].tolist() == [0, 0, 1, 0, 0, 0, 0]


def test_a_lead_behind_a_fork_by_a_fifth_or_more_is_not_sure():
    # a belongs to s1 by 0.8, just enough, b by 0.7; before the fork no path is in question.
    text = "\na 1 ask\na 2 read\nb 1 ask\nb 2 read\nb 3 sign\nc 1 ask"
    member = {"a": [0.8, 0.2], "b": [0.7, 0.3], "c": [0.5, 0.5]}
    _, table = tree_of(EVERYTHING + text, [READ, MEET], member)
    assert table["n_untold"].tolist() == [0, 0, 1, 1, 0]
    leads, waiting = lists_of(EVERYTHING + text, [READ, MEET], member)
    assert leads["segment"].to_dict() == {
        "a": "s1", "b": "undetermined", "c": "undetermined", "z": "s1",
    }  # fmt: skip
    assert leads["likely"].to_dict() == {"a": "s1", "b": "s1 | s2", "c": "s1 | s2", "z": "s1"}
    assert leads["probability"].to_dict() == {"a": 0.8, "b": 0.7, "c": 0.5, "z": 1}
    assert leads["missed_step"].dropna().to_dict() == {"a": "sign", "b": "pay", "c": "read | meet"}
    # b's next step is to pay if it is on s1, and if it is on s2 it has not even met.
    assert waiting["next_step"].to_dict() == {"a": "sign", "b": "meet | pay", "c": "read | meet"}


def test_equal_paths_are_counted_together():
    text = "\na 1 ask\na 2 read\na 3 gone\nb 1 ask"
    paths = ["ask read pay", "ask read pay"]
    counts, _ = tree_of(EVERYTHING + text, paths, {"a": [0.6, 0.4], "b": 2})
    assert counts == {
        ("s1+s2", "ask"): [3, 3, 0, 0, 0, 0],
        ("s1+s2", "read"): [3, 2, 0, 0, 0, 1],
        ("s1+s2", "pay"): [2, 1, 1, 0, 0, 0],
    }
    leads, _ = lists_of(EVERYTHING + text, paths, {"a": [0.6, 0.4], "b": 2})
    assert leads["segment"].tolist() == ["undetermined", "s2", "s1"]
    assert set(leads["tree_segment"]) == {"s1+s2"}
    # Neither has a part of its own.
    journeys = journeys_of(EVERYTHING + text)
    found = segments_of(journeys, paths, {"a": [0.6, 0.4], "b": 2})
    assert set(count_losses(journeys, found)["segment"]) == {"all"}


def test_nine_segments_by_hand():
    # Each segment has a lead that took its step and bought, or, of every second one, was lost. x
    # shows nothing but asking and belongs to all alike.
    letters = "bcdefghij"
    steps = Steps(steps=[{"id": step} for step in f"a{letters}p"], won="p", lost=["gone"])
    text = "x 0 a\nx 1 gone\n" + "\n".join(
        f"l{k} 0 a\nl{k} 1 {letter}\nl{k} 2 {'gone' if k % 2 else 'p'}"
        for k, letter in enumerate(letters)
    )
    member = {f"l{k}": k + 1 for k in range(9)} | {"x": [1 / 9] * 9}
    counts, _ = tree_of(text, [f"a {letter} p" for letter in letters], member, steps)
    every = "+".join(f"s{k}" for k in range(1, 10))
    assert counts[every, "a"] == [10, 10, 0, 0, 0, 0]
    assert counts[every, " | ".join(letters)] == [10, 9, 0, 0, 1, 0]
    for k in range(9):  # those of s1, s3 … bought
        assert counts[f"s{k + 1}", "p"] == [1, 1 - k % 2, 0, 0, k % 2, 0]


def test_a_log_where_nobody_entered():
    counts, table = tree_of("a 1 what\nb 1 what\nb 2 gone", [READ, MEET], {})
    assert counts == {("s1+s2", "pay"): [0, 0, 0, 0, 0, 0]}  # no other step can be measured
    assert table["median_days_waited"].isna().all()
    leads, waiting = lists_of("a 1 what\nb 1 what\nb 2 gone", [READ, MEET], {})
    empty = ["segment", "tree_segment", "node", "last_step", "missed_step", "asked"]
    assert leads[empty].isna().all(axis=None)
    assert waiting["next_step"].tolist() == ["pay"]


# --- by hand: asked --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asks", "answer"),
    [
        ("", "no"),
        ("a 1.5 send", "yes"),  # for reading: one of the two
        ("a 1.5 invite", "yes"),  # for meeting
        ("a 1 send", "yes"),  # as it entered
        ("a 0.5 send", "no"),  # before it entered
        ("a 3 invite", "yes"),  # as it was closed
        ("a 3.5 invite", "no"),  # after that
        ("a 1.5 draft\na 2 bill", "no"),  # for later steps of s1
    ],
)
def test_asked_at_a_fork_is_asked_for_any_next_step(asks, answer):
    text = f"{EVERYTHING}\na 1 ask\na 3 gone\n{asks}"
    counts, _ = tree_of(text, [READ, MEET], {"a": [0.5, 0.5]})
    place = {"no": 2, "yes": 3}[answer]
    assert counts["s1+s2", "read | meet"][place] == 1
    leads, _ = lists_of(text, [READ, MEET], {"a": [0.5, 0.5]})
    assert leads.loc["a", "asked"] == answer


def test_at_a_fork_not_asked_is_unknown_unless_all_can_be_seen():
    # Nobody is ever invited in this log; a was sent what to read, b was not.
    text = EVERYTHING.replace("z 1 invite", "z 1 other") + "\na 1 ask\na 2 send\na 3 gone"
    counts, _ = tree_of(text + "\nb 1 ask\nb 3 gone", [READ, MEET], {})
    assert counts["s1+s2", "read | meet"] == [3, 1, 0, 1, 1, 0]
    # An ask before entry is no ask, but shows that asks can be seen.
    counts, _ = tree_of(text + "\nb 1 ask\nb 0.5 invite\nb 3 gone", [READ, MEET], {})
    assert counts["s1+s2", "read | meet"] == [3, 1, 1, 1, 0, 0]


def test_an_ask_ahead_of_the_last_step_counts():
    # The draft came on day 2, as a had only asked; it read on day 3, and never signed.
    text = EVERYTHING + "\na 1 ask\na 2 draft\na 3 read\na 9 gone"
    counts, _ = tree_of(text, [READ, MEET], {})
    assert counts["s1", "sign"] == [2, 1, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ("a 2 push", ("s1+s2", "read | meet", "yes")),
        # It asks for reading, which is not taken yet: nobody asked for the signing.
        ("a 2 push\na 3 read", ("s1", "sign", "no")),
        ("a 3 read\na 4 push", ("s1", "sign", "yes")),
        ("a 3 read\na 3 push", ("s1", "sign", "no")),  # at that moment it has not read
        ("a 2 push\na 3 read\na 4 push", ("s1", "sign", "yes")),
        ("a 2 push\na 3 read\na 4 draft", ("s1", "sign", "yes")),
        # Having signed it has read, too: nothing is left that the action asks for.
        ("a 3 sign\na 4 push", ("s1", "pay", "no")),
        ("a 2 push\na 3 sign\na 4 bill", ("s1", "pay", "yes")),
    ],
)
def test_an_action_for_several_steps_asks_for_the_earliest_not_taken(rows, place):
    # `push` asks for reading and for signing.
    segments, step, answer = place
    text = f"{EVERYTHING}\na 1 ask\n{rows}\na 9 gone"
    counts, _ = tree_of(text, [READ, MEET], {})
    assert counts[segments, step][2:4] == [answer == "no", answer == "yes"]
    leads, _ = lists_of(text, [READ, MEET], {})
    assert leads.loc["a", ["missed_step", "asked"]].tolist() == [step, answer]


def test_an_action_for_several_steps_on_a_path_that_has_one_of_them():
    # On s2, which has no reading, `push` asks at the fork for reading, then for nothing. On a path
    # with meeting and signing it asks for signing, whatever was read.
    text = EVERYTHING + "\na 1 ask\na 2 push\na 9 gone\nb 1 ask\nb 2 meet\nb 3 push\nb 9 gone"
    counts, _ = tree_of(text, [READ, MEET], {"a": 2, "b": 2})
    assert counts["s1+s2", "read | meet"] == [3, 2, 0, 1, 0, 0]
    assert counts["s2", "pay"] == [1, 0, 1, 0, 0, 0]
    counts, _ = tree_of(text, [READ, "ask meet sign pay"], {"a": 2, "b": 2})
    assert counts["s2", "sign"] == [1, 0, 0, 1, 0, 0]


def test_steps_of_other_paths_do_not_move_an_ask_on():
    # a is on s1; that it met counts for nothing there, so `both` asks for reading, not for paying.
    steps = Steps(
        steps=[
            {"id": "ask"}, {"id": "read", "asked_by": ["both", "r"]},
            {"id": "meet", "asked_by": ["m"]}, {"id": "pay", "asked_by": ["both"]},
        ],
        won="pay", lost=["gone"],
    )  # fmt: skip
    text = "z 1 ask\nz 1 r\nz 1 m\nz 2 read\nz 3 pay\na 1 ask\na 2 meet\na 3 both\na 9 gone"
    counts, _ = tree_of(text, ["ask read pay", MEET], {}, steps)
    assert counts["s1+s2", "read | meet"] == [2, 1, 0, 1, 0, 0]


def test_a_step_that_may_come_next_at_two_forks_is_asked_for_at_both():
    # s1 x, s2 b x, s3 b c: after a come b or x; after b come c or x. `both` asks for x and p.
    ids = [{"id": "a"}, *({"id": i, "asked_by": [i.upper()]} for i in "bc")]
    steps = Steps(
        steps=[*ids, *({"id": i, "asked_by": [i.upper(), "both"]} for i in "xp")],
        won="p", lost=["gone"],
    )  # fmt: skip
    text = "\n".join(f"z {day} {step}\nz 0 {step.upper()}" for day, step in enumerate("abcxp"))
    text += "\nu 0 a\nu 1 both\nu 9 gone\nv 0 a\nv 1 b\nv 2 both\nv 9 gone"
    paths = ["a x p", "a b x p", "a b c p"]
    counts, _ = tree_of(text, paths, {"u": 3, "v": 3, "z": 3}, steps)
    assert counts["s1+s2+s3", "b | x"] == [3, 2, 0, 1, 0, 0]
    assert counts["s2+s3", "c | x"] == [2, 1, 0, 1, 0, 0]


def test_an_action_for_both_next_steps_of_a_fork():
    steps = Steps(
        steps=[
            {"id": "ask"}, {"id": "read", "asked_by": ["all*"]},
            {"id": "meet", "asked_by": ["all*"]}, {"id": "sign"}, {"id": "pay"},
        ],
        won="pay", lost=["gone"],
    )  # fmt: skip
    text = "z 1 ask\nz 2 read\nz 3 meet\nz 4 sign\nz 5 pay\na 1 ask\na 2 all of it\na 9 gone"
    counts, _ = tree_of(text + "\nb 1 ask\nb 9 gone", [READ, MEET], {}, steps)
    assert counts["s1+s2", "read | meet"] == [3, 1, 1, 1, 0, 0]


def test_an_ask_may_count_only_after_another_action():
    steps = [{"id": "ask"}, {"id": "read", "asked_by": [{"action": "call", "after": "send"}]}]
    steps = Steps(steps=[*steps, {"id": "pay"}], won="pay", lost=["gone"])
    text = "z 1 ask\nz 2 read\nz 3 pay\na 1 ask\na 2 send\na 3 call\na 9 gone"
    text += "\nb 1 ask\nb 2 call\nb 3 send\nb 9 gone"
    counts, _ = tree_of(text, ["ask read pay"], {}, steps)
    assert counts["all", "read"] == [3, 1, 1, 1, 0, 0]


# --- by hand: open leads ---------------------------------------------------------------------


def test_asked_of_an_open_lead_is_about_its_own_next_steps():
    # a and b wait at the fork. a, surely on s1, was invited to meet: not what comes next for it,
    # though of the place it was asked. b may be on either path: asked for one of its next steps.
    text = EVERYTHING + "\na 1 ask\na 2 invite\nb 1 ask\nb 2 invite\nc 5 what\nd 1 ask\nd 2 pay"
    leads = pd.DataFrame({"lead_id": [*"abcd"], "status": "open"})
    member = {"b": [0.5, 0.5]}
    listed, waiting = lists_of(text, [READ, MEET], member, leads=leads)
    assert listed.loc[["a", "b"], "asked"].tolist() == ["yes", "yes"]
    assert waiting.loc["a", ["next_step", "asked", "segment"]].tolist() == ["read", "no", "s1"]
    assert waiting.loc["b", ["next_step", "asked", "segment"]].tolist() == [
        "read | meet", "yes", "undetermined",
    ]  # fmt: skip
    # c never entered: what comes first on all paths, which nobody can be seen asking for.
    assert waiting.loc["c", ["next_step", "asked"]].tolist() == ["ask", "unknown"]
    # d shows the sale and is not closed: nothing comes next, it stands nowhere.
    assert waiting.loc["d", ["next_step", "asked", "node"]].isna().all()


def test_overdue_is_longer_than_nine_in_ten_needed_at_the_place():
    # At the fork ten go on after 1 to 10 days: nine in ten within 9 (or 10, where the tenth begins:
    # the middle is 9.5). Observed until day 30: of those who wait there, old since day 20 (10 days)
    # stands still, new since day 21 (9 days) does not; behind it too few have paid to say so.
    lines = [f"l{n} 0 ask\nl{n} {n + 1} {'read' if n % 2 else 'meet'}" for n in range(10)]
    text = "\n".join([*lines, "old 20 ask", "new 21 ask", "z 1 ask", "z 1 sign", "z 1 pay"])
    member = {f"l{n}": 1 if n % 2 else 2 for n in range(10)}
    _, waiting = lists_of(text, [READ, MEET], member)
    assert waiting["overdue"].dtype == bool
    assert waiting.index[waiting["overdue"]].tolist() == ["old"]
    journeys = journeys_of(text)
    table = count_standing(journeys, segments_of(journeys, [READ, MEET], member))
    fork = table[table["step"] == "read | meet"].iloc[0]
    assert fork[["n_took", "normal_days", "n_open", "n_standing"]].tolist() == [10, 9.5, 2, 1]
    assert set(table.loc[table["step"] != "read | meet", "n_standing"].fillna(-1)) <= {0, -1}


# --- a second opinion ------------------------------------------------------------------------


def draw_case(seed):
    """A random log as rows and leads, its steps, and random segments: plain lists and texts."""
    rng = np.random.default_rng(seed)
    middle = [*"bcdefg"][: rng.integers(2, 7)]
    shared = {f"push{n}": rng.choice([*middle, "p"], 2, replace=False) for n in range(2)}
    steps = [{"id": "a"}]
    for step in [*middle, "p"]:
        asks = [step.upper()] if rng.random() < 0.8 else []
        asks += [name for name, of in shared.items() if step in of]
        optional = bool(step != "p" and rng.random() < 0.1)
        steps.append({"id": step, "asked_by": asks, "optional": optional})
    steps = Steps(steps=steps, won="p", lost=["gone"])
    paths, optional, pairs = [], [], []
    for _ in range(rng.integers(1, 6)):
        some = [step for step in middle if rng.random() < 0.6]
        if rng.random() < 0.4:
            some = [some[i] for i in rng.permutation(len(some))]
        some = ["a", *some] if rng.random() < 0.9 else some
        pairs.append([pair for pair in pairwise(some) if rng.random() < 0.3][:1])
        if rng.random() < 0.2 and some:
            some.append(str(rng.choice(some)))
        paths.append([*some, "p"])
        optional.append([step for step in middle if rng.random() < 0.15])
    acts = [step for step in ["a", *middle] if rng.random() < 0.95]
    asks = [step.upper() for step in [*middle, "p"] if rng.random() < 0.8] + [*shared]
    acts = [*acts, *acts, "p", *asks, "huh"]
    rows, leads = [], {}
    for n in range(rng.integers(1, 25)):
        days = rng.integers(0, 16, rng.integers(0, 10)) / 2
        rows += [(f"l{n:02d}", float(day), str(rng.choice(acts))) for day in days]
        rows += [(f"l{n:02d}", 0.0, "a")] * (rng.random() < 0.7)
        status = str(rng.choice(["won", "lost", "lost", "open"]))
        closed = None if status == "open" else float(rng.integers(4, 18)) / 2
        leads[f"l{n:02d}"] = {"status": status, "closed": closed}
    # Eighths add up exactly, so that ties are ties.
    weights = rng.multinomial(8, rng.dirichlet([0.5] * len(paths)), len(leads)) / 8
    for lead, own in zip(leads.values(), weights, strict=True):
        lead["weights"] = own.tolist()
    return rows or [("l00", 0.0, "a")], leads, steps, paths, optional, pairs


def build_case(rows, leads, steps, paths, optional, pairs):
    """The same as the library takes it: log, journeys, segments."""
    table = pd.DataFrame({
        "lead_id": [*leads], "status": [lead["status"] for lead in leads.values()],
        "closed_at": [lead["closed"] for lead in leads.values()],
    })  # fmt: skip
    table["closed_at"] = START + pd.to_timedelta(table["closed_at"].astype(float), unit="D")
    log = log_of("\n".join(f"{who} {day} {act}" for who, day, act in rows), 12, table)
    journeys = build_journeys(log, steps)
    return log, journeys, segments_of(
        journeys, [" ".join(path) for path in paths],
        {name: lead["weights"] for name, lead in leads.items()},
        [" ".join(own) for own in optional], tuple(tuple(own) for own in pairs),
    )  # fmt: skip


def slow_evidence(rows, leads, steps):
    """Each lead's evidence that counts before the sale, (day, step): of a lost lead never the sale,
    nor what came after closing; and its asks from entry to closing, (day, action)."""
    known = {name: {"shown": [], "asks": [], **lead} for name, lead in leads.items()}
    for who, day, act in rows:
        lead, counts = known[who], act in steps.ids
        if lead["status"] == "lost":
            counts = counts and act != steps.won and day <= lead["closed"]
        if counts:
            lead["shown"].append((day, act))
    for name, lead in known.items():
        lead["entered"] = min((day for day, _ in lead["shown"]), default=None)
        until = 99 if lead["closed"] is None else lead["closed"]
        since = -99 if lead["entered"] is None else lead["entered"]
        lead["asks"] = [(d, a) for w, d, a in rows if w == name and since <= d <= until]
    return known


def slow_skeletons(known, steps, paths, optional, pairs):
    """Each path without what nobody can miss; the first of two times; pairs in file order."""
    seen = {step for lead in known.values() for _, step in lead["shown"]} | {steps.won}
    seen -= {step.id for step in steps.steps if step.optional}
    needed = {s for path, own in zip(paths, optional, strict=True) for s in path if s not in own}
    found = []
    for path, own in zip(paths, pairs, strict=True):
        once = [step for n, step in enumerate(path) if step not in path[:n]]
        kept = [step for step in once if step in needed & seen]
        for one, other in own:
            if one in kept and other in kept:
                at = kept.index(one)
                assert kept[at + 1] == other  # no path is drawn that has it otherwise
                kept[at : at + 2] = sorted([one, other], key=steps.ids.index)
        found.append(tuple(kept))
    return found


def slow_path(lead, skeletons, steps):
    """Which path a lead is on: of each fork the heavier branch, the first of equal ones."""
    alive, depth = [*range(len(skeletons))], 0
    while any(len(skeletons[k]) > depth for k in alive):
        branches = {}
        for k in alive:
            branches.setdefault(skeletons[k][depth], []).append(k)
        ordered = sorted(branches, key=steps.ids.index)
        chosen = max(ordered, key=lambda step: sum(lead["weights"][k] for k in branches[step]))
        alive, depth = branches[chosen], depth + 1
    return max(alive, key=lambda k: lead["weights"][k])


def slow_asked(lead, own, nodes, steps):
    """For which steps was a lead asked, on its own path? `nodes` are the next steps at each place
    of it."""
    asked = set()
    for day, act in lead["asks"]:
        of = [step.id for step in steps.steps if act in step.asks]
        if len(of) == 1:
            asked |= {*of}
            continue
        before = {step for at, step in lead["shown"] if at < day}
        stands = max((n + 1 for n, step in enumerate(own) if step in before), default=0)
        for depth in range(stands, len(own)):
            # At a place the steps of other paths that part there may come next, too, unless they
            # come on its own path by themselves.
            here = {s for s in nodes[depth] if s == own[depth] or s not in own} & {*of}
            if here:
                asked |= here
                break
    return asked


def slow_tree(case):
    """The table `tree` but for its numbers of nodes, by loops over leads and events."""
    rows, leads, steps, paths, optional, pairs = case
    known = slow_evidence(rows, leads, steps)
    skeletons = slow_skeletons(known, steps, paths, optional, pairs)
    ids = [f"s{k + 1}" for k in range(len(paths))]
    # A place is what comes before it: the beginnings of all paths, each once, depth first.
    places = sorted(
        {own[:depth] for own in skeletons for depth in range(len(own))},
        key=lambda place: [steps.ids.index(step) for step in place],
    )
    through = {
        place: [k for k, own in enumerate(skeletons) if own[: len(place)] == place != own]
        for place in places
    }
    following = {
        place: sorted({skeletons[k][len(place)] for k in through[place]}, key=steps.ids.index)
        for place in places
    }
    seen_asking = {s.id for s in steps.steps if {act for _, _, act in rows} & {*s.asks}}
    counts = {place: dict.fromkeys([*COUNTS, "n_untold"], 0) for place in places}
    waits = {place: [] for place in places}
    for lead in known.values():
        if lead["entered"] is None:
            continue
        k = slow_path(lead, skeletons, steps)
        own, shown = skeletons[k], {step for _, step in lead["shown"]}
        took = max((n + 1 for n, step in enumerate(own) if step in shown), default=0)
        took = len(own) if lead["status"] == "won" else took
        asked = slow_asked(lead, own, [following[own[:n]] for n in range(len(own))], steps)
        first = {step: min(d for d, s in lead["shown"] if s == step) for step in shown}
        if lead["status"] == "won":
            first[steps.won] = min(lead["closed"], first.get(steps.won, 99))
        for n in range(min(took + 1, len(own))):
            place = own[:n]
            count = counts[place]
            count["n_came"] += 1
            count["n_untold"] += sum(lead["weights"][j] for j in through[place]) < 0.8
            if n < took:
                count["n_went_on"] += 1
                since = first.get(own[n - 1]) if n else lead["entered"]
                taken = first.get(own[n])
                if since is not None and taken is not None and taken >= since:
                    waits[place].append(taken - since)
            elif lead["status"] == "open":
                count["n_open"] += 1
            elif asked & {*following[place]}:
                count["n_lost_asked"] += 1
            elif {*following[place]} <= seen_asking:
                count["n_lost_not_asked"] += 1
            else:
                count["n_lost_unknown"] += 1
    return [
        {
            "parent": places.index(place[:-1]) + 1 if place else None,
            "segments": "+".join(ids[k] for k in through[place]) if len(ids) > 1 else "all",
            "step": "fork" if len(following[place]) > 1 else following[place][0],
            "next_steps": " | ".join(following[place]),
            **counts[place],
            "median_days_waited": float(np.median(waits[place])) if waits[place] else None,
        }
        for place in places
    ]


SEEDS = range(100)


@cache
def random_case(seed):
    """A case, as drawn; log, journeys and segments; the tree that is counted of them."""
    case = draw_case(seed)
    log, journeys, found = build_case(*case)
    return case, log, journeys, found, count_tree(journeys, found)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_loop_over_leads_and_events_counts_the_same_tree(seed):
    case, *_, table = random_case(seed)
    slow = slow_tree(case)
    assert table["node"].tolist() == [n + 1 for n in range(len(slow))]
    told = table.drop(columns="node").astype(object)
    assert told.where(told.notna(), None).to_dict("records") == slow


def test_the_random_trees_are_of_all_kinds():
    """What the loop above has seen: otherwise it shows little."""
    tables = [random_case(seed)[-1] for seed in SEEDS]
    forks = [table[table["step"] == "fork"] for table in tables]
    assert sum(len(fork) > 1 for fork in forks) > 30  # forks within forks
    assert sum(fork["next_steps"].str.endswith("| p").any() for fork in forks) > 30
    every = pd.concat(tables)
    assert (every[["n_untold", *COUNTS]].sum() > 100).all(), every[COUNTS].sum()
    assert (every.loc[every["step"] == "fork", COUNTS].sum() > 30).all()


# --- what always holds -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_everyone_who_came_went_on_or_stands_there(seed):
    *_, journeys, found, table = random_case(seed)
    table = table.set_index("node")
    assert (table[COUNTS[1:]].sum(axis=1) == table["n_came"]).all()
    entered = journeys.leads["entered_at"].notna()
    assert table["n_came"].iloc[0] == entered.sum()
    places = find_places(journeys, found)
    path = places.path[places.counted.of_lead]
    for number, row in table.iterrows():
        children = table[table["parent"] == number]
        if row["step"] == "fork":
            # Whose next step is the sale has no rows behind: those who went on to it are left.
            last = [k for k, own in enumerate(places.tree.routes) if own[-1] == number]
            gone = places.went_on[places.counted.of_lead, number - 1] & np.isin(path, last)
            assert children["n_came"].sum() + gone.sum() == row["n_went_on"]
        elif len(children):
            assert children["n_came"].tolist() == [row["n_went_on"]]
        else:
            assert row["step"] == journeys.steps.won


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_who_decided_at_a_place_went_on_or_was_lost_there(seed):
    *_, journeys, found, table = random_case(seed)
    table, decided = table.set_index("node"), find_decided(journeys, found)
    tree, lost = decided.places.tree, (journeys.leads["status"] == "lost").to_numpy()
    for node in tree.nodes:
        assert decided.find_node(node.missed, tree.name_node(node)) is node
        stood, went_on = decided.list_leads(node)
        row = table.loc[node.number]
        assert (stood & went_on).sum() == row["n_went_on"]
        assert (stood & ~went_on).sum() == row[COUNTS[2:5]].sum() == (stood & ~went_on & lost).sum()
        assert stood.sum() == row["n_came"] - row["n_open"]


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_losses_and_lists_add_up_to_the_tree(seed):
    _, log, journeys, found, table = random_case(seed)
    tree = table.set_index("node")
    losses = count_losses(journeys, found)
    everyone = losses[losses["segment"] == "all"].set_index("node")
    pd.testing.assert_series_equal(
        everyone["missed_step"], tree["next_steps"], check_names=False, check_index_type=False
    )
    for name, of in (("n_asked", "asked"), ("n_not_asked", "not_asked"), ("n_unknown", "unknown")):
        assert everyone[name].tolist() == tree[f"n_lost_{of}"].tolist()
    leads = list_leads(log, journeys, found)
    listed = leads[leads["entered_at"].notna()]
    # A lost lead's evidence of the sale counts for nothing, so each stands before some step.
    assert everyone["n_lost"].sum() == (listed["status"] == "lost").sum()
    for segment, own in losses[losses["segment"] != "all"].groupby("segment"):
        assert (own["n_lost"].to_numpy() <= everyone.loc[own["node"], "n_lost"].to_numpy()).all()
        assert (tree.loc[own["node"], "segments"].str.contains(segment)).all()
        assert "fork" not in set(tree.loc[own["node"], "step"])
    stands = listed[listed["node"].notna()].groupby(["node", "status", "asked"]).size()
    for number, row in tree.iterrows():
        here = [stands.get((number, "lost", word), 0) for word in ("no", "yes", "unknown")]
        assert here == row[["n_lost_not_asked", "n_lost_asked", "n_lost_unknown"]].tolist()
    waiting = list_open_leads(log, journeys, leads, found)
    assert tree["n_open"].to_dict() == {
        number: (waiting["node"] == number).sum() for number in tree.index
    }
    placed = listed[listed["node"].notna()]
    assert placed["missed_step"].tolist() == tree.loc[placed["node"], "next_steps"].tolist()
    assert placed["tree_segment"].tolist() == tree.loc[placed["node"], "segments"].tolist()
    assert listed.loc[listed["status"] == "won", ["node", "missed_step"]].isna().all(axis=None)


@pytest.mark.parametrize("seed", SEEDS[::3])
def test_waits_and_standing_are_of_the_nodes_of_the_tree(seed):
    _, journeys, found = build_case(*draw_case(seed))
    tree = count_tree(journeys, found)
    for table, name in ((count_pace(journeys, found), "median_days_from_previous"),
                        (count_standing(journeys, found), "n_open")):  # fmt: skip
        everyone = table[table["segment"] == "all"]
        assert everyone["node"].tolist() == tree["node"].tolist()
        assert everyone["step"].tolist() == tree["next_steps"].tolist()
        mine = tree["median_days_waited" if name.startswith("median") else "n_open"].to_numpy(float)
        assert everyone[name].to_numpy() == pytest.approx(mine, nan_ok=True)
        nodes = tree.set_index("node")
        for segment, own in table[table["segment"] != "all"].groupby("segment"):
            assert nodes.loc[own["node"], "segments"].str.contains(segment).all()


@pytest.mark.parametrize("seed", SEEDS[::6])
def test_order_of_rows_and_of_leads_changes_nothing(seed):
    rows, leads, *rest = draw_case(seed)
    rng = np.random.default_rng(seed)
    mixed = [rows[i] for i in rng.permutation(len(rows))]
    tables = []
    for some in (rows, mixed):
        log, journeys, found = build_case(some, leads, *rest)
        listed = list_leads(log, journeys, found)
        tables.append((
            count_tree(journeys, found), count_losses(journeys, found),
            count_necessity(journeys, found), count_pace(journeys, found),
            count_standing(journeys, found), listed,
            list_open_leads(log, journeys, listed, found),
        ))  # fmt: skip
    for one, other in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("seed", SEEDS[::5])
def test_one_path_of_all_steps_is_the_tree_of_all_leads(seed):
    _, journeys, _ = build_case(*draw_case(seed))
    alone = segments_of(journeys, [" ".join(journeys.steps.before_sale)], {})
    one, other = (count_tree(journeys, found) for found in (alone, keep_together(journeys)))
    pd.testing.assert_frame_equal(one, other)
    assert set(one["segments"]) == {"all"} and not one["step"].eq("fork").any()
    pd.testing.assert_frame_equal(count_losses(journeys), count_losses(journeys, alone))


# --- how it reads ----------------------------------------------------------------------------

NAMES = {
    "en": {"ask": "Asked", "read": "Read it", "meet": "Met us", "sign": "Signed", "pay": "Paid"},
    "ru": {"ask": "Спросил", "read": "Прочитал", "meet": "Встретился", "sign": "Подписал",
           "pay": "Оплатил"},
}  # fmt: skip
SEGMENTS = {"en": {"s1": "Wholesale", "s2": "Retail"}, "ru": {"s1": "Опт", "s2": "Розница"}}


def words_of(lang):
    return Words(lang, NAMES[lang], segment_names=SEGMENTS[lang])


def made_tree():
    """Of 1,000 who asked all went on to the fork; 600 of them read, and all of those signed; 200
    met; 450 and 90 bought."""
    return pd.DataFrame({
        "node": [1, 2, 3, 4, 5], "parent": pd.array([None, 1, 2, 3, 2], dtype="Int64"),
        "segments": ["s1+s2", "s1+s2", "s1", "s1", "s2"],
        "step": ["ask", "fork", "sign", "pay", "pay"],
        "next_steps": ["ask", "read | meet", "sign", "pay", "pay"],
        "n_untold": [0, 0, 30, 20, 15], "n_came": [1000, 1000, 600, 600, 200],
        "n_went_on": [1000, 800, 600, 450, 90], "n_lost_not_asked": [0, 77, 0, 65, 0],
        "n_lost_asked": [0, 53, 0, 45, 70], "n_lost_unknown": [0, 31, 0, 0, 0],
        "n_open": [0, 39, 0, 40, 40], "median_days_waited": [0, 1.0, 2, 3, 4],
    })  # fmt: skip


def plain(text):
    """What a person reads: no marks, no attributes but titles."""
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))
    return text.replace("\xa0", " ").replace("\u202f", " ")


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_tree_shows_where_some_stay_behind(lang):
    words, table = words_of(lang), made_tree()
    html = show_tree(table, words).html
    said = plain(html)
    names = NAMES[lang]
    assert f"{names['read']} / {names['meet']}" in said and said.count(names["pay"]) == 2
    assert names["ask"] not in said and names["sign"] not in said  # all went on
    # 800 of 1,000 at the fork; 450 of 600 and 90 of 200 before the sale.
    for percent in ("80", "75", "45"):
        assert re.search(rf"\b{percent} ?%", said), percent
    for title in (*SEGMENTS[lang].values(), "600", "200", "1,000" if lang == "en" else "1 000"):
        assert title in said
    for count in ("450", "77", "39", "65", "90", "70", "31", "53"):
        assert count in html
    assert not re.search(r"\bs[12]\b|nan|None|[{}]", said)
    # Each bar's parts are as wide as their shares of those who came to the beginning of its part.
    widths = [float(w) for w in re.findall(r"width:([\d.]+)%", html)]
    assert widths == [80, 7.7, 5.3, 3.1, 3.9, 75, 10.83, 7.5, 6.67, 45, 35, 20]
    pd.testing.assert_frame_equal(table, made_tree())


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_key_names_what_is_drawn(lang):
    words = words_of(lang)
    unseen = words.text("figure.tree_lost_unknown")
    assert unseen in plain(show_tree(made_tree(), words).html)
    assert unseen not in plain(show_tree(made_tree().assign(n_lost_unknown=0), words).html)


def test_the_tree_is_told_in_both_languages():
    assert tell_tree(made_tree(), words_of("en")) == (
        "200 of 1,000 leads are lost or still open before the fork (“Read it” or “Met us”). Which "
        "path they were on cannot be known. Wholesale: 450 of 600 who took it went all the "
        "way (75.0%). Retail: 90 of 200 who took it went all the way (45.0%). For 45 of them the "
        "path is not certain; they are counted on the likelier one."
    )
    told = plain(tell_tree(made_tree(), words_of("ru")))
    for part in ("200 из 1 000", "«Прочитал» или «Встретился»", "Опт: из 600", "450 (75,0 %)",
                 "Розница: из 200", "90 (45,0 %)", "У 45 из них"):  # fmt: skip
        assert part in told
    assert not re.search(r"\bs[12]\b|nan|None|[{}]", told)


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_who_buys_at_the_fork_is_told(lang):
    # Of the 800 who went on from the fork 600 read; the others paid at once.
    words, table = words_of(lang), made_tree().head(4)
    table.loc[1, "next_steps"] = "read | pay"
    told, shown = plain(tell_tree(table, words)), plain(show_tree(table, words).html)
    for text in (told, shown):
        assert re.search(rf"{SEGMENTS[lang]['s2']}\b.{{,30}}\b200\b", text)
    assert f"{NAMES[lang]['read']} / {NAMES[lang]['pay']}" in shown


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_one_path_is_told_as_one(lang):
    words = words_of(lang)
    table = made_tree().iloc[[0, 3]].assign(segments="all", n_came=[1000, 1000], node=[1, 2])
    table["parent"] = pd.array([None, 1], dtype="Int64")
    told, shown = plain(tell_tree(table, words)), plain(show_tree(table, words).html)
    assert "450" in told and re.search(r"45[.,]0 ?%", told)  # of 1,000
    assert NAMES[lang]["pay"] in shown and "450" in shown
    assert words.value("segment", "s1") not in told


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_tree_of_nobody(lang):
    words = words_of(lang)
    table = made_tree()
    table[["n_untold", *COUNTS]] = 0
    assert tell_tree(table, words) == words.text("sentence.nobody")
    assert "nan" not in show_tree(table, words).html


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_few_leads_are_called_a_hint(lang):
    table = made_tree()
    table[["n_untold", *COUNTS]] //= 50  # 20 leads
    words = words_of(lang)
    assert tell_tree(table, words).endswith(words.text("sentence.small"))
