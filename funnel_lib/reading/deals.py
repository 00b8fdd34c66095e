"""A list of deals, one row a deal and no acts: the commonest table of all, as events and leads."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_lib.core.events import STATUSES
from funnel_lib.core.words import say
from funnel_lib.reading.cells.currencies import split_header
from funnel_lib.reading.cells.numbers import read_numbers
from funnel_lib.reading.cells.outcomes import infer_outcomes, read_outcomes
from funnel_lib.reading.cells.people import KEYS
from funnel_lib.reading.cells.times import Ambiguous, read_times
from funnel_lib.reading.columns import Mapping, bare_name, list_aliases, read_beside
from funnel_lib.reading.files.tables import RawTable
from funnel_lib.reading.files.typed import is_timestamp

CREATED = "deal_created"
# One of these tells a list of deals from any other table.
_TELLING = ("status", "stage", "amount", "loss_reason")
UNIQUE = 0.9  # share of rows with an id of their own
SOME = 0.2  # share of cells with dates in them, in a column that is told of
MOSTLY = 0.5  # share of cells that are times, in a column of them
FEWEST = 2  # rows of a list; a single one may be any record
_LOOKED_AT = 200  # cells of a column
_MOST_TEXT = 40  # letters of a date
_TABLE = read_beside(__file__)
_PLANNED = re.compile(rf"\b(?:{'|'.join(list_aliases(_TABLE['planned']))})")
_SUBJECT = re.compile(rf"(?i)\b(?:{_TABLE['subjects'].replace(', ', '|')})\b")


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
    unread : columns that tell of steps in ways that give no event: ticks, dates within a text
    odd : cells of the dates that are none
    left_out : rows that are no deals: headings, totals, the header once more
    """

    columns: dict[str, str]
    frame: pd.DataFrame
    dates: dict[str, str]
    planned: list[str]
    by_row: bool
    unread: list[str]
    odd: pd.Series
    left_out: pd.DataFrame


def find_deals(table: RawTable, mapping: Mapping) -> Deals | None:
    """Read a table as a list of deals; None where it is none.

    It has a column that only deals have, and ids, if any, that hardly repeat. Rows that are no
    deals are left out, and so are cells of dates that are none.
    """
    read = table.frame
    found = find_list_columns(list(read.columns), mapping)
    if len(read) < FEWEST or not any(meaning in found for meaning in _TELLING):
        return None
    frame, times, odd = _keep_deals(table, found)
    if "lead_id" not in mapping.columns or found["lead_id"] not in mapping.columns.values():
        key = _find_ids(frame)
        if key is None or (not key and _are_acts(frame)):
            return None
        found = {m: c for m, c in found.items() if m != "lead_id" and c != key}
        found |= {"lead_id": key} if key else {}
    by_row = "lead_id" not in found
    if by_row:
        found["lead_id"] = "row"
        frame = frame.assign(row=[f"row {n}" for n in frame.index + 2])
    dates = [c for c in times if c != found["lead_id"]]
    planned = [c for c in dates if _PLANNED.search(c.casefold().replace("_", " "))]
    acts = {c: CREATED if c == found.get("created_at") else c for c in dates if c not in planned}
    unread = [c for c in frame if c not in {*found.values(), *dates} and _tells_steps(frame[c])]
    return Deals(found, frame, acts, planned, by_row, unread, odd, read.drop(index=frame.index))


def _keep_deals(table: RawTable, found: dict[str, str]) -> tuple[pd.DataFrame, list, pd.Series]:
    """Keep the rows that are deals and not the header once more, with a date or a status: headings
    of groups and totals have none. With the columns of dates, and what in these is no date."""
    frame, typed = table.frame, table.typed
    again = (frame == frame.columns).sum(axis=1) > frame.notna().sum(axis=1) / 2
    if again.any():
        frame, typed = frame[~again], typed[~again]
    used = {c for m, c in found.items() if m != "created_at"}
    dated = {c: _read_dates(frame[c], typed[c]) for c in frame if c not in used}
    times = {c: of for c, of in dated.items() if of is not None}
    if not times:
        return frame, [], pd.Series(dtype="str")
    told = [frame[found[m]].notna() for m in ("status", "stage") if m in found]
    is_deal = np.any([*times.values(), *told], axis=0)
    odd = [frame.loc[is_deal & ~of, c].dropna() for c, of in times.items()]
    frame = frame.assign(**{c: frame[c].where(of) for c, of in times.items()})[is_deal]
    return frame, [*times], pd.concat(odd)


def _are_acts(frame: pd.DataFrame) -> bool:
    """Whether clients come again and again in a list without ids: its rows are what happened."""
    phones = [frame[c].dropna() for c in frame if KEYS["phone"].search(c)]
    return any(len(p) > len(frame) / 2 and p.nunique() < len(p) / 2 for p in phones)


def _tells_steps(cells: pd.Series) -> bool:
    """Whether cells are ticks, or many are texts with dates in them."""
    texts = cells.dropna().str.casefold()
    dated = texts.str.contains(_DAY) | (texts.str.count(r"\b\d{1,2}[./]\d{1,2}\b") > 1)
    return len(texts) > 0 and bool(texts.str.fullmatch(_TICK).all() or dated.mean() > SOME)


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
    for meaning, names in _TABLE["columns"].items():
        free = _name_all([c for c in columns if c not in found.values()], meaning)
        column = next((free[name] for name in _list_names(names) if name in free), None)
        if meaning not in found and column is not None:
            found[meaning] = column
    return found


def _list_names(names: str) -> list[str]:
    return [bare_name(name) or name for name in names.replace('"', "").split(", ")]


def _name_all(columns: list[str], meaning: str) -> dict[str, str]:
    """Each name a column may go by -> the column: its own before those without the currency,
    without what stands behind a dash or in brackets, without whose it is ("Статус заказа")."""
    ways = [lambda c: c, lambda c: _ASIDE.sub("", c)]
    ways += [lambda c: split_header(c)[0]] * (meaning == "amount")
    ways += [lambda c: _SUBJECT.sub(" ", _ASIDE.sub("", c))] * (meaning not in _DAYS)
    named: dict[str, str] = {}
    for way in ways:
        for column in columns:
            named.setdefault(bare_name(way(column)) or way(column), column)
    return named


_ASIDE = re.compile(r"\s+-\s.*$|\s*\(.*\)$")
# "Дата договора" is no date of creation, whatever "Дата" is.
_DAYS = ("created_at", "closed_at", "modified_at")
_DAY = r"\b(?:\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d\d-\d\d|[^\W\d_]{3,9}\.? \d{1,2}, \d{4})\b"
_TICK = r"да|нет|yes|no|true|false|checked|[+✓✔☑✅❌vyx×х-]+|ок|ok"


def _find_ids(frame: pd.DataFrame) -> str | None:
    """The column of deals' ids: the first so named that hardly repeats; "" where there is none, and
    None where deals repeat, so that rows are something of theirs."""
    named = _name_all(list(frame.columns), "lead_id")
    for name in dict.fromkeys(_list_names(_TABLE["columns"]["lead_id"])):
        if name not in named:
            continue
        known = frame[named[name]].dropna()
        unique = known.nunique() >= UNIQUE * len(known)
        if not unique and name not in _WEAK_IDS and len(known) > len(frame) / 2:
            return None
        if unique and len(known) >= UNIQUE * len(frame):
            return named[name]
    return ""


_WEAK_IDS = {"id", "no", "номер", "recordid", "externalid", "№", "#"}


def _read_dates(cells: pd.Series, typed: pd.Series) -> pd.Series | None:
    """Which cells of a column are dates, and no bare numbers; None where most are none."""
    if is_timestamp(typed):
        return cells.notna()
    texts = cells.dropna()
    some = texts.iloc[:_LOOKED_AT]
    for looked in (some, texts):
        number = looked.str.fullmatch(r"[\d.,]{1,9}|\d{10,}")
        number &= ~looked.str.fullmatch(r"\d{1,2}\.\d{1,2}\.\d{2,4}")
        short = ~number & (looked.str.len() <= _MOST_TEXT)
        try:
            read = short & read_times(looked)[0].notna()
        except Ambiguous:
            read = short
        if not len(looked) or read.mean() <= MOSTLY:
            return None
    return read.reindex(cells.index, fill_value=False)
