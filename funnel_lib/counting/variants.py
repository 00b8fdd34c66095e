"""Which steps leads took up to the sale, equal journeys once: what segments are found in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tallies import find_firsts, tally
from funnel_lib.core.times import DAY

# Waits shorter than a day, shorter than a week, longer: what differs by paces of clients.
GAPS = np.array([DAY, 7 * DAY])


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

    Steps after the first sale are left out; a sale known by status only is no event. With `pace`,
    journeys whose waits are of other classes (hours, days, weeks) are other variants. Linear in the
    evidence.
    """
    counted = tally(journeys)
    n, owner, step, number = counted.n, counted.walk, counted.step, counted.of_lead
    if pace:  # each lead waited for itself
        n, number = np.ones(len(journeys.leads)), slice(None)
        owner, step = journeys.lead, journeys.step
    n_codes = len(journeys.steps.before_sale)
    rows = np.flatnonzero(step < n_codes)
    sold = step[rows] == journeys.steps.ids.index(journeys.steps.won)
    earlier = np.cumsum(sold) - sold  # sales before this one, over all
    rows = rows[earlier == earlier[np.searchsorted(owner[rows], owner[rows])]]
    owner, code = owner[rows], step[rows].astype(np.int64)
    gap = _class_gaps(owner, journeys.at[rows]) if pace else np.zeros(len(rows), np.int64)
    start = np.searchsorted(owner, np.arange(len(n) + 1))
    n_classes = len(GAPS) + 2
    of = _number_walks(start, code * n_classes + gap + 1, n_codes * n_classes)
    weight = np.bincount(of[of >= 0], n[of >= 0])
    walked = np.flatnonzero(of >= 0)
    first = walked[find_firsts(of[walked])]
    length = np.diff(start)
    place = np.arange(length.max(initial=0))
    rows, gaps = np.full((2, len(weight), len(place)), -1)
    inside = place < length[first][:, None]
    shown = (start[first][:, None] + place)[inside]
    rows[inside], gaps[inside] = code[shown], gap[shown]
    return Variants(rows, weight, of[number], gaps if pace else None)


def _number_walks(start: np.ndarray, kind: np.ndarray, n_kinds: int) -> np.ndarray:
    """Number the leads' walks in their order, equal ones alike, (n_leads,); -1 for an empty one.

    The loop runs over positions of the longest walk, so equal beginnings are compared once: a
    walk's number so far and its next event make its number one event later; 0 is for those ended.
    """
    length = np.diff(start)
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
