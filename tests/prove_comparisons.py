"""`make prove`, part comparisons: does page one claim what habits, mix, time or luck made?

`python tests/prove_comparisons.py KIND N_WORLDS N_LEADS` tries some worlds of a kind of `habits`
(`all`: of every kind) and prints which claims are made, and by which rows.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
from habits import KINDS, POWER, Made, make_world

from funnel_lib.core.groups import Segmentation, list_groups
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.words import Words
from funnel_lib.sections.hypotheses.count import build_hypotheses
from funnel_lib.sections.paths.segments import find_segments
from funnel_lib.sections.times.count import count_cohorts
from funnel_lib.sections.times.tell import tell_cohorts

FIRST_SEED = 7000
CLAIMS = {
    "hypotheses": ["segment", "step", "lever", "reference", "extra_won", "low", "high"],
    "groups": ["group_by", "group", "n_leads", "share_won", "extra_amount", "extra_low"],
    "asks": ["segment", "step", "n_asked", "n_not_asked", "difference", "low", "high"],
    "months": ["told"],
}  # table → what to print of a row that claims
COHORTS_DIFFER = ("sentence.cohorts_differ", "sentence.cohorts_more", "sentence.cohorts_fewer")


def count_claims(journeys: Journeys, segmentation: Segmentation) -> dict[str, pd.DataFrame]:
    """The tables from which page one takes its claims, and `recording`."""
    groups = list_groups(segmentation)
    return {
        "hypotheses": build_hypotheses(journeys, groups),
        # to come: "recording", "groups", "asks"
    }


def find_claims(made: Made, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The rows that claim something beyond chance, by table; a table that is not there has none."""
    found = {}
    for name in ("hypotheses", "groups", "asks"):
        table = tables.get(name, pd.DataFrame())
        if "beyond_chance" in table:
            found[name] = table[table["beyond_chance"].fillna(False).astype(bool)]
        elif name == "hypotheses":
            found[name] = table[(table["extra_won"] > 0) & (table["low"] > 0)]
        else:
            found[name] = table
    if made.kind is KINDS["months"]:
        told = tell_cohorts(count_cohorts(made.journeys), _Keys()).split()
        found["months"] = pd.DataFrame({"told": [key for key in told if key in COHORTS_DIFFER]})
    return found


class _Keys(Words):
    """Words that tell the key of a sentence in place of the sentence."""

    def text(self, key: str, **values) -> str:
        return key


def find_named(made: Made, tables: dict[str, pd.DataFrame]) -> tuple[bool, bool] | None:
    """Whether the group that has the habit is named for it, and whether another group is named; None
    where the table is not there. Of two teams each is the other's others: where there is a habit,
    no team is named wrongly."""
    if "recording" not in tables:
        return None
    rows = tables["recording"]
    rows = rows[rows["differs"].fillna(False).astype(bool)]
    shown = rows[rows["step"].isin(made.kind.marks(made.draft))]
    named = {*zip(shown["group_by"], shown["group"], strict=True)}
    wrong = rows[rows["group_by"] != "team"] if made.kind.odd else rows
    others = {*zip(wrong["group_by"], wrong["group"], strict=True)} - {*made.kind.odd}
    return bool(named & {*made.kind.odd[:1]}), bool(others)


def try_world(kind: str, run: int, n_leads: int) -> dict:
    """Count the claims of one world: how many rows claim by table, and how the habit is named."""
    start = time.perf_counter()
    made = make_world(kind, FIRST_SEED + run, n_leads)
    segmentation = find_segments(made.journeys)
    tables = count_claims(made.journeys, segmentation)
    claims, named = find_claims(made, tables), find_named(made, tables)
    return {
        "kind": kind, "run": run, "n_leads": n_leads, "claims": claims, "named": named,
        "recording": tables.get("recording"), "paths": made.draft.paths,
        "n_found": len(segmentation.ids), "seconds": time.perf_counter() - start,
    }  # fmt: skip


def show_kind(pool, kind: str, n_worlds: int, n_leads: int) -> None:
    """Try some worlds of a kind, and print their claims."""
    runs = list(pool.map(try_world, [kind] * n_worlds, range(n_worlds), [n_leads] * n_worlds))
    for one in runs:
        seed = FIRST_SEED + one["run"]
        for name, rows in one["claims"].items():
            if len(rows):
                shown = [c for c in CLAIMS[name] if c in rows]
                print(f"seed {seed}: {name}\n{rows[shown].to_string(index=False)}")
        if one["named"] not in (None, (bool((KINDS | POWER)[kind].odd), False)):
            told = one["recording"]
            print(f"seed {seed}: named (the habit, others) {one['named']}")
            print(told[told["differs"].fillna(False).astype(bool)].to_string(index=False))
    counts = {n: sum(len(one["claims"].get(n, ())) > 0 for one in runs) for n in CLAIMS}
    any_of = sum(any(len(rows) for rows in one["claims"].values()) for one in runs)
    k_right = sum(one["n_found"] == len(one["paths"]) for one in runs)
    seconds = sum(one["seconds"] for one in runs) / n_worlds
    named = [one["named"] for one in runs if one["named"] is not None]
    told = f"; habit named {sum(a for a, _ in named)}, others {sum(b for _, b in named)}"
    print(
        f"{kind}: {n_worlds} worlds of {n_leads:,} leads, with a claim {any_of} {counts}"
        f"{told if named else ''}; as many segments as planted {k_right}; {seconds:.1f} s a world",
        flush=True,
    )


if __name__ == "__main__":
    kinds, n_worlds, n_leads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with ProcessPoolExecutor(2) as pool:
        for kind in [*KINDS, *POWER] if kinds == "all" else [kinds]:
            show_kind(pool, kind, n_worlds, n_leads)
