"""How long does it take, do later months do as well, and who stands still?"""

from functools import partial

from funnel_lib.core.words import Words
from funnel_lib.sections.section import Section, Source, Tables
from funnel_lib.sections.times.count import (
    count_cohorts,
    count_pace,
    count_standing,
    count_times,
    find_medians,
)
from funnel_lib.sections.times.tell import tell_cohorts, tell_standing, tell_times


def _count(source: Source) -> Tables:
    times = source.count_each(partial(count_times, source.journeys))
    return {"times": times, "time_to": find_medians(times)}


def _draw(source: Source, words: Words):
    from funnel_lib.sections.times.draw import plot_times

    names = source.tables["segments"].set_index("segment")["name"].to_dict()
    return plot_times(source.tables["times"], words, names=names)


def _draw_cohorts(source: Source, words: Words):
    from funnel_lib.sections.times.draw import plot_cohorts

    return plot_cohorts(source.tables["cohorts"], words)


COHORTS = Section(
    "cohorts",
    tables=("cohorts",),
    count=lambda source: {"cohorts": count_cohorts(source.journeys)},
    tell=lambda source, words: tell_cohorts(source.tables["cohorts"], words),
    draw=_draw_cohorts,
)
STANDING = Section(
    "standing",
    tables=("standing",),
    count=lambda source: {"standing": source.count_each(partial(count_standing, source.journeys))},
    tell=lambda source, words: tell_standing(source.of_all["standing"], words),
)
PACE = Section(
    "pace",
    tables=("pace",),
    count=lambda source: {"pace": source.count_each(partial(count_pace, source.journeys))},
)
TIMES = Section(
    "times",
    tables=("times", "time_to"),
    count=_count,
    tell=lambda source, words: tell_times(source.of_all["time_to"], words),
    draw=_draw,
    shows=("time_to",),
    parts=(COHORTS, STANDING, PACE),
)
SECTIONS = (TIMES,)
