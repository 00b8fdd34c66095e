"""Sentences on what to change first, word by word."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.words import Words, write_gain
from funnel_lib.sections.hypotheses.cards import show_hypotheses
from funnel_lib.sections.hypotheses.tell import (
    tell_hypotheses,
    tell_plan,
    tell_start,
)

NAMES = {"pay": "Оплатил", "read": "Открыл КП"}
RU, EN = Words("ru", NAMES), Words("en", {"pay": "Paid", "read": "Read it"})
ONE = pd.DataFrame({"segment": ["all"], "name": ["all"]})
TWO = pd.DataFrame({"segment": ["s1", "s2"], "name": ["with read", "without read"]})
ROW = {
    "segment": "all", "step": "pay", "lever": "ask", "share_now": 0.5, "share_reference": 0.6,
    "reference": "asked", "extra_won": 6.0, "extra_amount": 1200.0, "low": 240.0,
    "high": 2412.0, "currency": "EUR", "n_needed_per_arm": 388.0, "days_needed": 90.0,
    "beyond_chance": True, "n_decided": 100.0, "n_lost": 30.0, "months": 12.0, "node": 2,
}  # fmt: skip
CHANCE = {"beyond_chance": False, "low": 0.0}
HELP = {"lever": "help", "reference": "manager=Анна"}


def table(*changes):
    return pd.DataFrame([ROW | change for change in changes])


def test_where_to_start():
    told = tell_start(table({}, HELP | {"extra_won": 4.0}), ONE, RU)
    assert told == (
        "Начните с шага «Оплатил»: предлагайте его всем. Возможный прирост — от 20\xa0€ до "
        "200\xa0€ в месяц; проверка займёт 90 дней."
    )
    told = tell_start(table(HELP | {"extra_won": 40.0}, {}), ONE, EN)
    assert told.startswith("Start with the step “Paid”: help clients to take it.")


def test_what_can_be_tested_comes_before_what_cannot():
    slow = {"days_needed": 4000.0, "segment": "s1", "extra_won": 9.0, "low": 2500.0, "high": 9e3}
    quick = {"step": "read", "segment": "s2", "node": 3}
    words = replace(EN, segment_names={"s1": "Long path", "s2": "Short path"})
    told = tell_start(table(slow, quick), TWO, words)
    assert told == (
        "Start with the step “Read it” (Short path): propose it to everyone. Possible gain: "
        "€20 to €200 a month; a test takes 90 days. Most could be gained at “Paid”, but a test "
        "there would take more than a year."
    )
    told = tell_start(table(slow), TWO, RU)
    assert "больше года: возьмите изменение покрупнее" in told and "Больше всего" not in told


def test_what_cannot_be_told_apart_is_said():
    rows = table({}, {"step": "read", "node": 3, "low": 100.0, "high": 900.0},
                 {"step": "read | pay", "node": 4, "low": 10.0, "high": 200.0})  # fmt: skip
    told = tell_start(rows, ONE, EN)
    assert told.endswith("About as much may be gained at: “Read it”.")
    assert "About as much" not in tell_start(rows.iloc[[0, 2]], ONE, EN)


def test_nothing_to_start_with():
    nothing = table(CHANCE | {"extra_won": np.nan})
    for words in (EN, RU):
        assert tell_start(nothing, ONE, words) == words.text("sentence.start_none")
        assert not tell_hypotheses(nothing, words)  # said once
        assert "<section" not in show_hypotheses(nothing, ONE, words).html


def test_no_gain_that_may_be_chance_is_named():
    slow = {"days_needed": 400.0}
    for rows in (table(CHANCE | slow, HELP | CHANCE | slow), table(CHANCE | {"extra_won": 0.0})):
        assert tell_start(rows, ONE, EN) == "No gain is beyond chance here."
        html = show_hypotheses(rows, ONE, RU).html
        assert "Прироста больше случайного здесь не видно." in html
        assert "<section" not in html and "Оплатил" not in html
    rows = table(CHANCE, CHANCE | {"step": "read", "node": 3, "days_needed": 60.0})
    assert tell_start(rows, ONE, EN) == (
        "No gain is beyond chance here. The cheapest test is at “Read it”: 388 leads in each "
        "half, 60 days in all."
    )
    rows = table(CHANCE | {"extra_won": 99.0}, HELP, CHANCE | {"step": "read", "node": 3})
    assert "help clients to take it" in tell_start(rows, ONE, EN)  # the lever that is sure
    html = show_hypotheses(rows, ONE, EN).html
    assert html.count("<section") == 1 and "up to" not in html and "proposed" not in html


def test_how_many_and_in_what():
    few = {"step": "x", "node": 4, "reference": "few_leads", "extra_won": np.nan}
    told = tell_hypotheses(table({}, {"step": "read", "node": 3} | CHANCE, few | CHANCE), EN)
    assert told == (
        "At 1 step the gain is beyond chance. At 1 more it may be chance. Steps of which "
        "nothing can be said: 1 (too few leads with a known outcome, or no groups to compare)."
    )
    told = tell_hypotheses(table(CHANCE, few | CHANCE), EN)
    assert told.startswith("Steps of which nothing can be said: 1")
    assert tell_hypotheses(table({}, {"step": "read", "node": 3}), RU) == (
        "Прирост больше случайного — на 2 шагах."
    )
    deals = table({"extra_amount": np.nan})
    assert tell_hypotheses(deals, EN).endswith("everything is counted in deals.")
    several = tell_hypotheses(table({}, {"currency": "USD"}, HELP), EN)
    assert several.startswith("At 1 step the gain") and "never summed" in several


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({}, "€240 to €2,400"),
        ({"low": 0.0}, "up to €2,400"),
        ({"extra_amount": np.nan, "low": 0.44, "high": 12.34}, "0.4 to 12 deals"),
        ({"extra_amount": np.nan, "low": 0.0, "high": 3.0}, "up to 3.0 deals"),
        ({"extra_amount": np.nan, "low": 0.0123, "high": 0.5}, "0.012 to 0.5 deals"),
    ],
)
def test_gains_have_two_digits(row, told):
    assert write_gain(pd.Series(ROW | row), EN) == told


def test_plans_say_what_is_too_long_or_not_there():
    assert tell_plan(pd.Series(ROW), EN) == (
        "Test: 388 leads in each half. With today’s flow of leads that takes 90 days, plus the "
        "time the last ones need to decide."
    )
    slow = tell_plan(pd.Series(ROW | {"days_needed": 366.0}), EN)
    assert "388 leads in each half. With today’s flow of leads that takes over a year:" in slow
    nothing = pd.Series(ROW | {"n_needed_per_arm": np.nan, "days_needed": np.nan})
    assert "не удастся" in tell_plan(nothing, RU) and "cannot be tested" in tell_plan(nothing, EN)
    told = tell_start(table(nothing.to_dict()), ONE, EN)
    assert "a month; even three years would not bring enough leads for a test: try" in told
    nothing["share_reference"] = nothing["share_now"]
    assert tell_plan(nothing, RU) == RU.text("sentence.plan_none")


def test_cards_tell_gain_levers_and_test_and_escape():
    more = ({"step": f"<s{n}>", "node": n} for n in range(3, 9))
    rows = table({}, HELP | {"extra_won": 4.0, "low": 120.0, "high": 4800.0}, *more)
    html = show_hypotheses(rows, ONE, RU).html
    assert html.count("<section") == 3 and "<s3>" not in html and "1. Оплатил" in html
    assert (
        "Дальше идут 50,0\xa0% из 100 лидов с известным исходом; менеджер Анна — 60,0\xa0%." in html
    )
    assert "от 120\xa0€ до 4\xa0800\xa0€ за весь период, от 10\xa0€ до 400\xa0€ в месяц" in html
    assert "кому это предложили, дальше идут 60,0\xa0%. Без предложения остались 100 лидов." in html
    words = replace(RU, segment_names={"s1": "Длинный путь"})
    assert "Длинный путь" in show_hypotheses(table({"segment": "s1"}), TWO, words).html
