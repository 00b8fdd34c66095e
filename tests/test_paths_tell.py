"""Sentences about segments: what they say in each case, in both languages."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.words import Words
from funnel_lib.sections.paths.tell import (
    tell_choice,
    tell_likeness,
    tell_path,
    tell_segments,
    tell_traits,
)
from funnel_lib.sections.recognition.tell import tell_facts, tell_recognised

EN, RU = Words("en", {"meet": "Met us"}), Words("ru", {"meet": "Встретились"})


def choice_of(gains, chosen, null=np.nan):
    n = np.arange(1, len(gains) + 1)
    return pd.DataFrame({"n_segments": n, "gain": gains, "chosen": n == chosen,
                         "null_gain": np.where(n == chosen, null, np.nan)})  # fmt: skip


def model_of(**more):
    model = {"n_segments": None, "max_segments": 10, "converged_": True, "n_iter_": 5} | more
    return SimpleNamespace(model=SimpleNamespace(**model))


@pytest.mark.parametrize("why", ["few_leads", "few_steps", "not_asked"])
def test_why_there_are_no_segments_is_said(why):
    one = pd.DataFrame({"name": ["all"]})
    for words in (EN, RU):
        told = tell_segments(one, words, why)
        assert told != tell_segments(one, words) and len(told) > 30


def test_how_many_paths_and_the_main_one():
    two = pd.DataFrame({"name": ["with meet", "without meet"], "n_leads": [70.0, 30.0],
                        "n_undetermined": [5.0, 1.0], "n_low": [60.0, 20.0],
                        "n_high": [80.0, 40.0]})  # fmt: skip
    assert tell_segments(two, EN) == (
        "Clients buy along 2 paths. The main one is “Path with ‘Met us’”: 60.0–80.0% of the "
        "leads. These are bounds: those who left early show no path. For 6 of 100 leads the "
        "path is not yet known."
    )
    sure = two.assign(share_of_amount_won=[0.8, 0.2], n_undetermined=0.0)
    assert tell_segments(sure, RU).replace("\xa0", " ") == (
        "К покупке ведут 2 пути. Главный — «Путь с шагом „Встретились“»: 60,0–80,0 % лидов, "
        "80,0 % выручки. Доля лидов — это границы: у ушедших рано пути не видно."
    )


def test_groups_may_be_the_outcome_in_disguise():
    likeness = pd.DataFrame({"with": ["outcome", "depth"], "nmi": [0.1, 0.55]})
    assert tell_likeness(likeness, EN) == (
        "Likeness to the outcome (won or lost): 0.10; to how far the lead came: 0.55. From 0.30 on "
        "the groups follow how far leads came, not what clients do: do not compare their sales or "
        "losses."
    )
    fine = tell_likeness(likeness.assign(nmi=[0.1, np.nan]), RU)
    assert "группы не повторяют итог" in fine


def test_the_choice_says_what_one_more_costs():
    told = tell_choice(choice_of([np.nan, 900.0, -30.0], 2, -20.0), None, EN)
    assert told == (
        "Segments chosen: 2. The last one makes the description of the journeys 900 nats "
        "shorter. On simulated leads without it, one more segment gains −20 at most. One more "
        "would not pay: it costs 30 nats more than it explains."
    )
    told = tell_choice(choice_of([np.nan, 900.0, -30.0], 2, -20.0), model_of(), EN)
    assert "it costs 30 nats" in told and "larger number" not in told
    told = tell_choice(choice_of([np.nan, 900.0, 55.0], 2), model_of(n_segments=2), EN)
    assert "it explains 55 nats more than it costs" in told and "simulated" not in told


def test_the_edge_of_the_range_and_a_fit_that_did_not_converge_are_said():
    gains = [np.nan, *[100.0] * 9]
    assert "may be more" in tell_choice(choice_of(gains, 10), model_of(), EN)
    assert "may be more" not in tell_choice(choice_of(gains, 10), model_of(n_segments=10), EN)
    told = tell_choice(choice_of(gains, 10), model_of(converged_=False, n_iter_=30), RU)
    assert "не сошёлся (проходов: 30)" in told


def test_nothing_compared_is_said():
    empty = choice_of([], 0)
    assert "Nothing was compared" in tell_choice(empty, model_of(), EN)


def steps_of(**more):
    row = {"step": "meet", "share_taken": 1.0, "is_optional": False, "share_repeated": 0.0,
           "either_order_with": None, "share_reversed": None, "again_from": None,
           "share_again": None}  # fmt: skip
    return pd.DataFrame([row | more])


@pytest.mark.parametrize(
    ("more", "en", "ru"),
    [
        ({}, "The steps come in this order", "Шаги идут в этом порядке"),
        ({"is_optional": True, "share_taken": 0.31}, "About a third (31.0%) also take “Met us”.",
         "Около трети (31,0\xa0%) делает и шаг «Встретились»."),
        ({"is_optional": True, "share_taken": 0.62}, "About two thirds", "Около двух третей"),
        ({"is_optional": True, "share_taken": 0.12}, "Some (12.0%)", "Небольшая часть"),
        ({"either_order_with": "pay", "share_reversed": 0.4},
         "“Met us” and “pay” come in either order (the other way round: 40.0%).", "наоборот"),
        ({"again_from": "ask", "share_again": 0.3}, "After “Met us”, 30.0% go back to “ask”.",
         "возвращаются к шагу «ask»"),
        ({"again_from": "ask", "share_again": 0.97}, "in this order", "в этом порядке"),
        ({"is_optional": True, "share_taken": 0.01}, "in this order", "в этом порядке"),
        ({"share_repeated": 0.2}, "“Met us” is often repeated (20.0%).", "часто повторяют"),
    ],
)  # fmt: skip
def test_a_path_in_words(more, en, ru):
    assert en in tell_path(steps_of(**more), EN)
    assert ru in tell_path(steps_of(**more), RU)


def test_traits_beyond_chance_only():
    traits = pd.DataFrame({"step": ["meet", "ask", "pay"], "kind": ["shows", "repeats", "shows"],
                           "share_here": [0.8, 0.1, 0.5], "share_rest": [0.1, 0.3, 0.4],
                           "difference": [0.7, -0.2, 0.1], "p_holm": [0.0, 0.01, 0.2]})  # fmt: skip
    assert tell_traits(traits, EN) == (
        "More than the others: “Met us” (80.0% against 10.0%). "
        "Less than the others: “ask” twice or more (10.0% against 30.0%)."
    )
    assert "pay" not in tell_traits(traits, RU) and "два раза и больше" in tell_traits(traits, RU)
    assert "beyond chance" in tell_traits(traits[traits["p_holm"] > 0.1], EN)


def facts_of(right, guessed):
    return pd.DataFrame({"fact": ["answer", "product"], "cramers_v": [0.5, 0.1], "low": [0.4, 0.0],
                         "high": [0.6, 0.2], "share_explained": [0.25, 0.01],
                         "share_right": [right, guessed], "share_guessed": guessed})  # fmt: skip


def test_a_fact_that_tells_the_segment_is_recommended_and_others_are_not():
    told = tell_facts(facts_of(0.8, 0.5), EN)
    assert "answer predicts the segment of 80.0% of the leads" in told
    assert "; product 1.0% (Cramér’s V 0.10, 95% interval 0.00–0.20)." in told
    told = tell_facts(facts_of(0.52, 0.5), RU)
    assert "Угадать сегмент по этому нельзя" in told and "Сделайте его полем" not in told
    assert "no such columns" in tell_facts(facts_of(0.8, 0.5)[:0], EN)


@pytest.mark.parametrize("staff", ["manager", "team"])
def test_who_works_on_a_lead_is_nothing_to_ask_a_client(staff):
    facts = facts_of(0.9, 0.5).assign(fact=[staff, "product"])
    told = tell_facts(facts, EN)
    assert "field of the first talk" not in told and "Compare how they work" in told
    assert "None of these facts" not in told and f"explains: {staff} 25.0%" in told
    assert "клиента не спросишь" in tell_facts(facts, RU)
    facts["share_right"] = [0.9, 0.7]  # the second best is the best to ask
    assert "product predicts the segment of 70.0% of the leads" in tell_facts(facts, EN)


def test_a_segment_that_is_never_told_is_said():
    recognised = pd.DataFrame({"segment": ["s1", "s2"], "position": 1, "step": "meet",
                               "n_reached": 9.0, "share_told": [0.1, 0.9],
                               "mean_probability": [0.5, 0.95]})  # fmt: skip
    segments = pd.DataFrame({"segment": ["s1", "s2"], "name": ["without meet", "with meet"]})
    parting = pd.DataFrame({"segment": ["s1", "s2"], "last_step": "ask", "step": [None, "meet"]})
    told = tell_recognised(recognised, segments, parting, RU)
    assert (
        told[0] == "Сегмент «Путь без шага „Встретились“» у большинства лидов до конца не узнать."
    )
    assert "виден с шага «Встретились»: до него дошли 9, путь уже ясен у 90,0" in told[1]
    assert "(«Встретились»)" in told[2] and len(told) == 3
    assert tell_recognised(recognised, segments, parting, EN)[1:] == [
        "“Path with ‘Met us’” shows from “Met us” on: 9 leads came so far, and the path of "
        "90.0% is known by then (mean certainty 95.0%).",
        "Ask in the first talk what the client means to do next (“Met us”), and keep the answer "
        "in a field: then the segment shows at once.",
    ]
    assert "There is one path" in tell_recognised(recognised[:0], segments, parting, EN)[0]
