"""Why do clients not buy? Client-behaviour funnels from CRM event logs, told in notebooks."""

from funnel_lib.audit import Audit, build_audit
from funnel_lib.blueprint import build_blueprint
from funnel_lib.canvas import show_figure
from funnel_lib.caveats import tell_assumed, tell_limits, tell_quality, tell_reliability
from funnel_lib.clusters import cluster_segments, measure_likeness
from funnel_lib.display import show_cards, show_matrix, show_row, show_table, show_text
from funnel_lib.drafts import draft_steps
from funnel_lib.durations import count_pace
from funnel_lib.errors import FunnelError, InputError
from funnel_lib.events import EventLog, build_log, check_log
from funnel_lib.figures import (
    picture_pipeline,
    plot_after_sale,
    plot_funnel,
    plot_losses,
    plot_necessity,
    plot_rules,
)
from funnel_lib.findings import (
    tell_after_sale,
    tell_funnel,
    tell_losses,
    tell_main_loss,
    tell_necessity,
    tell_open_leads,
    tell_outcomes,
    tell_page_one,
    tell_rules,
)
from funnel_lib.funnels import count_funnel, count_rules
from funnel_lib.journeys import Journeys, build_journeys, select_leads
from funnel_lib.labels import Words, label_table
from funnel_lib.losses import (
    count_losses,
    count_necessity,
    find_missed,
    list_leads,
    list_open_leads,
)
from funnel_lib.outputs import save_audit, write_tables, write_workbook
from funnel_lib.paths import PathMixture
from funnel_lib.pipeline import (
    check_pipeline,
    count_pipeline,
    count_reasons,
    count_stage_by_step,
    find_renamed,
    list_moves,
    list_stages,
)
from funnel_lib.pipeline_findings import tell_pipeline, tell_renamed, tell_stage_by_step
from funnel_lib.planted import plant_log, write_planted
from funnel_lib.portraits import (
    compare_traits,
    describe_segments,
    find_examples,
    list_path_steps,
    list_sequences,
    name_segments,
)
from funnel_lib.readers import Mapping, read_export, read_mapping
from funnel_lib.recognition import count_recognised, find_parting, measure_facts
from funnel_lib.segment_figures import picture_segments, plot_choice, plot_sequences
from funnel_lib.segment_findings import (
    tell_choice,
    tell_facts,
    tell_likeness,
    tell_path,
    tell_recognised,
    tell_segments,
    tell_traits,
)
from funnel_lib.segments import (
    Group,
    Segmentation,
    assign_segments,
    find_segments,
    keep_together,
    list_groups,
    read_segments,
    select_segment,
    write_segments,
)
from funnel_lib.stages import audit_stages, build_sheet, tell_stages
from funnel_lib.steps import Step, Steps, read_steps, write_steps
from funnel_lib.trust import Trust, measure_trust
from funnel_lib.worlds import WORLDS, PlantedSegment, World

__all__ = [
    "WORLDS",
    "Audit",
    "EventLog",
    "FunnelError",
    "Group",
    "InputError",
    "Journeys",
    "Mapping",
    "PathMixture",
    "PlantedSegment",
    "Segmentation",
    "Step",
    "Steps",
    "Trust",
    "Words",
    "World",
    "assign_segments",
    "audit_stages",
    "build_audit",
    "build_blueprint",
    "build_journeys",
    "build_log",
    "build_sheet",
    "check_log",
    "check_pipeline",
    "cluster_segments",
    "compare_traits",
    "count_funnel",
    "count_losses",
    "count_necessity",
    "count_pace",
    "count_pipeline",
    "count_reasons",
    "count_recognised",
    "count_rules",
    "count_stage_by_step",
    "describe_segments",
    "draft_steps",
    "find_examples",
    "find_missed",
    "find_parting",
    "find_renamed",
    "find_segments",
    "keep_together",
    "label_table",
    "list_groups",
    "list_leads",
    "list_moves",
    "list_open_leads",
    "list_path_steps",
    "list_sequences",
    "list_stages",
    "measure_facts",
    "measure_likeness",
    "measure_trust",
    "name_segments",
    "picture_pipeline",
    "picture_segments",
    "plant_log",
    "plot_after_sale",
    "plot_choice",
    "plot_funnel",
    "plot_losses",
    "plot_necessity",
    "plot_rules",
    "plot_sequences",
    "read_export",
    "read_mapping",
    "read_segments",
    "read_steps",
    "save_audit",
    "select_leads",
    "select_segment",
    "show_cards",
    "show_figure",
    "show_matrix",
    "show_row",
    "show_table",
    "show_text",
    "tell_after_sale",
    "tell_assumed",
    "tell_choice",
    "tell_facts",
    "tell_funnel",
    "tell_likeness",
    "tell_limits",
    "tell_losses",
    "tell_main_loss",
    "tell_necessity",
    "tell_open_leads",
    "tell_outcomes",
    "tell_page_one",
    "tell_path",
    "tell_pipeline",
    "tell_quality",
    "tell_recognised",
    "tell_reliability",
    "tell_renamed",
    "tell_rules",
    "tell_segments",
    "tell_stage_by_step",
    "tell_stages",
    "tell_traits",
    "write_planted",
    "write_segments",
    "write_steps",
    "write_tables",
    "write_workbook",
]
