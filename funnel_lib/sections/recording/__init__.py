"""Who records otherwise than the others, so that it cannot be compared?"""

from funnel_lib.comparing.recording import find_habits
from funnel_lib.core.words import Words
from funnel_lib.sections.recording.count import count_recording
from funnel_lib.sections.recording.tell import tell_group_paths, tell_recording
from funnel_lib.sections.section import Section, Source, from_tables


def _tell_paths(source: Source, words: Words) -> list[str]:
    habits = find_habits(source.journeys, source.segmentation)
    return tell_group_paths(habits.paths, source.segmentation.ids, words)


RECORDING = Section(
    "recording",
    tables=("recording",),
    count=lambda s: {"recording": count_recording(s.journeys, s.segmentation)},
    tell=(from_tables(tell_recording, "recording"), _tell_paths),
)
SECTIONS = (RECORDING,)
