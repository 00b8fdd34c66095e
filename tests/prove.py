"""`make prove`: statistical claims over many planted worlds; the table is kept in PROVEN.md.

Each world is random (see `random_worlds`): three paths of 5 to 9 steps that share a beginning,
4,000 leads, drop-out of 10 to 25 % a step, the same for all segments in half of the worlds.
"""

from __future__ import annotations

import os
import platform
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
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from funnel_lib.paths import PathMixture

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
    rows, weight, which, gaps = worlds.variants(journeys, gaps if pace else None)
    model = PathMixture(end_step=n_codes - 1, n_codes=n_codes, pace=pace)
    start = time.perf_counter()
    model.fit(rows, sample_weight=weight, gaps=gaps)
    seconds = time.perf_counter() - start
    member = model.predict_proba(rows, gaps)[which]
    best, right = member.argmax(axis=1), 1 if kind == "pace" else len(segments)
    named = sorted(canonical(p.steps, p.swaps, p.loops) for p in model.paths_)
    exact = named == sorted(canonical(s.path, s.swaps, s.loops) for s in segments)[:right]
    long = np.array([len(j) for j in journeys]) >= LONG
    planted = set().union(*(s.path for s in segments))
    return {
        "k": len(model.paths_) == right,
        "exact": exact,
        "spurious": any(set(p.steps) - planted for p in model.paths_),
        "ari": np.nan if right == 1 else adjusted_rand_score(truth[long], best[long]),
        **compare_shares(segments, truth, member, rows[which], model.paths_, exact),
        "seconds": seconds,
    }


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


def main() -> None:
    """Run all worlds on all cores, print the table and keep it; exit code 1 if a bound fails."""
    head = ["worlds", "runs", "k right", "paths exact", "step not planted",
            "ARI mean (min)", "reach, points (max)", "after parting (max)",
            "chances (max)", "seconds"]  # fmt: skip
    lines, fine = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"], True
    with ProcessPoolExecutor() as pool:
        for kind, (_, n, _) in KINDS.items():
            seeds = range(FIRST_SEED, FIRST_SEED + n)
            cells, holds = summarise(kind, list(pool.map(try_world, [kind] * n, seeds)))
            lines.append("| " + " | ".join(cells) + " |")
            fine &= holds
            print(lines[-1], flush=True)
    made = f"{date.today()}, funnel_lib {version('funnel-lib')}, Python {platform.python_version()}"
    text = (
        f"# What was proven\n\n{made}; `make prove`.\n\n{__doc__.split(chr(10), 1)[1].strip()}\n\n"
    )
    text += "\n".join(lines) + "\n\n" + HOW_TO_READ
    (Path(__file__).parent.parent / "PROVEN.md").write_text(text, encoding="utf-8")
    sys.exit(not fine)


HOW_TO_READ = """\
How to read it: *k right* is the share of worlds in which as many segments were found as planted;
*paths exact* of worlds in which every path, pair and loop is as planted. *ARI* compares the most
probable segments with the planted ones on leads with 5 or more events. *Reach* is the error of a
segment's step reach against its own leads, in percentage points, weighted by leads: what is left
is owed to leads that stopped before the paths part, whom nobody can tell apart. *After parting*
is the error of the share of the previous step after that. *Chances* is the largest error of a
planted probability to skip, repeat or loop, in worlds with exact paths.
"""

if __name__ == "__main__":
    main()
