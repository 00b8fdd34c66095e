"""`make bench`: speed and memory side by side in one run; quote the ratios, not the seconds.

Each pair is a job of ours and the least that any tool would need for it, run in turn as whole
processes; the median of the ratios is what the README quotes. Below them stands how right the
segments are beside those of other ways, and how time and memory grow with the log beside DuckDB,
pandas and polars: `bench_scale` tells of its option ``--leads``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_readers import show_reading
from bench_scale import read_sizes, show_scale

from funnel_lib.datasets.planted import plant_log, write_planted

LEADS, ROUNDS = 20_000, 5
KINDS, WORLDS = ("clean", "rare", "messy", "clean15", "pace"), 5  # see `random_worlds`
# As an audit needs them; `import funnel_lib` alone imports nothing else.
IMPORTS = (
    "import funnel_lib.audit, funnel_lib.reporting.outputs, pandas, numpy, matplotlib.figure, "
    "statsmodels.stats.proportion"
)
EMPTY_NOTEBOOK = """
import sys, nbformat, papermill
from nbconvert import HTMLExporter
cells = [nbformat.v4.new_code_cell({imports!r})]
kernel = {{"kernelspec": {{"name": "python3", "display_name": "Python 3", "language": "python"}}}}
nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), {path!r})
papermill.execute_notebook({path!r}, {path!r}, progress_bar=False)
HTMLExporter().from_filename({path!r})
"""


def run(command: list[str]) -> tuple[float, float]:
    """Run a process to its end: wall seconds, and its largest memory in MiB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(command)[:300]}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def compare(name: str, ours: list[str], least: list[str], most: float) -> bool:
    """Run a pair in turn and print the ratio."""
    pairs = [(run(ours), run(least)) for _ in range(ROUNDS + 1)][1:]  # the first warms up
    ratio = statistics.median(a[0] / b[0] for a, b in pairs)
    seconds = [statistics.median(p[i][0] for p in pairs) for i in (0, 1)]
    memory = max(a[1] for a, _ in pairs)
    verdict = "ok" if ratio <= most else "TOO SLOW"
    print(
        f"{name:44s} {seconds[0]:6.2f} s / {seconds[1]:5.2f} s = {ratio:4.2f} (at most {most:g}) "
        f"{verdict}, {memory:,.0f} MiB"
    )
    return ratio <= most


def show_ways() -> None:
    """Print how far segments are from the planted ones: ours, and those of other ways."""
    from baselines import WAYS, try_ways  # after the races: it sets the number of threads
    from prove import FIRST_SEED

    print(
        "\nmean error of a segment's step reach in points, ARI on leads with 5 or more events; "
        f"{WORLDS} worlds each\n(pace: one path at two paces, at which nobody looks here)\n"
        f"{'':10s}" + "".join(f"{way:>26s}" for way in WAYS)
    )
    for kind in KINDS:
        scores = [try_ways(kind, FIRST_SEED + run) for run in range(WORLDS)]
        means = np.mean(scores, axis=0).round(2) + 0  # no -0.00
        print(f"{kind:10s}" + "".join(f"{e:18.1f}, {a:6.2f}" for e, a in means), flush=True)


SPEED = """
import resource, sys, time
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.events import build_log
from funnel_lib.sections.paths.segments import find_segments
from funnel_lib.sections.paths.trust import measure_trust
from funnel_lib.datasets.planted import plant_log
from funnel_lib.counting.variants import count_variants
from funnel_lib.core.steps import parse_steps
planted = plant_log("messy", {leads}, seed=1)
journeys = build_journeys(build_log(planted.events, planted.leads), parse_steps(planted.steps_yaml))
del planted
start = time.perf_counter()
found = find_segments(journeys)
seconds = time.perf_counter() - start
n_variants = len(count_variants(journeys).weight)
told = f"{leads:,} leads, {{n_variants:,}} variants: found in {{seconds:.1f}} s"
if {question}:
    measure_trust(found, journeys)
    told += f", questioned in {{time.perf_counter() - start - seconds:.1f}} s more"
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(told + f", {{memory:,.0f}} MiB at the most")
"""


def show_speed() -> None:
    """Print how long the segments of a messy world take, and the memory of all that is there."""
    print("\nsegments of a messy world (memory with the planted log itself)", flush=True)
    for leads, question in ((20_000, True), (1_000_000, False)):
        code = SPEED.format(leads=leads, question=question)
        subprocess.run([sys.executable, "-c", code], check=True)


MOST_ADDED = 3  # seconds that times, money and hypotheses may add to an audit
ADDED = """
import time
import pandas as pd
import funnel_lib as fl
from funnel_lib.core.steps import parse_steps
planted = fl.plant_log("messy", {leads}, seed=1)
log = fl.build_log(planted.events, planted.leads, planted.truth["observed_until"])
journeys = fl.build_journeys(log, parse_steps(planted.steps_yaml))
found = fl.find_segments(journeys, 5)
groups = fl.count.list_groups(found)
import statsmodels.stats.proportion
start = time.perf_counter()
fl.count.count_pace(journeys, found), fl.count.count_standing(journeys, found)
table = pd.concat([fl.count.count_times(journeys, group) for group in groups])
fl.count.find_medians(table), fl.count.count_cohorts(journeys)
fl.count.count_repeats(journeys, groups)
fl.count.count_money(log, journeys, groups), fl.count.find_money_ranges(log, journeys, groups)
asks = fl.count.count_asks(journeys, found)
fl.count.build_hypotheses(journeys, found, asks=asks)
print(time.perf_counter() - start)
"""


def show_added() -> bool:
    """Print what times, money and hypotheses add to an audit of five segments."""
    code = ADDED.format(leads=LEADS)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    seconds = float(done.stdout)
    verdict = "ok" if seconds <= MOST_ADDED else "TOO SLOW"
    print(
        f"\ntimes, money and hypotheses of {LEADS:,} leads in 5 segments: {seconds:.1f} s "
        f"(at most {MOST_ADDED}) {verdict}",
        flush=True,
    )
    return seconds <= MOST_ADDED


def main() -> None:
    """Print the ratios, then the segments; exit code 1 if one is above its bound."""
    python, sizes = sys.executable, read_sizes()
    with tempfile.TemporaryDirectory() as folder:
        write_planted(plant_log("kettles", LEADS, seed=1), folder)
        given = [f"{folder}/events.csv", "--leads", f"{folder}/leads.csv"]
        given += ["--steps", f"{folder}/steps.yml"]
        audit = [python, "-m", "funnel_lib.cli", "audit", *given]
        read = f"{IMPORTS}; pandas.read_csv({given[0]!r}); pandas.read_csv({given[2]!r})"
        empty = EMPTY_NOTEBOOK.format(imports=IMPORTS, path=str(Path(folder, "empty.ipynb")))
        print(f"{LEADS:,} planted leads, median of {ROUNDS} pairs, ours / the least")
        tables = ["--out", f"{folder}/tables-only", "--no-report", "--segments", "none"]
        fine = compare(
            "tables / imports + pandas.read_csv", [*audit, *tables], [python, "-c", read], 3
        )
        full = ["--out", f"{folder}/report", "--formats", "html", "--segments", "none"]
        fine &= compare(
            "HTML report / an empty notebook, printed", [*audit, *full], [python, "-c", empty], 3
        )
    fine &= show_added()
    fine &= show_reading()
    fine &= show_scale(sizes)
    show_speed()
    show_ways()
    sys.exit(not fine)


if __name__ == "__main__":
    main()
