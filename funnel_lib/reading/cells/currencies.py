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
