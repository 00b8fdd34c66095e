"""Sentences from tables: what a table says, in the reader's language."""

from __future__ import annotations

import pandas as pd

from funnel_lib.funnels import wilson
from funnel_lib.labels import Words

SMALL = 30  # groups below this many leads are hints
SILENT_DAYS = 30


def tell_page_one(tables: dict[str, pd.DataFrame], words: Words) -> list[str]:
    """The sentences of page one that can be said of these tables.

    Parameters
    ----------
    tables : the audit's tables by name: leads, losses, funnel, necessity
    words : the reader's language
    """
    if not tables["leads"]["entered_at"].notna().any():
        return [words.text("sentence.nobody")]
    return [
        tell_outcomes(tables["leads"], words),
        tell_main_loss(tables["losses"], tables["funnel"], words),
        tell_reliability(tables["funnel"], tables["necessity"], tables["leads"], words),
    ]


def tell_outcomes(leads: pd.DataFrame, words: Words) -> str:
    """How many leads came, and what became of them?

    Examples
    --------
    >>> day = pd.to_datetime(["2025-03-01", "2025-03-09"], utc=True)
    >>> tell_outcomes(pd.DataFrame({"status": ["won", "open"], "entered_at": day}), Words("en"))
    'Leads from 1 Mar 2025 to 9 Mar 2025: 2; 1 bought (50.0%, 95\xa0% interval 9.5–90.5%), 0 lost,
    1 open. Fewer than 30 leads: read it as a hint.'
    """
    leads = leads[leads["entered_at"].notna()]
    counts = leads["status"].value_counts()
    won = counts.get("won", 0)
    low, high = wilson(won / len(leads), len(leads))
    told = words.text(
        "sentence.outcomes",
        since=words.date(leads["entered_at"].min()),
        until=words.date(leads["entered_at"].max()),
        n=len(leads),
        won=words.number(won),
        share=words.share(won / len(leads)),
        span=words.span(low, high),
        lost=words.number(counts.get("lost", 0)),
        open=words.number(counts.get("open", 0)),
    )
    return told + _if_small(len(leads), words)


def tell_main_loss(losses: pd.DataFrame, funnel: pd.DataFrame, words: Words) -> str:
    """At which step are most leads lost, and at which most money?"""
    steps = _by_step(losses)
    if steps["n_lost"].sum() == 0:
        return words.text("sentence.no_losses")
    step = steps["n_lost"].idxmax()
    main = steps.loc[step]
    before = _before(funnel, step)
    money = _tell_money(losses[losses["missed_step"] == step], words)
    told = words.text(
        "sentence.main_loss" if before is not None else "sentence.main_loss_first",
        step=words.step(step),
        lost=words.number(main["n_lost"]),
        reached=words.number(
            before["n_reached"] if before is not None else funnel["n_entered"].iloc[0]
        ),
        money=words.text("sentence.money", amount=money) if money else "",
        no=words.number(main["n_not_asked"]),
        yes=words.number(main["n_asked"]),
        unknown=words.number(main["n_unknown"]),
    )
    dearest = steps["amount_lost"].idxmax()
    one_currency = (losses["currency"] == losses["currency"].iloc[0]).all()
    if one_currency and dearest != step and steps["amount_lost"].max() > 0:
        cost = _tell_money(losses[losses["missed_step"] == dearest], words)
        told += words.text("sentence.costliest", step=words.step(dearest), amount=cost)
    return told + _if_small(main["n_lost"], words)


def tell_reliability(
    funnel: pd.DataFrame, necessity: pd.DataFrame, leads: pd.DataFrame, words: Words
) -> str:
    """How far can the numbers be trusted: what is visible, what is the manager's word?"""
    before = funnel[funnel["part"] == "before_sale"]
    shown = necessity["n_won_with_evidence"]
    told = (necessity["self_reported_share"] * shown).sum() / shown.sum() if shown.sum() else None
    sentence = words.text(
        "sentence.reliability",
        seen=words.number(before["share_of_entered"].notna().sum()),
        all=words.number(len(before)),
        told=words.share(told),
    )
    staged = leads["stage"].notna() & leads["entered_at"].notna()
    if not staged.any():
        return sentence + "."
    ahead = leads.loc[staged, "stage_ahead"]
    return sentence + words.text(
        "sentence.stage_ahead",
        share=words.share(ahead.mean()),
        ahead=words.number(ahead.sum()),
        staged=words.number(len(ahead)),
    )


def tell_funnel(funnel: pd.DataFrame, words: Words) -> str:
    """Where does the funnel narrow most, how many buy, which steps cannot be seen?"""
    rows = funnel[funnel["part"] == "before_sale"]
    entered, seen = rows["n_entered"].iloc[0], rows[rows["share_of_entered"].notna()]
    if not entered or seen.empty:
        return words.text("sentence.nobody")
    parts = []
    previous = seen["n_reached"].shift()
    drop = previous - seen["n_reached"]
    if drop.max() > 0:
        worst = seen.loc[drop.idxmax()]
        parts.append(
            words.text(
                "sentence.funnel_drop",
                step=words.step(worst["step"]),
                previous=words.number(previous[worst.name]),
                reached=words.number(worst["n_reached"]),
                share=words.share(worst["share_of_previous"]),
            )
        )
    last = seen.iloc[-1]
    parts.append(
        words.text(
            "sentence.funnel_end",
            n_won=words.number(last["n_reached"]),
            n_entered=words.number(entered),
            sale=words.step(last["step"]),
            share=words.share(last["share_of_entered"]),
            span=words.span(last["low"], last["high"]),
            n_open=words.number(last["n_open"]),
        )
    )
    unseen = seen.loc[(seen["n_unseen"] / seen["n_reached"].clip(lower=1)).idxmax()]
    if unseen["n_unseen"] > 0:
        parts.append(
            words.text(
                "sentence.funnel_unseen",
                step=words.step(unseen["step"]),
                unseen=words.number(unseen["n_unseen"]),
                reached=words.number(unseen["n_reached"]),
            )
        )
    dark = rows.loc[rows["share_of_entered"].isna(), "step"]
    if len(dark):
        parts.append(words.text("sentence.not_measurable", steps=_name(dark, words)))
    return " ".join(parts) + _if_small(entered, words)


def tell_rules(rules: pd.DataFrame, rule: str, words: Words) -> str:
    """At which step do the three counting rules differ most, and which one is used?"""
    wide = rules.pivot_table(index=["position", "step"], columns="rule", values="n_reached")
    gap = wide.max(axis=1) - wide.min(axis=1)
    if gap.empty or gap.max() == 0:
        return words.text("sentence.rules_same")
    worst = wide.loc[gap.idxmax()]
    counts = {name: words.number(worst[name]) for name in wide.columns}
    name = words.value("rule", rule)
    return words.text(
        "sentence.rules_differ", step=words.step(gap.idxmax()[1]), rule=name, **counts
    )


def tell_losses(losses: pd.DataFrame, words: Words) -> str:
    """How many lost leads were asked for the next step, how many never?"""
    sums = losses[["n_lost", "n_asked", "n_not_asked", "n_unknown"]].sum()
    if sums["n_lost"] == 0:
        return words.text("sentence.no_losses")
    return words.text(
        "sentence.losses_ask",
        n=sums["n_lost"],
        no=words.number(sums["n_not_asked"]),
        share=words.share(sums["n_not_asked"] / sums["n_lost"]),
        yes=words.number(sums["n_asked"]),
        unknown=words.number(sums["n_unknown"]),
    )


def tell_necessity(necessity: pd.DataFrame, words: Words) -> str:
    """Which steps does every buyer show, which few?"""
    n_won = necessity["n_won"].max()
    if n_won < SMALL:
        return words.text("sentence.necessity_small", n=n_won)
    everyone = necessity.loc[necessity["n_won_with_evidence"] == n_won, "step"]
    few = necessity.loc[necessity["share"] < 0.5, "step"]
    parts = []
    if len(everyone):
        parts.append(words.text("sentence.necessity_all", steps=_name(everyone, words)))
    if len(few):
        parts.append(words.text("sentence.necessity_rare", steps=_name(few, words)))
    else:
        parts.append(words.text("sentence.necessity_plain", n=n_won))
    return " ".join(parts)


def tell_open_leads(open_leads: pd.DataFrame, words: Words) -> str:
    """How many open leads wait for a proposal nobody made, how many are silent?"""
    if open_leads.empty:
        return words.text("sentence.open_none")
    return words.text(
        "sentence.open_leads",
        n_leads=words.text("sentence.leads", n=len(open_leads)),
        no=words.number((open_leads["asked"] == "no").sum()),
        silent=words.number((open_leads["days_silent"] > SILENT_DAYS).sum()),
    )


def tell_after_sale(funnel: pd.DataFrame, words: Words) -> str:
    """What did buyers do after the sale?"""
    rows = funnel[(funnel["part"] == "after_sale") & funnel["share_of_entered"].notna()]
    if rows.empty:
        return words.text("sentence.after_sale_none")
    parts = [
        words.text(
            "sentence.after_sale_part",
            step=words.step(row.step),
            n_reached=words.number(row.n_reached),
            share=words.share(row.share_of_entered),
        )
        for row in rows.itertuples()
    ]
    n_won = words.number(rows["n_entered"].iloc[0])
    return words.text("sentence.after_sale", n_won=n_won, parts="; ".join(parts))


def tell_quality(quality: pd.DataFrame, rows_read: int, rows_removed: int, words: Words) -> str:
    """What was removed from the data, and what is worth a look?"""
    odd = quality[quality["severity"] != "info"]
    named = [
        f"{words.value('check', r.check)} ({words.number(r.n_rows)})" for r in odd.itertuples()
    ]
    warnings = "; ".join(named) or words.text("sentence.nothing")
    if rows_removed:
        return words.text(
            "sentence.quality",
            removed=words.number(rows_removed),
            rows=words.number(rows_read),
            warnings=warnings,
        )
    if odd.empty:
        return words.text("sentence.quality_none")
    return words.text("sentence.quality_clean", warnings=warnings)


def tell_limits(leads: pd.DataFrame, quality: pd.DataFrame, words: Words) -> list[str]:
    """What these numbers do not say."""
    entered = leads[leads["entered_at"].notna()]
    n_open = int((entered["status"] == "open").sum())
    told = []
    if n_open:
        n_leads = words.number(len(entered))
        told.append(words.text("sentence.limits_open", open=words.number(n_open), n_leads=n_leads))
    if len(leads) > len(entered):
        told.append(words.text("sentence.limits_never", n=len(leads) - len(entered)))
    outside = quality.loc[quality["check"] == "outside_selection", "n_rows"].sum()
    if outside:
        told.append(words.text("sentence.selected", n=outside))
    return [*told, words.text("sentence.limits_cause"), words.text("sentence.limits_small")]


def tell_assumed(assumed: tuple[str, ...], observed_until: pd.Timestamp, words: Words) -> list[str]:
    """What nobody told and was taken?"""
    date = words.date(observed_until)
    return [words.text(f"assumed.{what}", date=date) for what in assumed]


def _by_step(losses: pd.DataFrame) -> pd.DataFrame:
    columns = ["n_lost", "n_asked", "n_not_asked", "n_unknown", "amount_lost"]
    return losses.groupby("missed_step", sort=False)[columns].sum()


def _before(funnel: pd.DataFrame, step: str) -> pd.Series | None:
    """The row of the last measurable step before a step; None if there is none."""
    rows = funnel[funnel["part"] == "before_sale"]
    position = rows.loc[rows["step"] == step, "position"].iloc[0]
    earlier = rows[(rows["position"] < position) & rows["share_of_entered"].notna()]
    return None if earlier.empty else earlier.iloc[-1]


def _tell_money(losses: pd.DataFrame, words: Words) -> str:
    """Money by currency, never summed together; empty where no amounts are known."""
    known = losses[losses["amount_lost"] > 0]
    return " + ".join(words.money(r.amount_lost, r.currency) for r in known.itertuples())


def _name(steps: pd.Series, words: Words) -> str:
    return ", ".join(words.step(s) for s in steps)


def _if_small(n: float, words: Words) -> str:
    return words.text("sentence.small") if n < SMALL else ""
