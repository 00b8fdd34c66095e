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

import numpy as np
import pandas as pd
from habits import IDS, KINDS, LUCKY, ODD, POWER, Made, make_world
from proving import show_row, write_head

from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.words import Words
from funnel_lib.sections.asks.count import count_asks
from funnel_lib.sections.groups.count import count_groups
from funnel_lib.sections.hypotheses.count import build_hypotheses
from funnel_lib.sections.paths.segments import find_segments
from funnel_lib.sections.recording.count import count_recording
from funnel_lib.sections.times.count import count_cohorts
from funnel_lib.sections.times.tell import tell_cohorts

FIRST_SEED = 7000
CLAIMS = {
    "hypotheses": ["segment", "step", "lever", "reference", "extra_won", "low", "high"],
    "groups": ["group_by", "group", "n_leads", "share_won", "extra_amount", "extra_low"],
    "asks": ["segment", "step", "n_asked", "n_not_asked", "difference", "low", "high"],
    "months": ["told"],
}  # table → what to print of a row that claims
SIZES = {3000: 100, 600: 40}  # leads → worlds of each kind
FULL = 4  # times as many worlds with --full
MOST, MOST_OF_ONE, LEAST_NAMED, COVERED = 0.05, 0.12, 0.9, (0.92, 0.98)
MOST_BLAMED = 0.25  # of worlds where one has the easier clients: of three others one is blamed
# world of `POWER` → leads, worlds, least share in which it is shown; and by which table
POWER_BOUNDS = {
    "manager-lower": (3000, 100, 0.80),
    "step-lower": (6000, 100, 0.95),
    "step-better": (3000, 100, 0.95),
    "asks-help": (3000, 200, 0.80),
}
SHOWN_BY = {
    "manager-lower": "groups",
    "step-lower": "hypotheses",
    "step-better": "hypotheses",
    "asks-help": "asks",
}
COHORTS_DIFFER = ("sentence.cohorts_differ", "sentence.cohorts_more", "sentence.cohorts_fewer")


def count_claims(journeys: Journeys, segmentation: Segmentation) -> dict[str, pd.DataFrame]:
    """The tables from which page one takes its claims, and `recording`."""
    asks = count_asks(journeys, segmentation)
    return {
        "recording": count_recording(journeys, segmentation),
        "groups": count_groups(journeys, segmentation),
        "asks": asks,
        "hypotheses": build_hypotheses(journeys, segmentation, asks=asks),
    }


def find_claims(made: Made, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The rows that claim something beyond chance, by table."""
    found = {
        name: tables[name][tables[name]["beyond_chance"].astype(bool)]
        for name in (("groups",) if made.name in LUCKY else ("hypotheses", "groups", "asks"))
    }
    if made.kind is KINDS["months"]:
        told = tell_cohorts(count_cohorts(made.journeys), _Keys()).split()
        found["months"] = pd.DataFrame({"told": [key for key in told if key in COHORTS_DIFFER]})
    return found


class _Keys(Words):
    """Words that tell the key of a sentence in place of the sentence."""

    def text(self, key: str, **values) -> str:
        return key


def find_named(made: Made, tables: dict[str, pd.DataFrame]) -> tuple[bool | None, bool]:
    """Whether the group that has the habit is named for it (None: there is no habit), and whether
    another group is.

    Of two teams each is the other's others: where there is a habit, no team is named wrongly.
    """
    rows, odd = find_differing(tables), made.kind.odd
    shown = rows[rows["step"].isin(made.kind.marks(made.draft))]
    wrong = rows[rows["group_by"] != "team"] if odd else rows
    named, others = ({*zip(r["group_by"], r["group"], strict=True)} for r in (shown, wrong))
    return odd[0] in named if odd else None, bool(others - {*odd})


def find_differing(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows of `recording` that differ."""
    rows = tables["recording"]
    return rows[rows["differs"].fillna(False).astype(bool)]


def is_shown(made: Made, tables: dict, claims: dict) -> bool | None:
    """Whether what a world of `POWER` has planted is shown; None where nothing is."""
    step, name = str(IDS[made.draft.step]), SHOWN_BY.get(made.name)
    if name is None:
        return None
    rows = claims[name]
    if name == "groups":
        return bool(((rows["group_by"] == "manager") & (rows["group"] == ODD)).any())
    if made.name == "step-lower":
        return step in tables[name]["step"].iloc[0].split(" | ")
    found = rows["step"].str.split(" | ", regex=False).map(lambda steps: step in steps)
    return bool((found & (rows.get("difference", 1) > 0)).any())


def hold_effect(made: Made, tables: dict) -> list[bool]:
    """Whether the interval of each ask that is told holds the effect that was planted."""
    if made.name not in ("asks", "asks-early", "asks-help"):
        return []
    rows = tables["asks"].dropna(subset=["low", "high"])
    effect = (
        rows["step"].map(dict(zip(IDS, made.draft.effect, strict=True))).fillna(0).astype(float)
    )
    return ((rows["low"] <= effect) & (effect <= rows["high"])).tolist()


def try_world(kind: str, run: int, n_leads: int) -> dict:
    """Count one world: the rows that claim something by table, and what is named and shown."""
    start = time.perf_counter()
    made = make_world(kind, FIRST_SEED + run, n_leads)
    segmentation = find_segments(made.journeys)
    tables = count_claims(made.journeys, segmentation)
    claims = find_claims(made, tables)
    return {
        "seed": FIRST_SEED + run, "claims": claims, "named": find_named(made, tables),
        "shown": is_shown(made, tables, claims), "held": hold_effect(made, tables),
        "differing": find_differing(tables),
        "k_right": len(segmentation.ids) == len(made.draft.paths),
        "seconds": time.perf_counter() - start,
    }  # fmt: skip


def try_worlds(pool, kind: str, n_worlds: int, n_leads: int) -> list[dict]:
    """Count some worlds of a kind."""
    return list(pool.map(try_world, [kind] * n_worlds, range(n_worlds), [n_leads] * n_worlds))


def summarise(runs: list[dict]) -> dict[str, float]:
    """Of some worlds the share with a claim: any, and by table; with the habit named, with another
    group named; with what was planted shown."""
    claims = pd.DataFrame([{n: len(rows) > 0 for n, rows in one["claims"].items()} for one in runs])
    named = pd.DataFrame([one["named"] for one in runs if one["named"]], columns=["habit", "other"])
    shown = pd.Series([one["shown"] for one in runs], dtype=float)
    return {
        "any": claims.any(axis=1).mean(), **claims.reindex(columns=[*CLAIMS]).mean(),
        **named.mean(), "shown": shown.mean(), "k_right": np.mean([o["k_right"] for o in runs]),
        "seconds": np.mean([one["seconds"] for one in runs]),
    }  # fmt: skip


def prove_comparisons(pool, full: bool = False) -> tuple[str, bool]:
    """Run all worlds: the tables, and whether every promise holds."""
    times = FULL if full else 1
    false, fine, held = write_head(FALSE_HEAD), True, []
    for n_leads, n_worlds in SIZES.items():
        found = {}
        for kind, made in (KINDS | LUCKY).items():
            runs = try_worlds(pool, kind, times * n_worlds, n_leads)
            found[kind] = summarise(runs)
            fine &= hold_bounds(kind, found[kind], n_leads)
            held += [held for one in runs for held in one["held"]]
            most = MOST_BLAMED if kind in LUCKY else MOST_OF_ONE
            false.append(show_false(made.name, n_leads, len(runs), found[kind], most))
            print(false[-1], flush=True)
        pooled = pd.DataFrame([found[kind] for kind in KINDS]).mean()
        fine &= pooled["any"] <= MOST
        n = times * n_worlds * len(KINDS)
        false.append(show_false("**all**", n_leads, n, pooled, MOST))
        print(false[-1], flush=True)
    power = write_head(["planted", "leads", "runs", "shown by", "shown", "seconds"])
    for kind, (n_leads, n_worlds, least) in POWER_BOUNDS.items():
        runs = try_worlds(pool, kind, times * n_worlds, n_leads)
        found = summarise(runs)
        fine &= not found["shown"] < least
        held += [held for one in runs for held in one["held"]]
        power.append(show_row(
            POWER[kind].name, f"{n_leads:,}", str(len(runs)), f"`{SHOWN_BY[kind]}`",
            f"{show_share(found['shown'])} (at least {least:.0%})", f"{found['seconds']:.1f}",
        ))  # fmt: skip
        print(power[-1], flush=True)
    covered = np.mean(held) if held else np.nan
    fine &= not held or COVERED[0] <= covered <= COVERED[1]
    bounds = f"{len(held):,} (92% to 98%)"
    told = f"Intervals of asks hold the planted effect in {show_share(covered)} of {bounds}."
    parts = [FALSE, "\n".join(false), READ_FALSE, TRUE, "\n".join(power), told, READ_TRUE]
    return "\n\n".join(parts), bool(fine)


def hold_bounds(kind: str, found: dict, n_leads: int) -> bool:
    """Whether the promises on one kind of world hold, as far as its tables are there."""
    odd = (KINDS | LUCKY)[kind].odd
    fine = found["any"] <= (MOST_BLAMED if kind in LUCKY else MOST_OF_ONE)
    if odd and n_leads == max(SIZES):
        fine &= not found.get("habit") < LEAST_NAMED
    return bool(fine and (odd != () or not found["other"] > MOST))


def show_false(name: str, n_leads: int, n: int, found, most: float) -> str:
    """One line of the table of false claims."""
    cells = [show_share(found[key]) for key in (*CLAIMS, "habit", "other", "k_right")]
    any_of = f"{show_share(found['any'])} (at most {most:.0%})"
    return show_row(name, f"{n_leads:,}", str(n), any_of, *cells, f"{found['seconds']:.1f}")


def show_share(share: float) -> str:
    """A share in percent; a dash where there is none."""
    return "–" if pd.isna(share) else f"{share:.1%}"


FALSE_HEAD = ["worlds", "leads", "runs", "with a false claim", *CLAIMS, "habit named",
              "another group named", "as many segments as planted", "seconds"]  # fmt: skip
FALSE = """\
Four managers in two teams serve random paths of 5 to 7 steps alike (80 to 90 % go on at each, noise
of 0 to 5 %, asks without effect): nothing is to be gained, and every claim of page one is false.
Habits are those of one manager or, where it says so, of a team (see `habits`). Where one has easier
clients, this one sells more: blaming another for it is false."""
READ_FALSE = f"""\
How to read it: the share of worlds in which page one claims something beyond chance, and by which
table; `months` is the sentence on the best and the worst month, or the first and the last, judged
only where months are the question; where one has easier clients, `groups` alone is judged, and of
all worlds these are not. *Habit named*: `recording` says that the manager (the team)
differs in what it records otherwise (at least {LEAST_NAMED:.0%} at {max(SIZES):,} leads). *Another
group named*: a manager, source or quarter without that habit; where there is none, any group (at
most {MOST:.0%}). Steps left out make another path: more segments than planted are found there. A
dash: no such table yet, or no such habit."""
TRUE = """\
Worlds of the same sort with one difference planted: one manager's share won is 8 points below the
mean of the others, whose own shares differ by 3 points (standard deviation); a step is taken 8
points less in one team; one manager has 97 % at a step where the others have 72 %; an ask adds 15
points to the chance of a step that at least 1,000 leads come to."""
READ_TRUE = """\
How to read it: *shown* is a row of that manager, or of that step, beyond chance; for the step of a
team, that it is the first row by money. Intervals of asks are those of all rows told in this world
and in the two without effect."""


def show_kind(pool, kind: str, n_worlds: int, n_leads: int) -> None:
    """Try some worlds of a kind, and print their claims and the shares."""
    runs, right = try_worlds(pool, kind, n_worlds, n_leads), bool((KINDS | LUCKY | POWER)[kind].odd)
    for one in runs:
        for name, rows in one["claims"].items():
            if len(rows):
                shown = rows[[c for c in CLAIMS[name] if c in rows]]
                print(f"seed {one['seed']}: {name}\n{shown.to_string(index=False)}")
        if one["named"] not in (None, (right or None, False)):
            print(f"seed {one['seed']}: named (the habit, others) {one['named']}")
            print(one["differing"].to_string(index=False))
    found = summarise(runs)
    print(f"{kind}, {n_worlds} worlds of {n_leads:,} leads: ", end="")
    print(", ".join(f"{name} {x:.3g}" for name, x in found.items() if pd.notna(x)), flush=True)
    if held := [held for one in runs for held in one["held"]]:
        print(f"interval holds the effect: {sum(held)} of {len(held)}")


if __name__ == "__main__":
    kinds, n_worlds, n_leads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with ProcessPoolExecutor(2) as pool:
        for kind in [*KINDS, *LUCKY, *POWER] if kinds == "all" else [kinds]:
            show_kind(pool, kind, n_worlds, n_leads)
