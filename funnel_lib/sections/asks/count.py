"""Count whether proposing the next step goes with going on."""

from __future__ import annotations

import pandas as pd

from funnel_lib.comparing.asks import compare_asked
from funnel_lib.comparing.recording import find_habits
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.counting.tree import find_places


def count_asks(
    journeys: Journeys, segmentation: Segmentation | None = None, seed: int = 0
) -> pd.DataFrame:
    """Of leads still undecided when the next step was proposed, do more go on than of those to whom
    it was not yet? The table `asks`; see `asks.compare_asked`. By the seed accounts are dealt to
    the blocks of the jackknife.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": [*"aaabbbccc"],
    ...     "action": ["ask", "send", "read", "ask", "gone", "send", "ask", "note", "gone"],
    ...     "at": pd.to_datetime([f"2025-01-{d:02}" for d in (1, 3, 4, 1, 2, 6, 1, 4, 8)])}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "read", "asked_by": ["send"]}, {"id": "pay"}],
    ...               won="pay", lost=["gone"])
    >>> table = count_asks(build_journeys(log, steps))  # b was lost before it was asked
    >>> table[["landmark_days", "n_asked", "n_asked_went_on", "n_not_asked"]].values.tolist()
    [[2.0, 1.0, 1.0, 1.0]]
    """
    leads = find_habits(journeys, segmentation).comparable
    places = find_places(journeys, segmentation)
    return arrange("asks", compare_asked(journeys, places, leads, seed))
