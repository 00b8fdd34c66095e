"""Every hostile file is read or refused as it must be: no hang, no traceback, at most 1 GiB."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import CASES

MOST_MEMORY = 1 << 20  # KiB
MOST_SECONDS = 60  # of the processor, for one file; a hang never ends
# Read by the command itself, as a person would; the others in one process and its forks, as the
# command's imports alone take seconds.
BY_COMMAND = (
    "bomb that lies.xlsx", "cell of 200 MiB.csv", "pipe.csv", "laughs.xes", "plain.xls",
)  # fmt: skip
READER = r"""
import json, os, re, signal, sys, time
from funnel_lib.core.errors import InputError
from funnel_lib.reading.export import read_export
def read(path):
    try:
        log = read_export(path)
    except InputError as error:
        return None, "\n".join(error.problems)
    frames = [log.events.astype(str), log.leads.astype(str)]
    return len(log.events), "\n".join(str(t) for f in frames for c in f for t in f[c].unique())
def measure():
    with open("/proc/self/status") as file:
        return int(re.search("VmHWM:\\s*(\\d+)", file.read())[1])
def read_alone(path, nobody):
    out, into = os.pipe()
    child = os.fork()
    if not child:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        if nobody and os.getuid() == 0:
            os.seteuid(65534)
        with os.fdopen(into, "w") as file:
            json.dump(read(path), file)
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as file:
        told = file.read()
    _, status, usage = os.wait4(child, 0)
    return status, usage.ru_maxrss, json.loads(told or "null")
for line in sys.stdin:
    path, alone, nobody = json.loads(line)
    start = time.perf_counter()
    if alone:
        facts = read_alone(path, nobody)
    else:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        found = read(path)
        signal.setitimer(signal.ITIMER_PROF, 0)
        facts = 0, measure(), found
    print(json.dumps([*facts, time.perf_counter() - start]), flush=True)
"""
# Runs a command and prints its exit code and its largest memory; a small process of its own, as a
# child's memory counts from its parent's.
WATCHER = """
import os, resource, sys
child = os.fork()
if not child:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]),) * 2)
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hostile", numbered=True)
    folder.chmod(0o755)
    script = str(Path(__file__).with_name("hostile.py"))
    subprocess.run([sys.executable, script, str(folder)], check=True, stdout=subprocess.DEVNULL)
    yield folder
    for path in folder.glob("*"):  # some are large
        if path.is_file() and not path.is_symlink():
            path.unlink()


def judge(case, rows: int | None, told: str) -> str:
    """What is wrong with what came of a case, "" if nothing."""
    if rows != case.rows:
        must = "refused" if case.rows is None else f"{case.rows} events"
        return f"{case.name!r}: must be {must}, got {rows} events; {told[:300]!r}"
    if not re.search(case.says if case.rows is None else re.escape(case.says), told):
        return f"{case.name!r}: must say {case.says[:80]!r}, says {told[:300]!r}"
    return ""


def test_every_file_is_read_or_refused_as_it_must_be(corpus):
    assert len(CASES) >= 160 and len({c.name for c in CASES}) == len(CASES)
    code = READER.replace("SECONDS", str(MOST_SECONDS))
    cases = sorted(CASES, key=lambda c: c.alone or c.nobody)
    asked = [[str(corpus / c.name), c.alone or c.nobody, c.nobody] for c in cases]
    asked = "".join(json.dumps(one) + "\n" for one in asked)
    done = subprocess.run(
        [sys.executable, "-c", code], input=asked, capture_output=True, text=True, timeout=600
    )
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    wrong = [done.stderr[-3000:]] if "Traceback" in done.stderr else []
    assert len(facts) == len(cases), done.stderr[-3000:]
    for case, (status, memory, found, seconds) in zip(cases, facts, strict=True):
        if status or found is None:
            wrong.append(f"{case.name!r}: ended by {status} after {seconds:.0f} s")
        else:
            wrong.append(judge(case, *found))
        if memory > MOST_MEMORY:
            wrong.append(f"{case.name!r}: took {memory >> 10:,} MiB")
    assert not any(wrong), "\n".join(filter(None, wrong))


@pytest.mark.parametrize("name", BY_COMMAND)
def test_the_command_ends_with_a_message(corpus, name):
    (case,) = [c for c in CASES if c.name == name]
    command = ["-m", "funnel_lib.cli", "check", str(corpus / name)]
    watch = [sys.executable, "-S", "-c", WATCHER, str(MOST_SECONDS), sys.executable, *command]
    done = subprocess.run(watch, capture_output=True, text=True, timeout=10 * MOST_SECONDS)
    code, memory = map(int, done.stdout.split())
    told = done.stderr
    assert code == (2 if case.rows is None else 0), told or f"still at work after {MOST_SECONDS} s"
    assert "Traceback" not in told
    assert memory <= MOST_MEMORY
    if case.rows is None:
        assert re.search(case.says, " ".join(told.split())), told
