"""Any clusterer of scikit-learn: features by a slow loop, order, noise, and whom it follows."""

import math
import warnings
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import build_log
from funnel_lib.core.groups import list_groups
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import Steps, parse_steps
from funnel_lib.core.tallies import tally
from funnel_lib.counting.reach import count_funnel, find_reached
from funnel_lib.counting.variants import count_variants
from funnel_lib.datasets.planted import plant_log
from funnel_lib.datasets.worlds import WON, PlantedSegment, World
from funnel_lib.sections.paths.clusters import (
    LIKE,
    cluster_segments,
    count_transitions,
    measure_likeness,
)
from funnel_lib.sections.paths.count import describe_segments
from funnel_lib.sections.paths.segments import find_segments

ROUNDING = 1e-9
K_MEANS = KMeans(3, n_init=10, random_state=0)


class Remember(ClusterMixin, BaseEstimator):
    """A clusterer that shows what it was given, and labels rows by a function."""

    seen = None

    def __init__(self, label=None):
        self.label = label

    def fit_predict(self, X, y=None):
        Remember.seen = X
        return np.zeros(len(X), int) if self.label is None else self.label(X)


def read(planted):
    log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    return build_journeys(log, parse_steps(planted.steps_yaml))


def read_walks(walks: list[str], steps: str):
    """Journeys written as letters, the last step the sale; a lead each."""
    events = pd.DataFrame(
        [
            {"lead_id": f"L{i:03d}", "action": step, "at": f"2025-01-{day + 1:02d}"}
            for i, walk in enumerate(walks)
            for day, step in enumerate(walk)
        ]
    )
    steps = Steps(steps=[{"id": s} for s in steps], won=steps[-1])
    return build_journeys(build_log(events), steps)


def quietly(journeys, clusterer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cluster_segments(journeys, clusterer)


@pytest.fixture(scope="module")
def equal_drop():
    return read(plant_log("equal-drop", 4000, seed=3))


@pytest.fixture(scope="module")
def small():
    return read(plant_log("messy", 400, seed=5))


def slow_features(journeys):
    """Tf-idf of steps and pairs by the book, a dict a lead: idf = ln((1 + n) / (1 + df)) + 1."""
    n_before, sale = len(journeys.steps.before_sale), journeys.steps.ids.index(journeys.steps.won)
    counts = []
    for lead in range(len(journeys.leads)):
        own = journeys.step[journeys.offsets[lead] : journeys.offsets[lead + 1]].tolist()
        walk = [code for code in own if code < n_before]
        if sale in walk:
            walk = walk[: walk.index(sale) + 1]
        if walk:
            counts.append(Counter(walk) + Counter(pairwise(walk)))
    df = Counter(term for count in counts for term in count)
    rows = []
    for count in counts:
        row = {t: c * (math.log((1 + len(counts)) / (1 + df[t])) + 1) for t, c in count.items()}
        length = math.sqrt(sum(v * v for v in row.values()))
        rows.append({term: value / length for term, value in row.items()})
    return rows


def test_features_against_a_slow_loop(small):
    cluster_segments(small, Remember())
    slow = slow_features(small)
    terms = {term for row in slow for term in row}
    assert Remember.seen.shape == (len(small.leads), len(terms))
    # columns: steps in their order, then pairs in theirs; rows: in any order
    columns = sorted(terms, key=lambda t: (isinstance(t, tuple), t))
    wanted = np.array([[row.get(term, 0) for term in columns] for row in slow])
    given = Remember.seen
    same = [rows[np.lexsort(rows.round(6).T)] for rows in (given, wanted)]
    np.testing.assert_allclose(*same, atol=ROUNDING)


def test_counts_of_steps_and_transitions_by_hand():
    # a b a, and b b: pairs ab, ba; bb
    counts = count_transitions(np.array([[0, 1, 0], [1, 1, -1]]), 2).toarray()
    #                          a  b  aa ab ba bb
    assert counts.tolist() == [[2, 1, 0, 1, 1, 0], [0, 2, 0, 0, 0, 1]]


def label_by_first_column(X):
    return (X[:, 0] > 0).astype(int)


def test_clusters_are_numbered_by_size_and_their_paths_are_worked_by_hand():
    # Those that show step a: 25, the others: 35 and hence s1.
    walks = ["cb"] * 20 + ["bd"] * 15 + ["ab"] * 4 + ["dab"] * 16 + ["dabp"] * 5
    found = quietly(read_walks(walks, "abcdp"), Remember(label_by_first_column))
    assert found.ids == ("s1", "s2")
    assert found.memberships.sum(axis=0).tolist() == [35, 25]
    assert found.memberships[:, 1].tolist() == [float("a" in w) for w in walks]
    # s1: b in 35 at mean place (20 * 1 + 15 * 0) / 35 = 0.57, c in 20 at 0, d in 15 of 35: no
    # s2: a in 25 at (4 * 0 + 21 * 1) / 25, b one later, d in 21 at 0; the sale is always there
    assert found.paths == (("c", "b", "p"), ("d", "a", "b", "p"))
    assert found.optional == ((), ())
    assert found.model is None and found.why_not == ""


def test_half_of_the_leads_is_enough_for_a_step_of_a_path():
    half = ["ab"] * 30 + ["a"] * 30
    assert cluster_segments(read_walks(half, "abp"), Remember()).paths == (("a", "b", "p"),)
    fewer = ["ab"] * 30 + ["a"] * 31
    assert cluster_segments(read_walks(fewer, "abp"), Remember()).paths == (("a", "p"),)


@pytest.mark.parametrize(
    "clusterer",
    [K_MEANS, AgglomerativeClustering(3), GaussianMixture(3, random_state=0), DBSCAN(eps=0.6)],
    ids=lambda c: type(c).__name__,
)
def test_neither_rows_nor_ids_matter(clusterer):
    planted = plant_log("messy", 400, seed=5)
    once = quietly(read(planted), clusterer)
    rng = np.random.default_rng(1)
    ids = planted.leads["lead_id"].to_numpy()
    renamed = dict(zip(ids, rng.permutation([f"X{i:04d}" for i in range(len(ids))]), strict=True))
    shuffled = {}
    for name in ("events", "leads"):
        frame = getattr(planted, name)
        frame = frame.iloc[rng.permutation(len(frame))]
        shuffled[name] = frame.assign(lead_id=frame["lead_id"].map(renamed))
    log = build_log(shuffled["events"], shuffled["leads"], planted.truth["observed_until"])
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    again = quietly(journeys, clusterer)
    assert again.paths == once.paths
    place = pd.Index(journeys.leads["lead_id"]).get_indexer([renamed[i] for i in sorted(ids)])
    assert (again.memberships[place] == once.memberships).all()
    assert len(once.ids) > 1


def test_equal_journeys_are_in_one_cluster_even_if_torn_apart(small):
    found = quietly(small, Remember(lambda X: np.arange(len(X)) % 7))
    of = count_variants(small).of_lead
    for variant in range(of.max() + 1):
        assert len(np.unique(found.memberships[of == variant], axis=0)) == 1


def test_noise_is_a_cluster_of_its_own():
    # Fifty leads each of two journeys, and three that are like nobody: DBSCAN calls them noise.
    walks = ["abp"] * 50 + ["cdp"] * 50 + ["dacb", "bdca", "cabd"]
    journeys = read_walks(walks, "abcdp")
    labels = DBSCAN(eps=0.1, min_samples=5)
    found = quietly(journeys, labels)
    assert found.memberships.sum(axis=0).tolist() == [50, 50, 3]
    assert found.memberships[-3:, 2].tolist() == [1, 1, 1]
    assert set(found.paths[2]) == set("abcdp") and found.paths[2][-1] == "p"


def test_leads_that_never_entered_belong_to_none():
    journeys = read_walks(["ab"] * 60 + ["x"] * 5, "abp")
    found = cluster_segments(journeys, Remember())
    assert found.memberships.sum(axis=1).tolist() == [1] * 60 + [0] * 5
    assert measure_likeness(journeys, found)["n_leads"].tolist() == [0, 60]


def test_steps_after_the_sale_and_outcomes_are_no_features():
    steps = Steps(steps=[{"id": s} for s in "abpz"], won="p", post_sale=["z"])
    rows = []
    for i in range(60):
        walk = "abp" + "zab" * (i % 2)
        rows += [(f"L{i:02d}", s, f"2025-01-{d + 1:02d}") for d, s in enumerate(walk)]
    events = pd.DataFrame(rows, columns=["lead_id", "action", "at"])
    cluster_segments(build_journeys(build_log(events), steps), Remember())
    assert (Remember.seen == Remember.seen[0]).all()
    assert Remember.seen.shape[1] == 5  # a, b, p, ab, bp


def test_too_few_leads_or_steps_say_so():
    few = cluster_segments(read_walks(["ab", "abp"] * 24, "abp"), K_MEANS)
    assert (few.ids, few.why_not) == (("all",), "few_leads")
    assert few.memberships.tolist() == [[1]] * 48
    one = cluster_segments(read_walks(["a"] * 60, "abp"), K_MEANS)
    assert (one.ids, one.why_not) == (("all",), "few_steps")


def test_what_is_no_clusterer_or_refuses_is_told(small):
    with pytest.raises(InputError, match=r"'k-means' is no clusterer: give one of scikit-learn"):
        cluster_segments(small, "k-means")
    with pytest.raises(InputError, match=r"KMeans\(n_clusters=4000\) refuses the leads: n_samples"):
        cluster_segments(small, KMeans(4000))


def test_the_clusterer_given_stays_unfitted(small):
    clusterer = KMeans(2, n_init=1, random_state=0)
    quietly(small, clusterer)
    assert not hasattr(clusterer, "labels_")


def test_clusters_add_up_and_are_counted_as_segments_are(small):
    found = quietly(small, K_MEANS)
    parts = [count_funnel(small, group=g) for g in list_groups(found)[1:]]
    entered = small.leads["entered_at"].notna().sum()
    assert sum(p["n_entered"].iloc[0] for p in parts) == pytest.approx(entered)
    won = sum(p.loc[p["step"] == WON, "n_reached"].iloc[0] for p in parts)
    everybody = count_funnel(small)
    assert won == pytest.approx(everybody.loc[everybody["step"] == WON, "n_reached"].iloc[0])
    assert describe_segments(small, found)["n_leads"].sum() == pytest.approx(entered)


def test_planted_paths_are_found_where_nobody_stops():
    paths = (
        ("request_left", "price_checked", "demo_attended", WON),
        ("call_answered", "sample_tested", WON),
    )
    world = World(
        {p[0]: PlantedSegment(w, p, go_on=1.0) for p, w in zip(paths, (0.6, 0.4), strict=True)},
        noise=0.02,
    )
    planted = plant_log(world, 1000, seed=1)
    journeys = read(planted)
    found = cluster_segments(journeys, KMeans(2, n_init=10, random_state=0))
    assert found.paths == paths
    truth = planted.truth_leads.set_index("lead_id")["segment"][journeys.leads["lead_id"]]
    assert adjusted_rand_score(truth, found.memberships.argmax(axis=1)) > 0.98


def slow_nmi(one, other):
    """Mutual information over the mean of both entropies, by counting."""
    n = len(one)
    a, b, both = Counter(one), Counter(other), Counter(zip(one, other, strict=True))
    mutual = sum(c / n * math.log(c * n / (a[x] * b[y])) for (x, y), c in both.items())
    entropy = [-sum(c / n * math.log(c / n) for c in counts.values()) for counts in (a, b)]
    return mutual / (sum(entropy) / 2)


def test_likeness_against_counting(equal_drop):
    found = find_segments(equal_drop)
    table = measure_likeness(equal_drop, found)
    assert table["with"].tolist() == ["outcome", "depth"]
    codes = np.arange(len(equal_drop.steps.before_sale))
    counted = tally(equal_drop)
    base, reached, _ = (x[counted.of_lead] for x in find_reached(counted, codes))
    depth = (reached * (1 + codes)).max(axis=1)
    best, status = found.memberships.argmax(axis=1), equal_drop.leads["status"].to_numpy()
    closed = base & (status != "open")
    assert table["n_leads"].tolist() == [closed.sum(), base.sum()]
    wanted = [slow_nmi(best[closed], status[closed]), slow_nmi(best[base], depth[base])]
    np.testing.assert_allclose(table["nmi"], wanted, atol=ROUNDING)


def test_a_sale_known_by_status_only_counts_for_the_depth():
    leads = pd.DataFrame({"lead_id": ["L0", "L1"], "status": ["won", "lost"]})
    events = pd.DataFrame({"lead_id": ["L0", "L1"], "action": "a", "at": "2025-01-01"})
    journeys = build_journeys(
        build_log(events, leads), Steps(steps=[{"id": "a"}, {"id": "p"}], won="p")
    )
    found = quietly(read_walks(["a"] * 30 + ["ap"] * 30, "ap"), K_MEANS)
    apart = type(found)(("a", "p"), ("s1", "s2"), (("a", "p"),) * 2, ((), ()), np.eye(2))
    assert measure_likeness(journeys, apart)["nmi"].tolist() == [1, 1]


def test_one_segment_is_like_nothing(equal_drop):
    everybody = cluster_segments(equal_drop, Remember())  # and there is no warning
    assert measure_likeness(equal_drop, everybody)["nmi"].isna().all()


def test_clusters_that_follow_depth_are_told_and_segments_are_not(equal_drop):
    with pytest.warns(UserWarning, match="seem to follow how far leads came") as told:
        found = cluster_segments(equal_drop, K_MEANS)
    outcome, depth = measure_likeness(equal_drop, found)["nmi"]
    assert f"{outcome:.2f} with the outcome and {depth:.2f} with the furthest" in str(
        told[0].message
    )
    assert told[0].filename == __file__
    assert depth >= LIKE
    assert (measure_likeness(equal_drop, find_segments(equal_drop))["nmi"] < LIKE).all()


def test_clusters_of_paths_are_not_blamed():
    journeys = read(plant_log("optional", 2000, seed=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cluster_segments(journeys, KMeans(2, n_init=10, random_state=0))
    assert (measure_likeness(journeys, found)["nmi"] < LIKE).all()


def test_the_outcome_alone_is_enough_for_the_warning(small):
    closed = select_leads(small, (small.leads["status"] != "open").to_numpy())
    # shows the sale: one of the columns; leads in the order of their journeys
    sale = closed.steps.before_sale.index(WON)
    with pytest.warns(UserWarning, match=r"1\.00 with the outcome"):
        cluster_segments(closed, Remember(lambda X: (X[:, sale] > 0).astype(int)))
