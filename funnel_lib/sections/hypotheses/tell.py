"""Sentences on what to change first, what it is worth, and how to find out."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, join_sentences, write_gain
from funnel_lib.sections.acts import Act

_PEOPLE = ("manager=", "team=")
YEAR = 365  # days beyond which a test is no plan


def tell_start(hypotheses: pd.DataFrame, segments: pd.DataFrame, words: Words) -> str:
    """With what to begin, what may it bring a month, how long does it take to find out?

    Of the hypotheses beyond chance that can be tested in a year, the one with most at stake; where
    there is none, the cheapest test.
    """
    sure = list_beyond(hypotheses)
    if sure.empty:
        return tell_nothing(hypotheses, words)
    row, most = _choose_start(sure), sure.iloc[0]
    return join_sentences(
        tell_first(hypotheses, segments, words),
        words.text(
            "sentence.start_gain",
            gain=write_gains(_take_lever(row, sure), words, row["months"]),
            test=_tell_test(row, words),
        ),
        row["reference"].startswith(_PEOPLE) and words.text("sentence.start_reference", **row),
        most["node"] != row["node"] and words.text("sentence.start_later", **most),
        _tell_alike(row, sure, words),
    )


def tell_first(hypotheses: pd.DataFrame, segments: pd.DataFrame, words: Words) -> str:
    """With what to begin, in a short sentence? Empty where no gain is beyond chance."""
    sure = list_beyond(hypotheses)
    key = "sentence.start_in" if len(segments) > 1 else "sentence.start"
    if sure.empty:
        return ""
    row = _choose_start(sure)
    return words.text(key, advice=words.advise(row["lever"], row["step"]), **row)


def plan_rule(hypotheses: pd.DataFrame, segments: pd.DataFrame, words: Words) -> Act | None:
    """Which rule to try this month, or which test to make, where no gain is beyond chance yet? As
    `tell_start` chooses; None where a test would take more than a year, too."""
    sure = list_beyond(hypotheses)
    if sure.empty:
        return _plan_test(hypotheses, words)
    row = _choose_start(sure)
    gain = write_gains(_take_lever(row, sure), words, row["months"])
    slow = pd.isna(row["days_needed"]) or row["days_needed"] > YEAR
    of_people = row["reference"].startswith(_PEOPLE)
    told = [
        words.text(f"page.rule_now_{row['lever']}", **row),
        words.text("page.rule_path", **row)
        if len(segments) > 1 and row["segment"] != "all"
        else "",
        words.text("sentence.start_reference", **row) if of_people else "",
        words.text("page.rule_slow") if slow else words.text("page.rule_test", **row),
    ]
    asks = row["lever"] == "ask" and row["step"] in words.step_asks
    key = "page.rule_ask_for" if asks else f"page.rule_{row['lever']}"
    title = words.text(key, advice=words.advise(row["lever"], row["step"]), **row)
    return Act("month", title, told, words.text("page.rule_gain", gain=gain), "hypotheses")


def _plan_test(hypotheses: pd.DataFrame, words: Words) -> Act | None:
    row = _find_cheapest(hypotheses)
    if row is None:
        return None
    told = [words.text("page.only_test_plan", **row)]
    return Act("month", words.text("page.only_test", **row), told, "", "hypotheses")


def _choose_start(sure: pd.DataFrame) -> pd.Series:
    """The one with most at stake, of those that can be tested in a year where there are any."""
    quick = sure[sure["days_needed"] <= YEAR]
    return (quick if len(quick) else sure).iloc[0]


def _find_cheapest(hypotheses: pd.DataFrame) -> pd.Series | None:
    """The test that takes least time, of those with a gain that take a year or less."""
    tests = hypotheses[(hypotheses["extra_won"] > 0) & (hypotheses["days_needed"] <= YEAR)]
    return None if tests.empty else tests.loc[tests["days_needed"].idxmin()]


def tell_hypotheses(hypotheses: pd.DataFrame, words: Words) -> str:
    """At how many steps is the gain beyond chance, at how many may it be, is it not known? Where
    it is at none, `tell_start` says so."""
    gains = hypotheses[hypotheses["extra_won"] > 0]
    unknown = hypotheses[hypotheses["reference"].isin(["few_leads", "no_group"])]
    # a step counts once, whatever its levers and currencies
    n, n_gains, few = (x["node"].nunique() for x in (list_beyond(hypotheses), gains, unknown))
    in_deals = len(gains) and not gains["extra_amount"].notna().any()
    several = not in_deals and len(gains["currency"].unique()) > 1
    return join_sentences(
        n and words.text("sentence.hypotheses", n=n),
        n and n_gains > n and words.text("sentence.hypotheses_rest", rest=n_gains - n),
        few and words.text("sentence.hypotheses_few", few=few),
        in_deals and words.text("sentence.in_deals"),
        several and words.text("sentence.by_currency"),
    )


def list_beyond(hypotheses: pd.DataFrame) -> pd.DataFrame:
    """Keep the hypotheses whose gain is beyond chance: in their order."""
    return hypotheses[hypotheses["beyond_chance"]]


def tell_nothing(hypotheses: pd.DataFrame, words: Words) -> str:
    """Why is there nothing to start with: no gain beyond chance, or none that can be told? And
    which test is the cheapest all the same?"""
    if not hypotheses["extra_won"].notna().any():
        return words.text("sentence.start_none")
    cheapest = _find_cheapest(hypotheses)
    if cheapest is None:
        return words.text("sentence.start_chance")
    return words.text("sentence.start_test", **cheapest)


def tell_plan(row: pd.Series, words: Words) -> str:
    """How is a hypothesis tested, on how many leads, for how long?"""
    if pd.isna(row["n_needed_per_arm"]):  # with a gap to be shown, only the leads are lacking
        is_gap = row.get("share_reference", 0) > row.get("share_now", 0)
        return words.text("sentence.plan_never" if is_gap else "sentence.plan_none")
    slow = row["days_needed"] > YEAR
    return words.text("sentence.plan_slow" if slow else "sentence.plan", **row)


def write_gains(rows: pd.DataFrame, words: Words, months: float = 1) -> str:
    """Write the gain of one lever, a range for each currency."""
    return " + ".join(write_gain(row, words, months) for row in rows.to_dict("records"))


def _take_lever(row: pd.Series, hypotheses: pd.DataFrame) -> pd.DataFrame:
    """The rows of a place and lever, in all currencies."""
    alike = [hypotheses[column] == row[column] for column in ("node", "lever")]
    return hypotheses[alike[0] & alike[1]]


def _tell_alike(row: pd.Series, sure: pd.DataFrame, words: Words) -> str:
    """At which other steps may as much be gained, as far as chance allows?"""
    rest = sure[(sure["node"] != row["node"]) & (sure["currency"] == row["currency"])]
    alike = rest[(rest["high"] >= row["low"]) & (rest["low"] <= row["high"])]
    names = [words.text("name.quoted", name=words.step(s)) for s in dict.fromkeys(alike["step"])]
    return words.text("sentence.start_alike", names=", ".join(names)) if names else ""


def _tell_test(row: pd.Series, words: Words) -> str:
    if pd.isna(row["days_needed"]):
        return words.text("sentence.test_never")
    if row["days_needed"] > YEAR:
        return words.text("sentence.test_slow")
    return words.text("sentence.test_days", **row)
