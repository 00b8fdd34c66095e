"""Texts as numbers and ids, in the forms that exports write."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_lib.reading.files.typed import is_category, is_integer, is_number, show

# Amounts: groups of thousands, then decimals; `0,500` is half of one, never five hundred.
_POINT = r"^[+-]?(?:[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}|\d+)?(?:\.\d+)?$"
_COMMA = r"^[+-]?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d+)?(?:,\d+)?$"
_FLOAT = r"^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_SCIENTIFIC = r"^[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+$"

# What letters behind a number mean, and what makes it none: a percentage, two numbers in one cell.
_MAGNITUDES = {
    r"(?i)\d\s*(?:k|тыс|т\.? ?р)(?:$|[^\pL])|\dk\pL|(?i)\d\s*тысяч": 1e3,
    r"(?i)\d\s*(?:m|mm|mln|mio|mil|million|millions|млн|миллион\pL*)(?:$|[^\pL])": 1e6,
    r"(?i)\d\s*(?:b|bn|bln|billion|billions|млрд|миллиард\pL*)(?:$|[^\pL])": 1e9,
}
_KOPECKS = r"(?i)(\d)\s*руб\pL*\.?\s*(\d\d)\s*коп.*$"
_NO_AMOUNT = r"%|\d[^\d]*[\pL/|;:№#×*=<>&]+[^\d]*\d"


def read_numbers(texts: pd.Series, decimal_comma: bool | None = None) -> pd.Series:
    """Read a column of amounts; missing where there is no number. Cells may be numbers already.

    What may be read either way, such as ``12,000`` or ``1.500``, follows `decimal_comma`; None
    follows the rest of the column, and takes the comma for thousands where that does not help.

    Examples
    --------
    >>> read_numbers(pd.Series(["1 234,50 ₽", "2,5", "1.500", "", None])).tolist()
    [1234.5, 2.5, 1500.0, nan, nan]
    >>> read_numbers(pd.Series(["1,234.50", "12,000", "(5)"])).tolist()
    [1234.5, 12000.0, -5.0]
    """
    array = pa.chunked_array(pa.array(texts)) if is_number(texts) else to_arrow(texts)
    numbers = None if decimal_comma else _to_plain_floats(array)
    if numbers is None:
        array = to_arrow(texts)
        coded = array.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy()
        distinct = _read_amounts(pc.utf8_trim_whitespace(coded.dictionary), decimal_comma)
        numbers = np.append(distinct, np.nan)[codes]
    return pd.Series(numbers, index=texts.index, dtype="float64")


def bare_ids(texts: pd.Series) -> pd.Series:
    """Write ids that are whole numbers without the decimals a spreadsheet gives them."""
    if is_integer(texts):
        return texts
    if is_category(texts):
        names = pd.Series(texts.cat.categories)
        bare = bare_ids(names)
        if bare is names:
            return texts
        return texts.astype("str").map(bare.set_axis(names)).astype("str")
    texts = show(texts)
    array = to_arrow(texts)
    if not pc.any(pc.ends_with(array, ".0")).as_py():
        return texts
    if not match(array.drop_null(), r"^\d+(?:\.0)?$").all():
        return texts
    bare = pc.replace_substring_regex(array, r"\.0$", "")
    return pd.Series(bare.to_pandas().array, index=texts.index, dtype="str")


def to_arrow(texts: pd.Series) -> pa.Array:
    """A column, of texts or typed, as one array of texts."""
    array = pa.array(show(texts), pa.string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def match(texts: pa.Array, pattern: str) -> np.ndarray:
    """Which texts a pattern is found in; what is missing is not."""
    found = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    return found.to_numpy(zero_copy_only=False)


def _to_plain_floats(texts: pa.ChunkedArray | pa.Array) -> np.ndarray | None:
    """All texts as numbers, if each is written as computers write them; else None."""
    try:
        numbers = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    usual = pc.all(pc.is_finite(numbers)).as_py() is not False
    return numbers.to_numpy(zero_copy_only=False) if usual else None


def _read_amounts(bare: pa.Array, decimal_comma: bool | None) -> np.ndarray:
    """Numbers of distinct texts; those that may be either follow the others."""
    scientific = match(bare, _SCIENTIFIC)
    bare = pc.replace_substring_regex(bare, _KOPECKS, r"\1.\2")
    unclear = match(bare, _NO_AMOUNT) & ~scientific
    size = np.ones(len(bare))
    for pattern, times in _MAGNITUDES.items():
        size[match(bare, pattern) & ~scientific] = times
    scaled = pc.replace_substring(bare, ",", ".")
    for pattern, by in (
        ("[−–]", "-"), (r"\pL+\.?", ""), (r"[^\d.,()+-]", ""), (r"[.,]+$", ""),
        (r"^\((.*)\)$", r"-\1"),
    ):  # fmt: skip
        bare = pc.replace_substring_regex(bare, pattern, by)
    point, comma = match(bare, _POINT), match(bare, _COMMA)
    if decimal_comma is None:
        decimal_comma = (comma & ~point).sum() > (point & ~comma).sum()
    by_comma = ~scientific & comma & (decimal_comma | ~point)
    numbers = np.full(len(bare), np.nan)
    for kind, texts in (
        (scientific, scaled),
        (by_comma, pc.replace_substring(pc.replace_substring(bare, ".", ""), ",", ".")),
        (point & ~by_comma & ~scientific, pc.replace_substring(bare, ",", "")),
    ):
        bare = pc.utf8_ltrim(texts, "+")
        kind &= match(bare, _FLOAT)
        numbers[kind] = bare.filter(pa.array(kind)).cast(pa.float64()).to_numpy(False)
    return np.where(np.isfinite(numbers) & ~unclear, numbers * size, np.nan)


def read_whole(parts: pa.Array, name: str, pad: int = 0) -> np.ndarray:
    """A group of digits as whole numbers; 0 where it is not there."""
    digits = pc.utf8_rpad(pc.fill_null(parts.field(name), ""), pad, "0")
    digits = pc.if_else(pc.equal(digits, ""), "0", digits)
    return digits.cast(pa.int64()).to_numpy(zero_copy_only=False)
