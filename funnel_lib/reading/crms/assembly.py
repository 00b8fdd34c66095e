"""Everything that is known of a CRM's clients as one log: which deals each act belongs to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import STAGE_PREFIX, show_values
from funnel_lib.core.times import end_of_days, to_micros
from funnel_lib.reading.crms.joins import (
    COLUMNS,
    PAYMENT,
    REFUND,
    CrmData,
    close_by_moves,
    complete,
    is_among,
)
from funnel_lib.reading.ledger import name_journey, name_subjects

# An act this shortly before a deal was made is what the deal was made for.
BEFORE_DEAL = pd.Timedelta(days=1)
# What befell a client with more open deals than this at that time is of none of them.
MOST_OPEN = 20
# So many acts beside deals are looked at at once, as a client of many years has many of both.
MOST_PAIRS = 1_000_000
_SUBJECT = ["about", "about_id"]


def assemble(data: CrmData) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join everything by ids: (events, leads), for `events.build_log`.

    What is about a lead goes to the deals it became, else to a journey of its own, ``lead 7``. What
    is about a person, a company, a phone or a tax number goes to each of their deals that was open
    at that time (or made within `BEFORE_DEAL` after it); a payment after that, to the deal last
    won. Where the person is read as a lead, too, the rest goes to the next deal they made, or to
    their own journey. A stage that follows itself is left out, and what would go to more than
    `MOST_OPEN` deals.
    """
    for name in COLUMNS:
        setattr(data, name, complete(name, getattr(data, name)))
    data = _follow_merged(data)
    listed = data.list_ids()
    data.deals = close_by_moves(data.deals, data.moves[data.moves["about"] == "deal"])
    ids = data.deals["lead_id"]  # a history has deals that no table of deals has, if there is any
    data.ledger.note_cells("deals_not_listed", ids, ~ids.isin(listed) & (len(listed) > 0))
    prospects = _close_prospects(data)
    moves, acts = data.moves, data.acts
    moves = moves.assign(action=STAGE_PREFIX + moves["stage"]).drop(columns=["stage", "outcome"])
    created = _list_creations(data.deals, prospects)
    rows = pd.concat([created, moves, acts], ignore_index=True)
    rows = _drop_same_stage(give_to_deals(rows, data, prospects), data)
    links = data.links.dropna()
    links = links[links["lead_id"].isin(data.deals["lead_id"])]
    own = prospects[~is_among(prospects, links, _SUBJECT)]
    own = own.assign(lead_id=name_journey(own)).drop(columns=["about", "about_id"])
    return rows, pd.concat([data.deals, own], ignore_index=True).drop(columns="maker")


def _follow_merged(data: CrmData) -> CrmData:
    """Give what happened to a merged deal to the deal it was merged into."""
    if data.merged.empty:
        return data
    into = data.merged.drop_duplicates("lead_id").set_index("lead_id")["into"]
    for _ in range(10):  # a merged deal may be merged again
        into = into.map(into).fillna(into)
    ids = data.deals["lead_id"]
    gone = ids.isin(into.index) & (ids.map(into) != ids)
    data.ledger.note_cells("merged_deals", ids, gone, "info")
    data.deals = data.deals[~gone]
    for name in ("moves", "acts"):
        table = getattr(data, name)
        living = table["about_id"].map(into).where(table["about"] == "deal")
        setattr(data, name, table.assign(about_id=living.fillna(table["about_id"])))
    ids = data.links["lead_id"]
    data.links = data.links.assign(lead_id=ids.map(into).fillna(ids))
    return data


def _close_prospects(data: CrmData) -> pd.DataFrame:
    """Close leads by their moves as deals are closed."""
    prospects = data.prospects
    if prospects.empty:
        return prospects
    parts = []
    for about, part in prospects.groupby("about"):
        theirs = data.moves["about"].eq(about) & data.moves["about_id"].isin(part["about_id"])
        part = close_by_moves(part.rename(columns={"about_id": "lead_id"}), data.moves[theirs])
        parts.append(part.rename(columns={"lead_id": "about_id"}))
    return pd.concat(parts, ignore_index=True)


def _list_creations(deals: pd.DataFrame, prospects: pd.DataFrame) -> pd.DataFrame:
    """The making of deals and leads as events, each its maker's: a client makes one by a form."""
    parts = [
        deals.rename(columns={"lead_id": "about_id"}).assign(about="deal", action="deal_created"),
        prospects.assign(action="lead_created"),
    ]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.drop(columns=["at", "actor"], errors="ignore")
    rows = rows.rename(columns={"created_at": "at", "maker": "actor"})
    rows = rows[rows["at"].notna() & rows["about_id"].notna()]
    rows["action"] = rows["action"].mask(rows["actor"] == "client", "form_sent")
    return rows[["about", "about_id", "at", "action", "actor"]].drop_duplicates()


def give_to_deals(rows: pd.DataFrame, data: CrmData, prospects: pd.DataFrame) -> pd.DataFrame:
    """Find the deals that each row belongs to: ``lead_id`` in place of what it is about.

    A row that belongs to several deals is one row of each; one that would belong to more than
    `MOST_OPEN` is left out, and what belongs to none; the data's ledger counts both. The cost grows
    with the acts of each client times their deals.
    """
    rows = data.leave_out("no_time", rows, rows["at"].isna()).reset_index(drop=True)
    rows = _know_people(rows.assign(row=np.arange(len(rows)), via=rows["about"]), data, prospects)
    links = data.links.dropna().drop_duplicates()
    links = links[links["lead_id"].isin(data.deals["lead_id"])] if len(data.deals) else links
    direct = rows[rows["about"] == "deal"]
    direct = direct[["row"]].assign(lead_id=direct["about_id"])
    pairs = rows.loc[rows["about"] != "deal", ["row", "about", "about_id", "at", "action"]]
    dated = links.merge(_date(data.deals), on="lead_id", how="left")
    chosen, shared = _give(pairs, dated, prospects)
    rows = data.leave_out("too_many_deals", rows, rows["row"].isin(shared))
    given = pd.concat([direct, chosen], ignore_index=True)
    left = rows[~rows["row"].isin(given["row"])]
    own = is_among(left, prospects, _SUBJECT) | left["about"].eq("lead").to_numpy()
    own &= ~is_among(left, links, _SUBJECT)
    journeys = left.loc[own, ["row"]].assign(lead_id=name_journey(left[own]))
    given = pd.concat([given, journeys], ignore_index=True)
    _note_given(rows, left[~own], given, data)
    rows = given.merge(rows, on="row").sort_values(["row", "lead_id"], kind="stable")
    return rows.drop(columns=["row", "via", "about", "about_id"]).reset_index(drop=True)


def _date(deals: pd.DataFrame) -> pd.DataFrame:
    """When each deal began to be the client's matter, when it was closed, and how."""
    dated = deals.drop_duplicates("lead_id")[["lead_id", "created_at", "closed_at", "status"]]
    closed = to_micros(dated["closed_at"])
    to_end = pd.to_timedelta(end_of_days(closed) - closed, unit="us")
    since, until = dated["created_at"] - BEFORE_DEAL, dated["closed_at"] + to_end
    return dated.assign(since=since, closed_at=until)


def _give(acts: pd.DataFrame, linked: pd.DataFrame, prospects: pd.DataFrame):
    """Which deals each act is given to (row, lead_id), and the rows of those with too many."""
    size = linked.groupby(_SUBJECT, as_index=False).size()
    n_deals = acts[_SUBJECT].merge(size, how="left")["size"].fillna(0).to_numpy(int)
    piece = np.cumsum(n_deals) // MOST_PAIRS
    given = []
    for number in np.unique(piece):
        pairs = acts[piece == number].merge(linked, on=_SUBJECT)
        given.append(_choose(pairs, prospects))
    given = (
        pd.concat(given, ignore_index=True) if given else pd.DataFrame(columns=["row", "lead_id"])
    )
    of_lead = acts.loc[acts["about"] == "lead", "row"]  # all that a lead became is its own
    times = given.loc[~given["row"].isin(of_lead), "row"].value_counts()
    shared = times.index[times > MOST_OPEN]
    return given[~given["row"].isin(shared)], shared


def _know_people(rows: pd.DataFrame, data: CrmData, prospects: pd.DataFrame) -> pd.DataFrame:
    """Give what is known by phone or tax number to the lead or contact that has it, where that
    person is read as a lead; what is of deals alone stays as it is."""
    known = data.known_by.merge(prospects[_SUBJECT].drop_duplicates())
    known = known.sort_values(["key", "value", "about_id"]).drop_duplicates(["key", "value"])
    known = known.rename(columns={"about": "person", "about_id": "person_id"})
    keys = {"left_on": _SUBJECT, "right_on": ["key", "value"]}
    found = rows[_SUBJECT].merge(known, how="left", **keys)
    person, person_id = (found[c].set_axis(rows.index) for c in ("person", "person_id"))
    return rows.assign(
        about=person.fillna(rows["about"]), about_id=person_id.fillna(rows["about_id"])
    )


def _choose(pairs: pd.DataFrame, prospects: pd.DataFrame) -> pd.DataFrame:
    """Choose among the deals linked with each row: a lead's all; a person's that were open (one
    that ended nobody knows when, only where no other was); else the next one of a person who is
    read as a lead; else, of a payment, the one last won."""
    of_lead = pairs["about"].eq("lead").to_numpy()
    early, late = pairs["at"] < pairs["since"], pairs["at"] > pairs["closed_at"]
    was_open = ~early.to_numpy() & ~late.to_numpy()
    sure = of_lead | (
        was_open & (pairs["status"].eq("open") | pairs["closed_at"].notna()).to_numpy()
    )
    taken = sure | (was_open & ~pairs["row"].isin(pairs.loc[sure, "row"]).to_numpy())
    rest = pairs[~pairs["row"].isin(pairs.loc[taken, "row"])]
    known = prospects[_SUBJECT].drop_duplicates()
    later = rest[rest["created_at"] > rest["at"]].merge(known, on=_SUBJECT)
    later = later.sort_values(["created_at", "lead_id"], kind="stable").drop_duplicates("row")
    paid = rest[rest["action"].isin([PAYMENT, REFUND]) & (rest["status"] == "won")]
    paid = paid[(paid["closed_at"] < paid["at"]) & ~paid["row"].isin(later["row"])]
    paid = paid.sort_values(["closed_at", "lead_id"], kind="stable").drop_duplicates(
        "row", keep="last"
    )
    chosen = pd.concat([pairs[taken], later, paid], ignore_index=True)
    return chosen[["row", "lead_id"]].drop_duplicates()


def _note_given(rows, left: pd.DataFrame, given: pd.DataFrame, data: CrmData) -> None:
    """Count rows given to several deals, those of no deal, and how many matched by phone."""
    times = given["row"].value_counts()
    several = rows[rows["row"].isin(times.index[times > 1])]
    shown = show_values(name_subjects(several)["lead_id"])
    data.ledger.note("shared_activities", len(several), len(rows), "info", shown)
    for key in ("phone", "tax"):
        of_key = rows["via"] == key
        matched = of_key & rows["row"].isin(given["row"])
        data.ledger.note(f"matched_by_{key}", matched.sum(), of_key.sum(), "info")
    outside = left["via"].isin(["phone", "tax"])
    data.leave_out("no_match", left, outside)
    data.leave_out("no_open_deal", left, ~outside)


def _drop_same_stage(rows: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Leave out a stage that follows itself: a row of a history that tells of another change."""
    moves = rows[rows["action"].str.startswith(STAGE_PREFIX, na=False)]
    moves = moves.sort_values(["lead_id", "at", "action"], kind="stable")
    before = moves.groupby("lead_id")["action"].shift()
    again = moves.index[(moves["action"] == before).to_numpy()]
    return data.leave_out("same_stage", rows, rows.index.isin(again))
