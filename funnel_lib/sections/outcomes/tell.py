"""Sentences about the outcome of all leads."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import SMALL, Words, hint_if_few, join_sentences
from funnel_lib.counting.money import take_amounts
from funnel_lib.stats.intervals import wilson

MANY_OPEN = 0.2  # of the leads: then the share that bought so far says little of how many will


def tell_outcomes(leads: pd.DataFrame, words: Words) -> str:
    """How many leads came, and what became of them? Those that never entered are left out.

    Where a filter of the export left others out, the share of buyers is that of the leads that it
    did not touch.

    Examples
    --------
    >>> day = pd.to_datetime(["2025-03-01", "2025-03-09"], utc=True)
    >>> tell_outcomes(pd.DataFrame({"status": ["won", "open"], "entered_at": day}), Words("en"))
    'Leads from 1 Mar 2025 to 9 Mar 2025: 2; 1 bought so far (50.0%), 0 lost, 1 open. Fewer than 30
    leads: read it as a hint.'
    """
    leads = leads[leads["entered_at"].notna()]
    if leads.empty:
        return words.text("sentence.nobody")
    counts = leads["status"].value_counts().reindex(["won", "lost", "open"], fill_value=0)
    since, until = leads["entered_at"].min(), leads["entered_at"].max()
    period = words.text(
        "sentence.of_day" if words.date(since) == words.date(until) else "sentence.of_days",
        since=since, until=until,
    )  # fmt: skip
    places = {"period": period, "n": len(leads), **counts}
    whole = leads[~leads["is_cut"]] if "is_cut" in leads else leads
    if len(whole) == len(leads):
        key = "sentence.outcomes_open" if measure_open(leads) >= MANY_OPEN else "sentence.outcomes"
        told = words.text(key, **places, **measure_share(whole))
        return join_sentences(told, hint_if_few(len(leads), words))
    return join_sentences(
        words.text("sentence.outcomes_cut", **places),
        words.text("sentence.outcomes_whole", n=len(whole), **measure_share(whole))
        if len(whole) >= SMALL
        else words.text("sentence.outcomes_unknown"),
    )


def measure_open(leads: pd.DataFrame) -> float:
    """The share that is still open."""
    return float((leads["status"] == "open").mean())


def measure_share(leads: pd.DataFrame) -> dict[str, float]:
    """The share that bought, with its interval."""
    share, n = (leads["status"] == "won").mean(), len(leads)
    low, high = wilson(share, n)
    return {"share": share, "low": low, "high": high}


def take_money(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables, with the amounts only that count as money (see `money.take_amounts`)."""
    leads = tables["leads"]
    amounts = pd.Series(take_amounts(leads), leads["lead_id"])
    lists = {name: tables[name] for name in ("leads", "open_leads")}
    return tables | {
        name: table.assign(amount=table["lead_id"].map(amounts)) for name, table in lists.items()
    }
