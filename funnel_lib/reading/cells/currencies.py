"""Which currency a name, a symbol or the header of a column of amounts means."""

from __future__ import annotations

import re
from functools import cache

import pandas as pd
from babel.core import Locale
from babel.numbers import list_currencies

# Symbols and short words that name one currency; a lone "$" or "kr" may be several and names the
# usual one.
_SYMBOLS = {
    "₽": "RUB", "₸": "KZT", "₴": "UAH", "€": "EUR", "£": "GBP", "r$": "BRL", "us$": "USD",
    "$": "USD",
    "₺": "TRY", "₾": "GEL", "֏": "AMD", "₼": "AZN", "₹": "INR", "руб": "RUB", "руб.": "RUB",
    "р.": "RUB", "тенге": "KZT", "тг": "KZT", "грн": "UAH", "сум": "UZS", "сом": "KGS",
    "рубль": "RUB", "рубли": "RUB", "рублей": "RUB", "доллар": "USD", "доллары": "USD",
    "dollar": "USD", "dollars": "USD", "евро": "EUR", "real": "BRL", "белруб": "BYN",
}  # fmt: skip
_LANGUAGES = ("en", "ru", "uk", "pt", "es")


def name_currencies(names: pd.Series) -> pd.Series:
    """Give the codes of currencies that are named in words; what is not known stays as it is."""
    known = {name: find_currency(name) or name for name in names.dropna().unique()}
    return names.map(known).astype("str")


def find_currency(name: str) -> str | None:
    """Which currency does a name mean: a code, a name in words, a symbol?"""
    return _names().get(name.strip().casefold())


def find_in_cells(amounts: pd.Series) -> pd.Series:
    """Which currency does each cell of a column of amounts name; missing where it names none.

    Examples
    --------
    >>> find_in_cells(pd.Series(["1 000 ₽", "$5k", "10 тыс. руб.", "7", None])).tolist()
    ['RUB', 'USD', 'RUB', nan, nan]
    """
    if not pd.api.types.is_string_dtype(amounts):
        return pd.Series(index=amounts.index, dtype="str")
    rest = amounts.astype("str").str.replace(_NUMBER, " ", regex=True).str.strip().str.casefold()
    known = {text: _find_one(text) for text in rest.dropna().unique() if text}
    return rest.map(known).astype("str")


def _find_one(text: str) -> str | None:
    """The one currency that words beside a number name."""
    found = {find_currency(text), *map(find_currency, text.split())} - {None}
    return found.pop() if len(found) == 1 else None


_NUMBER = r"(?i)\d[\d\s.,'’]*\s*(?:(?:k|m|mm|mln|b|bn|тыс|млн|млрд|million|billion)\b\.?)?|[-+()]"


def split_header(header: str) -> tuple[str, str | None]:
    """Part the header of a column of amounts from the currency it names at its end."""
    found = re.match(r"(?P<name>.+?)[\s,]+[(\[]?(?P<end>[^\s()\[\],]+)[)\]]?\s*$", header)
    code = find_currency(found["end"]) if found else None
    return (found["name"], code) if code else (header, None)


@cache
def _names() -> dict[str, str]:
    named = {}
    for language in reversed(_LANGUAGES):
        locale = Locale(language)
        named |= {name.casefold(): code for code, name in locale.currencies.items()}
    return named | {code.casefold(): code for code in list_currencies()} | _SYMBOLS
