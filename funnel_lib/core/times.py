"""Times as whole microseconds since 1970 in UTC, and dates that stand for whole days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError

NEVER = np.iinfo(np.int64).max  # a time that never comes
MISSING = np.iinfo(np.int64).min  # as pandas writes a time that is not known
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
FEW_STAMPS = 5  # so many, or one in a thousand up to `MOST_STAMPS`, may be typing errors
MOST_STAMPS = 50
FAR_DAYS = 60  # less is a quiet season
FAR_GAPS = 5  # times the longest gap between all days before
USUAL_STAMPS = 30  # of fewer, no gap is unusual
ENOUGH = 10  # from so many times on, two times of day an hour apart are summer and winter
_SLICE = 1 << 20  # times that are changed at once


def to_micros(times: pd.Series) -> np.ndarray:
    """Give times as whole microseconds, `NEVER` where missing."""
    micros = times.astype("int64").to_numpy()
    missing = micros.min(initial=0) == MISSING
    return np.where(micros == MISSING, NEVER, micros) if missing else micros


def read_window(within: pd.Timedelta | str | None) -> int:
    """Read a window such as ``"90D"`` as microseconds; `NEVER` for none."""
    if within is None or (isinstance(within, str) and not within):
        return NEVER
    try:
        if not isinstance(within, str | timedelta) or str(within).strip(" +-.0123456789") == "":
            raise ValueError  # pandas would take a bare number for nanoseconds
        window = pd.Timedelta(within)
    except (ValueError, TypeError):
        raise InputError(
            [f"the window {within!r} is no duration; write it as 90D or 12h"]
        ) from None
    if not window >= pd.Timedelta("1us"):
        raise InputError([f"the window {within!r} must be positive"])
    return window.value // 1000


def by_slices(change: Callable[[np.ndarray], np.ndarray], at: np.ndarray, kind: type) -> np.ndarray:
    """The same as ``change(at)``, of so narrow a type, slice by slice: what lies between takes
    little memory.

    Examples
    --------
    >>> by_slices(lambda at: at // DAY, np.array([0, DAY, 9 * DAY]), np.int32)
    array([0, 1, 9], dtype=int32)
    """
    changed = np.empty(len(at), kind)
    for begin in range(0, len(at), _SLICE):
        changed[begin : begin + _SLICE] = change(at[begin : begin + _SLICE])
    return changed


def first_at(lead: np.ndarray, at: np.ndarray, n_leads: int) -> np.ndarray:
    """Earliest time of each lead, (n_leads,); `NEVER` where it has none."""
    first = np.full(n_leads, NEVER)
    new = lead[1:] != lead[:-1]
    if (lead[1:] < lead[:-1]).any() or (~new & (at[1:] < at[:-1])).any():
        np.minimum.at(first, lead, at)
    else:
        rows = np.append(0, np.flatnonzero(new) + 1)[: len(lead)]
        first[lead[rows]] = at[rows]
    return first


def last_at(lead: np.ndarray, at: np.ndarray, n_leads: int) -> np.ndarray:
    """Latest time of each lead, (n_leads,); ``-NEVER`` where it has none."""
    last = np.full(n_leads, -NEVER)
    np.maximum.at(last, lead, at)
    return last


def has_clock_times(at: np.ndarray) -> bool:
    """Do times have an hour, or are they dates: all at one time of day, or at two an hour apart
    where a zone has summer time?

    Examples
    --------
    >>> days = np.arange(3) * 24
    >>> has_clock_times(days * HOUR), has_clock_times((days + [9, 10, 17]) * HOUR)
    (False, True)
    """
    few = np.unique(at[:1000] % DAY)  # three times of day settle it
    seen = few if len(few) > 2 else np.unique(at % DAY)
    if len(seen) == 2 and len(at) >= ENOUGH and seen[1] - seen[0] in (HOUR, DAY - HOUR):
        seen = seen[:1]
    return len(seen) > 1 or bool((seen % (HOUR // 4)).any())


def end_of_days(at: np.ndarray) -> np.ndarray:
    """Take dates for the last second of their days; times with an hour are left as they are."""
    known = at < NEVER
    return at if has_clock_times(at[known]) else np.where(known, at + DAY - SECOND, at)


def find_last_day(acts: np.ndarray, closings: np.ndarray) -> int:
    """Up to the end of which day, in microseconds, do times belong together?

    Behind it lie a handful of stamps at most, after a gap of `FAR_DAYS` that is `FAR_GAPS` times
    the longest one before: mistyped years, plans. Of dates of closing those of one day are one
    stamp, as many deals may bear the same far date. `NEVER` where no stamp is far from the others.

    Examples
    --------
    >>> acts, none = np.arange(40) * DAY, np.array([], np.int64)
    >>> find_last_day(acts, none) == NEVER, find_last_day(np.append(acts, 9_000 * DAY), none) // DAY
    (True, 40)
    """
    acts, closings = (
        at[at < NEVER] if at.max(initial=0) == NEVER else at for at in (acts, closings)
    )
    last = max(at.max(initial=0) for at in (acts, closings))
    if (acts > last - (FAR_DAYS - 1) * DAY).sum() > MOST_STAMPS:
        return NEVER  # as mostly: more than a handful lie behind any gap of so many days
    acts, closings = (by_slices(lambda at: at // DAY, at, np.int32) for at in (acts, closings))
    both = np.concatenate([acts, np.unique(closings)])
    if len(both) < USUAL_STAMPS:
        return NEVER
    n = np.bincount(both - both.min())
    days = np.flatnonzero(n)
    n, gap = n[days], np.diff(days, prepend=days[0])
    few = min(max(FEW_STAMPS, len(both) // 1_000), MOST_STAMPS)
    before = np.cumsum(n) - n
    known = np.where(before > few, gap, 0)  # a gap behind a handful at the beginning says nothing
    usual = np.maximum.accumulate(np.append(0, known[:-1]))
    far = (gap >= FAR_DAYS) & (gap > FAR_GAPS * usual) & (before >= USUAL_STAMPS)
    far &= len(both) - before <= few
    if not far.any():
        return NEVER
    return (int(days[far.argmax() - 1]) + int(both.min()) + 1) * DAY


def localize(moment: pd.Timestamp, time_zone: str) -> pd.Timestamp:
    """Take a moment without a zone as of this one: of an hour that comes twice the first, of one
    that is left out the next there is."""
    return moment.tz_localize(time_zone, ambiguous=True, nonexistent="shift_forward")
