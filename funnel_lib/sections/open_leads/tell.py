"""Sentences about open leads."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.events import SILENT_DAYS
from funnel_lib.core.words import Words, join_sentences, write_amounts
from funnel_lib.sections.acts import Act
from funnel_lib.sections.open_leads.count import ENDED, TAKEN

MOST_MANAGERS, MOST_LEADS = 4, 3  # that page one names


def tell_open_leads(open_leads: pd.DataFrame, words: Words) -> str:
    """How many open leads wait for a proposal nobody made, how many are silent?"""
    if open_leads.empty:
        return words.text("sentence.open_none")
    unknown = (open_leads["asked"] == "unknown").sum()
    told = words.text(
        "sentence.open_leads",
        n=len(open_leads),
        no=len(list_waiting(open_leads)),
        days=SILENT_DAYS,
        silent=(open_leads["days_silent"] > SILENT_DAYS).sum(),
    )
    unknown = unknown and words.text("sentence.asked_unknown", n_unknown=unknown)
    return join_sentences(told, unknown, *_tell_doubt(open_leads, words))


def list_waiting(open_leads: pd.DataFrame) -> pd.DataFrame:
    """The open leads that wait for a proposal: never proposed to, and not likely lost already."""
    return open_leads[(open_leads["asked"] == "no") & (open_leads["doubt"] == "")]


def _tell_doubt(open_leads: pd.DataFrame, words: Words) -> list[str]:
    """How many are left out, as they may have taken the next step, or may be lost already?"""
    n, ended = ((open_leads["doubt"] == doubt).sum() for doubt in (TAKEN, ENDED))
    return [
        words.text("page.left_out", n=n) if n else "",
        words.text("page.left_ended", n=ended, days=SILENT_DAYS) if ended else "",
    ]


def tell_waiting(open_leads: pd.DataFrame, words: Words) -> str:
    """How many open leads wait for a proposal, in a short sentence? Empty where none does."""
    n, of = len(list_waiting(open_leads)), len(open_leads)
    return words.text("page.waiting", n=n, of=of) if n else ""


def plan_open(open_leads: pd.DataFrame, words: Words, has_steps: bool = True) -> Act | None:
    """Which open leads to turn to today: those to whom nobody proposed the next step; where
    proposals cannot be seen, or no steps are known, those that wait longer than usual, or are
    silent. Those in doubt are left out."""
    waiting, told = list_waiting(open_leads), []
    if has_steps and len(waiting):
        told = _tell_doubt(open_leads, words)
        amount = write_amounts(waiting, words)
        key = "page.propose_amount" if amount else "page.propose"
        title = words.text(key, n=len(waiting), amount=amount)
    else:
        sure = open_leads[open_leads["doubt"] == ""]
        unseen = sure[sure["asked"] == "unknown"] if has_steps else sure
        late = unseen["overdue"].astype("boolean").fillna(False).astype(bool)
        waiting = unseen[late if late.any() else unseen["days_silent"] > SILENT_DAYS]
        if waiting.empty:
            return None
        key = "page.get_back" if late.any() else "page.get_back_silent"
        title = words.text(key, n=len(waiting), days=SILENT_DAYS)
    first = waiting.head(MOST_LEADS)
    told = [*_tell_managers(waiting, words), _tell_first(first, words, has_steps), *told]
    return Act("today", title, [*filter(None, told)], "", "open_leads", (*first["lead_id"],))


def _tell_managers(waiting: pd.DataFrame, words: Words) -> list[str]:
    """Whose they are, those with most first; nothing where they are of one manager, or of none."""
    counts = waiting["manager"].replace("", None).value_counts()
    if len(counts) < 2:
        return []
    rows = [{"manager": name, "n": n} for name, n in counts.head(MOST_MANAGERS).items()]
    rest = counts.sum() - sum(row["n"] for row in rows)
    parts = words.each("page.by_manager_part", rows, ", ")
    key = "page.by_manager_rest" if rest else "page.by_manager"
    return [words.text(key, parts=parts, rest=rest)]


def _tell_first(first: pd.DataFrame, words: Words, has_steps: bool) -> str:
    """The first of the list, and what to propose, where steps are known."""
    parts = [
        words.text(
            "page.begin_with_part_amount" if row["amount"] > 0 else "page.begin_with_part",
            what=words.propose(row["next_step"]),
            **row,
        )
        if has_steps
        else row["lead_id"]
        for row in first.to_dict("records")
    ]
    return words.text("page.begin_with", parts="; ".join(parts))
