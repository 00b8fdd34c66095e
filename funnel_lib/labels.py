"""Words and numbers as Russian and English readers write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_compact_decimal, format_decimal, format_percent

from funnel_lib.errors import InputError, suggest

LANGUAGES = ("en", "ru")
NOTHING = "—"
_STEP_COLUMNS = ("step", "missed_step", "last_step", "next_step")
_WORD_COLUMNS = ("status", "asked", "severity", "check", "rule", "segment")


@dataclass(frozen=True)
class Words:
    """How to write numbers, dates, steps and sentences for a reader.

    Attributes
    ----------
    lang : "en" or "ru"
    step_names : step id -> its name in that language
    time_zone : zone in which moments are shown

    Examples
    --------
    >>> ru = Words("ru", {"paid": "Оплатил"})
    >>> ru.share(0.1234), ru.step("paid"), ru.text("sentence.days", n=2)
    ('12,3\\xa0%', 'Оплатил', '2 дня')
    >>> Words("en").share(0.1234)
    '12.3%'
    """

    lang: str = "en"
    step_names: dict[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"

    def __post_init__(self):
        if self.lang not in LANGUAGES:
            raise InputError([f"no language {self.lang!r}; there are {', '.join(LANGUAGES)}"])

    def text(self, key: str, **values) -> str:
        """Write a sentence or word of the locale file; a count `n` chooses the plural form."""
        entry = _read_texts(self.lang).get(key)
        if entry is None:
            raise KeyError(f"no text {key!r} in locale/{self.lang}.yml{suggest(key, _keys())}")
        if isinstance(entry, dict):
            entry = entry.get(_plural_form(self.lang, values["n"]), entry["other"])
        if "n" in values:
            values["n"] = self.number(values["n"])
        return entry.format(**values)

    def number(self, x: float, digits: int = 0) -> str:
        """Write a number, rounded for display."""
        if pd.isna(x):
            return NOTHING
        return format_decimal(round(x, digits), "#,##0." + "0" * digits, locale=self.lang)

    def share(self, x: float, digits: int = 1) -> str:
        """Write a share as a percentage; "—" where it is missing."""
        if pd.isna(x):
            return NOTHING
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_percent(x, pattern + ("\xa0%" if self.lang == "ru" else "%"), self.lang)

    def span(self, low: float, high: float) -> str:
        """Write the two ends of an interval of shares."""
        if pd.isna(low) or pd.isna(high):
            return NOTHING
        return f"{self.share(low).rstrip(' %').rstrip(chr(160))}–{self.share(high)}"

    def money(self, x: float, currency: str = "") -> str:
        """Write whole units of money; millions are shortened."""
        if pd.isna(x):
            return NOTHING
        text = self.number(x)
        if abs(x) >= 1e6:
            text = format_compact_decimal(x, locale=self.lang, fraction_digits=1)
        sign = Locale.parse(self.lang).currency_symbols.get(currency, currency)
        if self.lang == "en" and len(sign) == 1:
            return f"{sign}{text}"
        return f"{text}\xa0{sign}" if sign else text

    def date(self, moment: pd.Timestamp) -> str:
        """Write a day, in the reader's time zone."""
        if pd.isna(moment):
            return NOTHING
        return format_date(moment.tz_convert(self.time_zone).date(), "d MMM y", locale=self.lang)

    def step(self, step_id: str) -> str:
        """Name a step."""
        return NOTHING if pd.isna(step_id) else self.step_names.get(step_id, step_id)

    def column(self, name: str) -> str:
        """Title a table's column."""
        return _read_texts(self.lang).get(f"column.{name}", name)

    def value(self, column: str, x) -> str:
        """Write a cell as its column asks for."""
        if not isinstance(x, str) and pd.isna(x):
            return NOTHING
        if column in _STEP_COLUMNS:
            return self.step(x)
        if column in _WORD_COLUMNS:
            return _read_texts(self.lang).get(f"{column}.{x}", x)
        if column.startswith("share") or column.endswith("_share") or column in ("low", "high"):
            return self.share(x)
        if column.endswith("_at"):
            return self.date(x)
        if isinstance(x, bool | np.bool_):
            return self.text("chrome.yes" if x else "chrome.no")
        if isinstance(x, int | float | np.number):
            return self.number(x, 1 if "days" in column else 0)
        return str(x)


def find_language(lang: str = "") -> str:
    """Give the language asked for, else that of the folder one works in (notebooks/ru), else "en".

    Examples
    --------
    >>> find_language("ru"), find_language()
    ('ru', 'en')
    """
    here = Path.cwd().name
    return lang or (here if here in LANGUAGES else LANGUAGES[0])


def label_table(table: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Write a table for a reader: titles in the reader's language, every cell a text.

    Examples
    --------
    >>> label_table(pd.DataFrame({"step": ["paid"], "share": [0.5]}), Words("en", {"paid": "Paid"}))
      Client step  Share
    0        Paid  50.0%
    """
    cells = {
        words.column(c): [words.value(c, x) for x in table[c].astype(object)] for c in table.columns
    }
    return pd.DataFrame(cells, index=table.index)


@cache
def _read_texts(lang: str) -> dict[str, str | dict[str, str]]:
    """Read a locale file as flat keys such as ``sentence.outcomes``."""
    path = Path(__file__).parent / "locale" / f"{lang}.yml"
    sections = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {f"{s}.{key}": text for s, texts in sections.items() for key, text in texts.items()}


def _keys() -> list[str]:
    return list(_read_texts(LANGUAGES[0]))


def _plural_form(lang: str, n: float) -> str:
    return Locale.parse(lang).plural_form(round(n))
