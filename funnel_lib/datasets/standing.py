"""Where planted leads stand by the rules of counting: one lead at a time, in so many words.

Slow and plain on purpose: what the library counts fast is tested against it, so the two share
nothing but the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, pairwise

import pandas as pd

from funnel_lib.core.groups import SKIPPED_OFTEN
from funnel_lib.datasets.truth import find_codes, list_rates
from funnel_lib.datasets.worlds import WON

COLUMNS = (
    *("furthest_step", "missed_step", "asked"),
    *("furthest_in_all", "missed_in_all", "asked_in_all"),
    *("tree_node", "tree_missed", "tree_asked"),
)


@dataclass(frozen=True)
class Node:
    """A place of the tree, as the leads of one segment come through it."""

    number: int  # from 1, depth first
    step: int  # the segment's own next step
    steps: tuple[int, ...]  # the next steps of all segments here: more than one at a fork


@dataclass(frozen=True)
class Lead:
    """What the export shows of one lead, noise left out."""

    is_won: bool
    taken: dict[int, int]  # step → minute of its first evidence
    asks: list[tuple[str, int]]  # action and minute of each ask from entry to closing


def place_leads(world, steps, fate, evidence, asks, measured) -> pd.DataFrame:
    """Say how far each lead came, which step it missed and whether it was asked for that.

    A row a lead, `COLUMNS`: on the path of its segment, on all steps in the order of the file, and
    in the tree of all segments' paths. `evidence` and `asks` have lead, at and step; `measured` are
    the codes of the steps that the export shows of anyone: others are never missed.
    """
    ids, actions = [step.id for step in steps], [step.asked_by for step in steps]
    every = list(range(find_codes(steps, [WON])[0] + 1))
    measured, occurring = measured | {every[-1]}, {actions[step] for step in asks["step"]}
    paths = [list_path(segment, steps) for segment in world.segments.values()]
    often = [list_skipped(segment, steps) for segment in world.segments.values()]
    lines = grow_tree(paths, often, measured)
    rows = []
    for group, lead in zip(fate["group"], _list_leads(fate, evidence, asks, actions), strict=True):
        path, row = paths[group], []
        for order, needed in (path, measured - often[group]), (every, measured):
            furthest = _find_furthest(lead, order)
            missed = [] if lead.is_won else [s for s in order[furthest + 1 :] if s in needed][:1]
            asked = _find_asked(lead, missed, order, actions, occurring)
            row += [ids[order[furthest]], *([ids[s] for s in missed] or [None]), asked]
        node = None if lead.is_won else _find_node(lead, path, lines[group])
        missed = node.steps if node else ()
        asked = _find_asked(lead, missed, path, actions, occurring)
        told = " | ".join(ids[s] for s in missed) or None
        rows.append([*row, node.number if node else None, told, asked])
    return pd.DataFrame(rows, columns=COLUMNS).astype({"tree_node": "Int64"})


def list_path(segment, steps) -> list[int]:
    """List the steps of a segment in order; those of an either-order pair in the file's order."""
    swapped = {tuple(find_codes(steps, pair)) for pair in segment.swaps}
    path = find_codes(steps, segment.path)
    runs = [path[:1]]  # steps that change places with their neighbours stand in one run
    for pair in pairwise(path):
        if pair in swapped:
            runs[-1].append(pair[1])
        else:
            runs.append([pair[1]])
    return [step for run in runs for step in sorted(run)]


def list_skipped(segment, steps) -> set[int]:
    """List the steps that a third or more of those who go on do without."""
    skip = list_rates(segment, steps)[2]
    return {step for step in range(len(steps)) if skip[step] >= SKIPPED_OFTEN}


def grow_tree(paths, often, measured) -> list[list[Node]]:
    """Grow the tree of all paths: for each segment the places it comes through, in order.

    A path without the steps that are skipped often wherever they are, and without those that nobody
    is seen to take, is a skeleton. Segments stay together as long as their skeletons are the same;
    each place belongs to the next step of all that are there, or to several: a fork. Behind a fork
    each branch begins after its step, the branches in the order of the file.
    """
    needed = {s for path, own in zip(paths, often, strict=True) for s in path if s not in own}
    skeletons = [[step for step in path if step in needed & measured] for path in paths]
    lines, numbers = [[] for _ in paths], count(1)

    def grow(together: list[int], depth: int) -> None:
        together = [k for k in together if depth < len(skeletons[k])]  # nothing follows the sale
        if not together:
            return
        number, steps = next(numbers), sorted({skeletons[k][depth] for k in together})
        for k in together:
            lines[k].append(Node(number, skeletons[k][depth], tuple(steps)))
        for step in steps:
            grow([k for k in together if skeletons[k][depth] == step], depth + 1)

    grow(list(range(len(paths))), 0)
    return lines


def _list_leads(fate, evidence, asks, actions):
    """List what is seen of each lead, in order."""
    taken = [{} for _ in range(len(fate))]
    made = [[] for _ in range(len(fate))]
    for lead, at, step in evidence[["lead", "at", "step"]].to_numpy().tolist():
        taken[lead][step] = min(at, taken[lead].get(step, at))
    begins, ends = fate["created"].tolist(), fate["closed"].tolist()
    for lead, at, step in asks[["lead", "at", "step"]].to_numpy().tolist():
        if begins[lead] <= at <= ends[lead]:
            made[lead].append((actions[step], at))
    is_won = (fate["status"] == "won").tolist()
    return [Lead(*facts) for facts in zip(is_won, taken, made, strict=True)]


def _find_furthest(lead, order):
    """Find the place of the last step in an order that a lead is seen to take."""
    return max(place for place, step in enumerate(order) if step in lead.taken)


def _find_node(lead, path, line):
    """Find where in the tree a lead stands: no step of its path from there on is seen."""
    furthest = _find_furthest(lead, path)
    return next(node for node in line if path.index(node.step) > furthest)


def _find_asked(lead, missed, order, actions, occurring):
    """Say whether a lead was asked for any of the steps it missed."""
    if not missed:
        return None
    asked_for = {_find_meant(lead, action, at, order, actions) for action, at in lead.asks}
    if asked_for & {*missed}:
        return "yes"
    return "no" if all(actions[step] in occurring for step in missed) else "unknown"


def _find_meant(lead, action, at, order, actions):
    """Find the step an ask is for: the earliest of those its action asks for, not yet taken then.

    A step is taken once it or a later one of the order is seen. An action of one step only is for
    that, whenever it comes.
    """
    steps = [step for step, asked_by in enumerate(actions) if asked_by == action]
    if len(steps) == 1:
        return steps[0]
    for step in steps:
        later = order[order.index(step) :] if step in order else [step]
        if not any(lead.taken.get(s, at + 1) <= at for s in later):
            return step
    return None
