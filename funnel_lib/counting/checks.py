"""What is wrong or odd in a log, whatever its steps are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_lib.core.checked import find_lines
from funnel_lib.core.events import ACTORS, UNUSABLE, EventLog, lead_codes, note_checks, show_rows
from funnel_lib.core.evidence import name_actions
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.ordering import code_numbers, is_near
from funnel_lib.core.steps import STEPS_FILE, Steps
from funnel_lib.core.times import (
    DAY,
    HOUR,
    MINUTE,
    NEVER,
    by_slices,
    end_of_days,
    first_at,
    has_clock_times,
    last_at,
    to_micros,
)

# Rows that a reader leaves out as they hold no event, or one that stands elsewhere, too.
EXPECTED = ("where", "planned", "told_twice", "same_stage", "other_changes", "deleted_deal",
            "deleted_activity", "lone_text", "second_entry")  # fmt: skip
# A deal with such an event was a lead before: its first events are older than the deal.
BEFORE_DEALS = ("lead_created", "became_lead")
# Bulk edits: this many leads with the same action in the same minute look like a script's work.
BULK_LEADS, BULK_TIMES = 50, 5  # leads, and times as many as nine minutes in ten have at most
ROUNDED, FEWEST_MINUTES = 5, 30  # of so many minutes most are full five: times are rounded
# What a CRM's tables say by themselves of a deal or lead, at its creation: no act of anyone.
MADE = ("deal_created", "lead_created")
NO_WON = "no_won_leads"
FEWEST_CUT = 10  # of fewer leads no cut can be told
FEWEST_WHOLE = 30  # leads that must be there whole, to know what is usual
MOST_CHANCE = 1e-6  # of a log that is whole; what real firms do varies more than chance
MOST_EARLY = 3  # leads that a filter may have left in all the same
MOST_TAKEN = 0.99  # no share is held for sure
CROWD = 3  # times the leads of a busy day, and twice those of the busiest, come on no day
ALWAYS_OPEN = 2  # where never fewer leads are open, and mostly `MOSTLY_OPEN`, some are at the end
MOSTLY_OPEN = 10
MOST_TOLD = 0.95  # so many leads close within their time
SEEN_LOST = 100  # lost leads among which somebody would have bought
SHORTEST_GAP, MOST_GAPS, GAP_EVENTS = 4, 10, 30  # days; gaps told; events that would have come
_FOUR_WEEKS = 28


def check_asks(log: EventLog, steps: Steps, path: str) -> pd.DataFrame:
    """Which of a steps file's `asked_by` are a client's own acts, by line of the file?"""
    by_client = (log.events["actor"] == ACTORS[0]).to_numpy()
    lines, n_rows, found = find_lines(path, STEPS_FILE) if path else {}, 0, []
    for i, step in enumerate(steps.steps):
        for j, rule in enumerate(step.asked_by):
            if n := (by_client & name_actions(log, (rule.action,))).sum():
                line = lines.get(("steps", i, "asked_by", j))
                where = f"line {line}: " if line else ""
                found.append(f"{where}{step.id}: {rule.action} ({n})")
                n_rows += n
    row = ("asked_by_client", n_rows, len(by_client), "warning", ", ".join(found))
    return note_checks([row])


def check_log(log: EventLog) -> pd.DataFrame:
    """What is wrong or odd in a log: removed rows, impossible dates, gaps, bulk edits?

    Shares are of the event rows read, or of the leads; severity is info, warning or error; up to
    three examples are shown, the same whatever the order of the rows.

    Examples
    --------
    >>> day, next_day = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-01-02")
    >>> events = pd.DataFrame({"lead_id": ["a"], "at": [day], "action": ["x"], "actor": ["client"]})
    >>> leads = pd.DataFrame({"lead_id": ["a", "b"], "created_at": [next_day, None]})
    >>> check_log(build_log(events, leads))[["check", "n_rows"]].values.tolist()
    [['events_before_created', 1], ['leads_without_events', 1]]
    """
    removed = [
        (r.reason, r.rows, log.rows_read if r.table == "events" else len(log.leads) + r.rows,
         "error" if r.reason in UNUSABLE else "info" if r.reason in EXPECTED else "warning",
         r.examples)
        for r in log.removed.itertuples() if r.rows
    ]  # fmt: skip
    return pd.concat(
        [note_checks(removed), log.noticed, _check_events(log), _check_leads(log)],
        ignore_index=True,
    )


def _check_events(log: EventLog) -> pd.DataFrame:
    events, leads = log.events[["lead_id", "at", "action", "actor"]], log.leads
    lead = lead_codes(log)
    created = leads["created_at"].copy()
    created.iloc[lead[events["action"].isin(BEFORE_DEALS)]] = pd.NaT
    early = np.zeros(len(events), bool)
    if created.notna().any():
        early = np.asarray(events["at"].array < created.array.take(lead))
    no_row = np.zeros(len(events), bool)
    if leads["has_row"].any():
        no_row = ~leads["has_row"].to_numpy()[lead]
    no_actor = events["actor"].isna().to_numpy()
    codes = (events[c].cat.codes.to_numpy() for c in ("action", "lead_id"))
    bulk = find_bulk_edits(to_micros(events["at"]), *codes)
    base = log.rows_read
    return note_checks([
        ("events_before_created", early.sum(), base, "warning", show_rows(events, early)),
        ("events_without_lead_row", no_row.sum(), base, "warning", show_rows(events, no_row)),
        ("actor_unknown", no_actor.sum(), base, "info", show_rows(events, no_actor)),
        ("bulk_edits", bulk.sum(), base, "warning", show_rows(events, bulk)),
        _check_gaps(lead, to_micros(events["at"]), len(leads)),
    ])  # fmt: skip


def _check_gaps(lead: np.ndarray, at: np.ndarray, n_leads: int) -> tuple:
    """Leads with events before and after days on which nothing happened at all."""
    gaps = find_gaps(at)
    last = last_at(lead, at, n_leads)
    first = first_at(lead, at, n_leads)
    waited = np.zeros(n_leads, bool)
    for begin, end in gaps:
        waited |= (first < begin * DAY) & (last >= end * DAY)
    days = [[str(np.datetime64(int(day), "D")) for day in (begin, end - 1)] for begin, end in gaps]
    return "gap_in_log", waited.sum(), n_leads, "warning", "; ".join(map(" – ".join, days))


def find_gaps(at: np.ndarray) -> list[tuple[int, int]]:
    """On which days did nothing happen, although much did before and after?

    The first day (from 1970) and the one after the last of each such time, the longest first and
    `MOST_GAPS` at most: `SHORTEST_GAP` days or more, thrice the usual length of days without events
    (weekends), in which `GAP_EVENTS` would have come, as in the four weeks before or after it,
    whichever are calmer.

    Examples
    --------
    >>> days = np.delete(np.repeat(np.arange(90), 10), slice(400, 470))
    >>> find_gaps(days * DAY)
    [(40, 47)]
    """
    if not len(at):
        return []
    days = by_slices(lambda at: at // DAY, at, np.int32)
    first = int(days.min())
    n = np.bincount(days - first)
    busy = np.flatnonzero(n)
    length, begin = np.diff(busy) - 1, busy[:-1] + 1
    length, begin = length[length > 0], begin[length > 0]
    if not len(length):
        return []
    total = np.append(0, np.cumsum(n))
    before = total[begin] - total[np.maximum(begin - _FOUR_WEEKS, 0)]
    end = begin + length
    after = total[np.minimum(end + _FOUR_WEEKS, len(n))] - total[end]
    missing = np.minimum(before, after) / _FOUR_WEEKS * length
    usual = np.median(length) if len(length) > MOST_GAPS else 0
    found = (length >= max(SHORTEST_GAP, 3 * usual)) & (missing >= GAP_EVENTS)
    ranked = np.flatnonzero(found)[np.argsort(-length[found], kind="stable")][:MOST_GAPS]
    return [(first + int(begin[i]), first + int(end[i])) for i in ranked]


def find_bulk_edits(at: np.ndarray, action: np.ndarray, lead: np.ndarray) -> np.ndarray:
    """Which events, (n_events,), befell `BULK_LEADS` or more leads with the same action in one
    minute? Dates without a time of day say nothing of minutes, nor do rounded times.

    Of a busy site so many come all the time: where one minute in ten of the days on which anything
    happened sees the action, it takes `BULK_TIMES` as many as in all but that tenth. So a script
    that runs for more than 144 minutes a day is not found.

    Parameters
    ----------
    at, action, lead : (n_events,) by lead, then by time: microseconds, codes from 0
    """
    if not len(at) or (at.min() < at.max() and not has_clock_times(at)):
        return np.zeros(len(at), bool)
    minute = by_slices(lambda at: at // MINUTE, at, np.int32)
    near = np.flatnonzero(is_near(lead, minute))
    together, minutes = code_numbers(minute)
    if len(minutes) >= FEWEST_MINUTES and np.mean(minutes % ROUNDED == 0) > 0.5:
        return np.zeros(len(at), bool)
    n_actions = int(action.max()) + 1
    together = together.astype(np.min_scalar_type(-len(minutes) * n_actions - 1), copy=False)
    together *= n_actions
    together += action
    together, keys = code_numbers(together)
    timed = by_slices(lambda at: at % DAY > 0, at, bool)
    once = timed.copy()  # of what befell a lead several times in a minute the last
    pairs = pd.DataFrame({"lead": lead[near], "together": together[near]})
    once[near[pairs.duplicated(keep="last")]] = False
    n_leads = np.bincount(together[once], minlength=together.max() + 1)
    n_days = len(np.unique(minutes // (DAY // MINUTE)))
    usual = _find_usual(n_leads, keys % n_actions, n_days * (DAY // MINUTE) // 10)
    many = n_leads >= np.maximum(BULK_LEADS, BULK_TIMES * usual[keys % n_actions])
    return timed & many[together]


def _find_usual(n: np.ndarray, kind: np.ndarray, rank: int) -> np.ndarray:
    """The number of this rank among those of each kind, from the largest down, (n_kinds,); 0 where
    there are fewer."""
    order = np.lexsort((-n, kind))
    ends = np.cumsum(np.bincount(kind))
    place = np.append(0, ends[:-1]) + rank
    return np.where(place < ends, n[order[np.minimum(place, len(n) - 1)]], 0)


def _check_leads(log: EventLog) -> pd.DataFrame:
    leads = log.leads
    with_events = np.zeros(len(leads), bool)
    with_events[lead_codes(log)] = True
    closed, created = (to_micros(leads[c]) for c in ("closed_at", "created_at"))
    impossible = (end_of_days(closed) < created) & (created < NEVER)
    ended = leads["status"].isin(["won", "lost"]).to_numpy()
    undated = ended & leads["closed_at"].isna().to_numpy()
    no_amount = leads["amount"].isna().to_numpy() & leads["amount"].notna().any()
    currencies = sorted(leads["currency"].dropna().unique())
    several = len(currencies) > 1
    base = len(leads)
    return note_checks([
        ("leads_without_events", (~with_events).sum(), base, "warning",
         show_rows(leads[["lead_id"]], ~with_events)),
        ("closed_before_created", impossible.sum(), base, "warning", show_rows(leads, impossible)),
        ("closed_without_date", undated.sum(), base, "warning",
         show_rows(leads[["lead_id"]], undated)),
        ("leads_without_amount", no_amount.sum(), base, "info",
         show_rows(leads[["lead_id"]], no_amount)),
        ("several_currencies", len(leads) if several else 0, base, "warning",
         ", ".join(currencies)),
    ])  # fmt: skip


@dataclass(frozen=True)
class Cut:
    """What an export left out: a check's name, the leads that it touches, (n_leads,), and the time
    from which on all is there (missing where it has none)."""

    check: str
    leads: np.ndarray
    day: pd.Timestamp


def check_cuts(found: list[Cut], leads: pd.DataFrame) -> pd.DataFrame:
    """Tell cuts as `check_log` tells what is odd: the day of the cut, and some of the leads."""
    rows = []
    for cut in found:
        day = [] if pd.isna(cut.day) else [str(cut.day.date())]
        example = "; ".join([*day, show_rows(leads[["lead_id"]], cut.leads)])
        rows.append((cut.check, cut.leads.sum(), len(leads), "warning", example))
    return note_checks(rows)


def find_uncut(journeys: Journeys) -> np.ndarray:
    """Which leads did no filter of the export touch, (n_leads,)?

    Those that no cut of `list_cuts` touches. Where nobody bought, that may as well be true, or be
    seen nowhere: such a log is told, and compared all the same.
    """
    whole = np.ones(len(journeys.leads), bool)
    for cut in list_cuts(journeys):
        if cut.check != NO_WON:
            whole &= ~cut.leads
    return whole


def list_cuts(source: EventLog | Journeys) -> list[Cut]:
    """What did the export leave out, seen by what is missing?

    ``cut_by_closing``: nobody closed before some day, although leads came long before; those are
    survivors. ``history_begins_late``: the same of what followed the leads' creation.
    ``introduced_at_once``: at the beginning a crowd of leads created on one day, long after they
    came. ``no_open_leads``, ``no_lost_leads``, ``no_won_leads``: a filter by outcome. A filter by
    date of creation touches no lead that is there.
    """
    if isinstance(source, EventLog):
        made = name_actions(source, MADE)
        lead, at = lead_codes(source)[~made], to_micros(source.events["at"])[~made]
        return _list_cuts(source.leads, lead, at, source.observed_until)
    if "cuts" not in source.kept:
        lead = np.concatenate([source.lead, source.ask_lead])
        at = np.concatenate([source.at, source.ask_at])
        source.kept["cuts"] = _list_cuts(source.leads, lead, at, source.observed_until)
    return source.kept["cuts"]


def _list_cuts(leads: pd.DataFrame, lead, at, observed_until: pd.Timestamp) -> list[Cut]:
    n, until = len(leads), observed_until.value // 1000
    created, closed = (to_micros(leads[c]) for c in ("created_at", "closed_at"))
    closed, status = end_of_days(closed), leads["status"]
    won, lost = ((status == s).to_numpy() for s in ("won", "lost"))
    begun = np.minimum(created, first_at(lead, at, n))
    ended = np.where((won | lost) & (closed >= begun), closed, NEVER)
    told = won | lost | (status == "open").to_numpy()
    later = at > created[lead] + HOUR if n else np.zeros(0, bool)
    followed = first_at(lead[later], at[later], n)
    unclear = (won | lost) & (closed == NEVER)  # they ended, and nobody knows when
    found = [
        ("cut_by_closing", *_find_survivors(np.where(unclear | ~told, NEVER, begun), ended, until)),
        ("history_begins_late", *_find_start(created, followed, until)[:2]),
        ("introduced_at_once", *_find_crowd(created)),
        ("no_open_leads", *_find_no_open(begun, ended, told, won | lost, until)),
        ("no_lost_leads", *_find_no_lost(begun, won, lost, told)),
        (NO_WON, told & (lost.sum() >= SEEN_LOST) & ~won.any(), NEVER),
    ]
    return [
        Cut(check, mask, pd.NaT if day == NEVER else pd.Timestamp(day, unit="us", tz="UTC"))
        for check, mask, day in found if mask.any()
    ]  # fmt: skip


def _follow(day: np.ndarray, ended: np.ndarray) -> np.ndarray:
    """Which share had ended by the beginning of each day, of leads watched for so many days
    (Kaplan and Meier)?"""
    n_days = int(day.max(initial=0)) + 1
    ends = np.bincount(day[ended], minlength=n_days)
    gone = np.bincount(day, minlength=n_days)
    at_risk = len(day) - np.cumsum(gone) + gone
    left = np.cumprod(1 - ends / np.maximum(at_risk, 1))
    return np.minimum(1 - np.append(1, left), MOST_TAKEN)


def _find_start(begun: np.ndarray, ended: np.ndarray, until: int):
    """Which leads began before a moment before which too few ended, for a log that is whole?

    (leads, the moment, ages of these in days then, `_follow` of the others); the moment is `NEVER`
    where there is none. Leads before it would have ended by then as often as the others at that
    age; how few did may be chance (Poisson) but for `MOST_CHANCE`.
    """
    from scipy.stats import poisson

    first = np.sort(ended[(ended < NEVER) & (begun < NEVER)])[: MOST_EARLY + 1]
    found, least = (np.zeros(len(begun), bool), NEVER, None, None), MOST_CHANCE
    for n_early, start in enumerate(first):
        before, after = begun < start, (begun >= start) & (begun < until)
        if before.sum() < FEWEST_CUT + n_early or after.sum() < FEWEST_WHOLE:
            continue
        end = np.minimum(ended[after], until)
        shares = _follow((end - begun[after]) // DAY, ended[after] <= until)
        age = (start - begun[before]) // DAY
        share = shares[np.minimum(age, len(shares) - 1)]
        chance = poisson.cdf(n_early, -np.log1p(-share).sum())
        if chance < least:
            found, least = (before & (ended >= start), start, age, shares), chance
    return found


def _find_survivors(begun: np.ndarray, ended: np.ndarray, until: int):
    """Which leads are there only as they closed late, and from which moment on is all there?

    Survivors are fewer, the longer ago they began; where as many came before as after, nobody
    closed deals at first.
    """
    leads, start, age, shares = _find_start(begun, ended, until)
    if start < NEVER:
        n_days = 2 * int(np.searchsorted(shares, MOST_TOLD * shares.max())) + 1
        watched = min(n_days * DAY, until - start)
        n_came = ((begun >= start) & (begun < start + watched)).sum() * n_days * DAY / watched
        left = 1 - shares[np.minimum(np.arange(n_days), len(shares) - 1)].mean()
        if (age < n_days).sum() > n_came * (1 + left) / 2:
            leads, start = np.zeros(len(begun), bool), NEVER
    return leads, start


def _find_crowd(created: np.ndarray):
    """Which leads were created on a day on which the CRM was filled, and which day is that?"""
    none = np.zeros(len(created), bool), NEVER
    known = created[created < NEVER] // DAY
    if len(known) < FEWEST_WHOLE:
        return none
    n = np.bincount(known - known.min())
    day = int(n.argmax())
    others = n[day + 1 :]
    if others.sum() < FEWEST_WHOLE or n[:day].sum() > n[day]:
        return none
    usual = np.quantile(others[others > 0], 0.95)
    busiest = max(others.max(), n[:day].max(initial=0))
    if n[day] < max(CROWD * usual, 2 * busiest + 1, FEWEST_CUT):
        return none
    day += int(known.min())
    return created // DAY == day, day * DAY


def _find_no_open(begun: np.ndarray, ended: np.ndarray, told, closed, until: int):
    """Which leads are there only as they closed before the export, and since when: no lead is open,
    although in the midst of the period many always were, and new ones came to the end?"""
    none = np.zeros(len(begun), bool), NEVER
    is_open = told & ~closed
    closed = (ended < NEVER) & (begun < NEVER)
    days = (ended[closed] - begun[closed]) // DAY
    if len(days) < FEWEST_WHOLE or is_open.any():
        return none
    first, last = begun[closed].min() // DAY, until // DAY
    came, gone = (
        np.cumsum(np.bincount(at // DAY - first, minlength=last - first + 1))
        for at in (begun[closed], np.minimum(ended[closed], until))
    )
    quarter = (last - first) // 4
    middle = slice(quarter, last - first - quarter + 1)
    recent = until - begun[closed] < 2 * np.median(days) * DAY
    n_open = (came - gone)[middle]
    if n_open.min() < ALWAYS_OPEN or n_open.mean() < MOSTLY_OPEN or not recent.any():
        return none
    since = until - int(np.quantile(days, MOST_TOLD)) * DAY
    return told & (begun >= since), since


def _find_no_lost(begun: np.ndarray, won: np.ndarray, lost: np.ndarray, told: np.ndarray):
    """All leads, where of those that ended all bought, and most of the older ones did."""
    old = told & (begun <= np.median(begun[told])) if told.any() else told
    missing = not lost.any() and won.sum() >= FEWEST_CUT and 2 * (won & old).sum() > old.sum()
    return told & missing, NEVER
