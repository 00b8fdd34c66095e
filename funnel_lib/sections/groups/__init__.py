"""Which managers, teams and sources sell worse than the others, and what does it cost?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.groups.count import count_groups
from funnel_lib.sections.groups.tell import tell_groups, tell_worst
from funnel_lib.sections.section import Section, Source, draw_from, tell_from


def _tell(source: Source, words: Words) -> str:
    return tell_groups(source.tables["groups"], words) or words.text("sentence.groups_one")


GROUPS = Section(
    "groups",
    tables=("groups",),
    count=lambda s: {"groups": count_groups(s.journeys, s.segmentation)},
    title=tell_from(tell_worst, "groups"),
    tell=(_tell,),
    draw=draw_from("sections.groups.draw.plot_groups", "groups"),
)
SECTIONS = (GROUPS,)
