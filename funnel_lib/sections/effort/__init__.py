"""Where does effort go, and where does money come from?"""

from funnel_lib.sections.effort.count import count_money, find_money_ranges
from funnel_lib.sections.effort.tell import tell_effort
from funnel_lib.sections.section import Section, Source, Tables, from_tables


def _count(source: Source) -> Tables:
    given = source.log, source.journeys, source.all_groups
    ranges = find_money_ranges(*given, source.settings.seed)
    return {"value": count_money(*given), "value_ranges": ranges}


EFFORT = Section(
    "effort",
    tables=("value", "value_ranges"),
    count=_count,
    tell=(from_tables(tell_effort, "value", "value_ranges", "segments"),),
    draw=from_tables("sections.effort.draw.plot_effort", "value_ranges"),
    shows=("value",),
)
SECTIONS = (EFFORT,)
