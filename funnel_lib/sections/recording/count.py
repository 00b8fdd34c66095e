"""Count what managers, teams, sources and quarters record."""

from __future__ import annotations

import pandas as pd

from funnel_lib.comparing.recording import find_habits
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange


def count_recording(journeys: Journeys, segmentation: Segmentation | None = None) -> pd.DataFrame:
    """Who records otherwise than the others? The table `recording`, as of `recording.find_habits`.

    Examples
    --------
    >>> planted = plant_log("one", n_leads=500, seed=1)
    >>> log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    >>> count_recording(build_journeys(log, parse_steps(planted.steps_yaml)))["differs"].any()
    np.False_
    """
    table = arrange("recording", find_habits(journeys, segmentation).table)
    return table.sort_values("differs", ascending=False, kind="stable", ignore_index=True)
