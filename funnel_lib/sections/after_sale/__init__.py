"""What do buyers do after the sale, and who buys again?"""

from funnel_lib.sections.after_sale.count import count_repeats
from funnel_lib.sections.after_sale.tell import tell_after_sale, tell_repeats
from funnel_lib.sections.section import Section, draw_from, tell_from

REPEATS = Section(
    "repeats",
    tables=("repeats",),
    count=lambda source: {"repeats": count_repeats(source.journeys, source.all_groups)},
    tell=(tell_from(tell_repeats, "repeats"),),
)
AFTER_SALE = Section(
    "after_sale",
    tell=(tell_from(tell_after_sale, "funnel"),),
    draw=draw_from("sections.after_sale.draw.plot_after_sale", "funnel"),
    parts=(REPEATS,),
)
SECTIONS = (AFTER_SALE,)
