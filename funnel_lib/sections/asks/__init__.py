"""Does proposing the next step help?"""

from funnel_lib.sections.asks.count import count_asks
from funnel_lib.sections.asks.tell import tell_asks_by_step
from funnel_lib.sections.section import Section, from_tables

ASKS = Section(
    "asks",
    tables=("asks",),
    of_steps=True,
    count=lambda s: {"asks": count_asks(s.journeys, s.segmentation, seed=s.settings.seed)},
    tell=(from_tables(tell_asks_by_step, "asks"),),
    draw=from_tables("sections.asks.draw.plot_asks", "asks"),
)
SECTIONS = (ASKS,)
