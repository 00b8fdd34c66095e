"""Why another funnel: where the CRM's stages run ahead of the clients."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words


def tell_ahead(leads: pd.DataFrame, words: Words) -> str:
    """In how many deals is the stage ahead of the client? Empty where it is in none."""
    staged = leads["stage"].notna() & (leads["stage"] != "")
    ahead = leads.loc[staged & leads["entered_at"].notna(), "stage_ahead"].astype(bool)
    counts = {"n_ahead": ahead.sum(), "n_staged": len(ahead)}
    return words.text("sentence.stage_ahead", share=ahead.mean(), **counts) if ahead.any() else ""
