"""Export files read into one checked `EventLog`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from funnel_lib.errors import InputError, Problems, quote_some
from funnel_lib.events import (
    EVENT_COLUMNS,
    LEAD_COLUMNS,
    MOST_UNUSABLE,
    STATUSES,
    UNUSABLE,
    EventLog,
    build_log,
    note_checks,
    note_removed,
    show_rows,
)
from funnel_lib.readers.columns import (
    DEFAULT_STATUSES,
    Mapping,
    explain_missing,
    find_columns,
    read_mapping,
)
from funnel_lib.readers.tables import RawTable, find_tables, read_table
from funnel_lib.readers.values import Ambiguous, read_numbers, read_times

# Whether a row has the values the mapping asks for; dropped as soon as the tables are put together.
_FITS = " fits where"

__all__ = ["Mapping", "find_tables", "read_export", "read_mapping", "read_moment"]


def read_export(
    events: str | Path | list[str | Path],
    leads: str | Path | None = None,
    mapping: Mapping | None = None,
    *,
    time_zone: str | None = None,
    observed_until: str | None = None,
) -> EventLog:
    """Read export files into a checked log.

    Parameters
    ----------
    events : a table file, several, or a folder of them. A table with a lead, a time and an action
        is read as events; one without times and actions as leads. An XES log is a table, too.
    leads : a table of leads, where it is a file of its own
    mapping : what the columns mean; wins over the keys of XES and the aliases of `readers.columns`
    time_zone : zone of times that carry none; wins over the mapping's; UTC where neither tells
    observed_until : day (to its end) or moment of the export; not told, the last moment in the data

    Returns
    -------
    EventLog

    Raises
    ------
    InputError
        Every problem at once: no such file, empty, no recognisable column, two columns for one
        meaning, day and month not to be told apart, more than a tenth of the rows unusable.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
    >>> _ = path.write_text("ID сделки;Дата;Действие\\n7;01.02.2025 10:00;Заявка\\n", "cp1251")
    >>> read_export(path).events[["lead_id", "at", "action"]].astype(str).values.tolist()
    [['7', '2025-02-01 10:00:00+00:00', 'Заявка']]
    """
    mapping = mapping or Mapping()
    zone = time_zone or mapping.time_zone or "UTC"
    problems = Problems()
    tables = _read_tables(events if isinstance(events, list) else [events], problems)
    lead_tables = _read_tables([leads], problems) if leads is not None else []
    problems.raise_if_any()
    event_parts, lead_parts = _sort_out(tables, lead_tables, mapping, problems)
    problems.raise_if_any()
    rows = pd.concat(event_parts, ignore_index=True)
    lead_rows = _join_lead_tables(lead_parts)
    removed = [_broken(tables)]
    rows = _keep_where(rows, removed)
    if rows.empty:
        raise InputError([f"the mapping's `where: {mapping.where}` leaves no row"])
    with problems.collecting():
        rows, zoned = _typed_events(rows, mapping, zone, removed)
    noticed = []
    with problems.collecting():
        lead_rows = _typed_leads(lead_rows, mapping, zone, noticed)
    problems.raise_if_any()
    _refuse_unusable(rows, pd.concat(removed), problems)
    problems.raise_if_any()
    timed = rows["at"].notna().to_numpy()
    all_zoned = zoned.sum() == timed.sum()
    if zoned.any() and not all_zoned:
        odd = zoned if zoned.sum() < timed.sum() / 2 else timed & ~zoned
        noticed.append(("mixed_time_zones", odd.sum(), len(rows), "warning", show_rows(rows[odd])))
    _read_own_columns(rows, mapping, zone, noticed)
    until = read_moment(observed_until, zone, "observed_until") if observed_until else None
    return build_log(
        rows,
        lead_rows,
        until,
        removed=pd.concat(removed, ignore_index=True),
        noticed=note_checks(noticed),
        assumed=() if time_zone or mapping.time_zone or all_zoned else ("time_zone",),
    )


def read_moment(text: str, time_zone: str, name: str, *, end_of_day: bool = True) -> pd.Timestamp:
    """Read a day or a moment given by the user; a day means its end, or its beginning.

    Examples
    --------
    >>> read_moment("2025-03-31", "UTC", "observed_until")
    Timestamp('2025-03-31 23:59:59.999999+0000', tz='UTC')
    """
    try:
        times, zoned = read_times(pd.Series([text], dtype="str"), time_zone=time_zone)
    except Ambiguous:
        why = "may be day/month or month/day"
        raise InputError([f"{name} {text!r} {why}; write it as 2025-03-31"]) from None
    if times.isna()[0]:
        raise InputError([f"{name} {text!r} is no date; write it as 2025-03-31"])
    whole_day = ":" not in text and not zoned[0]
    step = pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)
    return times[0] + step if whole_day and end_of_day else times[0]


def _read_tables(paths: list, problems: Problems) -> list[RawTable]:
    tables = []
    for given in paths:
        with problems.collecting():
            for path in find_tables([given]):
                with problems.collecting():
                    tables.append(read_table(path))
    return tables


def _sort_out(tables, lead_tables, mapping: Mapping, problems: Problems):
    """Tell event tables from lead tables, and give their columns the library's names."""
    event_parts, lead_parts = [], []
    told = [c for t in [*tables, *lead_tables] for c in t.frame.columns]
    for column in [*mapping.columns.values(), *mapping.dates, *mapping.where]:
        if column not in told:
            found = quote_some(dict.fromkeys(told), most=20)
            problems.add(f"the mapping file names a column {column!r}; found {found}")
    for table in tables:
        found, double = _find_meanings(table, mapping)
        for problem in double:
            problems.add(f"{table.path}: {problem}")
        fits = _fits_where(table.frame, mapping)
        dates = [d for d in mapping.dates if d in table.frame.columns]
        if "lead_id" in found and dates:
            event_parts.append(_melt_dates(table.frame, found, mapping, fits))
            lead_parts.append(_renamed(table.frame[fits].drop(columns=dates), found))
        elif {"lead_id", "at", "action"} <= found.keys():
            event_parts.append(_renamed(table.frame, found).assign(**{_FITS: fits}))
        elif "lead_id" in found and len(tables) > 1 and "action" not in found:
            lead_parts.append(_renamed(table.frame, _without_at(found, table, mapping)))
        elif not double:
            missing = [m for m in ("lead_id", "at", "action") if m not in found]
            problems.add(f"{table.path}: {explain_missing(missing, list(table.frame.columns))}")
    for table in lead_tables:
        found, double = _find_meanings(table, mapping)
        for problem in double:
            problems.add(f"{table.path}: {problem}")
        if "lead_id" not in found and not double:
            problems.add(f"{table.path}: {explain_missing(['lead_id'], list(table.frame.columns))}")
        lead_parts.append(_renamed(table.frame, _without_at(found, table, mapping)))
    if not event_parts and not problems.found:
        problems.add("none of the files has a lead, a time and an action in every row")
    return event_parts, lead_parts


def _find_meanings(table: RawTable, mapping: Mapping) -> tuple[dict[str, str], list[str]]:
    """Find a table's columns: by the mapping, then by the kind of its file, then by aliases."""
    columns = list(table.frame.columns)
    told = {m: c for m, c in mapping.columns.items() if c in columns}
    taken = {*told.values(), *mapping.dates}
    known = {m: c for m, c in table.meanings.items() if c in columns and c not in taken}
    both = {**mapping.columns, **known, **told}
    return find_columns(columns, mapping.model_copy(update={"columns": both}))


def _join_lead_tables(parts: list[pd.DataFrame]) -> pd.DataFrame | None:
    """Join tables of leads by lead: each fills what the ones before it leave out.

    A lead's second row in one and the same table stays a row, to be counted as repeated.
    """
    if not parts:
        return None
    joined = parts[0]
    for part in parts[1:]:
        again = part["lead_id"].duplicated() | part["lead_id"].isna()
        known = part[~again].set_index("lead_id")
        for column in known.columns:
            told = joined["lead_id"].map(known[column])
            joined = joined.assign(
                **{column: joined[column].fillna(told) if column in joined else told}
            )
        new = again | ~part["lead_id"].isin(joined["lead_id"])
        joined = pd.concat([joined, part[new]], ignore_index=True)
    return joined


def _without_at(found: dict[str, str], table: RawTable, mapping: Mapping) -> dict[str, str]:
    """In a table of leads a date that could be an event's is the lead's creation."""
    found = {m: c for m, c in found.items() if m not in ("action", "actor")}
    at = found.pop("at", None)
    if at and "created_at" not in found and "created_at" not in mapping.columns:
        found["created_at"] = at
    return found


def _renamed(frame: pd.DataFrame, found: dict[str, str]) -> pd.DataFrame:
    """Name the columns by their meanings; a further column that would clash gets a new name."""
    other = {c for c in frame.columns if c not in found.values()}
    clash = {c: f"{c} (as read)" for c in other if c in {*EVENT_COLUMNS, *LEAD_COLUMNS, *found}}
    return frame.rename(columns={**{c: m for m, c in found.items()}, **clash})


def _melt_dates(frame: pd.DataFrame, found: dict[str, str], mapping: Mapping, fits: np.ndarray):
    """Turn a table of one row a lead into events: each named date that is there is one."""
    lead = frame[found["lead_id"]]
    parts = [
        pd.DataFrame({"lead_id": lead, "at": frame[column], "action": action, _FITS: fits})
        for column, action in mapping.dates.items()
        if column in frame
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["at"].notna()]


def _broken(tables: list[RawTable]) -> pd.DataFrame:
    """Rows that could not be split; named by their text, as row numbers change with the order."""
    rows = sorted(row for t in tables for row in t.broken)
    shown = "; ".join(r[:120] for r in rows[:3])
    record = [("events", "broken_row", len(rows), shown)] if rows else []
    return pd.DataFrame(record, columns=note_removed([]).columns)


def _fits_where(frame: pd.DataFrame, mapping: Mapping) -> np.ndarray:
    """Which rows of a table as read have the values the mapping asks for."""
    fits = np.ones(len(frame), bool)
    for column, wanted in mapping.where.items():
        values = [wanted] if isinstance(wanted, str) else list(wanted)
        fits &= frame[column].isin(values).to_numpy() if column in frame else False
    return fits


def _keep_where(rows: pd.DataFrame, removed: list) -> pd.DataFrame:
    keep = rows[_FITS].to_numpy(bool)
    rows = rows.drop(columns=_FITS)
    removed.append(note_removed([("events", "where", ~keep, rows)]))
    return rows[keep].reset_index(drop=True)


def _typed_events(rows: pd.DataFrame, mapping: Mapping, zone: str, removed: list):
    try:
        times, zoned = read_times(rows["at"], mapping.day_first, zone)
    except Ambiguous as error:
        raise InputError([f"the time column: {p}" for p in error.problems]) from None
    unreadable = (rows["at"].notna() & times.isna() & rows["lead_id"].notna()).to_numpy()
    removed.append(note_removed([("events", "unreadable_time", unreadable, rows)]))
    return rows.assign(at=times)[~unreadable].reset_index(drop=True), zoned[~unreadable]


def _typed_leads(leads: pd.DataFrame | None, mapping: Mapping, zone: str, noticed: list):
    if leads is not None:
        leads = leads.drop(columns=[c for c in ("at", "action", "actor") if c in leads])
        _read_own_columns(leads, mapping, zone, noticed)
    return leads


def _read_own_columns(frame: pd.DataFrame, mapping: Mapping, zone: str, noticed: list) -> None:
    """Read the lead's own columns in place: dates, the amount, the status."""
    problems = Problems()
    for column in ("created_at", "closed_at"):
        if column in frame:
            with problems.collecting():
                try:
                    times, _ = read_times(frame[column], mapping.day_first, zone)
                except Ambiguous as error:
                    raise InputError(
                        [f"the column {column}: {p}" for p in error.problems]
                    ) from None
                _note_unreadable(column, frame, times, noticed)
                frame[column] = times
    problems.raise_if_any()
    if "amount" in frame:
        amounts = read_numbers(frame["amount"], mapping.decimal_comma)
        _note_unreadable("amount", frame, amounts, noticed)
        frame["amount"] = amounts
    if "status" in frame:
        status = _read_statuses(frame["status"], mapping)
        _note_unreadable("status", frame, status, noticed)
        frame["status"] = status


def _note_unreadable(column: str, frame, read: pd.Series, noticed: list) -> None:
    lost = (frame[column].notna() & read.isna()).to_numpy()
    examples = ", ".join(sorted(frame.loc[lost, column].astype(str).unique())[:3])
    noticed.append((f"unreadable_{column}", lost.sum(), len(frame), "warning", examples))


def _read_statuses(texts: pd.Series, mapping: Mapping) -> pd.Series:
    known = {w: s for s in STATUSES for w in [s, *DEFAULT_STATUSES[s].split(", ")]}
    known |= {w.casefold(): s for s, words in mapping.status_values.items() for w in words}
    return texts.str.strip().str.casefold().map(known).astype("str")


def _refuse_unusable(rows: pd.DataFrame, removed: pd.DataFrame, problems: Problems) -> None:
    """Refuse a log most of whose rows would have to be thrown away."""
    empty = rows[["lead_id", "at", "action"]].isna()
    counts = removed[removed["reason"].isin(UNUSABLE)].groupby("reason")["rows"].sum().to_dict()
    base = len(rows) + sum(counts.values())
    first = empty.idxmax(axis=1)[empty.any(axis=1)]
    reasons = {"lead_id": "no_lead", "at": "no_time", "action": "no_action"}
    for column, n in first.value_counts().items():
        counts[reasons[column]] = counts.get(reasons[column], 0) + int(n)
    if base and sum(counts.values()) > MOST_UNUSABLE * base:
        told = ", ".join(f"{reason} {n:,}" for reason, n in sorted(counts.items()))
        examples = "; ".join(removed.loc[removed["reason"].isin(counts), "examples"])
        bad = show_rows(rows[empty.any(axis=1)]) if empty.any(axis=None) else ""
        shown = "; ".join(e for e in (examples, bad) if e)
        problems.add(
            f"{sum(counts.values()):,} of {base:,} event rows cannot be used ({told}), more than a "
            f"tenth; for example {shown}. Check the file, or say in a mapping file what its "
            "columns mean"
        )
