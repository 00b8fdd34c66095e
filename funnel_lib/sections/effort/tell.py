"""Sentences about money and effort."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import take_everybody
from funnel_lib.core.words import Words, if_small, write_currency_head
from funnel_lib.sections.effort.count import ABOVE, UNSURE

# what is told of segments, the first whose values are known: measure, its sentence, is less better
_COMPARED = (
    ("amount_per_manager_action", "sentence.value_action", False),
    ("amount_per_lead", "sentence.value_lead", False),
    ("manager_actions_per_won", "sentence.value_deals", True),
)


def tell_effort(
    value: pd.DataFrame, value_ranges: pd.DataFrame, segments: pd.DataFrame, words: Words
) -> str:
    """Which segment brings most for a manager's action, and where is effort above the money?

    Each currency by itself, never summed. Without amounts deals are told, without managers' actions
    money by lead. A difference is told as such only where the intervals do not overlap.
    """
    everyone = take_everybody(value)
    if not everyone["n_leads"].sum() > 0:
        return words.text("sentence.nobody")
    names = {s: words.value("name", name) for s, name in segments[["segment", "name"]].to_numpy()}
    told = []
    for currency, n_leads in everyone[["currency", "n_leads"]].to_numpy():
        if n_leads >= 0.5:
            mine = value_ranges[value_ranges["currency"] == currency]
            parts = _tell_currency(mine, names, words)
            told.append(" ".join(parts) + if_small(n_leads, words))
            told[-1] = write_currency_head(currency, everyone["currency"], words) + told[-1]
    return " ".join(told)


def _tell_currency(ranges: pd.DataFrame, names: dict, words: Words) -> list[str]:
    """What the segments bring in one currency, or all leads where there is nothing to compare."""
    for measure, key, less_is_better in _COMPARED:
        rows = ranges[(ranges["measure"] == measure) & ranges["value"].notna()]
        rows = rows[rows["segment"] != "all"].sort_values("value", ascending=less_is_better)
        if len(rows) < 2:
            continue
        best, worst, places = rows.iloc[0], rows.iloc[-1], {}
        for which, row in (("best", best), ("worst", worst)):
            places[which] = names.get(row["segment"], row["segment"])
            places[f"{which}_value"], places[f"{which}_span"] = _write(row, words)
        told = [words.text(key, **places)]
        if not (best["low"] > worst["high"] or best["high"] < worst["low"]):
            told.append(words.text("sentence.value_chance"))
        return told + _tell_effort(ranges, names, words)
    return [_tell_everyone(ranges, words)]


def _tell_effort(ranges: pd.DataFrame, names: dict, words: Words) -> list[str]:
    """The segments whose share of effort is above their share of the money."""
    judged = ranges[ranges["effort"].notna()]
    if judged.empty:
        return []
    if (judged["effort"] == UNSURE).all():
        return [words.text("sentence.value_unsure")]
    above = judged[judged["effort"] == ABOVE]
    if above.empty:
        return [words.text("sentence.value_even")]
    shares = above.pivot_table("value", "segment", "measure", sort=False).map(words.share)
    parts = [
        words.text("sentence.value_part", name=names.get(s, s), actions=actions, amount=amount)
        for s, actions, amount in shares[["share_of_actions", "share_of_amount"]].itertuples()
    ]
    return [words.text("sentence.value_effort", parts="; ".join(parts))]


def _tell_everyone(ranges: pd.DataFrame, words: Words) -> str:
    """What all leads of a currency bring: by lead and action, or the actions of a deal."""
    rows = ranges[(ranges["segment"] == "all") & ranges["value"].notna()]
    said = {row["measure"]: _write(row, words) for _, row in rows.iterrows()}
    lead, action = said.get("amount_per_lead"), said.get("amount_per_manager_action")
    if lead and action:
        places = {"action": action[0], "action_span": action[1]}
        return words.text("sentence.value_one", value=lead[0], span=lead[1], **places)
    if lead:
        return words.text("sentence.value_one_lead", value=lead[0], span=lead[1])
    if deals := said.get("manager_actions_per_won"):
        return words.text("sentence.value_one_deals", value=deals[0], span=deals[1])
    return words.text("sentence.value_nothing")


def _write(row: pd.Series, words: Words) -> tuple[str, str]:
    """A value, and its interval or that there is none; the currency stands by the value only."""
    is_money = row["measure"].startswith("amount")
    value = (
        words.money(row["value"], row["currency"]) if is_money else words.number(row["value"], 1)
    )
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return value, words.text("sentence.value_no_span")
    low, high = (words.money(x) if is_money else words.number(x, 1) for x in row[["low", "high"]])
    return value, words.text("sentence.value_span", low=low, high=high)
