"""At which step not taken are leads lost, and was it ever proposed?"""

from funnel_lib.sections.losses.count import count_losses, list_lost
from funnel_lib.sections.losses.tell import tell_losses, tell_main_loss
from funnel_lib.sections.section import Section, tell_from

LOSSES = Section(
    "losses",
    tables=("losses",),
    count=lambda s: {"losses": count_losses(s.journeys, s.segmentation)},
    tell=(tell_from(tell_main_loss, "losses", "tree"), tell_from(tell_losses, "losses")),
    list_leads=list_lost,
)
SECTIONS = (LOSSES,)
