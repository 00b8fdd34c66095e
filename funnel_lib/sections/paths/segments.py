"""Find segments, use them for other leads, keep and read them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path as FilePath

import numpy as np

from funnel_lib.core.errors import InputError
from funnel_lib.core.groups import (
    FEWEST_LEADS,
    FEWEST_STEPS,
    SKIPPED_OFTEN,
    Segmentation,
    keep_together,
)
from funnel_lib.core.journeys import Journeys
from funnel_lib.counting.variants import Variants, count_variants
from funnel_lib.engine.paths import PathMixture

_NO_MODEL = "segments of another clusterer cannot be used for other leads; use find_segments"


def find_segments(
    journeys: Journeys, n_segments: int | None = None, *, pace: bool = False, seed: int = 0
) -> Segmentation:
    """Which paths do clients take, and which does each lead walk?

    Only steps up to the first sale count, and neither outcome nor product nor amount nor manager is
    looked at. The same seed gives the same segments, whatever the order of rows or the ids of
    leads. With fewer than 50 leads that entered, or fewer than two measurable steps, none is tried:
    all leads are one segment, and `why_not` has the reason.

    Parameters
    ----------
    n_segments : None chooses from 1 to 10 by description length; 1 means no segments
    pace : whether leads of one path may be parted by their waits (hours, days, weeks), too, where
        that pays its way by the same criterion

    Raises `InputError` for more segments than there are distinct journeys, or different paths.

    Examples
    --------
    >>> planted = plant_log("clean", n_leads=1000, seed=1)
    >>> journeys = build_journeys(build_log(planted.events, planted.leads),
    ...                           parse_steps(planted.steps_yaml))
    >>> found = find_segments(journeys)
    >>> found.ids, found.paths[0]
    (('s1', 's2', 's3'), ('request_left', 'call_answered', 'terms_agreed', 'invoice_paid'))
    """
    steps = journeys.steps.before_sale
    variants = count_variants(journeys, pace)
    if why_not := find_why_not(journeys, variants.weight.sum()):
        return keep_together(journeys, why_not)
    sale = steps.index(journeys.steps.won)
    model = PathMixture(n_segments, end_step=sale, n_codes=len(steps), pace=pace, random_state=seed)
    try:
        model.fit(variants.rows, sample_weight=variants.weight, gaps=variants.gaps)
    except ValueError as error:
        raise InputError([f"segments {n_segments}: {error}"]) from None
    return _segment(model, steps, variants)


def _segment(model: PathMixture, steps: tuple[str, ...], variants: Variants) -> Segmentation:
    """Give leads their memberships, and each path the sale and its optional steps."""
    sale, paths, optional, either = steps[model.end_step], [], [], []
    for path in model.paths_:
        ids = [steps[code] for code in path.steps]
        either.append(tuple((ids[j], ids[j + 1]) for j in sorted(path.swaps)))
        often = [i for i, p in zip(ids, path.skipped, strict=True) if p >= SKIPPED_OFTEN]
        paths.append((*(i for i in ids if i != sale), sale))
        optional.append(tuple(i for i in often if i != sale))
    member = np.zeros((len(variants.of_lead), len(paths)))
    entered = variants.of_lead >= 0
    if entered.any():
        of_variant = model.predict_proba(variants.rows, variants.gaps)
        member[entered] = of_variant[variants.of_lead[entered]]
    ids = tuple(f"s{k + 1}" for k in range(len(paths)))
    return Segmentation(
        steps, ids, tuple(paths), tuple(optional), member, model, either_order=tuple(either)
    )


def assign_segments(segmentation: Segmentation, journeys: Journeys) -> Segmentation:
    """How much do other leads belong to segments found before?

    Raises `InputError` where the steps are not those the segments were found with.
    """
    steps = journeys.steps.before_sale
    if steps != segmentation.steps:
        raise InputError([_describe_difference(segmentation.steps, steps)])
    model = segmentation.model
    if model is not None:
        return _segment(model, steps, count_variants(journeys, model.pace))
    if len(segmentation.ids) > 1:
        raise InputError([_NO_MODEL])
    everybody = journeys.leads["entered_at"].notna().to_numpy(float)[:, None]
    return replace(segmentation, memberships=everybody)


def write_segments(segmentation: Segmentation, path: str | FilePath) -> None:
    """Keep the segments (not the leads) as JSON, so that a later audit speaks of the same ones.

    Raises `InputError` for segments of another clusterer: no model says who else belongs to them.
    """
    if segmentation.model is None and len(segmentation.ids) > 1:
        raise InputError([_NO_MODEL])
    saved = {
        "steps": segmentation.steps,
        "why_not": segmentation.why_not,
        "model": None if segmentation.model is None else segmentation.model.to_dict(),
    }
    text = json.dumps(saved, ensure_ascii=False, indent=1)
    FilePath(path).write_text(text + "\n", encoding="utf-8")


def read_segments(path: str | FilePath, journeys: Journeys) -> Segmentation:
    """Read segments kept before, and find how much each lead of a log belongs to them.

    Raises `InputError`: no such file, no segments in it, or they were found with other steps.
    """
    try:
        saved = json.loads(FilePath(path).read_text(encoding="utf-8"))
        model = None if saved["model"] is None else PathMixture.from_dict(saved["model"])
        steps, none = tuple(saved["steps"]), np.empty((0, 1))
        kept = Segmentation(steps, ("all",), (steps,), ((),), none, model, saved["why_not"])
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (ValueError, KeyError, TypeError):
        raise InputError([f"{path}: this is no file of saved segments"]) from None
    return assign_segments(kept, journeys)


def find_why_not(journeys: Journeys, n_leads: float) -> str:
    """Why is no segmentation tried: too few leads, too few measurable steps? Empty: it can be."""
    n_steps = journeys.measurable[: len(journeys.steps.before_sale)].sum()
    if n_leads < FEWEST_LEADS:
        return "few_leads"
    return "few_steps" if n_steps < FEWEST_STEPS else ""


def _describe_difference(old: tuple[str, ...], new: tuple[str, ...]) -> str:
    gone, come = [s for s in old if s not in new], [s for s in new if s not in old]
    parts = [f"missing now: {', '.join(gone)}"] * bool(gone)
    parts += [f"new: {', '.join(come)}"] * bool(come)
    what = "; ".join(parts) or f"another order: {', '.join(old)} before, {', '.join(new)} now"
    return f"the saved segments were found with other steps ({what}); find them anew"
