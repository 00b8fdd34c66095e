"""Does proposing the next step help?"""

from funnel_lib.sections.asks.count import count_asks
from funnel_lib.sections.asks.tell import tell_asks_by_step
from funnel_lib.sections.section import Section, draw_from, tell_from

ASKS = Section(
    "asks",
    tables=("asks",),
    of_steps=True,
    count=lambda s: {"asks": count_asks(s.journeys, s.segmentation, seed=s.settings.seed)},
    tell=(tell_from(tell_asks_by_step, "asks"),),
    draw=draw_from("sections.asks.draw.plot_asks", "asks"),
)
SECTIONS = (ASKS,)
