"""How early a lead's segment can be told, and by which facts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import CONTACT
from funnel_lib.core.groups import UNDETERMINED, Segmentation, place_steps
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.counting.variants import count_variants

MOST_VALUES = 20  # of a column that is taken for a fact; rarer values are one value together
FEWEST = 5  # leads of a value of its own
# Columns of the leads that are known late, name the lead, or follow from its end.
_NO_FACTS = {
    "lead_id", "created_at", "status", "closed_at", "amount", "currency", "loss_reason", "stage",
    "account_id", "entered_at", "sold_at", "has_row", CONTACT,
}  # fmt: skip


def count_recognised(journeys: Journeys, segmentation: Segmentation) -> pd.DataFrame:
    """After which step can a lead's segment be told? The table `segment_recognised`.

    Cost: linear in the beginnings of journeys.
    """
    model = segmentation.model
    if model is None or len(segmentation.ids) == 1:
        return arrange("segment_recognised")
    variants = count_variants(journeys, model.pace)
    weight = np.zeros((len(variants.weight), len(segmentation.ids)))
    entered = variants.of_lead >= 0
    for k, column in enumerate(segmentation.memberships[entered].T):
        weight[:, k] = np.bincount(variants.of_lead[entered], column, len(weight))
    beginning, known = _list_beginnings(variants.rows, variants.gaps)
    then = model.predict_proba(*known)
    rows = []
    for k, (segment, path) in enumerate(zip(segmentation.ids, segmentation.paths, strict=True)):
        position = place_steps(segmentation.steps, path)
        furthest = np.maximum.accumulate(position[variants.rows], axis=1)
        for j in range(len(path)):
            came = furthest.max(axis=1) >= j
            moment = (furthest[came] >= j).argmax(axis=1)
            mass = weight[came, k]
            member = then[beginning[came, moment]]
            told, unsure = member[:, k] >= UNDETERMINED, member.max(axis=1) < UNDETERMINED
            n = mass.sum()
            rows.append({
                "segment": segment, "position": j + 1, "step": path[j], "n_reached": n,
                "n_undetermined": mass @ unsure,
                "share_told": mass @ told / n if n > 0 else np.nan,
                "mean_probability": mass @ member[:, k] / n if n > 0 else np.nan,
            })  # fmt: skip
    return arrange("segment_recognised", rows)


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
    """Do facts such as product, source or manager go with the segments, and do they tell them? The
    table `segment_facts`.

    Notes
    -----
    Bias-corrected V: Bergsma (2013), https://doi.org/10.1016/j.jkss.2012.10.002; interval by
    inversion of the non-central chi-squared distribution: Smithson (2003), Confidence Intervals.
    """
    if len(segmentation.ids) == 1:
        return arrange("segment_facts")
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
            rows.append({
                "fact": name, "n_leads": table.sum(), "n_values": len(table),
                **_associate(table), **_share_right(table),
            })  # fmt: skip
    found = arrange("segment_facts", rows)
    return found.sort_values(["cramers_v", "fact"], ascending=[False, True], ignore_index=True)


def _associate(table: np.ndarray) -> dict[str, float]:
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
            return ncx2.cdf(chi2, df, strength) - tail

        most = 4 * chi2 + 100
        strength = brentq(miss, 0, most) if miss(0) > 0 else 0.0
        ends.append(min(1.0, np.sqrt(strength / n / (min(r, c) - 1))))
    low, high = map(float, ends)
    v = float(min(v, 1))
    return {"cramers_v": v, "low": low, "high": high, "share_explained": v**2}


def _share_right(table: np.ndarray) -> dict[str, float]:
    """Share of leads told right from the fact, each from the others; and by naming the largest."""
    n, right = table.sum(), 0.0
    for row in table:
        for k, count in enumerate(row):
            others = row.copy()
            others[k] -= 1
            right += count * (others.argmax() == k) if count else 0
    return {"share_right": right / n, "share_guessed": table.sum(axis=0).max() / n}


def find_parting(segmentation: Segmentation) -> pd.DataFrame:
    """Which step sets each path apart first: what to ask the client about in the first talk? The
    table `segment_parting`.

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
        last = path[at - 1] if at else None
        rows.append({"segment": segmentation.ids[k], "last_step": last, "step": step})
    return arrange("segment_parting", rows if len(segmentation.ids) > 1 else ()).astype("str")


def _agree(path: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many steps two paths have in common from their start."""
    pairs = zip(path, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(path), len(other)))
