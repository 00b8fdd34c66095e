"""At which step not taken are leads lost, and was it ever proposed?"""

from funnel_lib.sections.losses.count import count_losses, list_lost
from funnel_lib.sections.losses.tell import tell_losses, tell_main_loss
from funnel_lib.sections.section import Section, count_each, draw_from, tell_from

LOSSES = Section(
    "losses",
    tables=("losses",),
    count=count_each(losses=count_losses),
    tell=(tell_from(tell_main_loss, "losses", "funnel"), tell_from(tell_losses, "losses")),
    draw=draw_from("sections.losses.draw.plot_losses", "losses"),
    list_leads=list_lost,
)
SECTIONS = (LOSSES,)
