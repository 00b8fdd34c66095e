"""Times as whole microseconds since 1970 in UTC, and dates that stand for whole days."""

from __future__ import annotations

import numpy as np
import pandas as pd

NEVER = np.iinfo(np.int64).max  # a time that never comes
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
ENOUGH = 10  # from so many times on, two times of day an hour apart are summer and winter


def to_micros(times: pd.Series) -> np.ndarray:
    """Give times as whole microseconds, `NEVER` where missing."""
    return np.where(times.isna(), NEVER, times.astype("int64"))


def has_clock_times(at: np.ndarray) -> bool:
    """Do times have an hour, or are they dates: all at one time of day, or at two an hour apart
    where a zone has summer time?

    Examples
    --------
    >>> days = np.arange(3) * 24
    >>> has_clock_times(days * HOUR), has_clock_times((days + [9, 10, 17]) * HOUR)
    (False, True)
    """
    seen = np.unique(at % DAY)
    if len(seen) == 2 and len(at) >= ENOUGH and seen[1] - seen[0] in (HOUR, DAY - HOUR):
        seen = seen[:1]
    return len(seen) > 1 or bool((seen % (HOUR // 4)).any())


def end_of_days(at: np.ndarray) -> np.ndarray:
    """Take dates for the last second of their days; times with an hour are left as they are."""
    known = at < NEVER
    return at if has_clock_times(at[known]) else np.where(known, at + DAY - SECOND, at)
