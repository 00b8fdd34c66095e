"""The CRMs whose exports are known: which one a set of tables is of, and its tables as one log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, Problems, quote_some
from funnel_lib.core.events import SOURCE_COLUMNS, show_values
from funnel_lib.reading import outside
from funnel_lib.reading.cells.outcomes import learn_ends
from funnel_lib.reading.cells.people import KEYS
from funnel_lib.reading.cells.rows import note_differing, read_own_columns
from funnel_lib.reading.columns import ESSENTIAL, Mapping, explain_missing, find_columns, names_lead
from funnel_lib.reading.contacts import link_contacts
from funnel_lib.reading.crms import amocrm, bitrix24, hubspot, pipedrive, salesforce
from funnel_lib.reading.crms.assembly import assemble, give_to_deals
from funnel_lib.reading.crms.joins import CrmData, complete, join_deals, look_up
from funnel_lib.reading.crms.kinds import Found, Kind, empty_table, recognise, take_table
from funnel_lib.reading.files.tables import RawTable
from funnel_lib.reading.ledger import Ledger, Reading
from funnel_lib.reading.plain import (
    Taken,
    as_acts,
    check_mapping,
    count_broken,
    find_fitting,
    take_leads,
    take_plain,
)

CRMS = {
    "amocrm": amocrm, "bitrix24": bitrix24, "hubspot": hubspot, "pipedrive": pipedrive,
    "salesforce": salesforce,
}  # fmt: skip
SAME = {"kommo": "amocrm"}
# Dictionaries and lists of people: many a table looks like one, so they never decide the CRM.
_ASIDE = (
    "users", "owners", "people", "persons", "companies", "accounts", "roles", "stages", "pipelines",
    "api_pipelines", "dictionary", "categories", "category_pages",
)  # fmt: skip
# In tables of these kinds a row that is exactly like another is the same one.
_ONE_ROW_A_THING = ("moves", "events", "acts", "activities", "notes")
# By which kinds of tables a CRM names the stages that its other tables know by their ids.
_NAMED_BY = {
    "amocrm": ("pipelines",), "bitrix24": ("dictionary",),
    "hubspot": ("stages", "api_pipelines"), "pipedrive": ("stages",),
}  # fmt: skip
_BARE_ID = r"\d+|[A-Z0-9_]+(?::[A-Z0-9_]+)?"
# What `crm` may be besides: find out; read as plain tables of events and leads.
AUTO, PLAIN = "auto", "plain"


def check_crm(crm: str) -> None:
    """Raise an `InputError` for a CRM that is not known."""
    known = (AUTO, *CRMS, *SAME, PLAIN)
    if crm.casefold() not in known:
        raise InputError([f"--crm {crm}: choose from {', '.join(known)}"])


def find_crm(
    tables: list[RawTable], crm: str, mapping: Mapping
) -> tuple[str | None, list[Found], list[RawTable]]:
    """Which CRM are these tables of? (name, its tables with their kinds, the others).

    The name is None where no table is a known CRM's. A table whose time or action the mapping names
    is a plain one, but for a CRM's where another table has what the mapping names.

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
    guesses = [recognise(t, kinds) for t in tables]
    said = {mapping.columns.get(meaning) for meaning in ("at", "action")}
    plain = [not said.isdisjoint(t.columns) for t in tables]
    if all(of for p, of in zip(plain, guesses, strict=True) if p):
        guesses = [[] if p else of for p, of in zip(plain, guesses, strict=True)]
    name = _agree(guesses)
    if crm != AUTO:
        looks_like = {of for t in tables for of in _name_crms(t)}
        if name is None or (looks_like and name not in looks_like):
            raise InputError([_explain(tables, wanted[0], sorted(looks_like))])
    found = [next((f for f in of if f.kind.crm == name), None) for of in guesses]
    rest = [t for t, f in zip(tables, found, strict=True) if f is None]
    return name, [f for f in found if f is not None], rest


def take_crm(
    name: str, found: list[Found], rest: list[RawTable], reading: Reading
) -> tuple[Taken, pd.DataFrame]:
    """Read a CRM's tables, and what other tables know of its deals: (one log, its sources).

    Raises
    ------
    InputError
        Every problem at once; a table that is neither the CRM's nor has a lead, a phone or a tax
        number.
    """
    mapping, ledger = reading.mapping, reading.ledger
    count_broken([f.table for f in found], ledger)
    tables, left = _take_tables(CRMS[name].KINDS, found, _without_plain(reading, rest))
    stamps = [t["modified_at"] for t in tables.values() if {"lead_id", "modified_at"} <= {*t}]
    modified = pd.concat(stamps, ignore_index=True) if stamps else None
    data = CRMS[name].convert(tables, mapping.outcomes)
    _take_given_ends(tables, data, reading)
    problems = Problems()
    check_mapping([*(f.table for f in found), *rest, RawTable("", data.deals)], mapping, problems)
    problems.raise_if_any()
    _leave_out_rows(data, left)
    acts, sources = _take_rest(rest, data, reading)
    acts = _know_leads(acts, data)
    dated = _take_dates(data.deals, reading)
    data.acts = pd.concat([data.acts, dated, acts], ignore_index=True)
    if data.acts["about"].isin([*KEYS]).any():
        outside.link_keys(data)
    moves = complete("moves", data.moves)
    ends = learn_ends(moves["stage"], moves["outcome"]).to_dict()
    ranks = _rank_stages(tables)
    _note_unnamed(name, found, data, ledger)
    rows, leads = assemble(data)
    ledger.add(data.ledger)
    zoned = np.full(len(rows), not reading.local)
    taken = Taken(rows, leads, zoned, modified, link_contacts(data), ends, ranks)
    return taken, pd.concat([list_sources([], found), sources], ignore_index=True)


def _take_given_ends(tables: dict[str, pd.DataFrame], data: CrmData, reading: Reading) -> None:
    """Where the mapping names the column of deals' status, or of their closing, it tells how, and
    when, they ended."""
    named = [c for c in ("status", "closed_at") if c in reading.mapping.columns]
    told = [t.reindex(columns=["lead_id", *named]) for t in tables.values()
            if "lead_id" in t and {*named} & {*t}]  # fmt: skip
    if not told:
        return
    rows = pd.concat(told, ignore_index=True)
    read_own_columns(rows, reading, {"status"} & {*named})
    for column in named:
        known = rows.dropna(subset=["lead_id", column]).drop_duplicates("lead_id")
        found = look_up(data.deals["lead_id"], known.set_index("lead_id")[column])
        data.deals[column] = found.fillna(data.deals[column])
    ended = data.deals["status"].isin(["won", "lost"])
    data.deals["closed_at"] = data.deals["closed_at"].where(ended)


def _rank_stages(tables: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Where stages stand in the CRM: by their probability, else by their place in its list."""
    parts = []
    for table in tables.values():
        stage = table.get("stage", table.get("name"))
        rank = table.get("probability", table.get("rank"))
        if stage is not None and rank is not None:
            parts.append(pd.DataFrame({"stage": stage.astype("str"), "rank": rank}))
    if not parts:
        return {}
    known = pd.concat(parts, ignore_index=True).dropna()
    return known.groupby("stage")["rank"].median().to_dict()


def _note_unnamed(name: str, found: list[Found], data: CrmData, ledger: Ledger) -> None:
    """Note stages that are bare ids, as the file that names them is missing: what they mean, and
    which of them are ends, can only be guessed."""
    if name not in _NAMED_BY or {f.kind.name for f in found} & {*_NAMED_BY[name]}:
        return
    by_id = any("stage_id" in f.kind.columns for f in found)
    known = [complete(kind, getattr(data, kind))["stage"] for kind in ("deals", "moves")]
    stages = pd.concat(known).dropna().astype("str")
    bare = stages[stages.str.fullmatch(_BARE_ID)] if by_id else stages[:0]
    ledger.note("stages_unnamed", bare.nunique(), stages.nunique(), "warning", show_values(bare))


def is_known(table: RawTable) -> bool:
    """Whether a table is any CRM's, or has a lead, a phone or a tax number."""
    kinds = (*(k for m in CRMS.values() for k in m.KINDS), *outside.KINDS)
    lead = "lead_id" in find_columns(table.columns, Mapping())[0]
    return lead or bool(recognise(table, kinds))


def is_outside(table: RawTable, mapping: Mapping) -> bool:
    """Whether a table knows clients by phone or tax number, and names no lead: a mere number may be
    that of a call or a payment."""
    columns = table.columns
    lead = "lead_id" in find_columns(columns, mapping)[0] and names_lead(columns, mapping)
    return not lead and bool(recognise(table, outside.KINDS))


def join_outside(acts: pd.DataFrame, taken: Taken, ledger: Ledger) -> pd.DataFrame:
    """Give calls and payments of other systems to plain leads, as events."""
    leads = taken.leads if taken.leads is not None else taken.events[["lead_id"]].astype("str")
    columns = ["created_at", "closed_at", "status"]
    leads = leads.reindex(columns=[*dict.fromkeys([*leads.columns, *columns])])
    times = {c: pd.to_datetime(leads[c], utc=True) for c in columns[:2]}
    data = CrmData(deals=leads.assign(**times), acts=acts, ledger=ledger)
    outside.link_keys(data)
    return give_to_deals(acts, data, data.prospects)


def read_outside(tables: list[RawTable], reading: Reading) -> tuple[list[Found], pd.DataFrame]:
    """Read calls and payments of other systems: the tables they are, and acts for `CrmData`."""
    found = [f for t in tables for f in recognise(t, outside.KINDS)[:1]]
    said = {m: c for m, c in reading.mapping.columns.items() if m in ("at", "action")}
    mapping = reading.mapping.model_copy(update={"columns": said, "where": {}})
    reading = replace(reading, mapping=mapping)
    typed, _ = _take_tables(outside.KINDS, found, reading)
    return found, outside.take_acts(typed, reading.ledger)


def list_sources(plain: list[RawTable], found: list[Found]) -> pd.DataFrame:
    """Which file was read as what, and by which columns: plain tables, and those recognised."""
    rows = [(t.path, PLAIN, "table", len(t.typed), "") for t in plain]
    rows += [
        (f.table.path, f.kind.crm, f.kind.name, len(f.table.typed), ", ".join(f.marks))
        for f in found
    ]
    return pd.DataFrame(rows, columns=SOURCE_COLUMNS)


def _take_tables(
    kinds: tuple[Kind, ...], found: list[Found], reading: Reading
) -> tuple[dict[str, pd.DataFrame], dict[str, list[pd.DataFrame]]]:
    """Put the tables of each kind into one: (kind -> frame, reason -> rows left out).

    Of the rows of a deal the last modified stays. The conversion counts first what it leaves out,
    then come these: repeated rows, and those without the values the mapping asks for.
    """
    tables, left = {}, {"duplicate": [], "where": []}
    for kind in kinds:
        parts = []
        for part in (f for f in found if f.kind.name == kind.name):
            frame, where = part.table.frame, reading.mapping.where
            fits = find_fitting(frame, {c: v for c, v in where.items() if c in frame})
            taken = take_table(part, reading)
            if kind.name == "flow":  # what it holds may be of the deal whose file it is
                taken = taken.assign(file=part.table.path)
            left["where"].append(taken[~fits])
            parts.append(taken[fits])
        table = pd.concat(parts, ignore_index=True) if parts else empty_table(kind)
        if kind.name in _ONE_ROW_A_THING:
            again = table.duplicated().to_numpy()
            left["duplicate"].append(table[again])
            table = table[~again]
        if {"lead_id", "modified_at"} <= {*table}:
            old = _find_outdated(table)
            table = reading.ledger.leave_out("lead_row_outdated", table, old, "leads")
        tables[kind.name] = table.reset_index(drop=True)
    return tables, left


def _find_outdated(deals: pd.DataFrame) -> np.ndarray:
    """Which rows of a deal were modified before another one of it; versions of a record stay."""
    stamp = deals["modified_at"]
    stamp = stamp.fillna(deals["moved_at"]) if "moved_at" in deals else stamp
    old = (stamp < stamp.groupby(deals["lead_id"]).transform("max")).to_numpy()
    return old & deals["since"].isna().to_numpy() if "since" in deals else old


def _leave_out_rows(data: CrmData, left: dict[str, list[pd.DataFrame]]) -> None:
    """Count repeated and unfit rows; leave out what is known of deals the mapping does not want."""
    for reason, parts in left.items():
        for rows in parts:
            data.leave_out(reason, rows, np.ones(len(rows), bool))
    with_lead = (rows["lead_id"].dropna().unique() for rows in left["where"] if "lead_id" in rows)
    ids = {i for of_table in with_lead for i in of_table}
    data.leave_out_deals(ids - set(data.list_ids()), "where")


def _take_rest(
    rest: list[RawTable], data: CrmData, reading: Reading
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read what is no table of the CRM: (acts, sources); facts of deals go into the data."""
    plain, facts, others = _sort_rest(rest, reading)
    count_broken([*others, *facts], reading.ledger)
    found, acts = read_outside(others, reading)
    if plain:
        acts = pd.concat([_take_acts(plain, reading), acts], ignore_index=True)
    if facts:
        _join_facts(data, facts, reading)
    return acts, list_sources([*plain, *facts], found)


def _sort_rest(rest: list[RawTable], reading: Reading) -> tuple[list[RawTable], ...]:
    """Tables of acts, of facts of deals, of other systems' records. A table that only has ids,
    maybe of something else, is not read."""
    problems, plain, facts = Problems(), [], []
    others = [t for t in rest if is_outside(t, reading.mapping)]
    for table in (t for t in rest if t not in others):
        columns = table.columns
        missing = [m for m in ESSENTIAL if m not in find_columns(columns, reading.mapping)[0]]
        if not missing:
            plain.append(table)
        elif "lead_id" in missing:
            shown = _show_crms(_name_crms(table))
            problems.add(f"{table.path}: no known table of this CRM{shown}, and "
                         f"{explain_missing(missing, columns)}")  # fmt: skip
        elif names_lead(columns, reading.mapping):
            facts.append(table)
        else:
            name = Path(table.path).name
            reading.ledger.note("file_not_read", 1, len(rest), "warning", name)
    problems.raise_if_any()
    return plain, facts, others


def _take_acts(plain: list[RawTable], reading: Reading) -> pd.DataFrame:
    """Events of plain tables as acts of deals."""
    taken = take_plain(plain, [], reading.of_tables(plain))
    timed = taken.events["at"].notna().to_numpy()
    (reading.zoned if taken.zoned[timed].all() else reading.local).append(plain[0].path)
    acts = as_acts(taken.events).rename(columns={"lead_id": "about_id"})
    return acts.assign(about="deal")


def _without_plain(reading: Reading, rest: list[RawTable]) -> Reading:
    """What the mapping says of the plain tables beside a CRM's is nothing of the CRM's own."""
    of_rest = {c for table in rest for c in table.columns}
    columns = {
        m: c for m, c in reading.mapping.columns.items() if m not in ESSENTIAL or c not in of_rest
    }
    return replace(reading, mapping=reading.mapping.model_copy(update={"columns": columns}))


def _know_leads(acts: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Acts of plain tables whose id is no deal's, but a lead's of the CRM, are that lead's."""
    if acts.empty:
        return acts
    deals = {*data.list_ids(), *data.moves.loc[data.moves["about"] == "deal", "about_id"]}
    leads = data.prospects.loc[data.prospects["about"] == "lead", "about_id"]
    theirs = acts["about"].eq("deal") & acts["about_id"].isin({*leads} - deals)
    return acts.assign(about=acts["about"].mask(theirs, "lead"))


def _join_facts(data: CrmData, facts: list[RawTable], reading: Reading) -> None:
    """Fill the deals, and the leads of the CRM, by what plain tables of leads know of them."""
    leads, kinds = take_leads(facts, reading.of_tables(facts))
    paths = [table.path for table in facts]
    reading.zoned.extend(paths if "zoned" in kinds else [])
    reading.local.extend(paths if "local" in kinds else [])
    of_leads = leads["lead_id"].isin(data.prospects["about_id"])
    of_leads &= ~leads["lead_id"].isin(data.deals["lead_id"])
    theirs, leads = leads[of_leads].assign(about="lead"), leads[~of_leads]
    prospects = join_deals([data.prospects.rename(columns={"about_id": "lead_id"}), theirs])
    data.prospects = prospects.rename(columns={"lead_id": "about_id"})
    both = pd.concat([data.deals.assign(part=0), leads.assign(part=1)], ignore_index=True)
    note_differing(both, reading.ledger)
    data.deals = join_deals([data.deals, leads])
    if data.listed is not None:
        data.listed = pd.concat([data.listed, leads["lead_id"]])


def _take_dates(deals: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Turn the dates among a deal's fields that the mapping names into acts."""
    parts, mapping = [], reading.mapping
    for column in (c for c in mapping.dates if c in deals):
        times, _ = reading.read_times(deals[column], f"the column {column}")
        lost = (deals[column].notna() & times.isna()).to_numpy()
        reading.ledger.note("unreadable_cells", lost.sum(), len(deals), "warning", column)
        there = times.notna()
        parts.append(pd.DataFrame({
            "about": "deal", "about_id": deals.loc[there, "lead_id"], "at": times[there],
            "action": mapping.dates[column],
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _agree(guesses: list[list[Found]]) -> str | None:
    """The one CRM that all tables that are of any, and decide it, may be of."""
    deciding = [of for of in guesses if any(f.kind.name not in _ASIDE for f in of)]
    if not deciding:
        return None
    common = set.intersection(*({f.kind.crm for f in of} for of in deciding))
    if len(common) == 1:
        return common.pop()
    shown = "; ".join(
        f"{of[0].table.path}: {' or '.join(dict.fromkeys(f.kind.crm for f in of))} "
        f"(columns {quote_some(of[0].marks, most=4)})"
        for of in deciding
    )
    if common:
        what = f"may be of several CRMs: {shown}; name the right one, e.g. --crm {min(common)}"
    else:
        what = f"are of several CRMs: {shown}; give the files of one CRM at a time"
    raise InputError([f"the tables {what}"])


def _name_crms(table: RawTable) -> list[str]:
    """Of which CRMs a table looks to be."""
    found = recognise(table, tuple(k for m in CRMS.values() for k in m.KINDS))
    return list(dict.fromkeys(f.kind.crm for f in found))


def _show_crms(names: list[str]) -> str:
    return f" (it looks like {' or '.join(names)})" if names else ""


def _explain(tables: list[RawTable], crm: str, looks_like: list[str]) -> str:
    kinds = "; ".join(f"{k.name}: {' + '.join(w.split(', ')[0] for w in k.marks)}"
                      for k in CRMS[crm].KINDS)  # fmt: skip
    found = quote_some(dict.fromkeys(c for t in tables for c in t.columns), most=20)
    shown = _show_crms(looks_like)
    return f"--crm {crm}: no table of it{shown}; it is told by the columns ({kinds}); found {found}"
