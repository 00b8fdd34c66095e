"""Can a client buy without a step?"""

from funnel_lib.sections.necessity.count import count_necessity
from funnel_lib.sections.necessity.tell import tell_necessity
from funnel_lib.sections.section import Section, draw_from, tell_from

NECESSITY = Section(
    "necessity",
    tables=("necessity",),
    of_steps=True,
    count=lambda s: {"necessity": count_necessity(s.journeys, s.segmentation)},
    tell=(tell_from(tell_necessity, "necessity"),),
    draw=draw_from("sections.necessity.draw.plot_necessity", "necessity"),
)
SECTIONS = (NECESSITY,)
