"""Sentences about losses."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, if_small


def tell_main_loss(losses: pd.DataFrame, funnel: pd.DataFrame, words: Words) -> str:
    """At which step are most leads lost, and at which most money?

    Parameters
    ----------
    losses : what `losses.count_losses` returns, one segment
    funnel : what `reach.count_funnel` returns, the same segment
    words : the reader's language

    Returns
    -------
    The base is those who reached the step before, as far as the funnel counts the same leads by
    the rule ``passed``, else all lost leads. Money is told by currency, never summed together.

    Examples
    --------
    >>> losses = pd.DataFrame({"missed_step": ["pay"], "n_lost": [40.0], "n_asked": [10.0],
    ...                        "n_not_asked": [30.0], "n_unknown": [0.0], "amount_lost": [9000.0],
    ...                        "currency": ["EUR"]})
    >>> funnel = pd.DataFrame({"position": [1, 2], "step": ["ask", "pay"], "part": "before_sale",
    ...                        "n_entered": 99.0, "n_reached": [99.0, 50.0], "n_open": [0.0, 9.0],
    ...                        "share_of_entered": [1, 0.5]})
    >>> tell_main_loss(losses, funnel, Words("en", {"pay": "Paid"}))
    'The main loss is the step “Paid”: 40 of the 99 who got that far were lost without taking it,
    €9,000 at stake; the manager never asked: 30, asked: 10, not measurable: 0.'
    """
    steps = losses.groupby("missed_step", sort=False)[_SUMS].sum()
    if not steps["n_lost"].sum() > 0:
        return words.text("sentence.no_losses")
    step = steps["n_lost"].idxmax()
    main = steps.loc[step]
    money = _tell_money(losses[losses["missed_step"] == step], words)
    told = words.text(
        "sentence.main_loss",
        n=main["n_lost"],
        step=words.step(step),
        base=_tell_base(steps["n_lost"], step, funnel, words),
        money=words.text("sentence.money", amount=money) if money else "",
        no=main["n_not_asked"],
        yes=main["n_asked"],
        unknown=main["n_unknown"],
    )
    return told + _tell_costliest(losses, step, words) + if_small(main["n_lost"], words)


def tell_losses(losses: pd.DataFrame, words: Words) -> str:
    """How many lost leads were asked for the next step, how many never?

    Parameters
    ----------
    losses : what `losses.count_losses` returns, one segment
    words : the reader's language

    Examples
    --------
    >>> losses = pd.DataFrame({"missed_step": ["read", "pay"], "n_lost": [40.0, 10.0],
    ...                        "n_asked": [10.0, 10.0], "n_not_asked": [30.0, 0.0],
    ...                        "n_unknown": 0.0, "amount_lost": 0.0})
    >>> tell_losses(losses, Words("en"))
    'Of 50 lost leads nobody asked 30 for the next step (60.0%): the cheapest thing to try; most
    often at “read” (30 of 40 lost there). Asked, but did not act: 20; not measurable: 0.'
    """
    steps = losses.groupby("missed_step", sort=False)[_SUMS].sum()
    sums = steps.sum()
    n = sums["n_lost"]
    if not n > 0:
        return words.text("sentence.no_losses")
    places = {"n": n, "yes": sums["n_asked"], "unknown": sums["n_unknown"]}
    if not sums["n_not_asked"] >= 0.5:
        return words.text("sentence.losses_asked", **places) + if_small(n, words)
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


_SUMS = ["n_lost", "n_asked", "n_not_asked", "n_unknown", "amount_lost"]


def _tell_base(lost: pd.Series, step: str, funnel: pd.DataFrame, words: Words) -> str:
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
        return words.text("sentence.of_entered", n=here["n_entered"])
    return words.text("sentence.of_lost", n=lost.sum())


def _tell_money(losses: pd.DataFrame, words: Words) -> str:
    """Money by currency, never summed together; empty where no amounts are known."""
    known = losses[losses["amount_lost"] > 0]
    return " + ".join(words.money(r.amount_lost, r.currency) for r in known.itertuples())


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
