"""Segments by any clusterer of scikit-learn, for comparison and teaching: what do others find?"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, clone

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import STATUSES
from funnel_lib.core.groups import Segmentation, keep_together
from funnel_lib.core.journeys import Journeys, code_statuses
from funnel_lib.counting.variants import Variants, count_variants
from funnel_lib.sections.paths.segments import find_why_not

# From this likeness on, clusters are said to follow how far leads came. Measured on the planted
# worlds, 5 seeds of 4,000 leads each: segments of `find_segments` reach 0.29 at most with either;
# tf-idf and k-means, given the true number, 0.33 to 0.53 with the depth, but for worlds where it
# finds the planted segments rather well ("optional" 0.20, some of "either-order" 0.27). Where paths
# go through the steps in quite other orders than the global one, the furthest step tells the path:
# there segments of `find_segments` reach 0.42 with the depth (20 random worlds; half below 0.22).
LIKE = 0.3
SHOWN_OFTEN = 1 / 2  # a step stands on a cluster's path if so many of its leads show it


def cluster_segments(journeys: Journeys, clusterer: BaseEstimator) -> Segmentation:
    """Which groups does another clusterer make of the leads' steps and transitions?

    The clusterer is one of scikit-learn, unfitted, with `fit_predict`: KMeans, DBSCAN,
    GaussianMixture and so on; a copy is fitted. The Segmentation has no model, and the largest
    cluster first; every lead belongs to one cluster fully, leads that never entered to none. Noise
    (label -1) is a cluster of its own. A path holds the steps that half of the cluster's leads
    show, by their mean place when they first come, and the sale at its end; no step is optional.
    Too few leads or steps, and steps after the first sale: as in `find_segments`. Equal journeys
    are in one cluster, and neither the order of rows nor the ids of leads change anything.

    Warns where the clusters follow the outcome, or how far leads came: see `measure_likeness`.
    Raises `InputError` where the clusterer is none, or refuses the leads.

    Features: how often a lead takes each step, and each pair of steps one right after the other,
    weighted by tf-idf. They are counted once for equal journeys. The clusterer gets a dense row for
    every lead, as not every one knows weights; its own cost may be quadratic in leads or worse.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> planted = plant_log("optional", n_leads=1000, seed=1)
    >>> journeys = build_journeys(build_log(planted.events, planted.leads),
    ...                           parse_steps(planted.steps_yaml))
    >>> for path in cluster_segments(journeys, KMeans(2, n_init=10, random_state=1)).paths:
    ...     print(" > ".join(path))
    request_left > task_stated > invoice_paid
    request_left > price_checked > proposal_opened > terms_agreed > contract_signed > invoice_paid
    """
    if not hasattr(clusterer, "fit_predict"):
        raise InputError([
            f"{clusterer!r} is no clusterer: give one of scikit-learn with fit_predict, unfitted"
        ])  # fmt: skip
    steps, variants = journeys.steps.before_sale, count_variants(journeys)
    if why_not := find_why_not(journeys, variants.weight.sum()):
        return keep_together(journeys, why_not)
    label = _label_variants(variants, len(steps), clusterer)
    sale, n_clusters = steps.index(journeys.steps.won), label.max() + 1
    paths = [_order_path(variants, label == k, sale) for k in range(n_clusters)]
    member = np.zeros((len(variants.of_lead), n_clusters))
    entered = np.flatnonzero(variants.of_lead >= 0)
    member[entered, label[variants.of_lead[entered]]] = 1
    segmentation = Segmentation(
        steps,
        tuple(f"s{k + 1}" for k in range(n_clusters)),
        tuple(tuple(steps[code] for code in path) for path in paths),
        ((),) * n_clusters,
        member,
    )
    _warn(measure_likeness(journeys, segmentation))
    return segmentation


def count_transitions(rows: np.ndarray, n_steps: int) -> sparse.csr_array:
    """How often does each journey take each step, and each step right after each other?

    (n_rows, n_steps + n_steps**2) counts: of step a in column a, of b right after a in column
    n_steps (1 + a) + b.
    """
    row, at = np.nonzero(rows >= 0)
    later = at > 0
    pair = n_steps * (1 + rows[row[later], at[later] - 1]) + rows[row[later], at[later]]
    place = np.append(row, row[later]), np.append(rows[row, at], pair)
    shape = len(rows), n_steps * (1 + n_steps)
    return sparse.csr_array((np.ones(len(place[0]), np.int64), place), shape)


def _label_variants(variants: Variants, n_steps: int, clusterer: BaseEstimator) -> np.ndarray:
    """Cluster the leads: the cluster of each variant, (n_variants,), numbered by size from 0.

    Leads stand in the order of their journeys, equal ones together, so that their ids do not
    matter; of equal journeys that a clusterer tears apart, the first one's cluster is taken.
    """
    from sklearn.feature_extraction.text import TfidfTransformer  # not at every start

    lead = np.repeat(np.arange(len(variants.weight)), variants.weight.astype(np.int64))
    counts = count_transitions(variants.rows, n_steps)
    taken = counts.sum(axis=0) > 0
    features = TfidfTransformer().fit_transform(counts[:, taken].astype(float)[lead]).toarray()
    try:
        given = np.asarray(clone(clusterer).fit_predict(features))
    except (ValueError, TypeError) as error:
        raise InputError([f"{clusterer!r} refuses the leads: {error}"]) from None
    first = np.searchsorted(lead, np.arange(len(variants.weight)))
    _, place, label = np.unique(given[first], return_index=True, return_inverse=True)
    size = np.bincount(label, weights=variants.weight)
    return np.argsort(np.lexsort((place, -size)))[label]


def _order_path(variants: Variants, own: np.ndarray, sale: int) -> list[int]:
    """List the steps that half of a cluster shows, by the mean place where they first come."""
    rows, weight = variants.rows[own], variants.weight[own]
    steps = np.setdiff1d(np.unique(rows), [-1, sale])
    there = rows[:, :, None] == steps  # (n_variants, longest, n_steps)
    n_leads = weight @ there.any(axis=1)
    mean_place = weight @ there.argmax(axis=1) / n_leads  # where a step is missing it adds 0
    often = n_leads >= SHOWN_OFTEN * weight.sum()
    return [*steps[often][np.argsort(mean_place[often], kind="stable")].tolist(), sale]


def measure_likeness(journeys: Journeys, segmentation: Segmentation) -> pd.DataFrame:
    """How far do segments follow how leads ended, or how far they came? The table `likeness`.

    Segments are meant to show what clients do, not whether they buy; of a clusterer that sorts
    leads by how long they stayed, losses by segment mean nothing. Each lead counts for its most
    probable segment. Open leads have no outcome, but a depth: the furthest step before or at the
    sale, under the rule ``passed``. Paths of different lengths end at different steps, so that even
    the true segments are somewhat like the depth, the more so the less the paths keep to the global
    order of steps. Vinh, Epps, Bailey (2010), https://jmlr.org/papers/v11/vinh10a.html

    Examples
    --------
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": ["a", "a", "b", "c"], "action": ["ask", "pay", "ask", "give up"],
    ...     "at": pd.date_range("2025-01-01", periods=4)}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay", lost=["give up"])
    >>> journeys = build_journeys(log, steps)
    >>> by_sale = Segmentation(("ask", "pay"), ("s1", "s2"), (("ask", "pay"), ("pay",)), ((), ()),
    ...                        np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    >>> measure_likeness(journeys, by_sale).values.tolist()
    [['outcome', 1, nan], ['depth', 2, 1.0]]
    """
    status = code_statuses(journeys.leads["status"])
    won, open_ = (status == STATUSES.index(s) for s in ("won", "open"))
    n_steps = len(journeys.steps.before_sale)
    depth = np.full(len(status), -1)
    before = journeys.step < n_steps
    np.maximum.at(depth, journeys.lead[before], journeys.step[before])
    entered = depth >= 0
    depth[won] = journeys.steps.before_sale.index(journeys.steps.won)
    best = segmentation.memberships.argmax(axis=1)
    facts = (("outcome", status, entered & ~open_), ("depth", depth, entered))
    rows = [(name, leads.sum(), _compare(best[leads], fact[leads])) for name, fact, leads in facts]
    return pd.DataFrame(rows, columns=["with", "n_leads", "nmi"])


def _compare(segment: np.ndarray, fact: np.ndarray) -> float:
    from sklearn.metrics import normalized_mutual_info_score  # not at every start

    if min(len(np.unique(segment)), len(np.unique(fact))) < 2:
        return np.nan  # scikit-learn calls two constants alike
    return float(normalized_mutual_info_score(fact, segment))


def _warn(likeness: pd.DataFrame) -> None:
    if (likeness["nmi"] >= LIKE).any():
        outcome, depth = likeness["nmi"].map("{:.2f}".format).replace("nan", "unknown")
        warnings.warn(
            "these clusters seem to follow how far leads came, not what clients do: their likeness "
            f"(NMI) is {outcome} with the outcome and {depth} with the furthest step "
            f"({LIKE:g} is too much); do not compare their sales or losses",
            UserWarning,
            stacklevel=3,
        )
