"""Sentences about the steps that buyers show."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import SMALL, Words, name_steps


def tell_necessity(necessity: pd.DataFrame, words: Words) -> str:
    """Which steps does every buyer show, which few? Of one segment; few buyers prove no step."""
    n_won = 0.0 if necessity.empty else necessity["n_won"].max()
    if n_won < SMALL:
        return words.text("sentence.necessity_small", n=n_won)
    parts = []
    everyone = necessity.loc[necessity["share"] > 1 - 1e-9, "step"]
    if len(everyone):
        parts.append(words.text("sentence.necessity_all", steps=name_steps(everyone, words)))
    few = necessity[necessity["share"] < 0.5]
    if few.empty:
        parts.append(words.text("sentence.necessity_plain", n=n_won))
    else:
        named = [
            words.text("sentence.part", what=words.step(r.step), n=r.n_won_with_evidence, of=n_won)
            for r in few.itertuples()
        ]
        parts.append(words.text("sentence.necessity_rare", steps=", ".join(named)))
    return " ".join(parts)
