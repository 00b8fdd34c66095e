"""Sentences of answers and attempts: by hand, in both languages, silent where nothing is known."""

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.words import NOTHING, Words, label_table
from funnel_lib.drawing.html import show_table
from funnel_lib.sections.answers.tell import (
    label_managers,
    tell_responses,
)

EN, RU = Words("en"), Words("ru")
BOTH = pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])


def spaced(text):
    return text.replace("\xa0", " ").replace("\u202f", " ")


def make_responses(**changes):
    """Of 200 clients who came first, 150 are answered, half of all within 5.3 hours."""
    table = pd.DataFrame({
        "manager": ["all", "Ann", ""], "n_client_first": [200, 120, 80],
        "n_answered": [150, 100, 50], "n_waiting": [20, 10, 10], "n_unanswered": [30, 10, 20],
        "median_hours_to_answer": [5.3, 0.5, np.nan], "n_had_hour": [199, 120, 79],
        "share_within_hour": 0.2, "share_within_hour_low": 0.15, "share_within_hour_high": 0.26,
        "n_had_day": [190, 115, 75], "share_within_day": 0.6, "share_within_day_low": 0.53,
        "share_within_day_high": 0.67, "n_tried": [160, 100, 60], "n_got_through": [101, 61, 40],
        "n_trying": [9, 9, 0], "n_given_up": [50, 30, 20], "median_attempts_to_reach": 2.0,
        "median_attempts_given_up": 1.0, "share_given_up_after_one": 0.7,
        "share_given_up_after_one_low": 0.56, "share_given_up_after_one_high": 0.81,
    })  # fmt: skip
    return table.assign(**changes)


def test_answers_and_attempts_in_both_languages():
    assert spaced(tell_responses(make_responses(), EN)) == (
        "Of 200 leads whose client came first, 150 have been answered, 20 are waiting, 30 were "
        "closed without an answer. Half of those who came first are answered within 5.3 h. "
        "Within an hour, 20.0% of 199 are answered (95% interval 15.0–26.0%). Within a day, "
        "60.0% of 190 are answered (95% interval 53.0–67.0%). Managers tried to reach 160 "
        "leads: they got through to 101 and not yet to 9; 50 were lost without being reached. "
        "Half of those they got through to took no more than 2 attempts. Of those lost "
        "unreached, 70.0% were tried only once (95% interval 56.0–81.0%)."
    )
    assert spaced(tell_responses(make_responses(), RU)) == (
        "Первыми обратились 200 клиентов: ответ получили 150, ждут его 20, закрыты без ответа "
        "30. Половине обратившихся первыми отвечают за 5,3 ч. За час ответ получили 20,0 % из "
        "199 (диапазон 95 %: 15,0–26,0 %). За сутки ответ получили 60,0 % из 190 (диапазон 95 "
        "%: 53,0–67,0 %). Менеджеры пытались связаться с 160 лидами: удалось — 101, пока нет — "
        "9, потеряны без связи — 50. В половине удачных случаев хватило 2 попыток. Из "
        "потерянных без связи с 70,0 % пытались связаться лишь один раз (диапазон 95 %: "
        "56,0–81,0 %)."
    )


def test_a_half_that_is_not_reached_is_said():
    told = tell_responses(make_responses(median_hours_to_answer=np.nan), EN)
    assert "Fewer than half of those who came first are answered in the time observed." in told


@BOTH
def test_what_is_not_known_is_not_told(words):
    nothing = make_responses(n_client_first=0, n_tried=0)
    assert tell_responses(nothing, words) == words.text("sentence.responses_unknown")
    told = tell_responses(make_responses(n_client_first=0), words)
    assert told.startswith(words.text("sentence.responses_none")) and "101" in told
    told = tell_responses(make_responses(n_had_hour=0, n_had_day=0), words)
    assert words.text("sentence.responses_dates") in told and "—%" not in told
    young = make_responses(n_had_day=0, share_within_day=np.nan, n_tried=0)
    told = tell_responses(young, words)
    assert words.share(0.2) in told and words.share(0.6) not in told
    nobody = make_responses(n_got_through=0, n_given_up=0, median_attempts_to_reach=np.nan)
    told = tell_responses(nobody, words)
    assert words.share(0.7) not in told and "nan" not in told


def test_few_leads_are_a_hint():
    few = make_responses(n_client_first=12, n_tried=7)
    assert tell_responses(few, EN).endswith("Fewer than 30 leads: read it as a hint.")
    assert "Fewer" not in tell_responses(make_responses(n_client_first=12), EN)


def test_rows_are_named():
    assert label_managers(make_responses(), RU)["manager"].tolist() == [
        "все лиды", "Ann", "без менеджера",
    ]  # fmt: skip
    alone = make_responses().iloc[[0, 2]].reset_index(drop=True)
    assert label_managers(alone, EN)["manager"].tolist() == ["all leads"]


def test_the_table_is_written_with_units():
    responses = label_managers(make_responses(n_had_hour=[199, 0, 79]), RU)
    columns = ["manager", "median_hours_to_answer"]
    table = label_table(responses, RU, "responses", columns)
    assert table.iloc[:, 1].tolist() == ["5,3 ч", "30 мин", "меньше половины"]
    nobody = make_responses(n_had_hour=[199, 120, 0])  # nobody could have been answered
    assert label_table(nobody, RU, "responses", columns).iloc[2, 1] == NOTHING
    shown = show_table(label_managers(make_responses(), EN), EN, columns, name="responses").html
    assert '>all leads</td><td class="number">5.3 h</td>' in shown
    assert "--t2:&#39;Half answered within \\28 hours\\29 &#39;" in shown


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0, "1 min"), (0.99, "59 min"), (1, "1.0 h"), (47.9, "47.9 h"), (72, "3.0 days")],
)
def test_times_have_the_unit_people_use(hours, said):
    assert EN.hours(hours) == said
