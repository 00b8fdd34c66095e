"""Can a client buy without a step?"""

from funnel_lib.sections.necessity.count import count_necessity
from funnel_lib.sections.necessity.tell import tell_necessity
from funnel_lib.sections.section import Section, from_tables

NECESSITY = Section(
    "necessity",
    tables=("necessity",),
    of_steps=True,
    count=lambda s: {"necessity": count_necessity(s.journeys, s.segmentation)},
    tell=(from_tables(tell_necessity, "necessity"),),
    draw=from_tables("sections.necessity.draw.plot_necessity", "necessity"),
)
SECTIONS = (NECESSITY,)
