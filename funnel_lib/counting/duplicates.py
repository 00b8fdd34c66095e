"""Clients entered twice: found, told, and merged into the first of their leads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from funnel_lib.core.events import (
    CONTACT,
    STATUSES,
    EventLog,
    build_log,
    lead_codes,
    note_checks,
    note_removed,
    show_rows,
)
from funnel_lib.core.journeys import Journeys, code_statuses
from funnel_lib.core.times import DAY, NEVER, end_of_days, first_at, to_micros

DUPLICATES = "duplicate_leads"
SECOND = "second_entry"  # why a row of a lead was removed
NEAR = 7 * DAY  # entries further apart are two matters
LEAST = 0.01  # a smaller part of the leads changes no number that is read
MOST_ENTRIES = 20  # an account of more leads is a firm of many clients, or means "none"
ENOUGH = 10  # so many honest deals of an account, a week apart, tell how many come by chance
_KINDS = ("product", "pipeline")  # deals that differ in these are no entry of the same


def find_first_entries(source: EventLog | Journeys) -> np.ndarray:
    """Which lead is the first entry of each lead's client, (n_leads,)? Mostly itself.

    Leads are one client entered twice if they have the same contact, or account where no lead of
    the log has a contact, and the same product; were created within `NEAR` of each other; and the
    later one before the earlier one was closed. So are leads that a third one links. Of a lead
    without creation the first event counts. Where products are not known, only contacts tell. An
    unknown contact, or a product known of one lead alone, tells nothing; nor does an account of
    more than `MOST_ENTRIES` leads; nor do accounts, where their deals come as close by chance.

    Examples
    --------
    >>> leads = pd.DataFrame({"lead_id": ["a", "b", "c"], "account_id": "x", "product": "tea",
    ...                       "created_at": pd.to_datetime(["2025-01-01", "2025-01-03",
    ...                                                    "2025-01-20"])})
    >>> events = pd.DataFrame({"lead_id": ["a"], "at": "2025-02-01", "action": ["call"]})
    >>> find_first_entries(build_log(events, leads)).tolist()
    [0, 0, 2]
    """
    if isinstance(source, EventLog):
        at = to_micros(source.events["at"])
        return _find_first(source.leads, first_at(lead_codes(source), at, len(source.leads)))
    if "first_entries" not in source.kept:
        lead = np.concatenate([source.lead, source.ask_lead])
        begun = first_at(lead, np.concatenate([source.at, source.ask_at]), len(source.leads))
        source.kept["first_entries"] = _find_first(source.leads, begun)
    return source.kept["first_entries"]


def find_second_entries(source: EventLog | Journeys) -> np.ndarray:
    """Which leads are of a client who was entered before, (n_leads,)?"""
    first = find_first_entries(source)
    return first != np.arange(len(first))


def _find_first(leads: pd.DataFrame, first_event: np.ndarray) -> np.ndarray:
    first = np.arange(len(leads))
    by_contact = CONTACT in leads and bool(leads[CONTACT].notna().any())
    client = pd.factorize(leads[CONTACT if by_contact else "account_id"])[0]
    created, closed = (to_micros(leads[c]) for c in ("created_at", "closed_at"))
    begun = np.where(created < NEVER, created, first_event)
    ended = np.isin(code_statuses(leads["status"]), [0, 1])  # won, lost
    closed = np.where(ended, end_of_days(closed), NEVER)
    known = (client >= 0) & (begun < NEVER)
    rows = np.flatnonzero(known)
    n_entries = np.bincount(client[rows], minlength=1)[client[rows]]
    rows = rows[(n_entries > 1) & (n_entries <= MOST_ENTRIES)]
    matter = _find_matters(leads, rows, by_contact)
    rows, matter = rows[matter >= 0], matter[matter >= 0]
    if not len(rows):
        return first
    order = np.lexsort((rows, -closed[rows], begun[rows], matter, client[rows]))
    rows, matter = rows[order], matter[order]
    begun, closed = begun[rows], closed[rows]
    same = (np.diff(client[rows]) == 0) & (np.diff(matter) == 0)
    new = np.append(True, ~same)
    # Until when another entry is the same: of all before it in the group the latest counts.
    until = pd.Series(np.minimum(closed - 1, begun + NEAR)).groupby(np.cumsum(new)).cummax()
    new[1:] |= begun[1:] > until.to_numpy()[:-1]
    gap = np.diff(begun)
    later = same & new[1:] & (gap > NEAR) & (gap <= 2 * NEAR) & (closed[:-1] > begun[1:])
    if not by_contact and _may_be_chance((~new).sum(), later.sum(), len(leads)):
        return first
    first[rows] = rows[new][np.cumsum(new) - 1]
    return first


def _may_be_chance(near: int, later: int, n_leads: int) -> bool:
    """Whether an account's honest deals would come as close: few do, or hardly more than come a
    week later, while the one before is open, too."""
    return near < LEAST * n_leads or (later >= ENOUGH and near <= 2 * later)


def _find_matters(leads: pd.DataFrame, rows: np.ndarray, by_contact: bool) -> np.ndarray:
    """Number what some leads are about, (n_rows,); -1 where that is not known well enough."""
    kinds = [c for c in _KINDS if c in leads and leads[c].notna().any()]
    cells = leads[kinds].iloc[rows].astype("str")
    cells = cells.apply(lambda texts: texts.str.strip().str.casefold()).fillna("")
    same = cells.groupby(kinds, sort=False).ngroup().to_numpy() if kinds else np.zeros(len(rows))
    if by_contact:
        return same
    told = (cells["product"] != "").to_numpy() if "product" in kinds else False
    return np.where(told, same, -1)


def check_duplicates(source: EventLog | Journeys) -> pd.DataFrame:
    """Tell clients entered twice as `check_log` tells what is odd: first · second entry."""
    first = find_first_entries(source)
    second = np.flatnonzero(first != np.arange(len(first)))
    ids = source.leads["lead_id"].astype("str")
    pairs = (ids.iloc[rows].reset_index(drop=True) for rows in (first[second], second))
    pairs = pd.DataFrame({"lead_id": next(pairs) + " · " + next(pairs)})
    return note_checks([(DUPLICATES, len(second), len(first), "warning", show_rows(pairs))])


def merge_duplicates(log: EventLog, first: np.ndarray) -> EventLog:
    """Merge each client's leads into the first, which `find_first_entries` tells, (n_leads,).

    The events are joined. Won if any was won, open if any is open, else lost; closing, manager and
    all else are of the lead with that outcome (of several won ones the first closed, of lost ones
    the last, of open ones the latest), and what it lacks of the others, the latest first. The
    creation is the earliest one. The leads merged are counted in `removed`, and so are events that
    are then the same ones.
    """
    second = first != np.arange(len(first))
    if not second.any():
        return log
    removed = note_removed([("leads", SECOND, second, log.leads[["lead_id"]])])
    leads = _merge_leads(log.leads, first)
    ids = log.leads["lead_id"]
    events = log.events.assign(lead_id=ids.array.take(first[lead_codes(log)]))
    merged = build_log(
        events, leads, log.observed_until,
        removed=pd.concat([log.removed, removed], ignore_index=True),
        noticed=log.noticed, assumed=log.assumed, sources=log.sources,
    )  # fmt: skip
    has_row = leads.set_index("lead_id")["has_row"].reindex(merged.leads["lead_id"])
    return replace(merged, leads=merged.leads.assign(has_row=has_row.to_numpy(bool)))


def _merge_leads(leads: pd.DataFrame, first: np.ndarray) -> pd.DataFrame:
    """One row a client: the lead whose outcome is taken, and what others know besides."""
    status, n = code_statuses(leads["status"]), len(leads)
    won, lost, is_open = (status == STATUSES.index(s) for s in STATUSES)
    closed, created = (to_micros(leads[c]) for c in ("closed_at", "created_at"))
    latest = -np.where(created < NEVER, created, -NEVER)
    when = np.select([won, lost & (closed < NEVER)], [closed, -closed], latest)
    rank = np.select([won, is_open, lost], [0, 1, 2], 3)
    best = np.lexsort((latest, when, rank, first))
    other = np.ones(n, bool)
    other[best[np.append(True, np.diff(first[best]) != 0)]] = False
    order = np.lexsort((latest, other, first))
    of, rows = first[order], leads.iloc[order]
    filled = rows.groupby(of).first()
    # A closing stays with its outcome, and a currency with its amount.
    taken = rows[~other[order]].set_axis(filled.index)
    money = rows.iloc[np.lexsort((rows["amount"].isna(), of))]
    money = money[["amount", "currency"]][np.append(True, np.diff(of) != 0)]
    return filled.assign(
        lead_id=leads["lead_id"].take(filled.index),
        created_at=leads.groupby(first)["created_at"].min(),
        closed_at=taken["closed_at"],
        has_row=leads.groupby(first)["has_row"].any(),
        **money.set_axis(filled.index),
    )
