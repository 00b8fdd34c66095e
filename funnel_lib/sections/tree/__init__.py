"""Where on their own paths do clients stop?"""

from funnel_lib.sections.section import Section, from_tables
from funnel_lib.sections.tree.count import count_tree
from funnel_lib.sections.tree.tell import tell_tree

TREE = Section(
    "tree",
    tables=("tree",),
    count=lambda source: {"tree": count_tree(source.journeys, source.segmentation)},
    tell=(from_tables(tell_tree, "tree"),),
    draw=from_tables(
        "sections.tree.draw.show_tree", "tree", asks=lambda source: source.tables["asks"]
    ),
    of_steps=True,
)
SECTIONS = (TREE,)
