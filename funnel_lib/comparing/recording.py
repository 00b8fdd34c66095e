"""Who records otherwise than the others: such a group is no reference, and has no rank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from funnel_lib.comparing.comparable import FEWEST, Grouping, list_groupings
from funnel_lib.comparing.decided import Decided, find_decided
from funnel_lib.comparing.expected import expect_as_others
from funnel_lib.core.groups import UNDETERMINED, Segmentation
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.ordering import code_numbers
from funnel_lib.core.times import HOUR, NEVER, to_micros
from funnel_lib.counting.checks import find_uncut
from funnel_lib.counting.days import find_horizon_to_close, find_mature, find_outcome_days
from funnel_lib.counting.duplicates import find_second_entries
from funnel_lib.counting.reach import count_steps
from funnel_lib.stats.differences import MOST_P, correct_p
from funnel_lib.stats.incidence import OPEN
from funnel_lib.stats.intervals import divide
from funnel_lib.stats.strata import compare_strata

CLOSING, FIRST_STEP, OPENING, LOST = "closing", "first_step", "opening", "lost"
_HABITS = [CLOSING, FIRST_STEP, OPENING, LOST]  # what is compared beside the steps
LEAST = 0.10  # a smaller difference is no habit
SELDOM = 0.05  # a group with a smaller part of its leads on a path is not on it
MOSTLY = 0.8  # a path with so many leads of one group is that group's
NEARLY = 0.9  # a group that would lose so many leads with its managers stays whole
NEVER_LOST = 0.02  # of a group that opens deals late hardly any is lost at the first step
_FEW_LOST = 1 / 6  # lost leads for each won, of the others': with twice the sales it is 1/4
_NO_SKILL = 2.25  # times as large a share of closed leads won as the others'
_ONE_PATH = 0.2  # where paths were not looked for: a share so far below the others' is no mix


@dataclass(frozen=True)
class Habits:
    """Who records otherwise.

    `table` has the rows of the table `recording`, `barred` the groups that differ, by kind: where
    paths were not looked for also those that may only have another mix of clients; `comparable`,
    (n_leads,), are the leads that are of no such manager, team or source, that no filter of the
    export touched (`checks.find_uncut`), and that are no second entry of a client (`duplicates`);
    `sold`, (n_leads,), these and the leads of those that record steps or closing otherwise alone,
    whose lost leads are all there: of them it is known which were won; `placed`, (n_leads,), those
    of nobody whom the table names for more than leaving leads open: where these were lost is known.
    `paths` are the paths that may be one group's habit: kind, group, segment, whole (the path of
    which it may leave out steps; -1 where it is none of these).
    """

    table: pd.DataFrame
    barred: dict[str, set[str]]
    comparable: np.ndarray
    sold: np.ndarray
    placed: np.ndarray
    paths: pd.DataFrame


@dataclass(frozen=True)
class _Measure:
    """What one row asks of leads: of which, what, and on which side a habit lies."""

    name: str
    base: np.ndarray  # (n_leads,)
    hits: np.ndarray  # (n_leads,)
    side: int  # -1: who records less; 1: who leaves more
    on_path: bool = False  # compared on the same path only

    def count(self, grouping: Grouping, leads: np.ndarray) -> list[np.ndarray]:
        """Cases and hits among some leads, (n_groups, n_strata) each."""
        return [grouping.add_up(mine) for mine in (leads, leads & self.hits)]


def find_habits(journeys: Journeys, segmentation: Segmentation | None = None) -> Habits:
    """Which managers, teams, sources and quarters record otherwise than the others?

    Of a group's won deals the share that show a step, compared on the same path, for managers and
    teams with those where the path itself may be their habit; of its old leads the share never
    closed (of a quarter: not closed in the time in which most are); for managers and teams of the
    lost leads the share without any step after the first, of the old closed ones the share lost,
    and of all the share opened only after their first step. The others are those that do not differ
    themselves: the one that differs most is taken away, and the rest compared again. Fewer lost
    leads with steps are a habit only where more than expected of those left buy, or where hardly
    any is lost at the first step; fewer lost ones only where there are hardly any
    (`_enters_won_only`). The result is kept with the journeys.
    """
    known = journeys.kept.get("habits")
    if known is None or known[0] is not segmentation:
        known = journeys.kept["habits"] = segmentation, _find_habits(journeys, segmentation)
    return known[1]


def _find_habits(journeys: Journeys, segmentation: Segmentation | None) -> Habits:
    decided, groupings = find_decided(journeys, segmentation), list_groupings(journeys)
    rows, differs = [], {}  # of managers, by measure
    paths = _find_group_paths(decided, groupings)
    for grouping in groupings:
        measures = list(_list_measures(journeys, decided, grouping.kind))
        alpha = MOST_P / max(len(measures) * len(grouping.names) * len(groupings), 1)
        found_by = {}
        for measure in measures:
            named = [*differs.get(measure.name, ())]
            if measure.name == FIRST_STEP:  # who leaves out a step shows fewer behind the first
                named += [name for step in {*differs} - {*_HABITS} for name in differs[step]]
            stays = _leave_out(grouping, groupings[0], named)
            found = found_by[measure.name] = _compare(
                grouping, measure, stays, paths, decided, alpha
            )
            if measure.name == FIRST_STEP:
                found["differs"] &= _is_recording(journeys, grouping, decided, found)
            if measure.name == LOST:
                found["differs"] &= _enters_won_only(found, found_by[CLOSING])
            rows.append(found)
            if grouping.kind == "manager":
                differs[measure.name] = found.loc[found["differs"], "group"]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    if len(table):
        table["p_holm"] = correct_p(table["p"].to_numpy())
        alone = segmentation is None or segmentation.why_not == "not_asked"
        mixed = alone & ~table["step"].isin(_HABITS)
        table["apart"] = table["differs"] & (table["p_holm"] < MOST_P)
        seldom = table["share"] <= _ONE_PATH * table["share_others"]
        table["differs"] = table["apart"] & (~mixed | seldom)
        table["partly"] = table["differs"] & table["step"].isin([FIRST_STEP, OPENING, LOST])
        table["elsewhere"] = table["differs"] & (table["step"] != CLOSING)
    barred = {g.kind: _list_marked(table, g.kind, "apart") for g in groupings}
    n_leads = len(journeys.leads)
    comparable, sold, placed = (
        ~_find_marked(groupings, table, mark, n_leads) for mark in ("apart", "partly", "elsewhere")
    )
    table = table.drop(columns=["p", "partly", "elsewhere"], errors="ignore")
    whole = find_uncut(journeys) & ~find_second_entries(journeys)
    return Habits(table, barred, whole & comparable, whole & sold, placed, paths)


def _list_marked(table: pd.DataFrame, kind: str, mark: str) -> set[str]:
    """The groups of a kind with a row that has the mark."""
    return {*table.loc[table[mark] & (table["group_by"] == kind), "group"]}


def _find_marked(
    groupings: list[Grouping], table: pd.DataFrame, mark: str, n_leads: int
) -> np.ndarray:
    """Which leads, (n_leads,), are of a manager, team or source with a row that has the mark?"""
    found = np.zeros(n_leads, bool)
    for grouping in groupings:
        if grouping.kind != "quarter":
            marked = _list_marked(table, grouping.kind, mark)
            found |= np.append([name in marked for name in grouping.names], False)[grouping.code]
    return found


def _list_measures(journeys: Journeys, decided: Decided, kind: str) -> Iterator[_Measure]:
    places, leads, steps = decided.places, journeys.leads, journeys.steps
    counted, of_lead = places.counted, places.counted.of_lead
    entered = counted.entered[of_lead]
    won, lost = (counted.has_status(s)[of_lead] & entered for s in ("won", "lost"))
    shown = count_steps(counted) > 0
    before = [c for c, s in enumerate(steps.before_sale) if s != steps.won]
    on_path = np.array([np.isin(steps.ids, path) for path in places.tree.paths])
    for code in before:
        if counted.measurable[code]:
            base = won & on_path[places.path, code][of_lead]
            yield _Measure(steps.ids[code], base, shown[of_lead, code], -1, on_path=True)
    old = find_mature(journeys) & entered
    day, cause = find_outcome_days(journeys)
    late = (cause == OPEN) | ((kind == "quarter") & (day > find_horizon_to_close(journeys)))
    yield _Measure(CLOSING, old, late, 1)
    if kind in ("manager", "team"):
        first = {skeleton[0] for skeleton in places.tree.skeletons}
        rest = [c for c in before if steps.ids[c] not in first]
        yield _Measure(FIRST_STEP, lost & old, ~shown[of_lead][:, rest].any(axis=1), 1)
        yield _Measure(LOST, old & (won | lost), lost, -1)
        begun = shown[:, [steps.ids.index(step) for step in first]].any(axis=1)[of_lead]
        opened, came = to_micros(leads["created_at"]), to_micros(leads["entered_at"])
        behind = (opened < NEVER) & (opened > came + HOUR)
        yield _Measure(OPENING, entered, behind | ~begun, 1)


def _leave_out(grouping: Grouping, managers: Grouping, named) -> np.ndarray:
    """Leads that are not of managers known to differ, so that one does not stain his whole team;
    of a group that would lose nearly all of its leads, none."""
    stays = np.ones(len(grouping.code), bool)
    if grouping is managers or managers.kind != "manager" or not len(named):
        return stays
    theirs = np.isin(managers.code, [managers.names.index(name) for name in named])
    n, out = (grouping.add_up(x).sum(axis=1) for x in (stays, theirs))
    kept = out > NEARLY * n
    return ~theirs | (kept[grouping.code] & (grouping.code >= 0))


def _compare(
    grouping: Grouping,
    measure: _Measure,
    stays: np.ndarray,
    paths: pd.DataFrame,
    decided: Decided,
    alpha: float,
) -> pd.DataFrame:
    """Compare each group with those that do not differ, of the leads that stay: the one that
    differs most is no longer of the others, and so on."""
    from scipy.stats import norm

    of_lead, path = decided.places.counted.of_lead, decided.places.path
    split = _within(grouping, path[of_lead]) if measure.on_path else grouping
    cells = measure.count(split, measure.base & stays)
    own = _compare_wholes(grouping, measure, stays, paths, decided) if measure.on_path else {}
    n, hits = (x.sum(axis=1) for x in cells)
    for g, (n_own, hits_own) in own.items():
        n[g], hits[g] = n_own[g].sum(), hits_own[g].sum()
    others, z_least = np.ones(len(grouping.names), bool), norm.isf(alpha / 2)
    while True:
        found = compare_strata(*cells, others)
        z, difference = found.z.copy(), found.difference.copy()
        for g, whole in own.items():
            one = compare_strata(*whole, others)
            z[g], difference[g] = one.z[g], one.difference[g]
        clear = others & (np.abs(z) > z_least) & (np.abs(difference) >= LEAST)
        if not clear.any() or others.sum() < 2:
            break
        # of two halves that differ from each other, the one on the side of a habit
        habit = clear & (np.sign(z) == measure.side)
        if habit.any() and 2 * (~others | habit).sum() <= len(others):
            clear = habit
        weight = np.where(clear, np.abs(z), 0) * (1 + 1e-6 * (np.sign(z) == measure.side))
        others = others & (np.arange(len(others)) != weight.argmax())
    share = divide(hits, n)
    return pd.DataFrame({
        "group_by": grouping.kind, "group": grouping.names, "step": measure.name, "n_base": n,
        "share": share, "share_others": np.clip(share - difference, 0, 1),
        "p": 2 * norm.sf(np.abs(z)), "differs": ~others,
    })  # fmt: skip


def _compare_wholes(
    grouping: Grouping, measure: _Measure, stays: np.ndarray, paths: pd.DataFrame, decided: Decided
) -> dict[int, list[np.ndarray]]:
    """For groups whose path may be their habit the counts with this path as a part of the whole
    one: group → cases and hits, (n_groups, n_strata) each."""
    counted, path = decided.places.counted, decided.places.path
    won, found = counted.has_status("won") & counted.entered, {}
    mine = paths[(paths["kind"] == grouping.kind) & (paths["whole"] >= 0)]
    for row in mine.to_dict("records"):
        if measure.name in decided.places.tree.paths[row["whole"]]:
            part = path == row["segment"]
            split = _within(grouping, np.where(part, row["whole"], path)[counted.of_lead])
            chosen = stays & (measure.base | (won & part)[counted.of_lead])
            found[grouping.names.index(row["group"])] = measure.count(split, chosen)
    return found


def _within(grouping: Grouping, path: np.ndarray) -> Grouping:
    """The same groups, compared on the same path only."""
    stratum = grouping.stratum * (int(path.max(initial=0)) + 1) + path
    stratum, known = code_numbers(stratum)
    return replace(grouping, stratum=stratum, n_strata=len(known))


def _is_recording(
    journeys: Journeys, grouping: Grouping, decided: Decided, found: pd.DataFrame
) -> np.ndarray:
    """Is a group that loses more, or fewer, at the first step one that records otherwise?

    Who loses more there, and at the steps behind it so much fewer that as many buy, has not
    recorded the steps of those lost; who loses hardly anyone there opens deals later.
    """
    expected = expect_as_others(journeys, grouping, decided, find_mature(journeys))
    with np.errstate(divide="ignore", invalid="ignore"):
        made_up = np.abs(expected.later) > 2 * np.abs(expected.extra)
        clear = np.abs(expected.later) > 3 * expected.later_error
    opposite = np.sign(expected.later) == -np.sign(found["share"] - found["share_others"])
    return (made_up & clear & opposite) | (found["share"] < NEVER_LOST)


def _enters_won_only(found: pd.DataFrame, closing: pd.DataFrame) -> np.ndarray:
    """Are so few of a group's closed leads lost that lost ones may not be entered?

    A manager who wins twice the others' share is a good one. So both must be far apart: the
    lost for each won (where the others win 26 %, such a group wins 68 %), and the share won;
    where the others win more than 43 %, that leaves those who lose hardly any. Who is so much
    better in truth is not compared either: these data cannot tell the two apart.
    Who leaves them open is named for that alone.
    """
    share, others = found["share"], found["share_others"]
    few = share * (1 - others) <= _FEW_LOST * others * (1 - share)
    unlike = (1 - share > _NO_SKILL * (1 - others)) | (share < NEVER_LOST)
    leaves_open = closing["differs"] & (closing["share"] > closing["share_others"])
    return (few & unlike & ~leaves_open).to_numpy()


def list_own_paths(ids: tuple[str, ...], paths: pd.DataFrame) -> list[int]:
    """The paths that are not a manager's or team's way to record, another one with steps left
    out."""
    left_out = paths.loc[(paths["whole"] >= 0) & paths["kind"].isin(["manager", "team"]), "segment"]
    return [k for k in range(len(ids)) if k not in {*left_out}]


def leave_out_habits(segmentation: Segmentation, paths: pd.DataFrame) -> Segmentation:
    """The segments of `list_own_paths`; leads of the others are of these as they are else."""
    kept = list_own_paths(segmentation.ids, paths)
    if len(kept) == len(segmentation.ids) or not kept:
        return segmentation
    members = segmentation.memberships[:, kept]
    alone = (members.sum(axis=1) == 0) & (segmentation.memberships.sum(axis=1) > 0)
    members = np.where(alone[:, None], members.sum(axis=0), members)
    columns = {name: tuple(getattr(segmentation, name)[k] for k in kept)
               for name in ("ids", "paths", "optional", "either_order")
               if getattr(segmentation, name)}  # fmt: skip
    members = np.nan_to_num(divide(members, members.sum(axis=1, keepdims=True)))
    return replace(segmentation, memberships=members, model=None, **columns)


def _find_group_paths(decided: Decided, groupings: list[Grouping]) -> pd.DataFrame:
    """Which paths are a manager's, a team's or a quarter's: with most of their leads of it, or the
    group hardly ever on any path of which they leave out steps? A path that is one manager's is not
    his team's."""
    places, tree = decided.places, decided.places.tree
    members, of_lead = places.counted.members, places.counted.of_lead
    told = ((members.max(axis=1) >= UNDETERMINED) & places.counted.entered)[of_lead]
    best, rows = members.argmax(axis=1)[of_lead], []
    of_manager: set[int] = set()
    for grouping in groupings if len(tree.ids) > 1 else []:
        n = np.column_stack([
            grouping.add_up(told & (best == k)).sum(axis=1) for k in range(len(tree.ids))
        ])  # fmt: skip
        of_path, of_group = (n / np.maximum(n.sum(axis=a, keepdims=True), 1) for a in (0, 1))
        for k, steps in enumerate(tree.paths):
            wholes = [
                j for j, other in enumerate(tree.paths)
                if len(other) > len(steps) and [s for s in other if s in set(steps)] == [*steps]
            ]  # fmt: skip
            for g, name in enumerate(grouping.names):
                if n[g, k] < FEWEST or (grouping.kind == "team" and k in of_manager):
                    continue
                if grouping.kind == "manager" and of_path[g, k] >= MOSTLY:
                    of_manager.add(k)
                mine = of_path[g, k] >= MOSTLY or (of_group[g, wholes] < SELDOM).all()
                if wholes and mine and grouping.kind != "source":
                    whole = min(
                        wholes, key=lambda j: (of_group[g, j] >= SELDOM, len(tree.paths[j]))
                    )
                    rows.append((grouping.kind, name, k, whole))
                elif of_path[g, k] >= MOSTLY and grouping.kind in ("manager", "team"):
                    rows.append((grouping.kind, name, k, -1))
    return pd.DataFrame(rows, columns=["kind", "group", "segment", "whole"])
