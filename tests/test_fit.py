"""What real logs hold breeds no false paths: a seed of each claim, and what it rests on by hand."""

import itertools

import fit_worlds
import numpy as np
import pandas as pd
import pytest
from prove_fit import is_fine, try_later

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import write_path
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps
from funnel_lib.core.words import Words
from funnel_lib.counting.variants import count_variants, find_bulk, find_together
from funnel_lib.engine.blocks import find_blocks
from funnel_lib.engine.mixtures import begin
from funnel_lib.engine.paths import PathMixture
from funnel_lib.engine.question import measure_fitness
from funnel_lib.engine.recoding import Recoding, find_bursts
from funnel_lib.engine.search import can_walk, find_needless
from funnel_lib.engine.trees import Trie, count_moves, run_forward
from funnel_lib.engine.walks import Path, Rates, Walker
from funnel_lib.sections.paths.segments import find_segments, read_segments, write_segments
from funnel_lib.sections.paths.tell import tell_fit, tell_recoded
from funnel_lib.sections.paths.trust import measure_trust

SEED, LEADS = 1, 1500
EN, RU = Words("en"), Words("ru")
FOUND = [kind for kind in fit_worlds.KINDS if not kind.startswith("later") and kind != "winners"]


@pytest.mark.parametrize("kind", FOUND)
def test_as_many_paths_are_found_as_clients_walk(kind):
    world = fit_worlds.make(kind, SEED, LEADS)
    assert is_fine(world, find_segments(world.journeys()))


@pytest.mark.parametrize(("kind", "told"), [("later-0", False), ("later-20", True)])
def test_a_path_that_saved_segments_lack_is_told(kind, told):
    found = try_later(kind, 0, 1000)
    assert found["told"] == told and (not told or found["is_path"])


def test_a_wrong_click_by_hand():
    # path a > b, three codes, a tenth recorded as any step; noise .2 (.15 before a), skip of a .1
    rates = Rates(skip=0.1, repeat=0.05, noise=0.2, early=0.15, wrong=0.1)
    right, wrong = 0.9 + 0.1 / 3, 0.1 / 3
    rows = np.array([[0], [1], [2]])
    take_a, take_b, early = 0.85 * 0.9, 0.85 * 0.1, 0.15 / 3
    by_hand = [
        take_a * right + take_b * wrong + early,
        take_a * wrong + take_b * right + early,
        (take_a + take_b) * wrong + early,
    ]
    found = run_forward(Trie(rows, 3), [Walker(Path((0, 1)), rates, 3)])[0]
    assert np.exp(found.loglik) == pytest.approx(by_hand)
    assert sum(by_hand) == pytest.approx(1)


def test_wrong_clicks_are_counted_as_the_gradient_says():
    rows = np.array(list(itertools.product(range(4), repeat=4)))
    path, step = Path((0, 1, 2, 3), swaps={1: 0.4}), 1e-5
    trie, walkers = Trie(rows, 4), [Walker(path, Rates(wrong=w), 4) for w in (0.1, 0.1 + step)]
    forwards = run_forward(trie, walkers)
    counts = count_moves(trie, forwards[:1], [np.ones(len(rows))], fully=True)[0]
    slope = (forwards[1].loglik - forwards[0].loglik).sum() / step
    # of a wrong step one in four is recorded as the right one: it is among the right ones, too
    assert counts.wrong.sum() / 0.1 - counts.right / 0.9 == pytest.approx(slope, rel=1e-3)
    taken = counts.moves[counts.moves.shape[0] * [True]].sum() - counts.noise.sum()
    assert counts.wrong.sum() + counts.right == pytest.approx(taken)


def test_steps_that_are_one_make_as_much_noise():
    # Two steps are one: noise shows it twice as often, and all that can happen still sums to one.
    walker = Walker(Path((0, 2)), Rates(), 4, np.array([2.0, 1.0, 1.0, 1.0]))
    rows = np.array([[0], [1], [2]])
    chances = np.exp(run_forward(Trie(rows, 4), [walker])[0].loglik)
    assert chances.sum() == pytest.approx(1)  # codes 0, 1 and 2 are all four steps
    assert chances[0] > chances[1]


def test_rows_are_recoded_by_hand():
    rows = np.array([[0, 1, 2, 3, -1, -1, -1], [0, 3, 3, 3, 3, 3, 1], [2, 1, 0, 1, 2, 4, -1]])
    one_go, gaps = Recoding(together=((1, 2),)).apply(rows, rows)
    assert one_go.tolist() == [
        [0, 1, 3, -1, -1, -1, -1], [0, 3, 3, 3, 3, 3, 1], [1, 0, 1, 4, -1, -1, -1]
    ]  # fmt: skip
    assert gaps[0].tolist()[:3] == [0, 1, 3]
    once = Recoding(bursts=(3,)).apply(rows, None)[0]
    assert once[1].tolist() == [0, 3, 1, -1, -1, -1]
    assert (once[[0, 2]] == rows[[0, 2], :6]).all()
    block = Recoding(blocks=((1, 2),)).apply(rows, None)[0]  # the lone 0 amidst it is noise
    assert block[2].tolist() == [1, 4, -1, -1, -1, -1, -1]
    assert Recoding(longest=3).apply(rows, None)[0].shape == (3, 3)
    assert Recoding().apply(rows, None)[0] is rows


def test_what_is_one_is_written_out():
    made = Recoding(together=((1, 2),), blocks=((4, 5, 6),))
    path = Path((0, 1, 4, 7), {1: 0.2}, swaps={0: 0.3}, skipped=(0, 0.2, 0.1, 0), repeated=(0,) * 4)
    spread = made.expand(path, {5: 0.4})
    assert spread.steps == (0, 1, 2, 4, 5, 6, 7)
    assert spread.skipped == (0, 0.2, 0.2, 0.1, 0.4, 0.1, 0) and spread.swaps == {0: 0.3}
    assert Recoding.from_dict(made.to_dict()) == made
    assert Recoding().expand(path, {}) is path


def test_who_goes_on_repeating_is_a_burst_and_who_repeats_is_none():
    rng, longest = np.random.default_rng(0), 40
    times = np.where(rng.random(2000) < 0.05, rng.integers(5, 30, 2000), 1)
    rows = np.where(np.arange(longest) < times[:, None], 0, -1)
    assert find_bursts(rows, np.ones(2000), 2) == (0,)
    often = np.where(np.arange(longest) < rng.geometric(0.6, 2000)[:, None], 0, -1)
    assert find_bursts(often, np.ones(2000), 2) == ()


def test_any_order_is_a_block_and_some_orders_are_none():
    orders = np.array(list(itertools.permutations([1, 2, 3])))
    rows = np.column_stack([np.zeros(6, int), orders, np.full(6, 4)])
    assert find_blocks(rows, np.full(6, 100.0), 5, 4) == ((1, 2, 3),)
    for some in ([0, 5], [0, 1, 2], [0, 3, 4]):
        assert find_blocks(rows[some], np.full(len(some), 200.0), 5, 4) == ()


def test_a_path_with_a_step_left_out_is_none_of_its_own():
    rows = np.array([[0, 1, 2, 3], [0, 2, 3, -1], [0, 3, -1, -1]])
    model = PathMixture(end_step=3, n_codes=4)
    model.n_codes_, model.recoding_ = 4, Recoding()
    sample = model.pack(rows, None, np.full(3, 100.0))
    whole, less = Path((0, 1, 2, 3), weight=0.7), Path((0, 2, 3), weight=0.3)
    one = find_needless(sample, begin([whole, less], Rates(), None))
    assert [p.steps for p in one.paths] == [whole.steps]
    assert one.paths[0].skip == {1: pytest.approx(0.3)} and one.paths[0].weight == 1
    apart = begin([whole, Path((0, 3), weight=0.3)], Rates(), None)
    assert find_needless(sample, apart) is None
    few = begin([whole, Path((0, 3), weight=0.05)], Rates(), None)  # 15 leads
    assert [p.steps for p in find_needless(sample, few).paths] == [whole.steps]
    assert can_walk(sample, whole) and not can_walk(sample, Path((0, 1, 0, 3)))


def test_paths_are_set_beside_a_chain_and_independence():
    rows = np.array([[0, 1, 2], [0, 2, 1]])
    model = PathMixture(n_segments=1, n_codes=3).fit(rows, sample_weight=[60, 40])
    found = measure_fitness(model, rows, [60, 40])
    # independence: each step a third of all events, 3 ln 3 nats a lead; two shares cost ln(100) / 2
    assert found.independence == pytest.approx(3 * np.log(3) + 2 * np.log(100) / 2 / 100)
    share = -(0.6 * np.log(0.6) + 0.4 * np.log(0.4))  # chain: of the second step alone
    assert found.chain == pytest.approx(share + 4 * 2 * np.log(100) / 2 / 100)
    assert not found.badly.any()


def journeys_of(rows):
    frame = pd.DataFrame(rows, columns=["lead_id", "action", "at"])
    frame["at"] = pd.to_datetime("2025-01-01") + pd.to_timedelta(frame["at"], unit="min")
    steps = Steps(steps=[{"id": s} for s in ("ask", "meet", "test", "pay")], won="pay")
    return build_journeys(build_log(frame), steps)


def test_steps_of_one_click_are_together_unless_stamps_are_dates():
    clicks = ("ask", 0), ("meet", 90), ("test", 90), ("pay", 500)
    minutes = [(f"L{i:02}", step, 777 * i + late) for i in range(40) for step, late in clicks]
    assert find_together(journeys_of(minutes)) == ((1, 2),)
    days = [(lead, step, at // 1440 * 1440) for lead, step, at in minutes]
    assert find_together(journeys_of(days)) == ()
    apart = [(lead, step, at + (step == "test") * 7) for lead, step, at in minutes]
    assert find_together(journeys_of(apart)) == ()


def test_what_is_booked_in_bulk_is_left_out():
    one = [(f"L{i:02}", step, 777 * i + late) for i in range(80)
           for step, late in (("ask", 0), ("meet", 90))]  # fmt: skip
    bulk = [(f"L{i:02}", "meet", 99_999) for i in range(30)]
    journeys = journeys_of(one + bulk)
    assert find_bulk(journeys).sum() == 30
    variants = count_variants(journeys)
    assert variants.rows.tolist() == [[0, 1]] and variants.weight.tolist() == [80]
    assert not find_bulk(journeys_of(one)).any()
    all_at_once = [(f"L{i:02}", "meet", 99_999) for i in range(80)]  # as a webinar is attended
    assert not find_bulk(journeys_of([r for r in one if r[1] == "ask"] + all_at_once)).any()


def test_no_path_is_said_and_counted_by_any():
    world = fit_worlds.make("no-path", SEED, LEADS)
    journeys = world.journeys()
    found = find_segments(journeys)
    assert found.has_no_path
    assert measure_trust(found, journeys).segments["trust"].tolist() == ["no path"]
    assert not find_segments(fit_worlds.make("order-3", SEED, LEADS).journeys()).has_no_path


def test_saved_segments_keep_how_rows_are_read(tmp_path):
    world = fit_worlds.make("order-4", SEED, LEADS)
    journeys = world.journeys()
    found = find_segments(journeys)
    write_segments(found, tmp_path / "segments.json")
    again = read_segments(tmp_path / "segments.json", journeys)
    assert again.blocks == found.blocks and again.paths == found.paths
    assert again.optional == found.optional
    assert again.memberships == pytest.approx(found.memberships)


def test_a_block_is_written_within_braces():
    assert write_path(("a", "b", "c", "d"), [("b", "c")]) == "a > {b, c} > d"
    assert write_path(("a", "b", "d"), [("b", "c")]) == "a > b > d"
    named = Words("en", {"a": "Ask", "b": "Meet", "c": "Test"})
    assert named.value("path", "a > {b, c}") == "Ask → {Meet, Test}"
    assert named.value("path", "a > b") == "Ask → Meet"


@pytest.mark.parametrize("words", [EN, RU])
def test_what_has_changed_under_saved_segments_is_told(words):
    fit = pd.DataFrame([{
        "n_leads": 1000.0, "n_badly": 80.0, "share_badly": 0.08, "share_usual": 0.01,
        "nats_paths": 3.0, "nats_chain": 2.0, "nats_independence": 9.0, "is_saved": True,
        "new_path": "ask > pay", "share_new_path": 0.2, "new_gain": 99.0,
    }])  # fmt: skip
    mix = pd.DataFrame([{"quarter": "2025-Q1", "segment": "s1", "n_leads": 90.0,
                         "share_of_quarter": 0.4, "difference": 0.2, "differs": True}])  # fmt: skip
    told = tell_fit(fit, mix, words)
    assert "ask → pay" in told and "8" in told and "--segments auto" in told
    assert "2025" in told and "2025-Q1" not in told  # as people write a quarter
    quiet = fit.assign(new_path="", share_badly=0.02)
    assert tell_fit(quiet, mix[:0], words) == "" and tell_fit(fit[:0], mix, words) == ""
    bulk = pd.DataFrame([{"recoded": "bulk", "steps": "ask", "n_leads": 900.0},
                         {"recoded": "endless", "steps": "", "n_leads": 5.0}])  # fmt: skip
    assert "900" in tell_recoded(bulk, words) and "5" in tell_recoded(bulk, words)


def test_those_who_bought_may_lack_steps_more_often():
    rows = np.unique(np.random.default_rng(0).integers(0, 4, (300, 5)), axis=0)
    bought, step = (rows == 3).any(axis=1), 1e-5
    path = Path((0, 1, 2, 3), {1: 0.2}, loops={(0, 1): 0.2})
    apart = Trie(rows, 4, bought)
    walkers = [Walker(path, Rates(bought=2 * np.exp(d)), 4) for d in (0, step)]
    forwards = run_forward(apart, walkers)
    alone = np.empty(len(rows))
    for own, times in ((bought, 2), (~bought, 1)):
        skip = {j: times * p for j, p in enumerate((0.03, 0.2, 0.03, 0.03))}
        walker = Walker(Path(path.steps, skip, loops=path.loops), Rates(), 4)
        alone[own] = run_forward(Trie(rows[own], 4), [walker])[0].loglik
    assert forwards[0].loglik == pytest.approx(alone, rel=1e-12)
    counts = count_moves(apart, forwards[:1], [np.ones(len(rows))], fully=True)[0]
    skip = 2 * np.array([0.03, 0.2, 0.03, 0.03])
    slope = (forwards[1].loglik - forwards[0].loglik).sum() / step
    yes, no = counts.bought
    assert (yes - no * skip / (1 - skip)).sum() == pytest.approx(slope, rel=1e-3)
    assert counts.moves.sum() == pytest.approx(rows.size)


def test_buyers_of_whom_more_is_recorded_are_no_segment():
    world = fit_worlds.make("winners", SEED, 3000)
    found = find_segments(world.journeys())
    assert is_fine(world, found) and found.model.recoding_.bought
    assert found.model.rates_.bought < 0.5
    made = found.model.sample(3000, 1)[0]  # simulated buyers show as much more
    steps = (made >= 0).sum(axis=1)
    rows = count_variants(world.journeys())
    real = (rows.rows >= 0).sum(axis=1)
    for has in (True, False):
        own = (made == world.n_codes - 1).any(axis=1) == has
        mine = (rows.rows == world.n_codes - 1).any(axis=1) == has
        mean = np.average(real[mine], weights=rows.weight[mine])
        assert steps[own].mean() == pytest.approx(mean, abs=0.4)
