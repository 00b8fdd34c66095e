"""Sentences about open leads."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.events import SILENT_DAYS
from funnel_lib.core.words import Words


def tell_open_leads(open_leads: pd.DataFrame, words: Words) -> str:
    """How many open leads wait for a proposal nobody made, how many are silent?

    Parameters
    ----------
    open_leads : what `open_leads.list_open_leads` returns
    words : the reader's language

    Examples
    --------
    >>> open_leads = pd.DataFrame({"asked": ["no", "yes"], "days_silent": [3.0, 45.0]})
    >>> tell_open_leads(open_leads, Words("en"))
    '2 leads open; the next step was never proposed to 1, not measurable: 0; silent for more than
    30 days: 1.'
    """
    if open_leads.empty:
        return words.text("sentence.open_none")
    return words.text(
        "sentence.open_leads",
        n_leads=words.text("sentence.leads", n=len(open_leads)),
        no=(open_leads["asked"] == "no").sum(),
        unknown=(open_leads["asked"] == "unknown").sum(),
        days=words.days(SILENT_DAYS),
        silent=(open_leads["days_silent"] > SILENT_DAYS).sum(),
    )
