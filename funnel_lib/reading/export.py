"""Export files read into one checked `EventLog`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from funnel_lib.core.errors import InputError, Problems
from funnel_lib.core.events import (
    CONTACT,
    MOST_UNUSABLE,
    OUTCOMES,
    UNUSABLE,
    EventLog,
    build_log,
    show_rows,
)
from funnel_lib.core.times import localize
from funnel_lib.core.words import say
from funnel_lib.reading.cells.times import Ambiguous, are_serials, read_times
from funnel_lib.reading.columns import ESSENTIAL, Mapping, find_columns
from funnel_lib.reading.contacts import find_contacts, number_clients
from funnel_lib.reading.crm import (
    check_crm,
    find_crm,
    is_known,
    is_outside,
    join_outside,
    list_sources,
    read_outside,
    take_crm,
)
from funnel_lib.reading.deals import find_deals
from funnel_lib.reading.files.tables import (
    EmptyTable,
    RawTable,
    find_tables,
    is_frame,
    read_table,
    show_path,
    take_frame,
)
from funnel_lib.reading.files.typed import show
from funnel_lib.reading.ledger import Ledger, Reading
from funnel_lib.reading.plain import Taken, as_acts, take_plain
from funnel_lib.reading.privacy import cover_examples, cover_taken, covering_errors


def read_export(
    events: str | Path | Any | list[str | Path | Any],
    leads: str | Path | Any | None = None,
    mapping: Mapping | None = None,
    *,
    crm: str = "auto",
    time_zone: str | None = None,
    observed_until: str | None = None,
    show_names: bool = False,
    sheet: str = "",
) -> EventLog:
    """Read export files, or frames, into a checked log.

    Parameters
    ----------
    events : a table file, several, or a folder of them. A table with a lead, a time and an action
        is read as events; one without times and actions as leads. An XES log is a table, too. The
        tables of a CRM (deals, their history, activities, contacts, leads) are recognised by their
        columns and joined by their ids; calls and payments of other systems by phone or tax number.
        A frame (pandas, polars, Arrow, a DuckDB relation …) stands for a file.
    leads : a table of leads, where it is a file, or a frame, of its own
    mapping : what the columns mean; wins over the keys of XES and the aliases of `columns.STRONG`
    crm : whose tables they are (a name of `crm.CRMS`); "auto" finds out, "plain" reads
        tables of events and leads by their columns' names alone
    time_zone : zone of times that carry none; wins over the mapping's; UTC where neither is given
    observed_until : day (to its end) or time of the export; not given, the last act or change in
        the data, but for a handful of stamps far behind all others
    show_names : keep columns of names of people, phones, mails, other personal data and free texts,
        and ids, actions and other texts that hold such as they are
    sheet : of workbooks, by its name or place; not given, the first that holds a table of leads or
        events, with further ones of the same columns, else the first table

    Raises
    ------
    InputError
        Every problem at once: no such file, empty, no recognisable column, two columns for one
        meaning, day and month not to be told apart, more than a tenth of the rows unusable, local
        times beside UTC, tables that may be of several CRMs.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
    >>> _ = path.write_text("ID сделки;Дата;Действие\\n7;01.02.2025 10:00;Заявка\\n", "cp1251")
    >>> read_export(path).events[["lead_id", "at", "action"]].astype(str).values.tolist()
    [['7', '2025-02-01 10:00:00+00:00', 'Заявка']]
    >>> frame = pd.DataFrame({"lead_id": [7], "at": ["2025-02-01"], "action": ["call"]})
    >>> read_export(frame).events["action"].tolist()
    ['call']
    """
    with covering_errors(show_names):
        return _read(events, leads, mapping, crm, time_zone, observed_until, show_names, sheet)


def _read(
    events, leads, mapping: Mapping | None, crm: str, time_zone, observed_until,
    show_names: bool, sheet: str,
) -> EventLog:  # fmt: skip
    check_crm(crm)
    mapping = _take_traces(mapping or Mapping())
    zone_given = time_zone or mapping.time_zone
    problems, files = Problems(), Ledger()
    given = [*events] if isinstance(events, list | tuple) else [events]
    tables = _read_tables(given, problems, files, "events", sheet)
    lead_tables = _read_tables([] if leads is None else [leads], problems, files, "leads")
    problems.raise_if_any()
    reading = Reading(mapping, zone_given or "UTC")
    ledger, zone = reading.ledger, reading.time_zone
    name, found, rest = find_crm([*tables, *lead_tables], crm, mapping)
    if name is None:
        taken, sources = _take_plain(tables, lead_tables, reading)
    else:
        taken, sources = take_crm(name, found, rest, reading)
        reading.check_zones(zone_given is not None)
    del tables, lead_tables, found, rest  # a large log does not stand there twice
    _refuse_unusable(taken.events, ledger.removed)
    contacts, cover = _list_contacts(taken), None
    if not show_names:
        taken, cover = cover_taken(taken, ledger)
        contacts = cover.cover_frame(contacts, ["lead_id"])
    ledger.add(files)
    if not (taken.events["lead_id"].notna() & taken.events["at"].notna()).any():
        raise InputError([_explain_no_event(sources, ledger)])
    zoned = taken.zoned.sum() == taken.events["at"].notna().sum()
    until = observed_until and read_moment(observed_until, zone, "observed_until")
    log = build_log(
        taken.events,
        taken.leads,
        until.tz_convert(zone) if until else None,
        removed=ledger.removed,
        noticed=ledger.noticed,
        assumed=() if zone_given or zoned else ("time_zone",),
        sources=sources,
        modified=taken.modified,
        lead_columns=mapping.lead_columns,
    )
    log = replace(log, stage_ends=taken.stage_ends, stage_ranks=taken.stage_ranks)
    del taken
    pa.default_memory_pool().release_unused()
    log = log if cover is None else cover_examples(log, cover.cover_text)
    return _number_clients(log, contacts)


def read_moment(text: str, time_zone: str, name: str, *, end_of_day: bool = True) -> pd.Timestamp:
    """Read a day or a time that the user gives; a day means its end, or its beginning."""
    try:
        times, zoned = read_times(pd.Series([text], dtype="str"), time_zone=time_zone)
    except Ambiguous:
        why = "may be day/month or month/day"
        raise InputError([f"{name} {text!r} {why}; write it as 2025-03-31"]) from None
    if times.isna()[0]:
        raise InputError([f"{name} {text!r} is no date; write it as 2025-03-31"])
    if ":" in text or zoned[0] or not end_of_day:
        return times[0]
    day = times[0].tz_convert(time_zone).tz_localize(None).normalize()
    following = localize(day + pd.Timedelta(days=1), time_zone)
    return following.tz_convert("UTC") - pd.Timedelta(microseconds=1)


def _take_traces(mapping: Mapping) -> Mapping:
    """What a trace of a log says, and the mapping names as the lead's, is the lead's."""
    told = {m: "last" for m, c in mapping.columns.items() if m in OUTCOMES and c[:5] == "case:"}
    return mapping.model_copy(update={"lead_columns": told | mapping.lead_columns})


def _find_sheet(path: Path, sheet: str) -> RawTable:
    """Read a table; of a workbook whose first table knows nothing of leads, the first that does,
    with all further sheets that have the same columns: a sheet a month, or a manager."""
    table = read_table(path, sheet)
    if sheet or not table.further_sheets:
        return table
    others = []
    for name in table.further_sheets:
        with suppress(InputError):
            others.append(read_table(path, name))
    if not _tells_leads(table):
        table = next(filter(_tells_leads, others), table)
    columns = {*table.columns}
    alike = [t for t in others if t is not table and {*t.columns} == columns]
    return _join_sheets([table, *alike]) if alike and "sheet" not in columns else table


def _join_sheets(alike: list[RawTable]) -> RawTable:
    """Put sheets of the same columns into one table; a column says which sheet a row is of. One
    most of whose rows stand in those before it is a copy, or the sum of them, and is not read."""
    tables = alike[:1]
    for table in alike[1:]:
        known = pd.concat([t.frame for t in tables]).drop_duplicates()
        if 2 * len(table.frame.merge(known, on=table.columns)) <= len(table.frame):
            tables.append(table)
    if len(tables) == 1:
        return tables[0]
    names = tuple(t.sheet for t in tables)
    further = tuple(name for name in tables[0].further_sheets if name not in names)
    frames = [t.frame.assign(sheet=t.sheet) for t in tables]
    joined = pd.concat(frames, ignore_index=True)
    return replace(tables[0], typed=joined, further_sheets=further, joined_sheets=names)


def _refuse_serials(table: RawTable) -> RawTable:
    """Mark bare numbers in the time columns of a workbook: it knows its dates, and a number that is
    none may count from 1904."""
    if table.kind != "Excel":
        return table
    found = find_columns(table.columns, Mapping())[0]
    marked = {}
    for column in (found[m] for m in ("at", "created_at", "closed_at") if m in found):
        texts = table.frame[column]
        if are_serials(texts):
            marked[column] = "number " + texts
    return replace(table, typed=table.typed.assign(**marked)) if marked else table


def _tells_leads(table: RawTable) -> bool:
    found = find_columns(table.columns, Mapping())[0]
    deals = find_deals(table, Mapping())
    return is_known(table) or {"at", "action"} <= found.keys() or bool(deals and deals.dates)


def _read_tables(
    paths: list, problems: Problems, ledger: Ledger, name: str, sheet: str = ""
) -> list[RawTable]:
    """Read every table. Left out and noted are empty ones beside others, and in a folder a JSON
    file or a text that holds no table of deals or events: it is for whoever needs it."""
    tables, strays, empty, why_empty = [], [], [], []
    listed = _list_files(paths, problems)
    for path, in_folder in listed:
        may_be_stray = in_folder and ".json" in path.suffixes
        may_be_stray |= in_folder and ".txt" in path.suffixes and len(listed) > 1
        try:
            table = (
                take_frame(path, name)
                if is_frame(path)
                else _refuse_serials(_find_sheet(path, sheet))
            )
            if may_be_stray and not is_known(table):
                raise InputError(["no table of deals or events"])
            tables.append(table)
        except EmptyTable as error:
            empty.append(name if is_frame(path) else show_path(path.name))
            why_empty += error.problems
        except InputError as error:
            if may_be_stray:
                strays.append(show_path(path.name))
            else:
                problems.found.extend(error.problems)
    if not tables:
        problems.found.extend(why_empty)
    sheets = [f"{Path(t.path).name} ({n})" for t in tables for n in t.further_sheets]
    left = (("file_not_read", strays), ("empty_file", empty), ("sheet_not_read", sheets))
    n_all = len(tables) + sum(len(names) for _, names in left)
    for check, names in left:
        ledger.note(check, len(names), n_all, "warning", ", ".join(names[:3]))
    for table in tables:
        n_rows, name = len(table.typed), Path(table.path).name
        ledger.note("two_encodings", table.odd_lines, n_rows, "warning", name)
        joined = table.joined_sheets
        ledger.note("sheets_joined", len(joined), len(joined), "info", ", ".join(joined))
        _note_cut_ids(table, ledger)
    return tables


def _explain_no_event(sources: pd.DataFrame, ledger: Ledger) -> str:
    """Say as what each file was read, by which columns, and which cells could not be read."""
    files = "; ".join(
        f"{Path(s.file).name}: {s.crm} {s.kind}" + (f" ({s.told_by})" if s.told_by else "")
        for s in sources.itertuples()
    )
    noticed = ledger.noticed
    unread = noticed[noticed["check"].str.startswith("unreadable_")]
    told = "; ".join(f"{r.check.removeprefix('unreadable_')}: {r.example}"
                     for r in unread.itertuples())  # fmt: skip
    removed = ledger.removed
    told = told or "; ".join(f"{r.reason} {r.rows}: {r.examples}" for r in removed.itertuples())
    return say("problem.no_event", files=files, unread=told or "—")


def _note_cut_ids(table: RawTable, ledger: Ledger) -> None:
    """Note long numbers of a workbook, of whose digits it keeps fifteen: ids may be others'."""
    if table.kind != "Excel":
        return
    for column, cells in table.typed.items():
        texts = show(cells)
        if pd.api.types.is_string_dtype(texts) and len(texts):
            long = texts[texts.str.fullmatch(r"\d{16,}").fillna(False)].iloc[:1000]
            cut = [
                t[15:].strip("0") == "" or (len(t) > 16 and str(int(float(t))) == t) for t in long
            ]
            if 2 * sum(cut) > len(long):
                ledger.note("cut_ids", len(long), len(texts), "warning", str(column))


def _list_files(paths: list, problems: Problems) -> list[tuple[Any, bool]]:
    """The table files and frames that are given, and whether each lies in a folder given."""
    files = []
    for given in paths:
        if is_frame(given):
            files.append((given, False))
            continue
        with problems.collecting():
            files += [(path, Path(given).is_dir()) for path in find_tables([given])]
    return files


def _take_plain(
    tables: list[RawTable], lead_tables: list[RawTable], reading: Reading
) -> tuple[Taken, pd.DataFrame]:
    """Read plain tables, and give the deals among them what other systems know of their clients."""
    outside = [t for t in tables if is_outside(t, reading.mapping)]
    if len(outside) == len(tables):
        outside = []
    own = [t for t in tables if t not in outside]
    taken = take_plain(own, lead_tables, reading)
    plain = [*own, *lead_tables]
    if not outside:
        return taken, list_sources(plain, [])
    found, acts = read_outside(outside, reading)
    rows = join_outside(acts, taken, reading.ledger)
    joined = replace(
        taken,
        events=pd.concat([as_acts(taken.events), rows], ignore_index=True),
        zoned=np.append(taken.zoned, np.full(len(rows), not reading.local)),
    )
    return joined, list_sources(plain, found)


def _list_contacts(taken: Taken) -> pd.DataFrame:
    """By what the clients of leads are known: by the tables of leads, else by the events."""
    known = [] if taken.contacts is None else [taken.contacts]
    if taken.leads is not None:
        known.append(find_contacts(taken.leads, taken.leads["lead_id"]))
    if any(map(len, known)):
        return pd.concat(known, ignore_index=True)
    return find_contacts(taken.events, taken.events["lead_id"])


def _number_clients(log: EventLog, contacts: pd.DataFrame) -> EventLog:
    """Give the leads the numbers of their clients, where these are known."""
    if contacts.empty:
        return log
    clients = number_clients(contacts, log.leads["lead_id"])
    return replace(log, leads=log.leads.assign(**{CONTACT: clients}))


def _refuse_unusable(rows: pd.DataFrame, removed: pd.DataFrame) -> None:
    """Refuse a log most of whose rows would have to be thrown away."""
    empty = rows[[*ESSENTIAL]].isna()
    counts = removed[removed["reason"].isin(UNUSABLE)].groupby("reason")["rows"].sum().to_dict()
    base = len(rows) + sum(counts.values())
    bad = empty.any(axis=1)
    first = empty[bad].idxmax(axis=1)
    reasons = {"lead_id": "no_lead", "at": "no_time", "action": "no_action"}
    for column, n in first.value_counts().items():
        counts[reasons[column]] = counts.get(reasons[column], 0) + int(n)
    if base and sum(counts.values()) > MOST_UNUSABLE * base:
        why = ", ".join(f"{reason} {n:,}" for reason, n in sorted(counts.items()))
        examples = "; ".join(removed.loc[removed["reason"].isin(counts), "examples"])
        shown = "; ".join(e for e in (examples, show_rows(rows[bad]) if bad.any() else "") if e)
        raise InputError([
            f"{sum(counts.values()):,} of {base:,} event rows cannot be used ({why}), more than a "
            f"tenth; for example {shown}. Check the file, or say in a mapping file what its "
            "columns mean"
        ])  # fmt: skip
