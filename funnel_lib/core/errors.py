"""Errors for people: what is wrong, where, what was expected, what to do; all of it at once, and no
character in it that is an order to the screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

# Orders to a screen, and marks that turn the direction of reading; blanks, tabs and ends of lines
# are text. As literal characters, so that Arrow reads it, too.
CONTROLS = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
_CONTROLS = re.compile(CONTROLS)


class FunnelError(Exception):
    """Base of every error this library raises on purpose."""


class InputError(FunnelError):
    """Something given to the library is wrong: a file, a steps file, an option.

    Parameters
    ----------
    problems : iterable of str
        One message a problem, each saying what is wrong, where, and what to do.

    Examples
    --------
    >>> print(InputError(["events.csv: the file is empty", "--within 90: name a unit, e.g. 90D"]))
    2 problems:
    - events.csv: the file is empty
    - --within 90: name a unit, e.g. 90D
    """

    def __init__(self, problems: Iterable[str]):
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        return "\n".join([f"{len(self.problems)} problems:", *(f"- {p}" for p in self.problems)])

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows, and a report's kernel hands over: the problems alone."""
        return list(self.problems)


class SectionError(FunnelError):
    """Parts of an audit could not be made: a mistake of the library, seldom of the input."""

    def __init__(self, failed: dict[str, str]):
        self.failed = failed
        super().__init__("; ".join(f"{name}: {why}" for name, why in failed.items()))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows, and a report's kernel hands over: the parts and why."""
        return [f"{name}: {why}" for name, why in self.failed.items()]


def describe_error(error: Exception) -> str:
    """Say an error in one line: with its kind, where it is none that was raised on purpose."""
    return str(error) if isinstance(error, FunnelError) else f"{type(error).__name__}: {error}"


class Problems:
    """Collects the problems of several independent checks, so that all are told at once.

    Examples
    --------
    >>> problems = Problems()
    >>> with problems.collecting():
    ...     raise InputError(["no such file: a.csv"])
    >>> problems.add("no such file: b.csv")
    >>> problems.raise_if_any()
    Traceback (most recent call last):
    funnel_lib.core.errors.InputError: 2 problems:
    - no such file: a.csv
    - no such file: b.csv
    """

    def __init__(self):
        self.found: list[str] = []

    def add(self, problem: str) -> None:
        """Note one problem."""
        self.found.append(problem)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Note the problems of an `InputError` raised inside, and go on after the block."""
        try:
            yield
        except InputError as error:
            self.found.extend(error.problems)

    def collect(self, check: Callable, *given: Any) -> Any:
        """What a check gives back; None where it raises an `InputError`, whose problems are
        noted."""
        with self.collecting():
            return check(*given)

    def raise_if_any(self) -> None:
        """Raise one `InputError` with every problem noted so far, each once."""
        if self.found:
            raise InputError(dict.fromkeys(self.found))


@contextmanager
def writing(what: str | Path) -> Iterator[None]:
    """Raise an `InputError` of what cannot be written: a full disk, a file open elsewhere."""
    try:
        yield
    except OSError as error:
        name = Path(error.filename or what).name
        where = "" if name == Path(what).name else f" ({name})"
        why = error.strerror or error
        raise InputError([f"{what}{where}: cannot be written: {why}; name another place"]) from None


def suggest(wrong: str, known: Iterable[str]) -> str:
    """Name the known words nearest to a wrong one, as the end of a message.

    Examples
    --------
    >>> suggest("evidense", ["evidence", "name", "id"])
    '; did you mean evidence?'
    >>> suggest("xyz", ["evidence"])
    ''
    """
    near = get_close_matches(str(wrong), [str(k) for k in known], n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def quote_some(items: Iterable[object], most: int = 3) -> str:
    """Quote up to `most` examples and say how many there are in all.

    Examples
    --------
    >>> quote_some(["a", "b", "c", "d"])
    "'a', 'b', 'c' … (4 in all)"
    """
    items = list(items)
    shown = ", ".join(repr(str(i)[:80]) for i in items[:most])
    return shown if len(items) <= most else f"{shown} … ({len(items)} in all)"


def drop_controls(text: str) -> str:
    """Leave out what is no text: a picture would break of it, a screen obey it.

    Examples
    --------
    >>> drop_controls("Offer\\x1b[31m \\u202esent")
    'Offer[31m sent'
    """
    return _CONTROLS.sub("", text)
