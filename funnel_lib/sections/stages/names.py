"""Whose actions the stages of a pipeline describe, as a table and a sheet for a workshop."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from funnel_lib.core.tables import arrange
from funnel_lib.core.words import Words, join_sentences
from funnel_lib.reading.lexicon import DESCRIBED, find_meaning, list_nearest, read_lexicon


def audit_stages(names: Iterable[object], lang: str = "en") -> pd.DataFrame:
    """Tell of each stage name whether it describes the client's step or the manager's action.

    Gives the table `stage_audit`, its texts in `lang` ("en" or "ru", else an `InputError`); names
    may be in either language, empty ones are passed over.

    Examples
    --------
    >>> audit_stages(["КП отправлено", "2. Оплатил", "Closed lost"])[["stage", "kind", "step"]]
               stage     kind             step
    0  КП отправлено  manager  proposal_opened
    1     2. Оплатил   client             paid
    2    Closed lost  unclear
    """
    steps, lang = {s.id: s for s in read_lexicon().steps}, Words(lang).lang
    texts = ("" if pd.isna(n) else str(n).strip() for n in names)
    rows = []
    for name in dict.fromkeys(t for t in texts if t):
        kind, step, end = find_meaning(name)
        told = steps.get(step) or (read_lexicon().lost if end else None)
        evidence = told.evidence[lang] if told else ""
        new = steps[step].name[lang] if step else ""
        rows.append({
            "stage": name, "kind": kind, "step": step, "evidence": evidence, "name": new,
            "nearest": "" if told else list_nearest(name), "end": end,
        })  # fmt: skip
    return arrange("stage_audit", rows).astype("str")


def build_sheet(audit: pd.DataFrame, lang: str = "en") -> pd.DataFrame:
    """Lay out a workshop sheet without data: the client's steps to put in the place of old stages.

    Gives the table `workshop_sheet` in `lang`, from what `audit_stages` returned.
    """
    lang = Words(lang).lang
    old = audit.groupby("step")["stage"].agg("; ".join)
    rows = [
        {"step": s.id, "old_stages": old.get(s.id, "")}
        | {told: getattr(s, told)[lang] for told in DESCRIBED}
        for s in read_lexicon().steps
    ]
    return arrange("workshop_sheet", rows).astype("str")


def tell_stages(audit: pd.DataFrame, words: Words) -> str:
    """Say how many stages describe the manager's action; lost ends are counted apart.

    Examples
    --------
    >>> print(tell_stages(audit_stages(["КП отправлено", "Оплатил", "Отказ"]), Words("en")))
    1 of 2 stages describe the manager’s action, 1 a client’s step; unclear: 0. Stages that
    mean lost: 1.
    """
    stages = audit[audit["end"] == ""]
    count = {kind: (stages["kind"] == kind).sum() for kind in ("manager", "client", "unclear")}
    n_lost = len(audit) - len(stages)
    all_managers = 0 < len(stages) == count["manager"]
    key = "sentence.stages_all" if all_managers else "sentence.stages"
    return join_sentences(
        words.text(key, n=len(stages), **count),
        n_lost > 0 and words.text("sentence.stages_lost", lost=n_lost),
    )
