"""Segments: groups of leads that take the same steps in the same order, whatever the product."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path as FilePath

import numpy as np
import pandas as pd

from funnel_lib.choose import PATTERN, STABLE, compare_with_fewer, measure_stability
from funnel_lib.errors import InputError
from funnel_lib.journeys import Journeys, count_variants
from funnel_lib.paths import PathMixture

FEWEST_LEADS, FEWEST_STEPS = 50, 2  # below these no segmentation is tried
SKIPPED_OFTEN = 1 / 3  # from here on a step of a path is optional
MOST_P = 0.05  # of the null test
UNDETERMINED = 0.8  # a lead whose largest membership is below belongs to no segment surely


@dataclass(frozen=True)
class Segmentation:
    """Which segments there are, and how much each lead belongs to each.

    Attributes
    ----------
    model : the fitted mixture of paths; None where no segmentation was tried
    steps : ids of the steps before the sale; their positions are the model's codes
    ids : of the segments, the largest first: "s1", "s2" …; or "all"
    memberships : (n_leads, n_segments), each lead's sum to 1; zeros for leads that never entered
    why_not : why no segmentation was tried: "few_leads", "few_steps", or ""
    """

    model: PathMixture | None
    steps: tuple[str, ...]
    ids: tuple[str, ...]
    memberships: np.ndarray
    why_not: str = ""


def find_segments(
    journeys: Journeys, n_segments: int | None = None, *, seed: int = 0
) -> Segmentation:
    """Which paths do clients take, and which does each lead walk?

    Parameters
    ----------
    journeys : the leads' client steps; only those up to the first sale count, and neither outcome
        nor product nor amount nor manager is looked at
    n_segments : how many; None chooses from 1 to 10 by description length. 1 means no segments.
    seed : the same seed gives the same segments, whatever the order of rows or the ids of leads

    Returns
    -------
    Segmentation. With fewer than 50 leads that entered, or fewer than two measurable steps, none is
    tried: all leads are one segment, and `why_not` tells the reason.

    Raises
    ------
    InputError
        More segments are asked for than there are distinct journeys, or different paths.

    Examples
    --------
    >>> from funnel_lib.events import build_log
    >>> from funnel_lib.journeys import build_journeys
    >>> from funnel_lib.planted import plant_log
    >>> from funnel_lib.steps import parse_steps
    >>> planted = plant_log("clean", n_leads=1000, seed=1)
    >>> journeys = build_journeys(build_log(planted.events, planted.leads),
    ...                           parse_steps(planted.steps_yaml))
    >>> found = find_segments(journeys)
    >>> describe_segments(found)[["segment", "path"]].values.tolist()[0]
    ['s1', 'request_left > call_answered > terms_agreed > invoice_paid']
    """
    steps = journeys.steps.before_sale
    variants = count_variants(journeys)
    why_not = _why_not(journeys, variants.weight.sum())
    if why_not:
        everybody = (variants.of_lead >= 0).astype(float)[:, None]
        return Segmentation(None, steps, ("all",), everybody, why_not)
    sale = steps.index(journeys.steps.won)
    model = PathMixture(n_segments, end_step=sale, n_codes=len(steps), random_state=seed)
    try:
        model.fit(variants.rows, sample_weight=variants.weight)
    except ValueError as error:
        raise InputError([f"segments {n_segments}: {error}"]) from None
    ids = tuple(f"s{k + 1}" for k in range(len(model.paths_)))
    return Segmentation(model, steps, ids, _share_out(model, variants))


def assign_segments(segmentation: Segmentation, journeys: Journeys) -> Segmentation:
    """How much do other leads belong to segments found before?

    Raises
    ------
    InputError
        The steps are not those the segments were found with.
    """
    steps = journeys.steps.before_sale
    if steps != segmentation.steps:
        raise InputError([_tell_difference(segmentation.steps, steps)])
    variants = count_variants(journeys)
    if segmentation.model is None:
        member = (variants.of_lead >= 0).astype(float)[:, None]
    else:
        member = _share_out(segmentation.model, variants)
    return Segmentation(segmentation.model, steps, segmentation.ids, member, segmentation.why_not)


def describe_segments(segmentation: Segmentation) -> pd.DataFrame:
    """How large is each segment, and which path does it take?

    Returns
    -------
    frame, one row a segment: segment, n_leads (sum of memberships), n_undetermined (leads most
    probably of this segment, but with a membership below 0.8), share_of_leads (of those that
    entered), path (ids joined by " > ")
    """
    member = segmentation.memberships
    entered = member.any(axis=1)
    best, surest = member.argmax(axis=1), member.max(axis=1)
    unsure = entered & (surest < UNDETERMINED)
    n_leads = member.sum(axis=0)
    return pd.DataFrame({
        "segment": segmentation.ids,
        "n_leads": n_leads,
        "n_undetermined": np.bincount(best[unsure], minlength=len(segmentation.ids)).astype(float),
        "share_of_leads": n_leads / entered.sum() if entered.any() else np.nan,
        "path": [" > ".join(path) for path in list_paths(segmentation)],
    })  # fmt: skip


def measure_trust(
    segmentation: Segmentation,
    journeys: Journeys,
    *,
    n_null: int = 19,
    n_resamples: int = 10,
    seed: int = 0,
) -> pd.DataFrame:
    """Are the segments there: against a log with one fewer, and among other leads?

    Parameters
    ----------
    segmentation : freshly found among these journeys (what is read from a file cannot be tested)
    journeys : the leads' client steps
    n_null : logs simulated from the model with one segment fewer
    n_resamples : times that leads are drawn again and segments looked for from scratch

    Returns
    -------
    frame, one row a segment: segment, stability (mean Jaccard under resampling), p_null (share of
    simulated logs, this one among them, on which the last segment gains as much; empty with a
    single segment), trust: ``stable`` (stability 0.75 or more), ``pattern`` (0.6 or more),
    ``doubtful`` (less, or p_null above 0.05), empty with a single segment. Cost: about
    n_null / 2 + n_resamples fits.

    Notes
    -----
    Thresholds: Hennig (2007), https://doi.org/10.1016/j.csda.2006.11.025
    """
    n, model = len(segmentation.ids), segmentation.model
    table = pd.DataFrame({"segment": segmentation.ids, "stability": np.nan, "p_null": np.nan})
    if n == 1:
        return table.assign(trust=pd.Series([None], dtype="str"))
    variants = count_variants(journeys)
    jaccard = measure_stability(
        model, variants.rows, variants.weight, n_runs=n_resamples, random_state=seed
    )
    table["stability"] = jaccard.mean(axis=0)
    null = compare_with_fewer(model, n_null, seed)
    table["p_null"] = null.p if null else np.nan
    trust = np.select([table["stability"] >= STABLE, table["stability"] >= PATTERN],
                      ["stable", "pattern"], "doubtful")  # fmt: skip
    trust = np.where(table["p_null"] > MOST_P, "doubtful", trust)
    return table.assign(trust=pd.Series(trust, dtype="str"))


@dataclass(frozen=True)
class Group:
    """Leads that are counted together, in a funnel of their own.

    Attributes
    ----------
    segment : "all", or a segment's id
    path : the steps of its funnel before the sale, in order
    optional : steps that a third or more of its clients go on without
    weights : (n_leads,) how much each lead belongs to it
    """

    segment: str
    path: tuple[str, ...]
    optional: tuple[str, ...]
    weights: np.ndarray


def list_groups(journeys: Journeys, segmentation: Segmentation | None) -> list[Group]:
    """All leads in the global funnel, then each segment in its own; only all where there is one."""
    n_leads = len(journeys.leads)
    groups = [Group("all", journeys.steps.before_sale, (), np.ones(n_leads))]
    if segmentation is None or len(segmentation.ids) == 1:
        return groups
    columns = zip(
        segmentation.ids, list_paths(segmentation), segmentation.model.paths_,
        segmentation.memberships.T, strict=True,
    )  # fmt: skip
    for segment, path, model, weights in columns:
        often = [path[j] for j, share in enumerate(model.skipped) if share >= SKIPPED_OFTEN]
        optional = tuple(s for s in often if s != journeys.steps.won)
        groups.append(Group(segment, path, optional, np.ascontiguousarray(weights)))
    return groups


def select_segment(tables: dict[str, pd.DataFrame], segment: str = "all") -> dict:
    """Keep one segment's rows of the tables that are counted for each.

    Examples
    --------
    >>> table = pd.DataFrame({"segment": ["all", "s1"], "n_lost": [3.0, 1.0]})
    >>> select_segment({"losses": table}, "s1")["losses"]["n_lost"].tolist()
    [1.0]
    """
    counted = ("funnel", "funnel_rules", "losses", "necessity")
    return {
        name: table[table["segment"] == segment].reset_index(drop=True)
        if name in counted
        else table
        for name, table in tables.items()
    }


def name_segments(paths: list[tuple[str, ...]]) -> list[str]:
    """What sets each path apart: a step no other has, else one that it alone lacks.

    Examples
    --------
    >>> name_segments([("ask", "meet", "pay"), ("ask", "pay")])
    ['with meet', 'without meet']
    >>> name_segments([("ask", "pay")])
    ['all']
    """
    if len(paths) == 1:
        return ["all"]
    names = []
    for k, path in enumerate(paths):
        others = [set(o) for j, o in enumerate(paths) if j != k]
        own = [s for s in path if not any(s in o for o in others)]
        lacked = [s for s in dict.fromkeys(sum(paths, ())) if s not in path]
        rare = [s for s in lacked if all(s in o for o in others)] or lacked
        if own:
            names.append("with " + own[0])
        else:
            names.append("without " + rare[0] if rare else " > ".join(path))
    return names


def list_paths(segmentation: Segmentation) -> list[tuple[str, ...]]:
    """Each segment's own funnel: the step ids of its path in order, the sale last."""
    steps = segmentation.steps
    if segmentation.model is None:
        return [steps]
    sale = steps[segmentation.model.end_step]
    paths = [tuple(steps[code] for code in path.steps) for path in segmentation.model.paths_]
    return [path if path[-1] == sale else (*path, sale) for path in paths]


def write_segments(segmentation: Segmentation, path: str | FilePath) -> None:
    """Keep the segments (not the leads) as JSON, so that a later audit speaks of the same ones."""
    model = segmentation.model
    saved = {
        "steps": segmentation.steps, "ids": segmentation.ids, "why_not": segmentation.why_not,
        "model": None if model is None else model.to_dict(),
    }  # fmt: skip
    text = json.dumps(saved, ensure_ascii=False, indent=1)
    FilePath(path).write_text(text + "\n", encoding="utf-8")


def read_segments(path: str | FilePath, journeys: Journeys) -> Segmentation:
    """Read segments kept before, and find how much each lead of a log belongs to them.

    Raises
    ------
    InputError
        No such file, no segments in it, or they were found with other steps.
    """
    try:
        saved = json.loads(FilePath(path).read_text(encoding="utf-8"))
        model = None if saved["model"] is None else PathMixture.from_dict(saved["model"])
        steps, ids = tuple(saved["steps"]), tuple(saved["ids"])
        kept = Segmentation(model, steps, ids, np.empty((0, len(ids))), saved["why_not"])
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (ValueError, KeyError, TypeError):
        raise InputError([f"{path}: this is no file of saved segments"]) from None
    return assign_segments(kept, journeys)


def _why_not(journeys: Journeys, n_leads: float) -> str:
    n_steps = journeys.measurable[: len(journeys.steps.before_sale)].sum()
    if n_leads < FEWEST_LEADS:
        return "few_leads"
    return "few_steps" if n_steps < FEWEST_STEPS else ""


def _share_out(model: PathMixture, variants) -> np.ndarray:
    """Memberships of variants given to their leads."""
    member = np.zeros((len(variants.of_lead), len(model.paths_)))
    entered = variants.of_lead >= 0
    if entered.any():
        member[entered] = model.predict_proba(variants.rows)[variants.of_lead[entered]]
    return member


def _tell_difference(old: tuple[str, ...], new: tuple[str, ...]) -> str:
    gone, come = [s for s in old if s not in new], [s for s in new if s not in old]
    parts = [f"missing now: {', '.join(gone)}"] * bool(gone)
    parts += [f"new: {', '.join(come)}"] * bool(come)
    what = "; ".join(parts) or f"another order: {', '.join(old)} before, {', '.join(new)} now"
    return f"the saved segments were found with other steps ({what}); find them anew"
