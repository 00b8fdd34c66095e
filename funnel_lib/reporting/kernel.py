"""The process a report runs in: this Python, and nothing that happens to lie around it."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from funnel_lib.core.errors import FunnelError, InputError, SectionError
from funnel_lib.reporting.ending import clearing, end_by_default, holding_signals
from funnel_lib.reporting.progress import following

_LIBRARY = Path(__file__).parents[2]
_ARGUMENTS = (
    "--log-level=50",
    "--InteractiveShellApp.ignore_cwd=True",  # IPython before 9.7 puts the current folder back
    # what files of settings for all of a machine's users may hold
    "--InteractiveShellApp.exec_lines=[]",
    "--InteractiveShellApp.exec_files=[]",
    "--InteractiveShellApp.extensions=[]",
    "--HistoryManager.enabled=False",
)


# Elsewhere a library of the system may not stand being forked, as on macOS, or nothing can be.
CAN_FORK = sys.platform == "linux"


def run_notebook(
    notebook: str | Path,
    target: str | Path,
    parameters: dict[str, Any],
    scratch: str | Path,
    forks: bool = False,
) -> None:
    """Run a notebook in a fresh kernel that leaves what it needs for itself in a folder `scratch`.

    Where it `forks`, the kernel is this process once more, where that can be: it imports nothing
    again. That is for a process that has done nothing yet, as all it knows the kernel does, too.

    Raises
    ------
    InputError, SectionError
        What the library raised on purpose.
    FunnelError
        The kernel ended before the notebook did; any other error keeps its traceback.
    """
    import papermill
    from jupyter_core.utils import run_sync
    from nbclient.exceptions import DeadKernelError

    started: list = []
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # settings no cell names are fine
    told = Path(scratch, "progress")
    # a kernel takes over all three, and a pipe may lie where one is closed
    whole = None not in (sys.stdin, sys.stdout, sys.stderr)
    fork = Fork() if forks and CAN_FORK and whole else None
    with clearing(lambda: _kill(started, fork)), following(told):
        try:
            papermill.execute_notebook(
                *(str(path).replace("{", "{{").replace("}", "}}") for path in (notebook, target)),
                parameters, kernel_name="python3", progress_bar=False,
                request_save_on_cell_execute=False, log_output=False, shutdown_kernel="immediate",
                extra_arguments=[*_ARGUMENTS],
                kernel_manager_class=_make_manager(Path(scratch), started, fork),
            )  # fmt: skip
        except papermill.PapermillExecutionError as error:
            if error.ename == InputError.__name__:  # its traceback is the list of its problems
                raise InputError(error.traceback) from None
            if error.ename == SectionError.__name__:
                raise SectionError(dict(line.split(": ", 1) for line in error.traceback)) from None
            raise
        except (DeadKernelError, RuntimeError) as error:  # the latter where it dies while it starts
            if isinstance(error, DeadKernelError) or "Kernel died" in str(error):
                raise FunnelError(
                    "the process that makes the report ended before it was done: was it stopped, "
                    "or is there too little memory? Nothing was written; try again, or --memory"
                ) from None
            raise
        finally:  # papermill leaves a kernel that is told to end while it starts
            for manager in [m for m in started if m.has_kernel]:
                run_sync(manager.shutdown_kernel)(now=True)
            _kill([], fork)


class Fork:
    """A kernel that is this process once more; `subprocess.Popen` to who looks after it.

    It is made before there are loops of events and sockets, and waits to be told what to run.
    """

    stdin = stdout = stderr = None

    def __init__(self):
        context = multiprocessing.get_context("fork")
        self._end, theirs = context.Pipe()
        self._process = context.Process(target=_be_kernel, args=(self._end, theirs))
        self._process.start()
        theirs.close()
        self._end.recv()  # from now on it is in a group of its own
        self.pid = self._process.pid

    def begin(self, command: list[str], environment: dict[str, str]) -> None:
        """Let it be the kernel that a command starts."""
        self._end.send((command, environment))

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it has ended."""
        self._process.join(timeout)
        if self.poll() is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Tell it something, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Tell it to end."""
        self.send_signal(signal.SIGTERM)


def _be_kernel(ours: Connection, theirs: Connection) -> None:
    """Wait for what to run, and be that kernel; end where nothing comes."""
    gc.freeze()  # what is shared stays shared
    ours.close()
    end_by_default()
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3 if _hush() else 1):
        os.dup2(nothing, stream)
    theirs.send(True)
    sys.modules.setdefault("debugpy", None)  # nobody debugs it
    from ipykernel.kernelapp import IPKernelApp

    with suppress(EOFError):
        command, environment = theirs.recv()
        os.environ.update(environment)
        sys.argv = command[2:]
        IPKernelApp.launch_instance(argv=command[3:], parent_handle=os.getppid())


def _make_manager(scratch: Path, started: list, fork: Fork | None = None):
    """The class that starts the kernel: never a `python3` that someone else has set up. It notes
    itself among those `started`."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.provisioning import LocalProvisioner

    scratch.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = KernelSpec(argv=command, env=_write_environment(scratch), language="python")

    class _Forking(LocalProvisioner):
        async def launch_kernel(self, cmd, **given):
            self.process, self.pid, self.pgid = fork, fork.pid, fork.pid
            self.cwd = os.getcwd()
            fork.begin(cmd, given["env"])
            return self.connection_info

    class _Manager(AsyncKernelManager):
        kernel_spec = spec

        def __init__(self, **given):
            super().__init__(**given)
            started.append(self)
            if fork:
                self.provisioner = _Forking(kernel_id="report", kernel_spec=spec, parent=self)

        async def start_kernel(self, **given):
            with holding_signals():  # between its start and our knowing of it nothing could end it
                await super().start_kernel(**given, **_hush())

        def _connection_file_default(self) -> str:
            return str(scratch / "connection.json")

    return _Manager


def _hush() -> dict[str, int]:
    """What a kernel's own screen is: what it has to tell comes in the notebook, and what its
    workers write when they are stopped is nothing to tell."""
    if os.environ.get("FUNNEL_TRACEBACK"):
        return {}
    return {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def _kill(started: list, fork: Fork | None) -> None:
    """End the kernels that were started, at once and without a loop of events."""
    forked = [fork] if fork and fork.poll() is None else []
    for process in [*(m.provisioner.process for m in started if m.has_kernel), *forked]:
        with suppress(OSError, subprocess.TimeoutExpired):
            process.kill()
            process.wait(5)


def _write_environment(scratch: Path) -> dict[str, str]:
    """What the kernel's environment has otherwise than ours: no start-up files, no folder to import
    from but named ones, texts as UTF-8, one thread of linear algebra."""
    given = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    paths = [p for p in map(os.path.abspath, given) if p != os.getcwd()]
    if str(_LIBRARY) not in [*paths, *sys.path[1:]] or str(_LIBRARY) == os.getcwd():
        # a plain checkout that was started in; ipykernel drops the first place if it is that folder
        paths = [str(scratch / "nothing"), *paths, str(_LIBRARY)]
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(paths), "PYTHONSTARTUP": "",
        "PYTHONIOENCODING": "utf-8", "IPYTHONDIR": str(scratch / "ipython"),
        "FUNNEL_PROGRESS": str(scratch / "progress"),
        **{name: os.environ.get(name, "1") for name in threads},
    }  # fmt: skip
