"""Which table of which CRM a file holds, told from its columns; the table by the library's names.

A CRM's module lists its `Kind`s: the columns that tell a table of that kind, and what each column
means. Nothing is told from a file's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, Problems, quote_some
from funnel_lib.core.events import show_values
from funnel_lib.reading.cells.currencies import name_currencies, split_header
from funnel_lib.reading.cells.numbers import bare_ids, read_numbers
from funnel_lib.reading.cells.times import Ambiguous, read_times
from funnel_lib.reading.columns import Mapping, bare_name
from funnel_lib.reading.files.tables import RawTable

TRUE_WORDS = ("true", "yes", "y", "1", "t", "да", "истина", "sim", "sí")
FALSE_WORDS = ("false", "no", "n", "0", "f", "нет", "ложь", "não")
_ID = re.compile(r"(?:^|_)ids?$|^(?:item|deal|person|org|contact|company|of_lead)$")
# What stands for nothing: no value, or no closing date of an open deal.
NO_VALUE = (
    "(No value)", "(Нет значения)", "—", "-", "не закрыта", "not closed", "não fechada",
    "não fechado",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of table that a CRM gives.

    Attributes
    ----------
    crm, name : whose table, and what it holds: ``deals``, ``moves``, ``acts`` …
    told_by : names of columns, alternatives joined by ", "; a table of this kind has each
    columns : meaning -> names it goes by, best first, joined by ", "
    times, numbers : meanings that are moments and numbers
    utc : whether times without a zone are UTC (an API's) or local (an export's)
    times_like : pattern of the names of further columns that are moments, too
    """

    crm: str
    name: str
    told_by: tuple[str, ...]
    columns: dict[str, str] = field(default_factory=dict)
    times: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    utc: bool = False
    times_like: str = ""

    def is_time(self, meaning: str) -> bool:
        """Whether a column is a moment."""
        further = bool(self.times_like) and re.match(self.times_like, meaning)
        return meaning in self.times or bool(further)


@dataclass(frozen=True)
class Found:
    """A table and the kind it was recognised as, by which of its columns."""

    table: RawTable
    kind: Kind
    told_by: tuple[str, ...]


@dataclass
class Clock:
    """How times without a zone are read, and which tables had which kind of times."""

    time_zone: str = "UTC"
    day_first: bool | None = None
    decimal_comma: bool | None = None
    local: list[str] = field(default_factory=list)
    zoned: list[str] = field(default_factory=list)

    def check(self, told: bool) -> None:
        """Raise an `InputError` where local times stand beside UTC and nobody told the zone."""
        if told or not self.local or not self.zoned:
            return
        names = ([Path(path).name for path in paths] for paths in (self.local, self.zoned))
        local, zoned = (quote_some(dict.fromkeys(x)) for x in names)
        raise InputError([
            f"times without a zone ({local}) stand beside times in UTC or with a zone ({zoned}); "
            "tell the zone of the first, e.g. --time-zone Europe/Moscow, or the order of events "
            "would be wrong"
        ])  # fmt: skip


def recognise(table: RawTable, kinds: tuple[Kind, ...]) -> list[Found]:
    """Tell of which kinds a table may be, those told by the most columns.

    Examples
    --------
    >>> frame = pd.DataFrame(columns=["ID", "Этап сделки", "Цвет"])
    >>> kinds = (Kind("x", "deals", ("ID, Номер", "Stage, Этап сделки")), Kind("y", "b", ("ID",)))
    >>> [(f.kind.crm, f.told_by) for f in recognise(RawTable("a.csv", frame), kinds)]
    [('x', ('ID', 'Этап сделки'))]
    """
    named = _by_bare_name(table.frame.columns)
    found = []
    for kind in kinds:
        columns = [_first_named(words, named) for words in kind.told_by]
        if all(columns):
            found.append(Found(table, kind, tuple(c[0] for c in columns)))
    most = max((len(f.told_by) for f in found), default=0)
    return [f for f in found if len(f.told_by) == most]


def take_table(found: Found, mapping: Mapping, clock: Clock, noticed: list) -> pd.DataFrame:
    """Give a recognised table its meanings as column names, its times and numbers as such.

    Parameters
    ----------
    found : of `recognise`
    mapping : what the user says of columns; wins
    clock : how to read times; notes which kind of times the table had
    noticed : takes tuples for `events.note_checks`

    Returns
    -------
    frame with every meaning of the kind (missing where the table has no such column), then the
    further columns as they came. A currency that only the header of the amounts names ("Бюджет ₽")
    is every row's.

    Raises
    ------
    InputError
        Two columns of one name that say different things; dates whose order nobody can tell.
    """
    frame, kind = found.table.frame, found.kind
    named = _by_bare_name(c for c in frame.columns if c not in mapping.columns.values())
    columns = {m: [c] for m, c in mapping.columns.items() if c in frame}
    for meaning, words in kind.columns.items():
        if meaning not in columns:
            taken = {c for known in columns.values() for c in known}
            left = {b: [c for c in cs if c not in taken] for b, cs in named.items()}
            columns[meaning] = _first_named(words, left)
            if meaning == "amount" and not columns[meaning]:
                columns[meaning] = _first_named(words, _by_bare_name(frame.columns, priced=True))
    used = {c for known in columns.values() for c in known}
    columns |= {c: [c] for c in frame if c not in used and kind.is_time(c)}
    problems = Problems()
    taken = {}
    for meaning, cells in columns.items():
        with problems.collecting():
            taken[meaning] = _read_cells(found, meaning, cells, clock, noticed)
    problems.raise_if_any()
    codes = [split_header(c)[1] for c in columns.get("amount", [])]
    if any(codes):
        told = taken.get("currency", pd.Series(index=frame.index, dtype="str"))
        taken["currency"] = told.fillna(codes[0])
    if "currency" in taken:
        taken["currency"] = name_currencies(taken["currency"].astype("str"))
    used = {c for known in columns.values() for c in known}
    further = frame[[c for c in frame.columns if c not in used]]
    return pd.concat([pd.DataFrame(taken, index=frame.index), further.rename(
        columns={c: f"{c} (as read)" for c in further if c in taken}
    )], axis=1)  # fmt: skip


def empty_table(kind: Kind) -> pd.DataFrame:
    """Give a table of a kind without any row, every meaning a column of its type."""
    dtypes = dict.fromkeys(kind.columns, "str")
    dtypes |= dict.fromkeys(kind.times, "datetime64[us, UTC]")
    dtypes |= dict.fromkeys(kind.numbers, "float64")
    return pd.DataFrame({c: pd.Series([], dtype=d) for c, d in dtypes.items()})


def unfold(frame: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Turn the numbered columns of a list inside records into rows.

    Parameters
    ----------
    frame : a table with columns such as ``items.0.id``, ``items.1.id``
    prefix : what stands before the numbers, e.g. ``items``

    Returns
    -------
    frame, one row an element that holds anything: ``row`` (position in `frame`), ``number``, and
    the elements' own columns (``id``; "" for a plain value)

    Examples
    --------
    >>> unfold(pd.DataFrame({"items.0.id": ["a", "b"], "items.1.id": [None, "c"]}), "items")
    ... # doctest: +NORMALIZE_WHITESPACE
       row  number id
    0    0       0  a
    1    1       0  b
    2    1       1  c
    """
    pattern = re.compile(re.escape(prefix) + r"\.(\d+)(?:\.(.+))?$")
    matched = [(c, m) for c in frame.columns if (m := pattern.match(c))]
    parts = []
    for number in sorted({int(m[1]) for _, m in matched}):
        own = {c: m[2] or "" for c, m in matched if int(m[1]) == number}
        part = frame[[*own]].rename(columns=own)
        there = part.notna().any(axis=1).to_numpy()
        rows = {"row": np.flatnonzero(there), "number": number}
        parts.append(part[there].reset_index(drop=True).assign(**rows))
    if not parts:
        return pd.DataFrame({"row": np.array([], int), "number": np.array([], int)})
    rows = pd.concat(parts, ignore_index=True).sort_values(["row", "number"], kind="stable")
    return rows.reset_index(drop=True)[["row", "number", *rows.columns.drop(["row", "number"])]]


def read_flags(texts: pd.Series) -> pd.Series:
    """Read yes and no as 1.0 and 0.0; missing where it is neither.

    Examples
    --------
    >>> read_flags(pd.Series(["Y", "нет", "True", None])).tolist()
    [1.0, 0.0, 1.0, nan]
    """
    words = texts.astype("str").str.strip().str.casefold()
    known = dict.fromkeys(TRUE_WORDS, 1.0) | dict.fromkeys(FALSE_WORDS, 0.0)
    return words.map(known).astype("float64")


def _by_bare_name(columns, priced: bool = False) -> dict[str, list[str]]:
    """Columns by their bare names; `priced`: without a currency at the end of the name."""
    named: dict[str, list[str]] = {}
    for column in columns:
        name = split_header(column)[0] if priced else column
        named.setdefault(bare_name(name), []).append(column)
    return named


def _first_named(words: str, named: dict[str, list[str]]) -> list[str]:
    """The columns that bear the first of the names that any column bears."""
    for word in words.split(", "):
        if named.get(bare_name(word)):
            return named[bare_name(word)]
    return []


def _read_cells(found: Found, meaning: str, columns: list[str], clock: Clock, noticed: list):
    """One meaning's cells, typed; of several columns of one name each fills the ones before it."""
    frame, kind = found.table.frame, found.kind
    texts = pd.Series(index=frame.index, dtype="str")
    for column in columns:
        told = frame[column].mask(frame[column].isin(NO_VALUE))
        differ = texts.notna() & told.notna() & (texts != told)
        if differ.any():
            names = f"{quote_some(columns)} bear one name and differ in {differ.sum():,} rows"
            raise InputError([
                f"{found.table.path}: columns {names}; name the right one in a mapping file, "
                f'`columns: {{{meaning}: "{column}"}}`, and give it with --mapping'
            ])  # fmt: skip
        texts = texts.fillna(told)
    if meaning in kind.numbers:
        read = read_numbers(texts, clock.decimal_comma)
    elif kind.is_time(meaning):
        read = _read_moments(found, texts, clock)
    else:
        return bare_ids(texts) if _ID.search(meaning) else texts
    lost = (texts.notna() & read.isna()).to_numpy()
    check, examples = f"unreadable_{_told_of(meaning)}", show_values(texts[lost])
    noticed.append((check, lost.sum(), len(frame), "warning", examples))
    return read


def _read_moments(found: Found, texts: pd.Series, clock: Clock) -> pd.Series:
    zone = "UTC" if found.kind.utc else clock.time_zone
    try:
        times, zoned = read_times(texts, clock.day_first, zone)
    except Ambiguous as error:
        raise InputError([f"{found.table.path}: {p}" for p in error.problems]) from None
    there = times.notna().to_numpy()
    if (there & (zoned | found.kind.utc)).any():
        clock.zoned.append(found.table.path)
    if (there & ~zoned).any() and not found.kind.utc:
        clock.local.append(found.table.path)
    return times


def _told_of(meaning: str) -> str:
    """The name under which `quality` counts unreadable cells."""
    return meaning if meaning in ("created_at", "closed_at", "amount") else "cells"
