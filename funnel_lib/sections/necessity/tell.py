"""Sentences about the steps that buyers show."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import SMALL, Words, join_sentences


def tell_necessity(necessity: pd.DataFrame, words: Words) -> str:
    """Which steps does every buyer show whose path has them, which few? Of all leads, or of one
    segment; few buyers prove no step."""
    n_won = 0.0 if necessity.empty else necessity["n_won"].max()
    if n_won < SMALL:
        return words.text("sentence.necessity_small", n=n_won)
    everyone, few = necessity[necessity["share"] > 1 - 1e-9], necessity[necessity["share"] < 0.5]
    by_path = (necessity["n_won"] < n_won).any()
    told = "sentence.necessity_all_on_path" if by_path else "sentence.necessity_all"
    key = "sentence.necessity_plain" if few.empty else "sentence.necessity_rare"
    parts = words.each("sentence.necessity_part", few, ", ")
    return join_sentences(
        not everyone.empty and words.text(told, steps=everyone["step"]),
        words.text(key, n=n_won, parts=parts),
    )
