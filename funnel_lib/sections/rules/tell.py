"""Sentences about the counting rules."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words


def tell_rules(rules: pd.DataFrame, rule: str, words: Words) -> str:
    """At which step do the three counting rules differ most, and which one is used? One segment."""
    wide = rules.pivot_table(index=["position", "step"], columns="rule", values="n_reached")
    gap = wide.max(axis=1) - wide.min(axis=1)
    if not (gap >= 0.5).any():
        return words.text("sentence.rules_same")
    widest = gap.idxmax()
    return words.text("sentence.rules_differ", step=widest[1], rule=rule, **wide.loc[widest])
