"""How soon are clients answered, and how many attempts does it take to reach one?"""

from funnel_lib.sections.answers.count import count_responses
from funnel_lib.sections.answers.tell import label_managers, tell_responses
from funnel_lib.sections.section import Section

ANSWERS = Section(
    "answers",
    tables=("responses",),
    count=lambda source: {"responses": count_responses(source.log, source.journeys)},
    tell=lambda source, words: tell_responses(source.tables["responses"], words),
    label=lambda source, words: {"responses": label_managers(source.tables["responses"], words)},
)
SECTIONS = (ANSWERS,)
