"""In which language objects show themselves, and messages are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from funnel_lib.core.errors import InputError
from funnel_lib.core.steps import LANGUAGES, Steps
from funnel_lib.core.words.writing import Words

_SHOWN = [Words()]
_ASKED: ContextVar[Words | None] = ContextVar("asked", default=None)


def check_language(lang: str) -> None:
    """Refuse a language that there is not; an empty text is none asked for."""
    if lang and lang not in LANGUAGES:
        raise InputError([f"--lang {lang}: choose {' or '.join(LANGUAGES)}"])


def use_language(lang: str, steps: Steps | None = None) -> None:
    """Let objects show themselves in this language, and with these names of steps, from here on.

    `build_audit` does so with its own.
    """
    check_language(lang)
    _SHOWN[0] = Words(lang, steps.names(lang) if steps else {})


def find_shown_words() -> Words:
    """How objects that know no language write themselves: see `use_language`."""
    return _SHOWN[0]


@contextmanager
def asking(lang: str) -> Iterator[None]:
    """Let what is wrong with the input be told in the language that is asked for, meanwhile."""
    before = _ASKED.set(Words(lang if lang in LANGUAGES else LANGUAGES[0]))
    try:
        yield
    finally:
        _ASKED.reset(before)


def say(key: str, **values: Any) -> str:
    """Write a message for who made the call; see `asking` and `Words.text`."""
    return (_ASKED.get() or Words()).text(key, **values)
