"""How soon clients are answered, and how often managers try to reach them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import ACTORS, STAGE_PREFIX, EventLog, lead_codes
from funnel_lib.core.evidence import name_actions
from funnel_lib.core.journeys import Journeys, find_in_log
from funnel_lib.core.tables import arrange
from funnel_lib.core.times import (
    DAY,
    HOUR,
    NEVER,
    end_of_days,
    first_at,
    has_clock_times,
    last_at,
    to_micros,
)
from funnel_lib.counting.values import code_values
from funnel_lib.stats.incidence import FEW, OPEN, OTHERWISE, TAKEN
from funnel_lib.stats.intervals import divide, wilson

CALLS = ("call", "call_*", "*_call")
CONTACTS = ("outgoing_*", "meeting_held", *CALLS)  # by a manager; and what helps with a step
INCOMING = ("incoming_*", "call_in")  # never a manager's try, whoever the CRM says acted
MEETING = "meeting_held"
TALK_SECONDS = 30  # a call this long was answered
EVERYBODY = "all"
_ROUNDING = 1e-12


def count_responses(log: EventLog, journeys: Journeys) -> pd.DataFrame:
    """How soon are clients answered, and how many tries does it take to reach them? The table
    `responses`.

    Where times are dates without hours, nobody had an hour or a day, and the median is empty. Where
    the log has no client's act or no contact at all, nobody came first: it cannot be told. What
    comes after a lead was closed is left out.

    Notes
    -----
    A client's act is an event whose actor is the client. A contact is an event whose actor is a
    manager and whose action is one of `CONTACTS` or of `asked_by` in the steps file; changes of
    stage, and what the steps file lists as `self_reported` or `ignore`, are neither. A contact
    answers, and so does an incoming call of `TALK_SECONDS` or more (column `duration`). At the same
    time, the client is taken to come first.

    Reached is a client who acts at or after the first contact (or shows evidence of a step then, or
    buys), or has talked for `TALK_SECONDS` or met. The median is of Aalen and Johansen's curve:
    leads waiting at the export are followed up to it, closing without an answer competes.

    Examples
    --------
    >>> events = pd.DataFrame(
    ...     [("a", "09:00", "ask", "client"), ("a", "09:40", "outgoing_call", "manager"),
    ...      ("a", "11:10", "outgoing_mail", "manager"), ("a", "12:00", "mail_opened", "client"),
    ...      ("b", "10:05", "ask", "client")], columns=["lead_id", "at", "action", "actor"])
    >>> events["at"] = pd.to_datetime("2025-01-01 " + events["at"])
    >>> log = build_log(events, observed_until="2025-01-01 18:00")
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> table = count_responses(log, build_journeys(log, steps))
    >>> table.loc[0, ["n_client_first", "n_answered", "n_waiting"]].tolist()
    [2, 1, 1]
    >>> table.loc[0, ["n_had_hour", "share_within_hour", "median_attempts_to_reach"]].tolist()
    [2.0, 0.5, 2.0]
    """
    found = _follow(log, journeys)
    manager, names = code_values(journeys, "manager")
    names = (*names, "")  # of leads without a manager, code -1
    rows = [{"manager": names[n], **_sum_up(mine)} for n, mine in found.groupby(manager)]
    rows.sort(key=lambda row: (row["manager"] == "", -row["n_leads"], row["manager"]))
    table = pd.DataFrame([{"manager": EVERYBODY, **_sum_up(found)}, *rows])
    for share, hits, base in _SHARES:
        table[share] = divide(table.pop(hits), table[base])
        table[f"{share}_low"], table[f"{share}_high"] = wilson(table[share], table[base])
    return arrange("responses", table)


def find_median_time(time: np.ndarray, cause: np.ndarray) -> float:
    """By when has half of the leads taken a target? NaN: not reached.

    `time` is how long each lead was watched, at least 0; `cause` what ended the watch, as of
    `incidence.estimate_incidence`. This is its curve at exact times, one lead after the other: of
    equal times those who waited on come last, and the order of the others does not matter, since S
    (1 - 1/Y) / (Y - 1) = S / Y. It is read as far as other curves, see `incidence.find_last_day`.
    """
    n = len(time)
    order = np.lexsort((cause == OPEN, time))
    time, cause, at_risk = time[order], cause[order], n - np.arange(n)
    stay = np.cumprod(1 - (cause != OPEN) / at_risk)
    share = np.cumsum(np.append(1, stay)[:n] * (cause == TAKEN) / at_risk)
    half = (share >= 0.5 - _ROUNDING) & (at_risk >= min(FEW, n / 10))
    return float(time[half.argmax()]) if half.any() else np.nan


_SHARES = (
    ("share_within_hour", "n_within_hour", "n_had_hour"),
    ("share_within_day", "n_within_day", "n_had_day"),
    ("share_given_up_after_one", "n_given_up_after_one", "n_given_up"),
)


def _sum_up(found: pd.DataFrame) -> dict[str, float]:
    """Count some leads."""
    came, reached, given_up = (found[c].to_numpy() for c in ("came", "reached", "given_up"))
    timed = came & found["has_hours"].to_numpy()
    waited, cause = found["waited"].to_numpy(), found["cause"].to_numpy()
    watched, tries = found["watched"].to_numpy(), found["n_tries"].to_numpy()
    answered = came & (cause == TAKEN)
    counts = {
        "n_leads": len(found), "n_client_first": came.sum(), "n_answered": answered.sum(),
        "n_waiting": (came & (cause == OPEN)).sum(),
        "n_unanswered": (came & (cause == OTHERWISE)).sum(), "n_tried": (tries > 0).sum(),
        "n_got_through": reached.sum(), "n_trying": found["trying"].sum(),
        "n_given_up": given_up.sum(), "n_given_up_after_one": (given_up & (tries == 1)).sum(),
    }  # fmt: skip
    for name, span in (("hour", HOUR), ("day", DAY)):
        had = timed & (watched >= span)
        counts[f"n_had_{name}"] = had.sum()
        counts[f"n_within_{name}"] = (had & answered & (waited <= span)).sum()
    return {name: int(n) for name, n in counts.items()} | {
        "median_hours_to_answer": find_median_time(waited[timed], cause[timed]) / HOUR,
        "median_attempts_to_reach": _find_enough(tries[reached]),
        "median_attempts_given_up": _find_enough(tries[given_up]),
    }


def _find_enough(tries: np.ndarray) -> float:
    """So many tries are enough for half of the leads; NaN without leads."""
    return float(np.quantile(tries, 0.5, method="inverted_cdf")) if len(tries) else np.nan


def _follow(log: EventLog, journeys: Journeys) -> pd.DataFrame:
    """What came of each lead, (n_leads,): came (its client did, first), cause and waited (what
    ended the wait for an answer, after how long), watched (from the client's act to the export),
    has_hours, n_tries (contacts until reached; 0: not tried), reached, trying, given_up."""
    n, until = len(journeys.leads), journeys.observed_until.value // 1000
    acts, end, is_told, has_hours = _list_acts(log, journeys)
    came_at, tried_at, talked_at = (
        first_at(*acts[kind], n) for kind in ("by_client", "contact", "talk")
    )
    answered_at = np.minimum(tried_at, talked_at)
    came = (came_at < NEVER) & (came_at <= answered_at) & is_told
    answered, open_ = answered_at < NEVER, (journeys.leads["status"] == "open").to_numpy()
    since = np.where(came, came_at, until)
    reached_at = _find_reached(journeys, acts["by_client"], came, since, tried_at, talked_at)
    tried, reached = (tried_at < NEVER) & (tried_at <= talked_at), reached_at < NEVER
    lead, at = acts["contact"]
    tries = lead[at <= reached_at[lead]]
    return pd.DataFrame({
        "came": came,
        "cause": np.select([answered, open_], [TAKEN, OPEN], OTHERWISE),
        "waited": np.select([answered, open_], [answered_at, until], end) - since,
        "watched": until - since,
        "has_hours": has_hours,
        "n_tries": np.where(tried, np.bincount(tries, minlength=n), 0),
        "reached": tried & reached,
        "trying": tried & ~reached & open_,
        "given_up": tried & ~reached & ~open_,
    })  # fmt: skip


def _list_acts(log: EventLog, journeys: Journeys):
    """Acts of the chosen leads up to their end, leads and times of each kind: by_client, contact,
    talk; each lead's end; and of the whole log, whether it tells who came first, and whether its
    times have hours."""
    steps, events = journeys.steps, log.events
    records = name_actions(log, (*steps.records, f"{STAGE_PREFIX}*"))
    client, manager = ((events["actor"] == a).to_numpy() & ~records for a in ACTORS[:2])
    helping = [a for s in steps.steps for a in s.asks]
    named = name_actions(log, CONTACTS) & ~name_actions(log, INCOMING)
    contact = manager & (named | name_actions(log, tuple(helping)))
    talk = (client | manager) & name_actions(log, CALLS) & _is_long(events)
    talk |= manager & name_actions(log, (MEETING,))
    at = to_micros(events["at"])
    lead = find_in_log(log, journeys).astype(np.int32)[lead_codes(log)]
    mine = lead >= 0
    last = last_at(lead[mine], at[mine], len(journeys.leads))
    end = np.minimum(_find_end(journeys, last), journeys.observed_until.value // 1000)
    mine &= at <= end[lead]
    kinds = {"by_client": client & mine, "contact": contact & mine, "talk": talk & mine}
    acts = {kind: (lead[rows], at[rows]) for kind, rows in kinds.items()}
    is_told = bool(client.any() and contact.any())
    return acts, end, is_told, has_clock_times(at[client | contact])


def _is_long(events: pd.DataFrame) -> np.ndarray:
    """Which calls were talked through, as far as their duration is known, (n_events,)?"""
    if "duration" not in events:
        return np.zeros(len(events), bool)
    seconds = pd.to_numeric(events["duration"], errors="coerce")
    return seconds.to_numpy(float, na_value=np.nan) >= TALK_SECONDS


def _find_end(journeys: Journeys, last: np.ndarray) -> np.ndarray:
    """When each lead was closed, `NEVER` while open; a date means the end of its day, and a lost
    lead without one was closed at its last event."""
    leads = journeys.leads
    closed = np.where(leads["status"] == "won", to_micros(leads["sold_at"]),
                      to_micros(leads["closed_at"]))  # fmt: skip
    known = (closed < NEVER) & (leads["status"] != "open").to_numpy()
    closed = end_of_days(np.where(known, closed, NEVER))
    unknown = (leads["status"] != "open").to_numpy() & ~known & (last > -NEVER)
    return np.select([known, unknown], [closed, last], NEVER)


def _find_reached(journeys: Journeys, by_client, came, since, tried_at, talked_at) -> np.ndarray:
    """When each client was reached, `NEVER` where not: by a talk, or the first act, evidence or
    sale at or after the first contact; the act by which the client came first is none."""
    n = len(came)
    lead, at = by_client
    came_by = np.append(True, lead[1:] != lead[:-1])[: len(lead)] & came[lead]
    later = ~came_by & (at >= tried_at[lead])
    acted = first_at(lead[later], at[later], n)
    lead, at = journeys.lead, journeys.at
    shown = ~journeys.self_reported & (at >= tried_at[lead]) & ~(came[lead] & (at <= since[lead]))
    shown_at = first_at(lead[shown], at[shown], n)
    sold = np.maximum(to_micros(journeys.leads["sold_at"]), tried_at)  # may be a date without hour
    return np.minimum.reduce([talked_at, acted, shown_at, sold])
