"""Sentences about tests, and about before and after."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, excludes_zero, write_gap, write_points_span
from funnel_lib.sections.hypotheses.readings import WON_WITHIN

MOST_MONTHS = 12


def tell_split(reading: pd.DataFrame, words: Words) -> str:
    """What does a test show, and is it decided?

    Parameters
    ----------
    reading : what `readings.read_split` returns
    words : the reader's language

    Examples
    --------
    >>> reading = pd.DataFrame({"test": ["new"], "control": ["old"], "measure": ["pay"],
    ...     "n_test": [200.0], "n_control": [210.0], "share_test": [0.4], "share_control": [0.3],
    ...     "difference": [0.1], "low": [0.01], "high": [0.19], "share_of_plan": [0.5],
    ...     "is_early": [True], "looked_before": [False], "valid_low": [-0.05],
    ...     "valid_high": [0.25], "is_small": [False]})
    >>> tell_split(reading, Words("en"))
    'Went on at “pay”: “new” 40.0% of 200, “old” 30.0% of 210; difference +10.0 percentage points,
    95% interval from +1.0 to +19.0 points. The test is read early, at 50.0% of the plan. The
    interval that allows for looking early: from −5.0 to +25.0 points. This interval includes zero:
    nothing is decided; go on until the plan is full.'
    """
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
    """Do more go on since a change, and why is that no proof?

    Parameters
    ----------
    reading : what `readings.read_before_after` returns
    trend : what `count_trend` returns, the same step; its last `MOST_MONTHS` are told
    words : the reader's language

    Examples
    --------
    >>> reading = pd.DataFrame({"measure": ["pay"], "n_before": [300.0], "n_after": [280.0],
    ...     "changed_at": pd.to_datetime(["2025-03-01"], utc=True), "share_before": [0.3],
    ...     "share_after": [0.4], "difference": [0.1], "low": [0.02], "high": [0.18],
    ...     "is_small": [False]})
    >>> trend = pd.DataFrame({"month": ["2025-02"], "n_base": [150.0], "share": [0.3]})
    >>> tell_before_after(reading, trend, Words("en"))
    '“pay”: before 1 Mar 2025 30.0% of 300 went on, since then 40.0% of 280; difference +10.0
    percentage points, 95% interval from +2.0 to +18.0 points. This interval excludes zero:
    chance alone would hardly do that. This is no experiment: all else that changed at the time is
    in it, too. By month of entry: 2025-02 30.0% of 150. See whether the change shows there, or had
    begun before.'
    """
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
