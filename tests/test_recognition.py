"""How early can a segment be told: by a slow loop, by planted facts, and not by what is nothing."""

from dataclasses import replace

import numpy as np
import pytest

from funnel_lib.core.groups import keep_together
from funnel_lib.counting.variants import count_variants
from funnel_lib.sections.paths.segments import find_segments
from funnel_lib.sections.recognition.count import count_recognised, find_parting, measure_facts

ROUNDING = 1e-9
V = 0.6  # planted strength below


def test_recognition_against_a_slow_loop(journeys, found):
    table = count_recognised(journeys, found).set_index(["segment", "step"])
    variants = count_variants(journeys)
    for k, (segment, path) in enumerate(zip(found.ids, found.paths, strict=True)):
        position = {found.steps.index(step): j for j, step in enumerate(path)}
        sums = np.zeros((len(path), 4))
        for lead in range(len(journeys.leads)):
            row = variants.rows[variants.of_lead[lead]]
            furthest = -1
            for n, code in enumerate(row[row >= 0]):
                known = None
                for j in range(furthest + 1, position.get(code, -1) + 1):
                    if known is None:
                        beginning = np.where(np.arange(len(row)) <= n, row, -1)
                        known = _memberships(found, tuple(beginning))
                    w = found.memberships[lead, k]
                    sums[j] += w, w * (known.max() < 0.8), w * (known[k] >= 0.8), w * known[k]
                furthest = max(furthest, position.get(code, -1))
        for j, step in enumerate(path):
            n, unsure, told, mean = sums[j]
            expected = [n, unsure, told / n, mean / n]
            columns = ["n_reached", "n_undetermined", "share_told", "mean_probability"]
            assert table.loc[(segment, step), columns].tolist() == pytest.approx(expected, abs=1e-6)


_KNOWN = {}


def _memberships(found, beginning):
    if beginning not in _KNOWN:
        _KNOWN[beginning] = found.model.predict_proba(np.array([beginning]))[0]
    return _KNOWN[beginning]


def test_segments_are_told_from_where_their_paths_part(journeys, found):
    table, parting = count_recognised(journeys, found), find_parting(found)
    for segment, path in zip(found.ids, found.paths, strict=True):
        own = table[table["segment"] == segment].set_index("step")
        at = path.index(parting.set_index("segment").loc[segment, "step"])
        assert own["share_told"].iloc[0] < 0.2  # everybody leaves a request
        assert (own["share_told"].iloc[at + 1 :] > 0.9).all()


def test_parting_by_hand():
    class Found:
        ids = ("s1", "s2", "s3")
        paths = (("ask", "meet", "pay"), ("ask", "meet", "sign", "pay"), ("call", "pay"))

    table = find_parting(Found)
    assert table.fillna("").values.tolist() == [
        ["s1", "meet", "pay"], ["s2", "meet", "sign"], ["s3", "", "call"],
    ]  # fmt: skip


def with_facts(journeys, found, rng):
    """Facts of known strength: one tells the segment, one is random, one names the lead."""
    n = len(journeys.leads)
    best = found.memberships.argmax(axis=1)
    random = rng.integers(3, size=n)
    told = np.where(rng.random(n) < V, best, random)
    leads = journeys.leads.assign(
        answer=np.array(["x", "y", "z"])[told], noise=np.array(["u", "v", "w"])[random],
        telephone=[f"+7 {i}" for i in range(n)], always="same",
    )  # fmt: skip
    return replace(journeys, leads=leads)


def test_a_planted_fact_is_found_and_a_random_one_is_not(journeys, found):
    facts = measure_facts(with_facts(journeys, found, np.random.default_rng(1)), found)
    facts = facts.set_index("fact")
    assert facts.index[0] == "answer"
    # With the chance V the fact is the segment, else anything: Cramér's V is V.
    row = facts.loc["answer"]
    assert row["low"] < V < row["high"] and row["cramers_v"] == pytest.approx(V, abs=0.04)
    assert row["share_explained"] == pytest.approx(row["cramers_v"] ** 2)
    assert row["share_right"] == pytest.approx(V + (1 - V) / 3, abs=0.05)
    assert row["share_right"] > row["share_guessed"] + 0.2
    assert facts.loc["noise", "low"] == 0 and facts.loc["noise", "high"] < 0.1
    assert not {"telephone", "always", "status", "loss_reason"} & set(facts.index)
    assert {"product", "source", "manager"} <= set(facts.index)


def test_intervals_of_nothing_hold_nothing(journeys, found):
    """The 95% interval of V reaches down to 0 for about 95 of 100 random facts."""
    rng, held = np.random.default_rng(2), 0
    for _ in range(40):
        facts = measure_facts(with_facts(journeys, found, rng), found).set_index("fact")
        held += facts.loc["noise", "low"] == 0
    assert held >= 36  # at least 36 of 40 with a chance of 95 %: probability 0.95


def test_one_segment_has_nothing_to_tell(journeys):
    one = keep_together(journeys)
    assert count_recognised(journeys, one).empty and measure_facts(journeys, one).empty
    assert find_parting(one).empty


def test_pace_is_recognised_too(journeys):
    paced = find_segments(journeys, 2, pace=True)
    table = count_recognised(journeys, paced)
    assert table["share_told"].between(0, 1).all() and len(table) == sum(map(len, paced.paths))
