"""A list of deals, one row a deal and no acts: the commonest table of all, as events and leads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import pandas as pd

from funnel_lib.core.events import STATUSES
from funnel_lib.core.words import say
from funnel_lib.reading.cells.currencies import split_header
from funnel_lib.reading.cells.numbers import read_numbers
from funnel_lib.reading.cells.outcomes import infer_outcomes, read_outcomes
from funnel_lib.reading.cells.times import Ambiguous, read_times
from funnel_lib.reading.columns import Mapping, bare_name, list_aliases, read_beside
from funnel_lib.reading.files.tables import RawTable
from funnel_lib.reading.files.typed import is_timestamp, show

CREATED = "deal_created"
# One of these tells a list of deals from any other table.
_TELLING = ("status", "stage", "amount", "loss_reason")
# Share of rows with an id of their own, and of cells that are times in a column of them.
UNIQUE = 0.9
FEWEST = 2  # rows of a list; a single one may be any record
_LOOKED_AT = 200  # cells of a column
_MOST_TEXT = 40  # letters of a date


@dataclass(frozen=True)
class Deals:
    """A list of deals.

    Attributes
    ----------
    columns : meaning -> column, lead_id among them
    frame : its cells as texts
    dates : column -> action, of dates that have been
    planned : columns of dates that are plans, and no events
    by_row : whether rows have no id, and their numbers are the leads'
    """

    columns: dict[str, str]
    frame: pd.DataFrame
    dates: dict[str, str]
    planned: list[str]
    by_row: bool


def find_deals(table: RawTable, mapping: Mapping) -> Deals | None:
    """Read a table as a list of deals; None where it is none.

    It has a column that only deals have, and ids, if any, that hardly repeat.
    """
    frame = table.frame
    found = find_list_columns(list(frame.columns), mapping)
    if len(frame) < FEWEST or not any(meaning in found for meaning in _TELLING):
        return None
    if "lead_id" not in mapping.columns or found["lead_id"] not in mapping.columns.values():
        key = _find_ids(frame)
        if key is None:
            return None
        found = {m: c for m, c in found.items() if m != "lead_id" and c != key}
        found |= {"lead_id": key} if key else {}
    by_row = "lead_id" not in found
    if by_row:
        found["lead_id"] = "row"
        frame = frame.assign(row=[f"row {n}" for n in range(2, len(frame) + 2)])
    used = {c for m, c in found.items() if m != "created_at"}
    dates = [c for c in frame if c not in used and _holds_dates(table.typed, c)]
    planned = [c for c in dates if _is_planned(c)]
    acts = {c: CREATED if c == found.get("created_at") else c for c in dates if c not in planned}
    return Deals(found, frame, acts, planned, by_row)


def explain_undated(deals: Deals, path: str, given: dict[str, str]) -> str:
    """Say what a list of deals without any date can tell, and what it cannot."""
    columns, frame = deals.columns, deals.frame
    nothing = pd.Series(index=frame.index, dtype="str")
    texts = {m: frame[columns[m]] if m in columns else nothing for m in (*_TELLING, "manager")}
    status = read_outcomes(texts["status"], given)
    status = status.fillna(infer_outcomes(texts["stage"], None, given))
    counts = status.value_counts()
    shown = ", ".join(f"{s} {counts.get(s, 0)}" for s in STATUSES)
    amount = read_numbers(texts["amount"])[status == "won"].sum()
    reasons = (texts["manager"].fillna("—") + ": " + texts["loss_reason"]).dropna()
    top = ", ".join(f"{r} ({n})" for r, n in reasons.value_counts().head(5).items())
    names = [c for c in frame if re.search(r"(?i)date|time|дата|врем|\bon$|\bat$", c)] or ["…"]
    dates = ", ".join(f'"{c}": …' for c in names[:3])
    return say("problem.deals_undated", path=path, n=len(frame), outcomes=shown, amount=amount,
               reasons=top or "—", dates=f"{{{dates}}}")  # fmt: skip


def find_list_columns(columns: list[str], mapping: Mapping) -> dict[str, str]:
    """What the columns of a list of deals mean: meaning -> column."""
    found = {m: c for m, c in mapping.columns.items() if c in columns}
    for meaning, names in read_beside(__file__)["columns"].items():
        free = {}
        for column in columns:
            if column not in found.values():
                bare = bare_name(split_header(column)[0] if meaning == "amount" else column)
                free.setdefault(bare or column, column)
                free.setdefault(bare_name(column) or column, column)
        asked = (bare_name(name) or name for name in names.replace('"', "").split(", "))
        column = next((free[name] for name in asked if name in free), None)
        if meaning not in found and column is not None:
            found[meaning] = column
    return found


def _find_ids(frame: pd.DataFrame) -> str | None:
    """The column of deals' ids: the first so named that hardly repeats; "" where there is none, and
    None where deals repeat, so that rows are something of theirs."""
    listed = read_beside(__file__)["columns"]["lead_id"].split(", ")
    names = [bare_name(name.strip('"')) for name in listed]
    named = {bare_name(column): column for column in reversed(frame.columns)}
    for name in dict.fromkeys(names):
        if name not in named or not name:
            continue
        known = frame[named[name]].dropna()
        unique = known.nunique() >= UNIQUE * len(known)
        if not unique and name not in _WEAK_IDS and len(known) > len(frame) / 2:
            return None
        if unique and len(known) >= UNIQUE * len(frame):
            return named[name]
    return ""


_WEAK_IDS = {bare_name(name) for name in ("id", "no", "номер", "record id", "external id")}


def _holds_dates(typed: pd.DataFrame, column: str) -> bool:
    """Whether a column's filled cells are dates, and no bare numbers."""
    if is_timestamp(typed[column]) if column in typed else False:
        return True
    if column not in typed:
        return False
    cells = show(typed[column]).dropna().iloc[:_LOOKED_AT]
    if not len(cells) or not pd.api.types.is_string_dtype(cells):
        return False
    if cells.str.len().max() > _MOST_TEXT or cells.str.fullmatch(r"[\d.,]{1,9}|\d{10,}").any():
        dotted = cells.str.fullmatch(r"\d{1,2}\.\d{1,2}\.\d{2,4}")
        if not dotted.all():
            return False
    try:
        return bool(read_times(cells)[0].notna().mean() >= UNIQUE)
    except Ambiguous:
        return True


def _is_planned(column: str) -> bool:
    return bool(_plans().search(column.casefold().replace("_", " ")))


@cache
def _plans() -> re.Pattern:
    stems = read_beside(__file__)["planned"]
    return re.compile(rf"\b(?:{'|'.join(sorted(list_aliases(stems)))})")
