"""Runs that are killed, and inputs without end: is a report always whole, does everything end?"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import psutil  # comes with ipykernel
from proving import show_row, write_head

from funnel_lib.core.steps import parse_steps
from funnel_lib.datasets.planted import plant_log, write_planted

KILLS = 40  # of each kind
GONE = 5  # seconds after which nothing of a killed run may be alive
MOST_SECONDS, MOST_MB = 60, 1500  # of processor time and memory, for any input of the table
LONGEST = 600  # seconds of the clock after which an input is given up
ENDS = {"killed": signal.SIGKILL, "told to end (SIGTERM)": signal.SIGTERM}
COMMAND = "from funnel_lib.cli import main; main()"
STEPS = "steps: [{id: request_left}, {id: invoice_paid}]\nwon: invoice_paid\n"


def start(folder: Path, *arguments) -> subprocess.Popen:
    """Start the command as its script does."""
    call = [sys.executable, "-P", "-c", COMMAND, *map(str, arguments)]
    told = (folder / "told").open("w")
    return subprocess.Popen(call, cwd=folder, stdout=told, stderr=told)


def audit(folder: Path, title: str) -> subprocess.Popen:
    """Start a report whose title tells which run it is of; every second one has another rule."""
    files = ["events.csv", "--leads", "leads.csv", "--steps", "steps.yml"]
    rule = ["passed", "ordered"][len(title) % 2]
    return start(folder, "audit", *files, "--rule", rule, "--title", title, "--out", "out")


def read_whole(out: Path) -> str | None:
    """Of which run is the report that is there? None where its files are of several, or missing."""
    try:
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        html = (out / "report.html").read_text(encoding="utf-8")
        notebook = (out / "report.ipynb").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    title = manifest["parameters"]["title"]
    tables = {p.stem for p in (out / "tables").glob("*.csv")}
    rows = sum(1 for _ in (out / "tables" / "leads.csv").open(encoding="utf-8")) - 1
    fine = tables == {*manifest["tables"]} and rows == manifest["tables"]["leads"]["rows"]
    return title if fine and f"<h1>{title}</h1>" in html and f'\\"{title}\\"' in notebook else None


def kill_one(folder: Path, number: int, title: str, after: float) -> dict:
    """Let a run meet its end at some moment: what became of the report, and of its processes."""
    before = read_whole(folder / "out")
    run = audit(folder, title)
    time.sleep(after)
    family = [run.pid, *(c.pid for c in psutil.Process(run.pid).children(recursive=True))]
    born = {pid: psutil.Process(pid).create_time() for pid in family if psutil.pid_exists(pid)}
    run.send_signal(number)
    run.wait()
    time.sleep(GONE)
    alive = [pid for pid in born if is_same(pid, born[pid])]
    told = (folder / "told").read_text(encoding="utf-8")
    if "Traceback" in told:
        print(f"ended after {after:.2f} s:\n{told}", file=sys.stderr, flush=True)
    return {
        "whole": read_whole(folder / "out") in (before, title),
        "clean": not alive,
        "silent": "Traceback" not in told,
        "ended": run.returncode in (-number, 128 + number),  # else it was done before
        "left": [p.name for p in (folder / "out").iterdir() if p.name.startswith(".funnel-")],
    }


def is_same(pid: int, born: float) -> bool:
    """Whether a process is still alive, and no other one by its number."""
    try:
        process = psutil.Process(pid)
        return process.create_time() == born and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def prove_kills(folder: Path) -> tuple[list[str], bool]:
    """A table: of runs that were ended at random moments, what is left of them."""
    write_planted(plant_log("kettles", 400, seed=5), folder)
    began = time.monotonic()
    assert audit(folder, "run 0").wait() == 0
    lasts, rng, fine = time.monotonic() - began, random.Random(0), True
    lines = write_head(["end", "runs", "ended while at work", "report whole",
                        "all processes gone after 5 s", "no traceback",
                        "nothing left after the next run"])  # fmt: skip
    for name, number in ENDS.items():
        runs = [kill_one(folder, number, f"run {'x' * n}", rng.uniform(0.3, 1) * lasts)
                for n in range(1, KILLS + 1)]  # fmt: skip
        done = audit(folder, f"after {name[:4]}").wait() == 0
        left = [p for p in (folder / "out").iterdir() if p.name.startswith(".funnel-")]
        cleared = done and not left and read_whole(folder / "out") == f"after {name[:4]}"
        counts = [sum(run[key] for run in runs) for key in ("ended", "whole", "clean", "silent")]
        fine &= cleared and counts[0] > KILLS / 2 and counts[1:] == [KILLS] * 3
        lines.append(show_row(name, str(KILLS), *map(str, counts), "yes" if cleared else "no"))
        print(lines[-1], flush=True)
    return lines, fine


def write_log(path: Path, rows) -> None:
    """Write events of clients, and of managers where they are moves between stages."""
    lines = [f"{lead},{at},{action},{'manager' if 'stage' in action else 'client'}"
             for lead, at, action in rows]  # fmt: skip
    path.write_text("\n".join(["lead_id,at,action,actor", *lines]) + "\n", encoding="utf-8")


def list_visits(n_stages: int):
    """Leads that each come to 30 of so many stages, a third of them to the sale."""
    rng = random.Random(0)
    for i in range(400):
        yield f"L{i}", f"2025-01-{i % 28 + 1:02d} 09:00", "request_left"
        for j in range(30):
            at = f"2025-02-{j % 28 + 1:02d} {j // 28 + 10}:00"
            yield f"L{i}", at, f"stage: S{rng.randrange(n_stages)}"
        if i % 3 == 0:
            yield f"L{i}", "2025-03-01 10:00", "invoice_paid"


def list_years(n_years: int):
    """Leads that came over so many years, the last ones of the century, and bought over so many."""
    rng = random.Random(0)
    for i in range(2000):
        year, day = rng.randrange(2100 - n_years, 2100), i % 28 + 1
        yield f"L{i}", f"{year}-01-{day:02d} 09:00", "request_left"
        if i % 3 == 0:
            later = min(year + rng.randrange(n_years), 2099)
            yield f"L{i}", f"{later}-02-{day:02d} 09:00", "invoice_paid"


def write_long(folder: Path, n_events: int) -> list[str]:
    """Write a planted CRM, one of whose leads that bought nothing has so many events more, of the
    kinds the others have; what its audit is told."""
    write_planted(planted := plant_log("kettles", 400, seed=5), folder)
    lead = planted.leads.loc[planted.leads["status"] == "open", "lead_id"].iloc[0]
    mine = planted.events["lead_id"] == lead
    sold = parse_steps(planted.steps_yaml)["invoice_paid"].evidence[0].action
    acts = planted.events.loc[planted.events["action"] != sold, ["action", "actor"]]
    more = acts.sample(n_events, replace=True, random_state=0, ignore_index=True)
    first = pd.to_datetime(planted.events.loc[mine, "at"]).max()
    at = first + pd.to_timedelta(range(1, n_events + 1), unit="s")
    more.assign(lead_id=lead, at=at).reindex(columns=planted.events.columns).to_csv(
        folder / "events.csv", mode="a", header=False, index=False
    )
    named = [str(folder / name) for name in ("events.csv", "leads.csv", "steps.yml")]
    return ["audit", named[0], "--leads", named[1], "--steps", named[2], "--out", "out"]


def multiply(n: int) -> str:
    """A few lines of YAML, each ten times the one before."""
    names = [f"a{i}" for i in range(n)]
    pairs = itertools.pairwise(names)
    lines = [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in pairs]
    return "\n".join(["a0: &a0 [x]", *lines, f"steps: *{names[-1]}", "won: x"])


def write_inputs(folder: Path) -> dict[str, list[str]]:
    """Write inputs that seem to have no end: name → what the command is given."""
    write_log(folder / "plain.csv", list_years(2))
    write_log(folder / "stages.csv", list_visits(1000))
    write_log(folder / "years.csv", list_years(120))
    (folder / "steps.yml").write_text(STEPS)
    many = "".join(f"- {{id: s{i}}}\n" for i in range(300 - 2))
    files = {
        "aliases": multiply(10), "nested": f"steps: {'[' * 1000}{']' * 1000}\nwon: x\n",
        "deeper": f"steps: {'[' * 100_000}", "large": "# " + "x" * 10**7 + "\n" + STEPS,
        "300": f"steps:\n- {{id: request_left}}\n{many}- {{id: invoice_paid}}\nwon: invoice_paid\n",
        "10000": "steps:\n" + "".join(f"- {{id: s{i}}}\n" for i in range(10_000)) + "won: s1\n",
    }  # fmt: skip
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text)
    (folder / "nested.json").write_text("[" * 100_000)
    long = write_long(folder / "long", 200_000)
    plain = ["audit", "plain.csv", "--no-report", "--out", "out", "--steps"]
    return {
        "YAML whose aliases multiply to a billion entries": [*plain, "aliases.yml"],
        "YAML nested 1,000 deep": [*plain, "nested.yml"],
        "YAML nested 100,000 deep": [*plain, "deeper.yml"],
        "a steps file of 10 MB": [*plain, "large.yml"],
        "300 steps": [*plain, "300.yml"],
        "10,000 steps": [*plain, "10000.yml"],
        "1,000 stages": [*_swap(plain, "stages.csv"), "steps.yml"],
        "events over 120 years": [*_swap(plain, "years.csv"), "steps.yml"],
        "one lead of 200,000 events, segments sought": [*long, "--no-report"],
        "the same, a whole report": long,
        "JSON nested 100,000 deep": ["check", "nested.json"],
    }


def _swap(call: list[str], events: str) -> list[str]:
    return [call[0], events, *call[2:]]


def run_measured(folder: Path, call: list[str]) -> tuple[int, float, float, str]:
    """Exit code, seconds of the processor, memory in MB, and what was told last."""
    process = start(folder, *call)
    began = time.monotonic()
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() - began > LONGEST:
            process.kill()
        time.sleep(0.05)
    process.returncode = os.waitstatus_to_exitcode(status)  # it was waited for here
    told = (folder / "told").read_text(encoding="utf-8").strip()
    used_mb = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return process.returncode, used.ru_utime + used.ru_stime, used_mb, told


def prove_inputs(folder: Path) -> tuple[list[str], bool]:
    """A table: of inputs without end, what they take and how they end."""
    lines, fine = write_head(["input", "seconds of the processor", "MB", "ends with"]), True
    for name, call in write_inputs(folder).items():
        code, seconds, size, told = run_measured(folder, call)
        fine &= code in (0, 2) and "Traceback" not in told
        fine &= seconds <= MOST_SECONDS and size <= MOST_MB
        last = told.splitlines()[-1] if told else f"nothing (exit code {code})"
        said = re.sub(r"^funnel: (\S+: )?", "", last)[:90] if code else "a report"
        lines.append(show_row(name, f"{seconds:.0f}", f"{size:.0f}", said))
        print(lines[-1], flush=True)
    return lines, fine


def prove_faults() -> tuple[str, bool]:
    """Both tables, and whether every promise holds."""
    with tempfile.TemporaryDirectory() as kills, tempfile.TemporaryDirectory() as inputs:
        ended, whole = prove_kills(Path(kills))
        endless, bounded = prove_inputs(Path(inputs))
    texts = [KILLED, "\n".join(ended), READ_KILLED, ENDLESS, "\n".join(endless)]
    return "\n\n".join(texts), whole and bounded


KILLED = """\
A report of 400 leads is made again and again into one folder; each run is ended at a random moment
between the first third and the end of the time one takes."""
READ_KILLED = f"""\
How to read it: *whole* is a folder whose page, notebook, manifest and tables are of one run, the
one before or this one, looked at {GONE} seconds after the end; by then no process of the run may be
alive. The end between any two renames of the last step is tried one by one in
`tests/test_robust.py`: it is put back by the next run."""
ENDLESS = f"""\
Small files that may take without end. Promised: at most {MOST_SECONDS} seconds of the processor and
{MOST_MB:,} MB, and a report or one message; {LONGEST // 60} minutes of the clock at most."""
