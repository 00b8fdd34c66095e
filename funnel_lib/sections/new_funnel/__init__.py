"""Which funnel should stand in the CRM?"""

from funnel_lib.core.html import Html, render
from funnel_lib.core.words import Words
from funnel_lib.drawing.html import show_table
from funnel_lib.sections.new_funnel.count import build_blueprint
from funnel_lib.sections.new_funnel.tell import tell_ahead
from funnel_lib.sections.section import Section, Source, from_tables

_COLUMNS = ("name", "criterion", "recorded", "help", "old_stages", "share_of_entered")


def _draw(source: Source, words: Words) -> Html:
    """A table a path, in human words."""
    table = build_blueprint(source.tables, source.steps, words)
    parts = []
    for segment, rows in table.groupby("segment", sort=False):
        rows = rows.assign(name=[f"{row.position}. {row.name}" for row in rows.itertuples(False)])
        shown = [c for c in _COLUMNS if (rows[c].notna() & (rows[c] != "")).any()]
        title = words.value("segment", segment) if table["segment"].nunique() > 1 else ""
        parts.append((title, show_table(rows, words, shown, name="new_funnel")))
    return render("tables", tables=parts)


NEW_FUNNEL = Section(
    "new_funnel",
    title=from_tables(tell_ahead, "leads"),
    draw=_draw,
    label=lambda s, words: {"new_funnel": build_blueprint(s.tables, s.steps, words)},
    shows=("new_funnel",),
)
SECTIONS = (NEW_FUNNEL,)
