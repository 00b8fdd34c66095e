"""Sentences about losses."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, hint_if_few, join_sentences

_SUMS = ["n_lost", "n_asked", "n_not_asked", "n_unknown", "amount_lost"]


def tell_main_loss(losses: pd.DataFrame, funnel: pd.DataFrame, words: Words) -> str:
    """At which step are most leads lost, and at which most money? Of one segment.

    The base is those who reached the step before, as far as the funnel counts the same leads by the
    rule ``passed``, else all lost leads. Money is told by currency, never summed together.
    """
    steps = losses.groupby("missed_step", sort=False)[_SUMS].sum()
    if not steps["n_lost"].sum() > 0:
        return words.text("sentence.no_losses")
    step = steps["n_lost"].idxmax()
    main = steps.loc[step]
    base = _write_base(steps["n_lost"], step, funnel, words)
    known = losses[(losses["missed_step"] == step) & (losses["amount_lost"] > 0)]
    amount = " + ".join(words.money(r.amount_lost, r.currency) for r in known.itertuples())
    key = "sentence.main_loss_money" if amount else "sentence.main_loss"
    return join_sentences(
        words.text(key, step=step, base=base, amount=amount, **main),
        words.text("sentence.loss_asked" if _is_seen(main) else "sentence.loss_unseen", **main),
        _tell_costliest(losses, step, words),
        hint_if_few(main["n_lost"], words),
    )


def tell_losses(losses: pd.DataFrame, words: Words) -> str:
    """How many lost leads were asked for the next step, how many never? Of one segment."""
    steps = losses.groupby("missed_step", sort=False)[_SUMS].sum()
    sums = steps.sum()
    if not sums["n_lost"] > 0:
        return words.text("sentence.no_losses")
    if sums["n_not_asked"] >= 0.5:
        told = _tell_not_asked(steps, sums, words)
    else:
        key = "sentence.losses_asked" if _is_seen(sums) else "sentence.losses_unseen"
        told = words.text(key, **sums)
    return join_sentences(told, hint_if_few(sums["n_lost"], words))


def _tell_not_asked(steps: pd.DataFrame, sums: pd.Series, words: Words) -> str:
    """How many were never asked; and where most often, unless all were lost at one step."""
    most = steps.loc[steps["n_not_asked"].idxmax()]
    several = (steps["n_lost"] > 0).sum() > 1
    return words.text(
        "sentence.losses_ask_most" if several else "sentence.losses_ask",
        share=sums["n_not_asked"] / sums["n_lost"],
        step=most.name,
        step_not_asked=most["n_not_asked"],
        step_lost=most["n_lost"],
        **sums,
    )


def _is_seen(sums: pd.Series) -> bool:
    """Is it known of any lost lead whether the step was proposed to it?"""
    return sums["n_not_asked"] + sums["n_asked"] >= 0.5


def _write_base(lost: pd.Series, step: str, funnel: pd.DataFrame, words: Words) -> str:
    """Of how many leads those lost at a step are: who had got to the step before it.

    From one step to the next, those who reached it and those open before it are fewer by those
    lost there. Where that does not hold, the funnel counts other leads or by another rule, or the
    step before is one that clients skip; the nearest one for which it holds is taken.
    """
    rows = funnel[funnel["part"] == "before_sale"]
    here = rows[rows["step"] == step].iloc[0]
    earlier = rows[(rows["position"] < here["position"]) & rows["share_of_entered"].notna()]
    sought = here["n_reached"] + here["n_open"] + lost[step]
    fits = earlier[(earlier["n_reached"] + earlier["n_open"] - sought).abs() < 0.5]
    if len(fits):
        return words.text("count.of_reached", n=fits["n_reached"].iloc[-1])
    if abs(here["n_entered"] - sought) < 0.5:
        return words.text("count.of_entered", n=here["n_entered"])
    return words.text("count.of_lost", n=lost.sum())


def _tell_costliest(losses: pd.DataFrame, main: str, words: Words) -> str:
    """The step that costs most in each currency, where it is not the main one."""
    known = losses[losses["amount_lost"] > 0]
    worst = known.loc[known.groupby("currency")["amount_lost"].idxmax()]
    several = len(known["currency"].unique()) > 1
    told = worst[(worst["missed_step"] != main) & ((worst["currency"] != "") | (not several))]
    return words.each("sentence.costliest_in" if several else "sentence.costliest", told, " ")
