"""Sentences about money and effort."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import take_everybody
from funnel_lib.core.words import Words, hint_if_few, join_sentences
from funnel_lib.sections.effort.count import ABOVE, UNSURE
from funnel_lib.stats.resampling import FEWEST_WON

# what is told of segments, the first whose values are known: measure, its sentence, is less better
_COMPARED = (
    ("amount_per_mature_action", "sentence.value_action", False),
    ("amount_per_mature_lead", "sentence.value_lead", False),
    ("mature_actions_per_won", "sentence.value_deals", True),
)


def tell_effort(
    value: pd.DataFrame, value_ranges: pd.DataFrame, segments: pd.DataFrame, words: Words
) -> str:
    """Which segment brings most for a manager's action, and where is effort above the money?

    Each currency by itself, never summed. Without amounts deals are told, without managers' actions
    money by lead. All is told of leads that have had their time, as of slow segments more are open.
    A difference is told as such only where the intervals do not overlap.
    """
    everyone = take_everybody(value)
    if not everyone["n_leads"].sum() > 0:
        return words.text("sentence.nobody")
    ranges = value_ranges.assign(
        name=value_ranges["segment"].replace(dict(segments[["segment", "name"]].to_numpy())),
        span=[_write_span(row, words) for _, row in value_ranges.iterrows()],
    )
    told = everyone[everyone["n_leads"] >= 0.5]
    told = told.assign(told=[
        join_sentences(
            _tell_currency(ranges[ranges["currency"] == currency], words),
            hint_if_few(n_leads, words),
        )
        for currency, n_leads in told[["currency", "n_leads"]].to_numpy()
    ])  # fmt: skip
    if everyone["currency"].nunique() < 2:
        return join_sentences(*told["told"])
    named = told["currency"].replace("", words.text("sentence.no_currency"))
    return words.each("sentence.in_currency", told.assign(currency=named), " ")


def _tell_currency(ranges: pd.DataFrame, words: Words) -> str:
    """What the segments bring in one currency, or all leads where there is nothing to compare."""
    everyone = ranges[ranges["segment"] == "all"].set_index("measure")["value"]
    if everyone.get("n_mature", np.nan) >= 0.5 and everyone["n_won_of_mature"] < FEWEST_WON:
        few = words.text("sentence.value_few", n=everyone["n_won_of_mature"])
        return join_sentences(_tell_base(ranges, words), few)
    for measure, key, less_is_better in _COMPARED:
        rows = ranges[(ranges["measure"] == measure) & ranges["value"].notna()]
        rows = rows[rows["segment"] != "all"].sort_values("value", ascending=less_is_better)
        if len(rows) < 2:
            continue
        best, worst = rows.iloc[0], rows.iloc[-1]
        places = {**best.add_prefix("best_"), **worst.add_prefix("worst_")}
        apart = best["low"] > worst["high"] or best["high"] < worst["low"]
        return join_sentences(
            _tell_base(ranges, words),
            words.text(key, currency=best["currency"], **places),
            not apart and words.text("sentence.value_chance"),
            _tell_effort(ranges, words),
        )
    return _tell_everyone(ranges, words)


def _tell_effort(ranges: pd.DataFrame, words: Words) -> str:
    """The segments whose share of effort is above their share of the money."""
    judged = ranges[ranges["effort"].notna()]
    if judged.empty:
        return ""
    if (judged["effort"] == UNSURE).all():
        return words.text("sentence.value_unsure")
    above = judged[judged["effort"] == ABOVE]
    if above.empty:
        return words.text("sentence.value_even")
    shares = above.pivot_table("value", ["segment", "name"], "measure", sort=False).reset_index()
    return words.text("sentence.value_effort", parts=words.each("sentence.value_part", shares))


def _tell_everyone(ranges: pd.DataFrame, words: Words) -> str:
    """What all leads of a currency bring: by lead and action, or the actions of a deal."""
    rows = ranges[(ranges["segment"] == "all") & ranges["value"].notna()]
    rows = {row["measure"]: row for _, row in rows.iterrows()}
    lead, action = rows.get("amount_per_mature_lead"), rows.get("amount_per_mature_action")
    base = _tell_base(ranges, words)
    if "n_mature" in rows and not rows["n_mature"]["value"] >= 0.5:
        return base
    if lead is not None and action is not None:
        places = {"action": action["value"], "action_span": action["span"]}
        return join_sentences(base, words.text("sentence.value_one", **lead, **places))
    if lead is not None:
        return join_sentences(base, words.text("sentence.value_one_lead", **lead))
    if (deals := rows.get("mature_actions_per_won")) is not None:
        return join_sentences(base, words.text("sentence.value_one_deals", **deals))
    return words.text("sentence.value_nothing")


def _tell_base(ranges: pd.DataFrame, words: Words) -> str:
    """Of how many leads it is told, where some have not had their time."""
    rows = ranges[ranges["segment"] == "all"].set_index("measure")["value"]
    n, n_mature = rows.get("n_leads", np.nan), rows.get("n_mature", np.nan)
    if np.isnan(n_mature):
        return ""
    if not n_mature >= 0.5:
        return words.text("sentence.value_young", n=n)
    return words.text("sentence.value_mature", n=n_mature, of=n) if n - n_mature >= 0.5 else ""


def _write_span(row: pd.Series, words: Words) -> str:
    """The interval of a value, or that there is none; the currency stands by the value only."""
    ends = row[["low", "high"]]
    if ends.isna().any():
        return words.text("sentence.value_no_span")
    is_money = row["measure"].startswith("amount")
    key = "sentence.value_span_money" if is_money else "sentence.value_span"
    return words.text(key, **ends)
