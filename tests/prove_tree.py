"""`make prove`, part tree: are leads told the step they missed, do bounds hold what was planted?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from proving import show_row, write_head

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import UNDETERMINED
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import parse_steps
from funnel_lib.counting.asked import ASKED
from funnel_lib.counting.tree import find_places
from funnel_lib.datasets.planted import plant_log
from funnel_lib.datasets.worlds import STEPS, WON, PlantedSegment, World
from funnel_lib.sections.paths.count import DROP_OUT_GAP, describe_segments
from funnel_lib.sections.paths.segments import find_segments

LEADS, WORLDS, BOUND_WORLDS, FIRST_SEED = 3000, 40, 200, 5000
# kind -> (noise, least share of told leads whose missed step and asked are as planted)
KINDS = {"no noise": (0.0, 0.99), "5 % noise": (0.05, 0.93)}
MOST_SEGMENTS = 5
COVERED = 0.95
BEFORE_SALE = tuple(step.id for step in STEPS if step.id != WON)[:11]


def make_world(n_segments: int, noise: float, seed: int) -> World:
    """Random paths in the order of the steps file that part at several depths, with asks."""
    rng, paths = np.random.default_rng([seed, n_segments]), []
    trunk, rest = BEFORE_SALE[: int(rng.integers(2, 4))], BEFORE_SALE[3:]
    while len(paths) < n_segments:
        chosen = rng.random(len(rest)) < rng.uniform(0.3, 0.7)
        path = (*trunk, *(step for step, taken in zip(rest, chosen, strict=True) if taken), WON)
        if len(path) > len(trunk) + 1 and all(len({*path} ^ {*other}) > 2 for other in paths):
            paths.append(path)
    segments = {}
    for k, path in enumerate(paths):
        middle = path[len(trunk) : -1]
        skip = {middle[-1]: 0.45} if len(middle) > 2 and rng.random() < 0.3 else {}
        pair = len(middle) > 3 and rng.random() < 0.3
        segments[f"path {k + 1}"] = PlantedSegment(
            rng.uniform(0.7, 1.3), path, skip=skip, swaps={middle[:2]: 0.4} if pair else {},
            go_on=rng.uniform(0.8, 0.95), ask=rng.uniform(0.3, 0.9), hours=rng.uniform(4, 48),
        )  # fmt: skip
    return World(segments, noise=noise)


def plant(world: World, seed: int):
    """Plant a log and find its segments."""
    planted = plant_log(world, LEADS, seed)
    log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    return planted, journeys, find_segments(journeys)


def try_tree(kind: str, run: int) -> dict:
    """Of the leads of one world that stand somewhere and are told: how many are told right?"""
    world = make_world(1 + run % MOST_SEGMENTS, KINDS[kind][0], FIRST_SEED + run)
    planted, journeys, found = plant(world, FIRST_SEED + run)
    truth = planted.truth_leads.set_index("lead_id").loc[journeys.leads["lead_id"]]
    places = find_places(journeys, found)
    node = places.node[places.counted.of_lead]
    mass = places.weigh_nodes()[places.counted.of_lead, np.maximum(node - 1, 0)]
    told = (node > 0) & (mass >= UNDETERMINED)
    if kind == "no noise":
        told &= truth["n_noise"].to_numpy() == 0
    missed = np.array(["", *(n.missed for n in places.tree.nodes)], object)[node]
    asked = np.array([*ASKED, ""], object)[places.asked[places.counted.of_lead]]
    right = alike(missed, truth["tree_missed"].fillna("").to_numpy(object), world)
    both = right & (asked == truth["tree_asked"].fillna("").to_numpy(object))
    return {
        "kind": kind, "k_right": len(found.ids) == len(world.segments), "n": told.sum(),
        "missed": (right & told).sum(), "both": (both & told).sum(),
    }  # fmt: skip


def alike(told: np.ndarray, planted: np.ndarray, world: World) -> np.ndarray:
    """Whether two missed steps are the same; of a pair in either order each stands for both."""
    first = {b: a for segment in world.segments.values() for a, b in segment.swaps}
    return np.array([
        [first.get(s, s) for s in a.split(" | ")] == [first.get(s, s) for s in b.split(" | ")]
        for a, b in zip(told, planted, strict=True)
    ])  # fmt: skip


def make_uneven_world(run: int) -> World:
    """Two or three paths whose drop-out from entry to the fork differs by the gap at the most."""
    rng = np.random.default_rng([FIRST_SEED, run])
    n, trunk = 2 + run % 2, BEFORE_SALE[: 2 + run % 3 // 2]
    parts = [BEFORE_SALE[3:5], BEFORE_SALE[5:8], BEFORE_SALE[8:11]]
    left = rng.uniform(0.15, 0.5) + rng.permutation([0, 1, rng.random()])[:n] * DROP_OUT_GAP / 100
    segments = {}
    for k, leaves in enumerate(left):
        path = (*trunk, *parts[k], WON)
        early = dict.fromkeys(path[1 : len(trunk) + 1], (1 - leaves) ** (1 / len(trunk)))
        late = dict.fromkeys(path[len(trunk) + 1 :], rng.uniform(0.75, 0.95))
        segments[f"path {k + 1}"] = PlantedSegment(
            rng.uniform(0.7, 1.3), path, go_on=early | late, hours=rng.uniform(4, 48)
        )
    return World(segments)


def try_bounds(run: int) -> pd.DataFrame:
    """Do the bounds of each segment's share bought hold the planted one? A row a planted segment;
    empty where its path was not found."""
    world, rows = make_uneven_world(run), []
    planted, journeys, found = plant(world, 2 * FIRST_SEED + run)
    table = describe_segments(journeys, found).set_index("path")
    for label, segment in world.segments.items():
        share, path = planted.truth["segments"][label]["share_won"], " > ".join(segment.path)
        row = {"share": share, "holds": np.nan, "interval": np.nan, "width": np.nan}
        if path in table.index:
            one = table.loc[path]
            row["holds"] = float(one["bound_low"] <= share <= one["bound_high"])
            row["interval"] = float(one["low"] <= share <= one["high"])
            row["width"] = one["bound_high"] - one["bound_low"]
        rows.append(row)
    return pd.DataFrame(rows)


def prove_tree(pool) -> tuple[str, bool]:
    """Run all worlds: the tables, and whether every promise holds."""
    head = ["worlds", "runs", "k right", "leads told", "step right", "step and asked right"]
    lines, fine = write_head(head), True
    for kind, (_, least) in KINDS.items():
        runs = pd.DataFrame(pool.map(try_tree, [kind] * WORLDS, range(WORLDS)))
        n, both = runs["n"].sum(), runs["both"].sum()
        lines.append(show_row(
            kind, str(len(runs)), f"{runs['k_right'].mean():.0%}", f"{n:,}",
            f"{runs['missed'].sum() / n:.1%}", f"{both / n:.1%} (at least {least:.0%})",
        ))  # fmt: skip
        fine &= both / n >= least
        print(lines[-1], flush=True)
    bounds = write_head(["worlds", "segments found", "not found", "interval: covered",
                         "bounds: covered", "width of the bounds"])  # fmt: skip
    table = pd.concat(pool.map(try_bounds, range(BOUND_WORLDS)))
    held = table["holds"].mean()
    bounds.append(show_row(
        str(BOUND_WORLDS), str(table["holds"].notna().sum()), str(table["holds"].isna().sum()),
        f"{table['interval'].mean():.1%} (not promised)", f"{held:.1%} (at least {COVERED:.0%})",
        f"{100 * table['width'].mean():.1f} points",
    ))  # fmt: skip
    print(bounds[-1], flush=True)
    parts = [TREE, "\n".join(lines), BOUNDS, "\n".join(bounds), READ]
    return "\n\n".join(parts), bool(fine and held >= COVERED)


TREE = f"""\
Worlds of one to {MOST_SEGMENTS} random paths of up to 12 steps that part at several depths, with
asks, {LEADS:,} leads; in some an optional step, or two in either order. Segments are found, and
each lead is told the step it did not take and whether it was proposed."""
BOUNDS = f"""\
Bounds of the share bought, of two or three paths whose drop-out from entry to the fork differs by
{DROP_OUT_GAP:g} points at the most, and by so much in each world; {LEADS:,} leads, 5 % noise."""
READ = """\
How to read it: *told* leads are lost or open, and their path is sure as far as they came; without
noise only those without a noise event. The truth is the planted path, of two steps in either order
each stands for both. *Bounds* hold the planted share of all the segment's leads, export long after;
the 95 % interval beside them takes drop-out before the fork for equal."""
