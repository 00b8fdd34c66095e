"""Numbers as readers of a language write them, whatever they are."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from babel import Locale
from babel.numbers import format_decimal, format_scientific

NOTHING, ENDLESS, MINUS = "—", "∞", "−"
HUGE = 1e15  # from here on a number is written as a power of ten


def find_plural_form(lang: str, n: float) -> str:
    """Which form of a text a number asks for, such as ``few``."""
    n = read_number(n)
    return Locale.parse(lang).plural_form(round(n)) if abs(n) < HUGE else "many"


def read_number(x: float | None) -> float:
    """Any number as a float: NaN where it is missing, infinite where it is too large for one."""
    if pd.isna(x):
        return np.nan
    try:
        return float(x)
    except OverflowError:
        return np.inf if x > 0 else -np.inf


@lru_cache(maxsize=10_000)  # tables, sentences and workbook tell the same numbers
def write_number(x: float, pattern: str, lang: str) -> str:
    """Write any float, also what has no digits or too many of them."""
    if np.isnan(x):
        return NOTHING
    if np.isinf(x):
        return ENDLESS if x > 0 else MINUS + ENDLESS
    if abs(x) >= HUGE:
        text = format_scientific(float(f"{x:.1e}"), "0.#E0", locale=lang)
    else:
        text = format_decimal(x + 0.0, pattern, locale=lang)  # never "-0"
    return text.replace("-", MINUS)
