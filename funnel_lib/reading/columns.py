"""Which column of an export means what: aliases in English and Russian, and the mapping file."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from funnel_lib.core.checked import FAST, Checked, Place, read_checked
from funnel_lib.core.errors import quote_some, suggest
from funnel_lib.core.events import ACTORS, EVENT_COLUMNS, LEAD_COLUMNS
from funnel_lib.core.words import say
from funnel_lib.reading.cells.currencies import split_header

MEANINGS = (*EVENT_COLUMNS, *LEAD_COLUMNS[1:], "pipeline")
# Without these there is no event.
ESSENTIAL = ("lead_id", "at", "action")
# A column is offered as the nearest guess from this likeness on (0 to 1).
ALIKE = 0.6


@cache
def read_beside(module: str) -> dict:
    """Read the table file (YAML) of the same name that stands beside a module."""
    text = Path(module).with_suffix(".yml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=FAST)


STRONG, WEAK, PERSON, STEMS, _STATUSES, DURATIONS = read_beside(__file__).values()
STATUS_WORDS = {word: status for status, words in _STATUSES.items() for word in words.split(", ")}


class Mapping(Checked):
    """A mapping file: what the columns of an export mean. It always wins over aliases.

    Attributes
    ----------
    columns : meaning -> column, e.g. ``{lead_id: "case:concept:name"}``; other words rename
    dates : column -> action, for tables of one row a lead: each date is an event
    where : column -> value or values; other rows are removed and counted
    day_first : whether 03/04/2025 is 3 April
    decimal_comma : whether 1,234 is a bit more than one
    time_zone : IANA name, for times that carry no zone
    status_values : won, lost, open -> the words for it in the status column
    actor_values : client, manager, system -> the words or names for them in the actor column
    lead_columns : status, closed_at or amount -> first, last or sum: a column of events is the
        lead's; the sum is of the sale's events
    """

    columns: dict[str, str] = {}
    dates: dict[str, str] = {}
    where: dict[str, str | tuple[str, ...]] = {}
    day_first: bool | None = None
    decimal_comma: bool | None = None
    time_zone: str | None = None
    status_values: dict[Literal["won", "lost", "open"], tuple[str, ...]] = {}
    actor_values: dict[Literal[ACTORS], tuple[str, ...]] = {}
    lead_columns: dict[
        Literal["status", "closed_at", "amount"], Literal["first", "last", "sum"]
    ] = {}

    @property
    def outcomes(self) -> dict[str, str]:
        """Words of a status, in small letters and without ё -> the outcome that the user gives
        them."""
        given = ((word, s) for s, words in self.status_values.items() for word in words)
        return {word.strip().casefold().replace("ё", "е"): status for word, status in given}


def read_mapping(path: str | Path) -> Mapping:
    """Read a mapping file (mapping.yml), checked.

    Raises
    ------
    InputError
        Every problem at once, with line numbers.
    """
    return read_checked(path, Mapping, "a mapping file (mapping.yml)", check=_list_problems)


def find_columns(columns: list[str], mapping: Mapping) -> tuple[dict[str, str], list[str]]:
    """What do the columns of one table mean? (meaning -> column, problems).

    What the mapping names, a meaning or a column, is left alone by aliases. Problems name several
    columns for one meaning.

    Examples
    --------
    >>> find_columns(["ID сделки", "Дата и время", "Действие", "Цвет"], Mapping())
    ({'lead_id': 'ID сделки', 'at': 'Дата и время', 'action': 'Действие'}, [])
    """
    found = {m: c for m, c in mapping.columns.items() if c in columns}
    free = [c for c in columns if c not in {*found.values(), *mapping.dates}]
    # One table may have its lead under the name the mapping gives, another under its own.
    given = {m for m in mapping.columns if m not in ESSENTIAL}
    problems = []
    for aliases in (STRONG, WEAK):
        for meaning, words in aliases.items():
            if meaning in found or meaning in given:
                continue
            known = list_aliases(f"{words}, {meaning}")
            named = [c for c in free if c not in found.values() and bare_name(c) in known]
            if meaning == "amount" and not named:  # "Сумма, руб."
                named = [c for c in free if c not in found.values()
                         and bare_name(split_header(c)[0]) in known]  # fmt: skip
            if len(named) > 1:
                problems.append(
                    f"{len(named)} columns may mean {meaning}: {quote_some(named)}; name the right "
                    f'one in a mapping file, `columns: {{{meaning}: "{named[0]}"}}`, and give it '
                    "with --mapping"
                )
            if named:
                found[meaning] = named[0]
        if aliases is STRONG and _creation_is_time(found, mapping, free):
            found["at"] = found.pop("created_at")
    named = bare_name(found.get("action", "")) not in list_aliases(WEAK["action"])
    if named and {"at", "action"} <= found.keys() and "lead_id" not in {*found, *given}:
        known = {bare_name(c): c for c in free if c not in found.values()}
        person = next((known[n] for n in map(bare_name, PERSON.split(", ")) if n in known), None)
        found |= {"lead_id": person} if person else {}
    return found, problems


def names_lead(columns: list[str], mapping: Mapping) -> bool:
    """Whether a column says that its numbers are those of leads or deals, and not just ids."""
    mapped = mapping.columns.get("lead_id") in columns
    return mapped or any(bare_name(c) in list_aliases(STRONG["lead_id"]) for c in columns)


def explain_missing(missing: list[str], columns: list[str]) -> str:
    """Say which meanings were not found, what is there, and how to write a mapping."""
    near: dict[str, str | None] = {}
    for meaning in missing:  # a column is offered once
        guess = _nearest(meaning, columns)
        near[meaning] = None if guess in near.values() else guess
    guesses = ", ".join(f'{m}: "{n}"' for m, n in near.items() if n)
    lines = ", ".join(f'{m}: "{near[m] or "…"}"' for m in missing)
    what = say("problem.or").join(f"{say(_LACKS[m])} ({m})" for m in missing)
    told = say("problem.nearest", guesses=guesses) if guesses else ""
    found = quote_some(columns, most=20)
    return say("problem.no_column", what=what, found=found, near=told, lines=f"{{{lines}}}")


_LACKS = {"lead_id": "problem.no_lead_id", "at": "problem.no_at", "action": "problem.no_action"}


def _creation_is_time(found: dict[str, str], mapping: Mapping, free: list[str]) -> bool:
    """Whether the rows are actions whose only date is when they were made."""
    weak = list_aliases(WEAK["at"])
    dated = "at" in found or any(bare_name(c) in weak for c in free)
    given = {"at", "created_at"} & mapping.columns.keys()
    return {"action", "created_at"} <= found.keys() and not dated and not given


def _nearest(meaning: str, columns: list[str]) -> str | None:
    """The column whose name is most like one of a meaning's aliases, if any is at all."""
    words = list_aliases(f"{meaning}, {STRONG[meaning]}")
    alike = [(SequenceMatcher(None, w, bare_name(c)).ratio(), c) for c in columns for w in words]
    likeness, column = max(alike, default=(0.0, None))
    return column if likeness >= ALIKE else None


def list_aliases(words: str) -> set[str]:
    """Give the bare names of words joined by ", "."""
    return {bare_name(word) for word in words.split(", ")}


def bare_name(name: str) -> str:
    """Give a column's name without case, accents, punctuation, the number of a repeated one."""
    letters = unicodedata.normalize("NFD", re.sub(r" \(\d+\)$", "", name).casefold())
    return re.sub(r"[\W_]+", "", letters)


def _list_problems(mapping: Mapping) -> list[tuple[Place, str]]:
    found = []
    for meaning, how in mapping.lead_columns.items():
        if how == "sum" and meaning != "amount":
            what = f"lead_columns: only an amount can be a sum, no {meaning}; write first or last"
            found.append((("lead_columns", meaning), what))
    words = [word for given in mapping.status_values.values() for word in given]
    found += [
        (("status_values",), f"the word {word!r} is given two outcomes")
        for n, word in enumerate(words)
        if word in words[:n]
    ]
    for meaning, column in mapping.columns.items():
        first = next(m for m, c in mapping.columns.items() if c == column)
        if first != meaning:
            what = f"the column {column!r} cannot mean {meaning}, too: it means {first}"
            found.append((("columns", meaning), what))
        near = suggest(meaning, MEANINGS)
        if meaning not in MEANINGS and near:
            found.append((("columns", meaning), f"unknown meaning {meaning!r}{near}"))
    return found
