"""Moments as whole microseconds since 1970 in UTC, and dates that stand for whole days."""

from __future__ import annotations

import numpy as np
import pandas as pd

# A moment that never comes.
NEVER = np.iinfo(np.int64).max
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
ENOUGH = 10  # from so many moments on, two times of day an hour apart are summer and winter


def to_micros(times: pd.Series) -> np.ndarray:
    """Give times as whole microseconds, `NEVER` where missing."""
    return np.where(times.isna(), NEVER, times.astype("int64"))


def tells_hours(at: np.ndarray) -> bool:
    """Tell whether moments have an hour, or are dates: all at one time of day, or two an hour apart
    where a zone has summer time.

    Parameters
    ----------
    at : microseconds

    Examples
    --------
    >>> days = np.arange(3) * 24
    >>> tells_hours(days * 3_600_000_000), tells_hours((days + [9, 10, 17]) * 3_600_000_000)
    (False, True)
    """
    seen = np.unique(at % DAY)
    if len(seen) == 2 and len(at) >= ENOUGH and seen[1] - seen[0] in (HOUR, DAY - HOUR):
        seen = seen[:1]
    return len(seen) > 1 or bool((seen % (HOUR // 4)).any())


def end_of_days(at: np.ndarray) -> np.ndarray:
    """Take dates for the last second of their days; moments with an hour are left as they are.

    Parameters
    ----------
    at : microseconds, `NEVER` where missing

    Examples
    --------
    >>> (end_of_days(np.array([0, NEVER, 3 * DAY])) // HOUR).tolist()[::2]
    [23, 95]
    """
    known = at < NEVER
    return at if tells_hours(at[known]) else np.where(known, at + DAY - SECOND, at)
