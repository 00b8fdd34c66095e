"""At which step not taken are leads lost, and was it ever proposed?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.losses.count import count_alike, count_losses, list_lost
from funnel_lib.sections.losses.tell import tell_losses, tell_main_loss, tell_most_lost
from funnel_lib.sections.section import Section, Source, Tables


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


def _tell_most(source: Source, words: Words) -> str:
    losses, tree, alike = source.take_all("losses", "tree", "losses_alike")
    return tell_most_lost(losses, tree, words, alike)


def _tell_main(source: Source, words: Words) -> str:
    losses, tree, alike = source.take_all("losses", "tree", "losses_alike")
    return tell_main_loss(losses, tree, words, alike)


def _tell_asked(source: Source, words: Words) -> str:
    losses, alike = source.take_all("losses", "losses_alike")
    return tell_losses(losses, words, alike)


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
    title=_tell_most,
    tell=(_tell_main, _tell_asked),
    list_leads=list_lost,
    of_steps=True,
    label=_label,
    opens=_SHOWN,
)
SECTIONS = (LOSSES,)
