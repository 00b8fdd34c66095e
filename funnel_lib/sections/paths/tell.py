"""Sentences about segments: how many, their paths, what sets them apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Segmentation
from funnel_lib.core.words import Words
from funnel_lib.engine.walks import HIGHEST
from funnel_lib.sections.paths.clusters import LIKE
from funnel_lib.stats.differences import MOST_P

MOST_TRAITS = 3
OFTEN = 0.1  # a step followed by itself less often is not worth a word
SELDOM = 0.05  # an optional step that fewer take is not worth a word
_WHY_NOT = {
    "few_leads": "sentence.segments_few_leads",
    "few_steps": "sentence.segments_few_steps",
    "not_asked": "sentence.segments_not_asked",
}
_PARTS = {
    "sentence.some": 0.1,
    "sentence.third": 1 / 3,
    "sentence.half": 0.5,
    "sentence.two_thirds": 2 / 3,
}
_TRAITS = {"shows": "sentence.trait_shows", "repeats": "sentence.trait_repeats"}


def tell_segments(segments: pd.DataFrame, words: Words, why_not: str = "") -> str:
    """How many paths lead to a purchase, and which is the main one; or why was none looked for?"""
    if why_not:
        return words.text(_WHY_NOT[why_not])
    if len(segments) < 2:
        return words.text("sentence.segments_one")
    main = segments.loc[segments["n_leads"].idxmax()]
    money = main.get("share_of_amount_won", np.nan)
    revenue = words.text("sentence.revenue", share=words.share(money)) if pd.notna(money) else ""
    unsure = segments["n_undetermined"].sum()
    told = words.text(
        "sentence.segments",
        revenue=revenue,
        k=len(segments),
        name=words.value("name", main["name"]),
        share=words.share(main["share_of_leads"]),
    )
    if not unsure >= 0.5:
        return told
    n_leads = segments["n_leads"].sum()
    return f"{told} {words.text('sentence.segments_unsure', unsure=unsure, n_leads=n_leads)}"


def tell_choice(choice: pd.DataFrame, segmentation: Segmentation, words: Words) -> str:
    """Why so many segments, and not one fewer or more?

    Of the model: whether its fit converged, and whether the most that was tried was chosen.
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

    A loop at the bound of its chance is none that clients go through: the path needed it to explain
    steps out of order.
    """
    told = []

    def tell(key: str, share: float, **places: str):
        places |= {"step": words.step(row.step), "share": words.share(share)}
        told.append(words.text(key, **places))

    for row in path_steps.itertuples():
        if row.is_optional and row.share_taken >= SELDOM:
            part = min(_PARTS, key=lambda name: abs(_PARTS[name] - row.share_taken))
            tell("sentence.path_optional", row.share_taken, part=words.text(part))
        if pd.notna(row.either_order_with):
            tell(
                "sentence.path_either", row.share_reversed, other=words.step(row.either_order_with)
            )
        if pd.notna(row.again_from) and row.share_again < HIGHEST:
            tell("sentence.path_again", row.share_again, other=words.step(row.again_from))
        if row.share_repeated >= OFTEN:
            tell("sentence.path_repeated", row.share_repeated)
    return " ".join(told) or words.text("sentence.path_plain")


def tell_traits(traits: pd.DataFrame, words: Words) -> str:
    """What does a segment do more and less than the other leads, beyond chance?"""
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
    """Are groups of leads the outcome in disguise?"""
    outcome, depth = likeness.set_index("with")["nmi"][["outcome", "depth"]]
    like = max(outcome, depth) >= LIKE  # a missing one is no likeness
    return words.text(
        "sentence.likeness_high" if like else "sentence.likeness_fine",
        outcome=words.number(outcome, 2),
        depth=words.number(depth, 2),
        bound=words.number(LIKE, 2),
    )
