"""Sentences about time: to the steps, by month of entry, standing still."""

from __future__ import annotations

from datetime import date

import pandas as pd
from babel.dates import format_date

from funnel_lib.core.groups import take_everybody
from funnel_lib.core.words import Words, if_small, say_within
from funnel_lib.stats.incidence import FEW


def tell_times(time_to: pd.DataFrame, words: Words) -> str:
    """How many buy by when, and by when had half of the buyers bought and half of the lost left?"""
    rows = take_everybody(time_to).drop_duplicates("target").set_index("target")
    if "won" not in rows.index or not rows.loc["won", "n_entered"] > 0:
        return words.text("sentence.nobody")
    won = rows.loc["won"]
    told = [*_tell_won(won, words)]
    if "lost" in rows.index and pd.notna(days := rows.loc["lost", "median_days_of_takers"]):
        told.append(words.text("sentence.times_lost", within=say_within(days, words)))
    return " ".join(told) + if_small(won["n_entered"], words)


def _tell_won(won: pd.Series, words: Words) -> list[str]:
    """How many bought, by when half of these did, and whether half of all ever do."""
    places = {
        "base": words.text("count.of_entered", n=won["n_entered"]),
        "within": say_within(won["last_day"], words),
    }
    if not won["incidence"] > 0:
        return [words.text("sentence.times_nobody", **places)]
    told = [
        words.text(
            "sentence.times_won",
            share=words.share(won["incidence"]),
            span=words.span(won["low"], won["high"]),
            **places,
        ),
        words.text(
            "sentence.times_half_buyers", within=say_within(won["median_days_of_takers"], words)
        ),
    ]
    if pd.isna(won["median_days"]):
        return [*told, words.text("sentence.times_half_never")]
    return [
        *told,
        words.text("sentence.times_half_all", within=say_within(won["median_days"], words)),
    ]


def tell_cohorts(cohorts: pd.DataFrame, words: Words) -> str:
    """Do leads of later months buy more or less often, beyond chance, and which are too young?

    Months are said to differ only where their intervals do not overlap, and only of those that have
    had their time: the first and the last of them, then the best and the worst.
    """
    if not cohorts["n_entered"].sum() > 0:
        return words.text("sentence.nobody")
    mature = cohorts[cohorts["is_mature"].astype(bool) & cohorts["share"].notna()]
    if mature.empty:
        return words.text("sentence.cohorts_none")
    told = _tell_ends(mature, words) if len(mature) > 1 else [_tell_month(mature.iloc[0], words)]
    if len(mature) > 2:
        told.append(_tell_extremes(mature, words))
    if n_young := len(cohorts) - len(mature):
        told.append(words.text("sentence.cohorts_young", n=n_young))
    return " ".join(told) + if_small(mature["n_entered"].sum(), words)


def _tell_month(row: pd.Series, words: Words) -> str:
    """The only month that can be told."""
    return words.text(
        "sentence.cohorts_one",
        month=write_month(row["month"], words),
        within=say_within(row["horizon_days"], words),
        share=words.share(row["share"]),
        span=words.span(row["low"], row["high"]),
    )


def _tell_ends(mature: pd.DataFrame, words: Words) -> list[str]:
    """The first month against the last."""
    mature = mature.sort_values("month")
    first, last = mature.iloc[0], mature.iloc[-1]
    told = words.text(
        "sentence.cohorts_ends",
        within=say_within(first["horizon_days"], words),
        **_write_month_share("first", first, words),
        **_write_month_share("last", last, words),
    )
    if last["low"] > first["high"]:
        return [told, words.text("sentence.cohorts_more")]
    if last["high"] < first["low"]:
        return [told, words.text("sentence.cohorts_fewer")]
    return [told, words.text("sentence.cohorts_same")]


def _tell_extremes(mature: pd.DataFrame, words: Words) -> str:
    """The best month against the worst."""
    best, worst = mature.loc[mature["share"].idxmax()], mature.loc[mature["share"].idxmin()]
    differ = best["low"] > worst["high"]
    return words.text(
        "sentence.cohorts_differ" if differ else "sentence.cohorts_alike",
        **_write_month_share("best", best, words),
        **_write_month_share("worst", worst, words),
    )


def _write_month_share(which: str, row: pd.Series, words: Words) -> dict[str, str]:
    """A month with its share and interval, for the places of a sentence that begin with `which`."""
    return {
        which: write_month(row["month"], words),
        f"{which}_share": words.share(row["share"]),
        f"{which}_span": words.span(row["low"], row["high"]),
    }


def tell_standing(standing: pd.DataFrame, words: Words) -> str:
    """Before which step do most open leads wait longer than nine in ten needed?"""
    rows = take_everybody(standing)
    n_open = rows["n_open"].sum()
    if not n_open >= 0.5:
        return words.text("sentence.open_none")
    known = rows[rows["n_standing"].notna()]
    told, n_standing = [], known["n_standing"].sum()
    if n_standing >= 0.5:
        row = known.loc[known["n_standing"].idxmax()]
        where = words.text(
            "sentence.standing",
            step=words.step(row["step"]),
            open=row["n_open"],
            within=say_within(row["normal_days"], words),
            n=row["n_standing"],
        )
        told = [where, words.text("sentence.standing_all", n=n_standing, open=n_open)]
    elif known["n_open"].sum() >= 0.5:
        told = [words.text("sentence.standing_none")]
    unknown = n_open - known["n_open"].sum()
    if unknown >= 0.5:
        told.append(words.text("sentence.standing_unknown", n=unknown, few=FEW))
    return " ".join(told)


def write_month(month: str, words: Words) -> str:
    """Write a month such as 2025-03 for a reader; any other text as it is."""
    try:
        return format_date(date.fromisoformat(f"{month}-01"), "LLLL y", locale=words.lang)
    except ValueError:
        return str(month)
