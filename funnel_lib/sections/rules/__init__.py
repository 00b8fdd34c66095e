"""Does the way of counting matter?"""

from functools import partial

from funnel_lib.core.words import Words
from funnel_lib.sections.rules.count import count_rules
from funnel_lib.sections.rules.tell import tell_rules
from funnel_lib.sections.section import Section, Source, Tables, from_tables


def _count(source: Source) -> Tables:
    count = partial(count_rules, source.journeys, source.settings.within)
    return {"funnel_rules": source.count_each(count)}


def _tell(source: Source, words: Words) -> str:
    return tell_rules(*source.take_all("funnel_rules"), source.settings.rule, words)


RULES = Section(
    "rules",
    tables=("funnel_rules",),
    of_steps=True,
    count=_count,
    tell=(_tell,),
    draw=from_tables("sections.rules.draw.plot_rules", "funnel_rules"),
)
SECTIONS = (RULES,)
