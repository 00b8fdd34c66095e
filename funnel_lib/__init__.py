"""Why do clients not buy? Client-behaviour funnels from CRM event logs, told in notebooks."""

from importlib import import_module

# Where each public name lives; a module is imported when one of its names is first asked for.
_HOMES = {
    "audit": "Audit build_audit",
    "core.errors": "FunnelError InputError",
    "core.events": "EventLog build_log check_log",
    "core.groups": "Group Segmentation keep_together list_groups select_segment",
    "core.journeys": "Journeys build_journeys select_leads",
    "core.steps": "Step Steps parse_steps read_steps write_steps",
    "core.words": "Words find_language label_table",
    "counting.leads": "list_leads",
    "counting.missed": "find_missed",
    "counting.moves": "list_moves",
    "counting.reach": "count_funnel",
    "datasets.planted": "plant_log write_planted",
    "datasets.worlds": "PlantedSegment WORLDS World",
    "drawing.canvas": "show_figure",
    "drawing.funnels": "plot_funnel",
    "drawing.heatmaps": "picture_matrix",
    "drawing.html": "show_matrix show_row show_table show_text",
    "engine.paths": "PathMixture",
    "reading.columns": "Mapping read_mapping",
    "reading.export": "read_export",
    "settings": "Settings",
    "reporting.outputs": "save_audit write_tables",
    "reporting.page_one": "tell_page_one",
    "reporting.workbook": "write_workbook",
    "sections.after_sale.count": "count_repeats",
    "sections.after_sale.draw": "plot_after_sale",
    "sections.after_sale.tell": "tell_after_sale tell_repeats",
    "sections.answers.count": "count_responses",
    "sections.answers.tell": "tell_responses label_responses",
    "sections.effort.count": "count_money find_money_ranges",
    "sections.effort.draw": "plot_effort",
    "sections.effort.tell": "tell_effort",
    "sections.funnel.draw": "picture_segments",
    "sections.funnel.tell": "tell_funnel",
    "sections.groups.count": "compare_groups split_change",
    "sections.groups.tell": "tell_change tell_comparison",
    "sections.hypotheses.cards": "show_hypotheses",
    "sections.hypotheses.count": "build_hypotheses read_references",
    "sections.hypotheses.plans": (
        "Plan Plans list_plans look_at_plan propose_plans read_plans start_plan write_plans"
    ),
    "sections.hypotheses.readings": "count_trend label_periods read_before_after read_split",
    "sections.hypotheses.tell": "tell_assumptions tell_hypotheses tell_start",
    "sections.hypotheses.tell_readings": "tell_before_after tell_split",
    "sections.losses.count": "count_losses",
    "sections.losses.draw": "plot_losses",
    "sections.losses.tell": "tell_losses tell_main_loss",
    "sections.necessity.count": "count_necessity",
    "sections.necessity.draw": "plot_necessity",
    "sections.necessity.tell": "tell_necessity",
    "sections.new_funnel.count": "build_blueprint",
    "sections.new_funnel.draft": "draft_steps",
    "sections.open_leads.count": "list_open_leads",
    "sections.open_leads.tell": "tell_open_leads",
    "sections.outcomes.tell": "tell_outcomes",
    "sections.paths.cards": "show_cards",
    "sections.paths.clusters": "cluster_segments measure_likeness",
    "sections.paths.count": (
        "compare_traits describe_segments find_examples list_path_steps list_sequences "
        "name_segments"
    ),
    "sections.paths.draw": "plot_choice plot_sequences",
    "sections.paths.segments": "assign_segments find_segments read_segments write_segments",
    "sections.paths.tell": "tell_choice tell_likeness tell_path tell_segments tell_traits",
    "sections.paths.trust": "Trust measure_trust",
    "sections.quality.exports": "tell_export tell_sources",
    "sections.quality.tell": "tell_assumed tell_limits tell_quality tell_reliability",
    "sections.recognition.count": "count_recognised find_parting measure_facts",
    "sections.recognition.tell": "tell_facts tell_recognised",
    "sections.rules.count": "count_rules",
    "sections.rules.draw": "plot_rules",
    "sections.rules.tell": "tell_rules",
    "sections.stages.count": (
        "check_pipeline count_pipeline count_reasons count_stage_by_step find_renamed list_stages"
    ),
    "sections.stages.draw": "picture_pipeline",
    "sections.stages.names": "audit_stages build_sheet tell_stages",
    "sections.stages.tell": "tell_pipeline tell_renamed tell_stage_by_step",
    "sections.times.count": (
        "compare_ways count_cohorts count_pace count_standing count_times find_medians"
    ),
    "sections.times.draw": "plot_cohorts plot_times",
    "sections.times.tell": "tell_cohorts tell_standing tell_times",
    "stats.incidence": "Incidence estimate_incidence",
    "stats.experiments": "find_valid_interval plan_size",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str):
    if name == "__version__":
        from importlib.metadata import version

        return version("funnel-lib")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'funnel_lib' has no attribute {name!r}")
    found = getattr(import_module(f"funnel_lib.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
