"""amoCRM and Kommo: the export of leads (CSV, XLSX), and the API v4 (leads, events, notes,
contacts, companies, pipelines, users, unsorted leads).

In every pipeline the stage 142 is won and 143 is lost. An act is the client's, the manager's or a
bot's by its type, else by ``created_by``, which is 0 for a bot. A call's event and its note are one
call, told by the note's id.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.reading.cells.outcomes import infer_outcomes, note_unknown, split_reason
from funnel_lib.reading.cells.people import KEYS
from funnel_lib.reading.crms.joins import (
    CrmData,
    by_id,
    choose,
    find_actors,
    gather_links,
    infer_beginnings,
    is_among,
    join_deals,
    link,
    look_up,
    name_ids,
    translate,
)
from funnel_lib.reading.crms.kinds import list_inside, read_crm, unfold

KINDS, _WORDS = read_crm(__file__)


def convert(tables: dict[str, pd.DataFrame], given: dict[str, str]) -> CrmData:
    """Give deals, moves and acts of amoCRM's tables.

    Where the export stands beside the API, its words (stages, managers) win.
    """
    data = CrmData()
    names = _name_stages(tables["pipelines"])
    users = by_id(tables["users"], "name")
    api = tables["leads"]
    api, deleted = data.leave_out_deleted(api)
    exported = _take_export(tables["export"], given, data)
    data.deals = join_deals([exported, _take_leads(api, names, users)])
    people = [("contact", tables["contacts"]), ("company", tables["companies"])]
    data.links = _link_contacts(tables["export"], api, people)
    data.people = pd.concat([_take_people(*of) for of in people], ignore_index=True)
    data.moves = _take_moves(tables["events"], names, data.deals)
    acts = [
        _take_events(tables["events"]),
        _take_notes(tables["notes"], data),
        _take_unsorted(tables["unsorted"]),
    ]
    acts = pd.concat(acts, ignore_index=True)
    made = acts["action"].eq("lead_added") & acts["about_id"].isin(
        data.deals.loc[data.deals["created_at"].notna(), "lead_id"]
    )
    data.acts = _drop_doubles(data.leave_out("told_twice", acts, made), data)
    data.leave_out_deals(deleted)
    return data


def _take_export(export: pd.DataFrame, given: dict[str, str], data: CrmData) -> pd.DataFrame:
    dated = export["closed_at"].notna()
    # where no deal has a closing date, the column is not there, and nothing tells
    closed = dated.astype(float) if dated.any() else pd.Series(np.nan, index=export.index)
    stage, reason = split_reason(export["stage"])
    status = infer_outcomes(stage, closed, given)
    note_unknown(status, stage, closed, data.ledger)
    maker = export["maker"]
    is_bot = maker.str.strip().str.casefold().isin(_WORDS["bots"])
    return export.drop(columns=["contact", "modified_at"]).assign(
        status=status,
        stage=stage,
        loss_reason=export["loss_reason"].fillna(reason),
        maker=choose([is_bot, maker.notna()], ["system", "manager"]),
    )


def _take_leads(api: pd.DataFrame, names: pd.DataFrame, users: pd.Series) -> pd.DataFrame:
    """Deals of the API; its custom fields by their names."""
    known = ["lead_id", "created_at", "closed_at", "manager", "amount", "loss_reason", "source",
             "account_id"]  # fmt: skip
    fields = unfold(api, "custom_fields_values")
    deals = api[known].reset_index(drop=True).assign(
        stage=_stage_names(api, names).to_numpy(),
        pipeline=name_ids(api["pipeline_id"], by_id(names, "pipeline", "pipeline_id")).to_numpy(),
        status=api["stage_id"].map(_WORDS["outcomes"]).fillna("open").to_numpy(),
        maker=_who(api["created_by"]).to_numpy(),
    )  # fmt: skip
    deals["manager"] = name_ids(deals["manager"], users)
    if len(fields):
        named = fields.dropna(subset="field_name").drop_duplicates(["row", "field_name"])
        wide = named.pivot_table(
            index="row", columns="field_name", values="values.0.value", aggfunc="first"
        )
        deals = deals.join(wide[[c for c in wide if c not in deals]])
    return deals


def _take_people(about: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Phones and tax numbers among the fields of contacts or companies, one row each."""
    fields = unfold(rows, "custom_fields_values")
    fields = fields.reindex(columns=[*dict.fromkeys([*fields, "field_code", "field_name"])])
    cells = unfold(fields, "values").reindex(columns=["row", "value"])
    rows_of = fields.iloc[cells["row"]].reset_index(drop=True)
    code, label = (rows_of[c].astype("str").fillna("") for c in ("field_code", "field_name"))
    names = code + " " + label
    known = names.dropna().unique()
    kinds = {key: [n for n in known if pattern.search(n)] for key, pattern in KEYS.items()}
    known = {f"{k} number": cells["value"].where(names.isin(of)) for k, of in kinds.items()}
    people = pd.DataFrame(
        {"about_id": rows["about_id"].to_numpy()[rows_of["row"].astype(int)], **known}
    )
    return people.assign(about=about)


def _link_contacts(export: pd.DataFrame, api: pd.DataFrame, people: list) -> pd.DataFrame:
    """Which contacts and companies are of which deal?"""
    parts = []
    for about, rows in people:
        deals = list_inside(rows, "_embedded.leads", "about_id").assign(about=about)
        parts.append(deals.rename(columns={"inside": "lead_id"}))
    for about, prefix in (("contact", "_embedded.contacts"), ("company", "_embedded.companies")):
        parts.append(link(list_inside(api, prefix, "lead_id"), "inside", about))
    parts += [link(export, "contact", "contact"), link(api, "account_id", "company")]
    return gather_links(*parts)


def _take_moves(events: pd.DataFrame, names: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """Changes of stage, and the stage each deal was made in, which no event tells: an open deal
    made since the events begin that never moved is in it still."""
    moves = events[events["action"] == "lead_status_changed"]
    outcome = translate(moves["stage_id"], _WORDS["outcomes"]).fillna("open")
    old = {"stage_id": moves["old_stage_id"], "pipeline_id": moves["old_pipeline_id"]}
    moves = pd.DataFrame({
        "about": "deal", "about_id": moves["about_id"], "at": moves["at"],
        "stage": _stage_names(moves, names), "old": _stage_names(moves.assign(**old), names),
        "outcome": outcome.where(moves["stage_id"].notna()),
        "actor": _who(moves["created_by"]),
    })  # fmt: skip
    still = deals["status"].eq("open") & (deals["created_at"] >= events["at"].min())
    begun = infer_beginnings(moves, deals, deals.loc[still, "lead_id"])
    begun = begun.assign(about="deal", outcome="open")
    return pd.concat([begun, moves], ignore_index=True).drop(columns="old")


def _take_events(events: pd.DataFrame) -> pd.DataFrame:
    acts = events[events["action"] != "lead_status_changed"]
    action = acts["action"]
    by_type = choose(
        [action.str.startswith("incoming_") | action.isin(_WORDS["of_clients"]),
         action.str.startswith(("outgoing_", "task_")) | action.isin(_WORDS["of_managers"]),
         action.isin(("robot_replied", "intent_identified"))],
        ["client", "manager", "system"],
    )  # fmt: skip
    bot = acts["created_by"].eq("0") & ~action.str.startswith("incoming_") & by_type.ne("client")
    return pd.DataFrame({
        "about": acts["about"].replace(_WORDS["about"]), "about_id": acts["about_id"],
        "at": acts["at"], "action": action,
        "actor": by_type.fillna(_who(acts["created_by"])).mask(bot, "system"),
        "created_by": acts["created_by"], "note_id": acts["note_id"],
    })  # fmt: skip


def _take_notes(notes: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Notes of calls and messages; whose they are, the address they came from tells, or the id."""
    by_link = look_up(notes["about_id"], by_id(data.links, "about", "about_id"))
    by_link = by_link.mask(notes["about_id"].isin(data.deals["lead_id"]))
    href = notes["href"].astype("str")
    by_href = href.str.extract(r"/(leads|contacts|companies)/")[0].map(_WORDS["about"])
    action = notes["action"].map(_WORDS["notes"]).fillna(notes["action"])
    mail = notes["action"].eq("amomail_message")
    action = action.mask(
        mail, notes["income"].map({"True": "incoming_mail"}).fillna("outgoing_mail")
    )
    actor = find_actors(action)
    return pd.DataFrame({
        "about": by_href.fillna(by_link).fillna("deal"),
        "about_id": notes["about_id"], "at": notes["at"], "action": action,
        "actor": actor.mask(actor.eq("manager") & notes["created_by"].eq("0"), "system"),
        "created_by": notes["created_by"], "duration": notes["duration"],
        "note_id": notes["note_id"], "is_note": True,
    })  # fmt: skip


def _take_unsorted(unsorted: pd.DataFrame) -> pd.DataFrame:
    """Requests nobody has taken up: each has a lead of its own already."""
    action = translate(unsorted["action"], _WORDS["unsorted"]).fillna(unsorted["action"])
    return pd.DataFrame({
        "about": "deal", "about_id": unsorted["lead_id"], "at": unsorted["at"], "action": action,
        "actor": "client",
    })  # fmt: skip


def _drop_doubles(acts: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Keep the note of a call or message, which knows how long it took, and not its event."""
    acts = acts.reindex(columns=[*acts.columns.union(["note_id", "is_note", "duration"])])
    is_note = acts["is_note"].eq(True).to_numpy()
    noted = acts["note_id"].isin(acts.loc[is_note, "note_id"]) & acts["note_id"].notna()
    beside = is_among(acts, acts[is_note], ["about", "about_id", "at", "action"])
    acts = data.leave_out("told_twice", acts, ~is_note & (noted.to_numpy() | beside))
    return acts.drop(columns=["note_id", "is_note"])


def _name_stages(pipelines: pd.DataFrame) -> pd.DataFrame:
    """Names of stages and pipelines, by their ids: one row a stage."""
    known = []
    for prefix in ("_embedded.statuses", "statuses"):
        inside = unfold(pipelines, prefix)
        if len(inside):
            of = pipelines.iloc[inside["row"]].reset_index(drop=True)
            known.append(pd.DataFrame({
                "pipeline_id": of["pipeline_id"], "pipeline": of["pipeline"],
                "stage_id": inside["id"], "stage": inside["name"],
            }))  # fmt: skip
    columns = ["pipeline_id", "pipeline", "stage_id", "stage"]
    table = pd.concat(known) if known else pd.DataFrame(columns=columns, dtype="str")
    return table.drop_duplicates(["pipeline_id", "stage_id"])


def _stage_names(rows: pd.DataFrame, names: pd.DataFrame) -> pd.Series:
    """The stage's name by its pipeline's and its own id; the id where no name is known."""
    keys = ["pipeline_id", "stage_id"]
    found = rows[keys].merge(names[[*keys, "stage"]], on=keys, how="left")["stage"]
    return pd.Series(found.to_numpy(), index=rows.index).fillna(rows["stage_id"]).astype("str")


def _who(created_by: pd.Series) -> pd.Series:
    return choose([created_by.eq("0"), created_by.notna()], ["system", "manager"])
