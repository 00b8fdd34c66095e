"""Deals, their moves, and what was done with them and before them, joined by ids into one log."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from funnel_lib.events import LEAD_COLUMNS, STAGE_PREFIX, note_removed, show_values
from funnel_lib.moments import end_of_days, to_micros

# An act this shortly before a deal was made is what the deal was made for.
BEFORE_DEAL = pd.Timedelta(days=1)
PAYMENT = "payment_received"
_TIME = "datetime64[us, UTC]"
_FACTS = dict.fromkeys((*LEAD_COLUMNS[1:], "pipeline", "maker"), "str")
_FACTS |= {"created_at": _TIME, "closed_at": _TIME, "amount": "float64"}
_COLUMNS = {
    "deals": {"lead_id": "str"} | _FACTS,
    "prospects": {"owner": "str", "owner_id": "str"} | _FACTS,
    "moves": {"owner": "str", "owner_id": "str", "at": _TIME, "stage": "str", "outcome": "str"}
    | {"actor": "str"},
    "acts": {"owner": "str", "owner_id": "str", "at": _TIME, "action": "str", "actor": "str"},
    "links": {"owner": "str", "owner_id": "str", "lead_id": "str"},
    "merged": {"lead_id": "str", "into": "str"},
    "people": {"owner": "str", "owner_id": "str"},
    "known_by": {"owner": "str", "owner_id": "str", "key": "str", "value": "str"},
}


def empty(name: str) -> pd.DataFrame:
    """Give an empty table of `CrmData`."""
    return pd.DataFrame({c: pd.Series([], dtype=d) for c, d in _COLUMNS[name].items()})


def complete(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Give a table of `CrmData` the columns it lacks, and those without any value their type."""
    dtypes = _COLUMNS[name]
    lacking = {c: d for c, d in dtypes.items() if c not in table or table[c].isna().all()}
    missing = {c: pd.Series(index=table.index, dtype=d) for c, d in lacking.items()}
    return table.assign(**missing)


@dataclass
class CrmData:
    """What a CRM's tables hold, by the library's names; ids are texts, times are UTC.

    An owner is what a row hangs on: a deal, a lead that may become one, a contact, a company, or a
    phone or tax number by which other systems know a client.

    Attributes
    ----------
    deals : one row a deal: the columns of `events.LEAD_COLUMNS`, ``pipeline``, ``maker`` (who made
        it: client, manager, system), further ones. A missing status is told by the moves.
    prospects : one row a lead or contact that is no deal (yet): owner, owner_id, then as `deals`
    moves : one row a change of stage: owner, owner_id, at, stage, outcome (won, lost, open: what
        the stage means, missing where nothing tells), actor
    acts : one row a thing done: owner, owner_id, at, action, actor, further columns
    links : which deal a lead, contact, company … belongs to: owner, owner_id, lead_id
    merged : deals that were merged into another
    people : persons and companies with what they are known by: owner, owner_id, further columns
    known_by : phones and tax numbers of people: owner, owner_id, key, value
    removed : (reason, rows) of what gave no event
    noticed : tuples for `events.note_checks`
    """

    deals: pd.DataFrame = field(default_factory=lambda: empty("deals"))
    prospects: pd.DataFrame = field(default_factory=lambda: empty("prospects"))
    moves: pd.DataFrame = field(default_factory=lambda: empty("moves"))
    acts: pd.DataFrame = field(default_factory=lambda: empty("acts"))
    links: pd.DataFrame = field(default_factory=lambda: empty("links"))
    merged: pd.DataFrame = field(default_factory=lambda: empty("merged"))
    people: pd.DataFrame = field(default_factory=lambda: empty("people"))
    known_by: pd.DataFrame = field(default_factory=lambda: empty("known_by"))
    removed: list[tuple[str, pd.DataFrame]] = field(default_factory=list)
    noticed: list[tuple] = field(default_factory=list)

    def leave_out(self, reason: str, rows: pd.DataFrame, mask: np.ndarray) -> pd.DataFrame:
        """Keep the rows that are not masked, and count the others under a reason."""
        mask = np.asarray(mask, bool)
        if mask.any():
            self.removed.append((reason, rows[mask]))
        return rows[~mask]

    def leave_out_deals(self, ids: set[str], reason: str = "deleted_activity") -> None:
        """Leave out what else is known of deals that are left out: their moves, acts and links."""
        for name in ("moves", "acts"):
            rows = getattr(self, name)
            gone = rows["owner"].eq("deal") & rows["owner_id"].isin(ids)
            setattr(self, name, self.leave_out(reason, rows, gone))
        self.links = self.links[~self.links["lead_id"].isin(ids)]


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
    A stage that follows itself is left out.
    """
    for name in _COLUMNS:
        setattr(data, name, complete(name, getattr(data, name)))
    data = _follow_merged(data)
    data.deals = close_by_moves(data.deals, data.moves)
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


def join_deals(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Join tables of deals by deal: each fills what the ones before it leave out.

    A deal's second row in one and the same table stays a row, to be counted as repeated.
    """
    joined, *parts = [p for p in parts if len(p)] or parts[:1]
    for part in parts:
        again = part["lead_id"].duplicated() | part["lead_id"].isna()
        known = part[~again].set_index("lead_id")
        told = {c: look_up(joined["lead_id"], known[c]) for c in known.columns}
        told = {c: joined[c].fillna(t) if c in joined else t for c, t in told.items()}
        new = again | ~part["lead_id"].isin(joined["lead_id"])
        joined = pd.concat([joined.assign(**told), part[new]], ignore_index=True)
    return joined


def stack_dates(rows: pd.DataFrame, key: str, columns, name: str) -> pd.DataFrame:
    """Give one row a date that there is: the key, `name` (which column it is of), ``at``."""
    parts = [rows[[key]].assign(**{name: c, "at": rows[c].astype(_TIME)}) for c in columns]
    nothing = pd.DataFrame({c: pd.Series([], dtype="str") for c in (key, name)}).assign(
        at=pd.Series([], dtype=_TIME)
    )
    return pd.concat([nothing, *parts], ignore_index=True).dropna(subset="at")


def look_up(keys: pd.Series, table: pd.Series) -> pd.Series:
    """Look keys up in the index of a table; missing where they are not there."""
    found = table.reindex(keys).set_axis(keys.index)
    return found.astype("str") if found.dtype == object else found


def by_id(rows: pd.DataFrame, column: str) -> pd.Series:
    """A column of a dictionary by the ids of its rows, the first of each."""
    return rows.drop_duplicates("id").set_index("id")[column].astype("str")


def name_ids(ids: pd.Series, names: pd.Series) -> pd.Series:
    """Give ids their names, of `by_id`; an id without a name stays."""
    return look_up(ids, names).fillna(ids).astype("str")


def close_by_moves(deals: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    """Tell by a deal's moves what nothing else tells: its outcome, when it was closed, its stage.

    Parameters
    ----------
    deals : of `CrmData`; a told status and stage stay
    moves : of `CrmData`; the last one tells the outcome, and the first of the moves that end with
        that outcome when the deal was closed (a later time told by the table gives way)

    Returns
    -------
    frame as `deals`, with the deals that only the moves know
    """
    moves = sort_moves(moves[moves["owner"] == "deal"])
    ids = moves["owner_id"].drop_duplicates()
    unknown = ids[~ids.isin(deals["lead_id"])]
    deals = pd.concat([deals, pd.DataFrame({"lead_id": unknown})], ignore_index=True)
    last = moves.groupby("owner_id").last()  # the last that is told
    closed = _closing(moves)
    outcome = look_up(deals["lead_id"], last["outcome"])
    status = deals["status"].fillna(outcome)
    fits = (outcome == status) & status.isin(["won", "lost"])
    at = look_up(deals["lead_id"], closed).where(fits)
    return deals.assign(
        status=status.astype("str"),
        closed_at=at.fillna(deals["closed_at"]).where(status != "open").astype(_TIME),
        stage=deals["stage"].fillna(look_up(deals["lead_id"], last["stage"])).astype("str"),
    )


def sort_moves(moves: pd.DataFrame) -> pd.DataFrame:
    """Put moves in order of time; of several at one moment the same one is last in any file."""
    columns = [c for c in ("at", "outcome", "stage", "stage_id", "new") if c in moves]
    return moves.sort_values(columns, kind="stable", na_position="first")


def tell_beginnings(moves: pd.DataFrame, deals: pd.DataFrame, unmoved: pd.Series) -> pd.DataFrame:
    """The stage in which each deal was made: the one its first move left, else the one it is in.

    Parameters
    ----------
    moves : owner_id, at, stage, and ``old``, the stage before
    deals : lead_id, created_at, stage
    unmoved : ids of deals that, without a move here, never moved

    Returns
    -------
    frame: owner_id, at, stage, for those whose making and stage are known
    """
    first = sort_moves(moves).drop_duplicates("owner_id").set_index("owner_id")["old"]
    begun = deals[deals["created_at"].notna()].drop_duplicates("lead_id")
    begun = begun[begun["lead_id"].isin([*first.index, *unmoved])].reset_index(drop=True)
    moved = begun["lead_id"].isin(first.index)
    stage = look_up(begun["lead_id"], first).where(moved, begun["stage"]).astype("str")
    begun = pd.DataFrame({"owner_id": begun["lead_id"], "at": begun["created_at"], "stage": stage})
    return begun.dropna(subset="stage")


def _closing(moves: pd.DataFrame) -> pd.Series:
    """When each deal was closed for the last time: the first move of those that end its history
    with one and the same outcome."""
    told = moves[moves["outcome"].notna()]
    same = told["outcome"] == told.groupby("owner_id")["outcome"].shift()
    run = (~same).groupby(told["owner_id"]).cumsum()
    final = run == run.groupby(told["owner_id"]).transform("max")
    return told[final].groupby("owner_id")["at"].first()


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
    frame with lead_id in place of the owner; a row that belongs to several deals is one row of each
    """
    rows = rows.reset_index(drop=True)
    rows = _know_people(rows.assign(row=np.arange(len(rows)), via=rows["owner"]), data, prospects)
    links = data.links.dropna().drop_duplicates()
    links = links[links["lead_id"].isin(data.deals["lead_id"])] if len(data.deals) else links
    direct = rows[rows["owner"] == "deal"]
    direct = direct[["row"]].assign(lead_id=direct["owner_id"])
    pairs = rows.loc[rows["owner"] != "deal", ["row", "owner", "owner_id", "at", "action"]]
    pairs = pairs.merge(links, on=["owner", "owner_id"])
    dated = data.deals.drop_duplicates("lead_id")[["lead_id", "created_at", "closed_at", "status"]]
    closed = to_micros(dated["closed_at"])
    to_end = pd.to_timedelta(end_of_days(closed) - closed, unit="us")
    dated = dated.assign(closed_at=dated["closed_at"] + to_end)
    pairs = pairs.merge(dated, on="lead_id", how="left")
    given = pd.concat([direct, _choose(pairs, prospects)], ignore_index=True)
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
    """Choose among the deals linked with each row: a lead's all; a person's that were open; else
    the next one of a person who is read as a lead; else, of a payment, the one last won."""
    of_lead = pairs["owner"].eq("lead").to_numpy()
    since, until = pairs["created_at"] - BEFORE_DEAL, pairs["closed_at"]
    was_open = ~(pairs["at"] < since).to_numpy() & ~(pairs["at"] > until).to_numpy()
    taken = of_lead | was_open
    rest = pairs[~pairs["row"].isin(pairs.loc[taken, "row"])]
    known = prospects[["owner", "owner_id"]].drop_duplicates()
    later = rest[rest["created_at"] > rest["at"]].merge(known, on=["owner", "owner_id"])
    later = later.sort_values(["created_at", "lead_id"], kind="stable").drop_duplicates("row")
    paid = rest[(rest["action"] == PAYMENT) & (rest["status"] == "won")]
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
