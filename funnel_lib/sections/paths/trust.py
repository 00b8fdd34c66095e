"""Are the segments to be trusted: how many there are, and whether they are found again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from funnel_lib.comparing.recording import Habits
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import Journeys
from funnel_lib.counting.variants import count_variants
from funnel_lib.engine.choose import PATTERN, STABLE, compare_with_fewer, measure_stability
from funnel_lib.engine.paths import PathMixture
from funnel_lib.sections.paths.fit import Fit, measure_fit
from funnel_lib.stats.differences import MOST_P


@dataclass(frozen=True)
class Trust:
    """How far segments are to be trusted."""

    segments: pd.DataFrame  # the table `segment_trust`; ``doubtful`` is also a p_null above 0.05
    choice: pd.DataFrame  # the table `segment_choice`
    fit: Fit


def measure_trust(
    segmentation: Segmentation,
    journeys: Journeys,
    *,
    n_null: int = 19,
    n_resamples: int = 10,
    seed: int = 0,
) -> Trust:
    """Are the segments there: against a log with one fewer, and among other leads?

    The segments must be freshly found among these journeys; of those read from a file, which are
    ``saved``, only the fit is questioned. `n_null` logs are simulated of the model with one segment
    fewer; `n_resamples` times, or fewer where these leave no doubt
    (`choose.measure_stability`), leads are drawn again and segments looked for from scratch. Cost:
    about n_null / 2 + n_resamples fits, spread over all cores where they take long.

    Examples
    --------
    >>> from funnel_lib.sections.paths.segments import find_segments
    >>> planted = plant_log("one", n_leads=300, seed=1)
    >>> journeys = build_journeys(build_log(planted.events, planted.leads),
    ...                           parse_steps(planted.steps_yaml))
    >>> measure_trust(find_segments(journeys), journeys).segments.trust.tolist()
    ['single']
    """
    n, model = len(segmentation.ids), segmentation.model
    cards = pd.DataFrame({"segment": segmentation.ids, "stability": np.nan, "p_null": np.nan})
    null_gains = np.array([])
    if n == 1:
        trust = ["no path" if segmentation.has_no_path else "single" if model else ""]
    elif model is None or not hasattr(model, "fewer_"):
        trust = ["saved"] * n
    else:
        variants = count_variants(journeys, model.pace)
        jaccard = measure_stability(
            model, variants.rows, variants.weight, variants.gaps, n_resamples, random_state=seed
        )
        cards["stability"] = jaccard.mean(axis=0)
        if null := compare_with_fewer(model, n_null, seed):
            cards["p_null"], null_gains = null.p, null.null_gains
        trust = _judge(cards)
    fit = measure_fit(segmentation, journeys, seed)
    cards = cards.assign(trust=pd.Series(trust, dtype="str"), share_badly=fit.badly)
    return Trust(cards, _argue(model, null_gains), fit)


def question_habits(trust: Trust, habits: Habits) -> Trust:
    """Is a path no client's, but a group's way to record: another one with steps left out, of one
    manager or team? Such a segment is of trust ``recording``."""
    paths = habits.paths
    mine = paths[(paths["whole"] >= 0) & paths["kind"].isin(["manager", "team"])]
    cards = trust.segments.copy()
    cards.loc[cards.index.isin(mine["segment"]), "trust"] = "recording"
    return replace(trust, segments=cards)


def _judge(cards: pd.DataFrame) -> np.ndarray:
    found_again = [cards["stability"] >= STABLE, cards["stability"] >= PATTERN]
    trust = np.select(found_again, ["stable", "pattern"], "doubtful")
    return np.where(cards["p_null"] > MOST_P, "doubtful", trust)


def _argue(model: PathMixture | None, null_gains: np.ndarray) -> pd.DataFrame:
    """List the numbers of segments tried, and what speaks for the chosen one."""
    scores = {} if model is None else model.scores_
    table = pd.DataFrame({
        "n_segments": np.array(list(scores), int),
        "description_length": np.array(list(scores.values()), float),
    })  # fmt: skip
    tried = table.set_index("n_segments")["description_length"]
    fewer = tried.reindex(tried.index - 1).to_numpy()
    chosen = table["n_segments"] == (len(model.paths_) if model else 0)
    worst = null_gains.max() if len(null_gains) else np.nan
    return table.assign(
        gain=fewer - table["description_length"],
        null_gain=np.where(chosen, worst, np.nan),
        chosen=chosen,
    )
