"""Texts of a table as times and numbers."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_lib.errors import InputError, quote_some

UTC = "datetime64[us, UTC]"
_ISO = r"^\d{4}-\d\d-\d\d(?:$|[T ]\d\d(?:$|[^ ]*(?: ?(?:[Zz]|[+-][\d:]+))?$))|^\d{8}(?:T|$)"
_ZONED = r"(?:[Zz]|[+-]\d\d:?\d\d)$"
_USUAL = r"^[\d.:/ -]*T?[\d.:]*Z?$"
_UNIX = r"^\d{9,10}(?:\.\d+)?$|^\d{12,13}$|^\d{15,16}$"
_PARTS = (
    r"^(?P<first>\d{4}|\d{1,2})(?P<sign>[./-])(?P<second>\d{1,2})[./-](?P<third>\d{4}|\d{1,2})"
    r"(?:[,T ]+(?P<hour>\d{1,2}):(?P<minute>\d\d)"
    r"(?::(?P<second_of>\d\d)(?:[.,](?P<part>\d{1,6})\d*)?)?"
    r" ?(?:(?P<half>[AaPp])\.?[Mm]\.?)?)?$"
)
# Amounts: groups of thousands, then decimals; `0,500` is half of one, never five hundred.
_POINT = r"^[+-]?(?:[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}|\d+)?(?:\.\d+)?$"
_COMMA = r"^[+-]?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d+)?(?:,\d+)?$"
_SCIENTIFIC = r"^[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+$"
# A stamp outside these years is a placeholder (1900, 9999) or a slip of the finger.
YEARS = (1971, 2200)


class Ambiguous(InputError):
    """Day and month cannot be told apart in a column."""


def read_times(
    texts: pd.Series, day_first: bool | None = None, time_zone: str = "UTC"
) -> tuple[pd.Series, np.ndarray]:
    """Read a column of times.

    Parameters
    ----------
    texts : column of texts: ISO 8601, dotted (day first), slashed or dashed dates with or without a
        clock, unix seconds, milliseconds or microseconds
    day_first : for slashed and dashed dates; None finds it out from a number above 12
    time_zone : IANA name, the zone of times that carry none. An hour that comes twice in autumn is
        taken as its first; one that spring leaves out is moved forward.

    Returns
    -------
    (times, zoned): times in UTC (missing where unreadable), and which texts carry their zone.

    Raises
    ------
    Ambiguous
        Slashed dates throughout whose day and month no value tells apart.

    Examples
    --------
    >>> times, zoned = read_times(pd.Series(["03.04.2025 10:00", "2025-04-03T10:00:00+03:00"]),
    ...                           time_zone="Europe/Moscow")
    >>> times.dt.strftime("%d %b %H:%M").tolist(), zoned.tolist()
    (['03 Apr 07:00', '03 Apr 07:00'], [False, True])
    """
    check_time_zone(time_zone)
    plain = _plain(texts)
    iso = _matches(plain, _ISO)
    unix = _matches(plain, _UNIX) & ~iso
    aware = iso & _matches(plain, _ZONED)
    texts = pd.Series(plain.to_pandas(), index=texts.index, dtype="str")
    times = pd.Series(pd.NaT, index=texts.index, dtype=UTC)
    times[unix] = _from_unix(texts[unix])
    times[aware] = _from_iso(texts[aware], utc=True).astype(UTC)
    local = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    local[iso & ~aware] = _from_iso(texts[iso & ~aware], utc=False).astype("datetime64[us]")
    other = ~iso & ~unix
    if other.any():
        local[other] = _from_parts(plain.filter(pa.array(other)), day_first)
    here = local.notna().to_numpy()
    if here.any():
        first = np.ones(int(here.sum()), bool)
        times[here] = (
            local[here]
            .dt.tz_localize(time_zone, ambiguous=first, nonexistent="shift_forward")
            .dt.tz_convert("UTC")
        )
    believable = times.dt.year.between(*YEARS)
    return times.where(believable).astype(UTC), (aware | unix) & believable.to_numpy()


def read_numbers(texts: pd.Series, decimal_comma: bool | None = None) -> pd.Series:
    """Read a column of amounts.

    Parameters
    ----------
    texts : column of texts such as ``1 234,50 ₽``, ``1,234.50`` or ``1234.5``
    decimal_comma : how to read what may be either, such as ``12,000`` or ``1.500``; None follows
        the rest of the column, and takes the comma for thousands where that does not tell

    Returns
    -------
    floats; missing where there is no number

    Examples
    --------
    >>> read_numbers(pd.Series(["1 234,50 ₽", "2,5", "1.500", "", None])).tolist()
    [1234.5, 2.5, 1500.0, nan, nan]
    >>> read_numbers(pd.Series(["1,234.50", "12,000", "(5)"])).tolist()
    [1234.5, 12000.0, -5.0]
    """
    codes, distinct = pd.factorize(texts)
    bare = pc.utf8_trim_whitespace(_to_arrow(pd.Series(distinct, dtype="str")))
    scientific = _matches(bare, _SCIENTIFIC)
    scaled = pc.replace_substring(bare, ",", ".")
    for pattern, by in (
        ("[−–]", "-"), (r"\pL+\.?", ""), (r"[^\d.,()+-]", ""), (r"[.,]+$", ""),
        (r"^\((.*)\)$", r"-\1"),
    ):  # fmt: skip
        bare = pc.replace_substring_regex(bare, pattern, by)
    point, comma = _matches(bare, _POINT), _matches(bare, _COMMA)
    if decimal_comma is None:
        decimal_comma = (comma & ~point).sum() > (point & ~comma).sum()
    by_comma = comma & (decimal_comma | ~point)
    numbers = np.select(
        [scientific, by_comma, point],
        [
            _to_floats(scaled),
            _to_floats(pc.replace_substring(pc.replace_substring(bare, ".", ""), ",", ".")),
            _to_floats(pc.replace_substring(bare, ",", "")),
        ],
        np.nan,
    )
    return pd.Series(np.append(numbers, np.nan)[codes], index=texts.index, dtype="float64")


def check_time_zone(name: str) -> None:
    """Raise an `InputError` for a time zone that does not exist."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            [f"no time zone {name!r}; give an IANA name such as Europe/Moscow"]
        ) from None


def _plain(texts: pd.Series) -> pa.Array:
    """Times with ordinary spaces, and zones written as ISO 8601 has them."""
    plain = pc.utf8_trim_whitespace(_to_arrow(texts))
    usual = _matches(plain, _USUAL)
    if usual.all():
        return plain
    odd = plain.filter(pa.array(~usual))
    for pattern, by in (
        ("[\u00a0\u2007\u2009\u202f]", " "),
        (" ?UTC$", "Z"),
        (r"(:\d\d(?:[.,]\d+)?) ?([+-]\d\d)$", r"\1\2:00"),
    ):
        odd = pc.replace_substring_regex(odd, pattern, by)
    return pc.replace_with_mask(plain, pa.array(~usual), odd)


def _to_arrow(texts: pd.Series) -> pa.Array:
    array = pa.array(texts, pa.string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _matches(texts: pa.Array, pattern: str) -> np.ndarray:
    found = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    return found.to_numpy(zero_copy_only=False)


def _to_floats(texts: pa.Array) -> np.ndarray:
    return pd.to_numeric(texts.to_pandas(), errors="coerce").to_numpy("float64")


def _from_iso(texts: pd.Series, utc: bool) -> pd.Series:
    return pd.to_datetime(texts, format="ISO8601", utc=utc, errors="coerce")


def _from_unix(texts: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(texts).astype("float64")
    scale = np.select([numbers > 1e14, numbers > 1e11], [1.0, 1e3], 1e6)
    micros = pd.Series(np.round(numbers * scale).astype("int64"), index=texts.index)
    return pd.to_datetime(micros, unit="us", utc=True).astype(UTC)


def _from_parts(texts: pa.Array, day_first: bool | None) -> np.ndarray:
    """Read dates of three numbers; dotted ones are day-first, a leading year says itself."""
    parts = pc.extract_regex(texts, _PARTS)
    fits = parts.is_valid().to_numpy(zero_copy_only=False)
    first, second, third = (_whole(parts, n) for n in ("first", "second", "third"))
    year_first = _matches(parts.field("first"), r"^\d{4}$")
    dotted = _matches(parts.field("sign"), r"^\.$") & ~year_first
    unclear = fits & ~dotted & ~year_first
    if day_first is None and unclear.any():
        day_first = _is_day_first(texts.filter(pa.array(unclear)), first[unclear], second[unclear])
    day_leads = dotted | (unclear & bool(day_first))
    year = np.where(year_first, first, third)
    short = _matches(pc.if_else(pa.array(year_first), parts.field("first"), parts.field("third")),
                     r"^\d{1,2}$")  # fmt: skip
    year = year + np.where(short, np.where(year < 69, 2000, 1900), 0)
    month = np.where(day_leads | year_first, second, first)
    day = np.select([year_first, day_leads], [third, first], second)
    clock = _read_clock(parts)
    fits &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (clock >= 0)
    months = (np.where(fits, year, 1970) - 1970) * 12 + np.where(fits, month, 1) - 1
    months = months.astype("datetime64[M]")
    date = months.astype("datetime64[D]") + np.where(fits, day, 1) - 1
    fits &= date.astype("datetime64[M]") == months
    moments = date.astype("datetime64[us]") + clock.astype("timedelta64[us]")
    return np.where(fits, moments, np.datetime64("NaT", "us"))


def _read_clock(parts: pa.Array) -> np.ndarray:
    """Microseconds since midnight; -1 where the clock is impossible, 0 where there is none."""
    hour, minute, second = (_whole(parts, n) for n in ("hour", "minute", "second_of"))
    part = _whole(parts, "part", pad=6)
    half = pc.ascii_upper(parts.field("half"))
    after, before = _matches(half, "^P$"), _matches(half, "^A$")
    possible = (hour < 24) & (minute < 60) & (second < 60)
    possible &= ~(after | before) | ((hour >= 1) & (hour <= 12))
    hour = np.where(after | before, hour % 12 + 12 * after, hour)
    return np.where(possible, ((hour * 60 + minute) * 60 + second) * 1_000_000 + part, -1)


def _whole(parts: pa.Array, name: str, pad: int = 0) -> np.ndarray:
    """A group of digits as whole numbers; 0 where it is not there."""
    digits = pc.utf8_rpad(pc.fill_null(parts.field(name), ""), max(pad, 0), "0")
    digits = pc.if_else(pc.equal(digits, ""), "0", digits)
    return digits.cast(pa.int64()).to_numpy(zero_copy_only=False)


def _is_day_first(texts: pa.Array, first: np.ndarray, second: np.ndarray) -> bool:
    if (first > 12).any() and not (second > 12).any():
        return True
    if (second > 12).any() and not (first > 12).any():
        return False
    why = "no value has a number above 12" if not (first > 12).any() else "the values disagree"
    raise Ambiguous([
        f"dates such as {quote_some(sorted(texts.to_pylist())[:2])} may be day/month or "
        f"month/day ({why}); write `day_first: true` or `day_first: false` into a mapping file "
        "and give it with --mapping"
    ])  # fmt: skip
