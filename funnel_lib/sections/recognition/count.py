"""How early a lead's segment can be told, and by which facts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import UNDETERMINED, Segmentation, place_steps
from funnel_lib.core.journeys import Journeys, count_variants

MOST_VALUES = 20  # of a column that is taken for a fact; rarer values are one value together
FEWEST = 5  # leads of a value of its own
# Columns of the leads that are known late, name the lead, or follow from its end.
_NO_FACTS = {
    "lead_id", "created_at", "status", "closed_at", "amount", "currency", "loss_reason", "stage",
    "account_id", "entered_at", "sold_at", "has_row",
}  # fmt: skip


def count_recognised(journeys: Journeys, segmentation: Segmentation) -> pd.DataFrame:
    """After which step can a lead's segment be told?

    Parameters
    ----------
    journeys : the leads' client steps
    segmentation : segments found as paths

    Returns
    -------
    frame, one row a step of a segment's path; none with a single segment, or without a model:
    segment, position, step, n_reached (leads of the segment, sums of memberships, that came to this
    step or a later one), n_undetermined (of them, those whose largest membership was below 0.8 when
    they had just come there), share_told (of them, those whose membership of this segment was 0.8
    or more then), mean_probability (their mean membership of it then: how sure). Only the steps up
    to that moment are used. Cost: linear in the beginnings of journeys.
    """
    model = segmentation.model
    if model is None or len(segmentation.ids) == 1:
        return pd.DataFrame(columns=_RECOGNISED)
    variants = count_variants(journeys, model.pace)
    weight = np.zeros((len(variants.weight), len(segmentation.ids)))
    entered = variants.of_lead >= 0
    np.add.at(weight, variants.of_lead[entered], segmentation.memberships[entered])
    beginning, known = _list_beginnings(variants.rows, variants.gaps)
    then = model.predict_proba(*known)
    tables = []
    for k, (segment, path) in enumerate(zip(segmentation.ids, segmentation.paths, strict=True)):
        position = place_steps(segmentation.steps, path)
        furthest = np.maximum.accumulate(position[variants.rows], axis=1)
        rows = []
        for j in range(len(path)):
            came = furthest.max(axis=1) >= j
            moment = (furthest[came] >= j).argmax(axis=1)
            mass = weight[came, k]
            member = then[beginning[came, moment]]
            told, unsure = member[:, k] >= UNDETERMINED, member.max(axis=1) < UNDETERMINED
            n = mass.sum()
            shares = (mass @ told / n, mass @ member[:, k] / n) if n > 0 else (np.nan, np.nan)
            rows.append((segment, j + 1, path[j], n, mass @ unsure, *shares))
        tables.append(pd.DataFrame(rows, columns=_RECOGNISED))
    return pd.concat(tables, ignore_index=True)


_RECOGNISED = [
    "segment", "position", "step", "n_reached", "n_undetermined", "share_told", "mean_probability",
]  # fmt: skip


def _list_beginnings(rows: np.ndarray, gaps: np.ndarray | None):
    """Number the distinct beginnings of journeys: (n_rows, longest) numbers, and what they are."""
    n, longest = rows.shape
    number, node, total = np.full((n, longest), -1), np.zeros(n, np.int64), 0
    owner, length = [], []
    for depth in range(longest):
        here = np.flatnonzero(rows[:, depth] >= 0)
        parts = [node[here], rows[here, depth]] + ([] if gaps is None else [gaps[here, depth]])
        _, first, which = np.unique(
            np.column_stack(parts), axis=0, return_index=True, return_inverse=True
        )
        node[here] = number[here, depth] = total + which.ravel()
        owner.append(here[first])
        length.append(np.full(len(first), depth + 1))
        total += len(first)
    owner, length = np.concatenate(owner), np.concatenate(length)
    cut = np.arange(longest) >= length[:, None]
    known = np.where(cut, -1, rows[owner])
    return number, (known, None if gaps is None else np.where(cut, -1, gaps[owner]))


def measure_facts(journeys: Journeys, segmentation: Segmentation) -> pd.DataFrame:
    """Do facts such as product, source or manager go with the segments, and do they tell them?

    Parameters
    ----------
    journeys : the leads' client steps
    segmentation : their segments

    Returns
    -------
    frame, one row a column of the leads that has 2 to 20 values (values of fewer than 5 leads are
    one together), the strongest first; none with a single segment: fact, n_leads (whose segment is
    sure, membership 0.8 or more, and whose fact is known), n_values, cramers_v (corrected for
    chance), low, high (its 95% interval), share_explained (its square), share_right (of n_leads
    whose segment is told right from the fact alone, each from the other leads), share_guessed (told
    right by always naming the largest). Columns known only later (outcome, amounts, loss reason,
    stage) are left out; whether a further column is known at entry, the library cannot tell.

    Notes
    -----
    Bias-corrected V: Bergsma (2013), https://doi.org/10.1016/j.jkss.2012.10.002; interval by
    inversion of the non-central chi-squared distribution: Smithson (2003), Confidence Intervals.
    """
    if len(segmentation.ids) == 1:
        return pd.DataFrame(columns=_FACTS)
    sure = segmentation.memberships.max(axis=1) >= UNDETERMINED
    segment = segmentation.memberships.argmax(axis=1)
    rows = []
    for name in [c for c in journeys.leads if c not in _NO_FACTS]:
        value = journeys.leads[name].astype("str").where(journeys.leads[name].notna())
        known = sure & value.notna().to_numpy() & (value != "").to_numpy()
        counts = value[known].value_counts()
        value = value.where(value.isin(counts.index[counts >= FEWEST]), "")
        table = pd.crosstab(value[known], segment[known]).to_numpy(float)
        if len(counts) >= 2 and 2 <= table.shape[0] <= MOST_VALUES and table.shape[1] >= 2:
            rows.append((name, table.sum(), len(table), *_associate(table), *_tell_right(table)))
    found = pd.DataFrame(rows, columns=_FACTS)
    return found.sort_values(["cramers_v", "fact"], ascending=[False, True], ignore_index=True)


_FACTS = [
    "fact", "n_leads", "n_values", "cramers_v", "low", "high", "share_explained", "share_right",
    "share_guessed",
]  # fmt: skip


def _associate(table: np.ndarray) -> tuple[float, float, float, float]:
    """Cramér's V corrected for chance, its interval, its square."""
    from scipy.optimize import brentq
    from scipy.stats import chi2_contingency, ncx2

    n, (r, c) = table.sum(), table.shape
    chi2, _, df, _ = chi2_contingency(table, correction=False)
    phi2 = max(0.0, chi2 / n - df / (n - 1))
    sides = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    v = np.sqrt(phi2 / max(min(sides) - 1, 1e-12))
    ends = []
    for tail in (0.975, 0.025):  # the strengths under which chi2 would be so large, so small

        def miss(strength, tail=tail):
            return ncx2.cdf(chi2, df, strength) - tail if strength > 0 else _central(chi2, df, tail)

        most = 4 * chi2 + 100
        strength = brentq(miss, 0, most) if miss(0) > 0 else 0.0
        ends.append(min(1.0, np.sqrt(strength / n / (min(r, c) - 1))))
    return float(min(v, 1)), *map(float, ends), float(min(v, 1) ** 2)


def _central(chi2: float, df: int, tail: float) -> float:
    from scipy.stats import chi2 as central

    return central.cdf(chi2, df) - tail


def _tell_right(table: np.ndarray) -> tuple[float, float]:
    """Share of leads told right from the fact, each from the others; and by naming the largest."""
    n, right = table.sum(), 0.0
    for row in table:
        for k, count in enumerate(row):
            others = row.copy()
            others[k] -= 1
            right += count * (others.argmax() == k) if count else 0
    return right / n, table.sum(axis=0).max() / n


def find_parting(segmentation: Segmentation) -> pd.DataFrame:
    """Which step sets each path apart first: what to ask the client about in the first talk?

    Returns
    -------
    frame, one row a segment; none with a single segment: segment, last_step (the last step before
    its path is unlike every other; empty if it is from the start), step (the first one that no
    other path has there; empty where the path only lacks steps of others)

    Examples
    --------
    >>> paths = ("ask", "meet", "pay"), ("ask", "try", "pay")
    >>> none = np.empty((0, 2))
    >>> find_parting(Segmentation((), ("s1", "s2"), paths, ((), ()), none)).values.tolist()
    [['s1', 'ask', 'meet'], ['s2', 'ask', 'try']]
    """
    rows = []
    for k, path in enumerate(segmentation.paths):
        others = [p for j, p in enumerate(segmentation.paths) if j != k]
        at = max((_agree(path, other) for other in others), default=len(path))
        step = path[at] if at < len(path) else None
        rows.append((segmentation.ids[k], path[at - 1] if at else None, step))
    return pd.DataFrame(rows if len(segmentation.ids) > 1 else [],
                        columns=["segment", "last_step", "step"], dtype="str")  # fmt: skip


def _agree(path: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many steps two paths have in common from their start."""
    pairs = zip(path, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(path), len(other)))
