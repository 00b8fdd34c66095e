"""Which steps leads took up to the sale, equal journeys once: what segments are found in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tallies import find_firsts, tally
from funnel_lib.core.times import DAY, by_slices, has_clock_times

# Waits shorter than a day, shorter than a week, longer: what differs by paces of clients.
GAPS = np.array([DAY, 7 * DAY])
ENDLESS = 300  # events: of a journey with more only so many are read
MINUTE = DAY // (24 * 60)
BULK_LEADS, BULK_SHARE, USUAL = 20, 0.01, 20  # leads, share of them, times the usual: in one minute
TOGETHER, SAME_LEADS, FEWEST = 0.9, 2 / 3, 20  # of leads that have both; of those that have either


@dataclass(frozen=True)
class Variants:
    """Journeys up to the first sale, equal ones once."""

    rows: np.ndarray  # (n_variants, longest) codes of steps up to the sale, -1 padded
    weight: np.ndarray  # (n_variants,) how many leads walked so
    of_lead: np.ndarray  # (n_leads,) each lead's variant; -1 for leads that never entered
    # As rows, the class of the time since the event before: 0 less than a day, 1 less than a week,
    # 2 more; -1 for the first event. None where journeys differ by steps alone.
    gaps: np.ndarray | None = None


def count_variants(journeys: Journeys, pace: bool = False) -> Variants:
    """Which journeys do leads take, and how many leads each?

    Steps after the first sale are left out, and what was booked in bulk (see `find_bulk`); a sale
    known by status only is no event. Of a journey without an end the beginning is read. With pace,
    journeys whose waits are of other classes (hours, days, weeks) are other variants. Linear in the
    evidence.
    """
    counted, bulk = tally(journeys), find_bulk(journeys)
    n, owner, step, number = counted.n, counted.walk, counted.step, counted.of_lead
    if pace or bulk.any():  # each lead waited, and was edited, for itself
        n, number = np.ones(len(journeys.leads)), slice(None)
        owner, step = journeys.lead[~bulk], journeys.step[~bulk]
    n_codes = len(journeys.steps.before_sale)
    rows = np.flatnonzero(step < n_codes)
    sold = step[rows] == journeys.steps.ids.index(journeys.steps.won)
    earlier = np.cumsum(sold) - sold  # sales before this one, over all
    rows = rows[earlier == earlier[np.searchsorted(owner[rows], owner[rows])]]
    owner, code = owner[rows], step[rows].astype(np.int64)
    gap = _class_gaps(owner, journeys.at[~bulk][rows]) if pace else np.zeros(len(rows), np.int64)
    start = np.searchsorted(owner, np.arange(len(n) + 1))
    n_classes = len(GAPS) + 2
    of = _number_walks(start, code * n_classes + gap + 1, n_codes * n_classes)
    weight = np.bincount(of[of >= 0], n[of >= 0])
    walked = np.flatnonzero(of >= 0)
    first = walked[find_firsts(of[walked])]
    length = np.minimum(np.diff(start), ENDLESS)
    place = np.arange(length.max(initial=0))
    rows, gaps = np.full((2, len(weight), len(place)), -1)
    inside = place < length[first][:, None]
    shown = (start[first][:, None] + place)[inside]
    rows[inside], gaps[inside] = code[shown], gap[shown]
    return Variants(rows, weight, of[number], gaps if pace else None)


def find_bulk(journeys: Journeys) -> np.ndarray:
    """Which evidence was booked in bulk, (n_evidence,): a step on many leads within one minute,
    where it comes a lead at a time otherwise? Of a lead that has nothing else it stays.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": [f"a{i}" for i in range(60)] * 2, "action": ["ask"] * 60 + ["meet"] * 60,
    ...     "at": pd.to_datetime("2025-01-01") + pd.to_timedelta(
    ...         [*range(0, 6000, 100), *[9000] * 25, *range(9100, 12600, 100)], unit="min")}))
    >>> find_bulk(build_journeys(log, parse_steps("{steps: [{id: ask}, {id: meet}], won: meet}"))
    ...     ).sum()
    np.int64(25)
    """
    if (known := journeys.kept.get("bulk")) is not None:
        return known
    bulk, n_steps = np.zeros(len(journeys.lead), bool), len(journeys.steps.ids)
    most = max(BULK_LEADS, BULK_SHARE * len(journeys.leads))
    if len(bulk) >= most and has_clock_times(journeys.at):
        place = by_slices(lambda at: at // MINUTE, journeys.at, np.int32)
        place = (place * n_steps + journeys.step) % 2**20  # quicker than to sort all
        often = np.bincount(place) >= most
        steps = np.unique(journeys.step[often[place]]) if often.any() else []
        for step in steps:
            own = np.flatnonzero(journeys.step == step)
            moment = journeys.at[own] // MINUTE
            _, which, n = np.unique(moment, return_inverse=True, return_counts=True)
            many = n >= max(most, USUAL * np.median(n))
            if 2 * n[many].sum() <= len(own):
                bulk[own[many[which]]] = True
        if bulk.any():
            left = np.bincount(journeys.lead[~bulk], minlength=len(journeys.leads)) > 0
            bulk &= left[journeys.lead]
    journeys.kept["bulk"] = bulk
    return bulk


def find_together(journeys: Journeys) -> tuple[tuple[int, ...], ...]:
    """Which steps before the sale are recorded in one go: within one minute by nearly all leads
    that have both, and seldom alone? Groups of codes; none where stamps are dates."""
    sale = journeys.steps.ids.index(journeys.steps.won)
    before = (journeys.step < len(journeys.steps.before_sale)) & (journeys.step != sale)
    lead, step = (x[before].astype(np.int64) for x in (journeys.lead, journeys.step))
    minute = journeys.at[before] // MINUTE
    next_ = (lead[1:] == lead[:-1]) & (minute[1:] == minute[:-1]) & (step[1:] != step[:-1])
    if next_.sum() < FEWEST or not has_clock_times(journeys.at):
        return ()
    n = len(journeys.steps.ids)
    low, high = (f(step[1:][next_], step[:-1][next_]) for f in (np.minimum, np.maximum))
    pair = np.unique((lead[1:][next_] * n + low) * n + high) % n**2
    shows = np.zeros((len(journeys.leads), n), bool)
    shows[lead, step] = True
    groups = {code: {code} for code in range(n)}
    for a, b in (divmod(int(p), n) for p in np.flatnonzero(np.bincount(pair) >= FEWEST)):
        both, either = (shows[:, a] & shows[:, b]).sum(), (shows[:, a] | shows[:, b]).sum()
        if (pair == a * n + b).sum() >= TOGETHER * both and both >= SAME_LEADS * either:
            joined = groups[a] | groups[b]
            groups |= dict.fromkeys(joined, joined)
    return tuple(sorted({tuple(sorted(group)) for group in groups.values() if len(group) > 1}))


def _number_walks(start: np.ndarray, kind: np.ndarray, n_kinds: int) -> np.ndarray:
    """Number the leads' walks in their order, equal ones alike, (n_leads,); -1 for an empty one.

    The loop runs over positions of the longest walk, so equal beginnings are compared once: a
    walk's number so far and its next event make its number one event later; 0 is for those ended.
    """
    length = np.minimum(np.diff(start), ENDLESS)
    number = np.where(length > 0, 0, -1)
    for position in range(length.max(initial=0)):
        going = np.flatnonzero(length > position)
        key = number[going] * (n_kinds + 1) + kind[start[going] + position] + 1
        here = np.flatnonzero((length > 0) & (length <= position))
        ended = number[here] * (n_kinds + 1)
        anew = np.unique(np.concatenate([ended, key]), return_inverse=True)[1]
        number[here], number[going] = anew[: len(here)], anew[len(here) :]
    return number


def _class_gaps(lead: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Class the time since the lead's event before, (n_events,); -1 for its first."""
    first = np.append(True, lead[1:] != lead[:-1])[: len(lead)]
    waited = np.diff(at, prepend=at[:1])
    return np.where(first, -1, np.searchsorted(GAPS, waited, side="right"))
