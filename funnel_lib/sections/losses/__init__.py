"""At which step not taken are leads lost, and was it ever proposed?"""

from funnel_lib.sections.losses.count import count_losses, list_lost
from funnel_lib.sections.losses.tell import tell_losses, tell_main_loss, tell_most_lost
from funnel_lib.sections.section import Section, tell_from

LOSSES = Section(
    "losses",
    tables=("losses",),
    count=lambda s: {"losses": count_losses(s.journeys, s.segmentation)},
    title=tell_from(tell_most_lost, "losses", "tree"),
    tell=(tell_from(tell_main_loss, "losses", "tree"), tell_from(tell_losses, "losses")),
    list_leads=list_lost,
    of_steps=True,
    opens=("missed_step", "n_lost", "n_not_asked", "n_asked", "share_of_lost", "amount_lost"),
)
SECTIONS = (LOSSES,)
