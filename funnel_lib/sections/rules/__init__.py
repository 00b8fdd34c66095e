"""Does the way of counting matter?"""

from functools import partial

from funnel_lib.sections.rules.count import count_rules
from funnel_lib.sections.rules.tell import tell_rules
from funnel_lib.sections.section import Section, Source, Tables, from_tables


def _count(source: Source) -> Tables:
    count = partial(count_rules, source.journeys, source.settings.within)
    return {"funnel_rules": source.count_each(count)}


RULES = Section(
    "rules",
    tables=("funnel_rules",),
    of_steps=True,
    count=_count,
    tell=(lambda s, words: tell_rules(*s.take_all("funnel_rules"), s.settings.rule, words),),
    draw=from_tables("sections.rules.draw.plot_rules", "funnel_rules"),
)
SECTIONS = (RULES,)
