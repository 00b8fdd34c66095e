"""Sentences about losses."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, if_small

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
    known = losses[(losses["missed_step"] == step) & (losses["amount_lost"] > 0)]
    money = " + ".join(words.money(r.amount_lost, r.currency) for r in known.itertuples())
    told = words.text(
        "sentence.main_loss",
        n=main["n_lost"],
        step=words.step(step),
        base=_write_base(steps["n_lost"], step, funnel, words),
        money=words.text("sentence.money", amount=money) if money else "",
        asked=_tell_asked(main, words),
    )
    return told + _tell_costliest(losses, step, words) + if_small(main["n_lost"], words)


def tell_losses(losses: pd.DataFrame, words: Words) -> str:
    """How many lost leads were asked for the next step, how many never? Of one segment."""
    steps = losses.groupby("missed_step", sort=False)[_SUMS].sum()
    sums = steps.sum()
    n = sums["n_lost"]
    if not n > 0:
        return words.text("sentence.no_losses")
    places = {"n": n, "yes": sums["n_asked"], "unknown": sums["n_unknown"]}
    if not sums["n_not_asked"] >= 0.5:
        key = "sentence.losses_asked" if _is_seen(sums) else "sentence.losses_unseen"
        return words.text(key, **places) + if_small(n, words)
    step = steps["n_not_asked"].idxmax()
    where = words.text(
        "sentence.losses_where",
        step=words.step(step),
        no=steps["n_not_asked"][step],
        lost=steps["n_lost"][step],
    )
    told = words.text(
        "sentence.losses_ask",
        no=sums["n_not_asked"],
        share=words.share(sums["n_not_asked"] / n),
        where=where if (steps["n_lost"] > 0).sum() > 1 else "",
        **places,
    )
    return told + if_small(n, words)


def _is_seen(sums: pd.Series) -> bool:
    """Is it known of any lost lead whether the step was proposed to it?"""
    return sums["n_not_asked"] + sums["n_asked"] >= 0.5


def _tell_asked(main: pd.Series, words: Words) -> str:
    """Whether the step was proposed to those lost there."""
    if not _is_seen(main):
        return words.text("sentence.loss_unseen")
    counts = {"no": main["n_not_asked"], "yes": main["n_asked"], "unknown": main["n_unknown"]}
    return words.text("sentence.loss_asked", **counts)


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
        return words.text("sentence.of_reached", n=fits["n_reached"].iloc[-1])
    if abs(here["n_entered"] - sought) < 0.5:
        return words.text("count.of_entered", n=here["n_entered"])
    return words.text("sentence.of_lost", n=lost.sum())


def _tell_costliest(losses: pd.DataFrame, main: str, words: Words) -> str:
    """The step that costs most in each currency, where it is not the main one."""
    known = losses[losses["amount_lost"] > 0]
    several, told = len(known["currency"].unique()) > 1, ""
    for currency, rows in known.groupby("currency"):
        worst = rows.loc[rows["amount_lost"].idxmax()]
        if worst["missed_step"] != main and (currency or not several):
            told += words.text(
                "sentence.costliest_in" if several else "sentence.costliest",
                step=words.step(worst["missed_step"]),
                amount=words.money(worst["amount_lost"], currency),
                currency=currency,
            )
    return told
