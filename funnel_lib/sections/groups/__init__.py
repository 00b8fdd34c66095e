"""Which managers, teams and sources sell worse than the others, and what does it cost?"""

from funnel_lib.core.journeys import Journeys
from funnel_lib.core.words import Words
from funnel_lib.sections.groups.count import compare_groups, count_groups, split_change
from funnel_lib.sections.groups.tell import tell_change, tell_comparison, tell_groups, tell_worst
from funnel_lib.sections.section import Section, Source, from_tables


def _tell(source: Source, words: Words) -> str:
    return tell_groups(source.tables["groups"], words) or words.text("sentence.groups_one")


GROUPS = Section(
    "groups",
    tables=("groups",),
    count=lambda s: {"groups": count_groups(s.journeys, s.segmentation)},
    title=from_tables(tell_worst, "groups"),
    tell=(_tell,),
    draw=from_tables("sections.groups.draw.plot_groups", "groups"),
)
SECTIONS = (GROUPS,)


def _compare(source: Source, by: str = "manager", within: str = "") -> Source:
    compared = compare_groups(source.journeys, by, source.segmentation, within)
    return source.add({"group_comparison": compared})


def _split(
    source: Source,
    by: str,
    before: str,
    after: str,
    within: str = "",
    journeys: Journeys | None = None,
) -> Source:
    """What changed between two values of a column; of `journeys`, where they are given."""
    of = source.journeys if journeys is None else journeys
    change = split_change(of, source.segmentation, by, before, after, within)
    return source.add({"change": change})


ASKED = (
    Section(
        "comparison",
        tables=("group_comparison",),
        ask=_compare,
        tell=(from_tables(tell_comparison, "group_comparison"),),
    ),
    Section("change", tables=("change",), ask=_split, tell=(from_tables(tell_change, "change"),)),
)
