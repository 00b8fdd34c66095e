"""At which step not taken are leads lost, and was it ever proposed?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.losses.count import count_alike, count_losses, list_lost
from funnel_lib.sections.losses.tell import tell_losses, tell_main_loss, tell_most_lost
from funnel_lib.sections.section import Section, Source, Tables, from_tables


def _label(source: Source, words: Words) -> Tables:
    """The places at which anybody is lost, each with the paths that it is of, where there are
    several."""
    losses, tree = source.tables["losses"], source.tables["tree"]
    lost = losses["n_lost"] >= 0.5
    table = losses[lost] if lost.any() else losses
    if tree["segments"].nunique() > 1:
        paths = tree.set_index("node")["segments"]
        table = table.assign(segments=table["node"].map(paths))
    return {"losses": table}


_ALIKE = {"alike": lambda source: source.tables["losses_alike"]}
_SHOWN = (
    "segments", "missed_step", "n_lost", "n_not_asked", "n_asked", "share_of_lost", "amount_lost",
)  # fmt: skip
LOSSES = Section(
    "losses",
    tables=("losses", "losses_alike"),
    shows=("losses",),
    count=lambda s: {
        "losses": count_losses(s.journeys, s.segmentation),
        "losses_alike": count_alike(s.journeys, s.segmentation),
    },
    title=from_tables(tell_most_lost, "losses", "tree", **_ALIKE),
    tell=(
        from_tables(tell_main_loss, "losses", "tree", **_ALIKE),
        from_tables(tell_losses, "losses", **_ALIKE),
    ),
    list_leads=list_lost,
    of_steps=True,
    label=_label,
    opens=_SHOWN,
)
SECTIONS = (LOSSES,)
