"""The registry of tables and columns: what each one means, in which order, how it is written."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from funnel_lib.core.checked import FAST, Checked, read_checked
from funnel_lib.core.errors import InputError, suggest

REGISTRY = Path(__file__).with_suffix(".yml")
Kind = Literal[
    "bool", "count", "days", "hours", "money", "name", "number", "p_value", "path", "period",
    "points", "probability", "segment", "segments", "share", "step", "steps", "text", "time",
    "word",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)


class Column(Checked):
    """What a column of a table means, and how it is written; see the head of tables.yml."""

    name: str
    kind: Kind
    meaning: str
    base: str = ""
    of: str = ""
    title: str
    words: str
    digits: int | None = None
    if_empty: Literal["", "not_reached", "not_measurable"] = ""
    on_page: bool = True


class _Described(Checked):
    question: str
    row: str
    made_by: str
    has_own: bool = False


class Table(_Described):
    """What a table answers, what a row of it is, which function makes it, and its columns in order.

    The first `n_shown` columns are for people, too; those behind them for machines only. Where it
    `has_own`, further columns of the export stand behind all of them.
    """

    name: str
    in_audit: bool
    n_shown: int
    columns: tuple[Column, ...]


class _Written(_Described):
    """A table as the file writes it: a column's meaning, or what is different of it here."""

    columns: dict[str, str | dict[str, Any] | None]
    further: dict[str, str | dict[str, Any] | None] = {}


class _File(Checked):
    columns: dict[str, dict[str, Any]]
    tables: dict[str, _Written]
    beside: dict[str, _Written]


@cache
def read_tables() -> dict[str, Table]:
    """Which tables are there? Those of an audit first, then the frames that functions return."""
    file, tables = _read_file(), {}
    for name, written in (file.tables | file.beside).items():
        tables[name] = Table(
            **written.model_dump(exclude={"columns", "further"}),
            name=name,
            in_audit=name in file.tables,
            n_shown=len(written.columns),
            columns=[_define(*one) for one in (written.columns | written.further).items()],
        )
    return tables


def find_table(name: str) -> Table:
    """What is known of a table? One that is not registered raises an `InputError`."""
    tables = read_tables()
    if name not in tables:
        raise InputError([f"no table {name!r}{suggest(name, tables)}; see docs/tables.md"])
    return tables[name]


@cache
def find_column(name: str, table: str = "") -> Column | None:
    """What is known of a column, in a table or wherever it means the same? None: not ours.

    A column that stands in `columns` of the registry is known by that, any other by the first table
    that has it. Of the table of leads, columns not registered there are the export's own.
    """
    if table:
        known = find_table(table)
        found = next((c for c in known.columns if c.name == name), None)
        if found is not None or known.has_own:
            return found
    if name in _read_file().columns:
        return _define(name, None)
    every = (c for one in read_tables().values() for c in one.columns)
    return next((c for c in every if c.name == name), None)


def list_columns(table: str, *, shown: bool = False) -> list[str]:
    """The names of a table's columns in order; those shown to people only, if asked for."""
    known = find_table(table)
    return [c.name for c in known.columns[: known.n_shown if shown else None]]


def arrange(table: str, rows: pd.DataFrame | Iterable[dict] = ()) -> pd.DataFrame:
    """Put a frame, or rows by column, into the registered order; of no rows the empty table.

    Columns of the export's own come last, where the table may have some.

    Raises
    ------
    KeyError
        A column is missing or not registered: a bug.

    Examples
    --------
    >>> arrange("stage_renames", [{"renamed_to": "Talks", "stage": "Call"}]).values.tolist()
    [['Call', 'Talks']]
    >>> arrange("stage_renames").columns.tolist()
    ['stage', 'renamed_to']
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    names = list_columns(table)
    if not len(frame.columns):
        return pd.DataFrame(columns=names)
    missing, own = [n for n in names if n not in frame], [c for c in frame if c not in names]
    if missing or (own and not find_table(table).has_own):
        raise KeyError(f"table {table!r}: missing {missing}, not in core/tables.yml {own}")
    return frame[[*names, *own]]


def write_codes(codes: np.ndarray, names: Iterable[str]) -> pd.Series:
    """Texts from their positions in a list of names; missing for -1."""
    known = pa.array(codes, mask=np.asarray(codes) < 0)
    texts = pa.array([*names], pa.large_string()).take(known)
    return pd.Series(pd.array(texts, dtype="str"))


def write_reference() -> str:
    """Write the reference page of all tables, docs/tables.md."""
    tables = read_tables().values()
    pages = [[_write_table(t) for t in tables if t.in_audit is here] for here in (True, False)]
    return _PAGE.format("".join(pages[0]), "".join(pages[1]))


_PAGE = """\
# Tables and columns

Written from `funnel_lib/core/tables.yml` by `make docs`; do not edit.

Kinds of columns: a **count** is a number of leads or the like, a sum of memberships where leads
belong to segments in part; a **share** lies between 0 and 1, and says what it is a share of;
**points** are a difference of shares; a **probability** is estimated, not divided; a **period** is
a month (2025-03) or a quarter (2025-Q2), or another group's name; **money** is of the row's
currency; **days** and
**hours** go by the clock; a **time** is a moment (UTC); a **step** and a **segment** are ids, a
**path** ids joined by ` > `, **steps** and **segments** ids joined by ` | ` or `+`; **words** and
**names** are codes, which reports write out in the reader's language. What cannot be known is
empty, never 0.

## Tables of an audit

`audit.tables[name]`, and a file `tables/<name>.csv` each. Columns further down than *further* are
not in the workbook.
{}
## Frames that functions return beside them
{}"""


def _write_table(table: Table) -> str:
    rows, names = [], {c.name for c in table.columns}
    for n, c in enumerate(table.columns):
        rows += ["| *further* | | | |"] * (n == table.n_shown)
        whole = f"`{c.base}`" if c.base else f"interval of `{c.of}`" if c.of in names else c.of
        rows.append(f"| `{c.name}` | {c.kind} | {whole} | {c.meaning} |")
    head = f"{table.question} One row: {table.row}. Made by `{table.made_by}`."
    rows = "\n".join(["| column | kind | share of | meaning |", "|---|---|---|---|", *rows])
    return f"\n### {table.name}\n\n{head}\n\n{rows}\n"


@cache
def _read_file() -> _File:
    return read_checked(REGISTRY, _File, "the registry of tables (tables.yml)", loader=FAST)


def _define(name: str, here: str | dict[str, Any] | None) -> Column:
    """A column as it means everywhere, and what a table says is different there."""
    own = here if isinstance(here, dict) else {"meaning": here} if here else {}
    if own.get("base"):
        own = {"of": "", **own}
    elif own.get("of"):
        own = {"base": "", **own}
    known = {"title": name, "words": name} | _read_file().columns.get(name, {}) | own
    return Column(name=name, **known)


if __name__ == "__main__":
    print(write_reference(), end="")
