"""Sentences about losses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.words import SMALL, Words, hint_if_few, join_sentences

_SUMS = ["n_lost", "n_asked", "n_not_asked", "n_unknown", "amount_lost"]


def tell_main_loss(
    losses: pd.DataFrame, tree: pd.DataFrame, words: Words, alike: pd.DataFrame | None = None
) -> str:
    """Where on their paths are most leads lost, of how many who came there, and where most money?
    Money is told by currency, never summed together. Nothing is said of proposals where none can be
    seen (see `tell_unseen`). Where some record otherwise, it is of the others, and what recording
    may have made is named as such.
    """
    known = _choose_known(losses, alike)
    places = _add_up(known)
    if not places["n_lost"].sum() > 0:
        return words.text("sentence.no_losses")
    main = places.loc[places["n_lost"].idxmax()]
    seen = _is_seen(places[_SUMS].sum())
    told = [
        tell_most_lost(losses, tree, words, alike),
        known is losses and _tell_path(main, tree, words),
        seen and _tell_asked(main, words),
        _tell_costliest(known, main.name, words),
    ]
    if known is not losses:
        of_all = _add_up(losses).nlargest(1, "n_lost").iloc[0]
        told += [
            of_all["step"] != main["step"] and words.text("sentence.loss_by_recording", **of_all),
            words.text("sentence.losses_of_all"),
        ]
    return join_sentences(*told, hint_if_few(main["n_lost"], words))


def tell_most_lost(
    losses: pd.DataFrame, tree: pd.DataFrame, words: Words, alike: pd.DataFrame | None = None
) -> str:
    """Where are most leads lost, and with which amounts, in a sentence? Empty where none is. Where
    some record otherwise, of the others, unless these are few."""
    known = _choose_known(losses, alike)
    if known is losses:
        return _tell_most(losses, tree.set_index("node")["n_came"], words)
    told = _tell_most(known, known.groupby("node")["n_came"].first(), words)
    return join_sentences(told, words.text("sentence.losses_alike"))


def _choose_known(losses: pd.DataFrame, alike: pd.DataFrame | None) -> pd.DataFrame:
    """The losses of those of whom it is known where they were lost, unless they are few."""
    return losses if alike is None or not alike["n_lost"].sum() >= SMALL else alike


def _tell_most(losses: pd.DataFrame, came: pd.Series, words: Words) -> str:
    """Where are most leads lost, of how many who came to the node? Where it may be chance that
    another place has fewer, both are named."""
    places = _add_up(losses)
    if not places["n_lost"].sum() > 0:
        return ""
    main, *rest = (row for _, row in places.nlargest(2, "n_lost").iterrows())
    n_came = came[main.name]
    base = "count.of_entered" if main.name == 1 else "count.of_reached"
    known = losses[(losses["node"] == main.name) & (losses["amount_lost"] > 0)]
    ahead = main["n_lost"] - rest[0]["n_lost"] if rest else np.inf
    if ahead < np.sqrt(places["n_lost"].nlargest(2).sum()):  # by less than the error of counts
        other = {"other": rest[0]["step"], "n_other": rest[0]["n_lost"]}
        base = words.text(base, n=n_came)
        return words.text("sentence.main_loss_tie", base=base, **other, **main)
    amount = " + ".join(words.money(r.amount_lost, r.currency) for r in known.itertuples())
    key = "sentence.main_loss_money" if amount else "sentence.main_loss"
    return words.text(key, base=words.text(base, n=n_came), amount=amount, **main)


def add_up_asked(losses: pd.DataFrame, alike: pd.DataFrame | None = None) -> pd.Series:
    """How many lost leads were asked, were not, and of how many that is unknown: so it is of those
    who record otherwise, as the step they lack may have been taken."""
    every = _add_up(losses)[_SUMS].sum()
    if alike is None or alike.empty:
        return every
    sums = _add_up(alike)[_SUMS].sum()
    sums["n_unknown"] += every["n_lost"] - sums["n_lost"]
    sums["n_lost"] = every["n_lost"]
    return sums


def tell_never_proposed(
    losses: pd.DataFrame, words: Words, alike: pd.DataFrame | None = None
) -> str:
    """To how many lost leads was the next step never proposed, in one short sentence? Of those of
    whom it can be seen; empty where it cannot, or to none."""
    sums = add_up_asked(losses, alike)
    if sums["n_not_asked"] < 0.5:
        return ""
    seen = sums["n_asked"] + sums["n_not_asked"]
    key = "page.never_proposed_seen" if sums["n_unknown"] >= 0.5 else "page.never_proposed"
    return words.text(key, n_seen=seen, share=sums["n_not_asked"] / seen, **sums)


def tell_losses(losses: pd.DataFrame, words: Words, alike: pd.DataFrame | None = None) -> str:
    """How many lost leads were asked for the next step of their path, how many never, and where
    most often? Of those of whom it can be seen."""
    sums = add_up_asked(losses, alike)
    if not sums["n_lost"] > 0:
        return words.text("sentence.no_losses")
    if never := tell_never_proposed(losses, words, alike):
        told = [
            never,
            _tell_where(losses if alike is None or alike.empty else alike, words),
            words.text("sentence.losses_not_taken", **sums),
        ]
    else:
        key = "sentence.losses_asked" if _is_seen(sums) else "sentence.losses_unseen"
        told = [words.text(key, **sums)]
    unknown = _is_seen(sums) and _tell_unknown(sums, words)
    return join_sentences(*told, unknown, hint_if_few(sums["n_lost"], words))


def _add_up(losses: pd.DataFrame) -> pd.DataFrame:
    """Losses of all currencies by place of the tree."""
    by_place = losses.groupby("node", sort=False)
    return by_place[_SUMS].sum().assign(step=by_place["missed_step"].first())


def _tell_where(losses: pd.DataFrame, words: Words) -> str:
    """Where was the step most often not proposed? Empty where all were lost at one place."""
    places = _add_up(losses)
    if not (places["n_lost"] > 0).sum() > 1:
        return ""
    return words.text("sentence.losses_where", **places.loc[places["n_not_asked"].idxmax()])


def _tell_asked(main: pd.Series, words: Words) -> str:
    """How many of those lost at a step were never asked for it, as far as that can be seen?"""
    if not _is_seen(main):
        return words.text("sentence.loss_unseen", **main)
    key = "sentence.loss_asked" if main["n_not_asked"] >= 0.5 else "sentence.loss_asked_all"
    return join_sentences(words.text(key, **main), _tell_unknown(main, words))


def _tell_unknown(sums: pd.Series, words: Words) -> str:
    return words.text("sentence.asked_unknown", **sums) if sums["n_unknown"] >= 0.5 else ""


def _is_seen(sums: pd.Series) -> bool:
    """Is it known of any lost lead whether the step was proposed to it?"""
    return sums["n_not_asked"] + sums["n_asked"] >= 0.5


def _tell_path(main: pd.Series, tree: pd.DataFrame, words: Words) -> str:
    """On which path that is, where not all come through the place."""
    segments = tree.set_index("node")["segments"]
    if segments[main.name] == segments.iloc[0]:
        return ""
    return words.text("sentence.loss_on_path", segments=segments[main.name])


def _tell_costliest(losses: pd.DataFrame, main: int, words: Words) -> str:
    """The place with the largest sum of amounts in each currency, where it is not the main one."""
    known = losses[losses["amount_lost"] > 0]
    worst = known.loc[known.groupby("currency")["amount_lost"].idxmax()]
    several = len(known["currency"].unique()) > 1
    told = worst[(worst["node"] != main) & ((worst["currency"] != "") | (not several))]
    return words.each("sentence.costliest_in" if several else "sentence.costliest", told, " ")
