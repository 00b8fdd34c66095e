"""Calls and payments that other systems recorded: joined to deals by phone or tax number."""

from __future__ import annotations

import pandas as pd

from funnel_lib.reading.cells.people import bare_key, find_keys
from funnel_lib.reading.cells.times import read_durations
from funnel_lib.reading.crms.joins import PAYMENT, REFUND, CrmData
from funnel_lib.reading.crms.kinds import read_crm
from funnel_lib.reading.ledger import Ledger

KINDS, _ = read_crm(__file__)
# A call's way by the beginning of its word; a missed one came in.
_WAYS = {
    "1": "incoming", "2": "outgoing", "вх": "incoming", "исх": "outgoing", "пропущ": "incoming",
    "неотвеч": "incoming", "missed": "incoming", "внутр": "internal", "inc": "incoming",
    "inb": "incoming", "int": "internal", "in": "incoming", "out": "outgoing",
}  # fmt: skip
_WHO = {"incoming": "client", "outgoing": "manager", "internal": "manager"}


def take_acts(tables: dict[str, pd.DataFrame], ledger: Ledger) -> pd.DataFrame:
    """Acts of clients known by phone or tax number, for `CrmData.acts`.

    A payment is the client's, a negative one is a refund; a call's actor is known by its direction:
    a missed one came in. Durations that are neither seconds nor a clock are noted.
    """
    parts = []
    for name, table in tables.items():
        if name == "calls":
            way = _find_ways(table["direction"])
            action = table["action"].fillna(way + "_call").fillna("call")
            actor = way.map(_WHO)
            further = {"duration": _read_seconds(table["duration"], ledger)}
        else:
            back = table["amount"] < 0
            action = table["action"].fillna(back.map({True: REFUND, False: PAYMENT}))
            actor, further = (~back).map({True: "client"}).astype("str"), {}
        key = "phone" if name == "calls" else "tax"
        keys = bare_key(table["key"].astype("str"), key)
        part = {"about": key, "about_id": keys, "at": table["at"], "action": action}
        parts.append(pd.DataFrame({**part, "actor": actor, **further}))
    return pd.concat(parts, ignore_index=True)


def link_keys(data: CrmData) -> None:
    """Link phones and tax numbers to the deals and the people they stand beside, in place."""
    tables = (
        data.deals.assign(about="deal", about_id=data.deals["lead_id"]),
        data.prospects,
        data.people,
    )
    parts = []
    for key in ("phone", "tax"):
        for table in tables:
            found = find_keys(table, key)
            of = table.loc[found["row"], ["about", "about_id"]].reset_index(drop=True)
            parts.append(of.assign(key=key, value=found["value"]))
    known = pd.concat(parts, ignore_index=True).drop_duplicates()
    direct = known[known["about"] == "deal"].rename(columns={"about_id": "lead_id"})
    by_person = known.merge(data.links, on=["about", "about_id"])
    columns = ["key", "value", "lead_id"]
    found = pd.concat([direct[columns], by_person[columns]], ignore_index=True)
    found = found.rename(columns={"key": "about", "value": "about_id"})
    data.links = pd.concat([data.links, found], ignore_index=True).drop_duplicates()
    data.known_by = known[known["about"] != "deal"]


def _read_seconds(texts: pd.Series, ledger: Ledger) -> pd.Series:
    seconds = read_durations(texts)
    ledger.note_unreadable("cells", texts, seconds)
    return seconds.round().astype("Int64").astype("str").where(seconds.notna())


def _find_ways(direction: pd.Series) -> pd.Series:
    words = direction.astype("str").str.strip().str.casefold()
    found = words.str.extract(r"^([12]$|вх|исх|пропущ|неотвеч|missed|внутр|in[cbt]|in$|out)")[0]
    return found.map(_WAYS).astype("str")
