"""Why do clients not buy? Client-behaviour funnels from CRM event logs, told in notebooks."""

from funnel_lib.audit import Audit, build_audit
from funnel_lib.display import show_table, show_text
from funnel_lib.durations import count_pace
from funnel_lib.errors import FunnelError, InputError
from funnel_lib.events import EventLog, build_log, check_log
from funnel_lib.figures import (
    plot_after_sale,
    plot_funnel,
    plot_losses,
    plot_necessity,
    plot_rules,
    show_figure,
)
from funnel_lib.findings import (
    tell_after_sale,
    tell_assumed,
    tell_funnel,
    tell_limits,
    tell_losses,
    tell_main_loss,
    tell_necessity,
    tell_open_leads,
    tell_outcomes,
    tell_page_one,
    tell_quality,
    tell_reliability,
    tell_rules,
    tell_segments,
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
from funnel_lib.planted import plant_log, write_planted
from funnel_lib.readers import Mapping, read_export, read_mapping
from funnel_lib.segments import (
    Segmentation,
    assign_segments,
    describe_segments,
    find_segments,
    list_groups,
    list_paths,
    measure_trust,
    name_segments,
    read_segments,
    select_segment,
    write_segments,
)
from funnel_lib.steps import Step, Steps, read_steps, write_steps
from funnel_lib.worlds import WORLDS, PlantedSegment, World

__all__ = [
    "WORLDS",
    "Audit",
    "EventLog",
    "FunnelError",
    "InputError",
    "Journeys",
    "Mapping",
    "PathMixture",
    "PlantedSegment",
    "Segmentation",
    "Step",
    "Steps",
    "Words",
    "World",
    "assign_segments",
    "build_audit",
    "build_journeys",
    "build_log",
    "check_log",
    "count_funnel",
    "count_losses",
    "count_necessity",
    "count_pace",
    "count_rules",
    "describe_segments",
    "find_missed",
    "find_segments",
    "label_table",
    "list_groups",
    "list_leads",
    "list_open_leads",
    "list_paths",
    "measure_trust",
    "name_segments",
    "plant_log",
    "plot_after_sale",
    "plot_funnel",
    "plot_losses",
    "plot_necessity",
    "plot_rules",
    "read_export",
    "read_mapping",
    "read_segments",
    "read_steps",
    "save_audit",
    "select_leads",
    "select_segment",
    "show_figure",
    "show_table",
    "show_text",
    "tell_after_sale",
    "tell_assumed",
    "tell_funnel",
    "tell_limits",
    "tell_losses",
    "tell_main_loss",
    "tell_necessity",
    "tell_open_leads",
    "tell_outcomes",
    "tell_page_one",
    "tell_quality",
    "tell_reliability",
    "tell_rules",
    "tell_segments",
    "write_planted",
    "write_segments",
    "write_steps",
    "write_tables",
    "write_workbook",
]
