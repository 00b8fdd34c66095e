"""What do buyers do after the sale, and who buys again?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.after_sale.count import count_repeats
from funnel_lib.sections.after_sale.tell import tell_after_sale, tell_repeats
from funnel_lib.sections.section import Section, Source


def _draw(source: Source, words: Words):
    from funnel_lib.sections.after_sale.draw import plot_after_sale

    return plot_after_sale(source.of_all["funnel"], words)


REPEATS = Section(
    "repeats",
    tables=("repeats",),
    count=lambda source: {"repeats": count_repeats(source.journeys, source.all_groups)},
    tell=lambda source, words: tell_repeats(source.tables["repeats"], words),
)
AFTER_SALE = Section(
    "after_sale",
    tell=lambda source, words: tell_after_sale(source.of_all["funnel"], words),
    draw=_draw,
    parts=(REPEATS,),
)
SECTIONS = (AFTER_SALE,)
