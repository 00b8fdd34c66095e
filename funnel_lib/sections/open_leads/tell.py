"""Sentences about open leads."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.events import SILENT_DAYS
from funnel_lib.core.words import Words, join_sentences


def tell_open_leads(open_leads: pd.DataFrame, words: Words) -> str:
    """How many open leads wait for a proposal nobody made, how many are silent?"""
    if open_leads.empty:
        return words.text("sentence.open_none")
    unknown = (open_leads["asked"] == "unknown").sum()
    told = words.text(
        "sentence.open_leads",
        n=len(open_leads),
        no=(open_leads["asked"] == "no").sum(),
        days=SILENT_DAYS,
        silent=(open_leads["days_silent"] > SILENT_DAYS).sum(),
    )
    return join_sentences(told, unknown and words.text("sentence.asked_unknown", n_unknown=unknown))
