"""HubSpot: exports of deals and contacts, its tables as pipelines copy them, and the API v3.

A stage's id survives its renaming, so nothing is told from an id: flags and the settings of
pipelines tell outcomes, else the stage's label, which is noticed. The close date of an open deal is
the expected one.
"""

from __future__ import annotations

import re

import pandas as pd

from funnel_lib.reading.cells.outcomes import (
    infer_outcomes,
    learn_ends,
    read_ends,
    settle_outcomes,
    take_given_outcomes,
)
from funnel_lib.reading.cells.times import read_times
from funnel_lib.reading.crms.joins import (
    CrmData,
    by_id,
    choose,
    find_actors,
    gather_links,
    join_deals,
    link,
    look_up,
    name_ids,
    name_people,
    stack_dates,
    translate,
)
from funnel_lib.reading.crms.kinds import list_inside, read_crm, read_flags, unfold

KINDS, _WORDS = read_crm(__file__)
_COLUMNS = {kind.name: kind.columns for kind in KINDS}
_ENTERED = re.compile(next(kind.times_like for kind in KINDS if kind.times_like))
_LIFE = ("became_lead", "became_marketing_qualified_lead", "became_sales_qualified_lead",
         "became_opportunity")  # fmt: skip
_PIPELINE = r" \((?P<pipeline>[^()]*)\)$"
# Whose an activity may be, the nearest first, and under what the API lists them.
_KEYS = {"deal": "deals", "contact": "contacts", "company": "companies"}
_OF_KIND = re.compile(r"(?:properties\.|property_)hs_(call|email|meeting|task|note)_")


def convert(tables: dict[str, pd.DataFrame], given: dict[str, str]) -> CrmData:
    """Give deals, moves, acts and contacts of HubSpot's tables.

    Where an export stands beside tables or the API, its words win, and of a deal whose
    history is there the dates of its stages are not taken.
    """
    data = CrmData()
    stages = _take_stages(tables)
    kinds = ("contacts", "api_contacts", "api_people")
    people = pd.concat([tables[kind] for kind in kinds], ignore_index=True)
    deals = [_name_stages(tables[k], stages) for k in ("export", "deals", "api_deals")]
    data.merged = tables["merged"][["lead_id", "into"]]
    deals, deleted = _leave_deleted(deals, data)
    known = pd.concat(deals, ignore_index=True)
    sure = read_ends(*(read_flags(known[c]) for c in ("is_won", "is_lost", "is_closed")))
    sure = sure.fillna(known["stage_outcome"])
    closed = read_flags(known["is_closed"])
    status = settle_outcomes(
        known["stage"], sure, closed.mask(known["stage"].isna(), 1.0), given, data.ledger
    )
    known = known.assign(status=status, stage=known["stage"].fillna(known["stage_id"]))
    data.moves = _take_moves(tables, known, stages, given, data)
    owners = name_people(tables["owners"], "first", "last")
    parts = [_finish(known[known["part"] == n], owners) for n in range(3)]
    data.deals = join_deals([p for p in parts if len(p)] or parts[:1])
    data.links = _take_links(tables, known, people)
    acts = [_take_activities(tables, data), _take_forms(tables["forms"]), _take_life(people)]
    data.acts = pd.concat(acts, ignore_index=True)
    data.prospects = _take_prospects(people, given, owners)
    data.people = people.assign(about="contact")
    data.leave_out_deals(deleted)
    return data


def _take_stages(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """What is set of each stage, by its id: stage, pipeline, outcome."""
    api, own = tables["api_pipelines"], tables["stages"]
    columns = ["row", "id", "label", "metadata.isClosed", "metadata.probability"]
    inside = unfold(api, "stages").reindex(columns=columns)
    of = api.iloc[inside["row"]].reset_index(drop=True)
    by_api = pd.DataFrame({
        "stage_id": inside["id"], "stage": inside["label"], "pipeline": of["pipeline"],
        "is_closed": inside["metadata.isClosed"],
        "probability": pd.to_numeric(inside["metadata.probability"], errors="coerce"),
    })  # fmt: skip
    named = look_up(own["pipeline_id"], by_id(tables["pipelines"], "pipeline", "pipeline_id"))
    every = pd.concat([own.assign(pipeline=named), by_api], ignore_index=True)
    every = every.dropna(subset="stage_id").drop_duplicates("stage_id")
    chance = every["probability"]
    at_end, sold = (chance.isin(v).astype(float).where(chance.notna()) for v in ([0, 1], [1]))
    closed = read_flags(every["is_closed"]).fillna(at_end)
    won = read_flags(every["is_won"]).fillna(sold)
    outcome = read_ends(won, pd.Series(index=won.index, dtype=float), closed)
    return every.assign(outcome=outcome).set_index("stage_id")[["stage", "pipeline", "outcome"]]


def _name_stages(deals: pd.DataFrame, stages: pd.DataFrame) -> pd.DataFrame:
    """Deals with the labels of stages and pipelines; a stage without a label stays missing."""
    ids = deals["stage_id"]
    pipeline = deals["pipeline"].fillna(look_up(ids, stages["pipeline"]))
    return deals.assign(
        stage=deals["stage"].fillna(look_up(ids, stages["stage"])),
        pipeline=pipeline.fillna(deals["pipeline_id"]),
        stage_outcome=look_up(ids, stages["outcome"]),
    )


def _leave_deleted(deals: list[pd.DataFrame], data: CrmData) -> tuple[list[pd.DataFrame], set]:
    """Leave out deleted deals, but not those that live on in another."""
    kept, deleted = [], set()
    for number, part in enumerate(deals):
        part, gone = data.leave_out_deleted(part, living=data.merged["lead_id"])
        kept.append(part.assign(part=number))
        deleted |= gone
    return kept, deleted


def _finish(deals: pd.DataFrame, owners: pd.Series) -> pd.DataFrame:
    """Deals as `CrmData` has them; custom properties by their own names."""
    used = [*_COLUMNS["deals"], "stage_outcome", "part", "status"]
    facts = ["lead_id", "created_at", "stage", "pipeline", "amount", "currency", "loss_reason",
             "source", "status"]  # fmt: skip
    further = deals[[c for c in deals if c not in used and not _is_internal(c)]]
    further = further.rename(columns=lambda c: re.sub(r"^(?:properties\.|property_)", "", c))
    further = further.loc[:, ~further.columns.duplicated()].dropna(axis=1, how="all")
    company = deals["company_ids"].str.extract(r"(\d[^;]*)")[0].str.strip()
    if "associations.companies.results.0.id" in deals:
        company = company.fillna(deals["associations.companies.results.0.id"])
    return deals[facts].assign(
        closed_at=deals["closed_at"].where(deals["status"].isin(["won", "lost"])),
        manager=name_ids(deals["manager"], owners),
        account_id=deals.get("account_id", company).fillna(company).fillna(deals["company"]),
        maker=_who(deals["made_by"]),
        **{c: further[c] for c in further if c not in {*facts, "account_id"}},
    )


def _is_internal(column: str) -> bool:
    """Whether a column is HubSpot's own bookkeeping, or a date of a stage."""
    return bool(re.match(
        r"_fivetran|(?:properties\.|property_)hs_|propertiesWithHistory|associations\.|portal_id$"
        r"|(?:Date (?:entered|exited)|Latest time in|Cumulative time in) [\"']|url$|updatedAt"
        r"|hs_(?:v2_)?date_(?:entered|exited)_|createdAt|archivedAt", column
    ))  # fmt: skip


def _take_moves(tables, deals: pd.DataFrame, stages: pd.DataFrame, given, data) -> pd.DataFrame:
    """Moves of the histories of deals, else of their stages' dates; each with its outcome."""
    history = tables["events"]
    other = history["name"].ne("dealstage")
    history = data.leave_out("other_changes", history.rename(columns={"name": "action"}), other)
    moves = pd.concat([history, _unfold_history(tables["api_deals"])], ignore_index=True)
    for dated in (tables["moves"], _melt_entered(deals, stages)):
        again = dated["lead_id"].isin(moves["lead_id"].unique())
        left = data.leave_out("told_twice", dated, again)
        moves = pd.concat([moves, left], ignore_index=True)
    moves = moves.reindex(columns=["lead_id", "at", "stage_id", "stage", "source"])
    named = moves["stage"].astype("str").fillna(look_up(moves["stage_id"], stages["stage"]))
    stage = named.fillna(moves["stage_id"]).astype("str")
    by_user = take_given_outcomes(named, given)
    known = learn_ends(deals["stage"], deals["status"])
    outcome = by_user.fillna(look_up(moves["stage_id"], stages["outcome"]))
    outcome = outcome.fillna(look_up(stage, known)).fillna(infer_outcomes(named, None, given))
    return pd.DataFrame({
        "about": "deal", "about_id": moves["lead_id"], "at": moves["at"], "stage": stage,
        "outcome": outcome, "actor": _who(moves["source"]),
    })  # fmt: skip


def _unfold_history(deals: pd.DataFrame) -> pd.DataFrame:
    moves = unfold(deals, "propertiesWithHistory.dealstage")
    moves = moves.reindex(columns=["row", "value", "timestamp", "sourceType"])
    return pd.DataFrame({
        "lead_id": deals["lead_id"].to_numpy()[moves["row"]], "stage_id": moves["value"],
        "at": read_times(moves["timestamp"].astype("str"))[0], "source": moves["sourceType"],
    })  # fmt: skip


def _melt_entered(deals: pd.DataFrame, stages: pd.DataFrame) -> pd.DataFrame:
    """One move a date in the columns of stages; the pipeline in brackets is no part of a label, nor
    the number that HubSpot adds to the id of some stages."""
    found = {c: m for c in deals if (m := _ENTERED.match(c))}
    dates = [c for c, m in found.items() if "entered" in (m["way"], m["step"])]
    labels = {c: found[c]["stage"] for c in dates if found[c]["stage"]}
    there = set(deals["stage"].dropna())
    names = {c: s if s in there else re.sub(_PIPELINE, "", s) for c, s in labels.items()}
    known = {*deals["stage_id"].dropna(), *stages.index}
    ids = {c: found[c]["id"] for c in dates if found[c]["id"]}
    ids = {c: i if i in known else re.sub(r"_\d{5,}$", "", i) for c, i in ids.items()}
    moves = stack_dates(deals, "lead_id", dates, "column")
    moves["stage"] = moves["column"].map(names).astype("str")
    return moves.assign(stage_id=moves["column"].map(ids).astype("str")).drop(columns="column")


def _take_links(tables, deals: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Which contacts and companies are of which deal?"""
    of_people = _split(people, "deal_ids", "about_id").rename(columns={"deal_ids": "lead_id"})
    parts = [
        tables["deal_contacts"].assign(about="contact"),
        tables["deal_companies"].assign(about="company"),
        of_people.assign(about="contact"),
    ]
    api = tables["api_deals"]
    for about, column in (("contact", "contact_ids"), ("company", "company_ids")):
        inside = list_inside(api, f"associations.{_KEYS[about]}.results", "lead_id")
        parts.append(link(_split(deals, column, "lead_id"), column, about))
        parts.append(link(inside, "inside", about))
    return gather_links(*parts)


def _split(rows: pd.DataFrame, column: str, key: str) -> pd.DataFrame:
    """One row an id of a list of ids in a cell."""
    lists = rows[[key, column]].dropna()
    ids = lists[column].astype("str").str.split(r"\s*[;,]\s*", regex=True)
    return lists.assign(**{column: ids}).explode(column).replace({column: {"": None}}).dropna()


def _take_activities(tables: dict[str, pd.DataFrame], data: CrmData) -> pd.DataFrame:
    """Calls, mails, meetings, tasks and notes of deals, else of contacts, else of companies."""
    api = tables["api_activities"]
    rows = pd.concat([tables["activities"], api], ignore_index=True)
    rows = data.leave_out("deleted_activity", rows, read_flags(rows["is_deleted"]) == 1)
    kind = _detect_kinds(rows)
    # an outcome is written of meetings that were booked; one logged afterwards may have none
    written = rows["written_at"].fillna(rows["written_at"].max()).fillna(rows["at"])
    booked = rows["meeting"].notna() | ~(rows["at"] <= written)
    plan = (kind.eq("MEETING") & booked & rows["meeting"].ne("COMPLETED")) | (
        kind.eq("TASK") & rows["task"].ne("COMPLETED")
    )
    way = rows["mail_way"].fillna(kind.where(kind == "INCOMING_EMAIL"))
    action = translate(kind, _WORDS["others"])
    call = translate(rows["call_way"], _WORDS["calls"]).fillna("call")
    action = action.mask(kind.eq("CALL"), call)
    mail = kind.isin(["EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL"])
    action = action.mask(mail, translate(way, _WORDS["mails"]).fillna("mail"))
    seconds = (rows["duration"] / 1000).round().astype("Int64").astype("str")
    acts = pd.DataFrame({
        "id": rows["id"], "at": rows["done_at"].where(kind.eq("TASK")).fillna(rows["at"]),
        "action": action.fillna(kind.str.lower()).fillna("engagement"),
        "duration": seconds.where(rows["duration"].notna()),
    })  # fmt: skip
    acts = acts.assign(actor=find_actors(acts["action"]))
    subjects = _find_subjects(tables, data.links)
    acts = data.leave_out("planned", acts.assign(lead_id=acts["id"]), plan).drop(columns="lead_id")
    return acts.merge(subjects, on="id", how="left").fillna({"about": "contact"}).drop(columns="id")


def _detect_kinds(rows: pd.DataFrame) -> pd.Series:
    """CALL, EMAIL …: by its type, else by whose properties an activity has."""
    marks = [("EMAIL", "mail_way"), ("CALL", "call_way"), ("CALL", "duration"), ("TASK", "task"),
            ("MEETING", "meeting"), ("NOTE", "note")]  # fmt: skip
    own = sorted((m[1].upper(), c) for c in rows if (m := _OF_KIND.match(c)))
    kind = rows["type"].astype("str").str.upper()
    for name, column in [*marks, *own]:
        kind = kind.fillna(rows[column].notna().map({True: name}).astype("str"))
    return kind


def _find_subjects(tables: dict[str, pd.DataFrame], links: pd.DataFrame) -> pd.DataFrame:
    """Whose each activity is: its deals', else of its contacts, those with the most deals first,
    those who bring further deals, else its companies': id, about, about_id."""
    own, api = tables["activity_links"], tables["api_activities"]
    found = []
    for about, key in _KEYS.items():
        of_api = list_inside(api, f"associations.{key}.results", "id")
        of_api = of_api.rename(columns={"inside": "about_id"})
        of_own = own[["id", about]].rename(columns={about: "about_id"})
        found.append(pd.concat([of_own, of_api], ignore_index=True).assign(about=about))
    rows = pd.concat(found, ignore_index=True).dropna().drop_duplicates()
    links_of = links.groupby(["about", "about_id"], as_index=False).size()
    n_deals = rows[["about", "about_id"]].merge(links_of, how="left")["size"].to_numpy()
    rows = rows.assign(
        n_deals=n_deals, place=rows["about"].map({about: n for n, about in enumerate(_KEYS)})
    )
    rows = rows.sort_values(["place", "n_deals", "about_id"], ascending=[True, False, True])
    rows = rows[rows["about"] == rows.groupby("id")["about"].transform("first")]
    deals = rows.merge(links, on=["about", "about_id"], how="left")
    brings = deals["lead_id"].isna() | ~deals.duplicated(["id", "lead_id"])
    return deals.loc[brings, ["id", "about", "about_id"]].drop_duplicates()


def _take_forms(forms: pd.DataFrame) -> pd.DataFrame:
    return forms[["about_id", "at"]].assign(about="contact", action="form_sent", actor="client")


def _take_life(people: pd.DataFrame) -> pd.DataFrame:
    """What a contact became before it was a customer."""
    acts = stack_dates(people, "about_id", _LIFE, "action")
    return acts.assign(about="contact", actor="system")


def _take_prospects(people: pd.DataFrame, given, owners: pd.Series) -> pd.DataFrame:
    """Contacts that became a lead or more; a customer's outcome nothing tells here."""
    leads = people[people[[*_LIFE]].notna().any(axis=1)].drop_duplicates("about_id")
    status = infer_outcomes(leads["lead_status"], None, given)
    customer = leads["stage"].str.strip().str.casefold().isin(["customer", "evangelist"])
    return leads[["about_id", "created_at", "stage", "source"]].assign(
        about="contact",
        status=status.where(status == "lost").fillna("open").mask(customer),
        manager=name_ids(leads["manager"], owners),
        maker=_who(leads["made_by"]),
    )


def _who(source: pd.Series) -> pd.Series:
    """Who did it, by where it came from."""
    word = source.astype("str").str.strip().str.upper().str.replace(r"[\s-]+", "_", regex=True)
    client, manager = word.isin(_WORDS["client_sources"]), word.isin(_WORDS["manager_sources"])
    system = word.str.startswith(tuple(_WORDS["system_sources"]), na=False)
    return choose([client, manager, system], ["client", "manager", "system"])
