"""Sentences about tests, and about before and after."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, excludes_zero, write_gap, write_points_span
from funnel_lib.sections.hypotheses.readings import WON_WITHIN

MOST_MONTHS = 12


def tell_split(reading: pd.DataFrame, words: Words) -> str:
    """What does a test show, and is it decided?"""
    row = reading.iloc[0]
    arms = {"test": row["test"], "control": row["control"]}
    if pd.isna(row["difference"]):
        return words.text("sentence.split_nobody", **arms)
    result = words.text(
        "sentence.split",
        what=_name_measure(row, words),
        share_test=words.share(row["share_test"]),
        share_control=words.share(row["share_control"]),
        n_test=row["n_test"],
        n_control=row["n_control"],
        **arms,
        **write_gap(row, words),
    )
    told = [result, *_tell_looks(row, words)]
    if pd.notna(row["valid_low"]):
        told.append(_tell_verdict(row, words))
    return " ".join(told) + _hint(row, words)


def tell_before_after(reading: pd.DataFrame, trend: pd.DataFrame, words: Words) -> str:
    """Do more go on since a change, and why is that no proof? Of the trend, the last months."""
    row = reading.iloc[0]
    named = {"step": words.step(row["measure"]), "day": words.date(row["changed_at"])}
    if pd.isna(row["difference"]):
        return words.text("sentence.before_after_nobody", **named)
    result = words.text(
        "sentence.before_after",
        share_before=words.share(row["share_before"]),
        share_after=words.share(row["share_after"]),
        n_before=row["n_before"],
        n_after=row["n_after"],
        **named,
        **write_gap(row, words),
    )
    sure = excludes_zero(row["low"], row["high"])
    key = "sentence.before_after_sure" if sure else "sentence.before_after_open"
    told = [result, words.text(key), words.text("sentence.before_after_cause")]
    months = [
        words.text(
            "sentence.before_after_month", month=r.month, share=words.share(r.share), n=r.n_base
        )
        for r in trend[trend["n_base"] > 0].tail(MOST_MONTHS).itertuples()
    ]
    if months:
        told.append(words.text("sentence.before_after_trend", months=", ".join(months)))
    return " ".join(told) + _hint(row, words)


def _tell_looks(row: pd.Series, words: Words) -> list[str]:
    """What looking early, or before, does to the interval; nothing where nobody did."""
    if row["looked_before"] and pd.isna(row["valid_low"]):
        return [words.text("sentence.split_no_plan")]
    span = write_points_span(row["valid_low"], row["valid_high"], words)
    if row["is_early"]:
        share = words.share(row["share_of_plan"])
        return [words.text("sentence.split_early", share=share, span=span)]
    return [words.text("sentence.split_looked", span=span)] if row["looked_before"] else []


def _tell_verdict(row: pd.Series, words: Words) -> str:
    if excludes_zero(row["valid_low"], row["valid_high"]):
        better = row["difference"] > 0
        key = "sentence.split_better" if better else "sentence.split_worse"
        return words.text(key, test=row["test"])
    return words.text("sentence.split_wait" if row["is_early"] else "sentence.split_open")


def _name_measure(row: pd.Series, words: Words) -> str:
    if row["measure"] == WON_WITHIN and pd.notna(row["horizon_days"]):
        return words.text("sentence.split_won", day=row["horizon_days"])
    return words.text("sentence.split_step", step=words.step(row["measure"]))


def _hint(row: pd.Series, words: Words) -> str:
    return " " + words.text("sentence.hint") if row["is_small"] else ""
