"""The end of a run that is told to end: at once, wherever it stands, with nothing left."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# What tells a run to end: kill, Ctrl-C, a screen that is closed.
_NUMBERS = (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGTERM))
_SHOW_CURSOR = b"\x1b[?25h"  # what shows that something is done hides it
_clearing: list[Callable[[], None]] = []


@contextmanager
def clearing(what: Callable[[], None]) -> Iterator[None]:
    """Let a run that is told to end within the block do this before it does.

    It may come between any two lines of the block, also while that clears by itself.
    """
    _clearing.append(what)
    try:
        yield
    finally:
        _clearing.remove(what)


@contextmanager
def ending_when_told() -> Iterator[None]:
    """Let what tells this process to end do so without any line of the run being run on.

    An exception raised where it stands may be lost or shown: in a task of asyncio, in what is
    called when something is thrown away, in an `except` of others.
    """
    is_main = threading.current_thread() is threading.main_thread()
    # not where nohup holds it off, or a program that calls this one does otherwise
    usual = (signal.SIG_DFL, signal.default_int_handler)
    own = {n: signal.getsignal(n) for n in _NUMBERS if is_main and signal.getsignal(n) in usual}

    def end(number, _):
        for each in own:
            signal.signal(each, signal.SIG_IGN)  # what is cleared now is cleared to the end
        for what in reversed(_clearing):
            with suppress(Exception):  # the next run clears what cannot be cleared now
                what()
        with suppress(OSError, ValueError):
            if sys.stderr.isatty():
                os.write(sys.stderr.fileno(), _SHOW_CURSOR)
        os._exit(128 + number)

    for number in own:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, before in own.items():
            signal.signal(number, before)


def end_by_default() -> None:
    """Let a process that was forked from this one end at once when it is told to, and do nothing
    else: what there is to be cleared is ours."""
    _clearing.clear()
    for number in _NUMBERS:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def holding_signals() -> Iterator[None]:
    """Let what tells this process to end take effect after the block."""
    came: list[int] = []
    own = {n: signal.getsignal(n) for n in _NUMBERS if callable(signal.getsignal(n))}
    if threading.current_thread() is not threading.main_thread():
        own = {}
    for number in own:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in own.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)
