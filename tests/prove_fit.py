"""`make prove`, part fit: do segments stand what real logs hold?

`python tests/prove_fit.py KIND N_WORLDS N_LEADS` tries some worlds of a kind of `fit_worlds` and
prints what was found in each.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import fit_worlds
import numpy as np
import pandas as pd
from proving import show_row, write_head

from funnel_lib.core.words import Words
from funnel_lib.counting.variants import count_variants
from funnel_lib.engine.paths import PathMixture, gather
from funnel_lib.sections.paths.fit import measure_fit
from funnel_lib.sections.paths.segments import find_segments, read_segments, write_segments
from funnel_lib.sections.paths.tell import tell_fit
from funnel_lib.stats.intervals import wilson

FIRST_SEED = 9000


def try_world(kind: str, run: int, n_leads: int) -> dict:
    """Find the segments of one world."""
    world = fit_worlds.make(kind, FIRST_SEED + run, n_leads)
    journeys = world.journeys()
    start = time.perf_counter()
    found = find_segments(journeys)
    seconds = time.perf_counter() - start
    return {
        "k": len(found.ids), "right": len(world.paths), "paths": found.paths,
        "sizes": found.memberships.sum(axis=0).round().astype(int).tolist(),
        "planted": world.paths, "no_path": found.has_no_path,
        "blocks": [[int(s[1:]) for s in part] for part in found.blocks],
        "fine": is_fine(world, found), "seconds": seconds,
        "reach": compare_reach(world, journeys, found),
    }  # fmt: skip


def is_fine(world, found) -> bool:
    """Whether the number of paths, and what is said of their order, is as planted."""
    blocks = [tuple(int(s[1:]) for s in part) for part in found.blocks]
    want = [world.block] if world.block else []
    return len(found.ids) == len(world.paths) and blocks == want and (
        found.has_no_path == world.no_path)  # fmt: skip


def compare_reach(world, journeys, found) -> float:
    """Mean error, in points, of a segment's reach against its own leads' evidence as recorded."""
    from scipy.optimize import linear_sum_assignment

    k = len(world.paths)
    own = (world.segment[_lead_numbers(journeys)][:, None] == np.arange(k)).astype(float)
    variants = count_variants(journeys)
    rows = variants.rows[variants.of_lead]
    pairs = list(zip(*linear_sum_assignment(-(own.T @ found.memberships)), strict=True))
    errors, sizes = [], []
    for i, j in pairs:
        position = np.full(world.n_codes + 1, -1)
        position[world.paths[i]] = np.arange(len(world.paths[i]))
        furthest = position[rows].max(axis=1)
        real, told = (
            np.array([w @ (furthest >= at) for at in range(len(world.paths[i]))]) / w.sum()
            for w in (own[:, i], np.maximum(found.memberships[:, j], 1e-12))
        )
        errors.append(np.abs(real - told).mean())
        sizes.append(own[:, i].sum())
    return 100 * float(np.average(errors, weights=sizes))


def _lead_numbers(journeys) -> np.ndarray:
    return journeys.leads["lead_id"].str[1:].astype(int).to_numpy()


def try_later(kind: str, run: int, n_leads: int) -> dict:
    """Keep the segments of an old log, and question them on new leads."""
    old, new = fit_worlds.make(kind, FIRST_SEED + run, n_leads)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        write_segments(find_segments(old.journeys()), f"{folder}/segments.json")
        journeys = new.journeys()
        kept = read_segments(f"{folder}/segments.json", journeys)
    fit = measure_fit(kept, journeys)
    told = tell_fit(fit.fit, fit.mix, Words("en"))
    path = [int(step[1:]) for step in fit.fit["new_path"][0].split(" > ") if step]
    return {"told": bool(told), "is_path": path == new.paths[-1],
            "seconds": time.perf_counter() - start}  # fmt: skip


def try_kind(pool, kind: str, n_worlds: int, n_leads: int) -> pd.DataFrame:
    """Try some worlds of a kind."""
    one = try_later if kind.startswith("later") else try_world
    return pd.DataFrame(pool.map(one, [kind] * n_worlds, range(n_worlds), [n_leads] * n_worlds))


def show_kind(kind: str, n_worlds: int, n_leads: int) -> None:
    """Try some worlds of a kind, and print what is not as planted."""
    runs = []
    for run in range(n_worlds):
        one = try_world(kind, run, n_leads)
        runs.append(one)
        print(run, {n: v for n, v in one.items() if n not in ("paths", "planted")}, flush=True)
        if not one["fine"]:
            for p, n in zip(one["paths"], one["sizes"], strict=True):
                print("    found  ", n, " ".join(s[1:] for s in p))
            for p in one["planted"]:
                print("    planted", " ".join(f"{c:02}" for c in p))
    right = np.mean([one["fine"] for one in runs])
    reach = np.mean([one["reach"] for one in runs])
    seconds = [one["seconds"] for one in runs]
    print(f"{kind}, {n_worlds} worlds of {n_leads:,} leads: right {right:.1%}, reach {reach:.2f}, "
          f"seconds {np.mean(seconds):.1f} (max {max(seconds):.1f})")  # fmt: skip


WORLDS, LEADS, NEW_LEADS, MANY = 40, 4000, 1000, 1_000_000
MORE = {"paths": 200}  # worlds of a kind
# kind -> share of worlds that must be right, which the Wilson interval must hold; or be told
BOUNDS = {
    **{kind: {"2": 0.95, "5": 0.95, "10": 0.85}[kind.split("-")[1]]
       for kind in fit_worlds.KINDS if kind.startswith("wrong")},
    **dict.fromkeys(("order-3", "order-4", "order-5", "order-6", "no-path", "no-path-again",
                     "bots", "loop-bots", "bursts", "one-go", "winners", "bulk"), 0.95),
    "paths": 0.98,
}  # fmt: skip
TOLD = {"later-0": (0, 0.05), "later-10": (0.8, 1), "later-20": (0.95, 1), "later-38": (0.95, 1)}
MOST_REACH = 2.0


def prove_fit(pool) -> tuple[str, bool]:
    """Run all worlds: the tables, and whether every bound holds."""
    lines = write_head(["worlds", "leads", "runs", "right", "reach, points", "seconds (max)"])
    fine = True
    for kind, least in BOUNDS.items():
        runs = try_kind(pool, kind, n := MORE.get(kind, WORLDS), LEADS)
        if kind == "paths":  # nobody says of them that there is no order
            runs["fine"] = runs["blocks"].str.len() == 0
        right, reach = runs["fine"].mean(), runs["reach"].mean()
        fine &= wilson(right, n)[1] >= least
        fine &= not kind.startswith("wrong") or reach <= MOST_REACH
        lines.append(show_row(
            kind, f"{LEADS:,}", str(n), f"{right:.1%} ({least:.0%})", f"{reach:.1f}",
            f"{runs['seconds'].mean():.1f} ({runs['seconds'].max():.1f})",
        ))  # fmt: skip
        print(lines[-1], flush=True)
    k, seconds = try_many(0, MANY)
    fine &= k == 4
    lines.append(
        show_row("four paths", f"{MANY:,}", "1", f"{k} segments (4)", "–", f"{seconds:.1f}")
    )
    print(lines[-1], flush=True)
    later = write_head(["worlds", "new leads", "runs", "told", "the path itself named"])
    for kind, (least, most) in TOLD.items():
        runs = try_kind(pool, kind, WORLDS, NEW_LEADS)
        low, high = wilson(told := runs["told"].mean(), WORLDS)
        fine &= high >= least and low <= most
        bound = f"at least {least:.0%}" if least else f"at most {most:.0%}"
        named = f"{runs['is_path'].mean():.0%}" if least else "–"
        later.append(show_row(kind, f"{NEW_LEADS:,}", str(WORLDS), f"{told:.0%} ({bound})", named))
        print(later[-1], flush=True)
    return "\n\n".join([FIT, "\n".join(lines), READ_FIT, "\n".join(later)]), bool(fine)


def try_many(seed: int, n_leads: int) -> tuple[int, float]:
    """How many segments are found in a large log of four paths, 5 % dropped and 5 % added?"""
    rows, n_codes = fit_worlds.make_many(seed, n_leads)
    rows, _, weight = gather(rows, None, np.ones(len(rows)))
    start = time.perf_counter()
    model = PathMixture(end_step=n_codes - 1, n_codes=n_codes).fit(rows, sample_weight=weight)
    return len(model.paths_), time.perf_counter() - start


FIT = """\
Random worlds of `fit_worlds`, one to four paths of 5 to 9 steps, and a fault that logs have: a
wrong step recorded in the place of the right one (2, 5, 10 %; *more*: 5 % dropped and 5 % added,
too), middle steps in any order, no path at all, robots, bursts, steps recorded in one go, buyers
of whom more is recorded, bulk edits; *paths* have noise of all kinds and an order."""
READ_FIT = """\
How to read it: *right* are worlds with as many segments as paths, and with the steps that come in
any order named, and no others (of *paths*: no such steps named); the share in brackets must lie
below the upper end of its Wilson interval. *Reach* is the error of a segment's reach against the
evidence of its own leads. Below: segments of 3,000 leads are kept and questioned on new leads, of
which 0, 10, 20 or 38 % walk a path that was not there."""


if __name__ == "__main__":
    kind, n_worlds, n_leads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if kind.startswith("later"):
        print(pd.DataFrame([try_later(kind, run, n_leads) for run in range(n_worlds)]).mean())
    else:
        show_kind(kind, n_worlds, n_leads)
