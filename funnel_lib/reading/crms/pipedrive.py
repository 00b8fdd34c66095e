"""Pipedrive: the exports of deals and people, and the API (deals, flow, activities, persons,
stages, pipelines, users).

Only the status tells an outcome: a deal may be open whatever its stage is called. The expected
close date closes nothing. An activity that is not done is a plan, even where it has a date.
"""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.events import LEAD_COLUMNS
from funnel_lib.reading.crms.joins import (
    CrmData,
    by_id,
    complete,
    gather_links,
    infer_beginnings,
    is_among,
    join_deals,
    link,
    look_up,
    name_ids,
    sort_moves,
    translate,
)
from funnel_lib.reading.crms.kinds import read_crm, read_flags

KINDS, _WORDS = read_crm(__file__)
_MAILS = ("mail_received", "mail_sent")
_FURTHER = (*_MAILS, "org", "person")


def convert(tables: dict[str, pd.DataFrame], given: dict[str, str]) -> CrmData:
    """Give deals, moves and acts of Pipedrive's tables.

    Where the export stands beside the API, its words win. A deal that only a flow knows is
    open until the flow tells another status.
    """
    data = CrmData()
    deals = [tables["export"], tables["deals"]]
    flow, activities = _own_flow(tables["flow"], data), tables["activities"]
    gone = _find_deleted(deals, flow)
    rows = (*deals, flow, activities.assign(lead_id=activities["deal"]))
    *deals, flow, activities = (
        data.leave_out("deleted_deal", r, r["lead_id"].isin(gone)) for r in rows
    )
    listed = join_deals([_take_deals(rows, tables, given) for rows in deals])
    data.listed = listed["lead_id"]
    data.deals = complete("deals", join_deals([listed, _take_flow_facts(flow, given)]))
    data.deals = data.deals.reindex(columns=[*dict.fromkeys([*data.deals, *_FURTHER])])
    data.links = gather_links(
        link(data.deals, "person", "contact"), link(data.deals, "org", "company")
    )
    people = [tables["people"], tables["persons"]]
    data.people = pd.concat(people, ignore_index=True).assign(about="contact")
    moves = _take_moves(flow, tables["stages"])
    begun = infer_beginnings(moves, data.deals, flow["lead_id"]).assign(about="deal")
    data.moves = pd.concat([begun, moves], ignore_index=True).drop(columns="old")
    mails = _take_mails(flow)
    acts = [
        _take_activities(flow, activities, data), mails, _take_others(flow),
        _take_last_mails(data.deals, mails, data),
    ]  # fmt: skip
    data.acts = pd.concat(acts, ignore_index=True)
    data.deals = data.deals.drop(columns=[*_FURTHER])
    other = ~flow["field"].isin(["stage_id", "status", "add_time"])
    changed = flow.rename(columns={"field": "action"})
    data.leave_out("other_changes", changed, flow["object"].eq("dealChange") & other)
    return data


def _own_flow(flow: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Rows of a flow with their deal; what names none in a file of one deal is that deal's."""
    change = flow["object"].eq("dealChange")
    deal = flow["item"].where(change).fillna(flow["deal"])
    nobody = flow["person"].isna() & flow["org"].isna()
    of_file = deal.groupby(flow["file"])
    deal = deal.mask(
        deal.isna() & nobody & of_file.transform("nunique").eq(1), of_file.transform("first")
    )
    flow = flow.assign(lead_id=deal.astype("str"))
    again = flow.duplicated(["object", "id", "lead_id", "field", "new", "at"])
    flow = data.leave_out("duplicate", flow, again)
    return sort_moves(flow).reset_index(drop=True)


def _find_deleted(deals: list[pd.DataFrame], flow: pd.DataFrame) -> set[str]:
    """Ids of deals that are deleted, or that a flow says were deleted last."""
    status = flow[flow["object"].eq("dealChange") & flow["field"].eq("status")]
    status = status.drop_duplicates("lead_id", keep="last").assign(status=status["new"])
    gone = set()
    for rows in (*deals, status):
        word = rows["status"].str.strip().str.casefold()
        flagged = read_flags(rows["deleted"]) == 1 if "deleted" in rows else False
        gone |= set(rows.loc[word.eq("deleted") | flagged, "lead_id"].dropna())
    return gone


def _take_deals(rows: pd.DataFrame, tables, given: dict[str, str]) -> pd.DataFrame:
    status = _read_status(rows["status"], given)
    closed_at = rows["won_at"].where(status == "won", rows["lost_at"])
    closed_at = closed_at.fillna(rows["closed_at"]).where(status.isin(["won", "lost"]))
    facts = {"status": status, "closed_at": closed_at, "maker": _find_maker(rows["origin"])}
    columns = [c for c in rows if c in LEAD_COLUMNS or c in _FURTHER]
    if "stage_id" in rows:
        pipeline = name_ids(rows["pipeline_id"], by_id(tables["pipelines"], "name"))
        facts |= {
            "stage": name_ids(rows["stage_id"], by_id(tables["stages"], "name")),
            "pipeline": pipeline,
        }
        facts |= {"source": rows["origin"], "account_id": rows["org"]}
        facts["manager"] = name_ids(rows["manager"], by_id(tables["users"], "name"))
        return rows[columns].assign(**facts)
    helpers = ["modified_at", "won_at", "lost_at", "origin", "expected"]
    return rows.drop(columns=helpers).assign(**facts)


def _read_status(words: pd.Series, given: dict[str, str]) -> pd.Series:
    known = {"open": "open", "won": "won", "lost": "lost"} | given
    return words.str.strip().str.casefold().map(known).astype("str")


def _find_maker(origin: pd.Series) -> pd.Series:
    plain = origin.astype("str").str.casefold().str.replace(r"\W", "", regex=True)
    return translate(plain, _WORDS["makers"])


def _take_flow_facts(flow: pd.DataFrame, given: dict[str, str]) -> pd.DataFrame:
    """What a flow knows of its deals: when they were made and closed, and their status."""
    ids = flow.loc[flow["lead_id"].notna(), "lead_id"].drop_duplicates()
    changes = flow[flow["object"] == "dealChange"]
    made = changes[changes["field"] == "add_time"].drop_duplicates("lead_id")
    ends = changes[changes["field"] == "status"]
    ends = ends.assign(status=_read_status(ends["new"], given)).drop_duplicates(
        "lead_id", keep="last"
    ).set_index("lead_id")  # fmt: skip
    status = look_up(ids, ends["status"]).fillna("open")
    return pd.DataFrame({
        "lead_id": ids, "status": status.astype("str"),
        "created_at": look_up(ids, made.set_index("lead_id")["at"]),
        "closed_at": look_up(ids, ends["at"]).where(status.isin(["won", "lost"])),
    })  # fmt: skip


def _take_moves(flow: pd.DataFrame, stages: pd.DataFrame) -> pd.DataFrame:
    """Changes of stage by the names they had then, else by the dictionary."""
    moves = flow[flow["object"].eq("dealChange") & flow["field"].eq("stage_id")]
    names = by_id(stages, "name")
    return pd.DataFrame({
        "about": "deal", "about_id": moves["lead_id"], "at": moves["at"],
        "stage": moves["new_name"].fillna(name_ids(moves["new"], names)),
        "old": moves["old_name"].fillna(name_ids(moves["old"], names)),
        "actor": translate(moves["by"], _WORDS["movers"]),
    })  # fmt: skip


def _take_activities(flow: pd.DataFrame, table: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Activities that are done; one told by a flow is not taken from the table again."""
    of_flow = flow[flow["object"] == "activity"]
    known = table["id"].isin(of_flow["id"])
    table = data.leave_out("told_twice", table.rename(columns={"type": "action"}), known)
    rows = pd.concat([of_flow, table.rename(columns={"action": "type"})], ignore_index=True)
    done = read_flags(rows["done"]) == 1
    action = translate(rows["type"], _WORDS["activities"])
    acts = _own(rows).assign(
        at=rows["done_at"].fillna(rows["at"]),
        action=action.fillna(rows["type"]).fillna("activity"),
        actor="manager",
    )
    return data.leave_out("planned", acts, ~done)


def _take_mails(flow: pd.DataFrame) -> pd.DataFrame:
    mails = flow[flow["object"].str.startswith("mailMessage", na=False)]
    sent = read_flags(mails["sent"])
    actor = sent.map({1.0: "manager", 0.0: "client"}).astype("str")
    way = sent.map({1.0: "outgoing_mail", 0.0: "incoming_mail"}).astype("str").fillna("mail")
    return _own(mails).assign(at=mails["at"], action=way, actor=actor)


def _take_others(flow: pd.DataFrame) -> pd.DataFrame:
    """Notes, files and whatever else a flow has, by its own names."""
    elsewhere = flow["object"].isin(["dealChange", "activity"])
    rows = flow[~elsewhere & ~flow["object"].str.startswith("mailMessage", na=False)]
    note = rows["object"].eq("note")
    actor = note.map({True: "manager"}).astype("str")
    return _own(rows).assign(
        at=rows["at"], action=rows["object"].mask(note, "note_added"), actor=actor
    )


def _take_last_mails(deals: pd.DataFrame, mails: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """The last mails that deals tell of; a flow's mails win."""
    parts = []
    for column, action, actor in (
        ("mail_received", "incoming_mail", "client"), ("mail_sent", "outgoing_mail", "manager")
    ):  # fmt: skip
        rows = deals[deals[column].notna()]
        parts.append(pd.DataFrame({
            "about": "deal", "about_id": rows["lead_id"], "at": rows[column], "action": action,
            "actor": actor,
        }))  # fmt: skip
    acts = pd.concat(parts, ignore_index=True)
    return data.leave_out("told_twice", acts, is_among(acts, mails, ["about_id", "action"]))


def _own(rows: pd.DataFrame) -> pd.DataFrame:
    """Whose each act is: its deal's, else its person's, else its organisation's."""
    deal, person = rows["lead_id"].notna(), rows["person"].notna()
    about = pd.Series("company", rows.index).mask(person, "contact").mask(deal, "deal")
    about_id = rows["lead_id"].fillna(rows["person"]).fillna(rows["org"])
    return pd.DataFrame({"about": about.astype("str"), "about_id": about_id.astype("str")})
