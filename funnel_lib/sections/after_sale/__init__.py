"""What do buyers do after the sale, and who buys again?"""

from funnel_lib.core.times import read_window
from funnel_lib.core.words import Words
from funnel_lib.counting.reach import find_horizon_after
from funnel_lib.sections.after_sale.count import count_repeats
from funnel_lib.sections.after_sale.tell import tell_after_sale, tell_repeats
from funnel_lib.sections.section import Section, Source, Tables, draw_from


def _count_repeats(source: Source) -> Tables:
    within = source.settings.within
    return {"repeats": count_repeats(source.journeys, source.all_groups, within)}


def _find_horizon(source: Source) -> int:
    return find_horizon_after(read_window(source.settings.within))


def _tell_repeats(source: Source, words: Words) -> str:
    return tell_repeats(*source.take_all("repeats"), words, _find_horizon(source))


def _tell_after_sale(source: Source, words: Words) -> str:
    (funnel,) = source.take_all("funnel")
    return tell_after_sale(funnel, words, source.steps.repeat, _find_horizon(source))


REPEATS = Section("repeats", tables=("repeats",), count=_count_repeats, tell=(_tell_repeats,))
AFTER_SALE = Section(
    "after_sale",
    tell=(_tell_after_sale,),
    draw=draw_from("sections.after_sale.draw.plot_after_sale", "funnel"),
    parts=(REPEATS,),
)
SECTIONS = (AFTER_SALE,)
