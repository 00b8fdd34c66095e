"""Times as whole microseconds since 1970 in UTC, dates that stand for whole days, and the order of
events: packed sort keys, texts as ordered categories, ties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

NEVER = np.iinfo(np.int64).max  # a time that never comes
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
ENOUGH = 10  # from so many times on, two times of day an hour apart are summer and winter

# Ids of so many digits are coded as numbers; aligned to the left they leave room for their lengths.
_MOST_DIGITS = 17
_POWERS = 10 ** np.arange(_MOST_DIGITS + 1, dtype=np.uint64)


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


def order_packed(lead: np.ndarray, at: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Order rows by lead, time (microseconds) and code: as ``np.lexsort((code, at, lead))``.

    The three are packed into one 64-bit key, which sorts about ten times as fast, where they fit
    (times are taken in the coarsest unit that loses nothing). Leads and codes are >= 0.
    """
    if len(lead) == 0:
        return np.empty(0, np.int64)
    since = at - at.min()
    few = since[:1000]  # enough to rule out most units without a pass over all
    units = (u for u in (DAY, SECOND, 1_000, 1) if not (few % u).any())
    unit = next(u for u in units if not (since % u).any())
    since = since // unit
    for_lead, for_since, for_row = (
        int(n).bit_length() for n in (lead.max(), since.max(), len(lead))
    )
    if for_lead + for_since > 64:
        return np.lexsort((code, at, lead))
    order = np.argsort(code, kind="stable")
    key = ((lead.astype(np.uint64) << np.uint64(for_since)) | since.astype(np.uint64))[order]
    if for_lead + for_since + for_row > 64:
        return order[np.argsort(key, kind="stable")]
    key = np.sort((key << np.uint64(for_row)) | np.arange(len(key), dtype=np.uint64))
    return order[(key & np.uint64(2**for_row - 1)).astype(np.int64)]


def is_tied(events: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Which rows of events in order have the same cells as the row before or the row after?

    Columns are categorical, but for the time ``at``.
    """
    same = np.ones(max(len(events) - 1, 0), bool)
    for column in columns:
        cells = events[column]
        values = (cells.cat.codes if column != "at" else cells.astype("int64")).to_numpy()
        same &= values[1:] == values[:-1]
    return np.append(same, False) | np.append(False, same)


def as_category(cells: pd.Series) -> pd.Categorical:
    """Turn cells into a categorical of the texts there are, in order; missing ones stay so.

    It costs one sort of the texts; a categorical in order, as this function gives it, none.
    """
    if isinstance(cells.dtype, pd.CategoricalDtype) and _is_in_order(cells.cat.categories):
        return _drop_unused(cells.array)
    texts = pa.array(cells.astype("str"), pa.large_string())
    numbers = _as_whole_numbers(texts)
    codes, values = pd.factorize(cells.astype("str") if numbers is None else numbers)
    names = pa.array(values).cast(pa.large_string())
    order = pc.sort_indices(names).to_numpy() if numbers is None else _order_as_texts(values)
    categories = pd.Index(pd.array(names.take(order), dtype="str"))
    ranks = np.full(len(order) + 1, -1, np.int32)  # the last is of what is missing, code -1
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return pd.Categorical.from_codes(ranks[codes], categories=categories)


def _is_in_order(categories: pd.Index) -> bool:
    if categories.dtype != "str":
        return False
    names = pa.array(categories, pa.large_string())
    return pc.all(pc.less(names[:-1], names[1:])).as_py() is not False


def _drop_unused(cells: pd.Categorical) -> pd.Categorical:
    used = np.bincount(cells.codes[cells.codes >= 0], minlength=len(cells.categories)) > 0
    if used.all():
        return cells
    ranks = np.append(np.cumsum(used) - 1, -1)
    return pd.Categorical.from_codes(ranks[cells.codes], categories=cells.categories[used])


def _as_whole_numbers(texts: pa.ChunkedArray | pa.Array) -> np.ndarray | None:
    """Whole numbers, if each is written as such: they are sorted faster than texts."""
    if texts.null_count:
        return None
    try:
        texts[:100].cast(pa.int64())
        numbers = texts.cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    n_signs = pc.binary_length(texts).to_numpy()
    if (n_signs > _MOST_DIGITS).any() or (numbers < 0).any():
        return None
    numbers = numbers.astype(np.uint64)
    # as many digits as signs: no leading zero, no plus, no other base
    fine = (numbers >= _POWERS[n_signs - 1]) | (n_signs == 1)
    fine &= numbers < _POWERS[n_signs]
    return numbers if fine.all() else None


def _order_as_texts(numbers: np.ndarray) -> np.ndarray:
    """Order whole numbers as their texts: 10 before 9; of 1 and 10 the shorter first."""
    n_digits = np.searchsorted(_POWERS[1:], numbers, side="right") + 1
    aligned = numbers * _POWERS[n_digits.max(initial=1) - n_digits]
    return np.argsort(aligned * np.uint64(32) + n_digits.astype(np.uint64))
