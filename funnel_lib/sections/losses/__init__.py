"""At which step not taken are leads lost, and was it ever proposed?"""

from functools import partial

from funnel_lib.core.words import Words
from funnel_lib.sections.losses.count import count_losses, list_lost
from funnel_lib.sections.losses.tell import tell_losses, tell_main_loss
from funnel_lib.sections.section import Section, Source, Tables


def _count(source: Source) -> Tables:
    return {"losses": source.count_each(partial(count_losses, source.journeys))}


def _tell(source: Source, words: Words) -> list[str]:
    losses, funnel = source.of_all["losses"], source.of_all["funnel"]
    return [tell_main_loss(losses, funnel, words), tell_losses(losses, words)]


def _draw(source: Source, words: Words):
    from funnel_lib.sections.losses.draw import plot_losses

    return plot_losses(source.of_all["losses"], words)


LOSSES = Section(
    "losses", tables=("losses",), count=_count, tell=_tell, draw=_draw, list_leads=list_lost
)
SECTIONS = (LOSSES,)
