"""Sentences and figures of speech that several sections share."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from funnel_lib.core.words.writing import Words

SMALL = 30  # groups below this many leads are hints
MOST_CURRENCIES = 2  # that stand in one sum


def join_sentences(*told: str | bool) -> str:
    """Put sentences one after the other; what is empty or false is none."""
    return " ".join(sentence for sentence in told if sentence)


def hint_if_few(n: float, words: Words) -> str:
    """Say that so few leads are a hint only; nothing where they are enough."""
    return words.text("sentence.small") if n < SMALL else ""


def excludes_zero(low: float, high: float) -> bool:
    """Whether an interval lies on one side of zero."""
    return low > 0 or high < 0


def write_amounts(leads: pd.DataFrame, words: Words) -> str:
    """Write the sum of some leads' amounts, each currency by itself; empty where there is none, or
    there are more than two."""
    known = leads[leads["amount"] > 0]
    sums = known.groupby("currency", observed=True, dropna=False)["amount"].sum()
    if len(sums) > MOST_CURRENCIES:
        return ""
    sums = sums.sort_values(ascending=False)
    return " + ".join(words.money(x, currency) for currency, x in sums.items())


def write_gain(row: Mapping, words: Words, months: float = 1, ends: str = "") -> str:
    """Write the range of a gain a month: money, or deals where no amounts are known.

    Its ends, `low` and `high` behind what `ends` says, have two digits: more would claim too much.
    """
    low, high = (float(f"{row[ends + end] / months:.1e}") for end in ("low", "high"))
    if pd.notna(row["extra_amount"]):
        key = "sentence.range" if low > 0 else "sentence.up_to"
        return words.text(key, low=low, high=high, currency=row["currency"])
    key = "sentence.deals_range" if low > 0 else "sentence.deals_up_to"
    digits = [0 if x >= 10 else 1 if x >= 0.1 or x == 0 else 3 for x in (low, high)]
    low, high = (words.number(x, n) for x, n in zip((low, high), digits, strict=True))
    return words.text(key, low=low, high=high)
