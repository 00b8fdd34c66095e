"""The new funnel, ready for the CRM: for each segment its stages, criteria, evidence and help."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.steps import Step, Steps
from funnel_lib.core.tables import arrange
from funnel_lib.core.words import Words
from funnel_lib.reading.lexicon import TypicalStep, find_meaning, read_lexicon


def build_blueprint(tables: dict[str, pd.DataFrame], steps: Steps, words: Words) -> pd.DataFrame:
    """Which stages should the CRM have for each segment, and when does a deal move on? The table
    `new_funnel`, from the audit's tables funnel and stages.
    """
    funnel = tables["funnel"]
    funnel = funnel[funnel["part"] == "before_sale"]
    if (funnel["segment"] != "all").any():
        funnel = funnel[funnel["segment"] != "all"]
    typical = _find_typical([steps[step] for step in funnel["step"].unique()])
    old = tables["stages"].dropna(subset=["step"]).groupby("step")["stage"].agg("; ".join)
    rows = []
    for row in funnel.itertuples():
        step, usual = steps[row.step], typical[row.step]
        same = usual.id if usual else row.step  # stages name the step or its typical id
        stages = [old[key] for key in dict.fromkeys([row.step, same]) if key in old]
        rows.append({
            "segment": row.segment, "position": row.position, "step": row.step,
            "name": words.step(row.step), "criterion": usual.criterion[words.lang] if usual else "",
            "evidence": ", ".join(e.action for e in step.evidence),
            "recorded": usual.recorded[words.lang] if usual else "",
            "help": _name_help(step, usual, words),
            "old_stages": "; ".join(stages), "share_of_entered": row.share_of_entered,
        })  # fmt: skip
    return arrange("new_funnel", rows)


def _name_help(step: Step, usual: TypicalStep | None, words: Words) -> str:
    """What the manager does for a step: in the steps file's words, as it is usually done, or the
    actions that propose it."""
    typical = usual.help[words.lang] if usual else ""
    return words.step_asks.get(step.id) or typical or ", ".join(step.asks)


def _find_typical(steps: list[Step]) -> dict[str, TypicalStep | None]:
    """The typical step each step is: by its id, else by what its id or name speaks of.

    A typical step is one step only: what merely speaks of it, beside one that is it, is another.
    """
    known = {usual.id: usual for usual in read_lexicon().steps}
    found = {step.id: known[step.id] for step in steps if step.id in known}
    taken = set(found)
    for step in steps:
        meant = (find_meaning(n).step for n in [step.id.replace("_", " "), *step.name.values()])
        free = next((m for m in meant if m in known and m not in taken), None)
        if step.id not in found:
            found[step.id] = known.get(free)
            taken.add(free)
    return found
