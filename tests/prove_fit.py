"""`make prove`, part fit: do segments stand what real logs hold?

`python tests/prove_fit.py KIND N_WORLDS N_LEADS` tries some worlds of a kind of `fit_worlds` and
prints what was found in each.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import fit_worlds
import numpy as np

from funnel_lib.counting.variants import count_variants
from funnel_lib.sections.paths.segments import find_segments

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


if __name__ == "__main__":
    show_kind(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
