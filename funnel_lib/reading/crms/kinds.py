"""Which table of which CRM a file holds, by its columns; the table by the library's names.

A CRM is a module and a table file of the same name (YAML): its kinds of tables, the columns that
mark a table of each kind, what the columns mean, and words in cells. A file's name says nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, Problems, quote_some
from funnel_lib.core.events import EVENT_COLUMNS, LEAD_COLUMNS, OUTCOMES
from funnel_lib.reading.cells.currencies import find_in_cells, name_currencies, split_header
from funnel_lib.reading.cells.numbers import bare_ids, read_numbers
from funnel_lib.reading.cells.times import Ambiguous, read_times
from funnel_lib.reading.columns import Mapping, bare_name, read_beside
from funnel_lib.reading.files.tables import RawTable
from funnel_lib.reading.files.typed import show
from funnel_lib.reading.ledger import Reading

# Names of columns that may tell when a deal came to a stage.
_HISTORY = re.compile(
    r"(?:date|time|day)\W*(?:of|when|in)?\W*(?:enter|stage|moved|reached)"
    r"|(?:enter|stage|moved|reached)\w*\W*(?:date|time|at\b|on\b)"
    r"|дата\W*(?:перехода|этапа|стадии|входа)", re.IGNORECASE)  # fmt: skip
# What these meanings are in any table: times and numbers, all others texts.
_TIMES = re.compile(r"at|.*_at|since|created|became_.*|mail_(?:received|sent)")
_NUMBERS = ("amount", "price", "quantity", "probability", "rank")
_LOOKED_AT = 100  # rows, to see how ids are written
MOSTLY = 0.5
TRUE_WORDS = ("true", "yes", "y", "1", "t", "да", "истина", "sim", "sí")
FALSE_WORDS = ("false", "no", "n", "0", "f", "нет", "ложь", "não")
_ID = re.compile(r"(?:^|_)ids?$|^(?:item|deal|person|org|contact|company|of_lead)$")
# What stands for nothing: no value, or no closing date of an open deal.
NO_VALUE = (
    "(No value)", "(Нет значения)", "—", "-", "не закрыта", "not closed", "não fechada",
    "não fechado",
)  # fmt: skip


# What tables of a CRM are joined by; a further column of such a name gets another.
_INNER = (*EVENT_COLUMNS, *OUTCOMES, "created_at", "about", "about_id", "maker", "rank", "self",
          "stage_id")  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of table that a CRM gives.

    Attributes
    ----------
    crm, name : whose table, and what it holds: ``deals``, ``moves``, ``acts`` …
    marks : names of columns, alternatives joined by ", "; a table of this kind has each
    columns : meaning -> names it goes by, best first, joined by ", "
    never : names of columns that no table of this kind has, alternatives joined by ", "
    ids_like : pattern of the cells of the first mark; where columns have names that any tool may
        give them, ids tell whose they are
    numbers : meanings that are numbers here, and texts in other tables
    times_like : pattern of the names of further columns that are times, too
    utc : whether times without a zone are UTC (an API's) or local (an export's)
    """

    crm: str
    name: str
    marks: tuple[str, ...]
    columns: dict[str, str] = field(default_factory=dict)
    never: str = ""
    ids_like: str = ""
    numbers: tuple[str, ...] = ()
    times_like: str = ""
    utc: bool = False

    def is_time(self, meaning: str) -> bool:
        """Whether a column holds times."""
        further = self.times_like and re.match(self.times_like, meaning)
        known = meaning in self.columns or meaning in LEAD_COLUMNS  # which a mapping may name
        return bool(further or (known and _TIMES.fullmatch(meaning)))

    def is_number(self, meaning: str) -> bool:
        """Whether a column holds numbers."""
        known = meaning in self.columns or meaning in LEAD_COLUMNS
        return meaning in self.numbers or (known and meaning in _NUMBERS)


@dataclass(frozen=True)
class Found:
    """A table and the kind it was recognised as, by which of its columns."""

    table: RawTable
    kind: Kind
    marks: tuple[str, ...]


def read_crm(module: str) -> tuple[tuple[Kind, ...], dict[str, dict[str, str] | list[str]]]:
    """Read the table file beside a CRM's module: (kinds of tables, what words in cells mean)."""
    table, crm = read_beside(module), Path(module).stem
    kinds = tuple(
        Kind(crm, name, **{k: tuple(v) if isinstance(v, list) else v for k, v in kind.items()})
        for name, kind in table["kinds"].items()
    )
    return kinds, table.get("words", {})


def recognise(table: RawTable, kinds: tuple[Kind, ...]) -> list[Found]:
    """Of which kinds may a table be? Those that the most columns mark."""
    named = _by_bare_name(table.columns)
    found = []
    for kind in kinds:
        columns = [_first_named(words, named) for words in kind.marks]
        if all(columns) and not _first_named(kind.never, named) and _fit_ids(table, kind, columns):
            found.append(Found(table, kind, tuple(c[0] for c in columns)))
    most = max((len(f.marks) for f in found), default=0)
    return [f for f in found if len(f.marks) == most]


def _holds_times(cells: pd.Series) -> bool:
    """Whether the first cells that are filled are times."""
    texts = cells.dropna().iloc[:_LOOKED_AT]
    try:
        return len(texts) > 0 and read_times(texts)[0].notna().mean() > MOSTLY
    except Ambiguous:
        return True


def _fit_ids(table: RawTable, kind: Kind, columns: list[list[str]]) -> bool:
    """Whether most ids are as the CRM writes them, where a kind says how that is."""
    if not kind.ids_like:
        return True
    cells = show(table.typed[columns[0][0]].iloc[:_LOOKED_AT]).dropna()
    return bool(cells.str.fullmatch(kind.ids_like).mean() > MOSTLY)


def take_table(found: Found, reading: Reading) -> pd.DataFrame:
    """Give a recognised table its meanings as column names, its times and numbers as such.

    Every meaning of the kind is there (missing where the table has no such column), then the
    further columns as they came. A currency that only the header of the amounts names ("Бюджет ₽")
    is every row's. The reading notes which kind of times there are.

    Raises
    ------
    InputError
        Two columns of one name that say different things; dates whose order nobody can tell.
    """
    frame = found.table.frame
    columns = _find_meanings(frame, found.kind, reading.mapping)
    problems, taken, in_cells = Problems(), {}, None
    for meaning, names in columns.items():
        with problems.collecting():
            texts = _merge_columns(found, meaning, names)
            if meaning == "amount":
                in_cells = find_in_cells(texts)
            taken[meaning] = _read_cells(found, meaning, texts, reading)
    problems.raise_if_any()
    _fill_currency(taken, columns.get("amount", []), in_cells, frame.index)
    used = {c for names in columns.values() for c in names}
    further = frame[[c for c in frame.columns if c not in used]]
    odd = [c for c in further if _HISTORY.search(c) and _holds_times(further[c])]
    reading.ledger.note("history_not_read", len(odd), len(frame.columns), "info", ", ".join(odd))
    taken_names = {*taken, *_INNER}
    further = further.rename(columns={c: f"{c} (as read)" for c in further if c in taken_names})
    return pd.concat([pd.DataFrame(taken, index=frame.index), further], axis=1)


def empty_table(kind: Kind) -> pd.DataFrame:
    """Give a table of a kind without any row, every meaning a column of its type."""
    dtypes = dict.fromkeys(kind.columns, "str")
    dtypes |= dict.fromkeys(filter(kind.is_time, dtypes), "datetime64[us, UTC]")
    dtypes |= dict.fromkeys(filter(kind.is_number, dtypes), "float64")
    return pd.DataFrame(columns=[*dtypes]).astype(dtypes)


def unfold(frame: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Turn the numbered columns of a list inside records into rows, one an element that holds
    anything: ``row`` (position in `frame`), ``number``, its own columns ("" of a plain value).

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


def list_inside(frame: pd.DataFrame, prefix: str, key: str, inner: str = "id") -> pd.DataFrame:
    """What the lists inside records hold beside a column of the records: the column, ``inside``."""
    rows = unfold(frame, prefix).reindex(columns=["row", inner])
    return pd.DataFrame({key: frame[key].to_numpy()[rows["row"]], "inside": rows[inner]})


def read_flags(texts: pd.Series) -> pd.Series:
    """Read yes and no as 1.0 and 0.0; missing where it is neither."""
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


def _find_meanings(frame: pd.DataFrame, kind: Kind, mapping: Mapping) -> dict[str, list[str]]:
    """Which columns hold each meaning: the mapping's, else the first name that a free one bears."""
    named = _by_bare_name(c for c in frame.columns if c not in mapping.columns.values())
    columns = {m: [c] for m, c in mapping.columns.items() if c in frame}
    used = {c for names in columns.values() for c in names}
    for meaning, words in kind.columns.items():
        if meaning in columns:
            continue
        free = {b: [c for c in names if c not in used] for b, names in named.items()}
        columns[meaning] = _first_named(words, free)
        if meaning == "amount" and not columns[meaning]:
            columns[meaning] = _first_named(words, _by_bare_name(frame.columns, priced=True))
        used.update(columns[meaning])
    further = [c for c in frame if c not in used and c not in LEAD_COLUMNS and kind.is_time(c)]
    return columns | {c: [c] for c in further}


def _merge_columns(found: Found, meaning: str, columns: list[str]) -> pd.Series:
    """Texts of columns that bear one name: each fills the ones before it."""
    frame = found.table.frame
    texts = pd.Series(index=frame.index, dtype="str")
    for column in columns:
        more = frame[column].mask(frame[column].isin(NO_VALUE))
        differ = texts.notna() & more.notna() & (texts != more)
        if differ.any():
            names = f"{quote_some(columns)} bear one name and differ in {differ.sum():,} rows"
            raise InputError([
                f"{found.table.path}: columns {names}; name the right one in a mapping file, "
                f'`columns: {{{meaning}: "{column}"}}`, and give it with --mapping'
            ])  # fmt: skip
        texts = texts.fillna(more)
    return texts


def _read_cells(found: Found, meaning: str, texts: pd.Series, reading: Reading) -> pd.Series:
    """One meaning's cells, typed."""
    if found.kind.is_number(meaning):
        read = read_numbers(texts, reading.mapping.decimal_comma)
    elif found.kind.is_time(meaning):
        read = _read_dated(found, texts, reading)
    else:
        return bare_ids(texts) if _ID.search(meaning) else texts
    own_check = meaning in ("created_at", "closed_at", "amount")
    reading.ledger.note_unreadable(meaning if own_check else "cells", texts, read)
    return read


def _read_dated(found: Found, texts: pd.Series, reading: Reading) -> pd.Series:
    """Times of a table, noting of which kinds there are any."""
    utc, path = found.kind.utc, found.table.path
    times, zoned = reading.read_times(texts, path, "UTC" if utc else "")
    there = times.notna().to_numpy()
    if (there & (zoned | utc)).any():
        reading.zoned.append(path)
    if (there & ~zoned).any() and not utc:
        reading.local.append(path)
    return times


def _fill_currency(taken: dict, priced: list[str], in_cells, index: pd.Index) -> None:
    """Give every row the currency that its amount names, or the header of amounts; as codes."""
    codes = [split_header(c)[1] for c in priced]
    if any(codes) or (in_cells is not None and in_cells.notna().any()):
        known = taken.get("currency", pd.Series(index=index, dtype="str"))
        known = known.fillna(in_cells) if in_cells is not None else known
        taken["currency"] = known.fillna(codes[0]) if any(codes) else known
    if "currency" in taken:
        taken["currency"] = name_currencies(taken["currency"].astype("str"))
