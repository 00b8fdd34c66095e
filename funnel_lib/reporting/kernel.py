"""The process a report runs in: this Python, and nothing that happens to lie around it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from funnel_lib.core.errors import FunnelError, InputError, SectionError
from funnel_lib.reporting.ending import clearing, holding_signals
from funnel_lib.reporting.progress import following

_LIBRARY = Path(__file__).parents[2]
_ARGUMENTS = (
    "--log-level=50",
    "--InteractiveShellApp.ignore_cwd=True",  # IPython before 9.7 puts the current folder back
    # what files of settings for all of a machine's users may hold
    "--InteractiveShellApp.exec_lines=[]",
    "--InteractiveShellApp.exec_files=[]",
    "--InteractiveShellApp.extensions=[]",
)


def run_notebook(
    notebook: str | Path, target: str | Path, parameters: dict[str, Any], scratch: str | Path
) -> None:
    """Run a notebook in a fresh kernel that leaves what it needs for itself in a folder `scratch`.

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
    with clearing(lambda: _kill(started)), following(told):
        try:
            papermill.execute_notebook(
                *(str(path).replace("{", "{{").replace("}", "}}") for path in (notebook, target)),
                parameters, kernel_name="python3", progress_bar=False,
                request_save_on_cell_execute=False, log_output=False, shutdown_kernel="immediate",
                extra_arguments=[*_ARGUMENTS],
                kernel_manager_class=_make_manager(Path(scratch), started),
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


def _make_manager(scratch: Path, started: list):
    """The class that starts the kernel: never a `python3` that someone else has set up. It notes
    itself among those `started`."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec

    scratch.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = KernelSpec(argv=command, env=_write_environment(scratch), language="python")

    class _Manager(AsyncKernelManager):
        kernel_spec = spec

        def __init__(self, **given):
            super().__init__(**given)
            started.append(self)

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


def _kill(started: list) -> None:
    """End the kernels that were started, at once and without a loop of events."""
    for process in [m.provisioner.process for m in started if m.has_kernel]:
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
