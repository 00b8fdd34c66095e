"""What the tables of `make prove` share."""

from __future__ import annotations

from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import parse_steps
from funnel_lib.datasets.planted import plant_log
from funnel_lib.datasets.worlds import World


def write_head(names: list[str]) -> list[str]:
    """The two first lines of a table."""
    return [show_row(*names), "|---" * len(names) + "|"]


def show_row(*cells: str) -> str:
    """One line of a table."""
    return "| " + " | ".join(cells) + " |"


def plant_journeys(world: World, n_leads: int, seed: int):
    """Plant a log: its journeys, and the segment of each lead."""
    planted = plant_log(world, n_leads, seed)
    log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    segment = planted.truth_leads.set_index("lead_id")["segment"]
    return journeys, segment[journeys.leads["lead_id"]].to_numpy()
