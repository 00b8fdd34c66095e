"""The CRMs whose exports are known: which one a set of tables is of, and its tables as one log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, Problems, quote_some
from funnel_lib.core.events import SOURCE_COLUMNS, note_removed
from funnel_lib.reading import outside
from funnel_lib.reading.cells.people import KEYS
from funnel_lib.reading.cells.times import read_times
from funnel_lib.reading.columns import Mapping, explain_missing, find_columns, names_lead
from funnel_lib.reading.crms import amocrm, bitrix24, hubspot, pipedrive, salesforce
from funnel_lib.reading.crms.assembly import assemble, count_removed, give_to_deals
from funnel_lib.reading.crms.joins import CrmData, join_deals
from funnel_lib.reading.crms.kinds import Clock, Found, Kind, empty_table, recognise, take_table
from funnel_lib.reading.files.tables import RawTable
from funnel_lib.reading.plain import (
    Taken,
    check_mapping,
    count_broken,
    find_fitting,
    note_differing,
    take_leads,
    take_plain,
)

CRMS = {m.NAME: m for m in (amocrm, bitrix24, hubspot, pipedrive, salesforce)}
SAME = {"kommo": "amocrm"}
# Dictionaries and lists of people: many a table looks like one, so they never tell the CRM.
_ASIDE = (
    "users", "owners", "people", "persons", "companies", "accounts", "roles", "stages", "pipelines",
    "api_pipelines", "dictionary", "categories", "category_pages",
)  # fmt: skip
# What `crm` may be told besides: find out; read as plain tables of events and leads.
AUTO, PLAIN = "auto", "plain"


def check_crm(crm: str) -> None:
    """Raise an `InputError` for a CRM that is not known."""
    known = (AUTO, *CRMS, *SAME, PLAIN)
    if crm.casefold() not in known:
        raise InputError([f"--crm {crm}: choose from {', '.join(known)}"])


def find_crm(
    tables: list[RawTable], crm: str, mapping: Mapping
) -> tuple[str | None, list[Found], list[RawTable]]:
    """Which CRM are these tables of?

    Parameters
    ----------
    tables : as read
    crm : a CRM's name, "auto" or "plain"
    mapping : a table whose time or action it names is a plain one

    Returns
    -------
    (name, tables of that CRM with their kinds, the others). The name is None where no table is a
    known CRM's.

    Raises
    ------
    InputError
        The tables are of several CRMs, or may be; or none is of the one that is named.
    """
    crm = crm.casefold()
    if crm == PLAIN:
        return None, [], tables
    wanted = [SAME.get(crm, crm)] if crm != AUTO else list(CRMS)
    kinds = tuple(k for name in wanted for k in CRMS[name].KINDS)
    plain = [_is_mapped(t, mapping) for t in tables]
    guesses = [[] if p else recognise(t, kinds) for t, p in zip(tables, plain, strict=True)]
    name = _agree(guesses)
    if crm != AUTO:
        looks_like = {of for t in tables for of in _name_crms(t)}
        if name is None or (looks_like and name not in looks_like):
            raise InputError([_explain(tables, wanted[0], sorted(looks_like))])
    found = [next((f for f in of if f.kind.crm == name), None) for of in guesses]
    rest = [t for t, f in zip(tables, found, strict=True) if f is None]
    return name, [f for f in found if f is not None], rest


def take_crm(
    name: str, found: list[Found], rest: list[RawTable], mapping: Mapping, clock: Clock
) -> tuple[Taken, pd.DataFrame]:
    """Read a CRM's tables, and what other tables know of its deals, as one log.

    Parameters
    ----------
    name, found, rest : of `find_crm`
    mapping, clock : how to read columns and times

    Returns
    -------
    (tables for `events.build_log`, sources as of `list_sources`)

    Raises
    ------
    InputError
        Every problem at once; a table that is neither the CRM's nor has a lead, a phone or a tax
        number.
    """
    problems, noticed = Problems(), []
    removed = [count_broken([f.table for f in found])]
    tables, double, unfit, outdated = _take(CRMS[name].KINDS, found, mapping, clock, noticed)
    removed += outdated
    told = {w.casefold(): s for s, words in mapping.status_values.items() for w in words}
    data = CRMS[name].convert(tables, told)
    known = [*(f.table for f in found), *rest, RawTable("", data.deals)]
    check_mapping(known, mapping, problems)
    problems.raise_if_any()
    data.removed += [("duplicate", rows) for rows in double if len(rows)]
    data.removed += [("where", rows) for rows in unfit if len(rows)]
    _leave_out_unfit(data, unfit)
    acts, sources = _take_rest(rest, data, mapping, clock, noticed, removed)
    dated = _take_dates(data.deals, mapping, clock, noticed)
    data.acts = pd.concat([data.acts, dated, acts], ignore_index=True)
    if data.acts["owner"].isin([*KEYS]).any():
        outside.link_keys(data)
    rows, leads, gone = assemble(data)
    zoned = np.full(len(rows), not clock.local)
    parts = pd.concat([*removed, gone], ignore_index=True)
    taken = Taken(rows, leads, zoned, parts, [*noticed, *data.noticed])
    return taken, pd.concat([list_sources(found), sources], ignore_index=True)


def is_known(table: RawTable) -> bool:
    """Whether a table is any CRM's, or has a lead, a phone or a tax number."""
    kinds = (*(k for m in CRMS.values() for k in m.KINDS), *outside.KINDS)
    lead = "lead_id" in find_columns(list(table.frame.columns), Mapping())[0]
    return lead or bool(recognise(table, kinds))


def is_outside(table: RawTable, mapping: Mapping) -> bool:
    """Whether a table knows clients by phone or tax number, and names no lead: a mere number may be
    that of a call or a payment."""
    columns = list(table.frame.columns)
    lead = "lead_id" in find_columns(columns, mapping)[0] and names_lead(columns, mapping)
    return not lead and bool(recognise(table, outside.KINDS))


def join_outside(
    acts: pd.DataFrame, taken: Taken, noticed: list
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give calls and payments of other systems to plain leads: (events, what was left out)."""
    leads = taken.leads if taken.leads is not None else taken.events[["lead_id"]].astype("str")
    columns = ["created_at", "closed_at", "status"]
    leads = leads.reindex(columns=[*dict.fromkeys([*leads.columns, *columns])])
    times = {c: pd.to_datetime(leads[c], utc=True) for c in columns[:2]}
    data = CrmData(deals=leads.assign(**times), acts=acts)
    outside.link_keys(data)
    rows = give_to_deals(acts, data, data.prospects)
    noticed += data.noticed
    return rows, count_removed(data)


def read_outside(
    tables: list[RawTable], mapping: Mapping, clock: Clock, noticed: list
) -> tuple[list[Found], pd.DataFrame]:
    """Read calls and payments of other systems: the tables they are, and acts for `CrmData`."""
    found = [f for t in tables for f in recognise(t, outside.KINDS)[:1]]
    of_calls = Mapping(columns={m: c for m, c in mapping.columns.items() if m in ("at", "action")})
    taken, *_ = _take(outside.KINDS, found, of_calls, clock, noticed)
    return found, outside.take_acts(taken, noticed)


def list_sources(found: list[Found]) -> pd.DataFrame:
    """Which file was read as what, and by which columns: file, crm, kind, n_rows, told_by."""
    rows = [
        (f.table.path, f.kind.crm, f.kind.name, len(f.table.frame), ", ".join(f.told_by))
        for f in found
    ]
    return pd.DataFrame(rows, columns=SOURCE_COLUMNS)


def list_plain(tables: list[RawTable]) -> pd.DataFrame:
    """Which files were read as plain tables, as `list_sources`."""
    rows = [(t.path, PLAIN, "table", len(t.frame), "") for t in tables]
    return pd.DataFrame(rows, columns=SOURCE_COLUMNS)


def _take_rest(rest, data: CrmData, mapping: Mapping, clock: Clock, noticed: list, removed: list):
    """Read what is no table of the CRM: acts and facts of its deals, records of other systems."""
    problems, plain, facts = Problems(), [], []
    others = [t for t in rest if is_outside(t, mapping)]
    for table in (t for t in rest if t not in others):
        columns = list(table.frame.columns)
        told = find_columns(columns, mapping)[0].keys()
        if {"lead_id", "at", "action"} <= told:
            plain.append(table)
        elif "lead_id" in told and not names_lead(columns, mapping):
            noticed.append(("file_not_read", 1, len(rest), "warning", Path(table.path).name))
        elif "lead_id" in told:
            facts.append(table)
        else:
            missing = [m for m in ("lead_id", "at", "action") if m not in told]
            shown = _show_crms(_name_crms(table))
            problems.add(f"{table.path}: no known table of this CRM{shown}, and "
                         f"{explain_missing(missing, columns)}")  # fmt: skip
    problems.raise_if_any()
    removed.append(count_broken([*others, *facts]))
    found, acts = read_outside(others, mapping, clock, noticed)
    if plain:
        taken = take_plain(plain, [], _of_tables(mapping, plain), clock.time_zone)
        noticed += taken.noticed
        removed.append(taken.removed)
        own = taken.events.astype({"lead_id": "str", "action": "str"})
        own = own.rename(columns={"lead_id": "owner_id"}).assign(owner="deal")
        acts = pd.concat([own, acts], ignore_index=True)
        timed = taken.events["at"].notna().to_numpy()
        (clock.zoned if taken.zoned[timed].all() else clock.local).append(plain[0].path)
    if facts:
        leads, odd, times = take_leads(facts, _of_tables(mapping, facts), clock.time_zone)
        noticed += odd
        paths = [table.path for table in facts]
        clock.zoned += paths if "zoned" in times else []
        clock.local += paths if "local" in times else []
        both = pd.concat([data.deals.assign(part=0), leads.assign(part=1)], ignore_index=True)
        note_differing(both, noticed)
        data.deals = join_deals([data.deals, leads])
        if data.listed is not None:
            data.listed = pd.concat([data.listed, leads["lead_id"]])
    sources = pd.concat([list_plain([*plain, *facts]), list_sources(found)], ignore_index=True)
    return acts, sources


def _of_tables(mapping: Mapping, tables: list[RawTable]) -> Mapping:
    """The part of a mapping that these tables have columns for; dates are the deals' alone."""
    there = {c for t in tables for c in t.frame.columns}
    columns = {m: c for m, c in mapping.columns.items() if c in there}
    where = {c: v for c, v in mapping.where.items() if c in there}
    return mapping.model_copy(update={"columns": columns, "where": where, "dates": {}})


def _take_dates(deals: pd.DataFrame, mapping: Mapping, clock: Clock, noticed: list) -> pd.DataFrame:
    """Turn the dates among a deal's fields that the mapping names into acts."""
    parts = []
    for column in (c for c in mapping.dates if c in deals):
        times, _ = read_times(deals[column], clock.day_first, clock.time_zone)
        lost = (deals[column].notna() & times.isna()).to_numpy()
        noticed.append(("unreadable_cells", lost.sum(), len(deals), "warning", column))
        there = times.notna()
        parts.append(pd.DataFrame({
            "owner": "deal", "owner_id": deals.loc[there, "lead_id"], "at": times[there],
            "action": mapping.dates[column],
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _take(kinds: tuple[Kind, ...], found: list[Found], mapping, clock, noticed):
    """One frame a kind, of all its tables; rows that are exactly alike are kept once, and of the
    rows of a deal the last modified. Rows that do not have the values the mapping asks for are
    given apart."""
    tables, double, unfit, outdated = {}, [], [], []
    for kind in kinds:
        parts = []
        for part in (f for f in found if f.kind.name == kind.name):
            fits = _fit(part.table.frame, mapping)
            taken = take_table(part, mapping, clock, noticed)
            if kind.name == "flow":  # what it tells may be of the deal whose file it is
                taken = taken.assign(file=part.table.path)
            unfit.append(taken[~fits])
            parts.append(taken[fits])
        table = pd.concat(parts, ignore_index=True) if parts else empty_table(kind)
        again = table.duplicated().to_numpy()
        if kind.name in ("moves", "events", "acts", "activities", "notes"):
            double.append(table[again])
            table = table[~again]
        if {"lead_id", "modified_at"} <= {*table}:
            old = _find_outdated(table)
            outdated.append(note_removed([("leads", "lead_row_outdated", old, table)]))
            table = table[~old]
        tables[kind.name] = table.reset_index(drop=True)
    return tables, double, unfit, outdated


def _find_outdated(deals: pd.DataFrame) -> np.ndarray:
    """Which rows of a deal were modified before another one of it; versions of a record stay."""
    stamp = deals["modified_at"]
    stamp = stamp.fillna(deals["moved_at"]) if "moved_at" in deals else stamp
    old = (stamp < stamp.groupby(deals["lead_id"]).transform("max")).to_numpy()
    return old & deals["since"].isna().to_numpy() if "since" in deals else old


def _fit(frame: pd.DataFrame, mapping: Mapping) -> np.ndarray:
    """Which rows have the values the mapping asks for, as far as a table has the columns?"""
    where = {c: v for c, v in mapping.where.items() if c in frame}
    return find_fitting(frame, mapping.model_copy(update={"where": where}))


def _leave_out_unfit(data: CrmData, unfit: list[pd.DataFrame]) -> None:
    """Leave out what is known of deals that the mapping does not ask for."""
    ids = {i for rows in unfit if "lead_id" in rows for i in rows["lead_id"].dropna().unique()}
    data.leave_out_deals(ids - set(data.list_ids()), "where")


def _agree(guesses: list[list[Found]]) -> str | None:
    """The one CRM that all tables that are of any, and tell it, may be of."""
    told = [of for of in guesses if any(f.kind.name not in _ASIDE for f in of)]
    if not told:
        return None
    common = set.intersection(*({f.kind.crm for f in of} for of in told))
    if len(common) == 1:
        return common.pop()
    shown = "; ".join(
        f"{of[0].table.path}: {' or '.join(dict.fromkeys(f.kind.crm for f in of))} "
        f"(columns {quote_some(of[0].told_by, most=4)})"
        for of in told
    )
    if not common:
        raise InputError([
            f"the tables are of several CRMs: {shown}; give the files of one CRM at a time"
        ])  # fmt: skip
    raise InputError([
        f"the tables may be of several CRMs: {shown}; name the right one, e.g. --crm {min(common)}"
    ])  # fmt: skip


def _is_mapped(table: RawTable, mapping: Mapping) -> bool:
    return any(mapping.columns.get(m) in table.frame for m in ("at", "action"))


def _name_crms(table: RawTable) -> list[str]:
    """Of which CRMs a table looks to be."""
    found = recognise(table, tuple(k for m in CRMS.values() for k in m.KINDS))
    return list(dict.fromkeys(f.kind.crm for f in found))


def _show_crms(names: list[str]) -> str:
    return f" (it looks like {' or '.join(names)})" if names else ""


def _explain(tables: list[RawTable], crm: str, looks_like: list[str]) -> str:
    kinds = "; ".join(f"{k.name}: {' + '.join(w.split(', ')[0] for w in k.told_by)}"
                      for k in CRMS[crm].KINDS)  # fmt: skip
    found = quote_some(dict.fromkeys(c for t in tables for c in t.frame.columns), most=20)
    shown = _show_crms(looks_like)
    return f"--crm {crm}: no table of it{shown}; it is told by the columns ({kinds}); found {found}"
