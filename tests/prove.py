"""`make prove`: statistical claims over many planted worlds; the tables are kept in PROVEN.md.

`python tests/prove.py segments` (or another name of `TABLES`) makes one and leaves the others;
`--full` takes more worlds for `comparisons`.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import random_worlds as worlds
from odd_crms import prove_first_contact
from prove_comparisons import prove_comparisons
from prove_faults import prove_faults
from prove_fit import prove_fit
from prove_readers import prove_readers
from prove_time import prove_time
from prove_tree import prove_tree
from prove_value import prove_groups, prove_hypotheses, prove_power, prove_times
from proving import plant_journeys, show_row, write_head
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from funnel_lib.core.groups import list_groups
from funnel_lib.core.tallies import tally
from funnel_lib.counting.reach import count_funnel, find_reached
from funnel_lib.datasets.worlds import STEPS, WON, WORLDS, PlantedSegment, World
from funnel_lib.engine.paths import PathMixture
from funnel_lib.sections.paths.segments import find_segments

PROVEN = Path(__file__).parent.parent / "PROVEN.md"
FIRST_SEED, LEADS, LONG = 1000, 4000, 5
# kind -> (name in the table, number of worlds, least share of worlds with the right k)
KINDS = {
    "clean": ("clean paths", 40, 0.98),
    "loops": ("block loops", 40, 0.98),
    "rare": ("a 5 % segment", 40, 0.98),
    "optional": ("optional steps", 40, 0.90),
    "either": ("either order", 40, 0.90),
    "repeats": ("repeats", 40, 0.90),
    "messy": ("optional, either order, repeats", 40, 0.90),
    "pace with": ("one path at two paces, pace on", 40, 0.90),
    "pace": ("one path at two paces, pace off (k = 1)", 40, 0.97),
    "none": ("no segments (k = 1)", 100, 0.97),
    "clean15": ("clean paths, 15 % noise", 40, 0.95),
}


def try_world(kind: str, seed: int) -> dict:
    """Find the paths of one world and compare them with the truth."""
    pace = kind.endswith("with")
    base = kind.removesuffix(" with")
    segments, journeys, gaps, truth, _, n_codes = worlds.make(base, seed, LEADS)
    start = time.perf_counter()
    model, rows, member = fit_paths(journeys, gaps if pace else None, n_codes)
    seconds = time.perf_counter() - start
    right = 1 if kind == "pace" else len(segments)
    named = sorted(canonical(p.steps, p.swaps, p.loops) for p in model.paths_)
    exact = named == sorted(canonical(s.path, s.swaps, s.loops) for s in segments)[:right]
    planted = set().union(*(s.path for s in segments))
    return {
        "k": len(model.paths_) == right,
        "exact": exact,
        "spurious": any(set(p.steps) - planted for p in model.paths_),
        "ari": np.nan if right == 1 else compare_members(journeys, truth, member),
        **compare_shares(segments, truth, member, rows, model.paths_, exact),
        "seconds": seconds,
    }


def fit_paths(journeys, gaps, n_codes: int):
    """Fit the mixture of paths: the model, and each lead's row and memberships."""
    rows, weight, which, gaps = worlds.variants(journeys, gaps)
    model = PathMixture(end_step=n_codes - 1, n_codes=n_codes, pace=gaps is not None)
    model.fit(rows, sample_weight=weight, gaps=gaps)
    return model, rows[which], model.predict_proba(rows, gaps)[which]


def compare_members(journeys, truth, member) -> float:
    """ARI of the most probable segments with the planted ones, on long journeys."""
    long = np.array([len(j) for j in journeys]) >= LONG
    return adjusted_rand_score(truth[long], member.argmax(axis=1)[long])


def canonical(steps, swaps, loops) -> tuple:
    """A path in one writing: of a pair in either order, the smaller code first."""
    steps = list(steps)
    for j in swaps:
        steps[j : j + 2] = sorted(steps[j : j + 2])
    return tuple(steps), tuple(sorted(swaps)), tuple(sorted(loops))


def compare_shares(segments, truth, member, rows, paths, exact) -> dict:
    """Errors of step reach, of the share of the previous step after parting, of the chances."""
    own = (truth[:, None] == np.arange(len(segments))).astype(float)
    pairs = zip(*linear_sum_assignment(-(own.T @ member)), strict=True)
    errors, sizes, after, chances = [], [], [], []
    for i, j in pairs:
        real, found = (reach(w, segments[i].path, rows) for w in (own[:, i], member[:, j]))
        errors.append(np.abs(real - found).mean())
        sizes.append(own[:, i].sum())
        part = parting(segments[i].path, [s.path for s in segments])
        if part < len(real):
            steps = [x[part:] / x[part - 1 : -1] for x in (real, found)]
            after.append(np.abs(steps[0] - steps[1]).mean())
        if exact:
            chances += compare_chances(segments[i], paths[j])
    return {
        "reach": 100 * np.average(errors, weights=sizes),
        "after": 100 * np.mean(after) if after else np.nan,
        "chances": max(chances, default=np.nan),
    }


def reach(weight, path, rows) -> np.ndarray:
    """Share of leads that reached each position of a path, by the rule `passed`."""
    position = np.full(rows.max() + 2, -1)
    position[list(path)] = np.arange(len(path))
    furthest = position[rows].max(axis=1)  # the padding, -1, is the last code: never on a path
    return np.array([weight @ (furthest >= j) for j in range(len(path))]) / weight.sum()


def parting(path, others) -> int:
    """The first position after which a path is unlike every other."""
    unlike = [
        next((t for t, (a, b) in enumerate(zip(path, o, strict=False)) if a != b), 0)
        for o in others
        if o is not path
    ]
    return max([1, *unlike]) + 1


def compare_chances(segment, path) -> list[float]:
    """Differences of planted and found probabilities of skipping, repeating, looping."""
    where = {step: j for j, step in enumerate(path.steps)}
    skips = [abs(p - path.skipped[where[segment.path[j]]]) for j, p in segment.skip.items()]
    again = [abs(p - path.repeated[where[segment.path[j]]]) for j, p in segment.repeat.items()]
    loops = [segment.loops[block] for block in sorted(segment.loops)]
    return skips + again + [abs(p - q) for p, q in zip(loops, path.looped, strict=True)]


def summarise(kind: str, runs: list[dict]) -> tuple[list[str], bool]:
    """One row of the table, and whether the bound on k holds."""
    table, (name, _, least) = pd.DataFrame(runs), KINDS[kind]
    mean = table.mean()
    cells = [
        f"{mean['k']:.0%} (at least {least:.0%})", f"{mean['exact']:.0%}",
        f"{mean['spurious']:.0%}", f"{mean['ari']:.3f} ({table['ari'].min():.2f})",
        f"{mean['reach']:.1f} ({table['reach'].max():.1f})",
        f"{mean['after']:.1f} ({table['after'].max():.1f})",
        f"{mean['chances']:.3f} ({table['chances'].max():.2f})", f"{mean['seconds']:.1f}",
    ]  # fmt: skip
    cells = [c.replace("nan (nan)", "–") for c in cells]
    return [name, str(len(runs)), *cells], mean["k"] >= least


def prove_segments(pool) -> tuple[str, bool]:
    """Run all worlds: the table, and whether every bound holds."""
    head = ["worlds", "runs", "k right", "paths exact", "step not planted",
            "ARI mean (min)", "reach, points (max)", "after parting (max)",
            "chances (max)", "seconds"]  # fmt: skip
    lines, fine = write_head(head), True
    for kind, (_, n, _) in KINDS.items():
        seeds = range(FIRST_SEED, FIRST_SEED + n)
        cells, holds = summarise(kind, list(pool.map(try_world, [kind] * n, seeds)))
        lines.append(show_row(*cells))
        fine &= holds
        print(lines[-1], flush=True)
    return "\n\n".join([SEGMENTS, "\n".join(lines), READ_SEGMENTS]), fine


SEGMENTS = """\
Each world is random (see `random_worlds`): three paths of 5 to 9 steps that share a beginning,
4,000 leads, drop-out of 10 to 25 % a step, the same for all segments in half of the worlds."""
READ_SEGMENTS = """\
How to read it: *k right* is the share of worlds in which as many segments were found as planted;
*paths exact* of worlds in which every path, pair and loop is as planted. *ARI* compares the most
probable segments with the planted ones on leads with 5 or more events. *Reach* is the error of a
segment's step reach against its own leads, in percentage points, weighted by leads: what is left
is owed to leads that stopped before the paths part, whom nobody can tell apart. *After parting*
is the error of the share of the previous step after that. *Chances* is the largest error of a
planted probability to skip, repeat or loop, in worlds with exact paths."""


RUNS, MANY = 100, 120_000  # runs of a named world, and random worlds; leads that tell the truth
COVERED = 0.92, 0.98  # where the mean coverage of a promised 95 % interval must lie
CERTAIN = 0.999  # steps that so many take have no interval to speak of


def try_intervals(name: str, equal: bool, run: int) -> pd.DataFrame:
    """Count the funnels of segments found; a row a planted segment and step.

    The truth stands beside them as counts, to be added up over the runs of a world: of a named
    world's own leads in this run, of a random world's in one large log of it. Intervals are empty
    where the segment's path was not found.
    """
    world = WORLDS[name] if name in WORLDS else random_world(equal, run)
    journeys, segment = plant_journeys(world, LEADS, FIRST_SEED + run)
    groups = list_groups(find_segments(journeys))[1:]
    found = {group.path: group for group in groups}
    truth = journeys, segment
    if name not in WORLDS:
        truth = plant_journeys(world, MANY, 10 * FIRST_SEED + run)
    paths = [planted.path for planted in world.segments.values()]
    tables = []
    for label, path in zip(world.segments, paths, strict=True):
        table = count_true(*truth, label, path)
        bounds = np.full((len(path), len(BOUNDS)), np.nan)
        if path in found:
            bounds = count_funnel(journeys, group=found[path])[BOUNDS].to_numpy()[: len(path)]
        table[BOUNDS] = bounds
        place = name if name in WORLDS else f"{name} {run}"
        tables.append(table.assign(world=place, run=run, part=parting(path, paths)))
    return pd.concat(tables)


BOUNDS = ["low", "high", "previous_low", "previous_high"]


def random_world(equal: bool, seed: int) -> World:
    """Make three random paths that share their first steps; early losses are equal, or by path."""
    rng = np.random.default_rng([seed, equal])
    n_codes = int(rng.integers(9, 13))
    ids = [step.id for step in STEPS[: n_codes - 1]] + [WON]
    paths = [tuple(ids[c] for c in p) for p in worlds.random_paths(rng, 3, n_codes)]
    parted = max(parting(p, paths) for p in paths)
    early, segments = rng.uniform(0.65, 0.95, 12), {}
    for k, path in enumerate(paths):
        own = early if equal else rng.uniform(0.65, 0.95, 12)
        go_on = np.append(own[:parted], rng.uniform(0.75, 0.9, len(path) - parted))
        chances = dict(zip(path, go_on.tolist(), strict=True))
        segments[f"path {k + 1}"] = PlantedSegment(rng.uniform(0.7, 1.3), path, go_on=chances)
    return World(segments)


def count_true(journeys, segment, label: str, path: tuple) -> pd.DataFrame:
    """Count how many of a planted segment's own leads reached each step of its path."""
    codes = np.array([journeys.steps.ids.index(step) for step in path])
    counted = tally(journeys)
    base, reached, _ = (x[counted.of_lead] for x in find_reached(counted, codes))
    own = base & (segment == label)
    table = {"segment": label, "position": np.arange(len(path)), "own": own.sum()}
    return pd.DataFrame(table | {"reached": reached[own].sum(axis=0)})


def judge_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """Say of each interval whether the truth lies in it; empty where there is none to judge."""
    key = ["world", "segment", "position"]
    total = table.groupby(key)[["own", "reached"]].transform("sum")
    share = total["reached"] / total["own"]
    previous = share / share.groupby([table["world"], table["run"], table["segment"]]).shift()
    entered = table["low"].le(share) & table["high"].ge(share)
    after = table["previous_low"].le(previous) & table["previous_high"].ge(previous)
    known = table["low"].notna()
    return table.assign(
        entered=entered.astype(float).where(known & (share < CERTAIN)),
        after=after.astype(float).where(known & (table["position"] >= table["part"])),
    )


def summarise_intervals(name: str, equal: bool, table: pd.DataFrame) -> tuple[list[str], bool]:
    """One row of the table, and whether the promised coverages hold."""
    first = table[table["position"] == 0]
    n_missed = first["low"].isna().sum()
    cells, fine = (
        [name, str(table["run"].nunique()), f"{len(first) - n_missed:,}", f"{n_missed}"],
        True,
    )
    step = ["segment", "position"] if name in WORLDS else ["position"]
    for share, promised in (("entered", equal), ("after", True)):
        covered, by_step = table[share].mean(), table.groupby(step)[share].mean()
        must = f" ({COVERED[0]:.0%} to {COVERED[1]:.0%})" if promised else " (not promised)"
        cells += [f"{covered:.1%}{must}", f"{by_step.min():.0%} to {by_step.max():.0%}"]
        fine &= not promised or COVERED[0] <= covered <= COVERED[1]
    return cells, fine


def prove_intervals(pool) -> tuple[str, bool]:
    """Run all worlds: the table, and whether every promised coverage holds."""
    head = ["worlds", "runs", "paths found", "paths missed", "share of entered: covered",
            "by step", "share of previous, after parting: covered", "by step"]  # fmt: skip
    lines, fine = write_head(head), True
    for equal in (True, False):
        kind = "equal" if equal else "unequal"
        for name in (f"{kind}-drop", f"random, {kind} drop-out"):
            tables = list(pool.map(try_intervals, [name] * RUNS, [equal] * RUNS, range(RUNS)))
            judged = judge_intervals(pd.concat(tables, ignore_index=True))
            cells, holds = summarise_intervals(name, equal, judged)
            lines.append(show_row(*cells))
            fine &= holds
            print(lines[-1], flush=True)
    return "\n\n".join([INTERVALS, "\n".join(lines), READ_INTERVALS]), fine


INTERVALS = f"""\
Segments are found in {LEADS:,} leads, and each is counted in its own funnel. Worlds: the planted
`equal-drop` and `unequal-drop`, and {RUNS} random ones of each sort: three paths of 5 to 9 steps
that share their first two or more, losses of 5 to 35 % a step until they part, of 10 to 25 % after,
5 % noise. Where drop-out is equal, all paths lose as many until they part."""
READ_INTERVALS = f"""\
How to read it: how often the 95 % interval of a step's share holds the true one, over all runs,
segments and steps; *by step* the least and the greatest coverage of a single step (of random
worlds, of a position). The truth is the share of a segment's own leads, noise and leads still open
included: of the leads of all runs, or, in a random world, of {MANY:,} other leads. Steps that all
take are left out. *Share of entered* is promised only where drop-out before the parting is equal:
leads that stop there are shared out as if it were. *Share of previous* needs no such assumption
after the parting. A path counts as found if it is the planted one to the letter; there is no
interval to judge for the others."""


TABLES = {
    "segments": prove_segments,
    "fit": prove_fit,
    "intervals": prove_intervals,
    "tree": prove_tree,
    "times": prove_times,
    "time": prove_time,
    "groups": prove_groups,
    "hypotheses": prove_hypotheses,
    "power": prove_power,
    "comparisons": lambda pool: prove_comparisons(pool, full="--full" in sys.argv),
    "readers": lambda _: prove_readers(),
    "faults": lambda _: prove_faults(),
    "contact": prove_first_contact,
}


def keep(name: str, text: str) -> None:
    """Put one part into PROVEN.md, dated, and leave the others as they are."""
    parts = re.split(r"^## (\w+)\n", PROVEN.read_text(encoding="utf-8"), flags=re.M)
    kept = dict(zip(parts[1::2], parts[2::2], strict=True))
    made = f"{date.today()}, funnel_lib {version('funnel-lib')}, Python {platform.python_version()}"
    kept[name.capitalize()] = f"\n{made}; `python tests/prove.py {name}`.\n\n{text}\n"
    order = [n.capitalize() for n in TABLES if n.capitalize() in kept]
    body = "\n".join(f"## {n}\n\n{kept[n].strip()}\n" for n in order)
    PROVEN.write_text(f"# What was proven\n\n{body}", encoding="utf-8")


def main() -> None:
    """Make the tables asked for on all cores; exit code 1 if a bound fails."""
    names = [name for name in sys.argv[1:] if name != "--full"] or list(TABLES)
    if unknown := [n for n in names if n not in TABLES]:
        sys.exit(f"no table {unknown[0]!r}; there are {', '.join(TABLES)}")
    fine = True
    with ProcessPoolExecutor() as pool:
        for name in names:
            text, holds = TABLES[name](pool)
            keep(name, text)
            fine &= holds
    sys.exit(not fine)


if __name__ == "__main__":
    main()
