"""Calls and payments that other systems recorded: joined to deals by phone or tax number."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.events import show_values
from funnel_lib.reading.cells.people import bare_key, find_keys
from funnel_lib.reading.cells.times import read_durations
from funnel_lib.reading.crms.joins import PAYMENT, REFUND, CrmData
from funnel_lib.reading.crms.kinds import Kind

NAME = "outside"
_PHONE = (
    "phone, phone number, client phone, customer phone, caller id, caller, телефон, "
    "номер телефона, телефон клиента, номер клиента, номер абонента, абонент"
)
_TAX = (
    "инн, inn, tax id, tax number, vat, vat number, vat id, инн плательщика, инн контрагента, "
    "инн покупателя, инн клиента, payer tax id, cnpj, бин, унп"
)
_AT = (
    "at, time, date time, timestamp, started at, start time, call time, call date, date, "
    "дата и время, дата звонка, время звонка, время начала, дата, время, дата платежа, "
    "дата оплаты, дата операции, дата проводки, дата документа, payment date, operation date, "
    "value date, paid at"
)
KINDS = (
    Kind(NAME, "calls", (_PHONE, _AT),
         {"key": _PHONE, "at": _AT, "action": "action, event, действие, событие",
          "direction": "direction, call type, type, направление, тип звонка, тип",
          "duration": "duration, call duration, длительность, продолжительность, "
          "длительность разговора, seconds"},
         times=("at",)),
    Kind(NAME, "payments", (_TAX, _AT),
         {"key": _TAX, "at": _AT, "action": "action, event, действие, событие",
          "amount": "amount, sum, сумма, сумма платежа, сумма операции"},
         times=("at",), numbers=("amount",)),
)  # fmt: skip
# A call's way by the beginning of its word; a missed one came in.
_WAYS = {
    "1": "incoming", "2": "outgoing", "вх": "incoming", "исх": "outgoing", "пропущ": "incoming",
    "неотвеч": "incoming", "missed": "incoming", "внутр": "internal", "inc": "incoming",
    "inb": "incoming", "int": "internal", "in": "incoming", "out": "outgoing",
}  # fmt: skip
_WHO = {"incoming": "client", "outgoing": "manager", "internal": "manager"}


def take_acts(tables: dict[str, pd.DataFrame], noticed: list) -> pd.DataFrame:
    """Acts of clients known by phone or tax number, for `CrmData.acts`.

    A payment is the client's, a negative one is a refund; a call's actor is told by its direction:
    a missed one came in. Durations that are neither seconds nor a clock are noted in `noticed`.

    Examples
    --------
    >>> calls = pd.DataFrame({"key": ["8 999 123-45-67"], "at": [pd.Timestamp("2025-01-01")],
    ...                       "action": [None], "direction": ["Входящий"], "duration": ["40"]})
    >>> take_acts({"calls": calls}, [])[["owner", "owner_id", "action", "actor"]].values.tolist()
    [['phone', '9991234567', 'incoming_call', 'client']]
    """
    parts = []
    for name, table in tables.items():
        if name == "calls":
            way = _find_ways(table["direction"])
            action = table["action"].fillna(way + "_call").fillna("call")
            actor = way.map(_WHO)
            further = {"duration": _read_seconds(table["duration"], noticed)}
        else:
            back = table["amount"] < 0
            action = table["action"].fillna(back.map({True: REFUND, False: PAYMENT}))
            actor, further = (~back).map({True: "client"}).astype("str"), {}
        owner = "phone" if name == "calls" else "tax"
        keys = bare_key(table["key"].astype("str"), owner)
        part = {"owner": owner, "owner_id": keys, "at": table["at"], "action": action}
        parts.append(pd.DataFrame({**part, "actor": actor, **further}))
    return pd.concat(parts, ignore_index=True)


def link_keys(data: CrmData) -> None:
    """Link phones and tax numbers to the deals and the people they stand beside, in place."""
    tables = (
        data.deals.assign(owner="deal", owner_id=data.deals["lead_id"]),
        data.prospects,
        data.people,
    )
    parts = []
    for key in ("phone", "tax"):
        for table in tables:
            found = find_keys(table, key)
            of = table.loc[found["row"], ["owner", "owner_id"]].reset_index(drop=True)
            parts.append(of.assign(key=key, value=found["value"]))
    known = pd.concat(parts, ignore_index=True).drop_duplicates()
    direct = known[known["owner"] == "deal"].rename(columns={"owner_id": "lead_id"})
    by_person = known.merge(data.links, on=["owner", "owner_id"])
    columns = ["key", "value", "lead_id"]
    found = pd.concat([direct[columns], by_person[columns]], ignore_index=True)
    found = found.rename(columns={"key": "owner", "value": "owner_id"})
    data.links = pd.concat([data.links, found], ignore_index=True).drop_duplicates()
    data.known_by = known[known["owner"] != "deal"]


def _read_seconds(texts: pd.Series, noticed: list) -> pd.Series:
    seconds = read_durations(texts)
    lost = texts.notna() & seconds.isna()
    noticed.append(
        ("unreadable_cells", lost.sum(), len(texts), "warning", show_values(texts[lost]))
    )
    return seconds.round().astype("Int64").astype("str").where(seconds.notna())


def _find_ways(direction: pd.Series) -> pd.Series:
    words = direction.astype("str").str.strip().str.casefold()
    found = words.str.extract(r"^([12]$|вх|исх|пропущ|неотвеч|missed|внутр|in[cbt]|in$|out)")[0]
    return found.map(_WAYS).astype("str")
