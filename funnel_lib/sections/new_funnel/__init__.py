"""Which funnel should stand in the CRM?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.new_funnel.count import build_blueprint
from funnel_lib.sections.section import Section, Source, Tables


def _label(source: Source, words: Words) -> Tables:
    return {"new_funnel": build_blueprint(source.tables, source.steps, words)}


NEW_FUNNEL = Section("new_funnel", label=_label, shows=("new_funnel",))
SECTIONS = (NEW_FUNNEL,)
