"""Tables of events and leads as any tool gives them: columns by aliases or a mapping file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from funnel_lib.core.errors import InputError, Problems, quote_some
from funnel_lib.core.events import EVENT_COLUMNS, LEAD_COLUMNS, OUTCOMES, STATUSES, show_rows
from funnel_lib.core.words import say
from funnel_lib.reading.cells.currencies import find_in_cells, split_header
from funnel_lib.reading.cells.numbers import bare_ids, read_numbers
from funnel_lib.reading.cells.outcomes import infer_outcomes
from funnel_lib.reading.cells.rows import read_own_columns, type_events, type_leads
from funnel_lib.reading.cells.times import read_durations
from funnel_lib.reading.columns import (
    DURATIONS,
    ESSENTIAL,
    WEAK,
    Mapping,
    bare_name,
    explain_missing,
    find_columns,
    list_aliases,
)
from funnel_lib.reading.deals import Deals, explain_undated, find_deals
from funnel_lib.reading.files.tables import RawTable
from funnel_lib.reading.files.typed import (
    have_few,
    is_category,
    is_integer,
    is_number,
    is_timestamp,
    show,
    to_texts,
)
from funnel_lib.reading.ledger import Ledger, Reading

# A row of one cell is a heading or the footer of a report.
_LONE = re.compile(r'"[^"]*"|[^;,\t|"]*')
_KEPT = tuple(c for c in LEAD_COLUMNS if c not in OUTCOMES)
# Whether a row has the values the mapping asks for; dropped as soon as the tables are put together.
_FITS = " fits where"
# Of which kinds columns of these meanings may stay typed; whatever else is read as text.
_TYPED = dict.fromkeys(("lead_id", "action", "actor"), (is_category, is_integer))
_TYPED |= dict.fromkeys(("at", "created_at", "closed_at"), (is_timestamp,))
_TYPED |= {"amount": (is_number,)}


@dataclass(frozen=True)
class Taken:
    """Tables of events and leads, typed.

    Attributes
    ----------
    events, leads : frames for `events.build_log`; leads is None where no table lists them. Of plain
        tables lead_id, action and actor are categorical.
    zoned : which events' times carry their zone, (n_events,)
    modified : when leads were last changed, where a CRM says so
    contacts : by what the clients of leads are known, of a CRM's tables: lead_id, contact
    stage_ends, stage_ranks : as of `events.EventLog`
    """

    events: pd.DataFrame
    leads: pd.DataFrame | None
    zoned: np.ndarray
    modified: pd.Series | None = None
    contacts: pd.DataFrame | None = None
    stage_ends: dict[str, str] = field(default_factory=dict)
    stage_ranks: dict[str, float] = field(default_factory=dict)


def take_plain(tables: list[RawTable], lead_tables: list[RawTable], reading: Reading) -> Taken:
    """Take events and leads out of plain tables.

    A table with a lead, a time and an action holds events; one without time and action, leads.
    Every problem is raised at once.
    """
    problems, mapping, ledger = Problems(), reading.mapping, reading.ledger
    check_mapping([*tables, *lead_tables], mapping, problems)
    _refuse_swapped(tables, lead_tables, mapping)
    event_parts, lead_parts = _sort_out(tables, lead_tables, reading, problems)
    problems.raise_if_any()
    rows = _put_together(event_parts)
    count_broken(tables, ledger)
    rows = _keep_where(rows, ledger)
    if rows.empty:
        raise InputError([f"the mapping's `where: {mapping.where}` leaves no row"])
    with problems.collecting():
        rows, zoned = type_events(rows, reading)
    leads = None
    with problems.collecting():
        leads, _ = type_leads(lead_parts, reading)
    problems.raise_if_any()
    _note_mixed_zones(rows, zoned, ledger)
    read_own_columns(rows, reading, ["created_at", *mapping.lead_columns])
    return Taken(rows, leads, zoned)


def as_acts(events: pd.DataFrame) -> pd.DataFrame:
    """Give the events of plain tables with texts, to be put beside those of other tables."""
    return events.astype({c: "str" for c in ("lead_id", "action", "actor") if c in events})


def take_leads(tables: list[RawTable], reading: Reading) -> tuple[pd.DataFrame | None, set[str]]:
    """Take leads out of plain tables: (leads, which kinds of times there are: zoned, local)."""
    problems = Problems()
    parts = _name_leads(tables, reading.mapping, problems)
    problems.raise_if_any()
    return type_leads(parts, reading)


def _note_mixed_zones(rows: pd.DataFrame, zoned: np.ndarray, ledger: Ledger) -> None:
    """Note the events that carry a zone among others that do not, or the other way round."""
    timed = rows["at"].notna().to_numpy()
    if zoned.any() and zoned.sum() != timed.sum():
        odd = zoned if zoned.sum() < timed.sum() / 2 else timed & ~zoned
        ledger.note("mixed_time_zones", odd.sum(), len(rows), "warning", show_rows(rows[odd]))


def _sort_out(tables, lead_tables, reading: Reading, problems: Problems):
    """Part event tables from lead tables, and give their columns the library's names; where no
    table has events, lists of deals give them by their dates."""
    event_parts, lead_parts, others, lone = [], [], [], len(tables) == 1
    mapping = reading.mapping
    for table in tables:
        found, double = _find_meanings(table, mapping)
        fits = find_fitting(table.typed, mapping.where)
        dates = {d: action for d, action in mapping.dates.items() if d in table.columns}
        is_lead = _is_list(table, found, mapping) if lone else _lists_leads(found)
        if "lead_id" in found and dates:
            problems.found += double
            event_parts.append(_melt(table.frame, found["lead_id"], dates, fits))
            lead_parts.append(_renamed(table.frame[fits].drop(columns=[*dates]), found))
        elif {*ESSENTIAL} <= found.keys() and not is_lead:
            problems.found += double
            rows, own = _part_outcomes(table.typed, found, reading)
            rows = _read_clocks(rows, reading.ledger)
            event_parts.append(_renamed(rows, own).assign(**{_FITS: fits}))
        else:
            others.append((table, found, double))
    listed = not event_parts
    for table, found, double in others:
        deals = find_deals(table, mapping) if listed else None
        if deals is not None:
            _take_deals(table, deals, event_parts, lead_parts, reading, problems)
            continue
        problems.found += double
        if "lead_id" in found and not lone and ("action" not in found or _lists_leads(found)):
            lead_parts.append(_renamed(table.frame, _without_at(found, mapping)))
        elif not double:
            missing = [m for m in ESSENTIAL if m not in found]
            problems.add(f"{table.path}: {explain_missing(missing, table.columns)}")
    lead_parts += _name_leads(lead_tables, mapping, problems)
    if not event_parts:  # a table of leads alone tells of no event
        for table, found, _ in others:
            if any(p.startswith(table.path) for p in problems.found):
                continue
            missing = [m for m in ESSENTIAL if m not in found]
            problems.add(f"{table.path}: {explain_missing(missing, table.columns)}")
    return event_parts, lead_parts


def _refuse_swapped(tables: list[RawTable], lead_tables: list[RawTable], mapping: Mapping) -> None:
    """Refuse events that are given as leads, beside leads that are given as events."""

    def has_events(table: RawTable) -> bool:
        found = _find_meanings(table, mapping)[0]
        return {*ESSENTIAL} <= found.keys() and not _lists_leads(found)

    if any(map(has_events, lead_tables)) and not any(map(has_events, tables)):
        names = {"events": tables[0].path, "leads": lead_tables[0].path}
        raise InputError([say("problem.swapped", **names)])


def _is_list(table: RawTable, found: dict[str, str], mapping: Mapping) -> bool:
    """Whether a table whose action is a mere name ("Title") is a list of deals."""
    weak = bare_name(found.get("action", "")) in list_aliases(WEAK["action"])
    weak &= "action" not in mapping.columns
    return weak and find_deals(table, mapping) is not None


def _take_deals(table: RawTable, deals: Deals, events: list, leads: list, reading, problems):
    """Give a list of deals as events, by its dates, and as leads."""
    mapping, ledger = reading.mapping, reading.ledger
    fits = find_fitting(deals.frame, mapping.where)
    if not deals.dates:
        problems.add(explain_undated(deals, table.path, mapping.outcomes))
        return
    columns = dict(deals.columns)
    told = "; ".join(f"{c} → {action}" for c, action in deals.dates.items())
    n_dates = int(deals.frame[[*deals.dates]].notna().to_numpy().sum())
    planned = f" (– {', '.join(deals.planned)})" if deals.planned else ""
    ledger.note("dates_as_events", n_dates, n_dates, "info", told + planned)
    ledger.note("rows_as_leads", len(fits) if deals.by_row else 0, len(fits), "warning", table.path)
    unread, n_columns = ", ".join(deals.unread), deals.frame.shape[1]
    ledger.note("steps_not_read", len(deals.unread), n_columns, "warning", unread)
    ledger.note_cells(
        "unreadable_cells", deals.odd, deals.odd.notna(), n_all=n_dates + len(deals.odd)
    )
    rows = ", ".join(f"row {n + 2}" for n in deals.left_out.index[:3])
    ledger.count_removed("no_deal", len(deals.left_out), rows, "leads")
    events.append(_melt(deals.frame, columns["lead_id"], deals.dates, fits))
    made = columns.get("created_at")
    kept = deals.frame[fits].drop(columns=[c for c in deals.dates if c != made])
    if "status" not in columns and "stage" in columns:
        named = kept[columns["stage"]]
        by_stage = infer_outcomes(named, None, mapping.outcomes)
        if "loss_reason" in columns:
            gone = kept[columns["loss_reason"]].notna() & (by_stage == "open")
            by_stage = by_stage.mask(gone, "lost")
        ledger.note_cells("outcome_by_stage_name", named, by_stage.isin(STATUSES[:2]))
        kept, columns["status"] = kept.assign(**{"status by stage": by_stage}), "status by stage"
    leads.append(_renamed(kept, columns))


def _part_outcomes(frame: pd.DataFrame, found: dict[str, str], reading: Reading):
    """Leave money and outcomes of events to the events, under their own names, and note it: (frame,
    the meanings of its other columns). An amount is a number, so that conditions can compare it."""
    mapping = reading.mapping
    theirs = {m: c for m, c in found.items() if m in OUTCOMES and m not in mapping.lead_columns}
    if "amount" in theirs:
        cells = frame[theirs["amount"]]
        frame = frame.assign(**{theirs["amount"]: read_numbers(cells, mapping.decimal_comma)})
    filled = {m: c for m, c in theirs.items() if frame[c].notna().any()}
    shown = ", ".join(f"{c} ({m})" for m, c in filled.items())
    lines = ", ".join(f"{m}: {'sum' if m == 'amount' else 'last'}" for m in filled)
    shown += f"; {{{lines}}}"
    reading.ledger.note("event_outcomes", len(frame) if filled else 0, len(frame), "warning", shown)
    return frame, {m: c for m, c in found.items() if m not in theirs}


def _read_clocks(frame: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Columns of durations with clocks in them as seconds, so that conditions can compare them, as
    those of telephony are."""
    for column in (c for c in frame if bare_name(c) in list_aliases(DURATIONS)):
        texts = show(frame[column])
        if pd.api.types.is_string_dtype(texts) and texts.str.contains(":", na=False).any():
            seconds = read_durations(texts)
            ledger.note_unreadable("cells", texts, seconds)
            frame = frame.assign(**{column: seconds})
    return frame


def _put_together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the events of all tables into one frame; what all of them type alike stays typed."""
    typed = {}
    for column in (c for c in _TYPED if all(c in part for part in parts)):
        cells = [part[column] for part in parts]
        if any(all(map(is_kind, cells)) for is_kind in _TYPED[column]):
            if len(cells) == 1:
                typed[column] = cells[0].reset_index(drop=True)
            elif is_category(cells[0]):
                if have_few(cells):
                    typed[column] = pd.Series(union_categoricals(cells))
            elif len({str(one.dtype) for one in cells}) == 1:
                typed[column] = pd.concat(cells, ignore_index=True)
    texts = [to_texts(part.drop(columns=[*typed])) for part in parts]
    rows = pd.concat(texts, ignore_index=True)
    for column, cells in typed.items():  # whatever it is called: `assign` knows no column "self"
        rows[column] = cells
    return rows[[*dict.fromkeys(c for part in parts for c in part)]]


def _lists_leads(found: dict[str, str]) -> bool:
    """Whether a "name" beside a status is that of a lead, and no action."""
    return "status" in found and bare_name(found.get("action", "")) in list_aliases(WEAK["action"])


def _name_leads(tables: list[RawTable], mapping: Mapping, problems: Problems):
    """Tables of leads by the library's names."""
    parts = []
    for table in tables:
        found, double = _find_meanings(table, mapping)
        problems.found += double
        if "lead_id" not in found and not double:
            problems.add(f"{table.path}: {explain_missing(['lead_id'], table.columns)}")
        parts.append(_renamed(table.frame, _without_at(found, mapping)))
    return parts


def _find_meanings(table: RawTable, mapping: Mapping) -> tuple[dict[str, str], list[str]]:
    """Find a table's columns, by the mapping, then by the kind of its file, then by aliases:
    (meaning -> column, problems)."""
    columns = table.columns
    given = {m: c for m, c in mapping.columns.items() if c in columns}
    taken = {*given.values(), *mapping.dates}
    known = {m: c for m, c in table.meanings.items() if c in columns and c not in taken}
    both = {**mapping.columns, **known, **given}
    found, problems = find_columns(columns, mapping.model_copy(update={"columns": both}))
    return found, [f"{table.path}: {problem}" for problem in problems]


def _without_at(found: dict[str, str], mapping: Mapping) -> dict[str, str]:
    """In a table of leads a date that could be an event's is the lead's creation."""
    found = {m: c for m, c in found.items() if m not in ("action", "actor")}
    at = found.pop("at", None)
    if at and "created_at" not in found and "created_at" not in mapping.columns:
        found["created_at"] = at
    return found


def _renamed(frame: pd.DataFrame, found: dict[str, str]) -> pd.DataFrame:
    """Name the columns by their meanings; a further column that would clash gets a new name."""
    other = {c for c in frame.columns if c not in found.values()}
    clash = {}
    for column in (c for c in other if c in {*EVENT_COLUMNS, *_KEPT, *found}):
        clash[column] = f"{column} (as read)"
        while clash[column] in other:
            clash[column] += " (as read)"
    frame = frame.rename(columns={**{c: m for m, c in found.items()}, **clash})
    currency = split_header(found["amount"])[1] if "amount" in found else None
    if currency:  # that only the header of the amounts names
        in_cells = find_in_cells(frame["amount"]).fillna(currency)
        known = frame.get("currency", in_cells)
        frame = frame.assign(currency=known.astype("str").fillna(in_cells))
    return frame.assign(lead_id=bare_ids(frame["lead_id"])) if "lead_id" in frame else frame


def _melt(frame: pd.DataFrame, key: str, dates: dict[str, str], fits: np.ndarray) -> pd.DataFrame:
    """Turn a table of one row a lead into events: each of the dates that is there is one."""
    parts = [
        pd.DataFrame({"lead_id": frame[key], "at": frame[column], "action": action, _FITS: fits})
        for column, action in dates.items()
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["at"].notna()]


def check_mapping(tables: list[RawTable], mapping: Mapping, problems: Problems) -> None:
    """Note each column that the mapping names and no table has."""
    there = dict.fromkeys(c for t in tables for c in t.columns)
    for column in [*mapping.columns.values(), *mapping.dates, *mapping.where]:
        if column not in there:
            found = quote_some(there, most=20)
            problems.add(
                f"the mapping file names a column {column!r}, which no table has; found {found}"
            )


def count_broken(tables: list[RawTable], ledger: Ledger) -> None:
    """Count rows that could not be split, and those of one text; shown are first cells where these
    are numbers, as others may be somebody's name."""
    rows = [row for t in tables for row in t.broken]
    several = [row for row in rows if not _LONE.fullmatch(row)]
    firsts = sorted({m[0] for row in several if (m := re.match(r"\d{1,18}(?=[;,\t|])", row))})
    ledger.count_removed("broken_row", len(several), ", ".join(f"{n}…" for n in firsts[:3]))
    ledger.count_removed("lone_text", len(rows) - len(several))


def find_fitting(frame: pd.DataFrame, where: dict[str, str | tuple[str, ...]]) -> np.ndarray:
    """Find which rows of a table as read have the values a mapping asks for, (n_rows,)."""
    fits = np.ones(len(frame), bool)
    for column, wanted in where.items():
        values = [wanted] if isinstance(wanted, str) else list(wanted)
        fits &= show(frame[column]).isin(values).to_numpy() if column in frame else False
    return fits


def _keep_where(rows: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    fits = rows[_FITS].to_numpy(bool)
    rows = ledger.leave_out("where", rows.drop(columns=_FITS), ~fits)
    return rows if fits.all() else rows.reset_index(drop=True)
