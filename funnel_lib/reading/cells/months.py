"""Dates whose month is a name, in English or Russian, written with numbers."""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
from babel import Locale

from funnel_lib.reading.cells.numbers import match

_LANGUAGES = ("en", "ru")
_LETTERS = r"\pL{3}"
_WEEKDAY = r"(?i)^(?:(?:mon|tue|wed|thu|fri|sat|sun)\pL*|(?:пн|вт|ср|чт|пт|сб|вс)|\pL+(?:ник|рг|да|ница|бота|сенье))[.,]* +"  # noqa: E501
_YEAR = r"(\d{4}|\d\d)"
_END = r"(?: ?г(?:ода|\.)?)?(?:[,T ]+(?:в |at )?(.*))?$"
# Orders of day, month and year; the month stands between "<" and ">".
_ORDERS = (
    (rf"^(\d{{1,2}})(?:st|nd|rd|th|-?го|-?е)?[ ./-]*<(\d+)>[ .,/-]*{_YEAR}{_END}", r"\1.\2.\3 \4"),
    (rf"^<(\d+)>[ .-]*(\d{{1,2}})(?:st|nd|rd|th)?[ ,.-]+{_YEAR}{_END}", r"\2.\1.\3 \4"),
    (rf"^(\d{{4}})[ ,./-]*<(\d+)>[ ./-]*(\d{{1,2}}){_END}", r"\3.\2.\1 \4"),
)
_ZONE = r"(?i) (?:GMT|UTC|Z|([+-])(\d\d):?(\d\d)(?: \(.*\))?)$"
_DOTTED = r"^(\d{1,2})\.(\d{1,2})\.(\d{4}) (\d\d:\d\d(?::\d\d)?)"


def name_months(texts: pa.Array) -> pa.Array:
    """Give texts with the name of a month their months as numbers, day first: ``15.1.2024 10:00``;
    those that carry a zone as ISO 8601. Others stay as they are.

    Examples
    --------
    >>> texts = ["Jan 15, 2024 10:00 AM", "15-Jan-24", "15 января 2024 г., 10:00", "2024-01-15"]
    >>> name_months(pa.array(texts)).to_pylist()
    ['15.1.2024 10:00 AM', '15.1.24', '15.1.2024 10:00', '2024-01-15']
    """
    named = match(texts, _LETTERS)
    if not named.any():
        return texts
    odd = pc.replace_substring_regex(texts.filter(pa.array(named)), _WEEKDAY, "")
    for pattern, number in _list_months():
        odd = pc.replace_substring_regex(odd, pattern, rf"\1<{number}>\2")
    for pattern, by in _ORDERS:
        odd = pc.replace_substring_regex(odd, pattern, by)
    odd = pc.utf8_trim_whitespace(odd)
    zoned = match(odd, _DOTTED) & match(odd, _ZONE)
    if zoned.any():
        odd = pc.replace_with_mask(odd, pa.array(zoned), _to_iso(odd.filter(pa.array(zoned))))
    return pc.replace_with_mask(texts, pa.array(named), odd)


def _to_iso(texts: pa.Array) -> pa.Array:
    for pattern, by in (
        (r"(?i) (?:GMT|UTC|Z)?(?: ?([+-]\d\d):?(\d\d)(?: \(.*\))?)$", r"\1:\2"),
        (r"(?i) (?:GMT|UTC|Z)$", "Z"),
        (r"^(\d)\.", r"0\1."), (r"\.(\d)\.", r".0\1."),
        (r"^(\d\d)\.(\d\d)\.(\d{4}) ", r"\3-\2-\1T"),
    ):  # fmt: skip
        texts = pc.replace_substring_regex(texts, pattern, by)
    return texts


@cache
def _list_months() -> list[tuple[str, int]]:
    """A pattern of all names of each month: whole, and cut as CLDR and people do."""
    found = []
    for number in range(1, 13):
        names = {
            Locale(language).months[context][width][number].casefold().rstrip(".")
            for language in _LANGUAGES
            for context in ("format", "stand-alone")
            for width in ("wide", "abbreviated")
        }
        names |= {name[:n] for name in names for n in (3, 4) if len(name) > n}
        longest = "|".join(sorted(names, key=lambda name: (-len(name), name)))
        found.append((rf"(?i)(^|[^\pL])(?:{longest})\.?($|[^\pL])", number))
    return found
