"""How early can a segment be told, and by what?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.recognition.count import count_recognised, find_parting, measure_facts
from funnel_lib.sections.recognition.tell import tell_facts, tell_recognised
from funnel_lib.sections.section import Section, Source, Tables


def _count(source: Source) -> Tables:
    return {
        "segment_recognised": count_recognised(source.journeys, source.segmentation),
        "segment_facts": measure_facts(source.journeys, source.segmentation),
        "segment_parting": find_parting(source.segmentation),
    }


def _tell(source: Source, words: Words) -> list[str]:
    tables = source.tables
    recognised, segments = tables["segment_recognised"], tables["segments"]
    return [
        *tell_recognised(recognised, segments, tables["segment_parting"], words),
        tell_facts(tables["segment_facts"], words),
    ]


RECOGNITION = Section(
    "recognition",
    tables=("segment_recognised", "segment_facts", "segment_parting"),
    count=_count,
    tell=_tell,
    shows=("segment_recognised", "segment_facts"),
)
SECTIONS = (RECOGNITION,)
