"""At which stage of its work a run is: one line of the screen, or a plain line a stage.

Who works says so to the logger `PROGRESS` and knows nothing of who listens; a report's kernel,
which is another process, writes what it says into the file that `FUNNEL_PROGRESS` names.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from funnel_lib.audit import PROGRESS
from funnel_lib.core.steps import LANGUAGES
from funnel_lib.core.words import Words

PATIENCE = 2.0  # seconds in which nothing is said
_TICK = 0.2
_showing = threading.Lock()
if hasattr(os, "register_at_fork"):  # a kernel that is forked would wait for a screen that is held
    let_go = _showing.release
    os.register_at_fork(before=_showing.acquire, after_in_parent=let_go, after_in_child=let_go)


class _Teller(logging.Handler):
    """Keeps the stage that was told last, and shows it; of a screen one line is written anew."""

    def __init__(self, words: Words):
        super().__init__(logging.INFO)
        self.words, self.said, self.shown, self.file = words, "", "", None
        self.ended = threading.Event()
        self.told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.said = record.getMessage()

    def show(self) -> None:
        """Say what is being done until it is over."""
        if self.ended.wait(PATIENCE):
            return
        while True:
            with _showing:
                self._show_now()
            if self.ended.wait(_TICK):
                return

    def _show_now(self) -> None:
        said = self.said
        if self.file is not None and self.file.is_file():
            lines = self.file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
            said = lines[-1] if lines else said
        stage, *numbers = said.split() or [""]
        if not stage or said == self.shown:
            return
        self.shown = said
        done = " ".join(numbers)
        if sys.stderr.isatty():
            self._rewrite(self.words.text(f"progress.{stage}") + (f" {done}" if done else ""))
        elif stage not in self.told:
            print(self.words.text(f"progress.{stage}"), file=sys.stderr, flush=True)
        self.told.add(stage)

    def _rewrite(self, text: str) -> None:
        print(f"\r{text[:78]:<78}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.told and sys.stderr.isatty():
            self._rewrite("")
            print("\r", end="", file=sys.stderr, flush=True)


@contextmanager
def showing_progress(lang: str) -> Iterator[None]:
    """Show meanwhile on stderr what is being done, where it takes longer than `PATIENCE`; nothing
    where `FUNNEL_QUIET` is set."""
    if os.environ.get("FUNNEL_QUIET"):
        yield
        return
    teller = _Teller(Words(lang if lang in LANGUAGES else LANGUAGES[0]))
    thread = threading.Thread(target=teller.show, daemon=True)
    PROGRESS.addHandler(teller)
    PROGRESS.setLevel(logging.INFO)
    thread.start()
    try:
        yield
    finally:
        PROGRESS.removeHandler(teller)
        teller.ended.set()
        thread.join()
        teller.clear()


@contextmanager
def following(file: Path) -> Iterator[None]:
    """Let who shows the progress look into a file meanwhile, as a kernel writes it."""
    tellers = [h for h in PROGRESS.handlers if isinstance(h, _Teller)]
    for teller in tellers:
        teller.file = file
    try:
        yield
    finally:
        for teller in tellers:
            teller.file = None
