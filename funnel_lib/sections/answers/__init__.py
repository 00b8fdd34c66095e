"""How soon are clients answered, and how many attempts does it take to reach one?"""

from funnel_lib.core.tables import list_columns
from funnel_lib.core.words import Words
from funnel_lib.sections.answers.count import count_responses
from funnel_lib.sections.answers.tell import label_managers, tell_responses
from funnel_lib.sections.section import Section, Source, Tables, from_tables


def _label(source: Source, words: Words) -> Tables:
    """Answers, and attempts to reach a client: one table would be too wide to read."""
    rows, columns = label_managers(source.tables["responses"], words), list_columns("responses")
    at = columns.index("n_tried")
    return {"responses": rows[columns[:at]], "attempts": rows[["manager", *columns[at:]]]}


ANSWERS = Section(
    "answers",
    tables=("responses",),
    count=lambda source: {"responses": count_responses(source.log, source.journeys)},
    tell=(from_tables(tell_responses, "responses"),),
    shows=("responses", "attempts"),
    label=_label,
)
SECTIONS = (ANSWERS,)
