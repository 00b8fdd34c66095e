"""Notes of what is written: which values stand in a text, so that claims can be checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any

SPANS = ("span", "points_span")  # ways to write both ends of an interval
_NOTES: ContextVar[list | None] = ContextVar("notes", default=None)


@dataclass(frozen=True)
class Note:
    """A text, or a number or name by itself, as it was written: see `noting`.

    Attributes
    ----------
    key : of the locale file; empty where it is no text of it
    written : itself
    given : all that it was given, such as the row of a table
    places : what it has places for: each value, and how that was written
    """

    key: str
    written: str
    given: dict[str, Any]
    places: dict[str, tuple[Any, str]]


@contextmanager
def noting() -> Iterator[list[Note]]:
    """Note what is written meanwhile, in that order; not what is written within another text.

    Examples
    --------
    >>> with noting() as notes:
    ...     told = Words("en").text("page.open_wait", n=3)
    >>> notes[0].key, notes[0].places["n"][0], notes[0].written == told
    ('page.open_wait', 3, True)
    """
    with keeping_notes([]) as notes:
        yield notes


@contextmanager
def keeping_notes(notes: list[Note] | None) -> Iterator[list[Note] | None]:
    """Note into these, or nowhere, meanwhile."""
    before = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(before)


def find_notes() -> list[Note] | None:
    """Where what is written now is noted; None where it is not."""
    return _NOTES.get()


def noted(write: Callable[..., str]) -> Callable[..., str]:
    """Let a way to write a value be noted where it stands by itself."""

    @wraps(write)
    def write_noted(self, *given, **named) -> str:
        notes = _NOTES.get()
        if notes is None:
            return write(self, *given, **named)
        with keeping_notes(None):
            written = write(self, *given, **named)
        ends = ("low", "high") if write.__name__ in SPANS else ("value",)
        value = given[-1:] if write.__name__ == "value" else given
        values = dict(zip(ends, value, strict=False))
        notes.append(Note("", written, values, {end: (x, written) for end, x in values.items()}))
        return written

    return write_noted
