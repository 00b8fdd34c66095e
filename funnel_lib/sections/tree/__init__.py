"""Where on their own paths do clients stop?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.section import Section, Source, tell_from
from funnel_lib.sections.tree.count import count_tree
from funnel_lib.sections.tree.tell import tell_tree


def _draw(source: Source, words: Words):
    from funnel_lib.sections.tree.draw import show_tree

    return show_tree(source.tables["tree"], words, *source.take_all("asks"))


TREE = Section(
    "tree",
    tables=("tree",),
    count=lambda source: {"tree": count_tree(source.journeys, source.segmentation)},
    tell=(tell_from(tell_tree, "tree"),),
    draw=_draw,
    of_steps=True,
)
SECTIONS = (TREE,)
