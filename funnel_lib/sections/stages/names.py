"""Whose actions the stages of a pipeline describe, as a table and a sheet for a workshop."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from funnel_lib.core.lexicon import _TOLD, _nearest, find_meaning, read_lexicon
from funnel_lib.core.words import Words

COLUMNS = ("stage", "kind", "step", "evidence", "name", "nearest", "end")


def audit_stages(names: Iterable[object], lang: str = "en") -> pd.DataFrame:
    """Tell of each stage name whether it describes the client's step or the manager's action.

    Parameters
    ----------
    names : stage names; empty ones are passed over
    lang : language of the answers, "en" or "ru" (another: `InputError`); names may be in either

    Returns
    -------
    frame, one row a distinct name in the order given
        stage: the name; kind: client, manager or unclear; step: id of the client's step it shows
        or behind which it stands; evidence: the recorded event that would show the step; name:
        what to call the stage; nearest: for an unclear name the two nearest known wordings; end:
        ``lost`` for an end that is no step, such as "Closed lost". What does not apply is empty.

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
        rows.append((name, kind, step, evidence, new, "" if told else _nearest(name), end))
    return pd.DataFrame(rows, columns=COLUMNS, dtype="str")


def build_sheet(audit: pd.DataFrame, lang: str = "en") -> pd.DataFrame:
    """Lay out a workshop sheet without data: the client's steps to put in the place of old stages.

    Parameters
    ----------
    audit, lang : what `audit_stages` returned; language of the texts, "en" or "ru"

    Returns
    -------
    frame, one row a typical step
        step: its id; name: what to call the stage; does: what the client does; criterion: when the
        deal moves on; evidence: what shows it; recorded: how a CRM records it; help: what the
        manager does to help; old_stages: names of the audit behind which the step stands.

    Examples
    --------
    >>> sheet = build_sheet(audit_stages(["КП отправлено", "Proposal sent"]), "ru")
    >>> sheet.loc[sheet["step"] == "proposal_opened", ["name", "old_stages"]].values.tolist()
    [['Открыл КП', 'КП отправлено; Proposal sent']]
    """
    lang = Words(lang).lang
    old = audit.groupby("step")["stage"].agg("; ".join)
    rows = [
        (s.id, *(getattr(s, told)[lang] for told in _TOLD), old.get(s.id, ""))
        for s in read_lexicon().steps
    ]
    return pd.DataFrame(rows, columns=["step", *_TOLD, "old_stages"], dtype="str")


def tell_stages(audit: pd.DataFrame, words: Words) -> str:
    """Say how many stages describe the manager's action; lost ends are counted apart.

    Examples
    --------
    >>> print(tell_stages(audit_stages(["КП отправлено", "Оплатил", "Отказ"]), Words("en")))
    1 of 2 stages describe the manager's action; a client's step: 1, unclear: 0. Lost ends: 1.
    """
    stages = audit[audit["end"] == ""]
    count = {kind: (stages["kind"] == kind).sum() for kind in ("manager", "client", "unclear")}
    told = words.text("sentence.stages", n=len(stages), **count)
    if len(stages) < len(audit):
        told += words.text("sentence.stages_lost", lost=len(audit) - len(stages))
    return told
