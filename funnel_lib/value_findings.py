"""Sentences about time and money: how long it takes, what a segment brings, who buys again."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from babel.dates import format_date

from funnel_lib.durations import FEW
from funnel_lib.findings import SMALL
from funnel_lib.labels import Words

EFFORT_ABOVE, EFFORT_BELOW, EFFORT_EVEN = "above", "below", "even"


def tell_times(time_to: pd.DataFrame, words: Words) -> str:
    """How many buy by when, and by when have half of the buyers bought and half of the lost left?

    Parameters
    ----------
    time_to : what `durations.find_medians` returns; of several segments, all leads are told
    words : the reader's language

    Examples
    --------
    >>> time_to = pd.DataFrame({
    ...     "segment": "all", "target": ["won", "lost"], "n_entered": 200.0, "last_day": 90,
    ...     "incidence": [0.25, 0.6], "low": [0.2, 0.53], "high": [0.31, 0.67],
    ...     "median_days": [None, 30.0], "median_days_of_takers": [12.0, 20.0]})
    >>> tell_times(time_to, Words("en"))
    'Of 200 who entered, 25.0% bought within 90 days (95% interval 20.0–31.0%); for longer too
    few are watched to tell. Half of them bought within 12 days. Half of all who entered do
    not get there in this time. Half of those lost are lost within 20 days.'
    """
    rows = _take_all(time_to).drop_duplicates("target").set_index("target")
    if "won" not in rows.index or not rows.loc["won", "n_entered"] > 0:
        return words.text("sentence.nobody")
    won = rows.loc["won"]
    told = [*_tell_won(won, words)]
    if "lost" in rows.index and pd.notna(days := rows.loc["lost", "median_days_of_takers"]):
        told.append(words.text("sentence.times_lost", within=say_within(days, words)))
    return " ".join(told) + _if_small(won["n_entered"], words)


def _tell_won(won: pd.Series, words: Words) -> list[str]:
    """How many bought, by when half of these did, and whether half of all ever do."""
    places = {
        "base": words.text("sentence.of_entered", n=won["n_entered"]),
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

    Parameters
    ----------
    cohorts : what `durations.count_cohorts` returns
    words : the reader's language

    Returns
    -------
    Months are said to differ only where their intervals do not overlap, and only of those that have
    had their time: the first and the last of them, then the best and the worst.

    Examples
    --------
    >>> cohorts = pd.DataFrame({
    ...     "month": ["2025-01", "2025-02", "2025-03"], "n_entered": 100, "horizon_days": 30,
    ...     "share": [0.2, 0.25, 0.1], "low": [0.13, 0.17, 0.05], "high": [0.29, 0.34, 0.2],
    ...     "is_mature": [True, True, False]})
    >>> tell_cohorts(cohorts, Words("en"))
    'Bought within 30 days: of the leads of January 2025 20.0% (95% interval 13.0–29.0%), of
    those of February 2025 25.0% (95% interval 17.0–34.0%). These intervals overlap: no change
    is shown. 1 month is too young to compare.'
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
    return " ".join(told) + _if_small(mature["n_entered"].sum(), words)


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
        first=write_month(first["month"], words),
        first_share=words.share(first["share"]),
        first_span=words.span(first["low"], first["high"]),
        last=write_month(last["month"], words),
        last_share=words.share(last["share"]),
        last_span=words.span(last["low"], last["high"]),
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
        best=write_month(best["month"], words),
        best_share=words.share(best["share"]),
        worst=write_month(worst["month"], words),
        worst_share=words.share(worst["share"]),
    )


def tell_standing(standing: pd.DataFrame, words: Words) -> str:
    """Before which step do most open leads wait longer than nine in ten needed?

    Parameters
    ----------
    standing : what `durations.count_standing` returns; of several segments, all leads are told
    words : the reader's language

    Examples
    --------
    >>> standing = pd.DataFrame({
    ...     "segment": "all", "step": ["ask", "pay"], "n_took": [90.0, 40.0], "n_open": [9.0, 12.0],
    ...     "normal_days": [2.0, 14.0], "n_standing": [3.0, 7.0]})
    >>> tell_standing(standing, Words("en", {"pay": "Paid"}))
    'Open leads stand still most often before “Paid”: waiting for it 12, 7 of them longer than nine
    in ten of those who took it needed (within 14 days). In all, 10 of 21 open leads stand still.'
    """
    rows = _take_all(standing)
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


def compare_effort(value_ranges: pd.DataFrame) -> pd.DataFrame:
    """Where is more effort spent than money comes from, beyond chance?

    Parameters
    ----------
    value_ranges : what `value.find_value_ranges` returns

    Returns
    -------
    frame, one row a segment (without all leads) and currency whose two shares are known: segment,
    currency, actions, actions_low, actions_high (share of managers' actions), amount, amount_low,
    amount_high (share of the money won), effort: ``above`` the money or ``below`` it where the two
    intervals do not overlap, else ``even`` (as without intervals)

    Examples
    --------
    >>> ranges = pd.DataFrame({
    ...     "segment": "s1", "currency": "EUR", "measure": ["share_of_actions", "share_of_amount"],
    ...     "value": [0.7, 0.4], "low": [0.6, 0.3], "high": [0.8, 0.5]})
    >>> compare_effort(ranges)[["segment", "actions", "amount", "effort"]].values.tolist()
    [['s1', 0.7, 0.4, 'above']]
    """
    keys, sides = ["segment", "currency"], []
    for side in ("actions", "amount"):
        rows = value_ranges[value_ranges["measure"] == f"share_of_{side}"]
        names = {"value": side, "low": f"{side}_low", "high": f"{side}_high"}
        sides.append(rows[[*keys, *names]].rename(columns=names))
    pairs = sides[0].merge(sides[1], on=keys)
    known = pairs["actions"].notna() & pairs["amount"].notna()
    pairs = pairs[known & (pairs["segment"] != "all")].reset_index(drop=True)
    is_above = pairs["actions_low"] > pairs["amount_high"]
    is_below = pairs["actions_high"] < pairs["amount_low"]
    effort = np.select([is_above, is_below], [EFFORT_ABOVE, EFFORT_BELOW], EFFORT_EVEN)
    return pairs.assign(effort=effort)


def tell_value(
    value: pd.DataFrame, value_ranges: pd.DataFrame, segments: pd.DataFrame, words: Words
) -> str:
    """Which segment brings most for a manager's action, and where is effort above the money?

    Parameters
    ----------
    value, value_ranges : what `value.count_value` and `value.find_value_ranges` return
    segments : what `portraits.describe_segments` returns; names the segments
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
    everyone = _take_all(value)
    if not everyone["n_leads"].sum() > 0:
        return words.text("sentence.nobody")
    names = {s: words.value("name", name) for s, name in segments[["segment", "name"]].to_numpy()}
    told = []
    for currency, n_leads in everyone[["currency", "n_leads"]].to_numpy():
        if n_leads >= 0.5:
            mine = value_ranges[value_ranges["currency"] == currency]
            parts = _tell_currency(mine, names, words)
            told.append(" ".join(parts) + _if_small(n_leads, words))
            told[-1] = _call_currency(currency, everyone["currency"], words) + told[-1]
    return " ".join(told)


# what is told of segments, the first whose values are known: measure, its sentence, is less better
_COMPARED = (
    ("amount_per_manager_action", "sentence.value_action", False),
    ("amount_per_lead", "sentence.value_lead", False),
    ("manager_actions_per_won", "sentence.value_deals", True),
)


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


def tell_repeats(repeats: pd.DataFrame, words: Words) -> str:
    """How many buyers bought again, for how much, after how long?

    Parameters
    ----------
    repeats : what `value.count_repeats` returns; of several segments, all leads are told
    words : the reader's language

    Examples
    --------
    >>> repeats = pd.DataFrame({
    ...     "segment": "all", "currency": ["EUR"], "n_won": 50.0, "n_again": 10.0, "share": 0.2,
    ...     "low": 0.11, "high": 0.33, "amount_again": 9000.0, "median_days_to_again": 40.0})
    >>> tell_repeats(repeats, Words("en"))
    'Bought again: 10 of 50 buyers (20.0%, 95% interval 11.0–33.0%), for €9,000; half of these
    within 40 days of the first purchase.'
    """
    rows = _take_all(repeats)
    rows = rows[rows["n_won"] >= 0.5]
    if rows.empty:
        return words.text("sentence.after_sale_nobody")
    if not rows["n_again"].sum() >= 0.5:
        n_won = rows["n_won"].sum()
        base = words.text("sentence.of_buyers", n=n_won)
        return words.text("sentence.repeats_none", base=base) + _if_small(n_won, words)
    told = [
        _call_currency(row["currency"], rows["currency"], words) + _tell_again(row, words)
        for _, row in rows.iterrows()
    ]
    return " ".join(told)


def _tell_again(row: pd.Series, words: Words) -> str:
    """The buyers of one currency who bought again."""
    base = words.text("sentence.of_buyers", n=row["n_won"])
    small = _if_small(row["n_won"], words)
    if not row["n_again"] >= 0.5:
        return words.text("sentence.repeats_none", base=base) + small
    money, half, days = "", "", row["median_days_to_again"]
    if row["amount_again"] > 0:
        amount = words.money(row["amount_again"], row["currency"])
        money = words.text("sentence.repeats_money", amount=amount)
    if pd.notna(days):
        half = words.text("sentence.repeats_half", within=say_within(days, words))
    told = words.text(
        "sentence.repeats",
        n=row["n_again"],
        base=base,
        share=words.share(row["share"]),
        span=words.span(row["low"], row["high"]),
        money=money,
        half=half,
    )
    return told + small


def write_month(month: str, words: Words) -> str:
    """Write a month such as 2025-03 for a reader; any other text as it is.

    Examples
    --------
    >>> write_month("2025-03", Words("ru")), write_month("2025-03", Words("en"))
    ('март 2025', 'March 2025')
    """
    try:
        return format_date(date.fromisoformat(f"{month}-01"), "LLLL y", locale=words.lang)
    except ValueError:
        return str(month)


def say_within(days: float, words: Words) -> str:
    """Say in how many days: day 0 are the first 24 hours.

    Examples
    --------
    >>> say_within(0, Words("en")), say_within(21, Words("ru"))
    ('within a day', 'за 21 день')
    """
    if days < 0.5:
        return words.text("sentence.within_day")
    return words.text("sentence.within", days=words.days(days))


def _take_all(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of all leads; where there are none, those of the first segment."""
    ids = table["segment"]
    mine = "all" if (ids == "all").any() or table.empty else ids.iloc[0]
    return table[ids == mine].reset_index(drop=True)


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


def _call_currency(currency: str, among: pd.Series, words: Words) -> str:
    """Name the currency in front of its sentences, where there are several."""
    if among.nunique() < 2:
        return ""
    return f"{currency or words.text('sentence.no_currency')}: "


def _if_small(n: float, words: Words) -> str:
    return words.text("sentence.small") if n < SMALL else ""
