"""What do the CRM's stages hide, and where do they say more than the client did?"""

import pandas as pd

from funnel_lib.core.words import Words
from funnel_lib.counting.moves import list_moves
from funnel_lib.sections.section import Section, Source, Tables, choose_rows
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


def _tell(source: Source, words: Words) -> list[str]:
    tables = source.tables
    return [
        tell_stages(audit_stages(tables["stages"]["stage"]), words),
        tell_pipeline(tables["pipeline_checks"], tables["pipeline"], words),
        tell_stage_by_step(tables["stage_by_step"], words),
        tell_renamed(tables["stage_renames"], words),
    ]


def _draw(source: Source, words: Words):
    from funnel_lib.sections.stages.draw import picture_pipeline

    return picture_pipeline(source.tables["pipeline"], words, source.settings.rule)


def _label(source: Source, words: Words) -> Tables:
    """Stages in the reader's language: what their names mean is told by a lexicon."""
    leads = source.tables["leads"]
    return {"stages": list_stages(source.log, source.journeys, leads, words.lang)}


def _draw_missing(source: Source, words: Words):
    from funnel_lib.drawing.heatmaps import picture_matrix

    return picture_matrix(source.tables["stage_by_step"], words, "stage", "missed_step", "n_lost")


def _draw_reasons(source: Source, words: Words):
    from funnel_lib.drawing.heatmaps import picture_matrix

    return picture_matrix(
        source.tables["loss_reasons"], words, "loss_reason", "missed_step", "n_lost"
    )


def _choose(
    source: Source, stage: str = "", step: str = "", reason: str = "", status: str = ""
) -> pd.DataFrame:
    """Leads by stage, by the step they did not take, by the CRM's reason, and by outcome."""
    leads = source.tables["leads"]
    return choose_rows(leads, stage=stage, missed_step=step, loss_reason=reason, status=status)


STAGES = Section(
    "stages",
    tables=(
        "stages", "pipeline", "pipeline_checks", "stage_renames", "stage_by_step", "loss_reasons",
    ),
    count=_count,
    tell=_tell,
    draw=_draw,
    shows=("stages", "pipeline_checks"),
    label=_label,
    list_leads=_choose,
    parts=(
        Section("missing", draw=_draw_missing, shows=("stage_by_step",)),
        Section("reasons", draw=_draw_reasons, shows=("loss_reasons",)),
    ),
)  # fmt: skip
SECTIONS = (STAGES,)
