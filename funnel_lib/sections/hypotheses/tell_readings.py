"""Sentences about tests, and about before and after."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, excludes_zero, join_sentences
from funnel_lib.sections.hypotheses.readings import WON_WITHIN

MOST_MONTHS = 12


def tell_split(reading: pd.DataFrame, words: Words) -> str:
    """What does a test show, and is it decided?"""
    row = reading.iloc[0]
    if pd.isna(row["difference"]):
        return words.text("sentence.split_nobody", **row)
    is_won = row["measure"] == WON_WITHIN and pd.notna(row["horizon_days"])
    return join_sentences(
        words.text("sentence.split_won" if is_won else "sentence.split_step", **row),
        _tell_looks(row, words),
        pd.notna(row["valid_low"]) and words.text(_judge(row), **row),
        row["is_small"] and words.text("sentence.hint"),
    )


def tell_before_after(reading: pd.DataFrame, trend: pd.DataFrame, words: Words) -> str:
    """Do more go on since a change, and why is that no proof? Of the trend, the last months."""
    row = reading.iloc[0]
    if pd.isna(row["difference"]):
        return words.text("sentence.before_after_nobody", **row)
    sure = excludes_zero(row["low"], row["high"])
    last = trend[trend["n_base"] > 0].tail(MOST_MONTHS)
    months = words.each("sentence.before_after_month", last, ", ")
    return join_sentences(
        words.text("sentence.before_after", **row),
        words.text("sentence.before_after_sure" if sure else "sentence.before_after_open"),
        words.text("sentence.before_after_cause"),
        months and words.text("sentence.before_after_trend", months=months),
        row["is_small"] and words.text("sentence.hint"),
    )


def _tell_looks(row: pd.Series, words: Words) -> str:
    """What looking early, or before, does to the interval; nothing where nobody did."""
    if row["looked_before"] and pd.isna(row["valid_low"]):
        return words.text("sentence.split_no_plan")
    if row["is_early"]:
        return words.text("sentence.split_early", **row)
    return words.text("sentence.split_looked", **row) if row["looked_before"] else ""


def _judge(row: pd.Series) -> str:
    """The sentence that says whether a test is decided."""
    if excludes_zero(row["valid_low"], row["valid_high"]):
        return "sentence.split_better" if row["difference"] > 0 else "sentence.split_worse"
    return "sentence.split_wait" if row["is_early"] else "sentence.split_open"
