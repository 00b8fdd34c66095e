"""Which managers, teams and sources sell worse than the others, and what does it cost?"""

from funnel_lib.sections.groups.count import count_groups
from funnel_lib.sections.groups.tell import tell_groups
from funnel_lib.sections.section import Section, draw_from, tell_from

GROUPS = Section(
    "groups",
    tables=("groups",),
    count=lambda s: {"groups": count_groups(s.journeys, s.segmentation)},
    tell=(tell_from(tell_groups, "groups"),),
    draw=draw_from("sections.groups.draw.plot_groups", "groups"),
)
SECTIONS = (GROUPS,)
