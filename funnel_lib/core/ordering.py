"""Order and codes: packed sort keys, texts as ordered categories, ties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_lib.core.times import DAY, HOUR, MINUTE, SECOND

# Ids of so many digits are coded as numbers; aligned to the left they leave room for their lengths.
_MOST_DIGITS = 17
_FEW = 1_000  # enough to see what most of many texts are like
_MANY = 100_000  # enough to have all that come often
_LONG = 3  # rows a lead, on average, that make it worth while to order leads and not rows
_TABLE = 4  # numbers are coded by a table of so many places a number
# Of distinct names pandas need not make Python texts to see that they are: a tenth of all reading.
_FAST_DTYPE = getattr(pd.CategoricalDtype, "_from_fastpath", pd.CategoricalDtype)
_POWERS = 10 ** np.arange(_MOST_DIGITS + 1, dtype=np.uint64)


def order_packed(lead: np.ndarray, at: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Order rows by lead, time (microseconds) and code: as ``np.lexsort((code, at, lead))``.

    The three are packed into one 64-bit key, which sorts about ten times as fast, where they fit
    (times are taken in the coarsest unit that loses nothing). Leads and codes are >= 0.
    """
    if len(lead) == 0:
        return np.empty(0, np.int64)
    order = _order_groups(lead, at, code)
    if order is not None:
        return order
    since = _count_units(at - at.min())
    for_lead, for_since, for_code = (
        int(n).bit_length() for n in (lead.max(), since.max(), code.max())
    )
    if for_lead + for_since > 64:
        return np.lexsort((code, at, lead))
    key = (lead.astype(np.uint64) << np.uint64(for_since)) | since.astype(np.uint64)
    left, for_row = 64 - for_lead - for_since, len(key).bit_length()
    if for_code + for_row <= left or for_row > left >= for_code:
        return _order_keys((key << np.uint64(for_code)) | code.astype(np.uint64))
    order = np.argsort(code, kind="stable")  # of few codes, quick beside what room for rows saves
    return order[_order_keys(key[order])]


def is_sorted(order: np.ndarray) -> bool:
    """Whether an order leaves every row where it is."""
    return bool((order[1:] > order[:-1]).all())


def _count_units(since: np.ndarray) -> np.ndarray:
    few = since[:_FEW]  # enough to rule out most units without a pass over all
    for unit in (u for u in (DAY, HOUR, MINUTE, SECOND, 1_000) if not (few % u).any()):
        units = since // unit
        if (units * unit == since).all():
            return units
    return since


def _order_keys(key: np.ndarray) -> np.ndarray:
    """Order keys, equal ones as they come: as ``np.argsort(key, kind="stable")``."""
    for_row = len(key).bit_length()
    if int(key.max()).bit_length() + for_row <= 64:
        key = np.sort((key << np.uint64(for_row)) | np.arange(len(key), dtype=np.uint64))
        return (key & np.uint64(2**for_row - 1)).astype(np.int64)
    order = np.argsort(key)  # several times as fast as a stable sort, but for equal ones
    tied = np.flatnonzero(is_near(key[order]))
    rows = order[tied]
    order[tied] = rows[np.lexsort((rows, key[rows]))]
    return order


def _order_groups(lead: np.ndarray, at: np.ndarray, code: np.ndarray) -> np.ndarray | None:
    """Order rows of which each lead's stand together, in order of time: only leads, and what came
    at one time, are sorted. None where they do not, or leads have few rows."""
    same = lead[1:] == lead[:-1]
    if (same & (at[1:] < at[:-1])).any():
        return None
    starts = np.append(0, np.flatnonzero(~same) + 1)
    in_order = is_sorted(lead[starts])
    by_lead = slice(None) if in_order else np.argsort(lead[starts])
    if not in_order and (len(starts) * _LONG > len(lead) or not is_sorted(lead[starts[by_lead]])):
        return None  # or a lead comes again
    rows = np.arange(len(lead))
    same &= at[1:] == at[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    moment = np.cumsum(~np.append(False, same)[tied])
    by_code = tied[np.lexsort((code[tied], moment))]
    if not in_order:
        lengths = np.diff(starts, append=len(lead))[by_lead]
        before = np.cumsum(lengths) - lengths
        rows += np.repeat(starts[by_lead] - before, lengths)
    if not (by_code == tied).all():
        moved = np.arange(len(lead))
        moved[tied] = by_code
        rows = moved[rows]
    return rows


def is_tied(events: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Which rows of events in order have the same cells as the row before or the row after?

    Columns are categorical, but for the time ``at``.
    """
    of = (events[c].cat.codes if c != "at" else events[c].astype("int64") for c in columns)
    return is_near(*(values.to_numpy() for values in of))


def is_near(*columns: np.ndarray) -> np.ndarray:
    """Which rows have the same values as the row before or the row after?"""
    same = np.ones(max(len(columns[0]) - 1, 0), bool)
    for values in columns:
        same &= values[1:] == values[:-1]
    return np.append(same, False) | np.append(False, same)


def as_category(cells: pd.Series) -> pd.Categorical:
    """Turn cells into a categorical of the texts there are, in order; missing ones stay so.

    Each distinct text is handled once. Ids that are digits after a common beginning are told apart
    and ordered as numbers, which is many times as fast; a categorical in order, as this function
    gives it, costs nothing.
    """
    if isinstance(cells.dtype, pd.CategoricalDtype):
        if _is_in_order(cells.cat.categories):
            return _drop_unused(cells.array)
        used = _drop_unused(cells.array)
        names = as_category(pd.Series(used.categories).astype("str"))
        codes = np.append(names.codes, names.codes.dtype.type(-1))[used.codes]
        return pd.Categorical.from_codes(codes, dtype=names.dtype)
    if isinstance(cells.dtype, pd.ArrowDtype) and pd.api.types.is_integer_dtype(cells.dtype):
        return _code_integers(pa.array(cells))
    texts = pa.chunked_array(pa.array(cells.astype("str"), pa.large_string())).combine_chunks()
    ends = find_repeated(texts)
    if ends is None:
        return _code_texts(texts)
    of_runs = _code_texts(texts.take(pa.array(ends - 1)))
    codes = np.repeat(of_runs.codes, np.diff(ends, prepend=0))
    return pd.Categorical.from_codes(codes, dtype=of_runs.dtype)


def find_repeated(texts: pa.Array) -> np.ndarray | None:
    """Where runs of one text end, where these are long enough to be worth it."""
    for some in (texts[:_FEW], texts):
        new = pc.fill_null(pc.not_equal(some[1:], some[:-1]), True)
        ends = np.append(np.flatnonzero(new.to_numpy(zero_copy_only=False)) + 1, len(some))
        if 2 * len(ends) > len(some):
            return None
    return ends


def _is_in_order(categories: pd.Index) -> bool:
    if categories.dtype != "str":
        return False
    names = pa.array(categories, pa.large_string())
    return pc.all(pc.less(names[:-1], names[1:])).as_py() is not False


def _drop_unused(cells: pd.Categorical) -> pd.Categorical:
    used = np.zeros(len(cells.categories) + 1, bool)
    for some in (cells.codes[:_MANY], cells.codes):  # mostly the first rows use all
        used[some] = True  # what is missing is coded -1
        if used[:-1].all():
            return cells
    used = used[:-1]
    ranks = np.append(np.cumsum(used, dtype=np.int32) - np.int32(1), np.int32(-1))
    return pd.Categorical.from_codes(ranks[cells.codes], categories=cells.categories[used])


def _code_integers(cells: pa.ChunkedArray | pa.Array) -> pd.Categorical:
    """Whole numbers, of which any may be missing, as a categorical of their texts."""
    known = cells.is_valid().to_numpy(zero_copy_only=False)
    codes, distinct = code_numbers(cells.drop_null().to_numpy(zero_copy_only=False))
    return _put_in_order(_spread(codes, known), pa.array(distinct).cast(pa.large_string()))


def _code_texts(texts: pa.Array) -> pd.Categorical:
    known = texts.is_valid().to_numpy(zero_copy_only=False)
    texts = texts.drop_null()
    numbers, alike = find_numbers(texts)
    if numbers is None:
        coded = texts.dictionary_encode()
        codes = coded.indices.to_numpy(zero_copy_only=False)
        return _put_in_order(_spread(codes, known), coded.dictionary)
    codes, distinct = code_numbers(numbers)
    row = np.empty(len(distinct), np.int64)
    row[codes] = np.arange(len(codes))  # any row that has the text
    order = np.argsort(distinct) if alike else _order_as_texts(distinct)
    return _put_in_order(_spread(codes, known), texts.take(pa.array(row)), order)


def _spread(codes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Put codes where cells are known, -1 where they are missing."""
    if known.all():
        return codes
    spread = np.full(len(known), -1)
    spread[known] = codes
    return spread


def _put_in_order(codes: np.ndarray, names: pa.Array, order=None) -> pd.Categorical:
    """Give a categorical of codes into distinct names; their order may be known."""
    order = pc.sort_indices(names).to_numpy() if order is None else order
    categories = pd.Index(pd.array(names.take(pa.array(order)), dtype="str"))
    ranks = np.full(len(order) + 1, -1, np.int32)  # the last is of what is missing, code -1
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return pd.Categorical.from_codes(ranks[codes], dtype=_FAST_DTYPE(categories))


def code_numbers(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes of whole numbers, and the distinct ones; by a table where they are close together."""
    low, high = (int(f()) if len(numbers) else 0 for f in (numbers.min, numbers.max))
    if high - low > _TABLE * len(numbers):
        return pd.factorize(numbers)
    if high - low > np.iinfo(numbers.dtype).max:  # a difference that a narrow type cannot hold
        numbers = numbers.astype(np.int64)
    places = numbers - numbers.dtype.type(low)
    there = np.zeros(high - low + 1, bool)
    there[places] = True
    distinct = np.flatnonzero(there)
    code = np.empty(len(there), np.int32)
    code[distinct] = np.arange(len(distinct), dtype=np.int32)
    return code[places], distinct.astype(numbers.dtype) + numbers.dtype.type(low)


def find_numbers(ids: pa.Array) -> tuple[np.ndarray | None, bool]:
    """Find the numbers in ids that are digits after a common beginning: (numbers, whether all have
    as many digits, so that their order is that of the numbers).

    Two ids have one number only if they are the same: where lengths differ, none leads with 0. None
    instead of the numbers where ids are not such, or their numbers too long.

    Examples
    --------
    >>> numbers, alike = find_numbers(pa.array(["L-007", "L-012"], pa.large_string()))
    >>> numbers.tolist(), alike
    ([7, 12], True)
    """
    beginning = ids[0].as_py().rstrip("0123456789") if len(ids) else ""
    for some in (ids[:_FEW], ids):
        digits = _cut(some, beginning)
        if digits is None or not len(digits):
            return None, False
    n_digits = pc.binary_length(digits).to_numpy()
    least, most = n_digits.min(), n_digits.max()
    if least == 0 or most > _MOST_DIGITS:
        return None, False
    numbers = digits.cast(pa.int64()).to_numpy().astype(np.uint64)
    if least == most:
        return numbers, True
    plain = (numbers >= _POWERS[n_digits - 1]) | (n_digits == 1)  # no leading zero
    return (numbers, False) if plain.all() else (None, False)


def find_letters(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Where each text ends among the bytes of all, (n_texts + 1,) from 0 on, and these bytes."""
    wide = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    ends = np.frombuffer(texts.buffers()[1] or bytes(8), wide)[texts.offset :][: len(texts) + 1]
    letters = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    return ends - ends[0], letters[ends[0] : ends[-1]]


def _cut(ids: pa.Array, beginning: str) -> pa.Array | None:
    """What follows the beginning that all ids have, if that is digits and nothing else."""
    if beginning:
        if not pc.all(pc.starts_with(ids, beginning)).as_py():
            return None
        n_bytes = len(beginning.encode())
        ids = pc.binary_slice(ids.cast(pa.large_binary()), n_bytes, 2**31 - 1)
        ids = ids.cast(pa.large_string())
    _, letters = find_letters(ids)
    return ids if (letters - np.uint8(ord("0")) < 10).all() else None


def _order_as_texts(numbers: np.ndarray) -> np.ndarray:
    """Order whole numbers as their texts: 10 before 9; of 1 and 10 the shorter first."""
    n_digits = np.searchsorted(_POWERS[1:], numbers, side="right") + 1
    aligned = numbers * _POWERS[n_digits.max(initial=1) - n_digits]
    return np.argsort(aligned * np.uint64(32) + n_digits.astype(np.uint64))
