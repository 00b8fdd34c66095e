"""Which leads are of one client: those that share a phone, an e-mail or a contact of the CRM.

Phones and e-mails stay here: the log gets a number for each client, which says nothing of them.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from funnel_lib.reading.cells.people import KEYS, bare_key
from funnel_lib.reading.crms.joins import CrmData
from funnel_lib.reading.ledger import name_journey

MOST_LEADS = 20  # what more leads have in common is a firm's, a manager's, or means "none"
_ID = re.compile(
    r"^(?:associated |deal - )?contact(?: person)?s?[ _.]?ids?$|^(?:id do contato|contato id)$"
    r"|^id контакт\w*$", re.IGNORECASE,
)  # fmt: skip
_REACHED_BY = re.compile(rf"{KEYS['phone'].pattern}|mail|почт|емейл|^контакт|^contact", re.I)
# Whose they are not, and columns that say when or how often.
_OTHERS = re.compile(
    r"manager|author|responsible|owner|user|employee|agent|operator|compan|organi[sz]|\bby$"
    r"|creat|updat|modif|assign|date|time|last|count|number of|_at$|[\s_.]id\w?$"
    r"|менеджер|автор|ответствен|сотрудник|оператор|компани|организаци|юрлиц|создал|изменил"
    r"|дат[аы]|врем|последн|колич", re.IGNORECASE,
)  # fmt: skip
_BETWEEN = r"[,;/|\n]"
_MAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
# [0-9], as \d is looked for ten times as long
_PHONE = r"^\+?[0-9\s().-]{7,}(?:[^0-9]+[0-9]{1,6}\)?)?$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}|^[0-9]{1,2}\.[0-9]{2}\.[0-9]{4}"
_NOBODY = [digit * n for digit in "0123456789" for n in range(7, 11)]


def find_contacts(rows: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    """By what can clients be reached, by a table's columns: lead_id (of `ids`), contact, each once.

    Phones are digits, the country's left out; several in a cell are several rows.
    """
    parts = [pd.DataFrame({"lead_id": ids[:0], "contact": pd.Series([], dtype="str")})]
    for column in rows.columns:
        name = str(column).strip()
        is_id = bool(_ID.search(name))
        if not is_id and (_OTHERS.search(name) or not _REACHED_BY.search(name)):
            continue
        cells = _split(pd.DataFrame({"lead_id": ids, "cell": rows[column]}).dropna())
        bare = _bare_ids(cells["cell"]) if is_id else _bare_contacts(cells["cell"])
        parts.append(cells[["lead_id"]].assign(contact=bare).dropna())
    return pd.concat(parts, ignore_index=True).astype("str").drop_duplicates(ignore_index=True)


def _split(cells: pd.DataFrame) -> pd.DataFrame:
    """One row a contact: several may stand in a cell."""
    cells = cells.assign(cell=cells["cell"].astype("str")).reset_index(drop=True)
    several = cells["cell"].str.contains(_BETWEEN)
    parts = cells[several].assign(cell=cells.loc[several, "cell"].str.split(_BETWEEN))
    return pd.concat([cells[~several], parts.explode("cell")], ignore_index=True).astype("str")


def _bare_ids(cells: pd.Series) -> pd.Series:
    ids = cells.str.strip().str.replace(r"\.0$", "", regex=True)
    return ("id " + ids).where(~ids.isin(["", "0"]))


def _bare_contacts(cells: pd.Series) -> pd.Series:
    """E-mails in small letters, phones as digits; missing where a cell is neither."""
    cells = cells.str.strip()
    phone = bare_key(cells, "phone")
    is_phone = cells.str.match(_PHONE) & ~cells.str.match(_DATE) & ~phone.isin(_NOBODY)
    return cells.str.casefold().where(cells.str.match(_MAIL), phone.where(is_phone))


def link_contacts(data: CrmData) -> pd.DataFrame:
    """The same of a CRM's contacts and leads, for each deal they belong to."""
    links = data.links[data.links["about"].isin(["contact", "lead"])]
    own = name_journey(data.prospects)
    who = pd.DataFrame({"of": name_journey(links), "lead_id": links["lead_id"]})
    who = pd.concat([who, pd.DataFrame({"of": own, "lead_id": own})], ignore_index=True)
    of_contacts = links[links["about"] == "contact"]
    parts = [of_contacts[["lead_id"]].assign(contact="id " + of_contacts["about_id"])]
    for table in (data.people, data.prospects):
        table = table[table["about"].isin(["contact", "lead"])].reset_index(drop=True)
        found = find_contacts(table, name_journey(table)).rename(columns={"lead_id": "of"})
        parts.append(found.merge(who, on="of")[["lead_id", "contact"]])
    return pd.concat(parts, ignore_index=True)


def number_clients(contacts: pd.DataFrame, lead_ids: pd.Series) -> pd.Series:
    """Number the clients of leads, whose contacts are as of `find_contacts`, (n_leads,).

    Leads that share one are of one client, and so are those that share one with these. Missing
    where a lead has none, or one of more than `MOST_LEADS` leads.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    lead = pd.Index(lead_ids).get_indexer(contacts["lead_id"])
    contacts, lead = contacts[lead >= 0], lead[lead >= 0]
    contact, names = pd.factorize(contacts["contact"])
    shared = np.bincount(contact, minlength=len(names))
    known = shared[contact] <= MOST_LEADS
    lead, contact, n = lead[known], contact[known], len(lead_ids)
    size = n + len(names)
    links = coo_array((np.ones(len(lead), bool), (lead, n + contact)), shape=(size, size))
    client = connected_components(links, directed=False)[1][:n]
    there = np.zeros(n, bool)
    there[lead] = True
    return pd.Series(client, dtype="Int64").mask(~there).set_axis(lead_ids.index)
