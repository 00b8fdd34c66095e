"""Sentences about telling segments early."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import UNDETERMINED
from funnel_lib.core.words import Words

STAFF = ("manager", "team")  # who works on a lead: nothing to ask a client
MOST_FACTS = 3
HELPS = 0.05  # share of leads a fact must tell right beyond naming the largest segment


def tell_facts(facts: pd.DataFrame, words: Words) -> str:
    """Do product, source or manager explain the segments, or tell them at entry?

    Parameters
    ----------
    facts : what `recognition.measure_facts` returns
    words : the reader's language

    Examples
    --------
    >>> facts = pd.DataFrame({"fact": ["product"], "cramers_v": [0.1], "low": [0.0], "high": [0.2],
    ...     "share_explained": [0.01], "share_right": [0.6], "share_guessed": [0.6]})
    >>> tell_facts(facts, Words("en"))
    'Product explains 1.0% of the segments (Cramér’s V 0.10, 95% interval 0.00–0.20). None of
    these facts tells a lead’s segment better than always naming the largest: look at what clients
    do, not at what they buy or where they come from.'
    """
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
    told = "; ".join(parts) + "."
    helpful = facts[facts["share_right"] - facts["share_guessed"] >= HELPS]
    asked = helpful[~helpful["fact"].isin(STAFF)]
    if asked.empty:
        key = "sentence.facts_useless" if helpful.empty else "sentence.facts_staff"
        return told[:1].upper() + told[1:] + " " + words.text(key)
    best = asked.loc[asked["share_right"].idxmax()]
    helped = words.text(
        "sentence.facts_help",
        fact=words.value("fact", best["fact"]),
        share=words.share(best["share_right"]),
        guessed=words.share(best["share_guessed"]),
    )
    return f"{told[:1].upper()}{told[1:]} {helped}"


def tell_recognised(
    recognised: pd.DataFrame, segments: pd.DataFrame, parting: pd.DataFrame, words: Words
) -> list[str]:
    """After which step can each segment be told, and what to ask about before?

    Parameters
    ----------
    recognised, parting : what `recognition.count_recognised` and `find_parting` return
    segments : what `paths.describe_segments` returns
    words : the reader's language

    Examples
    --------
    >>> recognised = pd.DataFrame({"segment": "s1", "position": [1, 2], "step": ["ask", "meet"],
    ...     "n_reached": [9.0, 5.0], "share_told": [0.0, 0.9], "mean_probability": [0.5, 0.95]})
    >>> segments = pd.DataFrame({"segment": ["s1"], "name": ["with meet"]})
    >>> parting = pd.DataFrame({"segment": ["s1"], "last_step": ["ask"], "step": ["meet"]})
    >>> tell_recognised(recognised, segments, parting, Words("en"))
    ['The segment with the step “meet” is told from “meet” on (5 leads came so far; 90.0% of them
    are told then, with a mean certainty of 95.0%).',
    'To tell it in the first talk, ask what the client means to do next, and keep the answer in a
    field: “meet”.']
    """
    if recognised.empty:
        return [words.text("sentence.recognised_none")]
    names, told = segments.set_index("segment")["name"], []
    for segment, rows in recognised.groupby("segment", sort=False):
        name = words.value("name", names[segment])
        early = rows[rows["share_told"] >= UNDETERMINED]
        if early.empty:
            told.append(words.text("sentence.recognised_never", name=name))
            continue
        row = early.iloc[0]
        told.append(
            words.text(
                "sentence.recognised",
                name=name,
                step=words.step(row["step"]),
                n=row["n_reached"],
                share=words.share(row["share_told"]),
                sure=words.share(row["mean_probability"]),
            )
        )
    steps = parting["step"].dropna().unique()
    asked = [words.text("sentence.quoted", step=words.step(step)) for step in steps]
    if asked:
        told.append(words.text("sentence.recognised_ask", steps=", ".join(asked)))
    return told
