"""What do buyers do after the sale, and who buys again?"""

from funnel_lib.core.times import read_window
from funnel_lib.counting.reach import find_horizon_after
from funnel_lib.sections.after_sale.count import count_repeats
from funnel_lib.sections.after_sale.tell import tell_after_sale, tell_repeats
from funnel_lib.sections.section import Section, Source, from_tables


def _find_horizon(source: Source) -> int:
    return find_horizon_after(read_window(source.settings.within))


REPEATS = Section(
    "repeats",
    tables=("repeats",),
    count=lambda s: {"repeats": count_repeats(s.journeys, s.all_groups, s.settings.within)},
    tell=(from_tables(tell_repeats, "repeats", horizon=_find_horizon),),
)
AFTER_SALE = Section(
    "after_sale",
    tell=(
        from_tables(
            tell_after_sale, "funnel", repeat=lambda s: s.steps.repeat, horizon=_find_horizon
        ),
    ),
    draw=from_tables("sections.after_sale.draw.plot_after_sale", "funnel"),
    parts=(REPEATS,),
)
SECTIONS = (AFTER_SALE,)
