"""Sentences about the outcome of all leads."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, if_small
from funnel_lib.stats.intervals import wilson


def tell_outcomes(leads: pd.DataFrame, words: Words) -> str:
    """How many leads came, and what became of them? Those that never entered are left out.

    Examples
    --------
    >>> day = pd.to_datetime(["2025-03-01", "2025-03-09"], utc=True)
    >>> tell_outcomes(pd.DataFrame({"status": ["won", "open"], "entered_at": day}), Words("en"))
    'Leads from 1 Mar 2025 to 9 Mar 2025: 2; 1 bought (50.0%, 95% interval 9.5–90.5%), 0 lost,
    1 open. Fewer than 30 leads: read it as a hint.'
    """
    leads = leads[leads["entered_at"].notna()]
    if leads.empty:
        return words.text("sentence.nobody")
    counts = leads["status"].value_counts()
    won = counts.get("won", 0)
    since, until = (words.date(leads["entered_at"].agg(end)) for end in ("min", "max"))
    days = "sentence.on_day" if since == until else "sentence.from_until"
    told = words.text(
        "sentence.outcomes",
        days=words.text(days, since=since, until=until),
        n=len(leads),
        won=won,
        share=words.share(won / len(leads)),
        span=words.span(*wilson(won / len(leads), len(leads))),
        lost=counts.get("lost", 0),
        open=counts.get("open", 0),
    )
    return told + if_small(len(leads), words)
