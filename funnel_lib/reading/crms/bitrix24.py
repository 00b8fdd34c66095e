"""Bitrix24: exports of deals and leads (CSV, XLS, XLSX), and the REST API (deals, leads, items,
stage history, activities, statistics of calls, contacts, companies, dictionaries, users).

An export has one row a product. The close date of a deal is an assumed one: what closed it is the
history's last row of success or failure, else the last move of a closed deal, else its last
modification, which is noted. A change of pipeline is a move and no outcome.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from funnel_lib.core.events import LEAD_COLUMNS
from funnel_lib.reading.cells.outcomes import settle_outcomes, take_given_outcomes
from funnel_lib.reading.cells.people import bare_key
from funnel_lib.reading.crms.joins import (
    CrmData,
    by_id,
    complete,
    find_actors,
    gather_links,
    gather_people,
    join_deals,
    link,
    look_up,
    name_ids,
    name_people,
    sort_moves,
    translate,
)
from funnel_lib.reading.crms.kinds import list_inside, read_crm, read_flags, unfold

KINDS, _WORDS = read_crm(__file__)
_COLUMNS = {kind.name: kind.columns for kind in KINDS}
_LEAD = "lead "  # NEW is a stage of leads and of the first pipeline's deals, too
# Of the API's further fields these are the user's own.
_OWN_FIELDS = r"(?i)uf_?crm|utm"
# A form this near to the deal it made is the same one.
_SAME_FORM = pd.Timedelta(minutes=5)


def convert(tables: dict[str, pd.DataFrame], given: dict[str, str]) -> CrmData:
    """Give deals, leads, moves and acts of Bitrix24's tables.

    Where an export stands beside the API, its words win. What a lead came to that became
    a deal is missing: the deal knows it.
    """
    data = CrmData()
    words = _read_dictionaries(tables)
    items = tables["deals"]
    is_lead = items["entity"].eq("1").to_numpy()
    exported = _fold_products(tables["export"], data)
    moves = _take_moves(tables["moves"], words, given)
    is_end = moves["about"].eq("deal") & moves["outcome"].isin(["won", "lost"])
    dated = moves.loc[is_end, "about_id"]
    deals = join_deals([
        _take_deals(exported, "", words, given, dated, data),
        _take_deals(items[~is_lead], _OWN_FIELDS, words, given, dated, data),
    ])  # fmt: skip
    data.listed = deals["lead_id"]
    deals = join_deals([deals, _made_by_history(tables["moves"])])
    lead_tables = (tables["leads_export"], tables["leads"], items[is_lead])
    leads = join_deals([
        _take_leads(rows, further, words, given, data)
        for rows, further in zip(lead_tables, ("", _OWN_FIELDS, _OWN_FIELDS), strict=True)
    ])  # fmt: skip
    converted = _find_converted(leads, moves)
    data.moves = moves.assign(outcome=moves["outcome"].mask(
        moves["about"].eq("lead") & moves["about_id"].isin(converted)
    ))  # fmt: skip
    data.prospects = leads.rename(columns={"lead_id": "about_id"}).assign(
        about="lead", status=leads["status"].mask(leads["lead_id"].isin(converted))
    )
    data.links = _link_deals(items[~is_lead], tables["export"])
    data.deals = _leave_forms_to_leads(complete("deals", deals), data)
    activities, calls = _take_calls(tables["calls"], tables["activities"], data)
    acts = pd.concat([_take_acts(activities, data), calls], ignore_index=True)
    data.acts = _drop_double_forms(acts, data)
    data.people = gather_people(
        ("contact", tables["contacts"], "about_id"),
        ("company", tables["companies"], "about_id"),
        *(("lead", rows, "lead_id") for rows in lead_tables),
    )
    return data


def _read_dictionaries(tables: dict[str, pd.DataFrame]) -> dict[str, pd.Series]:
    """Names by ids: of stages (and their outcomes), sources, pipelines, users."""
    rows = tables["dictionary"]
    stages = rows[rows["of"].str.match(r"DEAL_STAGE|STATUS$", na=False)]
    ids = stages["id"].mask(stages["of"] == "STATUS", _LEAD + stages["id"])
    stages = stages.assign(id=ids, outcome=translate(stages["semantic"], _WORDS["ends"]))
    pages = unfold(tables["category_pages"], "result.categories").reindex(columns=["id", "name"])
    pipelines = pd.concat([tables["categories"][["id", "name"]], pages], ignore_index=True)
    return {
        "stage": by_id(stages, "name"), "outcome": by_id(stages, "outcome"),
        "source": by_id(rows[rows["of"] == "SOURCE"], "name"),
        "pipeline": by_id(pipelines, "name"),
        "user": name_people(tables["users"], "name", "last_name"),
    }  # fmt: skip


def _fold_products(rows: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Fold the rows of a deal's products into one: their sum, and the largest product. Rows of one
    deal that differ in stage or name no product are no such rows: they stay, to be counted."""
    rows = data.leave_out("duplicate", rows, rows.duplicated()).reset_index(drop=True)
    line = rows["price"] * rows["quantity"].fillna(1)
    by_deal = rows.assign(fits=(rows["amount"] - line).abs() < 0.01).groupby("lead_id")
    fits, total = by_deal["fits"].all(), by_deal["amount"].sum(min_count=1)
    least, most = by_deal["amount"].min(), by_deal["amount"].max()
    # one sum in every row is the deal's, unless it is what each of several products costs
    whole = rows.assign(priced=line.notna()).groupby("lead_id")["priced"].all()
    whole |= by_deal["product"].nunique() < 2
    amount = total.mask((least == most) & ~fits & whole, most)
    alike = by_deal[["stage", "created_at"]].nunique(dropna=False).max(axis=1) < 2
    folded = rows["lead_id"].isin(alike.index[alike & (by_deal["product"].count() > 0)])
    sized = rows.assign(size=line.fillna(rows["amount"]).fillna(-np.inf))
    sized = sized.sort_values("size", ascending=False, kind="stable").drop_duplicates("lead_id")
    largest = sized.dropna(subset="lead_id").set_index("lead_id")["product"]
    again = rows["lead_id"].duplicated() & folded
    data.ledger.note_cells("product_rows", rows["lead_id"], again, "info")
    sums = look_up(rows["lead_id"], amount).where(folded, rows["amount"])
    products = look_up(rows["lead_id"], largest).where(folded, rows["product"])
    return rows.assign(amount=sums, product=products)[~again]


def _take_deals(rows, further: str, words, given, dated: pd.Series, data: CrmData) -> pd.DataFrame:
    """Deals, with the columns that a mapping names and those whose names begin as `further`; when
    the `dated` ones were closed their history knows."""
    status, facts = _take_facts(rows, rows["stage_id"], words, given, data)
    own = [c for c in rows if c in LEAD_COLUMNS or re.match(further, c)]
    own = [c for c in own if c not in {*_COLUMNS["deals"], "status", "closed_at"}]
    ended = status.isin(["won", "lost"])
    modified = ended & rows["moved_at"].isna() & rows["modified_at"].notna()
    modified &= ~rows["lead_id"].isin(dated) & ("closed_at" not in rows)
    note = data.ledger.note_cells
    note("closed_by_modification", rows["lead_id"], modified, n_all=ended.sum())
    closed_at = rows["moved_at"].fillna(rows["modified_at"])
    return facts.assign(
        status=status,
        closed_at=rows.get("closed_at", closed_at).where(ended),
        pipeline=name_ids(rows["pipeline"], words["pipeline"]),
        **{c: rows[c] for c in ("lead_id", "product", "is_repeat", *own)},
    )


def _take_leads(rows: pd.DataFrame, further: str, words, given, data: CrmData) -> pd.DataFrame:
    """Leads, with further columns as of `_take_deals`; won is one that became a deal."""
    status, facts = _take_facts(rows, _LEAD + rows["stage_id"], words, given, data)
    became = facts["stage"].str.strip().str.casefold().isin(_WORDS["converted"])
    status = status.mask(became, "won")
    closed_at = rows["closed_at"] if "closed_at" in rows else rows["moved_at"]
    known = {*_COLUMNS["leads"], *_COLUMNS["deals"], *facts} - {"lead_id", "product"}
    own = [c for c in rows if c not in known and (c in LEAD_COLUMNS or re.match(further, c))]
    return rows[own].assign(**facts, status=status, closed_at=closed_at.where(status == "lost"))


def _take_facts(rows: pd.DataFrame, keys: pd.Series, words, given, data: CrmData):
    """What deals and leads have in common: (status, facts); `keys` are of their stages."""
    named = rows["stage"].fillna(look_up(keys, words["stage"]))
    closed = read_flags(rows["closed"]) if "closed" in rows else pd.Series(np.nan, rows.index)
    sure = _read_semantics(rows["semantic"]).fillna(_infer_by_key(keys, words))
    status = settle_outcomes(
        named, sure.mask(sure.isna() & (closed == 0), "open"), closed, given, data.ledger
    )
    by_form = rows["form"].notna() & (read_flags(rows["form"]) != 0)
    return status, pd.DataFrame({
        "created_at": rows["created_at"], "stage": named.fillna(rows["stage_id"]),
        **rows[["amount", "currency", "loss_reason"]],
        "manager": name_ids(rows["manager"], words["user"]),
        "source": name_ids(rows["source"], words["source"]),
        "account_id": rows["account_id"].mask(rows["account_id"] == "0"),
        "maker": by_form.map({True: "client"}).astype("str"),
    })  # fmt: skip


def _read_semantics(words: pd.Series) -> pd.Series:
    """Outcomes by S, F and P, or by the words of an export."""
    status = translate(words, _WORDS["ends"])
    for end, pattern in _WORDS["stage_groups"].items():
        found = words.str.contains(pattern, case=False, na=False)
        status = status.mask(status.isna() & found, end)
    return status


def _infer_by_key(keys: pd.Series, words: dict[str, pd.Series]) -> pd.Series:
    """Outcomes by what the dictionary says of a stage, else by the ids that every portal has."""
    plain = keys.astype("str").str.replace(rf"^(?:{_LEAD}|\w+:)", "", regex=True)
    return look_up(keys, words["outcome"]).fillna(plain.map(_WORDS["first_stages"])).astype("str")


def _made_by_history(rows: pd.DataFrame) -> pd.DataFrame:
    """When deals were made, as the first row of their history tells."""
    made = rows[rows["type"].eq("1") & rows["stage_id"].notna()].drop_duplicates("about_id")
    return pd.DataFrame({"lead_id": made["about_id"], "created_at": made["at"]})


def _take_moves(rows: pd.DataFrame, words, given: dict[str, str]) -> pd.DataFrame:
    """Moves of deals and leads; a move to another pipeline closes nothing."""
    keys = rows["stage_id"].fillna(_LEAD + rows["status_id"])
    named = look_up(keys, words["stage"])
    outcome = take_given_outcomes(named, given)
    semantic = _read_semantics(rows["semantic"].fillna(rows["lead_semantic"]))
    outcome = outcome.fillna(semantic).fillna(_infer_by_key(keys, words))
    changed = rows["type"].eq("5") & outcome.isin(["won", "lost"])
    return pd.DataFrame({
        "about": rows["stage_id"].notna().map({True: "deal", False: "lead"}).astype("str"),
        "about_id": rows["about_id"], "at": rows["at"],
        "stage": named.fillna(rows["stage_id"]).fillna(rows["status_id"]),
        "outcome": outcome.mask(changed),
    })  # fmt: skip


def _find_converted(leads: pd.DataFrame, moves: pd.DataFrame) -> set[str]:
    """Which leads became deals, by their status or by their last move?"""
    last = sort_moves(moves[moves["about"] == "lead"])
    last = last.drop_duplicates("about_id", keep="last")
    return {
        *leads.loc[leads["status"] == "won", "lead_id"].dropna(),
        *last.loc[last["outcome"] == "won", "about_id"].dropna(),
    }


def _link_deals(api: pd.DataFrame, export: pd.DataFrame) -> pd.DataFrame:
    """Which lead, contacts and company are of which deal?"""
    several = list_inside(api, "contactIds", "lead_id", "")
    links = gather_links(
        link(several, "inside", "contact"),
        link(export, "of_lead", "lead"),
        link(api, "of_lead", "lead"),
        link(api, "contact", "contact"),
        link(api, "account_id", "company"),
    )
    return links[links["about_id"] != "0"]


def _leave_forms_to_leads(deals: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """A deal made of a lead was not made by a form: the lead was."""
    of_lead = data.links[data.links["about"] == "lead"]
    of_lead = of_lead[of_lead["about_id"].isin(data.prospects["about_id"])]
    made = deals["lead_id"].isin(of_lead["lead_id"])
    return deals.assign(maker=deals["maker"].mask(made))


def _take_acts(rows: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Activities that happened; what is not completed and did not come in is a plan."""
    by_type = translate(rows["type"], _WORDS["acts_by_type"])
    action = translate(rows["provider"], _WORDS["acts_by_provider"]).fillna(by_type)
    action = action.fillna(rows["provider"].str.lower()).fillna("activity")
    way = translate(rows["way"], _WORDS["ways"]).where(action.isin(_WORDS["directed"])).fillna("")
    came_in = rows["way"].eq("1") | action.eq("form_sent")
    acts = pd.DataFrame({
        "about": translate(rows["about"], _WORDS["about"]).fillna("other"),
        "about_id": rows["about_id"], "at": rows["at"].fillna(rows["created"]),
        "action": way + action,
        "duration": rows["duration"],
    })  # fmt: skip
    acts = acts.assign(actor=find_actors(acts["action"]))
    return data.leave_out("planned", acts, (read_flags(rows["done"]) == 0) & ~came_in)


def _take_calls(calls: pd.DataFrame, activities: pd.DataFrame, data: CrmData):
    """Activities with what the statistics of calls know: how long (of several rows the longest) and
    that they took place; and the calls that are no activity: of their deal, lead, contact or
    company, else of their phone."""
    seconds = pd.to_numeric(calls["duration"], errors="coerce")
    seconds = seconds.groupby(calls["activity_id"]).max().astype("Int64").astype("str")
    known = calls["activity_id"].isin(activities["id"].dropna())
    activities = activities.assign(
        duration=activities["duration"].fillna(look_up(activities["id"], seconds)),
        done=activities["done"].mask(activities["id"].isin(calls.loc[known, "activity_id"]), "Y"),
    )
    calls = calls.assign(about=calls["about"].str.casefold())
    calls = data.leave_out("told_twice", calls, known)
    about, ids = calls["about"], calls["about_id"]
    owned = about.isin(_WORDS["about"].values()) & ids.notna() & ids.ne("0")
    action = translate(calls["way"], _WORDS["calls"]).fillna("call")
    return activities, pd.DataFrame({
        "about": about.where(owned, "phone"),
        "about_id": ids.where(owned, bare_key(calls["phone"], "phone")),
        "at": calls["at"], "action": action, "actor": find_actors(action),
        "duration": calls["duration"],
    })  # fmt: skip


def _drop_double_forms(acts: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Leave out the form of a deal or lead that tells itself that a form made it."""
    made = pd.concat(
        [data.deals.assign(about="deal", about_id=data.deals["lead_id"]), data.prospects],
        ignore_index=True,
    )
    made = made.loc[made["maker"] == "client", ["about", "about_id", "created_at"]]
    made = made.drop_duplicates(["about", "about_id"])
    since = acts[["about", "about_id"]].merge(made, how="left")["created_at"]
    near = (acts["at"] - since.set_axis(acts.index)).abs() <= _SAME_FORM
    return data.leave_out("told_twice", acts, acts["action"].eq("form_sent") & near)
