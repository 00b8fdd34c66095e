"""Sentences about money and effort."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import take_everybody
from funnel_lib.core.words import Words, if_small, write_currency_head
from funnel_lib.sections.effort.count import _COMPARED, EFFORT_ABOVE, compare_effort


def tell_value(
    value: pd.DataFrame, value_ranges: pd.DataFrame, segments: pd.DataFrame, words: Words
) -> str:
    """Which segment brings most for a manager's action, and where is effort above the money?

    Parameters
    ----------
    value, value_ranges : what `effort.count_value` and `effort.find_value_ranges` return
    segments : what `paths.describe_segments` returns; names the segments
    words : the reader's language

    Returns
    -------
    Each currency by itself, never summed. Without amounts deals are told, without managers' actions
    money by lead. A difference is told as such only where the intervals do not overlap.

    Examples
    --------
    >>> value = pd.DataFrame({"segment": ["all"], "n_leads": [90.0], "currency": ["EUR"]})
    >>> ranges = pd.DataFrame({
    ...     "segment": "all", "currency": "EUR", "value": [50.0, 20.0], "low": [40.0, 15.0],
    ...     "high": [60.0, 25.0], "measure": ["amount_per_lead", "amount_per_manager_action"]})
    >>> names = pd.DataFrame({"segment": ["all"], "name": ["all"]})
    >>> tell_value(value, ranges, names, Words("en"))
    'A lead brings €50 (95% interval 40–60), a manager’s action €20 (95% interval 15–25).'
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
        return told + _tell_effort(compare_effort(ranges), names, words)
    return [_tell_everyone(ranges, words)]


def _tell_effort(pairs: pd.DataFrame, names: dict, words: Words) -> list[str]:
    """The segments whose share of effort is above their share of the money."""
    sure = pairs[pairs[["actions_low", "amount_low"]].notna().all(axis=1)]
    if sure.empty:
        return [words.text("sentence.value_unsure")] if len(pairs) else []
    above = sure[sure["effort"] == EFFORT_ABOVE]
    if above.empty:
        return [words.text("sentence.value_even")]
    parts = [
        words.text(
            "sentence.value_part",
            name=names.get(row.segment, row.segment),
            actions=words.share(row.actions),
            amount=words.share(row.amount),
        )
        for row in above.itertuples()
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
