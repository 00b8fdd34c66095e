"""What each segment is like: size, path, what sets it apart, one real lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from funnel_lib.core.events import STATUSES
from funnel_lib.core.groups import (
    SKIPPED_OFTEN,
    UNDETERMINED,
    Group,
    Segmentation,
    list_groups,
    place_steps,
    write_path,
)
from funnel_lib.core.journeys import Journeys, code_statuses
from funnel_lib.core.ordering import order_packed
from funnel_lib.core.tables import arrange
from funnel_lib.core.tallies import Tallies, tally
from funnel_lib.core.times import to_micros
from funnel_lib.counting.days import find_common_horizon, find_mature, follow
from funnel_lib.counting.money import list_money
from funnel_lib.counting.tree import Places, find_places
from funnel_lib.counting.variants import count_variants
from funnel_lib.sections.paths.bounds import bound_sizes
from funnel_lib.stats.differences import correct_p
from funnel_lib.stats.incidence import Incidence, find_last_day

if TYPE_CHECKING:
    from funnel_lib.sections.paths.trust import Trust
from funnel_lib.stats.intervals import Cells, divide, influence_of_share, wilson

DROP_OUT_GAP = 15.0  # points


def describe_segments(
    journeys: Journeys,
    segmentation: Segmentation,
    trust: Trust | None = None,
    drop_out_gap: float = DROP_OUT_GAP,
) -> pd.DataFrame:
    """How large is each segment, which path does it take, how many buy, is it to be trusted? The
    table `segments`; without `trust` (of `measure_trust`) nobody asked.

    Shares of all leads of a segment rest on equal drop-out before the paths part; their bounds do
    where it differs by up to `drop_out_gap` points (see `bounds.bound_sizes`).
    """
    counted = tally(journeys, segmentation.memberships)
    n, member = counted.n * counted.entered, counted.members
    single = len(segmentation.ids) == 1
    ids = ("all",) if single else segmentation.ids
    blocks = () if segmentation.has_no_path else segmentation.blocks
    paths = (journeys.steps.before_sale,) if single and not blocks else segmentation.paths
    unsure = n * (member.max(axis=1) < UNDETERMINED)
    n_leads = n @ member
    status = {f"n_{s}": (n * counted.has_status(s)) @ member for s in ("won", "lost", "open")}
    won = counted.has_status("won")[:, None]
    n_effective = [Cells.add(member, k, n).find_effective_n(won)[0] for k in range(len(ids))]
    share_won = divide(status["n_won"], n_leads)
    low, high = wilson(np.minimum(share_won, 1), np.array(n_effective))
    table = pd.DataFrame({
        "segment": ids,
        "name": [*segmentation.codes.values()],
        "n_leads": n_leads,
        "n_undetermined": np.bincount(member.argmax(axis=1), unsure, len(ids)),
        "share_of_leads": divide(n_leads, n.sum()),
        "path": [write_path(path, blocks) for path in paths],
        "stability": np.nan if trust is None else trust.segments["stability"],
        "trust": "" if trust is None else trust.segments["trust"],
        "share_badly": np.nan if trust is None else trust.segments["share_badly"],
        **status, "share_won": share_won, "low": low, "high": high,
        **_bound(journeys, segmentation, share_won, low, high, drop_out_gap / 100),
        **_count_parted(journeys, segmentation),
        "share_of_amount_won": _share_money(journeys, counted),
    })  # fmt: skip
    return arrange("segments", table)


def _bound(journeys: Journeys, found: Segmentation, share_won, low, high, gap: float) -> dict:
    """Bounds of sizes and of shares bought. Buyers are known; of open leads as many will buy as of
    those watched longer (`times`)."""
    places = find_places(journeys, found)
    counted, sizes = places.counted, bound_sizes(places, gap)
    if len(found.ids) == 1:
        bounds = low, high
    else:
        n_won = (counted.n * counted.has_status("won") * counted.entered) @ counted.members
        groups = list_groups(found)[1:]
        ever = np.array([_read_end(follow(journeys, "won", group)) for group in groups])
        later = np.maximum(np.nan_to_num(divide(ever, share_won), nan=1), 1)
        (least, _), (_, most) = (
            wilson(np.minimum(divide(later * n_won, size), 1), size / later) for size in sizes[::-1]
        )
        bounds = np.fmin(least, low), np.fmax(most, high)
    return dict(zip(("bound_low", "bound_high", "n_low", "n_high"), (*bounds, *sizes), strict=True))


def _read_end(curve: Incidence) -> float:
    """The share that has bought in the end, as far as a curve is read."""
    return curve.incidence[find_last_day(curve.at_risk)] if len(curve.at_risk) else np.nan


def _count_parted(journeys: Journeys, found: Segmentation) -> dict:
    """How many whole leads went on to each segment's own part of the tree, and how many of those
    that have had their time bought: of a slow segment more are still open."""
    places, groups = find_places(journeys, found), list_groups(found)[1:]
    counted, parted = places.counted, _find_parted(places)
    has_own = [bool(places.tree.list_own(k)) for k in range(len(found.ids))]
    old = counted.add_up(find_mature(journeys, groups).astype(float))
    n, n_mature, n_won = (
        np.where(has_own, some @ parted, np.nan)
        for some in (counted.n, old, old * counted.has_status("won"))
    )
    low, high = wilson(divide(n_won, n_mature), n_mature)
    return {
        "n_parted": n, "n_parted_mature": n_mature, "n_parted_won": n_won,
        "share_parted_won": divide(n_won, n_mature), "parted_low": low, "parted_high": high,
        "horizon_days": find_common_horizon(journeys, groups),
    }  # fmt: skip


def _find_parted(places: Places) -> np.ndarray:
    """Which walks are on each segment's path behind its last fork, (n_walks, n_segments)?"""
    tree, columns = places.tree, []
    for k, route in enumerate(tree.routes):
        before = set(route) - {node.number for node in tree.list_own(k)}
        past = places.counted.entered & ~np.isin(places.node, [*before])
        columns.append((places.path == k) & past)
    return np.column_stack(columns)


def count_own_steps(journeys: Journeys, found: Segmentation) -> pd.DataFrame:
    """Of the whole leads that went on to each segment's own part of the tree, which share came to
    each step there? Columns segment, step, share."""
    places = find_places(journeys, found)
    parted, rows = _find_parted(places), []
    for k, segment in enumerate(found.ids):
        n = places.counted.n * parted[:, k]
        rows += [
            {"segment": segment if len(found.ids) > 1 else "all",
             "step": places.tree.skeletons[k][places.tree.routes[k].index(node.number)],
             "share": float(divide(n @ places.went_on[:, node.number - 1], n.sum()))}
            for node in places.tree.list_own(k)
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=["segment", "step", "share"])


def _share_money(journeys: Journeys, counted: Tallies) -> np.ndarray:
    """Each segment's share of the money won, where it is of one currency."""
    won = (counted.has_status("won") & counted.entered)[counted.of_lead]
    currency, _, amount = list_money(journeys)
    amount = np.where(won, amount, np.nan)
    currencies = np.unique(currency[~np.isnan(amount)])
    amount = counted.add_up(np.nan_to_num(amount))
    if len(currencies) != 1 or not amount.sum() > 0:
        return np.full(counted.members.shape[1], np.nan)
    return amount @ counted.members / amount.sum()


def list_memberships(journeys: Journeys, groups: list[Group]) -> pd.DataFrame:
    """How much does each lead that entered belong to each segment? The table `memberships`."""
    groups, entered = groups[1:] or groups, journeys.leads["entered_at"].notna().to_numpy()
    member = np.column_stack([g.weigh(len(entered)) for g in groups])[entered]
    n, k = member.shape
    ids = journeys.leads.loc[entered, "lead_id"]
    segment = np.tile(np.arange(k, dtype=np.int8), n)
    return pd.DataFrame({
        "lead_id": ids.take(np.repeat(np.arange(n, dtype=np.int32), k)).array,
        "segment": pd.Categorical.from_codes(segment, categories=[g.segment for g in groups]),
        "probability": member.ravel(),
    })  # fmt: skip


def list_path_steps(segmentation: Segmentation) -> pd.DataFrame:
    """How do a segment's clients take the steps of its path: which do they leave out, repeat? The
    table `segment_paths`; of segments found by other means than paths only the order is known.
    """
    rows = []
    for k, (segment, ids) in enumerate(zip(segmentation.ids, segmentation.paths, strict=True)):
        rows.append(pd.DataFrame({
            "segment": "all" if len(segmentation.ids) == 1 else segment,
            "position": np.arange(1, len(ids) + 1),
            "step": list(ids),
            **_read_chances(segmentation, k, len(ids)),
        }))  # fmt: skip
    return arrange("segment_paths", pd.concat(rows, ignore_index=True))


def _read_chances(segmentation: Segmentation, k: int, n: int) -> dict:
    """The chances of one path by position; the sale, where the model's path lacks it, has none."""
    taken, repeated, reversed_, again = np.full((4, n), np.nan)
    pair, start = np.full((2, n), None, dtype=object)
    if segmentation.model is not None:
        path, ids = segmentation.model.expand_paths()[k], segmentation.paths[k]
        taken[: len(path.skipped)] = 1 - np.array(path.skipped)
        repeated[: len(path.repeated)] = path.repeated
        for j, p in path.swaps.items():
            pair[j], reversed_[j] = ids[j + 1], p
        for (first, last), p in zip(sorted(path.loops), path.looped, strict=True):
            start[last], again[last] = ids[first], p
    return {
        "share_taken": taken, "is_optional": taken <= 1 - SKIPPED_OFTEN,
        "share_repeated": repeated, "either_order_with": pd.Series(pair, dtype="str"),
        "share_reversed": reversed_, "again_from": pd.Series(start, dtype="str"),
        "share_again": again,
    }  # fmt: skip


def compare_traits(journeys: Journeys, segmentation: Segmentation) -> pd.DataFrame:
    """What does each segment do more, and what less, than the other leads? The table
    `segment_traits`; whether the segments are there is asked by `measure_trust`.

    Notes
    -----
    z-test on influence functions (see `intervals.Cells`); Holm (1979),
    https://www.jstor.org/stable/4615733
    """
    from scipy.stats import norm

    steps = journeys.steps.before_sale
    if len(segmentation.ids) == 1:
        return arrange("segment_traits")
    variants, counted = count_variants(journeys), tally(journeys, segmentation.memberships)
    entered = counted.entered
    codes = np.arange(len(steps))
    times = (variants.rows[:, :, None] == codes).sum(axis=1)
    times = times[variants.of_lead[counted.first[entered]]]
    marks = np.hstack([times > 0, times > 1]).astype(float)
    varied = (marks.any(axis=0)) & (~marks.all(axis=0))
    kind = np.repeat(["shows", "repeats"], len(steps))[varied]
    member, n, rows = counted.members[entered], counted.n[entered], []
    ones = np.ones((len(n), 1))
    for k, segment in enumerate(segmentation.ids):
        two = np.column_stack([member[:, k], 1 - member[:, k]])
        here, moved = influence_of_share(two, 0, marks[:, varied], ones, n)
        rest, moved_rest = influence_of_share(two, 1, marks[:, varied], ones, n)
        error = np.sqrt(n @ (moved - moved_rest) ** 2)
        rows.append(pd.DataFrame({
            "segment": segment, "step": np.tile(steps, 2)[varied], "kind": kind,
            "share_here": here, "share_rest": rest, "difference": here - rest,
            "low": here - rest - 1.96 * error, "high": here - rest + 1.96 * error,
            "p_holm": 2 * norm.sf(np.abs(here - rest) / np.maximum(error, 1e-12)),
        }))  # fmt: skip
    table = pd.concat(rows, ignore_index=True)
    table["p_holm"] = correct_p(table["p_holm"].to_numpy())
    table = table.assign(size=-table["difference"].abs()).sort_values(["segment", "size"])
    return arrange("segment_traits", table.drop(columns="size").reset_index(drop=True))


def find_examples(journeys: Journeys, segmentation: Segmentation) -> pd.DataFrame:
    """Which real lead walks as its segment does? The table `segment_examples`."""
    steps = journeys.steps.before_sale
    variants = count_variants(journeys)
    position = [place_steps(steps, path) for path in segmentation.paths]
    lead = np.flatnonzero(variants.of_lead >= 0)
    of, at = variants.of_lead[lead], to_micros(journeys.leads["entered_at"])[lead]
    lead = lead[order_packed(of, at, lead)]  # leads stand in the order of their ids
    lead = lead[np.unique(variants.of_lead[lead], return_index=True)[1]]
    member = segmentation.memberships[lead]  # of each variant, as its first lead has it
    best, rows = member.argmax(axis=1), []
    for k, segment in enumerate(segmentation.ids):
        depth = np.where(best == k, position[k][variants.rows].max(axis=1, initial=-1), -1)
        own = np.flatnonzero((depth == depth.max(initial=-1)) & (depth >= 0))
        if len(own):
            v = own[np.argmax((member[:, k] * variants.weight)[own])]
            codes = variants.rows[v][variants.rows[v] >= 0]
            rows.append({
                "segment": "all" if len(segmentation.ids) == 1 else segment,
                "lead_id": journeys.leads["lead_id"].iloc[lead[v]], "probability": member[v, k],
                "journey": " > ".join(steps[c] for c in codes), "n_same": variants.weight[v],
            })  # fmt: skip
    return arrange("segment_examples", rows)


def list_sequences(journeys: Journeys, most: int = 10) -> pd.DataFrame:
    """Which journeys up to the sale do most leads walk, and how many of them buy? The table
    `sequences`, of the `most` commonest; of equally common ones the shorter first.
    """
    steps, variants = journeys.steps.before_sale, count_variants(journeys)
    walked = variants.of_lead >= 0
    of, status = variants.of_lead[walked], code_statuses(journeys.leads["status"])[walked]
    n = np.bincount(of, minlength=len(variants.weight))
    won, open_ = (
        np.bincount(of[status == STATUSES.index(s)], minlength=len(n)) for s in ("won", "open")
    )
    length = (variants.rows >= 0).sum(axis=1)
    shown = np.lexsort((*variants.rows.T[::-1], length, -n))[:most]
    return arrange("sequences", pd.DataFrame({
        "journey": [
            " > ".join(steps[c] for c in row if c >= 0) for row in variants.rows[shown]
        ],
        "n_leads": n[shown], "share_of_leads": divide(n[shown], n.sum()), "n_won": won[shown],
        "n_open": open_[shown], "share_won": divide(won[shown], (n - open_)[shown]),
    }))  # fmt: skip
