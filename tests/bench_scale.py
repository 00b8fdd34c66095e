"""The same questions of logs of growing size, put to us, DuckDB, pandas and polars in turn.

``python tests/bench_scale.py`` takes 10 thousand, 100 thousand and 1 million leads; ``--leads
10000000`` (or several, with commas), or ``BENCH_LEADS``, takes other sizes. Contestants are
processes of their own (see `bench_rivals`), run in turn; shown are medians of the rounds, but of
the whole audit, which is run once. The bounds are those of a million leads: at fewer, fixed costs
weigh more, so there verdicts decide nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from bench_rivals import CONTESTANTS, SEGMENTS

import funnel_lib as fl
from funnel_lib.counting.variants import count_variants

SIZES = (10_000, 100_000, 1_000_000)
BLOCK = 200_000  # leads that are planted; larger logs repeat them under new ids
JUDGED = 1_000_000  # from so many leads on a verdict decides
MOST_AUDITED = 100_000  # leads of the largest whole audit
SCHEMA = pa.schema([
    ("lead_id", pa.string()), ("at", pa.timestamp("us", "UTC")),
    ("action", pa.string()), ("actor", pa.string()),
])  # fmt: skip
# Stages in their order; what a contestant does not do is left blank.
QUESTIONS = {
    "start": "start: imports",
    "read": "read",
    "pack": "pack: build the journeys",
    "variants": "variants",
    "coded": "variants of ENUM codes",
    "funnel": "first funnel",
    "any": "next funnel, any",
    "ordered": "next funnel, ordered",
    "window": "window of 30 days",
    "segments": "five segments with intervals",
    "losses": "losses",
    "times": "times of all",
    "segment_times": "times of five segments",
    "find": "find segments",
    "tables": "all tables, no trust",
    "audit": "the whole audit",
}
FIRST = "read to first funnel, variants"  # the sums of several stages
FIRST_CODED = "the same beside ENUM codes"
ANSWER = ("read", "pack", "variants", "funnel")
# At most: our processor seconds to DuckDB's; and our own seconds, MiB at `JUDGED` leads.
RATIOS = {FIRST: 0.6, FIRST_CODED: 1.1, "any": 1 / 30, "ordered": 1 / 30, "window": 1 / 3,
          "segments": 1 / 10}  # fmt: skip
SECONDS = {"segment_times": 1, "tables": 15}
MOST_MEMORY = {JUDGED: 1.3 * 1024, 10 * JUDGED: 8 * 1024}  # MiB, of all tables
GIVEN_MEMORY = {10 * JUDGED: "6GiB"}  # as of ``--memory``
MOST_GROWTH = 1.15  # the power of events with which the processor time of all tables may grow
SHOWN = [name for name in CONTESTANTS if name != "audit"]
Took = dict[str, dict[str, tuple[float, float, float]]]  # contestant → question → cpu, wall, MiB


@dataclass(frozen=True)
class Scale:
    """What a log of some size showed."""

    leads: int
    events: int
    took: Took


# The log


def write_log(leads: int, folder: Path) -> int:
    """Write the planted log, its steps and what else contestants are given; how many events?"""
    block = min(leads, BLOCK)
    planted = fl.plant_log("clean", block, seed=1)
    events = planted.events.drop_duplicates(["lead_id", "at", "action"])
    number = events["lead_id"].str.removeprefix("L").astype("int64").to_numpy()
    n_events = 0
    with pq.ParquetWriter(folder / "events.parquet", SCHEMA) as writer:
        for done in range(0, leads, block):
            mine = number <= leads - done
            ids = pd.Series(number[mine] + done).astype("str")
            part = events[mine].assign(lead_id=("L" + ids).to_numpy())
            writer.write_table(pa.Table.from_pandas(part, SCHEMA, preserve_index=False))
            n_events += len(part)
    (folder / "steps.yml").write_text(planted.steps_yaml, encoding="utf-8")
    write_task(folder, events, fl.parse_steps(planted.steps_yaml), leads)
    return n_events


def write_task(folder: Path, events: pd.DataFrame, steps: fl.Steps, leads: int) -> None:
    """Write what contestants are told: files, actions, and made-up segments.

    Their paths are some steps in some order, then the sale. Memberships are drawn for each variant:
    a soft row that sums to 1.
    """
    rng, ids = np.random.default_rng(1), steps.before_sale
    variants = count_variants(fl.build_journeys(fl.build_log(events), steps))
    weights = rng.dirichlet(np.full(SEGMENTS, 0.5), len(variants.rows))
    table = pd.DataFrame(weights, columns=[f"w{k}" for k in range(SEGMENTS)])
    names = [">".join(ids[code] for code in row if code >= 0) for row in variants.rows]
    table.assign(variant=names).to_parquet(folder / "memberships.parquet")
    some = [rng.permutation(len(ids) - 1)[: rng.integers(4, len(ids))] for _ in range(SEGMENTS)]
    files = {"events": "events.parquet", "steps": "steps.yml", "segments": "segments.json",
             "memberships": "memberships.parquet"}  # fmt: skip
    task = {name: str(folder / file) for name, file in files.items()} | {
        "ids": ids, "sale": steps.won, "lost": steps.lost,
        "asks": [(action, ids.index(s.id)) for s in steps.steps for action in s.asks],
        "paths": [[*(ids[code] for code in path), steps.won] for path in some],
        "memory": GIVEN_MEMORY.get(leads, ""),
    }  # fmt: skip
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")


# The race


def count_rounds(leads: int) -> tuple[int, int]:
    """Rounds that count, and rounds before them that only warm up."""
    return (3, 1) if leads < JUDGED else (2, 0) if leads == JUDGED else (1, 0)


def race(leads: int) -> Scale:
    """Run all contestants in turn, in rounds; exit where they do not agree."""
    rounds, warming = count_rounds(leads)
    with tempfile.TemporaryDirectory() as name:
        events = write_log(leads, Path(name))
        turns = range(warming + rounds)
        runs = [run_round(leads, Path(name), turn == turns[-1]) for turn in turns][warming:]
    return Scale(leads, events, {name: find_medians([r[name] for r in runs]) for name in SHOWN})


def run_round(leads: int, folder: Path, is_last: bool) -> Took:
    """Run each contestant once; ours with all tables after it, in the last round the audit, too."""
    audited = is_last and leads <= MOST_AUDITED
    done = {name: run_contestant(name, folder, audited) for name in CONTESTANTS}
    check_agreement({name: run["told"] for name, run in done.items()})
    took = {name: run["took"] for name, run in done.items()}
    took["ours"] = took.pop("audit") | took["ours"]  # the start of the first counts
    return took


def run_contestant(name: str, folder: Path, audited: bool) -> dict:
    """Run one contestant in a process of its own: what it took and told."""
    stages = ["tables", "audit"] if audited else ["tables"]
    if name != "audit":
        stages = [q for q in QUESTIONS if q not in ("start", "tables", "audit")]
        stages.insert(stages.index("segments"), "prepare")
    script = str(Path(__file__).with_name("bench_rivals.py"))
    command = [sys.executable, script, name, str(folder / "task.json"), repr(time.perf_counter())]
    done = subprocess.run([*command, *stages], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def check_agreement(told: dict[str, dict[str, list[float]]]) -> None:
    """Exit where a rival's numbers are not ours: it was asked another question then."""
    for name, answers in told.items():
        for question, numbers in answers.items():
            ours = told["ours"]["variants" if question == "coded" else question]
            ours = ours[: len(numbers)] if question == "losses" else ours  # some do not tell all
            if len(ours) != len(numbers) or not np.allclose(ours, numbers, rtol=1e-6, atol=1e-9):
                sys.exit(f"{question}: {name} counts\n{numbers}\nand we count\n{ours}")


def find_medians(runs: list[dict]) -> dict[str, tuple[float, float, float]]:
    """The medians of the rounds, and what the first answer takes altogether."""
    took = {
        question: tuple(
            statistics.median(run[question][i] for run in runs if question in run) for i in range(3)
        )
        for question in runs[-1]
    }
    took[FIRST] = add_up([took[question] for question in ANSWER if question in took])
    if "coded" in took:
        took[FIRST_CODED] = add_up([took["coded" if q == "variants" else q] for q in ANSWER])
    return took


def add_up(stages: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    """The seconds of several stages, and their largest memory."""
    cpu, wall, memory = zip(*stages, strict=True)
    return sum(cpu), sum(wall), max(memory)


# The table


def list_rows() -> dict[str, str]:
    """The rows of the table: the questions, and the sums after the first funnel."""
    rows = {}
    for question, title in QUESTIONS.items():
        rows[question] = title
        if question == "funnel":
            rows |= {FIRST: FIRST, FIRST_CODED: FIRST_CODED}
    return rows


def show(scale: Scale) -> bool:
    """Print the table of a size; False where a bound that counts is not kept."""
    rounds, _ = count_rounds(scale.leads)
    decides = "" if scale.leads >= JUDGED else f"; bounds decide from {JUDGED:,} leads on"
    print(
        f"\n{scale.leads:,} leads, {scale.events:,} events, median of {rounds}: processor seconds, "
        f"wall seconds, MiB at the most{decides}\n"
        f"{'':31s}" + "".join(f"{name:>22s}" for name in SHOWN) + "   ours / DuckDB"
    )
    fine = True
    for question, title in list_rows().items():
        cells = "".join(f"{show_cell(scale.took[name].get(question))}" for name in SHOWN)
        told, kept = judge(question, scale)
        print(f"{title:31s}{cells}   {told}".rstrip(), flush=True)
        fine &= kept or scale.leads < JUDGED
    return fine


def show_cell(took: tuple[float, float, float] | None) -> str:
    """One contestant's seconds and memory; blank where it was not asked."""
    return f"{took[0]:8.3f}{took[1]:8.3f}{took[2]:6,.0f}" if took else " " * 22


def judge(question: str, scale: Scale) -> tuple[str, bool]:
    """The ratio, the bounds and the verdict, and whether the bounds are kept."""
    ours = scale.took["ours"].get(FIRST if question == FIRST_CODED else question)
    theirs = scale.took["DuckDB"].get(question)
    if not ours:
        return "", True
    told, kept = [], []
    if theirs:
        ratio, most = ours[0] / theirs[0], RATIOS.get(question)
        told.append(f"{ratio:6.3f}" + (f" (at most {most:.2g})" if most else ""))
        kept += [ratio <= most] if most else []
    seconds = SECONDS.get(question) if scale.leads == JUDGED else None
    memory = MOST_MEMORY.get(scale.leads) if question == "tables" else None
    for most, value, unit in ((seconds, ours[0], "s"), (memory, ours[2], "MiB")):
        if most:
            told.append(f"at most {most:,.0f} {unit}")
            kept.append(value <= most)
    verdict = [] if not kept else ["ok" if all(kept) else "TOO SLOW"]
    return " ".join([*told, *verdict]), all(kept)


def show_growth(small: Scale, large: Scale) -> bool:
    """Print the processor time of two sizes as a power of events: 1 is in proportion. False where
    that of all tables grows faster than it may."""
    print(
        f"\nprocessor time as a power of events, {small.leads:,} to {large.leads:,} leads\n"
        f"{'':31s}" + "".join(f"{name:>14s}" for name in SHOWN)
    )
    grown = math.log(large.events / small.events)
    for question, title in list_rows().items():
        cells = ""
        for name in SHOWN:
            pair = [scale.took[name].get(question) for scale in (small, large)]
            known = all(pair) and question != "start"
            cells += f"{math.log(pair[1][0] / pair[0][0]) / grown:14.2f}" if known else " " * 14
        if cells.strip():
            print(f"{title:31s}{cells}".rstrip(), flush=True)
    pair = [scale.took["ours"].get("tables") for scale in (small, large)]
    grew = math.log(pair[1][0] / pair[0][0]) / grown if all(pair) else 0
    return grew <= MOST_GROWTH or large.leads <= JUDGED


def show_scale(sizes: tuple[int, ...] = SIZES) -> bool:
    """Print the tables and the growth; False where a bound that counts is not kept."""
    fine, scales = True, []
    for leads in sorted(sizes):
        scales.append(race(leads))
        fine &= show(scales[-1])
    if len(scales) > 1:
        fine &= show_growth(*scales[-2:])
    return fine


def read_sizes(given: list[str] | None = None) -> tuple[int, ...]:
    """The sizes that the option or the environment asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = os.environ.get("BENCH_LEADS") or ",".join(map(str, SIZES))
    parser.add_argument("--leads", default=sizes, help="how many leads; several with commas")
    return tuple(int(n) for n in parser.parse_args(given).leads.split(","))


if __name__ == "__main__":
    sys.exit(not show_scale(read_sizes()))
