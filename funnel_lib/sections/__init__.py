"""The questions of the report, a room each, in the order in which they are counted."""

from functools import cache
from importlib import import_module

from funnel_lib.sections.section import Section

ROOMS = (
    "outcomes", "funnel", "tree", "losses", "asks", "groups", "hypotheses", "paths", "recognition",
    "times", "effort", "answers", "stages", "new_funnel", "open_leads", "necessity", "after_sale",
    "rules", "recording", "quality",
)  # fmt: skip
# What a head of sales reads, in this order; the rest is for the analyst.
MAIN = ("losses", "open_leads", "paths", "groups", "new_funnel", "hypotheses")


@cache
def list_sections() -> tuple[Section, ...]:
    """Every section, in the order in which they count: each from the tables of those before."""
    rooms = (import_module(f"{__name__}.{room}") for room in ROOMS)
    return tuple(section for room in rooms for section in room.SECTIONS)


def list_questions() -> tuple[Section, ...]:
    """The sections that the report asks, in its order: the main part, then the appendix."""
    asked = {section.name: section for section in list_sections() if section.has_heading}
    return tuple({name: asked[name] for name in (*MAIN, *asked)}.values())


def list_answers() -> dict[str, Section]:
    """All that an audit answers: sections, their parts, and what only notebooks ask, by name."""
    rooms = (import_module(f"{__name__}.{room}") for room in ROOMS)
    asked = [section for room in rooms for section in getattr(room, "ASKED", ())]
    return list_parts() | {section.name: section for section in asked}


def list_parts() -> dict[str, Section]:
    """Sections and their parts, by name."""
    return {part.name: part for section in list_sections() for part in section.walk()}
