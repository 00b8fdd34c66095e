"""The mixture of noisy paths: its likelihood by hand, what it finds in random planted worlds."""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
import random_worlds as worlds
from sklearn.base import clone

from funnel_lib.engine import choose
from funnel_lib.engine.choose import compare_with_fewer, measure_stability
from funnel_lib.engine.mixtures import begin, explain, run_em
from funnel_lib.engine.paths import PathMixture
from funnel_lib.engine.recoding import Recoding
from funnel_lib.engine.trees import Trie, count_moves, run_forward
from funnel_lib.engine.walks import Path, Rates, Walker, list_path_moves

RATES = Rates(skip=0.1, repeat=0.05, noise=0.2, early=0.15, wrong=0)
RICH = Path((0, 1, 2, 3), {1: 0.3}, {2: 0.2}, {1: 0.4}, {(0, 2): 0.25})


def loglik(path, rows, n_codes, rates=RATES):
    return run_forward(Trie(rows, n_codes), [Walker(path, rates, n_codes)])[0].loglik


def test_two_steps_by_hand():
    # path a > b, three codes; noise .2 (.15 before a), repeat .05, skip of a .1
    rows = np.array([[0, 1], [1, -1], [2, 0], [0, 0]])
    a = 0.85 * 0.9  # not noise, a not skipped
    noise, early = 0.2 / 3, 0.15 / 3
    by_hand = [
        a * (0.8 * 0.95 + noise) + early * (0.85 * 0.1 + early),  # a then b or noise; or noise a, …
        0.85 * 0.1 + early,
        early * (a + early),
        a * (0.8 * 0.05 + noise) + early * (a + early),
    ]
    assert np.exp(loglik(Path((0, 1)), rows, 3)) == pytest.approx(by_hand)


def add_walks(walker, events, at=0):
    """The chance of events from a place on: the sum over all walks, one after the other."""
    if not len(events):
        return 1.0
    moves, total = walker.moves, 0.0
    for move in np.flatnonzero(moves.source == at):
        to = moves.target[move]
        emit = 0.25 if moves.noisy[move] else float(walker.codes[to] == events[0])
        chance = walker.move[0, move] * emit
        total += chance * add_walks(walker, events[1:], to) if chance else 0
    return total


@pytest.mark.parametrize("path", [Path((0, 1, 2)), RICH])
def test_equals_the_sum_over_all_hidden_walks(path):
    rows = np.array([[0, 2, 1, 3], [0, 1, 2, 0], [3, 3, 0, -1], [1, 0, 1, 1]])
    slow = [add_walks(Walker(path, RATES, 4), row[row >= 0]) for row in rows]
    assert np.exp(loglik(path, rows, 4)) == pytest.approx(slow)


def test_events_of_a_path_not_yet_ended_sum_to_one():
    path = Path((0, 1, 2, 3, 1, 2), {1: 0.3}, {2: 0.2}, {1: 0.4}, {(1, 4): 0.25})
    walker = Walker(path, RATES, 4)
    out = walker.go[0].sum(axis=1) + np.where(
        np.arange(len(walker.codes)), RATES.noise, RATES.early
    )
    assert out[:-1] == pytest.approx(1)
    assert out[-1] == pytest.approx(RATES.noise + (1 - RATES.noise) * RATES.repeat)


def test_every_event_is_counted_once():
    rows = np.array(list(itertools.product(range(4), repeat=5)))
    trie, walker = Trie(rows, 4), Walker(RICH, RATES, 4)
    counts = count_moves(trie, run_forward(trie, [walker]), [np.ones(len(rows))], fully=True)[0]
    assert counts.moves.sum() == pytest.approx(rows.size)
    assert counts.noise.sum() == pytest.approx(counts.moves[walker.moves.noisy].sum())
    assert counts.ended.sum() == pytest.approx(len(rows))
    step = 1e-5  # the counts are the gradient in the log chances: Fisher's identity
    more = Path(RICH.steps, {1: 0.3 * np.exp(step)}, RICH.repeat, RICH.swaps, RICH.loops)
    slope = (loglik(more, rows, 4) - loglik(RICH, rows, 4)).sum() / step
    assert counts.yes[1] - counts.no[1] * 0.3 / 0.7 == pytest.approx(slope, rel=1e-3)


def test_walkers_side_by_side_count_as_each_alone(monkeypatch):
    paths = [RICH, Path((0, 2)), Path((3, 1, 0, 2, 1), swaps={1: 0.4}), Path((0, 1, 1, 3))]
    rng = np.random.default_rng(0)
    rows = np.unique(rng.integers(0, 4, (300, 9)), axis=0)
    rows[np.arange(9) >= rng.integers(1, 10, len(rows))[:, None]] = -1
    trie = Trie(rows, 4)
    rates = [RATES, Rates(), Rates(0.2, 0.1, 0.01, 0.3), Rates(early=0.4)]
    walkers = [Walker(path, rate, 4) for path, rate in zip(paths, rates, strict=True)]
    weights = list(rng.random((4, len(rows))))
    together = run_forward(trie, walkers)
    counts = count_moves(trie, together, weights, fully=True)
    monkeypatch.setattr("funnel_lib.engine.trees.BATCH", 1)  # one at a time
    monkeypatch.setattr("funnel_lib.engine.trees.DEEP", 2)  # and scaled often
    alone = run_forward(trie, walkers)
    for one, many in zip(alone, together, strict=True):
        assert len(one.scale) == 4 > len(many.scale)
        assert one.loglik == pytest.approx(many.loglik, rel=1e-12)
    for one, many in zip(count_moves(trie, alone, weights, fully=True), counts, strict=True):
        for name in ("yes", "no", "moves", "noise", "ended"):
            assert getattr(one, name) == pytest.approx(getattr(many, name), rel=1e-9, abs=1e-12)


def test_very_long_journeys_have_a_likelihood():
    rows = np.tile([0, 3, 1, 2, 3], (1, 400))
    rare = Rates(0.03, 0.02, 0.001, 0.001)
    assert -40_000 < loglik(RICH, rows, 4, rare)[0] < 0


def test_equal_beginnings_share_nodes():
    trie = Trie(np.array([[0, 1, 2], [0, 1, -1], [0, 2, -1]]), 3)
    assert trie.n_nodes == 5
    assert trie.parent[trie.leaf].tolist() == [trie.leaf[1], 1, 1]


def test_moves_of_a_pair_take_either_order():
    moves = list_path_moves(3, (0,))
    assert moves.position.tolist() == [-1, 0, 1, 1, 0, 2]
    assert moves.passed.tolist() == [0, 1, 2, 1, 2, 3]


def planted(kind, seed=1, n=1500, pace=False):
    segs, seqs, gaps, _, _, n_codes = worlds.make(kind, seed, n)
    rows, weight, which, gaps = worlds.variants(seqs, gaps if pace else None)
    model = PathMixture(end_step=n_codes - 1, n_codes=n_codes, pace=pace)
    return segs, rows, weight, which, gaps, model


def test_em_never_lengthens_the_description():
    segs, rows, weight, _, _, model = planted("messy")
    model.n_codes_, model.recoding_ = model.n_codes, Recoding()
    log = model.pack(rows, None, weight)
    paths = [Path(tuple(s.path), swaps=dict(s.swaps), weight=1 / 3) for s in segs]
    fits, scores = [begin(paths, Rates(), None)], []
    for _ in range(12):
        fits = run_em(log, fits, 1)
        scores.append(fits[0].score)
    assert (np.diff(scores) < 0.5).all()  # the chances shared have a little prior


def test_what_is_known_of_paths_kept_is_what_would_be_found_anew():
    segs, rows, weight, _, _, model = planted("messy", n=500)
    model.n_codes_, model.recoding_ = model.n_codes, Recoding()
    log = model.pack(rows, None, weight)
    paths = [Path(tuple(s.path), swaps=dict(s.swaps), weight=1 / 3) for s in segs]
    fit = run_em(log, [begin(paths, Rates(), None)], 2)[0]
    kept = fit.remake([0, 2], paths[0], at=1)
    assert kept.forwards[0] is fit.forwards[0]
    known, anew = (
        run_em(log, [f], 2, only=1)[0] for f in (kept, begin(kept.paths, fit.rates, None))
    )
    assert known.score == pytest.approx(anew.score, rel=1e-12)
    assert known.members == pytest.approx(anew.members, abs=1e-12)
    apart = [run_em(log, [f], 2, only=1)[0].score for f in (kept, fit)]  # as side by side
    assert [f.score for f in run_em(log, [kept, fit], 2, only=1)] == pytest.approx(apart, rel=1e-12)
    assert explain(log, [known]) == [known]  # nothing is computed again


KINDS = ["clean", "loops", "rare", "optional", "either", "repeats", "messy", "none", "clean15"]


def steps_of(path):
    steps = list(path.path if hasattr(path, "path") else path.steps)
    for j in path.swaps:
        steps[j : j + 2] = sorted(steps[j : j + 2])
    return tuple(steps), tuple(path.swaps)


@pytest.mark.parametrize("kind", KINDS)
def test_planted_paths_are_found(kind):
    segs, rows, weight, _, _, model = planted(kind, n=4000)
    model.fit(rows, sample_weight=weight)
    assert sorted(map(steps_of, model.paths_)) == sorted(map(steps_of, segs))
    assert model.converged_
    assert model.weights_.sum() == pytest.approx(1)


def test_two_paces_are_found_only_with_pace():
    _, rows, weight, _, gaps, model = planted("pace", n=4000, pace=True)
    model.fit(rows, sample_weight=weight, gaps=gaps)
    assert len(model.paths_) == 2
    assert model.paths_[0].steps == model.paths_[1].steps
    assert len(model.set_params(pace=False).fit(rows, sample_weight=weight).paths_) == 1


def test_weights_are_rows_and_their_order_is_nothing():
    _, rows, weight, _, _, model = planted("either", n=800)
    first = model.fit(rows, sample_weight=weight).to_dict()
    leads = np.repeat(rows, weight.astype(int), axis=0)
    leads = leads[np.random.default_rng(0).permutation(len(leads))]
    assert model.fit(leads).to_dict() == first
    assert model.fit(rows, sample_weight=weight).to_dict() == first


def test_the_search_on_fewer_variants_keeps_the_answer():
    segs, rows, weight, _, _, model = planted("clean", n=4000)
    model.set_params(max_variants=100).fit(rows, sample_weight=weight)
    assert sorted(map(steps_of, model.paths_)) == sorted(map(steps_of, segs))


def test_json_round_trip():
    _, rows, weight, _, gaps, model = planted("pace", pace=True)
    model.fit(rows, sample_weight=weight, gaps=gaps)
    again = PathMixture.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.to_dict() == model.to_dict()
    assert (again.predict_proba(rows, gaps) == model.predict_proba(rows, gaps)).all()


def test_memberships_sum_to_one_and_early_leavers_are_shared():
    _, rows, weight, _, _, model = planted("fixed", n=4000)
    model.fit(rows, sample_weight=weight)
    member = model.predict_proba(rows)
    assert member.sum(axis=1) == pytest.approx(1)
    only_request = np.flatnonzero((rows[:, 0] == 0) & (rows[:, 1] < 0))
    assert member[only_request[0]] == pytest.approx(model.weights_, abs=0.02)
    by_path = np.exp(model.path_log_likelihood(rows)) * model.weights_
    assert member == pytest.approx(by_path / by_path.sum(axis=1, keepdims=True))


def test_simulated_leads_look_like_the_log():
    _, rows, weight, _, _, model = planted("messy", n=4000)
    model.fit(rows, sample_weight=weight)
    made, gaps, segment = model.sample(4000, 1)
    assert gaps is None
    assert (made == model.sample(4000, 1)[0]).all()
    length, real = (made >= 0).sum(axis=1), (rows >= 0).sum(axis=1)
    assert length.mean() == pytest.approx(weight @ real / weight.sum(), rel=0.06)
    assert (length == 1).mean() == pytest.approx(weight @ (real == 1) / weight.sum(), abs=0.03)
    sold = (made == model.end_step).any(axis=1).mean()
    assert sold == pytest.approx(
        weight @ (rows == model.end_step).any(axis=1) / weight.sum(), abs=0.04
    )
    assert np.bincount(segment) / 4000 == pytest.approx(model.weights_, abs=0.03)


@pytest.mark.parametrize(("worst", "n_runs"), [(0.96, 5), (0.94, 10), (np.nan, 10)])
def test_leads_are_drawn_again_until_it_is_clear(monkeypatch, worst, n_runs):
    seen = iter([1.0, 1.0, worst, *[1.0] * 7])
    monkeypatch.setattr(choose, "resample_segments", lambda *given: np.array([1.0, next(seen)]))
    model = SimpleNamespace(predict_proba=lambda X, gaps: None)
    jaccard = choose.measure_stability(model, np.zeros((1, 1)))
    assert jaccard.shape == (n_runs, 2) and np.array_equal(jaccard.min(), worst, equal_nan=True)


def test_trust_in_the_number_of_segments():
    _, rows, weight, _, _, model = planted("clean")
    model.fit(rows, sample_weight=weight)
    null = compare_with_fewer(model, n_runs=4)
    assert null.gain > 0 > null.null_gains.max()
    assert null.p < 1e-6  # bound by the gain alone
    # One more than planted gains little: then only simulation tells, 1 of 5 at the least.
    many = clone(model).set_params(n_segments=4).fit(rows, sample_weight=weight)
    assert 1 / 5 <= compare_with_fewer(many, n_runs=4).p <= 1
    assert (measure_stability(model, rows, weight, n_runs=2).mean(axis=0) > 0.75).all()
    assert compare_with_fewer(PathMixture(n_segments=1, end_step=model.end_step).fit(rows)) is None


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([[0, 1], [0, 2]], {"n_segments": 3}, "3 segments of 2 distinct journeys"),
        ([[0.5]], {}, "whole numbers"),
        ([[0, -1, 1]], {}, "pads rows at the right"),
        ([[0, 1]], {"pace": True}, "needs gaps"),
    ],
)
def test_bad_input_is_named(rows, options, message):
    with pytest.raises(ValueError, match=message):
        PathMixture(**options).fit(np.array(rows))


def test_unknown_steps_and_odd_weights_are_named():
    rows = np.array([[0, 1], [0, 2]])
    with pytest.raises(ValueError, match="numbers >= 0"):
        PathMixture().fit(rows, sample_weight=[1, -1])
    with pytest.raises(ValueError, match="step code 7"):
        PathMixture().fit(rows).predict([[0, 7]])
