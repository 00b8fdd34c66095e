"""What to hold against the numbers: how far the data can be trusted, what they do not say."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words


def tell_reliability(
    funnel: pd.DataFrame, necessity: pd.DataFrame, leads: pd.DataFrame, words: Words
) -> str:
    """How far can the numbers be trusted: what is visible, what is only the manager's word?"""
    before = funnel[funnel["part"] == "before_sale"]
    seen, n = before["share_of_entered"].notna().sum(), len(before)
    return words.text(
        "sentence.reliability_all" if seen == n > 1 else "sentence.reliability",
        n=n,
        seen=seen,
        told=_tell_self_reported(necessity, words),
        ahead=_tell_stage_ahead(leads, words),
    )


def tell_quality(quality: pd.DataFrame, rows_read: int, rows_removed: int, words: Words) -> str:
    """What was removed from the data, and what is worth a look?

    Removed rows are counted in `quality`, too.
    """
    odd = quality[quality["severity"] != "info"]
    if odd.empty and not rows_removed:
        return words.text("sentence.quality_none")
    told = words.text(
        "sentence.quality" if rows_removed else "sentence.quality_clean",
        removed=rows_removed,
        rows=rows_read,
    )
    if odd.empty:
        return f"{told} {words.text('sentence.quality_rest')}"
    named = [
        f"{words.value('check', r.check)} ({words.number(r.n_rows)})" for r in odd.itertuples()
    ]
    return f"{told} {words.text('sentence.quality_look', warnings='; '.join(named))}"


def tell_limits(leads: pd.DataFrame, quality: pd.DataFrame, words: Words) -> list[str]:
    """What do these numbers not say?"""
    entered = leads[leads["entered_at"].notna()]
    n_open = (entered["status"] == "open").sum()
    told = []
    if n_open:
        told.append(words.text("sentence.limits_open", open=n_open, n_leads=len(entered)))
    if len(leads) > len(entered):
        told.append(words.text("sentence.limits_never", n=len(leads) - len(entered)))
    outside = quality.loc[quality["check"] == "outside_selection", "n_rows"].sum()
    if outside:
        told.append(words.text("sentence.selected", n=outside))
    if (quality["check"] == "draft_steps").any():
        told.insert(0, words.text("sentence.limits_draft"))
    return [*told, words.text("sentence.limits_cause"), words.text("sentence.limits_small")]


def tell_assumed(assumed: tuple[str, ...], observed_until: pd.Timestamp, words: Words) -> list[str]:
    """What did nobody tell, so that it was taken?"""
    date = words.date(observed_until)
    return [words.text(f"assumed.{what}", date=date) for what in assumed]


def _tell_self_reported(necessity: pd.DataFrame, words: Words) -> str:
    shown = necessity["n_won_with_evidence"]
    n_told = (necessity["self_reported_share"] * shown).sum()
    if not n_told >= 0.5:
        return ""
    share = words.share(n_told / shown.sum())
    return words.text("sentence.told", share=share, n_told=n_told, n_shown=shown.sum())


def _tell_stage_ahead(leads: pd.DataFrame, words: Words) -> str:
    staged = leads["stage"].notna() & (leads["stage"] != "") & leads["entered_at"].notna()
    if not staged.any():
        return ""
    ahead = leads.loc[staged, "stage_ahead"]
    share = words.share(ahead.mean())
    return words.text("sentence.stage_ahead", share=share, n_ahead=ahead.sum(), n_staged=len(ahead))
