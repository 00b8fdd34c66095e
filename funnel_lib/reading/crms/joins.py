"""What a CRM's tables hold (`CrmData`), and tables joined by ids and closed by their moves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from funnel_lib.core.events import LEAD_COLUMNS
from funnel_lib.reading.crms.kinds import read_flags
from funnel_lib.reading.ledger import Ledger

PAYMENT, REFUND = "payment_received", "payment_refunded"
# Whose an act is that has no way (incoming, outgoing) in its name.
_OF_MANAGERS = ("meeting_held", "task_completed", "note_added", "internal_call")
_TIME = "datetime64[us, UTC]"
_FACTS = dict.fromkeys((*LEAD_COLUMNS[1:], "pipeline", "maker"), "str")
_FACTS |= {"created_at": _TIME, "closed_at": _TIME, "amount": "float64"}
COLUMNS = {
    "deals": {"lead_id": "str"} | _FACTS,
    "prospects": {"about": "str", "about_id": "str"} | _FACTS,
    "moves": {"about": "str", "about_id": "str", "at": _TIME, "stage": "str", "outcome": "str"}
    | {"actor": "str"},
    "acts": {"about": "str", "about_id": "str", "at": _TIME, "action": "str", "actor": "str"},
    "links": {"about": "str", "about_id": "str", "lead_id": "str"},
    "merged": {"lead_id": "str", "into": "str"},
    "people": {"about": "str", "about_id": "str"},
    "known_by": {"about": "str", "about_id": "str", "key": "str", "value": "str"},
}


def empty(name: str) -> pd.DataFrame:
    """Give an empty table of `CrmData`."""
    return pd.DataFrame(columns=[*COLUMNS[name]]).astype(COLUMNS[name])


def complete(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Give a table of `CrmData` the columns it lacks, and those without any value their type."""
    dtypes = COLUMNS[name]
    lacking = {c: d for c, d in dtypes.items() if c not in table or table[c].isna().all()}
    missing = {c: pd.Series(index=table.index, dtype=d) for c, d in lacking.items()}
    return table.assign(**missing)


@dataclass
class CrmData:
    """What a CRM's tables hold, by the library's names; ids are texts, times are UTC.

    ``about`` and ``about_id`` say what a row hangs on: a deal, a lead that may become one, a
    contact, a company, or a phone or tax number by which other systems know a client.

    Attributes
    ----------
    deals : one row a deal: the columns of `events.LEAD_COLUMNS`, ``pipeline``, ``maker`` (who made
        it: client, manager, system), further ones. A missing status comes of the moves.
    listed : ids of the deals that tables of deals list; None: of all `deals`
    prospects : one row a lead or contact that is no deal (yet), as `deals`
    moves : one row a change of stage, with the outcome (won, lost, open) that the stage means,
        missing where nobody knows
    acts : one row a thing done, with further columns
    links : which deal a lead, contact, company … belongs to
    merged : deals that were merged into another
    people : persons and companies with what they are known by, in further columns
    known_by : phones and tax numbers of people
    ledger : rows that gave no event, and what was noticed
    """

    deals: pd.DataFrame = field(default_factory=lambda: empty("deals"))
    listed: pd.Series | None = None
    prospects: pd.DataFrame = field(default_factory=lambda: empty("prospects"))
    moves: pd.DataFrame = field(default_factory=lambda: empty("moves"))
    acts: pd.DataFrame = field(default_factory=lambda: empty("acts"))
    links: pd.DataFrame = field(default_factory=lambda: empty("links"))
    merged: pd.DataFrame = field(default_factory=lambda: empty("merged"))
    people: pd.DataFrame = field(default_factory=lambda: empty("people"))
    known_by: pd.DataFrame = field(default_factory=lambda: empty("known_by"))
    ledger: Ledger = field(default_factory=Ledger)

    def list_ids(self) -> pd.Series:
        """The ids of the deals that tables of deals list."""
        return self.deals["lead_id"] if self.listed is None else self.listed

    def leave_out(self, reason: str, rows: pd.DataFrame, out: np.ndarray) -> pd.DataFrame:
        """Keep the rows that are not to be left out, and count the others under a reason."""
        return self.ledger.leave_out(reason, rows, out)

    def leave_out_deleted(self, deals: pd.DataFrame, living=()) -> tuple[pd.DataFrame, set[str]]:
        """Keep the deals that are not deleted, or live on; and the ids of the others."""
        gone = read_flags(deals["is_deleted"]).eq(1) & ~deals["lead_id"].isin(living)
        return self.leave_out("deleted_deal", deals, gone), set(deals.loc[gone, "lead_id"])

    def leave_out_deals(self, ids: set[str], reason: str = "deleted_activity") -> None:
        """Leave out what else is known of deals that are left out."""
        for name in ("moves", "acts"):
            rows = getattr(self, name)
            gone = rows["about"].eq("deal") & rows["about_id"].isin(ids)
            setattr(self, name, self.leave_out(reason, rows, gone))
        self.links = self.links[~self.links["lead_id"].isin(ids)]
        self.deals = self.deals[~self.deals["lead_id"].isin(ids)]


def join_deals(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Join tables of deals by deal: each fills what the ones before it leave out.

    A deal's second row in one and the same table stays a row, to be counted as repeated.
    """
    joined, *parts = [p for p in parts if len(p)] or parts[:1]
    for part in parts:
        again = part["lead_id"].duplicated() | part["lead_id"].isna()
        known = part[~again].set_index("lead_id")
        more = {c: look_up(joined["lead_id"], known[c]) for c in known.columns}
        more = {c: joined[c].fillna(m) if c in joined else m for c, m in more.items()}
        new = again | ~part["lead_id"].isin(joined["lead_id"])
        joined = pd.concat([joined.assign(**more), part[new]], ignore_index=True)
    return joined


def link(rows: pd.DataFrame, column: str, about: str) -> pd.DataFrame:
    """Links between deals and what a column of their tables names."""
    return pd.DataFrame({"about": about, "about_id": rows[column], "lead_id": rows["lead_id"]})


def gather_links(*parts: pd.DataFrame) -> pd.DataFrame:
    """Give the links of several tables once each, without those that are half empty."""
    links = pd.concat([empty("links"), *parts], ignore_index=True)
    return links[["about", "about_id", "lead_id"]].dropna().drop_duplicates()


def gather_people(*parts: tuple[str, pd.DataFrame, str]) -> pd.DataFrame:
    """Give (about, table, column of ids) of several tables of people as one."""
    named = [rows.rename(columns={key: "about_id"}).assign(about=of) for of, rows, key in parts]
    return pd.concat(named, ignore_index=True)


def find_actors(action: pd.Series) -> pd.Series:
    """Whose acts these are, by their names; missing where a name leaves it open."""
    came_in = action.str.startswith("incoming_", na=False) | action.eq("form_sent")
    went_out = action.str.startswith("outgoing_", na=False) | action.isin(_OF_MANAGERS)
    return choose([came_in, went_out], ["client", "manager"])


def choose(masks: list[pd.Series], values: list[str]) -> pd.Series:
    """Give each row the value of the first mask that holds of it; else missing."""
    cells = np.select([m.fillna(False).to_numpy(bool) for m in masks], values, None)
    return pd.Series(cells, index=masks[0].index, dtype="str")


def stack_dates(rows: pd.DataFrame, key: str, columns, name: str) -> pd.DataFrame:
    """Give one row a date that there is: the key, `name` (which column it is of), ``at``."""
    parts = [rows[[key]].assign(**{name: c, "at": rows[c].astype(_TIME)}) for c in columns]
    nothing = pd.DataFrame(columns=[key, name, "at"]).astype({key: "str", name: "str", "at": _TIME})
    return pd.concat([nothing, *parts], ignore_index=True).dropna(subset="at")


def look_up(keys: pd.Series, table: pd.Series) -> pd.Series:
    """Look keys up in the index of a table; missing where they are not there."""
    found = table.reindex(keys).set_axis(keys.index)
    return found.astype("str") if found.dtype == object else found


def is_among(rows: pd.DataFrame, others: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Which rows have the same in these columns as some of the others?"""
    known = others[columns].drop_duplicates()
    found = rows[columns].merge(known, how="left", indicator="found")
    return found["found"].eq("both").to_numpy()


def translate(cells: pd.Series, words: dict[str, str]) -> pd.Series:
    """Give words their meaning; missing where it is not known."""
    return cells.map(words).astype("str")


def by_id(rows: pd.DataFrame, column: str, key: str = "id") -> pd.Series:
    """A column of a dictionary by the ids of its rows, the first of each."""
    return rows.drop_duplicates(key).set_index(key)[column].astype("str")


def name_people(rows: pd.DataFrame, first: str, last: str) -> pd.Series:
    """Full names of users by their ids."""
    full = (rows[first].fillna("") + " " + rows[last].fillna("")).str.strip()
    return by_id(rows.assign(full=full), "full")


def name_ids(ids: pd.Series, names: pd.Series) -> pd.Series:
    """Give ids their names, of `by_id`; an id without a name stays."""
    return look_up(ids, names).fillna(ids).astype("str")


def close_by_moves(deals: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    """Fill by the moves of deals what nothing else says: outcomes, times of closing, stages.

    A status and a stage that are known stay. The last move says the outcome, and the first of the
    moves that end with that outcome when the deal was closed (a later time that the table has gives
    way). Deals that only the moves know are added.
    """
    moves = sort_moves(moves)
    ids = moves["about_id"].dropna().drop_duplicates()
    unknown = ids[~ids.isin(deals["lead_id"])]
    deals = pd.concat([deals, pd.DataFrame({"lead_id": unknown})], ignore_index=True)
    last = moves.groupby("about_id").last()  # the last that is known
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
    """Put moves in order of time; of several at one time the same one is last in any file."""
    columns = [c for c in ("at", "outcome", "stage", "stage_id", "new") if c in moves]
    return moves.sort_values(columns, kind="stable", na_position="first")


def infer_beginnings(moves: pd.DataFrame, deals: pd.DataFrame, unmoved: pd.Series) -> pd.DataFrame:
    """The stage in which each deal was made: the one its first move left (``old``), else the one it
    is in; of those whose making and stage are known. The `unmoved` never moved.
    """
    first = sort_moves(moves).drop_duplicates("about_id").set_index("about_id")["old"]
    begun = deals[deals["created_at"].notna()].drop_duplicates("lead_id")
    begun = begun[begun["lead_id"].isin([*first.index, *unmoved])].reset_index(drop=True)
    moved = begun["lead_id"].isin(first.index)
    stage = look_up(begun["lead_id"], first).where(moved, begun["stage"]).astype("str")
    begun = pd.DataFrame({"about_id": begun["lead_id"], "at": begun["created_at"], "stage": stage})
    return begun.dropna(subset="stage")


def _closing(moves: pd.DataFrame) -> pd.Series:
    """When each deal was closed for the last time: the first move of those that end its history
    with one and the same outcome."""
    known = moves[moves["outcome"].notna()]
    same = known["outcome"] == known.groupby("about_id")["outcome"].shift()
    run = (~same).groupby(known["about_id"]).cumsum()
    final = run == run.groupby(known["about_id"]).transform("max")
    return known[final].groupby("about_id")["at"].first()
