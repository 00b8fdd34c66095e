"""Can a client buy without a step?"""

from functools import partial

from funnel_lib.core.words import Words
from funnel_lib.sections.necessity.count import count_necessity
from funnel_lib.sections.necessity.tell import tell_necessity
from funnel_lib.sections.section import Section, Source, Tables


def _count(source: Source) -> Tables:
    return {"necessity": source.count_each(partial(count_necessity, source.journeys))}


def _draw(source: Source, words: Words):
    from funnel_lib.sections.necessity.draw import plot_necessity

    return plot_necessity(source.of_all["necessity"], words)


NECESSITY = Section(
    "necessity",
    tables=("necessity",),
    count=_count,
    tell=lambda source, words: tell_necessity(source.of_all["necessity"], words),
    draw=_draw,
)
SECTIONS = (NECESSITY,)
