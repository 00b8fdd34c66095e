"""Where does effort go, and where does money come from?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.effort.count import count_money, find_money_ranges
from funnel_lib.sections.effort.tell import tell_effort
from funnel_lib.sections.section import Section, Source, Tables


def _count(source: Source) -> Tables:
    given = source.log, source.journeys, source.all_groups
    return {
        "value": count_money(*given),
        "value_ranges": find_money_ranges(*given, source.settings.seed),
    }


def _tell(source: Source, words: Words) -> str:
    tables = source.tables
    return tell_effort(tables["value"], tables["value_ranges"], tables["segments"], words)


def _draw(source: Source, words: Words):
    from funnel_lib.sections.effort.draw import plot_effort

    names = source.tables["segments"].set_index("segment")["name"].to_dict()
    return plot_effort(source.tables["value_ranges"], words, names=names)


EFFORT = Section(
    "effort",
    tables=("value", "value_ranges"),
    count=_count,
    tell=_tell,
    draw=_draw,
    shows=("value",),
)
SECTIONS = (EFFORT,)
