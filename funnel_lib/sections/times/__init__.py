"""How long does it take, do later months do as well, and who stands still?"""

from functools import partial

from funnel_lib.sections.section import Section, Source, Tables, from_tables
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
    steps, several = source.steps.before_sale, len(source.all_groups) > 1
    mixed = several & (times["segment"] == "all") & times["target"].isin(steps)
    return {"times": times, "time_to": find_medians(times[~mixed], source.tables.get("funnel"))}


COHORTS = Section(
    "cohorts",
    tables=("cohorts",),
    count=lambda source: {"cohorts": count_cohorts(source.journeys)},
    tell=(from_tables(tell_cohorts, "cohorts"),),
    draw=from_tables("sections.times.draw.plot_cohorts", "cohorts"),
)
STANDING = Section(
    "standing",
    tables=("standing",),
    count=lambda s: {"standing": count_standing(s.journeys, s.segmentation)},
    tell=(from_tables(tell_standing, "standing"),),
)
PACE = Section(
    "pace",
    tables=("pace",),
    count=lambda s: {"pace": count_pace(s.journeys, s.segmentation)},
)
TIMES = Section(
    "times",
    tables=("times", "time_to"),
    count=_count,
    tell=(from_tables(tell_times, "time_to"),),
    draw=from_tables("sections.times.draw.plot_times", "times"),
    shows=("time_to",),
    parts=(COHORTS, STANDING, PACE),
)
SECTIONS = (TIMES,)
