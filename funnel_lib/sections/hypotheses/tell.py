"""Sentences on what to change first, what it is worth, and how to find out."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, join_sentences

YEAR = 365  # days beyond which a test is no plan


def tell_start(hypotheses: pd.DataFrame, segments: pd.DataFrame, words: Words) -> str:
    """With what to begin, what may it bring a month, how long does it take to find out?

    Of the hypotheses beyond chance that can be tested in a year, the one with most at stake.
    """
    sure = list_beyond(hypotheses)
    if sure.empty:
        return tell_nothing(hypotheses, words)
    quick = sure[sure["days_needed"] <= YEAR]
    row = _find_larger_lever(quick if len(quick) else sure)
    most = sure.iloc[0]
    later = (most["segment"], most["step"]) != (row["segment"], row["step"])
    return join_sentences(
        words.text(
            "sentence.start_in" if len(segments) > 1 else "sentence.start",
            name=name_segment(row["segment"], segments),
            gain=write_gain(row, words, row["months"]),
            test=_tell_test(row, words),
            **row,
        ),
        later and words.text("sentence.start_later", **most),
    )


def tell_hypotheses(hypotheses: pd.DataFrame, words: Words) -> str:
    """At how many steps is the gain beyond chance, at how many may it be, is it not known?"""
    gains = hypotheses[hypotheses["extra_won"] > 0]
    n, n_gains = _count_steps(list_beyond(hypotheses)), _count_steps(gains)
    few = _count_steps(hypotheses[hypotheses["reference"].isin(["few_leads", "no_group"])])
    in_deals = len(gains) and not gains["extra_amount"].notna().any()
    several = not in_deals and len(gains["currency"].unique()) > 1
    return join_sentences(
        words.text("sentence.hypotheses", n=n) if n else tell_nothing(hypotheses, words),
        n and n_gains > n and words.text("sentence.hypotheses_rest", rest=n_gains - n),
        few and words.text("sentence.hypotheses_few", few=few),
        in_deals and words.text("sentence.in_deals"),
        several and words.text("sentence.by_currency"),
    )


def list_beyond(hypotheses: pd.DataFrame) -> pd.DataFrame:
    """Keep the hypotheses whose gain is beyond chance: its range begins above 0; in their order."""
    return hypotheses[(hypotheses["extra_won"] > 0) & (hypotheses["low"] > 0)]


def tell_nothing(hypotheses: pd.DataFrame, words: Words) -> str:
    """Why is there nothing to start with: no gain beyond chance, or none that can be told?"""
    told = hypotheses["extra_won"].notna().any()
    return words.text("sentence.start_chance" if told else "sentence.start_none")


def write_gain(row: pd.Series, words: Words, months: float = 1, part: str = "") -> str:
    """Write the range of a gain: money, or deals where no amounts are known.

    Its ends have two digits: more would claim too much. It is divided by `months`; with `part`
    "step_" it is that of both levers together.
    """
    low, high = (float(f"{row[part + end] / months:.1e}") for end in ("low", "high"))
    if pd.notna(row["extra_amount"]):
        key = "sentence.range" if low > 0 else "sentence.up_to"
        return words.text(key, low=low, high=high, currency=row["currency"])
    key = "sentence.deals_range" if low > 0 else "sentence.deals_up_to"
    low, high = (words.number(x, 1 if x >= 0.1 or x == 0 else 3) for x in (low, high))
    return words.text(key, low=low, high=high)


def name_segment(segment: str, segments: pd.DataFrame) -> str:
    """Give a segment's name, as its card has it."""
    return dict(segments[["segment", "name"]].to_numpy()).get(segment, segment)


def tell_plan(row: pd.Series, words: Words) -> str:
    """How is a hypothesis tested, on how many leads, for how long?"""
    if pd.isna(row["n_needed_per_arm"]):  # with a gap to be shown, only the leads are lacking
        is_gap = row.get("share_reference", 0) > row.get("share_now", 0)
        return words.text("sentence.plan_never" if is_gap else "sentence.plan_none")
    slow = row["days_needed"] > YEAR
    return words.text("sentence.plan_slow" if slow else "sentence.plan", **row)


def _count_steps(hypotheses: pd.DataFrame) -> int:
    """Count a step of a segment once, whatever its levers and currencies."""
    return len(hypotheses[["segment", "step"]].drop_duplicates())


def _find_larger_lever(hypotheses: pd.DataFrame) -> pd.Series:
    """The lever of the first step that brings more."""
    first = hypotheses.iloc[0]
    alike = [hypotheses[c] == first[c] for c in ("segment", "step", "currency")]
    return hypotheses.loc[hypotheses[alike[0] & alike[1] & alike[2]]["extra_won"].idxmax()]


def _tell_test(row: pd.Series, words: Words) -> str:
    if pd.isna(row["days_needed"]):
        return words.text("sentence.test_never")
    if row["days_needed"] > YEAR:
        return words.text("sentence.test_slow")
    return words.text("sentence.test_days", **row)
