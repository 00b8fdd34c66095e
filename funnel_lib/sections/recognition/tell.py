"""Sentences about telling segments early."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import UNDETERMINED
from funnel_lib.core.words import Words

STAFF = ("manager", "team")  # who works on a lead: nothing to ask a client
MOST_FACTS = 3
HELPS = 0.05  # share of leads a fact must tell right beyond naming the largest segment


def tell_facts(facts: pd.DataFrame, words: Words) -> str:
    """Do product, source or manager explain the segments, or tell them at entry?"""
    if facts.empty:
        return words.text("sentence.facts_none")
    parts = [
        words.text(
            "sentence.fact",
            fact=words.value("fact", row.fact),
            share=words.share(row.share_explained),
            v=words.number(row.cramers_v, 2),
            low=words.number(row.low, 2),
            high=words.number(row.high, 2),
        )
        for row in facts.head(MOST_FACTS).itertuples()
    ]
    told = "; ".join(parts)
    told = f"{told[:1].upper()}{told[1:]}."
    helpful = facts[facts["share_right"] - facts["share_guessed"] >= HELPS]
    asked = helpful[~helpful["fact"].isin(STAFF)]
    if asked.empty:
        key = "sentence.facts_useless" if helpful.empty else "sentence.facts_staff"
        return f"{told} {words.text(key)}"
    best = asked.loc[asked["share_right"].idxmax()]
    helped = words.text(
        "sentence.facts_help",
        fact=words.value("fact", best["fact"]),
        share=words.share(best["share_right"]),
        guessed=words.share(best["share_guessed"]),
    )
    return f"{told} {helped}"


def tell_recognised(
    recognised: pd.DataFrame, segments: pd.DataFrame, parting: pd.DataFrame, words: Words
) -> list[str]:
    """After which step can each segment be told, and what to ask about before?"""
    if recognised.empty:
        return [words.text("sentence.recognised_none")]
    names = segments.set_index("segment")["name"]
    told = [
        _tell_early(rows, words.value("name", names[segment]), words)
        for segment, rows in recognised.groupby("segment", sort=False)
    ]
    steps = parting["step"].dropna().unique()
    asked = [words.text("sentence.quoted", step=words.step(step)) for step in steps]
    if asked:
        told.append(words.text("sentence.recognised_ask", steps=", ".join(asked)))
    return told


def _tell_early(rows: pd.DataFrame, name: str, words: Words) -> str:
    """The first step by which most of a segment's leads are recognised."""
    early = rows[rows["share_told"] >= UNDETERMINED]
    if early.empty:
        return words.text("sentence.recognised_never", name=name)
    row = early.iloc[0]
    return words.text(
        "sentence.recognised",
        name=name,
        step=words.step(row["step"]),
        n=row["n_reached"],
        share=words.share(row["share_told"]),
        sure=words.share(row["mean_probability"]),
    )
