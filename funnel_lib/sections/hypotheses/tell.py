"""Sentences on what to change first, what it is worth, and how to find out."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words

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
    told = words.text(
        "sentence.start",
        step=words.step(row["step"]),
        place=_write_place(row, segments, words),
        action=words.value("advice", row["lever"]),
        gain=write_gain(row, words, row["months"]),
    )
    told += " " + _tell_test(row, words)
    most = sure.iloc[0]
    if (most["segment"], most["step"]) != (row["segment"], row["step"]):
        told += " " + words.text("sentence.start_later", step=words.step(most["step"]))
    return told


def tell_hypotheses(hypotheses: pd.DataFrame, words: Words) -> str:
    """At how many steps is the gain beyond chance, at how many may it be, is it not known?"""
    gains = hypotheses[hypotheses["extra_won"] > 0]
    n, n_gains = _count_steps(list_beyond(hypotheses)), _count_steps(gains)
    rest = words.text("sentence.hypotheses_rest", rest=n_gains - n) if n_gains > n else ""
    told = [
        words.text("sentence.hypotheses", n=n, rest=rest) if n else tell_nothing(hypotheses, words)
    ]
    few = _count_steps(hypotheses[hypotheses["reference"].isin(["few_leads", "no_group"])])
    if few:
        told.append(words.text("sentence.hypotheses_few", few=few))
    if len(gains) and not gains["extra_amount"].notna().any():
        told.append(words.text("sentence.in_deals"))
    elif len(gains["currency"].unique()) > 1:
        told.append(words.text("sentence.by_currency"))
    return " ".join(told)


def tell_assumptions(words: Words) -> list[str]:
    """What must hold for the money at stake to be right?"""
    keys = (
        "sentence.assume_reach", "sentence.assume_rest", "sentence.assume_mix",
        "sentence.assume_range",
    )  # fmt: skip
    return [words.text(key) for key in keys]


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
    if pd.isna(row["extra_amount"]):
        key = "sentence.deals_range" if low > 0 else "sentence.deals_up_to"
        ends = [words.number(x, 1 if x >= 0.1 or x == 0 else 3) for x in (low, high)]
    else:
        key = "sentence.range" if low > 0 else "sentence.up_to"
        ends = [words.money(x, row["currency"]) for x in (low, high)]
    return words.text(key, low=ends[0], high=ends[1])


def name_segment(segment: str, segments: pd.DataFrame, words: Words) -> str:
    """Name a segment as its card does."""
    names = dict(segments[["segment", "name"]].to_numpy()) if "name" in segments else {}
    return words.value("name", names.get(segment, segment))


def tell_plan(row: pd.Series, words: Words) -> str:
    """How is a hypothesis tested, on how many leads, for how long?"""
    if pd.isna(row["n_needed_per_arm"]):  # with a gap to be shown, only the leads are lacking
        is_gap = row.get("share_reference", 0) > row.get("share_now", 0)
        return words.text("sentence.plan_never" if is_gap else "sentence.plan_none")
    leads = words.text("count.leads", n=row["n_needed_per_arm"])
    if row["days_needed"] > YEAR:
        return words.text("sentence.plan_slow", leads=leads)
    return words.text("sentence.plan", leads=leads, days=words.days(row["days_needed"]))


def _count_steps(hypotheses: pd.DataFrame) -> int:
    """Count a step of a segment once, whatever its levers and currencies."""
    return len(hypotheses[["segment", "step"]].drop_duplicates())


def _find_larger_lever(hypotheses: pd.DataFrame) -> pd.Series:
    """The lever of the first step that brings more."""
    first = hypotheses.iloc[0]
    alike = [hypotheses[c] == first[c] for c in ("segment", "step", "currency")]
    return hypotheses.loc[hypotheses[alike[0] & alike[1] & alike[2]]["extra_won"].idxmax()]


def _write_place(row: pd.Series, segments: pd.DataFrame, words: Words) -> str:
    if len(segments) < 2:
        return ""
    return words.text("sentence.in_segment", name=name_segment(row["segment"], segments, words))


def _tell_test(row: pd.Series, words: Words) -> str:
    if pd.isna(row["days_needed"]):
        return words.text("sentence.test_never")
    if row["days_needed"] > YEAR:
        return words.text("sentence.test_slow")
    return words.text("sentence.test_days", days=words.days(row["days_needed"]))
