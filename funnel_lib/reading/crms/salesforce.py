"""Salesforce: opportunities, their histories, leads, tasks, events and mails, with API names, in
the snake case of pipelines, or with the labels of reports (whose times are local).

The close date of an open opportunity is the expected one. A record's id may be written with 15 or
18 characters. A task that is not completed and an event after the last recorded time are plans.
"""

from __future__ import annotations

import pandas as pd

from funnel_lib.reading.cells.outcomes import (
    infer_outcomes,
    learn_ends,
    read_ends,
    settle_outcomes,
    take_given_outcomes,
)
from funnel_lib.reading.crms.joins import (
    CrmData,
    by_id,
    find_actors,
    gather_links,
    gather_people,
    infer_beginnings,
    link,
    look_up,
    name_ids,
    translate,
)
from funnel_lib.reading.crms.kinds import read_crm, read_flags

KINDS, _WORDS = read_crm(__file__)
_DEAL = next(kind.columns for kind in KINDS if kind.name == "opportunities")
_IDS = ("lead_id", "about_id", "id", "what_id", "who_id", "account_id", "contact_id", "task_id",
        "manager", "user")  # fmt: skip
# With what the ids of these begin.
_OPPORTUNITY, _LEADS = "006", "00Q"
_PEOPLE = ("003", _LEADS)


def convert(tables: dict[str, pd.DataFrame], given: dict[str, str]) -> CrmData:
    """Give deals, moves, acts and leads of Salesforce's tables.

    Of a deal whose history is there the versions of its record give no moves.
    """
    data = CrmData()
    tables = _join_ids(tables)
    every = pd.concat([tables["opportunities"], tables["opportunity_report"]], ignore_index=True)
    versions = every[every["since"].notna()]
    deals, deleted = data.leave_out_deleted(_take_last(every))
    stages = tables["stages"].drop_duplicates("stage")
    ends = _read_flags_of(stages).set_axis(stages["stage"])
    sure = _read_flags_of(deals).fillna(look_up(deals["stage"], ends))
    closed = read_flags(deals["is_closed"])
    status = settle_outcomes(deals["stage"], sure, closed, given, data.ledger)
    users = by_id(tables["users"], "name")
    data.deals = _finish(deals.assign(status=status), users)
    learnt = learn_ends(deals["stage"], status)
    ends = pd.concat([ends, learnt[~learnt.index.isin(ends.index)]])
    leads = pd.concat([tables["leads"], tables["lead_report"]], ignore_index=True)
    of_deals = _take_moves(tables, versions, deals, ends, given, data)
    moves = pd.concat([of_deals, _move_leads(tables, leads, given, data)], ignore_index=True)
    data.moves = _find_movers(moves, by_id(tables["users"], "type"))
    data.prospects = _take_leads(leads, users, given, data)
    data.links = _take_links(tables, leads, deals)
    data.people = gather_people(
        ("lead", leads, "about_id"),
        ("contact", tables["contacts"], "contact_id"),
        ("company", tables["accounts"], "account_id"),
    )
    data.acts = _take_acts(tables, set(deals["lead_id"]), set(leads["about_id"]), data)
    data.leave_out_deals(deleted)
    return data


def _take_acts(tables, deals: set[str], leads: set[str], data: CrmData) -> pd.DataFrame:
    """Tasks, meetings and mails that took place, of whom they are."""
    acts = [_take_tasks(tables, data), _take_meetings(tables, data), _take_mails(tables, data)]
    contacts = tables["contacts"].drop_duplicates("contact_id").set_index("contact_id")
    linked = data.links.loc[data.links["about"] == "contact", "about_id"]
    of_accounts = contacts["account_id"].drop(linked, errors="ignore")
    return pd.concat([_own(a, deals, leads, of_accounts) for a in acts], ignore_index=True)


def _join_ids(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Write every record's id in one way: with 18 characters where any table does."""
    cells = [t[c].dropna().astype("str").drop_duplicates() for t in tables.values()
             for c in _IDS if c in t]  # fmt: skip
    ids = pd.concat(cells).drop_duplicates()
    ids = ids[ids.str.fullmatch("[A-Za-z0-9]{18}")]
    whole = ids.set_axis(ids.str[:15])
    whole = whole[~whole.index.duplicated()]
    return {
        name: t.assign(**{c: name_ids(t[c], whole) for c in _IDS
                          if c in t})
        for name, t in tables.items()
    }  # fmt: skip


def _take_last(deals: pd.DataFrame) -> pd.DataFrame:
    """The last version of each record that has several; other rows stay as they are."""
    dated = deals["since"].notna()
    active = read_flags(deals["active"]).eq(1)
    last = deals[dated].assign(order=active[dated]).sort_values(["order", "since"], kind="stable")
    last = last.drop_duplicates("lead_id", keep="last").drop(columns="order")
    other = deals[~dated & ~deals["lead_id"].isin(last["lead_id"])]
    return pd.concat([last, other]).sort_index().reset_index(drop=True)


def _read_flags_of(rows: pd.DataFrame) -> pd.Series:
    nothing = pd.Series(index=rows.index, dtype=float)
    return read_ends(read_flags(rows["is_won"]), nothing, read_flags(rows["is_closed"]))


def _finish(deals: pd.DataFrame, users: pd.Series) -> pd.DataFrame:
    """Deals as `CrmData` has them, with the further fields of their own."""
    helpers = ["contact_id", "is_won", "is_closed", "is_deleted", "since", "active", "modified_at"]
    own = [c for c in deals if c not in helpers and not c.startswith(("_fivetran", "attributes."))]
    own = [c for c in own if c in _DEAL or c == "status" or deals[c].notna().any()]
    return deals[own].assign(
        closed_at=deals["closed_at"].where(deals["status"].isin(["won", "lost"])),
        manager=name_ids(deals["manager"], users),
    )


def _take_moves(tables, versions, deals, ends, given, data: CrmData) -> pd.DataFrame:
    """Moves of deals by their histories, else by the versions of their records."""
    moves = _move_by_history(tables, deals, data)
    moves = pd.concat([moves, _move_by_versions(versions, moves, data)], ignore_index=True)
    moves = moves.reindex(columns=["about_id", "at", "stage", "user", "known", "dark"])
    named = moves["stage"].astype("str")
    outcome = take_given_outcomes(named, given).fillna(moves["known"].astype("str"))
    outcome = outcome.fillna(look_up(named, ends)).fillna(infer_outcomes(named, None, given))
    return moves.assign(about="deal", outcome=outcome.mask(moves["dark"].eq(True)))


def _move_by_history(tables, deals: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Moves of the stage history and of field changes, and the stage each deal was made in."""
    changes = pd.concat([tables["changes"], tables["change_report"]], ignore_index=True)
    changed = _read_changes(changes, "deal", ("stagename", "stage"), data)
    of_history = tables["moves"]["about_id"].unique()
    made = changes.loc[changes["field"].str.casefold().eq("created"), "about_id"]
    alone = changed[~changed["about_id"].isin(of_history)]
    begins = infer_beginnings(alone, deals, made[~made.isin(of_history)])
    moves = pd.concat([tables["moves"], begins, changed], ignore_index=True)
    moves = moves.reindex(columns=["about_id", "at", "stage", "user"]).assign(about="deal")
    return data.leave_out("told_twice", moves, moves.duplicated(["about_id", "at", "stage"]))


def _move_by_versions(versions: pd.DataFrame, moves: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Moves by the versions of the records of deals that have no history."""
    versions = versions.sort_values("since", kind="stable")
    again = versions["lead_id"].isin(moves["about_id"].unique())
    versions = data.leave_out("told_twice", versions, again)
    first = ~versions["lead_id"].duplicated()
    late = first & (versions["since"] - versions["created_at"] > pd.Timedelta(days=1))
    return versions[["since", "stage"]].assign(
        about_id=versions["lead_id"],
        # what the first copy of a record says was so before, nobody knows since when
        known=_read_flags_of(versions).mask(late), dark=late,
    ).rename(columns={"since": "at"})  # fmt: skip


def _move_leads(tables, leads: pd.DataFrame, given, data: CrmData) -> pd.DataFrame:
    changes = _read_changes(tables["lead_changes"], "lead", ("status",), data)
    made = leads[["about_id", "created_at", "stage"]].rename(columns={"about_id": "lead_id"})
    begins = infer_beginnings(changes, made, changes["about_id"])
    moves = pd.concat([begins, changes], ignore_index=True)
    return moves.assign(about="lead", outcome=infer_outcomes(moves["stage"], None, given))


def _find_movers(moves: pd.DataFrame, types: pd.Series) -> pd.DataFrame:
    """Whether a person or an automatic process moved it, by the types of users."""
    actor = look_up(moves["user"].astype("str"), types)
    actor = translate(actor, _WORDS["movers"])
    return moves.assign(actor=actor)[["about", "about_id", "at", "stage", "outcome", "actor"]]


def _read_changes(
    changes: pd.DataFrame, about: str, fields: tuple[str, ...], data: CrmData
) -> pd.DataFrame:
    """Changes of the stage among those of all fields: about_id, at, stage, old, user."""
    field = changes["field"].astype("str").str.strip().str.casefold()
    changes = data.leave_out("other_changes", changes.assign(about=about), ~field.isin(fields))
    return changes.rename(columns={"new": "stage"})[["about_id", "at", "stage", "old", "user"]]


def _take_leads(leads, users: pd.Series, given: dict[str, str], data: CrmData) -> pd.DataFrame:
    """Leads; what became of one that was converted, its deal knows."""
    leads = data.leave_out("deleted_deal", leads, read_flags(leads["is_deleted"]) == 1)
    leads = leads.drop_duplicates("about_id")
    status = infer_outcomes(leads["stage"], None, given)
    converted = read_flags(leads["is_converted"]).eq(1)
    return leads[["about_id", "created_at", "stage", "source"]].assign(
        about="lead",
        status=status.where(status == "lost").fillna("open").mask(converted),
        manager=name_ids(leads["manager"], users),
    )


def _take_links(tables, leads: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """Which leads, contacts and companies are of which deal?"""
    roles = tables["roles"][read_flags(tables["roles"]["is_deleted"]) != 1]
    leads = leads[["about_id", "lead_id"]].assign(about="lead")
    people = [link(rows, "contact_id", "contact") for rows in (roles, deals)]
    return gather_links(leads, *people, link(deals, "account_id", "company"))


def _take_tasks(tables: dict[str, pd.DataFrame], data: CrmData) -> pd.DataFrame:
    """Completed tasks, which are calls, mails or others; a mail that is there stands for itself."""
    tasks = _leave_deleted(tables["tasks"], data)
    mailed = tasks["id"].isin(tables["mails"]["task_id"].dropna())
    tasks = data.leave_out("told_twice", tasks, mailed)
    done = read_flags(tasks["is_closed"]).eq(1) | tasks["status"].str.casefold().eq("completed")
    tasks = data.leave_out("planned", tasks, ~done.fillna(False))
    kind = tasks["subtype"].where(tasks["subtype"].ne("Task")).fillna(tasks["type"])
    kind = kind.astype("str").str.casefold()
    way = translate(tasks["call_type"].astype("str").str.casefold(), _WORDS["calls"])
    action = pd.Series("task_completed", index=tasks.index, dtype="str")
    action = action.mask(kind.isin(["email", "listemail", "list email"]), "mail")
    action = action.mask(kind.eq("call"), "call")
    return tasks.assign(at=tasks["done_at"].fillna(tasks["created_at"]), action=way.fillna(action))


def _take_meetings(tables: dict[str, pd.DataFrame], data: CrmData) -> pd.DataFrame:
    """Meetings that had begun when anything was last recorded; one row for all who were there."""
    meetings = _leave_deleted(tables["meetings"], data)
    copies = read_flags(meetings["is_child"]).eq(1)
    meetings = data.leave_out("told_twice", meetings, copies)
    stamps = [t[c].max() for t in tables.values() for c in ("created_at", "modified_at")
              if c in t and pd.api.types.is_datetime64_any_dtype(t[c])]  # fmt: skip
    stamps += [tables[k]["at"].max() for k in ("moves", "changes", "change_report", "lead_changes")]
    last = pd.Series(stamps, dtype="datetime64[us, UTC]").max()
    meetings = data.leave_out("planned", meetings, meetings["at"] > last)
    return meetings.assign(action="meeting_held")


def _take_mails(tables: dict[str, pd.DataFrame], data: CrmData) -> pd.DataFrame:
    """Mails; what one is about, its task knows where it does not say itself."""
    mails = _leave_deleted(tables["mails"], data)
    ways = {1.0: "incoming_mail", 0.0: "outgoing_mail"}
    action = read_flags(mails["incoming"]).map(ways).astype("str").fillna("mail")
    of = tables["tasks"].dropna(subset="id").drop_duplicates("id").set_index("id")
    what, who, account = (look_up(mails["task_id"], of[c])
                          for c in ("what_id", "who_id", "account_id"))  # fmt: skip
    about = mails["what_id"].fillna(what)
    person = about.where(about.str.startswith(_PEOPLE, na=False))
    return mails.assign(action=action, what_id=about, who_id=person.fillna(who), account_id=account)


def _leave_deleted(rows: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    return data.leave_out("deleted_activity", rows, read_flags(rows["is_deleted"]) == 1)


def _own(acts: pd.DataFrame, deals: set, leads: set, of_accounts: pd.Series) -> pd.DataFrame:
    """Whose each act is: the deal's it is about, else the lead's, contact's or company's; of a
    contact of no deal (`of_accounts`: its company), the company's."""
    acts = acts.reindex(columns=["at", "action", "duration", "what_id", "who_id", "account_id"])
    what, who = acts["what_id"].astype("str"), acts["who_id"].astype("str")
    account = acts["account_id"].astype("str").fillna(look_up(who, of_accounts))
    of_nobody = who.isin(of_accounts.index) & account.notna()
    who = who.mask(of_nobody)
    of_deal = what.isin(deals) | what.str.startswith(_OPPORTUNITY, na=False)
    ids = {"deal": what.where(of_deal), "company": account.fillna(what)}
    of_lead = who.isin(leads) | who.str.startswith(_LEADS, na=False)
    about = pd.Series("company", index=acts.index, dtype="str").mask(who.notna(), "contact")
    about = about.mask(of_lead, "lead").mask(of_deal, "deal")
    about_id = ids["company"].astype("str").mask(who.notna(), who).mask(of_deal, what)
    return acts[["at", "action", "duration"]].assign(
        about=about, about_id=about_id, actor=find_actors(acts["action"])
    )
