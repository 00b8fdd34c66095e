"""What to hold against the numbers: how far the data can be trusted, what they do not say."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.events import STAGE_PREFIX, EventLog
from funnel_lib.core.evidence import name_actions
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.steps import Steps
from funnel_lib.core.words import SMALL, Words, join_sentences
from funnel_lib.counting.duplicates import SECOND
from funnel_lib.counting.money import take_amounts


def tell_reliability(funnel: pd.DataFrame, necessity: pd.DataFrame, words: Words) -> str:
    """How far can the numbers be trusted: what is visible, what is only the manager's word?"""
    before = funnel[funnel["part"] == "before_sale"]
    seen, n = before["share_of_entered"].notna().sum(), len(before)
    visible = "sentence.reliability_all" if seen == n > 1 else "sentence.reliability"
    shown = necessity["n_won_with_evidence"]
    n_told, n_shown = (necessity["self_reported_share"] * shown).sum(), shown.sum()
    told = {"n_told": n_told, "n_shown": n_shown}
    return join_sentences(
        words.text(visible, n=n, seen=seen),
        n_told >= 0.5 and words.text("sentence.told", share=n_told / n_shown, **told),
    )


def tell_unseen(leads: pd.DataFrame, journeys: Journeys, words: Words) -> str:
    """What can this export not show at all, of managers, proposals and money, and why?

    Of the leads that entered, of the table `leads`; empty where all of it can be seen.
    """
    entered = leads[leads["entered_at"].notna()]
    reasons = [
        _find_no_managers(entered["manager"]),
        _find_no_asks(journeys),
        "" if (take_amounts(entered) > 0).any() else "sentence.unseen_amounts",
    ]
    told = ", ".join(words.text(reason) for reason in reasons if reason)
    return words.text("sentence.unseen", what=told) if told else ""


def _find_no_managers(manager: pd.Series) -> str:
    """Why managers cannot be set beside each other; empty where they can."""
    n_leads = manager.replace("", None).value_counts()
    if n_leads.empty:
        return "sentence.unseen_managers"
    if len(n_leads) == 1:
        return "sentence.unseen_one_manager"
    return "sentence.unseen_small_managers" if (n_leads >= SMALL).sum() < 2 else ""


def _find_no_asks(journeys: Journeys) -> str:
    """Why it is not known of any step whether it was proposed; empty where it is."""
    if not any(step.asked_by for step in journeys.steps.steps):
        return "sentence.unseen_asks"
    return "" if len(journeys.ask_at) else "sentence.unseen_ask_actions"


def tell_quality(quality: pd.DataFrame, rows_read: int, rows_removed: int, words: Words) -> str:
    """What was removed from the data, and what is worth a look?

    Removed rows are counted in `quality`, too.
    """
    odd = quality[quality["severity"] != "info"]
    odd = odd.assign(name=[words.text(f"check.{check}") for check in odd["check"]])
    if odd.empty and not rows_removed:
        return words.text("sentence.quality_none")
    removed = "sentence.quality" if rows_removed else "sentence.quality_clean"
    return join_sentences(
        words.text(removed, removed=rows_removed, rows=rows_read),
        words.text("sentence.quality_rest")
        if odd.empty
        else words.text("sentence.quality_look", checks=words.each("sentence.quality_check", odd)),
    )


def tell_steps(
    log: EventLog, steps: Steps, path: str, words: Words, quality: pd.DataFrame | None = None
) -> list[str]:
    """What must be known of the steps before any number: that they are a draft, and how many
    actions of the log it leaves out; evidence that is misspelt; a sale that statuses contradict?"""
    told = _tell_draft(log, steps, path, words)
    for row in () if quality is None else quality.drop_duplicates("check").itertuples():
        # ready steps name what other exports have
        if row.check in _WRONG and (path or row.check != "evidence_misspelt"):
            told.append(words.text(_WRONG[row.check], n=row.n_rows, example=row.example))
    return told


_WRONG = {
    "evidence_misspelt": "sentence.steps_misspelt",
    "won_contradicts": "sentence.steps_contradict",
}


def _tell_draft(log: EventLog, steps: Steps, path: str, words: Words) -> list[str]:
    if not steps.draft:
        return []
    named = [e.action for s in steps.steps for e in (*s.evidence, *s.asked_by)]
    used = name_actions(log, (*named, *steps.lost, f"{STAGE_PREFIX}*"))
    n_all = log.events["action"].nunique()
    n = log.events["action"][~used].nunique()
    key = "sentence.steps_draft_left" if path else "sentence.steps_draft"
    return [words.text(key, n=n, of=n_all, path=path)]


def tell_merged(
    log: EventLog, unmerged: pd.DataFrame | None, leads: pd.DataFrame, words: Words
) -> list[str]:
    """What did merging second entries of clients change, of the leads before and after?

    `unmerged` is None where none were merged.
    """
    if unmerged is None:
        return []
    n = int(log.removed.loc[log.removed["reason"] == SECOND, "rows"].sum())
    before, after = (x.loc[x["entered_at"].notna(), "status"] == "won" for x in (unmerged, leads))
    counts = {"n": n, "leads": len(after), "leads_before": len(before)}
    shares = {"share": after.mean(), "share_before": before.mean()}
    return [words.text("sentence.merged_leads", **counts, **shares)]


def tell_limits(leads: pd.DataFrame, quality: pd.DataFrame, words: Words) -> list[str]:
    """What do these numbers not say?"""
    entered = leads["entered_at"].notna()
    counts = {
        "n_open": (entered & (leads["status"] == "open")).sum(),
        "n_leads": entered.sum(),
        "n_never": (~entered).sum(),
        "n_outside": quality.loc[quality["check"] == "outside_selection", "n_rows"].sum(),
    }
    told = {
        "sentence.limits_draft": (quality["check"] == "draft_steps").any(),
        "sentence.limits_open": counts["n_open"],
        "sentence.limits_never": counts["n_never"],
        "sentence.selected": counts["n_outside"],
        "sentence.limits_cause": True,
        "sentence.limits_small": True,
    }
    return [words.text(key, **counts) for key, holds in told.items() if holds]


def tell_assumed(assumed: tuple[str, ...], observed_until: pd.Timestamp, words: Words) -> list[str]:
    """What did nobody tell, so that it was taken?"""
    return [words.text(f"assumed.{what}", observed_until=observed_until) for what in assumed]
