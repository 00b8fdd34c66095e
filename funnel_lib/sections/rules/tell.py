"""Sentences about the counting rules."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words


def tell_rules(rules: pd.DataFrame, rule: str, words: Words) -> str:
    """At which step do the three counting rules differ most, and which one is used?

    Parameters
    ----------
    rules : what `rules.count_rules` returns, one segment
    rule : the rule of the report
    words : the reader's language

    Examples
    --------
    >>> rules = pd.DataFrame({"position": 1, "step": "pay", "n_reached": [12.0, 9.0, 11.0],
    ...                       "rule": ["passed", "ordered", "any"]})
    >>> tell_rules(rules, "passed", Words("en", {"pay": "Paid"}))
    'The rules differ most at “Paid”: 12 by passing, 9 in order, 11 at any time. The report uses
    “passed”.'
    """
    wide = rules.pivot_table(index=["position", "step"], columns="rule", values="n_reached")
    gap = wide.max(axis=1) - wide.min(axis=1)
    if not (gap >= 0.5).any():
        return words.text("sentence.rules_same")
    return words.text(
        "sentence.rules_differ",
        step=words.step(gap.idxmax()[1]),
        rule=words.value("rule", rule),
        **wide.loc[gap.idxmax()].to_dict(),
    )
