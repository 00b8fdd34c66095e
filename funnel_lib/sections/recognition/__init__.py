"""How early can a segment be told, and by what?"""

from funnel_lib.sections.recognition.count import count_recognised, find_parting, measure_facts
from funnel_lib.sections.recognition.tell import tell_facts, tell_recognised
from funnel_lib.sections.section import Section, Source, Tables, from_tables


def _count(source: Source) -> Tables:
    return {
        "segment_recognised": count_recognised(source.journeys, source.segmentation),
        "segment_facts": measure_facts(source.journeys, source.segmentation),
        "segment_parting": find_parting(source.segmentation),
    }


RECOGNITION = Section(
    "recognition",
    tables=("segment_recognised", "segment_facts", "segment_parting"),
    count=_count,
    tell=(
        from_tables(tell_recognised, "segment_recognised", "segments", "segment_parting"),
        from_tables(tell_facts, "segment_facts"),
    ),
    shows=("segment_recognised", "segment_facts"),
)
SECTIONS = (RECOGNITION,)
