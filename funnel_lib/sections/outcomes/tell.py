"""Sentences about the outcome of all leads."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, hint_if_few, join_sentences
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
    counts = leads["status"].value_counts().reindex(["won", "lost", "open"], fill_value=0)
    n, since, until = len(leads), leads["entered_at"].min(), leads["entered_at"].max()
    share = counts["won"] / n
    low, high = wilson(share, n)
    one_day = words.date(since) == words.date(until)
    told = words.text(
        "sentence.outcomes_of_day" if one_day else "sentence.outcomes",
        since=since,
        until=until,
        n=n,
        share=share,
        low=low,
        high=high,
        **counts,
    )
    return join_sentences(told, hint_if_few(n, words))
