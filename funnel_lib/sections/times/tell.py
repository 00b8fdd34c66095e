"""Sentences about time: to the steps, by month of entry, standing still."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import take_everybody
from funnel_lib.core.words import Words, hint_if_few, join_sentences
from funnel_lib.stats.differences import MOST_P
from funnel_lib.stats.incidence import FEW


def tell_times(time_to: pd.DataFrame, words: Words) -> str:
    """How many buy by when, and by when had half of the buyers bought and half of the lost left?"""
    rows = take_everybody(time_to).drop_duplicates("target").set_index("target")
    if "won" not in rows.index or not rows.loc["won", "n_entered"] > 0:
        return words.text("sentence.nobody")
    won = rows.loc["won"]
    lost = rows[(rows.index == "lost") & rows["median_days_of_takers"].notna()]
    return join_sentences(
        _tell_won(won, words),
        words.each("sentence.times_lost", lost),
        hint_if_few(won["n_entered"], words),
    )


def tell_bought_by(time_to: pd.DataFrame, words: Words) -> str:
    """How many buy by when, open leads allowed for? Empty where too few did."""
    rows = take_everybody(time_to).drop_duplicates("target").set_index("target")
    if "won" not in rows.index or not rows.loc["won", "incidence"] > 0:
        return ""
    return words.text("sentence.times_won", **rows.loc["won"])


def _tell_won(won: pd.Series, words: Words) -> str:
    """How many bought, by when half of these did, and half of all, where so many do?"""
    if not won["incidence"] > 0:
        return words.text("sentence.times_nobody", **won)
    return join_sentences(
        words.text("sentence.times_won", **won),
        words.text("sentence.times_half_buyers", **won),
        pd.notna(won["median_days"]) and words.text("sentence.times_half_all", **won),
    )


def tell_cohorts(cohorts: pd.DataFrame, words: Words) -> str:
    """Do leads of later months buy more or less often, beyond chance, and which are too young?

    Of months that have had their time, the first and the last, then the best and the worst. They
    are said to differ only where all such months together do, beyond chance; the best and the worst
    only where they do as a pair of so many, too.
    """
    if not cohorts["n_entered"].sum() > 0:
        return words.text("sentence.nobody")
    mature = cohorts[cohorts["is_mature"].astype(bool) & cohorts["share"].notna()]
    if mature.empty:
        return words.text("sentence.cohorts_none")
    n_cut = int(cohorts["is_cut"].sum())
    mature, n_young = mature.sort_values("month"), len(cohorts) - len(mature) - n_cut
    one = len(mature) == 1
    return join_sentences(
        words.text("sentence.cohorts_one", **mature.iloc[0]) if one else _tell_ends(mature, words),
        mature["p_best"].notna().sum() > 2 and _tell_extremes(mature, words),
        n_young > 0 and words.text("sentence.cohorts_young", n=n_young),
        n_cut > 0 and words.text("sentence.cohorts_cut", n=n_cut),
        hint_if_few(mature["n_entered"].sum(), words),
    )


def _tell_ends(mature: pd.DataFrame, words: Words) -> str:
    """The first month against the last."""
    first, last = mature.iloc[0], mature.iloc[-1]
    change = "sentence.cohorts_same"
    if first["p_months"] < MOST_P and last["low"] > first["high"]:
        change = "sentence.cohorts_more"
    elif first["p_months"] < MOST_P and last["high"] < first["low"]:
        change = "sentence.cohorts_fewer"
    ends = {**first.add_prefix("first_"), **last.add_prefix("last_")}
    return join_sentences(words.text("sentence.cohorts_ends", **ends), words.text(change))


def _tell_extremes(mature: pd.DataFrame, words: Words) -> str:
    """The best month against the worst, of those with leads enough to be tested."""
    mature = mature[mature["p_best"].notna()]
    best, worst = mature.loc[mature["share"].idxmax()], mature.loc[mature["share"].idxmin()]
    differ = max(worst["p_months"], worst["p_best"]) < MOST_P
    return words.text(
        "sentence.cohorts_differ" if differ else "sentence.cohorts_alike",
        **best.add_prefix("best_"),
        **worst.add_prefix("worst_"),
    )


def tell_standing(standing: pd.DataFrame, words: Words) -> str:
    """Before which step do most open leads wait longer than nine in ten needed?"""
    rows = take_everybody(standing)
    n_open = rows["n_open"].sum()
    if not n_open >= 0.5:
        return words.text("sentence.open_none")
    known = rows[rows["n_standing"].notna()]
    n_known, n_standing = known["n_open"].sum(), known["n_standing"].sum()
    unknown = n_open - n_known
    if n_standing >= 0.5:
        told = join_sentences(
            words.text("sentence.standing", **known.loc[known["n_standing"].idxmax()]),
            words.text("sentence.standing_all", n_standing=n_standing, n_open=n_open),
        )
    else:
        told = n_known >= 0.5 and words.text("sentence.standing_none")
    return join_sentences(
        told, unknown >= 0.5 and words.text("sentence.standing_unknown", n=unknown, few=FEW)
    )
