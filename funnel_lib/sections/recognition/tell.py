"""Sentences about telling segments early."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import UNDETERMINED
from funnel_lib.core.words import Words, join_sentences

STAFF = ("manager", "team")  # who works on a lead: nothing to ask a client
MOST_FACTS = 3
HELPS = 0.05  # share of leads a fact must tell right beyond naming the largest segment


def tell_facts(facts: pd.DataFrame, words: Words) -> str:
    """Do product, source or manager explain the segments, or tell them at entry?"""
    if facts.empty:
        return words.text("sentence.facts_none")
    parts = words.each("sentence.fact", facts.head(MOST_FACTS))
    return join_sentences(words.text("sentence.facts", parts=parts), _tell_use(facts, words))


def tell_recognised(
    recognised: pd.DataFrame, segments: pd.DataFrame, parting: pd.DataFrame, words: Words
) -> list[str]:
    """After which step can each segment be told, and what to ask about before?"""
    if recognised.empty:
        return [words.text("sentence.recognised_none")]
    names = segments.set_index("segment")["name"]
    told = [
        _tell_early(rows, names[segment], words)
        for segment, rows in recognised.groupby("segment", sort=False)
    ]
    steps = parting[["step"]].dropna().drop_duplicates()
    if len(steps):
        asked = words.each("sentence.quoted", steps, ", ")
        told.append(words.text("sentence.recognised_ask", steps=asked))
    return told


def _tell_use(facts: pd.DataFrame, words: Words) -> str:
    """Which fact, if any, is worth asking a client for?"""
    helpful = facts[facts["share_right"] - facts["share_guessed"] >= HELPS]
    asked = helpful[~helpful["fact"].isin(STAFF)]
    if asked.empty:
        return words.text("sentence.facts_useless" if helpful.empty else "sentence.facts_staff")
    return words.text("sentence.facts_help", **asked.loc[asked["share_right"].idxmax()])


def _tell_early(rows: pd.DataFrame, name: str, words: Words) -> str:
    """The first step by which most of a segment's leads are recognised."""
    early = rows[rows["share_told"] >= UNDETERMINED]
    if early.empty:
        return words.text("sentence.recognised_never", name=name)
    return words.text("sentence.recognised", **early.iloc[0], name=name)
