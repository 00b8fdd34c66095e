"""Texts as times and durations, in the forms that exports write."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_lib.core.errors import InputError, quote_some
from funnel_lib.core.ordering import code_numbers
from funnel_lib.core.times import DAY, HOUR
from funnel_lib.core.words import say
from funnel_lib.reading.cells.fixed import count_days, find_layout, read_fixed
from funnel_lib.reading.cells.months import name_months
from funnel_lib.reading.cells.numbers import match, read_whole, to_arrow
from funnel_lib.reading.files.typed import is_timestamp

_ISO = r"^\d{4}-\d\d-\d\d(?:$|[T ]\d\d(?:$|[^ ]*(?: ?(?:[Zz]|[+-][\d:]+))?$))|^\d{8}(?:T|$)"
_ZONED = r"(?:[Zz]|[+-]\d\d:?\d\d)$"
_ENDED = r":\d\d(?:[.,]\d+)?[+-][\d:]+$"  # by what may be a zone
_USUAL = r"^[\d.:/ -]*T?[\d.:]*Z?$"
_UNIX = r"^\d{9,10}(?:\.\d+)?$|^\d{12,13}$|^\d{15,16}$"
_PARTS = (
    r"^(?P<first>\d{4}|\d{1,2})(?P<mark>[./-])(?P<second>\d{1,2})[./-](?P<third>\d{4}|\d{1,2})"
    r"(?:[,T ]+(?P<hour>\d{1,2}):(?P<minute>\d\d)"
    r"(?::(?P<second_of>\d\d)(?:[.,](?P<part>\d{1,6})\d*)?)?"
    r" ?(?:(?P<half>[AaPp])\.?[Mm]\.?)?)?$"
)
_MIDNIGHT = r"[T ,]24:00(?::00(?:[.,]0+)?)?(?:$|[Zz+ -])"
# A spreadsheet's days from 1982 to 2146, as they come where a cell's format is lost.
_SERIAL = r"^[3-8]\d{4}(?:[.,]\d+)?$"
_LOOKED_AT = 1_000  # rows, to see how a column writes its times
# A time outside these years is a placeholder (1900, 9999) or a slip of the finger.
YEARS = (1971, 2200)
_FIRST, _END = (np.datetime64(f"{y}-01-01", "us") for y in (YEARS[0], YEARS[1] + 1))


class Ambiguous(InputError):
    """Day and month cannot be told apart in a column."""


def read_times(
    texts: pd.Series, day_first: bool | None = None, time_zone: str = "UTC"
) -> tuple[pd.Series, np.ndarray]:
    """Read a column of times: (in UTC, missing where unreadable; which texts carry their zone).

    Texts may be ISO 8601, dotted (day first), slashed or dashed dates with or without a clock, unix
    seconds, milliseconds or microseconds; or the cells are Arrow's timestamps. `day_first` is for
    slashed and dashed dates; None finds it out from a number above 12. `time_zone` (IANA) is that
    of times that carry none: an hour that comes twice in autumn is taken as its first; one that
    spring leaves out is moved forward.

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
    if is_timestamp(texts):
        times, zoned = _take_timestamps(pa.chunked_array(pa.array(texts)))
    else:
        times, zoned = _read_plain(to_arrow(texts), day_first)
    believable = _are_believable(times)
    if not believable.all():
        times = np.where(believable, times, np.datetime64("NaT"))
    here = ~zoned & believable
    if time_zone != "UTC" and here.all():
        times = _to_utc(times, time_zone)
    elif time_zone != "UTC" and here.any():
        times = times.copy()  # Arrow's are not to be changed
        times[here] = _to_utc(times[here], time_zone)
    micros = times.view(np.int64)  # of which pandas makes times without a copy
    times = pd.Series(micros, index=texts.index, dtype="datetime64[us, UTC]", copy=False)
    return times, zoned & believable


def read_durations(texts: pd.Series) -> pd.Series:
    """Read how long something took: seconds, or a clock of minutes and seconds."""
    parts = texts.astype("str").str.strip().str.extract(r"^(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)$")
    hours, minutes, seconds = (pd.to_numeric(parts[i]) for i in range(3))
    return hours.fillna(0) * 3600 + minutes.fillna(0) * 60 + seconds


def check_time_zone(name: str) -> None:
    """Raise an `InputError` for a time zone that does not exist."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = _find_zone(name)
        key = "problem.time_zone_near" if near else "problem.time_zone"
        raise InputError([say(key, name=repr(name), near=near)]) from None


def _find_zone(name: str) -> str:
    """The zone that a usual short name means, or an offset."""
    plain = re.sub(r"\s+", "", name.casefold())
    if plain in _ZONES:
        return _ZONES[plain]
    found = re.fullmatch(r"(?:utc|gmt|мск)?([+-])0?(\d{1,2})(?::?00)?", plain)
    if found and "мск" not in plain:
        return f"Etc/GMT{'-' if found[1] == '+' else '+'}{found[2]}"  # POSIX counts to the west
    return ""


_ZONES = {
    "мск": "Europe/Moscow", "msk": "Europe/Moscow", "москва": "Europe/Moscow",
    "екб": "Asia/Yekaterinburg", "нск": "Asia/Novosibirsk",
    "est": "America/New_York", "pst": "America/Los_Angeles", "алматы": "Asia/Almaty",
    "минск": "Europe/Minsk", "киев": "Europe/Kyiv", "london": "Europe/London",
}  # fmt: skip


def _to_utc(local: np.ndarray, time_zone: str) -> np.ndarray:
    """Times of a zone as UTC. Zones change by the hour, so that an hour is looked up but once; only
    where one ends otherwise than it begins, each of its times is."""
    at = local.view(np.int64)
    codes, hours = code_numbers(at // HOUR)
    begins = hours * HOUR
    ends = begins + HOUR - 1
    ahead, at_end = (when - _look_up(when, time_zone) for when in (begins, ends))
    utc = at - ahead[codes]
    odd = (ahead != at_end)[codes]
    if odd.any():
        utc[odd] = _look_up(at[odd], time_zone)
    return utc.view(local.dtype)


def _look_up(at: np.ndarray, time_zone: str) -> np.ndarray:
    local, first = pd.DatetimeIndex(at.view("datetime64[us]")), np.ones(len(at), bool)
    local = local.tz_localize(time_zone, ambiguous=first, nonexistent="shift_forward")
    return local.tz_convert("UTC").tz_localize(None).to_numpy().view(np.int64)


def _take_timestamps(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Times that are no texts; beyond `YEARS`, where microseconds may not reach, missing."""
    ticks = column.cast(pa.int64()).fill_null(np.iinfo(np.int64).min).to_numpy()
    times = ticks.view(f"datetime64[{column.type.unit}]")  # the least is what stands for missing
    if column.type.unit != "us":
        times = np.where(_are_believable(times), times, np.datetime64("NaT"))
    times = times.astype("datetime64[us]", copy=False)
    return times, np.full(len(times), column.type.tz is not None)


def _are_believable(times: np.ndarray) -> np.ndarray:
    """Which times lie within `YEARS`?"""
    first, end = (t.astype(times.dtype).view(np.int64) for t in (_FIRST, _END))
    return (times.view(np.int64) >= first) & (times.view(np.int64) < end)


def _read_plain(plain: pa.Array, day_first: bool | None) -> tuple[np.ndarray, np.ndarray]:
    """Times, and which of them are UTC and no local time; those of the usual lengths and layouts at
    once, any other one by one."""
    length = pc.fill_null(pc.binary_length(plain), 0).to_numpy(zero_copy_only=False)
    times = np.full(len(plain), np.datetime64("NaT", "us"))
    zoned, rest = np.zeros(len(plain), bool), plain.is_valid().to_numpy(zero_copy_only=False)
    for width in np.argsort(-np.bincount(np.minimum(length, 40)))[:3]:
        alike = rest & (length == width)
        rows = slice(None) if alike.all() else alike
        texts = plain if alike.all() else plain.filter(pa.array(alike))
        layout = find_layout(texts)
        if layout:
            micros, fits = read_fixed(texts, layout)
            times[rows], zoned[rows], rest[rows] = micros.view(times.dtype), layout.zoned, ~fits
    if rest.any():
        times[rest], zoned[rest] = _read_mixed(plain.filter(pa.array(rest)), day_first)
    return times, zoned


def _read_mixed(plain: pa.Array, day_first: bool | None) -> tuple[np.ndarray, np.ndarray]:
    """Times of texts written in several ways, and which of them are UTC and no local time."""
    plain = name_months(_write_alike(pc.utf8_trim_whitespace(plain)))
    late = match(plain, _MIDNIGHT)  # the end of a day
    if late.any():
        plain = pc.replace_substring_regex(plain, "([T ,])24:00", r"\100:00")
    zoned = match(plain, _ZONED)
    iso = match(plain, _ISO) & (zoned | ~match(plain, _ENDED))
    unix = match(plain, _UNIX) & ~iso
    aware = iso & zoned
    texts = plain.to_pandas()
    times = np.full(len(plain), np.datetime64("NaT", "us"))
    times[unix] = _from_unix(plain.filter(pa.array(unix)))
    for kind, utc in ((aware, True), (iso & ~aware, False)):
        read = pd.to_datetime(texts[kind], format="ISO8601", utc=utc, errors="coerce")
        naive = read.dt.tz_localize(None) if utc else read
        times[kind] = naive.astype("datetime64[us]").to_numpy()
    serial = match(plain, _SERIAL)
    times[serial] = _from_serials(plain.filter(pa.array(serial)))
    other = ~iso & ~unix & ~serial
    if other.any():
        times[other] = _from_parts(plain.filter(pa.array(other)), day_first)
    times[late] += np.timedelta64(1, "D")
    return times, aware | unix


def _write_alike(plain: pa.Array) -> pa.Array:
    """Give times ordinary spaces, and zones as ISO 8601 has them."""
    usual = match(plain, _USUAL)
    if usual.all():
        return plain
    odd = plain.filter(pa.array(~usual))
    for pattern, by in (
        ("[\u00a0\u2007\u2009\u202f]", " "),
        (" ?UTC$", "Z"),
        (r"(:\d\d(?:[.,]\d+)?) ?([+-])(\d)(:\d\d)?$", r"\1\20\3\4"),
        (r"(:\d\d(?:[.,]\d+)?) ?([+-]\d\d)$", r"\1\2:00"),
    ):
        odd = pc.replace_substring_regex(odd, pattern, by)
    return pc.replace_with_mask(plain, pa.array(~usual), odd)


def are_serials(texts: pd.Series) -> bool:
    """Whether a column's first times are days since 1900, as a spreadsheet counts them."""
    if is_timestamp(texts):
        return False
    first = to_arrow(texts.iloc[:_LOOKED_AT]).drop_null()
    return len(first) > 0 and match(pc.utf8_trim_whitespace(first), _SERIAL).mean() > 0.5


def _from_serials(texts: pa.Array) -> np.ndarray:
    """Days since the end of 1899, as a spreadsheet counts them, to the second."""
    days = pc.replace_substring(texts, ",", ".").cast(pa.float64()).to_numpy(zero_copy_only=False)
    seconds = np.round(days * 86_400).astype("int64").astype("timedelta64[s]")
    return (np.datetime64("1899-12-30", "us") + seconds).astype("datetime64[us]")


def _from_unix(texts: pa.Array) -> np.ndarray:
    numbers = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
    scale = np.select([numbers > 1e14, numbers > 1e11], [1.0, 1e3], 1e6)
    return np.round(numbers * scale).astype("int64").astype("datetime64[us]")


def _from_parts(texts: pa.Array, day_first: bool | None) -> np.ndarray:
    """Read dates of three numbers; dotted ones are day-first, a leading year says itself."""
    parts = pc.extract_regex(texts, _PARTS)
    fits = parts.is_valid().to_numpy(zero_copy_only=False)
    first, second, third = (read_whole(parts, n) for n in ("first", "second", "third"))
    year_first = match(parts.field("first"), r"^\d{4}$")
    dotted = match(parts.field("mark"), r"^\.$") & ~year_first
    unclear = fits & ~dotted & ~year_first
    if day_first is None and unclear.any():
        day_first = _is_day_first(texts.filter(pa.array(unclear)), first[unclear], second[unclear])
    day_leads = dotted | (unclear & bool(day_first))
    year = np.where(year_first, first, third)
    short = match(pc.if_else(pa.array(year_first), parts.field("first"), parts.field("third")),
                     r"^\d{1,2}$")  # fmt: skip
    year = year + np.where(short, np.where(year < 69, 2000, 1900), 0)
    month = np.where(day_leads | year_first, second, first)
    day = np.select([year_first, day_leads], [third, first], second)
    clock = _read_clock(parts)
    days, fits = count_days(year, month, day, fits & (month <= 12) & (clock >= 0))
    times = (days * DAY + clock).astype("datetime64[us]")
    return np.where(fits, times, np.datetime64("NaT", "us"))


def _read_clock(parts: pa.Array) -> np.ndarray:
    """Microseconds since midnight; -1 where the clock is impossible, 0 where there is none."""
    hour, minute, second = (read_whole(parts, n) for n in ("hour", "minute", "second_of"))
    part = read_whole(parts, "part", pad=6)
    half = pc.ascii_upper(parts.field("half"))
    after, before = match(half, "^P$"), match(half, "^A$")
    possible = (hour < 24) & (minute < 60) & (second < 60)
    possible &= ~(after | before) | ((hour >= 1) & (hour <= 12))
    hour = np.where(after | before, hour % 12 + 12 * after, hour)
    return np.where(possible, ((hour * 60 + minute) * 60 + second) * 1_000_000 + part, -1)


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
