"""Why do clients not buy? Client-behaviour funnels from CRM event logs, told in notebooks.

``build_audit`` reads an export and counts everything; ``audit.losses`` and its like answer the
questions of the report. Single functions stand in ``count``, ``tell`` and ``draw``.
"""

import sys
from importlib import import_module
from types import ModuleType

# Where each public name lives; a module is imported when one of its names is first asked for.
_HOMES = {
    "audit": "Audit build_audit",
    "core.errors": "FunnelError InputError",
    "core.events": "EventLog build_log",
    "core.groups": "Group Segmentation select_segment",
    "core.journeys": "Journeys build_journeys select_leads",
    "core.steps": "Step Steps parse_steps read_steps",
    "core.tallies": "Tallies tally",
    "core.words": "Words label_table use_language",
    "counting.checks": "check_log",
    "datasets.planted": "plant_log write_planted",
    "datasets.worlds": "PlantedSegment WORLDS World",
    "drawing.pictures": "show_figure",
    "drawing.html": "show_table show_text",
    "engine.paths": "PathMixture",
    "reading.columns": "Mapping read_mapping",
    "reading.export": "read_export",
    "reporting.outputs": "save_audit",
    "reporting.page_one": "show_page_one",
    "reporting.report": "write_report",
    "reporting.book.workbook": "write_workbook",
    "sections": "list_sections",
    "sections.hypotheses.plans": (
        "list_plans look_at_plan propose_plans read_plans start_plan write_plans"
    ),
    "sections.new_funnel.draft": "draft_steps",
    "sections.paths.clusters": "cluster_segments",
    "sections.paths.segments": "assign_segments find_segments read_segments write_segments",
    "sections.section": "Section",
    "sections.stages.names": "audit_stages",
    "settings": "Settings collect_settings load_sample take_parameters",
}
_COUNT = {
    "core.groups": "list_groups name_segments",
    "comparing.decided": "find_decided",
    "counting.leads": "list_leads",
    "counting.moves": "list_moves",
    "counting.reach": "count_funnel",
    "sections.after_sale.count": "count_repeats",
    "sections.answers.count": "count_responses",
    "sections.asks.count": "count_asks",
    "sections.effort.count": "count_money find_money_ranges",
    "sections.groups.count": "compare_groups count_groups split_change",
    "sections.hypotheses.count": "build_hypotheses",
    "sections.hypotheses.readings": "count_trend label_periods read_before_after read_split",
    "sections.losses.count": "count_losses",
    "sections.necessity.count": "count_necessity",
    "sections.new_funnel.count": "build_blueprint",
    "sections.open_leads.count": "list_open_leads",
    "sections.paths.clusters": "measure_likeness",
    "sections.paths.count": (
        "compare_traits describe_segments find_examples list_path_steps list_sequences"
    ),
    "sections.paths.trust": "measure_trust",
    "sections.recognition.count": "count_recognised find_parting measure_facts",
    "sections.recording.count": "count_recording",
    "sections.rules.count": "count_rules",
    "sections.stages.count": (
        "check_pipeline count_pipeline count_reasons count_stage_by_step find_renamed list_stages"
    ),
    "sections.stages.names": "build_sheet",
    "sections.times.count": (
        "compare_ways count_cohorts count_pace count_standing count_times find_medians"
    ),
    "stats.incidence": "estimate_incidence",
    "stats.experiments": "find_valid_interval plan_size",
}
_TELL = {
    "reporting.page_one": "tell_page_one",
    "sections.after_sale.tell": "tell_after_sale tell_repeats",
    "sections.answers.tell": "tell_responses",
    "sections.asks.tell": "tell_asks tell_asks_by_step",
    "sections.effort.tell": "tell_effort",
    "sections.funnel.tell": "tell_funnel",
    "sections.groups.tell": "tell_change tell_comparison tell_groups",
    "sections.hypotheses.tell": "tell_hypotheses tell_start",
    "sections.hypotheses.tell_readings": "tell_before_after tell_split",
    "sections.losses.tell": "tell_losses tell_main_loss",
    "sections.necessity.tell": "tell_necessity",
    "sections.open_leads.tell": "tell_open_leads",
    "sections.outcomes.tell": "tell_outcomes",
    "sections.paths.tell": "tell_choice tell_likeness tell_path tell_segments tell_traits",
    "sections.quality.exports": "tell_export tell_sources",
    "sections.quality.tell": ("tell_assumed tell_limits tell_quality tell_reliability tell_unseen"),
    "sections.recognition.tell": "tell_facts tell_recognised",
    "sections.recording.tell": "tell_recording",
    "sections.rules.tell": "tell_rules",
    "sections.stages.names": "tell_stages",
    "sections.stages.tell": "tell_pipeline tell_renamed tell_stage_by_step",
    "sections.times.tell": "tell_cohorts tell_standing tell_times",
}
_DRAW = {
    "drawing.funnels": "plot_funnel",
    "drawing.heatmaps": "plot_matrix",
    "sections.after_sale.draw": "plot_after_sale",
    "sections.asks.draw": "plot_asks",
    "sections.effort.draw": "plot_effort",
    "sections.groups.draw": "plot_groups",
    "sections.hypotheses.cards": "show_hypotheses",
    "sections.necessity.draw": "plot_necessity",
    "sections.paths.cards": "show_cards",
    "sections.paths.draw": "show_sequences",
    "sections.rules.draw": "plot_rules",
    "sections.stages.draw": "picture_pipeline plot_pipeline",
    "sections.times.draw": "plot_cohorts plot_times",
}


def _find_homes(homes: dict[str, str]) -> dict[str, str]:
    return {name: home for home, names in homes.items() for name in names.split()}


def _load(name: str, homes: dict[str, str], space: str, known: dict):
    """Import a name's module and keep the name."""
    if name not in homes:
        raise AttributeError(f"module {space!r} has no attribute {name!r}")
    known[name] = getattr(import_module(f"funnel_lib.{homes[name]}"), name)
    return known[name]


class _Functions(ModuleType):
    """Functions of many rooms under one name, imported when first asked for."""

    def __init__(self, name: str, doc: str, homes: dict[str, str]):
        super().__init__(f"{__name__}.{name}", doc)
        self._homes = _find_homes(homes)
        self.__all__ = sorted(self._homes)
        sys.modules[self.__name__] = self

    def __getattr__(self, name: str):
        return _load(name, self.__dict__["_homes"], self.__name__, self.__dict__)

    def __dir__(self) -> list[str]:
        return self.__all__


count = _Functions("count", "Every table by itself, from journeys, groups or other tables.", _COUNT)
tell = _Functions("tell", "Every sentence by itself, from a table and the reader's words.", _TELL)
draw = _Functions("draw", "Every figure by itself, from a table and the reader's words.", _DRAW)

_HOME_OF = _find_homes(_HOMES)
__all__ = sorted([*_HOME_OF, "count", "draw", "tell"])


def __getattr__(name: str):
    if name == "__version__":
        from importlib.metadata import version

        return version("funnel-lib")
    return _load(name, _HOME_OF, __name__, globals())


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
