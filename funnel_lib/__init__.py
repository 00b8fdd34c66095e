"""Why do clients not buy? Client-behaviour funnels from CRM event logs, told in notebooks."""

from funnel_lib.audit import Audit, build_audit
from funnel_lib.blueprint import build_blueprint
from funnel_lib.canvas import show_figure
from funnel_lib.caveats import tell_assumed, tell_limits, tell_quality, tell_reliability
from funnel_lib.clusters import cluster_segments, measure_likeness
from funnel_lib.compare import compare_groups, split_change
from funnel_lib.comparison_findings import (
    tell_before_after,
    tell_change,
    tell_comparison,
    tell_split,
)
from funnel_lib.display import (
    show_cards,
    show_hypotheses,
    show_matrix,
    show_row,
    show_table,
    show_text,
)
from funnel_lib.drafts import draft_steps
from funnel_lib.durations import (
    compare_ways,
    count_cohorts,
    count_pace,
    count_standing,
    count_times,
    find_medians,
)
from funnel_lib.errors import FunnelError, InputError
from funnel_lib.events import EventLog, build_log, check_log
from funnel_lib.experiments import (
    count_trend,
    find_valid_interval,
    label_periods,
    plan_size,
    read_before_after,
    read_split,
)
from funnel_lib.exports import tell_export, tell_sources
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
from funnel_lib.hypotheses import build_hypotheses, read_references
from funnel_lib.hypothesis_findings import tell_assumptions, tell_hypotheses, tell_start
from funnel_lib.incidence import Incidence, estimate_incidence
from funnel_lib.journeys import Journeys, build_journeys, select_leads
from funnel_lib.labels import Words, find_language, label_table
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
from funnel_lib.plans import (
    Plan,
    Plans,
    list_plans,
    look_at_plan,
    propose_plans,
    read_plans,
    start_plan,
    write_plans,
)
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
from funnel_lib.response_findings import tell_responses, write_responses
from funnel_lib.responses import count_responses
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
from funnel_lib.steps import Step, Steps, parse_steps, read_steps, write_steps
from funnel_lib.trust import Trust, measure_trust
from funnel_lib.value import count_repeats, count_value, find_value_ranges
from funnel_lib.value_figures import plot_cohorts, plot_times, plot_value
from funnel_lib.value_findings import (
    tell_cohorts,
    tell_repeats,
    tell_standing,
    tell_times,
    tell_value,
)
from funnel_lib.worlds import WORLDS, PlantedSegment, World

__all__ = [
    "WORLDS",
    "Audit",
    "EventLog",
    "FunnelError",
    "Group",
    "Incidence",
    "InputError",
    "Journeys",
    "Mapping",
    "PathMixture",
    "Plan",
    "Plans",
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
    "build_hypotheses",
    "build_journeys",
    "build_log",
    "build_sheet",
    "check_log",
    "check_pipeline",
    "cluster_segments",
    "compare_groups",
    "compare_traits",
    "compare_ways",
    "count_cohorts",
    "count_funnel",
    "count_losses",
    "count_necessity",
    "count_pace",
    "count_pipeline",
    "count_reasons",
    "count_recognised",
    "count_repeats",
    "count_responses",
    "count_rules",
    "count_stage_by_step",
    "count_standing",
    "count_times",
    "count_trend",
    "count_value",
    "describe_segments",
    "draft_steps",
    "estimate_incidence",
    "find_examples",
    "find_language",
    "find_medians",
    "find_missed",
    "find_parting",
    "find_renamed",
    "find_segments",
    "find_valid_interval",
    "find_value_ranges",
    "keep_together",
    "label_periods",
    "label_table",
    "list_groups",
    "list_leads",
    "list_moves",
    "list_open_leads",
    "list_path_steps",
    "list_plans",
    "list_sequences",
    "list_stages",
    "look_at_plan",
    "measure_facts",
    "measure_likeness",
    "measure_trust",
    "name_segments",
    "parse_steps",
    "picture_pipeline",
    "picture_segments",
    "plan_size",
    "plant_log",
    "plot_after_sale",
    "plot_choice",
    "plot_cohorts",
    "plot_funnel",
    "plot_losses",
    "plot_necessity",
    "plot_rules",
    "plot_sequences",
    "plot_times",
    "plot_value",
    "propose_plans",
    "read_before_after",
    "read_export",
    "read_mapping",
    "read_plans",
    "read_references",
    "read_segments",
    "read_split",
    "read_steps",
    "save_audit",
    "select_leads",
    "select_segment",
    "show_cards",
    "show_figure",
    "show_hypotheses",
    "show_matrix",
    "show_row",
    "show_table",
    "show_text",
    "split_change",
    "start_plan",
    "tell_after_sale",
    "tell_assumed",
    "tell_assumptions",
    "tell_before_after",
    "tell_change",
    "tell_choice",
    "tell_cohorts",
    "tell_comparison",
    "tell_export",
    "tell_facts",
    "tell_funnel",
    "tell_hypotheses",
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
    "tell_repeats",
    "tell_responses",
    "tell_rules",
    "tell_segments",
    "tell_sources",
    "tell_split",
    "tell_stage_by_step",
    "tell_stages",
    "tell_standing",
    "tell_start",
    "tell_times",
    "tell_traits",
    "tell_value",
    "write_plans",
    "write_planted",
    "write_responses",
    "write_segments",
    "write_steps",
    "write_tables",
    "write_workbook",
]
