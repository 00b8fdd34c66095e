"""Texts of a table as times and numbers."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from funnel_lib.errors import InputError, quote_some

UTC = "datetime64[us, UTC]"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_ISO = r"^\d{4}-\d\d-\d\d|^\d{8}T"
_ZONED = r"(?:[Zz]|UTC|[+-]\d\d:?\d\d)$"
_UNIX = r"^\d{9,10}(?:\.\d+)?$|^\d{12,13}$|^\d{15,16}$"
_PARTS = r"^(\d{1,4})([./-])(\d{1,2})[./-](\d{1,4})"
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
    texts = texts.str.strip()
    iso = _fits(texts, _ISO)
    unix = _fits(texts, _UNIX) & ~iso
    zoned = (iso & _fits(texts, _ZONED)) | unix
    times = pd.Series(pd.NaT, index=texts.index, dtype=UTC)
    times[unix] = _from_unix(texts[unix])
    aware = zoned & iso
    times[aware] = pd.to_datetime(texts[aware], format="ISO8601", utc=True, errors="coerce")
    local = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    plain = iso & ~aware
    local[plain] = pd.to_datetime(texts[plain], format="ISO8601", errors="coerce")
    other = texts.notna().to_numpy() & ~iso & ~unix
    local[other] = _from_parts(texts[other], day_first)
    here = local.notna().to_numpy()
    if here.any():
        first = np.ones(int(here.sum()), bool)
        times[here] = (
            local[here]
            .dt.tz_localize(time_zone, ambiguous=first, nonexistent="shift_forward")
            .dt.tz_convert("UTC")
        )
    believable = times.dt.year.between(*YEARS)
    return times.where(believable).astype(UTC), zoned & believable.to_numpy()


def read_numbers(texts: pd.Series, decimal_comma: bool | None = None) -> pd.Series:
    """Read a column of amounts.

    Parameters
    ----------
    texts : column of texts such as ``1 234,50 ₽``, ``1,234.50`` or ``1234.5``
    decimal_comma : None finds it out: the last sign of a number that has both is its decimal sign;
        a comma before anything but three digits is a decimal comma

    Returns
    -------
    floats; missing where there is no number

    Examples
    --------
    >>> read_numbers(pd.Series(["1 234,50 ₽", "2,5", "", None])).tolist()
    [1234.5, 2.5, nan, nan]
    >>> read_numbers(pd.Series(["1,234.50", "12,000"])).tolist()
    [1234.5, 12000.0]
    """
    bare = texts.str.replace(r"[^\d.,()+-]", "", regex=True).str.strip(".,")
    bare = bare.str.replace(r"^\((.*)\)$", r"-\1", regex=True)
    if decimal_comma is None:
        decimal_comma = _has_decimal_comma(bare)
    thousands, decimal = (".", ",") if decimal_comma else (",", ".")
    both = bare.str.contains(thousands, regex=False) & bare.str.contains(decimal, regex=False)
    several = bare.str.count(r"\.") > 1
    drop = both | several if decimal_comma else pd.Series(True, index=bare.index)
    bare = bare.mask(drop, bare.str.replace(thousands, "", regex=False))
    bare = bare.str.replace(decimal, ".", regex=False)
    return pd.to_numeric(bare, errors="coerce").astype("float64")


def check_time_zone(name: str) -> None:
    """Raise an `InputError` for a time zone that does not exist."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            [f"no time zone {name!r}; give an IANA name such as Europe/Moscow"]
        ) from None


def _fits(texts: pd.Series, pattern: str) -> np.ndarray:
    return texts.str.contains(pattern, regex=True).fillna(False).to_numpy(dtype=bool)


def _from_unix(texts: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(texts).astype("float64")
    scale = np.select([numbers > 1e14, numbers > 1e11], [1.0, 1e3], 1e6)
    micros = pd.Series(np.round(numbers * scale).astype("int64"), index=texts.index)
    return pd.to_datetime(micros, unit="us", utc=True).astype(UTC)


def _from_parts(texts: pd.Series, day_first: bool | None) -> pd.Series:
    """Read dates written as three numbers; dotted ones are day-first, a leading year says itself."""
    parts = texts.str.extract(_PARTS)
    first, second = pd.to_numeric(parts[0]), pd.to_numeric(parts[2])
    year_first = (parts[0].str.len() == 4).to_numpy(dtype=bool, na_value=False)
    dotted = (parts[1] == ".").to_numpy(dtype=bool, na_value=False) & ~year_first
    unclear = parts[1].notna().to_numpy() & ~dotted & ~year_first
    if day_first is None and unclear.any():
        day_first = _is_day_first(texts[unclear], first[unclear], second[unclear])
    clock = texts.str.replace(_PARTS, "", regex=True).str.replace(r"^[,T\s]+", " ", regex=True)
    times = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    short = (parts[3].str.len() <= 2).to_numpy(dtype=bool, na_value=False)
    day_leads = dotted | (unclear & bool(day_first))
    for mask, order in (
        (year_first, "%Y-%m-%d"), (day_leads & ~short, "%d-%m-%Y"), (day_leads & short, "%d-%m-%y"),
        (unclear & ~day_leads & ~short, "%m-%d-%Y"), (unclear & ~day_leads & short, "%m-%d-%y"),
    ):  # fmt: skip
        if mask.any():
            date = parts.loc[mask, 0] + "-" + parts.loc[mask, 2] + "-" + parts.loc[mask, 3]
            times[mask] = _try_clocks(date + clock[mask], order)
    return times


def _is_day_first(texts: pd.Series, first: pd.Series, second: pd.Series) -> bool:
    if (first > 12).any() and not (second > 12).any():
        return True
    if (second > 12).any() and not (first > 12).any():
        return False
    why = "no value has a number above 12" if not (first > 12).any() else "the values disagree"
    raise Ambiguous([
        f"dates such as {quote_some(texts.drop_duplicates().head(2))} may be day/month or "
        f"month/day ({why}); write `day_first: true` or `day_first: false` into a mapping file "
        "and give it with --mapping"
    ])  # fmt: skip


def _try_clocks(texts: pd.Series, order: str) -> pd.Series:
    times = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    for clock in _CLOCKS:
        left = times.isna()
        if left.any():
            times[left] = pd.to_datetime(texts[left], format=order + clock, errors="coerce")
    return times


def _has_decimal_comma(bare: pd.Series) -> bool:
    comma, point = bare.str.rfind(","), bare.str.rfind(".")
    both = (comma >= 0) & (point >= 0)
    if both.any():
        return bool((comma > point)[both].mean() > 0.5)
    with_comma = bare[comma >= 0]
    return bool(len(with_comma) and not with_comma.str.fullmatch(r"-?\d{1,3}(?:,\d{3})+").all())
