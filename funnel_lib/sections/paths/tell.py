"""Sentences about segments: how many, their paths, what sets them apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Segmentation
from funnel_lib.core.words import Words
from funnel_lib.engine.walks import HIGHEST
from funnel_lib.sections.paths.clusters import LIKE

MOST_P = 0.05
MOST_TRAITS = 3
OFTEN = 0.1  # a step followed by itself less often is not worth a word
SELDOM = 0.05  # an optional step that fewer take is not worth a word


def tell_segments(segments: pd.DataFrame, words: Words, why_not: str = "") -> str:
    """How many paths lead to a purchase, and which is the main one?

    Parameters
    ----------
    segments : what `paths.describe_segments` returns
    words : the reader's language
    why_not : `Segmentation.why_not`: why no segments were looked for

    Examples
    --------
    >>> segments = pd.DataFrame({"name": ["with meet", "without meet"], "n_leads": [70.0, 30.0],
    ...                          "n_undetermined": [5.0, 1.0], "share_of_leads": [0.7, 0.3]})
    >>> tell_segments(segments, Words("en", {"meet": "Met us"}))
    'Paths to a purchase: 2; the main one is with the step “Met us” (70.0% of the leads). For 6 of
    100 leads the segment cannot be told yet.'
    >>> tell_segments(segments[:1], Words("en"), "few_leads")
    'No segments were looked for: fewer than 50 leads entered. All leads are one group.'
    """
    if why_not:
        return words.text(_WHY_NOT[why_not])
    if len(segments) < 2:
        return words.text("sentence.segments_one")
    main = segments.loc[segments["n_leads"].idxmax()]
    money = main.get("share_of_amount_won", np.nan)
    revenue = words.text("sentence.revenue", share=words.share(money)) if pd.notna(money) else ""
    return words.text(
        "sentence.segments",
        revenue=revenue,
        k=len(segments),
        name=words.value("name", main["name"]),
        share=words.share(main["share_of_leads"]),
        unsure=segments["n_undetermined"].sum(),
        n_leads=segments["n_leads"].sum(),
    )


_WHY_NOT = {
    "few_leads": "sentence.segments_few_leads",
    "few_steps": "sentence.segments_few_steps",
    "not_asked": "sentence.segments_not_asked",
}


def tell_choice(choice: pd.DataFrame, segmentation: Segmentation, words: Words) -> str:
    """Why so many segments, and not one fewer or more?

    Parameters
    ----------
    choice : of `trust.Trust`
    segmentation : the segments; says whether the fit converged and where the range ends
    words : the reader's language

    Examples
    --------
    >>> choice = pd.DataFrame({"n_segments": [1, 2, 3], "gain": [None, 900.0, -30.0],
    ...                        "null_gain": [None, -20.0, None], "chosen": [False, True, False]})
    >>> tell_choice(choice, None, Words("en"))
    'Chosen: 2. The last segment makes the description of the journeys 900 nats shorter; on
    simulated leads without it, one more segment gains -20 at the most. One more would cost 30 nats
    more than it explains.'
    """
    if choice.empty or not choice["chosen"].any():
        return words.text("sentence.choice_none")
    row = choice[choice["chosen"]].iloc[0]
    told = [words.text("sentence.choice", k=row["n_segments"])]
    if row["n_segments"] > 1 and pd.notna(row["gain"]):
        told.append(words.text("sentence.choice_gain", gain=row["gain"]))
    if pd.notna(row["null_gain"]):
        told[-1] = told[-1].rstrip(".") + words.text("sentence.choice_null", null=row["null_gain"])
    more = choice[choice["n_segments"] == row["n_segments"] + 1]
    if len(more):
        gain = more["gain"].iloc[0]
        key = "sentence.choice_worse" if gain <= 0 else "sentence.choice_better"
        told.append(words.text(key, gain=abs(gain)))
    model = segmentation.model if segmentation is not None else None
    if model is not None and model.n_segments is None and row["n_segments"] == model.max_segments:
        told.append(words.text("sentence.choice_edge"))
    if model is not None and not model.converged_:
        told.append(words.text("sentence.not_converged", n=model.n_iter_))
    return " ".join(told)


def tell_path(path_steps: pd.DataFrame, words: Words) -> str:
    """Which steps of a path are optional, repeated, or come in either order?

    Parameters
    ----------
    path_steps : rows of one segment of `paths.list_path_steps`
    words : the reader's language

    Returns
    -------
    A sentence for each; a loop at the bound of its chance is none that clients go through: the
    path needed it to explain steps out of order

    Examples
    --------
    >>> steps = pd.DataFrame({"step": ["ask", "meet", "pay"], "share_taken": [1, 0.48, 1],
    ...     "is_optional": [False, True, False], "share_repeated": [0.3, 0.0, 0.0],
    ...     "either_order_with": None, "share_reversed": None, "again_from": None,
    ...     "share_again": None})
    >>> tell_path(steps, Words("en", {"meet": "Met us", "ask": "Asked"}))
    '“Asked” is often repeated (30.0%). About half (48.0%) also take “Met us”.'
    """
    told = []
    for row in path_steps.itertuples():
        named = {"step": words.step(row.step)}
        if row.is_optional and row.share_taken >= SELDOM:
            part = words.text(min(_PARTS, key=lambda name: abs(_PARTS[name] - row.share_taken)))
            share = words.share(row.share_taken)
            told.append(words.text("sentence.path_optional", part=part, share=share, **named))
        if pd.notna(row.either_order_with):
            other = words.step(row.either_order_with)
            share = words.share(row.share_reversed)
            told.append(words.text("sentence.path_either", other=other, share=share, **named))
        if pd.notna(row.again_from) and row.share_again < HIGHEST:
            other, share = words.step(row.again_from), words.share(row.share_again)
            told.append(words.text("sentence.path_again", other=other, share=share, **named))
        if row.share_repeated >= OFTEN:
            share = words.share(row.share_repeated)
            told.append(words.text("sentence.path_repeated", share=share, **named))
    return " ".join(told) or words.text("sentence.path_plain")


_PARTS = {
    "sentence.some": 0.1,
    "sentence.third": 1 / 3,
    "sentence.half": 0.5,
    "sentence.two_thirds": 2 / 3,
}
_TRAITS = {"shows": "sentence.trait_shows", "repeats": "sentence.trait_repeats"}


def tell_traits(traits: pd.DataFrame, words: Words) -> str:
    """What does a segment do more and less than the other leads?

    Parameters
    ----------
    traits : rows of one segment of `paths.compare_traits`
    words : the reader's language

    Examples
    --------
    >>> traits = pd.DataFrame({"step": ["meet", "terms"], "kind": "shows", "p_holm": [0.001, 0.2],
    ...     "share_here": [0.8, 0.3], "share_rest": [0.1, 0.4], "difference": [0.7, -0.1]})
    >>> tell_traits(traits, Words("en", {"meet": "Met us"}))
    'More than the others: “Met us” (80.0% against 10.0%).'
    """
    sure, told = traits[traits["p_holm"] < MOST_P], []
    for key, rows in (
        ("sentence.traits_more", sure[sure["difference"] > 0]),
        ("sentence.traits_less", sure[sure["difference"] < 0]),
    ):
        parts = [
            words.text(
                _TRAITS[row.kind],
                step=words.step(row.step),
                here=words.share(row.share_here),
                rest=words.share(row.share_rest),
            )
            for row in rows.head(MOST_TRAITS).itertuples()
        ]
        told += [words.text(key, parts=", ".join(parts))] * bool(parts)
    return " ".join(told) or words.text("sentence.traits_none")


def tell_likeness(likeness: pd.DataFrame, words: Words) -> str:
    """Are groups of leads the outcome in disguise?

    Parameters
    ----------
    likeness : what `clusters.measure_likeness` returns
    words : the reader's language

    Examples
    --------
    >>> likeness = pd.DataFrame({"with": ["outcome", "depth"], "nmi": [0.1, 0.55]})
    >>> tell_likeness(likeness, Words("en"))
    'Likeness to the outcome (won or lost): 0.10; to how far the lead came: 0.55. From 0.30 on the
    groups follow how far leads came, not what clients do: do not compare their sales or losses.'
    """
    outcome, depth = likeness.set_index("with")["nmi"][["outcome", "depth"]]
    like = max(outcome, depth) >= LIKE  # a missing one is no likeness
    return words.text(
        "sentence.likeness_high" if like else "sentence.likeness_fine",
        outcome=words.number(outcome, 2),
        depth=words.number(depth, 2),
        bound=words.number(LIKE, 2),
    )
