"""Where does effort go, and where does money come from?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.effort.count import count_money, find_money_ranges
from funnel_lib.sections.effort.tell import tell_effort
from funnel_lib.sections.section import Section, Source, Tables, tell_from


def _count(source: Source) -> Tables:
    given = source.log, source.journeys, source.all_groups
    ranges = find_money_ranges(*given, source.settings.seed)
    return {"value": count_money(*given), "value_ranges": ranges}


def _draw(source: Source, words: Words):
    from funnel_lib.sections.effort.draw import plot_effort

    return plot_effort(source.tables["value_ranges"], words, names=source.name_segments())


EFFORT = Section(
    "effort",
    tables=("value", "value_ranges"),
    count=_count,
    tell=(tell_from(tell_effort, "value", "value_ranges", "segments"),),
    draw=_draw,
    shows=("value",),
)
SECTIONS = (EFFORT,)
