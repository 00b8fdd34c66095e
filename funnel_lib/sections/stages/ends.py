"""Which stages of the CRM are ends, and in which order the others come, as far as that is known."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.events import STAGE_PREFIX, EventLog
from funnel_lib.core.steps import Evidence, Steps
from funnel_lib.counting.moves import PIPELINE_MARK, order_stages
from funnel_lib.reading.cells.outcomes import LOST_STAGES, WON_STAGES
from funnel_lib.reading.lexicon import find_meaning, read_lexicon


def find_order(moves: pd.DataFrame, log: EventLog) -> list[str]:
    """In which order do deals come to the stages, if that is known?

    By the deals that came to several (see `moves.order_stages`); where none did, by what the CRM
    says of the stages (their probability), else by the typical steps they speak of; stages of which
    neither is known are left out, as nothing tells their place.
    """
    if (moves["place"] > 0).any():
        return order_stages(moves)
    steps = [step.id for step in read_lexicon().steps]
    names = {stage: stage.rpartition(PIPELINE_MARK)[2] for stage in moves["stage"].unique()}
    ranks = {stage: log.stage_ranks.get(name) for stage, name in names.items()}
    if not any(rank is not None for rank in ranks.values()):
        meant = {stage: find_meaning(name).step for stage, name in names.items()}
        ranks = {stage: steps.index(step) if step else None for stage, step in meant.items()}
    return sorted((s for s in ranks if ranks[s] is not None), key=lambda s: (ranks[s], s))


def find_end(stage: str, log: EventLog, steps: Steps) -> str:
    """Which end is a stage: won, lost, or none (empty)?

    As moves to it were known to end; where nothing is known of them, or the steps file names it
    under `lost`, by its name.
    """
    name = stage.rpartition(PIPELINE_MARK)[2]
    rules = [Evidence(action=pattern) for pattern in steps.lost]
    if any(rule.matches(STAGE_PREFIX + name) for rule in rules):
        return "lost"
    if name in log.stage_ends:
        return log.stage_ends[name].replace("open", "")
    plain = name.strip().casefold()
    if plain in WON_STAGES or plain in LOST_STAGES:
        return "won" if plain in WON_STAGES else "lost"
    return find_meaning(name).end
