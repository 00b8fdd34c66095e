"""Everything that is known of a CRM's clients as one log: which deals each act belongs to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import STAGE_PREFIX, note_removed, show_values
from funnel_lib.core.times import end_of_days, to_micros
from funnel_lib.reading.crms.joins import (
    COLUMNS,
    PAYMENT,
    REFUND,
    CrmData,
    close_by_moves,
    complete,
)

# An act this shortly before a deal was made is what the deal was made for.
BEFORE_DEAL = pd.Timedelta(days=1)
# What befell a client with more open deals than this at that moment tells of none of them.
MOST_OPEN = 20
# So many acts beside deals are looked at at once, as a client of many years has many of both.
MOST_PAIRS = 1_000_000


def assemble(data: CrmData) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Join everything by ids.

    Parameters
    ----------
    data : what the tables hold; `noticed` is added to

    Returns
    -------
    (events, leads, removed), for `events.build_log`. What hangs on a lead goes to the deals it
    became, else to a journey of its own, ``lead 7``. What hangs on a person, a company, a phone or
    a tax number goes to each of their deals that was open at that moment (or made within
    `BEFORE_DEAL` after it); a payment after that, to the deal last won. Where the person is read
    as a lead, too, the rest goes to the next deal they made, or to their own journey.
    A stage that follows itself is left out, and what would go to more than `MOST_OPEN` deals.
    """
    for name in COLUMNS:
        setattr(data, name, complete(name, getattr(data, name)))
    data = _follow_merged(data)
    listed = data.list_ids()
    data.deals = close_by_moves(data.deals, data.moves)
    _note_unlisted(data, listed)
    prospects = _close_prospects(data)
    moves, acts = data.moves, data.acts
    moves = moves.assign(action=STAGE_PREFIX + moves["stage"]).drop(columns=["stage", "outcome"])
    created = _tell_created(data.deals, prospects)
    rows = pd.concat([created, moves, acts], ignore_index=True)
    rows = _drop_same_stage(give_to_deals(rows, data, prospects), data)
    own = prospects[~_became_deal(prospects, data)]
    own = own.assign(lead_id=_own_journey(own)).drop(columns=["owner", "owner_id"])
    leads = pd.concat([data.deals, own], ignore_index=True).drop(columns="maker")
    return rows, leads, count_removed(data)


def _note_unlisted(data: CrmData, listed: pd.Series) -> None:
    """Note deals that a history tells of and the tables of deals, where there are any, do not."""
    ids = data.deals["lead_id"]
    missing = ids[~ids.isin(listed)] if len(listed) else ids[:0]
    row = ("deals_not_listed", len(missing), len(ids), "warning", show_values(missing))
    data.noticed.append(row)


def _follow_merged(data: CrmData) -> CrmData:
    """Give what happened to a merged deal to the deal it was merged into."""
    if data.merged.empty:
        return data
    into = data.merged.drop_duplicates("lead_id").set_index("lead_id")["into"]
    for _ in range(10):  # a merged deal may be merged again
        into = into.map(into).fillna(into)
    gone = data.deals["lead_id"].isin(into.index) & (
        data.deals["lead_id"].map(into) != data.deals["lead_id"]
    )
    data.noticed.append(
        (
            "merged_deals",
            gone.sum(),
            len(data.deals),
            "info",
            show_values(data.deals.loc[gone, "lead_id"]),
        )
    )
    data.deals = data.deals[~gone]
    for name in ("moves", "acts"):
        table = getattr(data, name)
        told = table["owner_id"].map(into).where(table["owner"] == "deal")
        setattr(data, name, table.assign(owner_id=told.fillna(table["owner_id"])))
    told = data.links["lead_id"].map(into)
    data.links = data.links.assign(lead_id=told.fillna(data.links["lead_id"]))
    return data


def _close_prospects(data: CrmData) -> pd.DataFrame:
    """Close leads by their moves as deals are closed."""
    prospects = data.prospects
    if prospects.empty:
        return prospects
    parts = []
    for owner, part in prospects.groupby("owner"):
        moves = data.moves[data.moves["owner"] == owner].assign(owner="deal")
        moves = moves[moves["owner_id"].isin(part["owner_id"])]
        part = close_by_moves(part.rename(columns={"owner_id": "lead_id"}), moves)
        parts.append(part.rename(columns={"lead_id": "owner_id"}))
    return pd.concat(parts, ignore_index=True)


def _tell_created(deals: pd.DataFrame, prospects: pd.DataFrame) -> pd.DataFrame:
    """That a deal or lead was made is an event; whose act, its maker tells: a client makes one by
    a form."""
    parts = [
        deals.rename(columns={"lead_id": "owner_id"}).assign(owner="deal", action="deal_created"),
        prospects.assign(action="lead_created"),
    ]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.rename(columns={"created_at": "at", "maker": "actor"})
    rows = rows[rows["at"].notna() & rows["owner_id"].notna()]
    rows["action"] = rows["action"].mask(rows["actor"] == "client", "form_sent")
    return rows[["owner", "owner_id", "at", "action", "actor"]].drop_duplicates()


def count_removed(data: CrmData) -> pd.DataFrame:
    """Count what gave no event, as `events.note_removed`."""
    parts = [
        note_removed([("events", reason, np.ones(len(rows), bool), _shown(rows))])
        for reason, rows in data.removed
    ]
    return pd.concat([note_removed([]), *parts], ignore_index=True)


def give_to_deals(rows: pd.DataFrame, data: CrmData, prospects: pd.DataFrame) -> pd.DataFrame:
    """Find the deals that each row belongs to; what belongs to none is counted as removed.

    Parameters
    ----------
    rows : owner, owner_id, at, action, further columns
    data : deals, links, people; `removed` and `noticed` are added to
    prospects : of `data`, closed

    Returns
    -------
    frame with lead_id in place of the owner; a row that belongs to several deals is one row of
    each, one that would belong to more than `MOST_OPEN` is left out. The cost grows with the acts
    of each client times their deals.
    """
    rows = data.leave_out("no_time", rows, rows["at"].isna()).reset_index(drop=True)
    rows = _know_people(rows.assign(row=np.arange(len(rows)), via=rows["owner"]), data, prospects)
    links = data.links.dropna().drop_duplicates()
    links = links[links["lead_id"].isin(data.deals["lead_id"])] if len(data.deals) else links
    direct = rows[rows["owner"] == "deal"]
    direct = direct[["row"]].assign(lead_id=direct["owner_id"])
    pairs = rows.loc[rows["owner"] != "deal", ["row", "owner", "owner_id", "at", "action"]]
    chosen, shared = _give(
        pairs, links.merge(_date(data.deals), on="lead_id", how="left"), prospects
    )
    rows = data.leave_out("too_many_deals", rows, rows["row"].isin(shared))
    given = pd.concat([direct, chosen], ignore_index=True)
    left = rows[~rows["row"].isin(given["row"])]
    known = left[["owner", "owner_id"]].merge(
        prospects[["owner", "owner_id"]].drop_duplicates(), how="left", indicator="known"
    )["known"].eq("both").to_numpy()  # fmt: skip
    own = known | left["owner"].eq("lead").to_numpy()
    own &= ~_has_deal(left, links)
    given = pd.concat(
        [given, left.loc[own, ["row"]].assign(lead_id=_own_journey(left[own]))], ignore_index=True
    )
    _note_given(rows, left[~own], given, data)
    rows = given.merge(rows, on="row").sort_values(["row", "lead_id"], kind="stable")
    return rows.drop(columns=["row", "via", "owner", "owner_id"]).reset_index(drop=True)


def _date(deals: pd.DataFrame) -> pd.DataFrame:
    """When each deal began to be the client's matter, when it was closed, and how."""
    dated = deals.drop_duplicates("lead_id")[["lead_id", "created_at", "closed_at", "status"]]
    closed = to_micros(dated["closed_at"])
    to_end = pd.to_timedelta(end_of_days(closed) - closed, unit="us")
    since, until = dated["created_at"] - BEFORE_DEAL, dated["closed_at"] + to_end
    return dated.assign(since=since, closed_at=until)


def _give(acts: pd.DataFrame, linked: pd.DataFrame, prospects: pd.DataFrame):
    """Which deals each act is given to (row, lead_id), and the rows of those with too many."""
    size = linked.groupby(["owner", "owner_id"], as_index=False).size()
    n_deals = acts[["owner", "owner_id"]].merge(size, how="left")["size"].fillna(0).to_numpy(int)
    piece = np.cumsum(n_deals) // MOST_PAIRS
    given = []
    for number in np.unique(piece):
        pairs = acts[piece == number].merge(linked, on=["owner", "owner_id"])
        given.append(_choose(pairs, prospects))
    given = (
        pd.concat(given, ignore_index=True) if given else pd.DataFrame(columns=["row", "lead_id"])
    )
    of_lead = acts.loc[acts["owner"] == "lead", "row"]  # all that a lead became is its own
    times = given.loc[~given["row"].isin(of_lead), "row"].value_counts()
    shared = times.index[times > MOST_OPEN]
    return given[~given["row"].isin(shared)], shared


def _know_people(rows: pd.DataFrame, data: CrmData, prospects: pd.DataFrame) -> pd.DataFrame:
    """Give what is known by phone or tax number to the lead or contact that has it, where that
    person is read as a lead; what is of deals alone stays as it is."""
    known = data.known_by.merge(prospects[["owner", "owner_id"]].drop_duplicates())
    known = known.sort_values(["key", "value", "owner_id"]).drop_duplicates(["key", "value"])
    known = known.rename(columns={"owner": "person", "owner_id": "person_id"})
    keys = {"left_on": ["owner", "owner_id"], "right_on": ["key", "value"]}
    found = rows[["owner", "owner_id"]].merge(known, how="left", **keys)
    person, person_id = (found[c].set_axis(rows.index) for c in ("person", "person_id"))
    return rows.assign(
        owner=person.fillna(rows["owner"]), owner_id=person_id.fillna(rows["owner_id"])
    )


def _choose(pairs: pd.DataFrame, prospects: pd.DataFrame) -> pd.DataFrame:
    """Choose among the deals linked with each row: a lead's all; a person's that were open (one
    that ended nobody knows when, only where no other was); else the next one of a person who is
    read as a lead; else, of a payment, the one last won."""
    of_lead = pairs["owner"].eq("lead").to_numpy()
    early, late = pairs["at"] < pairs["since"], pairs["at"] > pairs["closed_at"]
    was_open = ~early.to_numpy() & ~late.to_numpy()
    sure = of_lead | (
        was_open & (pairs["status"].eq("open") | pairs["closed_at"].notna()).to_numpy()
    )
    taken = sure | (was_open & ~pairs["row"].isin(pairs.loc[sure, "row"]).to_numpy())
    rest = pairs[~pairs["row"].isin(pairs.loc[taken, "row"])]
    known = prospects[["owner", "owner_id"]].drop_duplicates()
    later = rest[rest["created_at"] > rest["at"]].merge(known, on=["owner", "owner_id"])
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
    data.noticed.append(
        (
            "shared_activities",
            len(several),
            len(rows),
            "info",
            show_values(_shown(several)["lead_id"]),
        )
    )
    for owner in ("phone", "tax"):
        of = rows["via"] == owner
        matched = of & rows["row"].isin(given["row"])
        data.noticed.append((f"matched_by_{owner}", matched.sum(), of.sum(), "info", ""))
    outside = left["via"].isin(["phone", "tax"])
    for reason, part in (("no_match", left[outside]), ("no_open_deal", left[~outside])):
        if len(part):
            data.removed.append((reason, part))


def _drop_same_stage(rows: pd.DataFrame, data: CrmData) -> pd.DataFrame:
    """Leave out a stage that follows itself: a row of a history that tells of another change."""
    moves = rows[rows["action"].str.startswith(STAGE_PREFIX, na=False)]
    moves = moves.sort_values(["lead_id", "at", "action"], kind="stable")
    before = moves.groupby("lead_id")["action"].shift()
    again = moves.index[(moves["action"] == before).to_numpy()]
    return data.leave_out("same_stage", rows, rows.index.isin(again))


def _has_deal(rows: pd.DataFrame, links: pd.DataFrame) -> np.ndarray:
    linked = links[["owner", "owner_id"]].drop_duplicates()
    found = rows[["owner", "owner_id"]].merge(linked, how="left", indicator="linked")
    return found["linked"].eq("both").to_numpy()


def _became_deal(prospects: pd.DataFrame, data: CrmData) -> np.ndarray:
    links = data.links.dropna()
    return _has_deal(prospects, links[links["lead_id"].isin(data.deals["lead_id"])])


def _own_journey(rows: pd.DataFrame) -> pd.Series:
    return rows["owner"].astype("str") + " " + rows["owner_id"].astype("str")


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with a name for their owner, to be shown as examples; a phone is nobody's business."""
    if "lead_id" in rows or "owner_id" not in rows:
        return rows
    if "owner" not in rows:
        return rows.rename(columns={"owner_id": "lead_id"})
    secret = rows["owner"].isin(["phone", "tax"])
    return rows.assign(lead_id=rows["owner"].where(secret, _own_journey(rows)))
