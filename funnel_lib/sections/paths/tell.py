"""Sentences about segments: how many, their paths, what sets them apart."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from funnel_lib.core.groups import Segmentation
from funnel_lib.core.words import Words, join_sentences
from funnel_lib.engine.walks import HIGHEST
from funnel_lib.sections.paths.clusters import LIKE
from funnel_lib.stats.differences import MOST_P

MOST_TRAITS = 3
LEAST_DIFFERENCE = 0.05  # of a trait that is worth a word
OFTEN = 0.1  # a step followed by itself less often is not worth a word
SELDOM = 0.05  # an optional step that fewer take is not worth a word
SHORTER = 0.95  # times as long: a description that is worth a word
MORE_BADLY, BADLY = 0.03, 0.1  # more badly explained than usual, worth a word: saved, found
_WHY_NOT = {
    "few_leads": "sentence.segments_few_leads",
    "few_steps": "sentence.segments_few_steps",
    "not_asked": "sentence.segments_not_asked",
}
_RECODED = {
    "together": "sentence.recoded_together",
    "burst": "sentence.recoded_burst",
    "bulk": "sentence.recoded_bulk",
    "endless": "sentence.recoded_endless",
}
_OPTIONAL = {
    "sentence.path_some": 0.1,
    "sentence.path_third": 1 / 3,
    "sentence.path_half": 0.5,
    "sentence.path_two_thirds": 2 / 3,
}
_CHOICE = {  # is it known what the last segment gains, and what it gains by chance?
    (False, False): "sentence.choice",
    (False, True): "sentence.choice_null",
    (True, False): "sentence.choice_gain",
    (True, True): "sentence.choice_gain_null",
}
_TRAITS = {"shows": "sentence.trait_shows", "repeats": "sentence.trait_repeats"}


def tell_number(segments: pd.DataFrame, words: Words) -> str:
    """On how many paths do clients buy, in a short sentence? Empty where it is one."""
    return words.text("sentence.segments_number", n=len(segments)) if len(segments) > 1 else ""


def tell_segments(segments: pd.DataFrame, words: Words, why_not: str = "") -> str:
    """How many paths lead to a purchase, and which is the main one; or why was none looked for?"""
    if why_not:
        return words.text(_WHY_NOT[why_not])
    trust = segments.get("trust", pd.Series(dtype="str"))
    if (trust == "no path").any():
        return words.text("sentence.segments_no_path")
    if len(segments) < 2:
        return words.text("sentence.segments_one")
    main = segments.loc[segments["n_leads"].idxmax()]
    has_money = pd.notna(main.get("share_of_amount_won"))
    sums = segments[["n_leads", "n_undetermined"]].sum()
    key = "sentence.segments_revenue" if has_money else "sentence.segments"
    trusted = segments.reindex(columns=["segment", "trust"]).to_numpy(object)
    habits = [words.quoted(segment) for segment, trust in trusted if trust == "recording"]
    size = {f"size_{end}": main[f"n_{end}"] / sums["n_leads"] for end in ("low", "high")}
    return join_sentences(
        tell_number(segments, words),
        words.text(key, **size, **main),
        sums["n_undetermined"] >= 0.5 and words.text("sentence.segments_unsure", **sums),
        habits and words.text("sentence.segments_recording", names=", ".join(habits)),
    )


def tell_fit(fit: pd.DataFrame, mix: pd.DataFrame, words: Words) -> str:
    """Which leads do the paths not explain, and what has changed since segments were saved?"""
    if fit.empty:
        return ""
    row = fit.iloc[0].to_dict()
    more = row["share_badly"] - row["share_usual"] >= (MORE_BADLY if row["is_saved"] else BADLY)
    differs = mix[mix["differs"].astype(bool)] if row["is_saved"] else mix[:0]
    return join_sentences(
        row["new_path"] and words.text("sentence.fit_new_path", **row),
        more and words.text("sentence.fit_badly", **row),
        (bool(row["new_path"]) or (more and row["is_saved"])) and words.text("sentence.fit_anew"),
        words.each("sentence.fit_mix", differs, " ") if len(differs) else "",
    )


def tell_nats(fit: pd.DataFrame, words: Words) -> str:
    """How well do the paths describe the log beside what knows of no path?"""
    if fit.empty:
        return ""
    row = fit.iloc[0].to_dict()
    better = row["nats_chain"] < SHORTER * row["nats_paths"]
    return join_sentences(
        words.text("sentence.fit_nats", **row), better and words.text("sentence.fit_chain")
    )


def tell_blocks(recoded: pd.DataFrame, words: Words) -> str:
    """Which steps of the paths come in any order?"""
    return words.each("sentence.recoded_block", _name_steps(recoded, "block"), " ")


def tell_recoded(recoded: pd.DataFrame, words: Words) -> str:
    """What else of the log is not read as it stands?"""
    told = []
    for kind, key in _RECODED.items():
        rows = _name_steps(recoded, kind)
        parts = words.each("sentence.recoded_part", rows, ", ")
        told.append(len(rows) and words.text(key, parts=parts, n_leads=rows["n_leads"].sum()))
    return join_sentences(*told)


def _name_steps(recoded: pd.DataFrame, kind: str) -> pd.DataFrame:
    rows = recoded[recoded["recoded"] == kind]
    return rows.assign(steps=[[s for s in text.split(" | ") if s] for text in rows["steps"]])


def tell_choice(choice: pd.DataFrame, segmentation: Segmentation, words: Words) -> str:
    """Why so many segments, and not one fewer or more?

    Of the model: whether its fit converged, and whether the most that was tried was chosen.
    """
    if choice.empty or not choice["chosen"].any():
        return words.text("sentence.choice_none")
    row = choice[choice["chosen"]].iloc[0]
    has_gain = row["n_segments"] > 1 and pd.notna(row["gain"])
    told = [words.text(_CHOICE[has_gain, pd.notna(row["null_gain"])], **row)]
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
    return join_sentences(*told)


def tell_path(path_steps: pd.DataFrame, words: Words) -> str:
    """Which steps of a path are optional, repeated, or come in either order?

    A loop at the bound of its chance is none that clients go through: the path needed it to explain
    steps out of order.
    """
    rows = path_steps.to_dict("records")
    told = [words.text(key, **row) for row in rows for key in _list_habits(row)]
    if not told and path_steps["share_taken"].notna().any():
        return words.text("sentence.path_plain")
    return join_sentences(*told)  # none where it is not known how the steps are taken


def _list_habits(row: dict) -> Iterator[str]:
    """List the sentences that are true of one step of a path."""
    if row["is_optional"] and row["share_taken"] >= SELDOM:
        yield min(_OPTIONAL, key=lambda key: abs(_OPTIONAL[key] - row["share_taken"]))
    if pd.notna(row["either_order_with"]):
        yield "sentence.path_either"
    if pd.notna(row["again_from"]) and row["share_again"] < HIGHEST:
        yield "sentence.path_again"
    if row["share_repeated"] >= OFTEN:
        yield "sentence.path_repeated"


def tell_traits(traits: pd.DataFrame, words: Words) -> str:
    """What does a segment do more and less than the other leads, beyond chance?"""
    large = traits["difference"].abs() >= LEAST_DIFFERENCE
    sure, told = traits[(traits["p_holm"] < MOST_P) & large], []
    for key, rows in (
        ("sentence.traits_more", sure[sure["difference"] > 0]),
        ("sentence.traits_less", sure[sure["difference"] < 0]),
    ):
        rows = rows.head(MOST_TRAITS).to_dict("records")
        parts = ", ".join(words.text(_TRAITS[row["kind"]], **row) for row in rows)
        told.append(parts and words.text(key, parts=parts))
    return join_sentences(*told) or words.text("sentence.traits_none")


def tell_likeness(likeness: pd.DataFrame, words: Words) -> str:
    """Are groups of leads the outcome in disguise?"""
    outcome, depth = likeness.set_index("with")["nmi"][["outcome", "depth"]]
    like = max(outcome, depth) >= LIKE  # a missing one is no likeness
    key = "sentence.likeness_high" if like else "sentence.likeness_fine"
    return words.text(key, outcome=outcome, depth=depth, bound=LIKE)
