"""Times that are all written in one way, read by arithmetic on their bytes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from funnel_lib.core.ordering import find_letters

_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d)"
_LAYOUTS = (
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    rf"(?:[T ]{_CLOCK}(?::(?P<second>\d\d)(?:\.(?P<part>\d{{1,9}}))?)?"
    r"(?P<zone>Z|[+-](?P<zone_hour>\d\d):?(?P<zone_minute>\d\d))?)?",
    rf"(?P<day>\d\d)\.(?P<month>\d\d)\.(?P<year>\d{{4}})(?: {_CLOCK}(?::(?P<second>\d\d))?)?",
)
# The largest that a part may be; days are looked up, as months differ.
_MOST = {"month": 12, "hour": 23, "minute": 59, "second": 59, "zone_hour": 23, "zone_minute": 59}
_LOOKED_AT = 100  # texts, to find the layout of most of them
_PIECE = 1 << 15  # rows whose bytes and numbers stay close at hand


@dataclass(frozen=True)
class Layout:
    """Where the parts of a time stand.

    Attributes
    ----------
    parts : (name, first place, place after the last) of each group of digits
    marks : (place, byte) of what stands between them
    sign : place of the sign of the zone; None where there is none
    zoned : whether times carry their zone
    """

    parts: tuple[tuple[str, int, int], ...]
    marks: tuple[tuple[int, int], ...]
    sign: int | None
    zoned: bool


def find_layout(texts: pa.Array) -> Layout | None:
    """Find the layout of most of the first texts, which are of one length."""
    layouts = map(_lay_out, texts[:_LOOKED_AT].to_pylist())
    found = Counter(layout for layout in layouts if layout).most_common(1)
    return found[0][0] if found else None


def read_fixed(texts: pa.Array, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Read texts of one length, none missing: (microseconds, in UTC where they carry their zone;
    which texts are such a time). What is said of others means nothing.

    Examples
    --------
    >>> texts = pa.array(["29.02.2024", "29.02.2025", "29-02-2024"])
    >>> micros, fits = read_fixed(texts, find_layout(texts))
    >>> micros[:1].view("datetime64[us]").astype(str).tolist(), fits.tolist()
    (['2024-02-29T00:00:00.000000'], [True, False, False])
    """
    chars = find_letters(texts)[1].reshape(len(texts), -1)
    micros, fits = np.empty(len(chars), np.int64), np.empty(len(chars), bool)
    for start in range(0, len(chars), _PIECE):
        piece = slice(start, start + _PIECE)
        micros[piece], fits[piece] = _read_piece(np.ascontiguousarray(chars[piece].T), layout)
    return micros, fits


def _lay_out(text: str) -> Layout | None:
    for pattern in _LAYOUTS:
        found = re.fullmatch(pattern, text, re.ASCII)
        if found:
            groups = {n for n, digits in found.groupdict().items() if digits} - {"zone"}
            parts = tuple((name, *found.span(name)) for name in sorted(groups))
            sign = found.start("zone") if "zone_hour" in groups else None
            inside = {sign, *(i for _, start, end in parts for i in range(start, end))}
            marks = tuple((i, ord(c)) for i, c in enumerate(text) if i not in inside)
            return Layout(parts, marks, sign, bool(found.groupdict().get("zone")))
    return None


def _read_piece(chars: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Times and which of them fit, of bytes by place, (n_bytes, n_texts)."""
    fits = np.ones(chars.shape[1], bool)
    for place, mark in layout.marks:
        fits &= chars[place] == mark
    digits = chars - np.uint8(ord("0"))
    found = {}
    for name, start, end in layout.parts:
        fits &= (digits[start:end] < 10).all(axis=0)
        end = min(end, start + 6)  # a time has microseconds
        found[name] = _count(digits[start:end])
        if name in _MOST:
            fits &= found[name] <= _MOST[name]
    if layout.sign is not None:
        east = chars[layout.sign] == ord("+")
        fits &= east | (chars[layout.sign] == ord("-"))
    days, fits = count_days(found["year"], found["month"], found["day"], fits)
    seconds = days * 86_400
    for name, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if name in found:
            seconds += found[name] * np.int64(size)
    if layout.sign is not None:
        ahead = found["zone_hour"] * np.int64(3600) + found["zone_minute"] * np.int64(60)
        seconds -= np.where(east, ahead, -ahead)
    micros = seconds * 1_000_000
    if "part" in found:
        n_digits = next(min(end - start, 6) for name, start, end in layout.parts if name == "part")
        micros += found["part"] * np.int64(10 ** (6 - n_digits))
    return micros, fits


def _count(digits: np.ndarray) -> np.ndarray:
    number = digits[0].astype(np.int32)
    for digit in digits[1:]:
        number = number * 10 + digit
    return number


def count_days(year, month, day, fits) -> tuple[np.ndarray, np.ndarray]:
    """Count days since 1970: (days, which there are); of those that fit months are 12 at most."""
    starts = _start_months()
    fits = fits & (month >= 1) & (day >= 1)
    month = np.where(fits, year * 12 + month - 1, 0)
    return starts[month] + day - 1, fits & (day <= starts[month + 1] - starts[month])


@cache
def _start_months() -> np.ndarray:
    """Days since 1970 on which the months from the year 0 to 9999 and the one after them begin."""
    months = np.arange("0000-01", "10000-02", dtype="datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)
