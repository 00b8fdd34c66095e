"""What do the CRM's stages hide, and where do they say more than the client did?"""

import pandas as pd

from funnel_lib.core.words import Words
from funnel_lib.counting.moves import list_moves
from funnel_lib.sections.section import Section, Source, Tables, choose_rows, from_tables
from funnel_lib.sections.stages.count import (
    check_pipeline,
    count_pipeline,
    count_reasons,
    count_stage_by_step,
    find_renamed,
    list_stages,
)
from funnel_lib.sections.stages.names import audit_stages, tell_stages
from funnel_lib.sections.stages.tell import tell_pipeline, tell_renamed, tell_stage_by_step


def _count(source: Source) -> Tables:
    log, journeys, leads = source.log, source.journeys, source.tables["leads"]
    return {
        "stages": list_stages(log, journeys, leads),
        "pipeline": count_pipeline(log, journeys, source.settings.within),
        "pipeline_checks": check_pipeline(log, journeys, leads),
        "stage_renames": find_renamed(list_moves(log, journeys)),
        "stage_by_step": count_stage_by_step(leads),
        "loss_reasons": count_reasons(leads),
    }


def _label(source: Source, words: Words) -> Tables:
    """Stages in the reader's language: what their names mean is told by a lexicon."""
    leads = source.tables["leads"]
    return {"stages": list_stages(source.log, source.journeys, leads, words.lang)}


def _choose(
    source: Source, stage: str = "", step: str = "", reason: str = "", status: str = ""
) -> pd.DataFrame:
    """Leads by stage, by the step they did not take, by the CRM's reason, and by outcome."""
    leads = source.tables["leads"]
    return choose_rows(leads, stage=stage, missed_step=step, loss_reason=reason, status=status)


_MATRIX = "drawing.heatmaps.picture_matrix"
_LOST = {"columns": "missed_step", "values": "n_lost"}
STAGES = Section(
    "stages",
    tables=(
        "stages", "pipeline", "pipeline_checks", "stage_renames", "stage_by_step", "loss_reasons",
    ),
    count=_count,
    tell=(
        lambda source, words: tell_stages(audit_stages(source.tables["stages"]["stage"]), words),
        from_tables(tell_pipeline, "pipeline_checks", "pipeline"),
        from_tables(tell_stage_by_step, "stage_by_step"),
        from_tables(tell_renamed, "stage_renames"),
    ),
    draw=from_tables(
        "sections.stages.draw.picture_pipeline", "pipeline", "stages",
        rule=lambda source: source.settings.rule,
    ),
    shows=("stages", "pipeline_checks"),
    label=_label,
    list_leads=_choose,
    parts=(
        Section(
            "missing",
            draw=from_tables(_MATRIX, "stage_by_step", rows="stage", **_LOST),
            shows=("stage_by_step",),
        ),
        Section(
            "reasons",
            draw=from_tables(_MATRIX, "loss_reasons", rows="loss_reason", **_LOST),
            shows=("loss_reasons",),
        ),
    ),
)  # fmt: skip
SECTIONS = (STAGES,)
