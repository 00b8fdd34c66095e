"""Which steps do clients take, and where does the funnel narrow?"""

from funnel_lib.core.words import Words
from funnel_lib.counting.reach import count_funnel
from funnel_lib.sections.funnel.tell import tell_funnel
from funnel_lib.sections.section import Section, Source, Tables


def _count(source: Source) -> Tables:
    given = source.settings
    return {"funnel": source.count_each(
        lambda group: count_funnel(source.journeys, given.rule, given.within, group)
    )}  # fmt: skip


def _draw(source: Source, words: Words):
    from funnel_lib.drawing.funnels import plot_funnel

    return plot_funnel(source.of_all["funnel"], words)


FUNNEL = Section(
    "funnel",
    tables=("funnel",),
    count=_count,
    tell=lambda source, words: tell_funnel(source.of_all["funnel"], words),
    draw=_draw,
)
SECTIONS = (FUNNEL,)
