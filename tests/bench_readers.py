"""How long a million events take to read, beside the least that reading a CSV takes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ROWS, LEADS = 1_000_000, 150_000
ACTIONS = ("Заявка", "Звонок", "КП отправлено", "Договор", "Оплата", "mail", "call", "meeting")
# Ways of writing times, and how many times a bare `pandas.read_csv` the whole reading may take.
WAYS = {"ISO": ("%Y-%m-%d %H:%M:%S", 3.5), "dotted": ("%d.%m.%Y %H:%M:%S", 3.5)}
# Both in one process, in turn, after the same imports: only the reading is timed, in processor
# seconds, as pandas reads in as many threads as there are cores.
RACE = """
import resource, statistics, time
import pandas as pd
from funnel_lib.reading.export import read_export
def clock(job):
    start = time.process_time()
    job()
    return time.process_time() - start
pairs = [
    (clock(lambda: read_export({path!r}, time_zone="Europe/Moscow")),
     clock(lambda: pd.read_csv({path!r}, engine="pyarrow")))
    for _ in range(4)
][1:]  # the first warms up
print(*(statistics.median(pair[i] for pair in pairs) for i in (0, 1)),
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def write_events(path: Path, way: str) -> None:
    """Write events of leads in no order, with an amount of money each."""
    rng = np.random.default_rng(1)
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365 * 86_400, ROWS), unit="s")
    pd.DataFrame({
        "lead_id": rng.integers(0, LEADS, ROWS),
        "at": at.strftime(way),
        "action": np.array(ACTIONS)[rng.integers(0, len(ACTIONS), ROWS)],
        "amount": rng.lognormal(9, 1, ROWS).round(2),
    }).to_csv(path, index=False)  # fmt: skip


def show_reading() -> bool:
    """Print the ratios; False if one is above its bound."""
    print(
        f"\n{ROWS:,} events read to a checked log / pandas.read_csv(engine='pyarrow'), "
        "processor seconds, median of 3"
    )
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.csv")
        for name, (way, most) in WAYS.items():
            write_events(path, way)
            code = RACE.format(path=str(path))
            done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
            ours, least, memory = map(float, done.stdout.split())
            fine &= ours <= most * least
            verdict = "ok" if ours <= most * least else "TOO SLOW"
            print(
                f"{name + ' times':44s} {ours:6.2f} s / {least:5.2f} s = {ours / least:4.2f} "
                f"(at most {most}) {verdict}, {memory:,.0f} MiB",
                flush=True,
            )
    return fine


if __name__ == "__main__":
    sys.exit(not show_reading())
