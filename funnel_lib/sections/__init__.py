"""The questions of the report, a room each, in the order in which it asks them."""

from functools import cache
from importlib import import_module

from funnel_lib.sections.section import Section

ROOMS = (
    "outcomes", "funnel", "tree", "losses", "asks", "groups", "hypotheses", "paths", "recognition",
    "times", "effort", "answers", "stages", "new_funnel", "open_leads", "necessity", "after_sale",
    "rules", "recording", "quality",
)  # fmt: skip


@cache
def list_sections() -> tuple[Section, ...]:
    """Every section, in the order of the report."""
    rooms = (import_module(f"{__name__}.{room}") for room in ROOMS)
    return tuple(section for room in rooms for section in room.SECTIONS)


def list_parts() -> dict[str, Section]:
    """Sections and their parts, by name."""
    return {part.name: part for section in list_sections() for part in section.walk()}
