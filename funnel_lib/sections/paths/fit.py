"""Do the paths fit: what was not read as it stands, whom they explain badly, what is new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Segmentation, write_path
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.counting.values import code_quarters
from funnel_lib.counting.variants import Variants, count_variants, find_bulk
from funnel_lib.engine.paths import PathMixture
from funnel_lib.engine.question import find_new_path, measure_fitness
from funnel_lib.stats.differences import correct_p

FEWEST_OF_QUARTER = 50  # leads: of fewer no mix is told
MIX_P, LEAST_SHIFT = 0.001, 0.1  # a quarter's mix differs: beyond chance, and by so much


@dataclass(frozen=True)
class Fit:
    """How well paths fit a log."""

    fit: pd.DataFrame  # the table `segment_fit`; empty where segments come from no model
    recoded: pd.DataFrame  # the table `segment_recoded`, likewise
    mix: pd.DataFrame  # the table `segment_mix`; empty with a single segment
    badly: np.ndarray  # (n_segments,) share of each segment's leads that is badly explained


def measure_fit(segmentation: Segmentation, journeys: Journeys, seed: int = 0) -> Fit:
    """Do the paths describe the log better than what knows of no path, and whom not at all?

    Segments read from a file are questioned on the leads that they are given now: is there a path
    among them that the segments lack?

    Examples
    --------
    >>> from funnel_lib.sections.paths.segments import find_segments
    >>> planted = plant_log("one", n_leads=300, seed=1)
    >>> journeys = build_journeys(build_log(planted.events, planted.leads),
    ...                           parse_steps(planted.steps_yaml))
    >>> row = measure_fit(find_segments(journeys), journeys).fit.iloc[0]
    >>> bool(row["nats_paths"] < row["nats_chain"] < row["nats_independence"]), int(row["n_badly"])
    (True, 0)
    """
    model, mix = segmentation.model, count_mix(segmentation, journeys)
    if model is None:
        none = arrange("segment_fit"), arrange("segment_recoded")
        return Fit(*none, mix, np.full(len(segmentation.ids), np.nan))
    variants = count_variants(journeys, model.pace)
    weight = variants.weight
    found = measure_fitness(model, variants.rows, weight, seed)
    is_saved = not hasattr(model, "fewer_")
    new = find_new_path(model, variants.rows, weight, variants.gaps) if is_saved else None
    path = [segmentation.steps[code] for code in new.path.steps] if new else []
    row = {
        "n_leads": weight.sum(), "n_badly": weight @ found.badly,
        "share_badly": weight @ found.badly / weight.sum(), "share_usual": found.usual,
        "nats_paths": found.paths, "nats_chain": found.chain,
        "nats_independence": found.independence,
        "new_path": write_path(path, segmentation.blocks), "is_saved": is_saved,
        "share_new_path": new.path.weight if new else 0.0, "new_gain": new.gain if new else np.nan,
    }  # fmt: skip
    entered = variants.of_lead >= 0
    member = segmentation.memberships[entered]
    badly = found.badly[variants.of_lead[entered]] @ member / np.maximum(member.sum(axis=0), 1e-9)
    recoded = list_recoded(segmentation, journeys, model, variants)
    return Fit(arrange("segment_fit", [row]), recoded, mix, badly)


def list_recoded(
    segmentation: Segmentation, journeys: Journeys, model: PathMixture, variants: Variants
) -> pd.DataFrame:
    """What of the log is not read as it stands, where paths are looked for? The table
    `segment_recoded`."""
    ids, rows, made = segmentation.steps, variants.rows, model.recoding_
    rest = [("burst", [code], variants.weight @ _repeat(rows, code)) for code in made.bursts]
    long = ((rows >= 0).sum(axis=1) > made.longest) & (made.longest > 0)
    long &= (made.apply(rows, None)[0] >= 0).sum(axis=1) >= made.longest
    bulk = find_bulk(journeys)
    rest += [
        ("bulk", [code], len(np.unique(journeys.lead[bulk & (journeys.step == code)])))
        for code in np.unique(journeys.step[bulk])
    ]
    rest += [("endless", [], variants.weight @ long)] if long.any() else []
    for what, parts in (("together", made.together), ("block", made.list_blocks())):
        rest += [(what, part, variants.weight @ np.isin(rows, part).any(axis=1)) for part in parts]
    return arrange("segment_recoded", [
        {"recoded": what, "steps": " | ".join(ids[c] for c in codes if c < len(ids)),
         "n_leads": float(n)}
        for what, codes, n in rest
    ])  # fmt: skip


def _repeat(rows: np.ndarray, code: int) -> np.ndarray:
    """Which rows hold a step four times in a row?"""
    here = rows == code
    run = here[:, 3:] & here[:, 2:-1] & here[:, 1:-2] & here[:, :-3]
    return run.any(axis=1)


def count_mix(segmentation: Segmentation, journeys: Journeys) -> pd.DataFrame:
    """How large is each segment among the leads of each quarter? The table `segment_mix`; a quarter
    that differs from the others is told by a test of its mix (chi-square), Holm over quarters."""
    if len(segmentation.ids) == 1:
        return arrange("segment_mix")
    from scipy.stats import chi2_contingency

    (quarter, names), member = code_quarters(journeys), segmentation.memberships
    sizes = np.array([member[quarter == code].sum(axis=0) for code in range(len(names))])
    p, shift = np.ones(len(names)), np.zeros(sizes.shape)
    for i, own in enumerate(sizes):
        others = sizes.sum(axis=0) - own
        kept = own + others > 0
        if min(own.sum(), others.sum()) >= FEWEST_OF_QUARTER and kept.sum() > 1:
            p[i] = chi2_contingency(np.array([own, others])[:, kept]).pvalue
            shift[i] = own / own.sum() - others / others.sum()
    sure = correct_p(p) <= MIX_P
    rows = [
        {"quarter": q, "segment": segment, "n_leads": n, "share_of_quarter": n / own.sum(),
         "difference": change, "differs": bool(is_sure and abs(change) >= LEAST_SHIFT)}
        for q, own, change_, is_sure in zip(names, sizes, shift, sure, strict=True)
        for segment, n, change in zip(segmentation.ids, own, change_, strict=True)
    ]  # fmt: skip
    return arrange("segment_mix", rows)
