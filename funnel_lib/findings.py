"""Sentences from tables: what a table says, in the reader's language."""

from __future__ import annotations

import pandas as pd

from funnel_lib.caveats import tell_reliability
from funnel_lib.hypothesis_findings import tell_start
from funnel_lib.intervals import wilson
from funnel_lib.labels import Words
from funnel_lib.segment_findings import tell_segments
from funnel_lib.segments import select_segment

SMALL = 30  # groups below this many leads are hints
SILENT_DAYS = 30


def tell_page_one(tables: dict[str, pd.DataFrame], words: Words) -> list[str]:
    """What does a head of sales read first?

    Parameters
    ----------
    tables : the audit's tables by name: leads, segments, losses, funnel, hypotheses, necessity
    words : the reader's language

    Returns
    -------
    The sentences of page one that can be said of these tables: outcomes, paths where there are
    several, main loss, where to start, reliability;
    one sentence alone where no lead entered the funnel.
    """
    if not tables["leads"]["entered_at"].notna().any():
        return [words.text("sentence.nobody")]
    tables = select_segment(tables)
    paths = [tell_segments(tables["segments"], words)] if len(tables["segments"]) > 1 else []
    return [
        tell_outcomes(tables["leads"], words),
        *paths,
        tell_main_loss(tables["losses"], tables["funnel"], words),
        tell_start(tables["hypotheses"], tables["segments"], words),
        tell_reliability(tables["funnel"], tables["necessity"], tables["leads"], words),
    ]


def tell_outcomes(leads: pd.DataFrame, words: Words) -> str:
    """How many leads came, and what became of them?

    Parameters
    ----------
    leads : what `losses.list_leads` returns; leads that never entered are left out
    words : the reader's language

    Examples
    --------
    >>> day = pd.to_datetime(["2025-03-01", "2025-03-09"], utc=True)
    >>> tell_outcomes(pd.DataFrame({"status": ["won", "open"], "entered_at": day}), Words("en"))
    'Leads from 1 Mar 2025 to 9 Mar 2025: 2; 1 bought (50.0%, 95% interval 9.5–90.5%), 0 lost,
    1 open. Fewer than 30 leads: read it as a hint.'
    """
    leads = leads[leads["entered_at"].notna()]
    if leads.empty:
        return words.text("sentence.nobody")
    counts = leads["status"].value_counts()
    won = counts.get("won", 0)
    told = words.text(
        "sentence.outcomes",
        since=words.date(leads["entered_at"].min()),
        until=words.date(leads["entered_at"].max()),
        n=len(leads),
        won=won,
        share=words.share(won / len(leads)),
        span=words.span(*wilson(won / len(leads), len(leads))),
        lost=counts.get("lost", 0),
        open=counts.get("open", 0),
    )
    return told + _if_small(len(leads), words)


def tell_main_loss(losses: pd.DataFrame, funnel: pd.DataFrame, words: Words) -> str:
    """At which step are most leads lost, and at which most money?

    Parameters
    ----------
    losses : what `losses.count_losses` returns, one segment
    funnel : what `funnels.count_funnel` returns, the same segment
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
    steps = losses.groupby("missed_step", sort=False)[_LOST].sum()
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
    return told + _tell_costliest(losses, step, words) + _if_small(main["n_lost"], words)


def tell_funnel(funnel: pd.DataFrame, words: Words) -> str:
    """Where does the funnel narrow most, how many buy, which steps cannot be seen?

    Parameters
    ----------
    funnel : what `funnels.count_funnel` returns, one segment
    words : the reader's language

    Examples
    --------
    >>> funnel = pd.DataFrame({
    ...     "step": ["ask", "read", "pay"], "n_entered": 80.0, "n_reached": [80.0, 30.0, 20.0],
    ...     "n_unseen": [0.0, 20.0, 0.0], "n_open": [0.0, 6.0, 9.0], "part": "before_sale",
    ...     "share_of_entered": [1, None, 0.25], "share_of_previous": [1, None, 0.25],
    ...     "low": [0.95, None, 0.17], "high": [1, None, 0.35]})
    >>> tell_funnel(funnel, Words("en"))
    'The largest drop comes before “pay”: of 80 who reached the step before it, 20 went on (25.0%);
    of the rest still open: 9. 20 of 80 who entered reached “pay” (25.0%, 95% interval
    17.0–35.0%). Still open before it: 9; these are neither won nor lost. Not measurable, as nothing
    in the data shows them: read.'
    """
    rows = funnel[funnel["part"] == "before_sale"]
    seen = rows[rows["share_of_entered"].notna()]
    if seen.empty or not seen["n_entered"].iloc[0] > 0:
        return words.text("sentence.nobody")
    parts = [_tell_drop(seen, words), *_tell_end(seen.iloc[-1], words), _tell_unseen(seen, words)]
    dark = rows.loc[rows["share_of_entered"].isna(), "step"]
    if len(dark):
        parts.append(words.text("sentence.not_measurable", steps=_name(dark, words)))
    told = " ".join(part for part in parts if part)
    return told + _if_small(seen["n_entered"].iloc[0], words)


def tell_rules(rules: pd.DataFrame, rule: str, words: Words) -> str:
    """At which step do the three counting rules differ most, and which one is used?

    Parameters
    ----------
    rules : what `funnels.count_rules` returns, one segment
    rule : the rule of the report
    words : the reader's language

    Examples
    --------
    >>> rules = pd.DataFrame({"position": 1, "step": "pay", "n_reached": [12.0, 9.0, 11.0],
    ...                       "rule": ["passed", "ordered", "any"]})
    >>> tell_rules(rules, "passed", Words("en", {"pay": "Paid"}))
    'The rules differ most at “Paid”: 12 by passing, 9 in order, 11 at any time. The report uses
    “passed”.'
    """
    wide = rules.pivot_table(index=["position", "step"], columns="rule", values="n_reached")
    gap = wide.max(axis=1) - wide.min(axis=1)
    if not (gap >= 0.5).any():
        return words.text("sentence.rules_same")
    return words.text(
        "sentence.rules_differ",
        step=words.step(gap.idxmax()[1]),
        rule=words.value("rule", rule),
        **wide.loc[gap.idxmax()].to_dict(),
    )


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
    steps = losses.groupby("missed_step", sort=False)[_LOST].sum()
    sums = steps.sum()
    n = sums["n_lost"]
    if not n > 0:
        return words.text("sentence.no_losses")
    places = {"n": n, "yes": sums["n_asked"], "unknown": sums["n_unknown"]}
    if not sums["n_not_asked"] >= 0.5:
        return words.text("sentence.losses_asked", **places) + _if_small(n, words)
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
    return told + _if_small(n, words)


def tell_necessity(necessity: pd.DataFrame, words: Words) -> str:
    """Which steps does every buyer show, which few?

    Parameters
    ----------
    necessity : what `losses.count_necessity` returns, one segment
    words : the reader's language

    Examples
    --------
    >>> necessity = pd.DataFrame({"step": ["ask", "demo"], "n_won": 50.0,
    ...                           "n_won_with_evidence": [50.0, 10.0], "share": [1, 0.2]})
    >>> tell_necessity(necessity, Words("en"))
    'All buyers show: ask. Fewer than half of the buyers show demo (10 of 50): optional, or not
    recorded. Ask the team which.'
    """
    n_won = 0.0 if necessity.empty else necessity["n_won"].max()
    if n_won < SMALL:
        return words.text("sentence.necessity_small", n=n_won)
    parts = []
    everyone = necessity.loc[necessity["share"] > 1 - 1e-9, "step"]
    if len(everyone):
        parts.append(words.text("sentence.necessity_all", steps=_name(everyone, words)))
    few = necessity[necessity["share"] < 0.5]
    if few.empty:
        parts.append(words.text("sentence.necessity_plain", n=n_won))
    else:
        named = [
            words.text("sentence.part", what=words.step(r.step), n=r.n_won_with_evidence, of=n_won)
            for r in few.itertuples()
        ]
        parts.append(words.text("sentence.necessity_rare", steps=", ".join(named)))
    return " ".join(parts)


def tell_open_leads(open_leads: pd.DataFrame, words: Words) -> str:
    """How many open leads wait for a proposal nobody made, how many are silent?

    Parameters
    ----------
    open_leads : what `losses.list_open_leads` returns
    words : the reader's language

    Examples
    --------
    >>> open_leads = pd.DataFrame({"asked": ["no", "yes"], "days_silent": [3.0, 45.0]})
    >>> tell_open_leads(open_leads, Words("en"))
    '2 leads open; the next step was never proposed to 1, not measurable: 0; silent for more than
    30 days: 1.'
    """
    if open_leads.empty:
        return words.text("sentence.open_none")
    return words.text(
        "sentence.open_leads",
        n_leads=words.text("sentence.leads", n=len(open_leads)),
        no=(open_leads["asked"] == "no").sum(),
        unknown=(open_leads["asked"] == "unknown").sum(),
        days=words.days(SILENT_DAYS),
        silent=(open_leads["days_silent"] > SILENT_DAYS).sum(),
    )


def tell_after_sale(funnel: pd.DataFrame, words: Words) -> str:
    """What did buyers do after the sale?

    Parameters
    ----------
    funnel : what `funnels.count_funnel` returns, one segment
    words : the reader's language

    Examples
    --------
    >>> funnel = pd.DataFrame({"step": ["launch"], "part": "after_sale", "n_entered": 40.0,
    ...                        "n_reached": 30.0, "share_of_entered": 0.75, "low": 0.6,
    ...                        "high": 0.86})
    >>> tell_after_sale(funnel, Words("en"))
    'Of 40 buyers: “launch” 30 (75.0%, 95% interval 60.0–86.0%).'
    """
    rows = funnel[funnel["part"] == "after_sale"]
    if len(rows) and not rows["n_entered"].iloc[0] > 0:
        return words.text("sentence.after_sale_nobody")
    rows = rows[rows["share_of_entered"].notna()]
    if rows.empty:
        return words.text("sentence.after_sale_none")
    parts = [
        words.text(
            "sentence.after_sale_part",
            step=words.step(row.step),
            n_reached=row.n_reached,
            share=words.share(row.share_of_entered),
            span=words.span(row.low, row.high),
        )
        for row in rows.itertuples()
    ]
    n_won = rows["n_entered"].iloc[0]
    told = words.text("sentence.after_sale", n=n_won, parts="; ".join(parts))
    return told + _if_small(n_won, words)


_LOST = ["n_lost", "n_asked", "n_not_asked", "n_unknown", "amount_lost"]


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


def _tell_drop(seen: pd.DataFrame, words: Words) -> str:
    """The biggest drop between measurable steps, and how much of it is still open."""
    before = seen[["n_reached", "n_open"]].shift()
    drop = before["n_reached"] - seen["n_reached"]
    if not drop.max() >= 0.5:
        return ""
    row = seen.loc[drop.idxmax()]
    previous = before.loc[row.name]
    waiting = row["n_open"] - previous["n_open"]
    return words.text(
        "sentence.funnel_drop",
        went_on=words.text("sentence.n_went_on", n=row["n_reached"]),
        step=words.step(row["step"]),
        previous=previous["n_reached"],
        share=words.share(row["share_of_previous"]),
        waiting=words.text("sentence.waiting", n=waiting) if waiting >= 0.5 else "",
    )


def _tell_end(last: pd.Series, words: Words) -> list[str]:
    """How many reached the last step, and how many may yet."""
    told = words.text(
        "sentence.funnel_end",
        reached=words.text("sentence.n_reached", n=last["n_reached"]),
        base=words.text("sentence.of_entered", n=last["n_entered"]),
        sale=words.step(last["step"]),
        share=words.share(last["share_of_entered"]),
        span=words.span(last["low"], last["high"]),
    )
    if not last["n_open"] >= 0.5:
        return [told]
    return [told, words.text("sentence.funnel_open", n=last["n_open"])]


def _tell_unseen(seen: pd.DataFrame, words: Words) -> str:
    """The step that most of those who passed it have no evidence of."""
    row = seen.loc[(seen["n_unseen"] / seen["n_reached"].clip(lower=1)).idxmax()]
    if not row["n_unseen"] >= 0.5:
        return ""
    return words.text(
        "sentence.funnel_unseen",
        passed=words.text("sentence.n_passed", n=row["n_unseen"]),
        step=words.step(row["step"]),
        reached=row["n_reached"],
    )


def _name(steps: pd.Series, words: Words) -> str:
    return ", ".join(words.step(step) for step in steps)


def _if_small(n: float, words: Words) -> str:
    return words.text("sentence.small") if n < SMALL else ""
