"""Does the way of counting matter?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.rules.count import count_rules
from funnel_lib.sections.rules.tell import tell_rules
from funnel_lib.sections.section import Section, Source, Tables


def _count(source: Source) -> Tables:
    within = source.settings.within
    return {"funnel_rules": source.count_each(
        lambda group: count_rules(source.journeys, within, group)
    )}  # fmt: skip


def _draw(source: Source, words: Words):
    from funnel_lib.sections.rules.draw import plot_rules

    return plot_rules(source.of_all["funnel_rules"], words)


RULES = Section(
    "rules",
    tables=("funnel_rules",),
    count=_count,
    tell=lambda source, words: tell_rules(
        source.of_all["funnel_rules"], source.settings.rule, words
    ),
    draw=_draw,
)
SECTIONS = (RULES,)
