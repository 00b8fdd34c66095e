"""No stray file disturbs a run, no end of it leaves half a report, no input ends in a traceback."""

import asyncio
import itertools
import json
import logging
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

import funnel_lib
from funnel_lib import cli
from funnel_lib.audit import check_out
from funnel_lib.core.errors import FunnelError, InputError, writing
from funnel_lib.core.events import build_log
from funnel_lib.core.steps import read_steps
from funnel_lib.counting.moves import MOST_ORDERED, order_stages
from funnel_lib.datasets.planted import plant_log, write_planted
from funnel_lib.engine import choose
from funnel_lib.reading.files.tables import read_table
from funnel_lib.reading.inputs import check_unchanged, list_files
from funnel_lib.reporting.ending import ending_when_told
from funnel_lib.reporting.folders import new_folder
from funnel_lib.reporting.kernel import CAN_FORK, Fork, run_notebook

STRAY = ("funnel_lib", "yaml", "joblib", "pickle", "seaborn", "pandas", "numpy", "matplotlib",
         "typer", "IPython", "ipykernel", "json")  # fmt: skip
STEPS = "steps: [{id: request_left}, {id: invoice_paid}]\nwon: invoice_paid\n"
LOG = "lead_id,at,action\n" + "".join(f"L{i},2025-01-{i + 1:02d},request_left\n" for i in range(20))
COMMAND = "import sys; from funnel_lib.cli import main; sys.argv[0] = 'funnel'; main()"
COMMANDS = cli.app.registered_commands
# each of a list of calls, the next one if it ended well
ALL = """import sys
from funnel_lib.cli import main
import json
import multiprocessing
for call in json.load(open(sys.argv[1])):
    sys.argv = ["funnel", *call]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
"""


def start(folder, *arguments, command=COMMAND, **environment):
    """Start the command as its script does: without the current folder on the path of modules, and
    hearing signals, which one who runs the tests by ``nohup`` does not."""
    call = [sys.executable, "-P", "-c", command, *map(str, arguments)]
    return subprocess.Popen(
        call, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"} | environment,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # fmt: skip


def run(folder, *arguments, **environment):
    """Exit code, output and error output of the command."""
    process = start(folder, *arguments, **environment)
    out, err = process.communicate()
    return process.returncode, out, err


def write_strays(folder):
    """Modules that say so, and stop what imports them."""
    folder.mkdir(exist_ok=True)
    for name in STRAY:
        (folder / f"{name}.py").write_text(f"open({str(folder / 'told')!r}, 'a').write({name!r})\n")
    (folder / "ipython_config.py").write_text(f"open({str(folder / 'told')!r}, 'a')\n")


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory):
    """A planted CRM of few leads as files."""
    folder = tmp_path_factory.mktemp("small")
    write_planted(plant_log("kettles", 80, seed=5), folder)
    return folder


@pytest.fixture
def amid_strays(small_folder, tmp_path):
    """Stray modules where a command is started, beside its input and where it writes; what a
    shell's profile may hold besides; the folders, and the files of the input."""
    folders = [tmp_path / name for name in ("here", "input", "out")]
    for folder in folders:
        write_strays(folder)
    files = [folders[1] / name for name in ("events.csv", "leads.csv", "steps.yml")]
    for file in files:
        file.write_bytes((small_folder / file.name).read_bytes())
    (tmp_path / "startup.py").write_text(f"open({str(folders[0] / 'told')!r}, 'a')\n")
    library = str(Path(funnel_lib.__file__).parents[1])
    path = os.pathsep.join([os.environ.get("PYTHONPATH") or library, ""])
    profile = {"PYTHONPATH": path, "PYTHONSTARTUP": str(tmp_path / "startup.py")}
    return folders, files, profile


def list_told(folders):
    """The folders whose modules were run."""
    return [folder.name for folder in folders if (folder / "told").exists()]


def test_no_command_imports_anything_from_the_folders_it_works_in(amid_strays):
    """All but a report, one after the other in one process; none is left out."""
    (here, given, out), (events, leads, steps), profile = amid_strays
    calls = [
        ["stages", "Proposal sent", "--out", out / "stages.xlsx"],
        ["notebooks", out / "copies"], ["example", out], ["plant", out, "--leads", 20],
        ["check", events, "--leads", leads], ["steps", events, "--out", out / "draft.yml"],
        ["audit", events, "--leads", leads, "--steps", steps, "--segments", "2", "--no-report",
         "--out", out],
    ]  # fmt: skip
    assert {call[0] for call in calls} == {command.callback.__name__ for command in COMMANDS}
    (here / "calls.json").write_text(json.dumps([[*map(str, call)] for call in calls]))
    process = start(here, "calls.json", command=ALL, **profile)
    _, err = process.communicate()
    assert process.returncode == 0 and "Traceback" not in err, err
    assert list_told([here, given, out]) == []
    assert {"stages.xlsx", "copies", "data", "truth.json", "draft.yml", "tables"} <= {
        path.name for path in out.iterdir()
    }


def test_a_report_is_made_whatever_lies_and_is_set_around_it(amid_strays, tmp_path):
    """Stray modules; a `python3` that others have set up, found by Jupyter before any other; a
    screen and a machine that know no letter but ASCII; a time zone that is none."""
    (here, given, out), (events, leads, steps), profile = amid_strays
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text('{"argv": ["false"], "display_name": "x", "language": "x"}')
    odd = {"JUPYTER_PATH": str(tmp_path / "jupyter"), "PYTHONIOENCODING": "ascii", "LC_ALL": "C",
           "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "TZ": "Odd/Zone"}  # fmt: skip
    call = ["audit", events, "--leads", leads, "--steps", steps, "--segments", "2", "--lang", "ru"]
    code, screen, err = run(here, *call, "--out", out, **profile, **odd)
    assert (code, err) == (0, "") and screen.isascii() and screen.endswith("report.html\n")
    assert "Воронка" in (out / "report.html").read_text(encoding="utf-8")
    assert list_told([here, given, out]) == []


def test_workers_import_nothing_from_here(tmp_path, monkeypatch):
    write_strays(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    monkeypatch.setattr(choose, "LONG", 0)
    assert choose._run_all(abs, [-1, -2, -3]) == [1, 2, 3]
    assert not (tmp_path / "told").exists()


OLD = {"report.html": "old", "audit.xlsx": "old", "segments.json": "old", "mine.txt": "mine",
       "steps.yml": "mine, with remarks", "tables/funnel.csv": "old", "tables/gone.csv": "old",
       "tables/mine.csv": "mine",
       "manifest.json": '{"tables": {"funnel": {}, "gone": {}}}'}  # fmt: skip
NEW = {"report.html": "new", "manifest.json": '{"tables": {"funnel": {}}}', "steps.yml": "as used",
       "new_funnel.csv": "new", "tables/funnel.csv": "new", "tables/times.csv": "new"}  # fmt: skip
DONE = {**NEW, **{n: OLD[n] for n in ("mine.txt", "tables/mine.csv", "steps.yml")}}


def write_files(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def read_files(folder):
    found = [p for p in folder.rglob("*") if p.is_file()]
    return {p.relative_to(folder).as_posix(): p.read_text() for p in found}


def write_new(out):
    with new_folder(out, [out / "steps.yml"]) as folder:
        write_files(folder, NEW)


def run_until(n, monkeypatch, out, end):
    """Write a report that meets its end at the n-th change of a name; was there such a one?"""
    changes = itertools.count()

    def change(old, *more, _change=os.replace, **how):
        return end() if next(changes) == n else _change(old, *more, **how)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", change)
        patched.setattr(os, "rename", change)
        write_new(out)


def test_killed_at_any_rename_a_run_leaves_the_old_report_or_the_new_one(tmp_path, monkeypatch):
    """Killed in a process of its own, and put back by the next run, which may be killed, too."""
    seen = set()
    for n in range(99):
        out = tmp_path / str(n)
        write_files(out, OLD)
        for m in (n, n // 2):
            child = os.fork()
            if child == 0:
                run_until(m, monkeypatch, out, lambda: os._exit(9))
                os._exit(0)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with pytest.raises(ZeroDivisionError), new_folder(out):
            raise ZeroDivisionError  # a next run that comes to nothing
        seen.add(tuple(sorted(read_files(out).items())))
        if code == 0:
            break
    assert n > 10 and seen == {tuple(sorted(files.items())) for files in (OLD, DONE)}


def test_refused_at_any_rename_a_run_leaves_the_old_report_and_says_so(tmp_path, monkeypatch):
    """As where audit.xlsx is open in another program, or a drive is full."""

    def refuse():
        raise PermissionError(13, "is open in another program", "audit.xlsx")

    for n in range(99):
        out = tmp_path / str(n)
        write_files(out, OLD)
        try:
            run_until(n, monkeypatch, out, refuse)
            break
        except InputError as error:
            told = f"{out} (audit.xlsx): cannot be written: is open in another program; name"
            assert told in str(error)
        assert read_files(out) == OLD
    assert n > 10 and read_files(out) == DONE


def test_a_first_report_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    child = os.fork()
    if child == 0:
        run_until(0, monkeypatch, tmp_path / "a" / "out", lambda: os._exit(9))
    os.waitpid(child, 0)
    assert not (tmp_path / "a" / "out").exists()
    write_new(tmp_path / "a" / "out")
    assert read_files(tmp_path) == {f"a/out/{name}": text for name, text in NEW.items()}


def test_two_runs_never_write_into_one_folder(tmp_path):
    write_files(tmp_path, OLD)
    with new_folder(tmp_path) as first:
        write_files(first, NEW)
        with pytest.raises(InputError, match="another run is writing it"), new_folder(tmp_path):
            pass
    assert read_files(tmp_path)["report.html"] == "new"


def test_folders_that_cannot_be_are_told_in_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for out, told in [("link", "a link to nothing"), ("x" * 300, "File name too long")]:
        with pytest.raises(InputError, match=told):
            write_new(tmp_path / out)
    assert [p.name for p in tmp_path.iterdir()] == ["link"]
    write_new(tmp_path / ("x" * 250))
    assert read_files(tmp_path / ("x" * 250)) == NEW
    with monkeypatch.context() as patched, pytest.raises(InputError, match="no such drive"):
        patched.setattr(Path, "exists", lambda path: False)
        check_out("Q:/report")


def test_a_folder_of_ones_own_in_place_of_a_file_stays(tmp_path):
    write_files(tmp_path, {"report.html/mine.txt": "mine", "manifest.json": "old"})
    with pytest.raises(InputError, match=r"report\.html: is no file of a report"):
        write_new(tmp_path)
    assert read_files(tmp_path) == {"report.html/mine.txt": "mine", "manifest.json": "old"}


def test_what_changes_while_it_is_read_is_told(tmp_path):
    write_files(tmp_path, {"a.csv": "1", "b.csv": "2"})
    files = list_files([tmp_path, tmp_path / "no.csv"])
    assert [f.sha256[:6] for f in files] == ["6b86b2", "d4735e"]
    check_unchanged(files, [tmp_path])
    write_files(tmp_path, {"b.csv": "3", "c.csv": "4"})
    with pytest.raises(InputError) as error:
        check_unchanged(files, [tmp_path])
    assert [p.split(": ")[1] for p in error.value.problems] == 2 * [
        "changed while it was read; run again"
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_message(tmp_path):
    with pytest.raises(InputError, match="No space left on device"), writing(tmp_path):
        pd.DataFrame({"a": range(99999)}).to_csv("/dev/full")


@pytest.fixture
def open_folder(tmp_path, monkeypatch):
    """A folder that any user can read, with an input, an old report, and a folder that is not to be
    written to."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        monkeypatch.chdir(folder)
        write_files(Path(folder), {"log.csv": LOG, "steps.yml": STEPS})
        write_files(Path("out"), OLD)
        Path("locked").mkdir(mode=0o555)
        yield Path(folder)


@contextmanager
def as_another_user():
    """Be one who is not allowed everything."""
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        yield
    finally:
        os.seteuid(user)


@contextmanager
def files_are_small():
    """Let no file grow, as on a disk that is full."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="Windows knows no other users")
@pytest.mark.parametrize("more", [[], ["--no-report"]], ids=["report", "tables"])
@pytest.mark.parametrize(("lang", "told"), [
    ("en", ["--out {}: this is a file; name a folder", "--out {}: {} cannot be written to; name",
            "out: cannot be written: File too large"]),
    ("ru", ["`--out` {}: это файл; назовите папку", "`--out` {}: в {} нельзя писать; назовите",
            "out: нельзя записать: файл слишком большой"]),
])  # fmt: skip
def test_a_place_that_cannot_be_written_is_told_and_nothing_is_changed(
    open_folder, funnel, lang, told, more
):
    """A file, a place within one, what another user locked and what lies within, a full disk."""
    here, before = Path.cwd(), read_files(open_folder)
    call = ["audit", "log.csv", "--steps", "steps.yml", "--lang", lang, *more, "--out"]
    places = {"log.csv": (0, ""), "steps.yml": (0, ""), "log.csv/deep": (1, here / "log.csv"),
              "locked": (1, "locked"), "locked/new/er": (1, here / "locked")}  # fmt: skip
    if more:  # a kernel would be another process
        places["out"] = (2, "")
    for out, (kind, near) in places.items():
        amid = (nullcontext, as_another_user, files_are_small)[kind]
        with amid() if out != "log.csv/deep" else nullcontext():
            code, screen, err = funnel(*call, out)
        assert (code, screen, len(err.splitlines())) == (2, "", 1), err
        assert err.startswith(f"funnel: {told[kind].format(out, near)}")
        assert read_files(open_folder) == before and not [*open_folder.glob("*/.funnel-*")]


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_report_beside_its_input_leaves_it_as_it_is(open_folder, funnel, lang):
    before = read_files(open_folder)
    call = ["audit", "log.csv", "--steps", "steps.yml", "--lang", lang, "--no-report"]
    assert funnel(*call, "--out", ".")[::2] == (0, "")
    after = read_files(open_folder)
    assert {name: after[name] for name in before} == before and "tables/leads.csv" in after


@pytest.mark.parametrize(("number", "until"), [(signal.SIGTERM, ""), (signal.SIGHUP, "sections")])
def test_told_to_end_a_run_leaves_nothing(small_folder, tmp_path, number, until):
    """While its kernel starts, and while it works."""
    files = [small_folder / n for n in ("events.csv", "leads.csv", "steps.yml")]
    call = ["audit", files[0], "--leads", files[1], "--steps", files[2], "--segments", "none"]
    process = start(tmp_path, *call, "--out", tmp_path / "out")
    sign = "kernel/progress" if until else "kernel/connection.json"
    while not any(until in path.read_text() for path in tmp_path.glob(f".funnel-*/{sign}")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)  # the run needs the processor
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (128 + number, "", "")
    assert list(tmp_path.iterdir()) == []


def tell(number):
    os.kill(os.getpid(), number)


async def tell_beside(number):
    """Be told in a task that nobody waits for."""

    async def within():
        tell(number)

    task = asyncio.ensure_future(within())
    await asyncio.sleep(9)
    await task


def tell_dying(number):
    """Be told while something is thrown away."""
    type("_Dying", (), {"__del__": lambda _: tell(number)})()


def tell_unheard(number):
    """Be told where others take any exception."""
    with suppress(BaseException):
        tell(number)


def tell_while_renamed(number):
    """Be told when the plan is made and the first old files are moved aside."""
    done, real = [], Path.replace

    def replace(*names):
        real(*names)
        done.append(names)
        if len(done) == 3:
            tell(number)

    Path.replace = replace


def run_told(out, how, number, told):
    """Write a report and be told to end meanwhile, as the command does it, with its own screen."""
    screen = os.open(told, os.O_WRONLY | os.O_CREAT)
    os.dup2(screen, 1)
    os.dup2(screen, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.unraisablehook = sys.__unraisablehook__
    logging.root.handlers.clear()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with ending_when_told(), new_folder(out) as folder:
        write_files(folder, NEW)
        asyncio.run(how(number)) if how is tell_beside else how(number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "ctrl-c"])
@pytest.mark.parametrize("how", [tell, tell_beside, tell_dying, tell_unheard, tell_while_renamed])
def test_told_to_end_it_does_so_wherever_it_stands(tmp_path, how, number):
    """Where an exception would be lost, or shown as a traceback."""
    write_files(tmp_path / "out", OLD)
    child = os.fork()
    if child == 0:
        try:
            run_told(tmp_path / "out", how, number, tmp_path / "told")
        finally:
            sys.stderr.flush()
            os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert (code, (tmp_path / "told").read_text()) == (128 + number, "")
    assert read_files(tmp_path / "out") == OLD and not [*tmp_path.glob("out/.funnel-*")]


def test_what_is_no_text_is_dropped_where_it_is_read(tmp_path):
    text = "lead_id,at,act\x1bion\nL\x001,2025-01-01,sent\u202e it\nL2,2025-01-02,\x9bno\x7fte №5\n"
    text += "L3,2025-01-03,ask\n" * 99  # a file of more such characters is taken for no text
    (tmp_path / "log.csv").write_text(text)
    table = read_table(tmp_path / "log.csv").frame
    assert table.columns.tolist() == ["lead_id", "at", "action"]
    assert table["lead_id"].tolist()[:2] == ["L1", "L2"]
    assert table["action"].tolist()[:2] == ["sent it", "note №5"]


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u202e ", " \x1b"])
def test_moves_are_named_in_one_way_whatever_blanks_stand_around(blank):
    names = [f"stage: {blank}New", f"{blank}stage:{blank} New{blank}", "stage: Sent\x1b", "ask"]
    events = {"lead_id": "a", "at": pd.date_range("2025-01-01", periods=4), "action": names}
    log = build_log(pd.DataFrame(events))
    assert set(log.events["action"]) == {"stage: New", "stage: Sent", "ask"}


def test_stages_with_strange_names_come_to_a_report(tmp_path, funnel, monkeypatch):
    monkeypatch.chdir(tmp_path)
    moves = ["stage:  New", "stage: \u00a0Seen\x1b[31m", "\tstage:\tDone \u202e"]
    acts = ["request_left", *moves, "invoice_paid"]
    places = itertools.product(range(20), enumerate(acts))
    rows = [f"L{i},2025-01-{i + 1:02d} 1{j}:00,{act}" for i, (j, act) in places]
    (tmp_path / "log.csv").write_text("\n".join(["lead_id,at,action", *rows]))
    (tmp_path / "steps.yml").write_text(STEPS)
    code, _, err = funnel("audit", "log.csv", "--steps", "steps.yml", "--no-report", "--out", "out")
    assert (code, err) == (0, "")
    stages = pd.read_csv(tmp_path / "out" / "tables" / "stages.csv")["stage"]
    assert stages.tolist() == ["New", "Seen[31m", "Done"]


def test_arguments_reach_no_screen_as_orders(tmp_path, funnel, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, told in [("no\x1b[31m", "no[31m"), ("no\u202efile", "nofile")]:
        assert funnel("check", name) == (2, "", f"funnel: {told}: no such file\n")


def test_a_screen_of_few_letters_gets_the_message(tmp_path, here_log):
    strange = {"PYTHONIOENCODING": "ascii", "TZ": "Mars/Zone"}
    code, out, err = run(tmp_path, "check", here_log, "--lang", "ru", **strange)
    assert (code, err) == (0, "") and out.isascii()


def multiply(n):
    names = [f"a{i}" for i in range(n)]
    lines = [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in itertools.pairwise(names)]
    return "\n".join(["a0: &a0 [x]", *lines, f"steps: *{names[-1]}"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('steps: [{id: ""}]', "a step's id is empty"),
        ('steps: [{id: "\\e"}]', "a step's id is empty"),
        ("steps: [{id: x}]\npost_sale: ['']", "a step's id is empty"),
        ("version: -5\nsteps: [{id: x}]", "version is -5, expected 1"),
        ("steps: [{id: \x1b}]", "this is no valid YAML: unacceptable character"),
        (multiply(12), "more than 200,000 entries, aliases written out"),
        (f"steps: {'[' * 1000}{']' * 1000}", "nested too deep"),
        (f"steps: {'[' * 20_000}", "nested too deep"),
        ("steps:\n" + "".join(f"- {{id: s{i}}}\n" for i in range(301)), "301 steps are more than"),
        ("#" * 3_000_000, "of at most 2 MB"),
    ],
    ids=range(10),
)
def test_steps_files_that_cannot_be_are_refused_in_one_line(tmp_path, text, told):
    (tmp_path / "steps.yml").write_text(f"{text}\nwon: x\n")
    with pytest.raises(InputError, match=re.escape(told)) as error:
        read_steps(tmp_path / "steps.yml")
    assert "\n" not in error.value.problems[0]


def test_many_stages_are_ordered_by_their_mean_place():
    lead = np.repeat(np.arange(30), 10)
    stages = [f"S{i // 10 + i % 10 * 31:03d}" for i in range(300)]
    moves = pd.DataFrame({"lead": lead, "stage": stages, "place": np.arange(300) % 10})
    order = order_stages(moves)
    assert len(order) > MOST_ORDERED and order == sorted(order)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyError("x"), "a mistake of the program (KeyError: 'x'; cli.py, line "),
        (MemoryError(), "too little memory"),
        (RuntimeError("can't start new thread"), "too little memory"),
        (OSError(28, "No space left on device", "a.csv"), "a.csv: No space left on device"),
    ],
)
def test_what_nobody_thought_of_is_a_message(here_log, funnel, monkeypatch, error, told):
    def fail(*_):
        raise error

    monkeypatch.setattr("funnel_lib.audit.read_log", fail)
    code, out, err = funnel("check", here_log)
    assert (code, out) == (1, "") and told in err and len(err.splitlines()) == 1
    monkeypatch.setenv("FUNNEL_TRACEBACK", "1")
    with pytest.raises(type(error)):
        funnel("check", here_log)


@pytest.fixture
def here_log(tmp_path):
    """A log of one event."""
    (tmp_path / "log.csv").write_text("lead_id,at,action\na,2025-01-01,ask\n")
    return tmp_path / "log.csv"


def run_cell(folder, code, **how):
    """Run a notebook of one cell; what it printed."""
    file = folder / "a.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), file)
    run_notebook(file, file, {}, folder / "kernel", **how)
    return nbformat.read(file, as_version=4).cells[-1].outputs[0].text


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_a_command_whose_screen_is_closed_has_a_kernel(tmp_path, monkeypatch, name):
    monkeypatch.setattr(sys, name, None)
    assert run_cell(tmp_path, "print(1)", forks=True) == "1\n"


@pytest.mark.parametrize("forks", [False, True])
def test_a_kernel_that_dies_is_one_message(tmp_path, forks):
    before = multiprocessing.active_children()  # workers of other tests
    with pytest.raises(FunnelError, match="ended before it was done"):
        run_cell(tmp_path, "import os; os._exit(3)", forks=forks)
    assert {*multiprocessing.active_children()} <= {*before}


@pytest.mark.skipif(not CAN_FORK, reason="a plain kernel is started there")
def test_a_forked_kernel_is_another_process_that_knows_what_was_imported(tmp_path, monkeypatch):
    """With settings of its own, signals that end it, and nothing left of it."""
    monkeypatch.setattr(cli, "_seen_by_the_fork", 1, raising=False)
    told = ("import os, signal, sys; print(sys.modules['funnel_lib.cli']._seen_by_the_fork, "
            "os.getppid(), os.getpgid(0) == os.getpid(), os.environ['PYTHONSAFEPATH'], "
            "signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)")  # fmt: skip
    before = multiprocessing.active_children()
    with ending_when_told():
        shown = run_cell(tmp_path, told, forks=True)
    assert shown.split() == ["1", str(os.getpid()), "True", "1", "True"]
    assert {*multiprocessing.active_children()} <= {*before}


@pytest.mark.skipif(not CAN_FORK, reason="a plain kernel is started there")
def test_a_fork_that_nothing_is_told_ends_by_itself():
    fork = Fork()
    with pytest.raises(subprocess.TimeoutExpired):
        fork.wait(0.1)
    fork._end.close()  # as where the process that made it has ended
    assert fork.wait(30) == 0
