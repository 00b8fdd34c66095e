"""How soon are clients answered, and how many attempts does it take to reach one?"""

from funnel_lib.sections.answers.count import count_responses
from funnel_lib.sections.answers.tell import label_managers, tell_responses
from funnel_lib.sections.section import Section, tell_from

ANSWERS = Section(
    "answers",
    tables=("responses",),
    count=lambda source: {"responses": count_responses(source.log, source.journeys)},
    tell=(tell_from(tell_responses, "responses"),),
    label=lambda source, words: {"responses": label_managers(source.tables["responses"], words)},
)
SECTIONS = (ANSWERS,)
