"""Sentences: the numbers of the tables, the grammar of the language, nothing said of nothing."""

import re

import numpy as np
import pandas as pd
import pytest

from funnel_lib import tell as f
from funnel_lib.audit import build_audit
from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps
from funnel_lib.core.words import Words
from funnel_lib.reporting.page_one import compose_page_one, show_page_one
from funnel_lib.sections.losses.tell import add_up_asked, tell_most_lost, tell_never_proposed
from funnel_lib.sections.new_funnel.tell import tell_ahead

NAMES = {"ask": "Спросил", "read": "Прочитал", "pay": "Оплатил"}
EN = Words("en", {"ask": "Asked", "read": "Read", "pay": "Paid"})
RU = Words("ru", NAMES)


def spaced(text):
    return text.replace("\xa0", " ").replace("\u202f", " ")


def funnel(**changes):
    table = pd.DataFrame({
        "segment": "all", "position": [1, 2, 3], "step": ["ask", "read", "pay"],
        "n_entered": 200.0, "n_reached": [200.0, 120.0, 50.0], "n_unseen": [0.0, 30.0, 0.0],
        "n_open": [0.0, 0.0, 10.0], "share_of_entered": [1, 0.6, 0.25],
        "share_of_previous": [1, 0.6, 0.4167], "low": [0.98, 0.53, 0.195],
        "high": [1.0, 0.665, 0.314], "part": "before_sale",
    })  # fmt: skip
    return table.assign(**changes)


def losses(**changes):
    table = pd.DataFrame({
        "segment": "all", "node": [1, 2, 3], "missed_step": ["ask", "read", "pay"],
        "n_lost": [0.0, 80.0, 60.0],
        "n_asked": [0.0, 20.0, 60.0], "n_not_asked": [0.0, 50.0, 0.0],
        "n_unknown": [0.0, 10.0, 0.0], "share_of_lost": [0, 0.571, 0.429],
        "share_of_entered": [0, 0.4, 0.3], "amount_lost": [0.0, 900.0, 4000.0], "currency": "USD",
    })  # fmt: skip
    return table.assign(**changes)


def tree(**changes):
    """Of 200 who asked 120 read and 50 bought; 10 wait to pay."""
    table = pd.DataFrame({
        "node": [1, 2, 3], "parent": [None, 1, 2], "segments": "all",
        "step": ["ask", "read", "pay"],
        "next_steps": ["ask", "read", "pay"], "n_untold": 0, "n_came": [200, 200, 120],
        "n_went_on": [200, 120, 50], "n_lost_not_asked": [0, 50, 0], "n_lost_asked": [0, 20, 60],
        "n_lost_unknown": [0, 10, 0], "n_open": [0, 0, 10],
    })  # fmt: skip
    return table.assign(**changes)


def leads(n_won=50, n_lost=140, n_open=10, **changes):
    n = n_won + n_lost + n_open
    table = pd.DataFrame({
        "status": ["won"] * n_won + ["lost"] * n_lost + ["open"] * n_open,
        "entered_at": pd.date_range("2025-01-01", periods=n, freq="D", tz="UTC"),
        "stage": None, "stage_ahead": False,
    })  # fmt: skip
    return table.assign(**changes)


def test_outcomes_in_both_languages():
    # 50 of 200: Wilson 19.5 to 31.4 %
    assert f.tell_outcomes(leads(), EN) == (
        "Leads from 1 Jan 2025 to 19 Jul 2025: 200; 50 bought (25.0%, 95% interval "
        "19.5–31.4%), 140 lost, 10 open."
    )
    assert spaced(f.tell_outcomes(leads(), RU)) == (
        "Обращений с 1 янв. 2025 по 19 июл. 2025: 200; купили 50 (25,0 %, диапазон 95 %: "
        "19,5–31,4 %), потеряны 140, в работе 10."
    )


def test_where_many_are_open_the_share_is_that_of_so_far():
    assert f.tell_outcomes(leads(50, 90, 60), EN) == (
        "Leads from 1 Jan 2025 to 19 Jul 2025: 200; 50 bought so far (25.0%), 90 lost, 60 open."
    )


def test_no_place_is_called_the_worst_by_chance():
    told = tell_most_lost(losses(n_lost=[0.0, 43.0, 42.0]), tree(), EN)
    assert told == (
        "About as many leads are lost before “Read” (43 of the 200 who got that far) as before "
        "“Paid” (42)."
    )


def test_a_place_that_recording_may_explain_gives_way_to_the_others():
    alike = losses(n_lost=[0.0, 20.0, 60.0]).assign(n_came=[150.0, 150.0, 120.0])
    told = tell_most_lost(losses(), tree(), EN, alike)
    assert told.startswith("The largest loss is before “Paid”: 60 of the 120 who got that far")
    assert told.endswith("Those who record differently are left out.")
    for words, part in ((EN, "recording may explain that."), (RU, "в том, как записывают.")):
        told = f.tell_main_loss(losses(), tree(), words, alike)
        assert part in told and "80" in told and "120" in told
        assert told.startswith(tell_most_lost(losses(), tree(), words, alike))  # as the title
        assert told.endswith(words.text("sentence.losses_of_all"))
    same = alike.assign(n_lost=[0.0, 60.0, 20.0])
    told = f.tell_main_loss(losses(), tree(), EN, same)
    assert "“Read”: 60 of the 150 who" in told and "recording may" not in told
    few = alike.assign(n_lost=[0.0, 2.0, 20.0])
    assert tell_most_lost(losses(), tree(), EN, few) == tell_most_lost(losses(), tree(), EN)


def test_whether_somebody_asked_is_not_known_of_those_who_record_otherwise():
    alike = losses(n_lost=[0.0, 20.0, 30.0], n_asked=[0.0, 5.0, 10.0],
                   n_not_asked=[0.0, 15.0, 20.0], n_unknown=0.0)  # fmt: skip
    n_lost = losses()["n_lost"].sum()
    sums = add_up_asked(losses(), alike)
    assert sums[["n_lost", "n_asked", "n_not_asked"]].tolist() == [n_lost, 15, 35]
    assert sums["n_unknown"] == n_lost - 50
    never = tell_never_proposed(losses(), EN, alike)
    assert "35 of the 50 lost leads of whom that can be seen" in never
    told = f.tell_losses(losses(), EN, alike)
    assert told.startswith(never) and "“Paid”: 20 of 30. Proposed, but not taken: 15." in told


def test_few_leads_are_called_a_hint():
    assert f.tell_outcomes(leads(1, 2, 3), EN).endswith("Fewer than 30 leads: read it as a hint.")
    assert f.tell_outcomes(leads(0, 1, 0), EN).startswith("Leads of 1 Jan 2025: 1; 0 bought")
    assert f.tell_outcomes(leads(0, 1, 0), RU).startswith("Обращений за 1 янв. 2025: 1; купили 0")


def test_the_main_loss_names_base_money_and_manager():
    assert f.tell_main_loss(losses(), tree(), EN) == (
        "The largest loss is before “Read”: 80 of the 200 who got that far, worth $900 in all. "
        "It was never proposed to 50 of them, and was proposed to 20. For 10 this cannot be "
        "seen. By amount, the largest loss is before “Paid”: $4,000 in all."
    )
    assert spaced(f.tell_main_loss(losses(), tree(), RU)) == (
        "Больше всего лидов теряется перед шагом «Прочитал»: 80 из 200 дошедших до предыдущего "
        "шага; их общая сумма — 900 $. Этот шаг не предлагали 50 из них, предлагали 20. О 10 "
        "этого по CRM не видно. Самая большая сумма потерянных лидов — перед шагом «Оплатил»: 4 "
        "000 $."
    )
    unseen = losses(n_asked=0.0, n_not_asked=0.0, n_unknown=losses()["n_lost"])
    told = f.tell_main_loss(unseen, tree(), EN)
    assert "in all. By amount" in told  # that nothing is known of proposals is said once
    unknown = losses(n_asked=[0.0, 0.0, 60.0], n_not_asked=0.0, n_unknown=[0.0, 80.0, 0.0])
    told = f.tell_main_loss(unknown, tree(), EN)
    assert "in all. Whether the step was proposed to them cannot be seen. By amount" in told


def test_a_loss_at_a_fork_names_its_steps_and_behind_it_the_path():
    # The paths part at the second place; the third is of one of them.
    places = tree(segments=["s1+s2", "s1+s2", "s1"], step=["ask", "fork", "pay"],
                  next_steps=["ask", "read | pay", "pay"])  # fmt: skip
    table = losses(missed_step=["ask", "read | pay", "pay"])
    told = f.tell_main_loss(table, places, EN)
    assert told.startswith("The largest loss is before “Read” or “Paid”: 80 of the 200 who got")
    assert "перед шагом «Прочитал» или «Оплатил»: 80 из 200" in spaced(
        f.tell_main_loss(table, places, RU)
    )
    table = losses(missed_step=["ask", "read | pay", "pay"], n_lost=[0.0, 10.0, 60.0])
    for words in (Words(lang, NAMES, segment_names={"s1": "Wholesale"}) for lang in ("en", "ru")):
        told = f.tell_main_loss(table, places, words)
        assert "“Wholesale”" in told or "«Wholesale»" in told  # which path it is
        assert re.search(r"60 (of the|из) 120", told)
        assert "Wholesale" not in f.tell_main_loss(losses(), tree(), words)


def test_currencies_are_never_summed():
    half = losses(n_lost=[0.0, 40.0, 30.0])
    both = pd.concat([half, half.assign(currency="EUR", amount_lost=[0.0, 70.0, 0.0])])
    told = f.tell_main_loss(both, tree(), EN)
    assert "80 of the 200" in told and "worth $900 + €70 in all" in told
    # In EUR it is the main one.
    assert told.endswith("In USD, most is lost before “Paid”: $4,000 in all.")


def test_losses_without_amounts_speak_of_no_money():
    assert "amounts" not in f.tell_main_loss(losses(amount_lost=0.0), tree(), EN)


def test_nobody_lost_and_nobody_there():
    assert f.tell_main_loss(losses(n_lost=0.0), tree(), EN) == EN.text("sentence.no_losses")
    nobody = {"leads": leads(entered_at=pd.NaT)}
    assert f.tell_page_one(nobody, RU) == [RU.text("sentence.nobody")]


def necessity(shown=(50.0, 20.0, 50.0), share=(1.0, 0.4, 1.0), told=(0.0, 0.5, 0.0)):
    return pd.DataFrame({
        "step": ["ask", "read", "pay"], "n_won": 50.0, "n_won_with_evidence": shown,
        "share": share, "self_reported_share": told,
    })  # fmt: skip


def test_reliability_counts_visible_and_self_reported_steps():
    # 10 of 120 steps of buyers are only told: 8.3 %
    told = f.tell_reliability(funnel(), necessity(), EN)
    assert told == (
        "The data show all 3 steps up to the sale. 8.3% of the buyers’ steps are self-reported "
        "(10 of 120)."
    )
    dark = f.tell_reliability(funnel(share_of_entered=[1, np.nan, 0.25]), necessity(), RU)
    assert dark.startswith("По CRM видно шагов до продажи: 2 из 3. Со слов")
    staged = leads(stage="X", stage_ahead=[True] * 50 + [False] * 150)
    told = tell_ahead(staged, RU)
    assert spaced(told) == "Этап опережает клиента в 25,0 % сделок (50 из 200)."
    assert tell_ahead(staged.assign(stage_ahead=False), RU) == ""
    assert tell_ahead(leads(stage=None, stage_ahead=False), RU) == ""


def test_the_funnel_tells_its_largest_drop_and_its_end():
    told = f.tell_funnel(funnel(), EN)
    assert "before “Read”: 120 of 200 went on (60.0%)" in told
    assert "50 of 200 who entered reached “Paid” (25.0%, 95% interval 19.5–31.4%)" in told
    assert "“Read” was passed without evidence by 30 of 120" in told
    dark = f.tell_funnel(funnel(share_of_entered=[1, np.nan, 0.25]), RU)
    assert "По CRM не видно, потому что ничто в данных их не показывает: «Прочитал»." in dark


def test_rules_that_agree_and_that_do_not():
    rules = pd.DataFrame({
        "position": [1, 1, 1], "step": "ask", "rule": ["passed", "ordered", "any"],
        "n_reached": [5.0, 5.0, 5.0],
    })  # fmt: skip
    assert f.tell_rules(rules, "passed", EN) == EN.text("sentence.rules_same")
    told = f.tell_rules(rules.assign(n_reached=[9.0, 4.0, 7.0]), "passed", EN)
    assert told == (
        "The rules differ most at “Asked”: 9 by passing, 4 in order, 7 at any time. The report "
        "uses “passed”."
    )


def test_losses_tell_who_was_never_asked():
    assert f.tell_losses(losses(), EN) == (
        "The next step was never proposed to 50 of the 130 lost leads of whom that can be seen "
        "(38%). Most often it was “Read”: 50 of 80. Proposed, but not taken: 80. For 10 this "
        "cannot be seen."
    )


def test_necessity_speaks_of_all_and_of_few():
    assert f.tell_necessity(necessity(), EN) == (
        "Nobody bought without these steps: “Asked”, “Paid”. Fewer than half of the buyers show "
        "“Read” (20 of 50): optional, or not recorded. Ask the team which."
    )
    few = necessity().assign(n_won=12.0)
    assert f.tell_necessity(few, RU).startswith("Купивших: 12 — слишком мало")


def test_open_leads():
    table = pd.DataFrame({
        "asked": ["no", "no", "yes"], "days_silent": [31.0, 30.0, np.nan], "doubt": "",
    })  # fmt: skip
    assert f.tell_open_leads(table, EN) == (
        "3 leads open. The next step was never proposed to 2. Silent for more than 30 days: 1."
    )
    assert f.tell_open_leads(table.head(0), RU) == "Лидов в работе нет."


def test_after_the_sale():
    after = funnel(part="after_sale", n_entered=50.0, share_of_entered=[0.5, np.nan, 0.1],
                   n_reached=[20.0, np.nan, 4.0], horizon_days=180.0)  # fmt: skip
    told = (
        "Of 50 buyers, within 180 days of the sale: “Asked” 50.0% (95% interval 98.0–100.0%; shown "
        "by 20 so far); “Paid” 10.0% (95% interval 19.5–31.4%; shown by 4 so far)."
    )
    assert spaced(f.tell_after_sale(after, EN)) == told
    assert spaced(f.tell_after_sale(after, RU)).startswith(
        "Из 50 купивших за 180 дней после продажи: "
    )
    assert "Paid" not in f.tell_after_sale(after, EN, repeat="pay")  # told with the repeats
    young = f.tell_after_sale(after.assign(horizon_days=60.0), EN)
    assert (
        "within 60 days of the sale" in young and "too few have been followed for so long" in young
    )
    assert f.tell_after_sale(after.assign(horizon_days=60.0), EN, None, 60).endswith("so far).")
    just_now = f.tell_after_sale(after.assign(horizon_days=0.0), EN)
    assert just_now.startswith("The sales are too recent") and "%" not in just_now
    one = f.tell_after_sale(after.assign(n_entered=1.0, n_reached=[1.0, np.nan, 0.0]), EN)
    assert one == "There is 1 buyer so far, too few for a share. Seen: “Asked” 1; “Paid” 0."
    assert f.tell_after_sale(funnel(), EN) == EN.text("sentence.after_sale_none")


def test_quality_and_limits():
    quality = pd.DataFrame({
        "check": ["duplicate", "where"], "n_rows": [3, 5], "severity": ["warning", "info"],
    })  # fmt: skip
    told = f.tell_quality(quality, 100, 8, EN)
    assert told == "Rows removed: 8 of 100. Worth a look: exact duplicates, removed: 3."
    assert f.tell_quality(quality.head(0), 100, 0, EN) == "Nothing odd was found in the data."
    limits = f.tell_limits(leads(), quality, EN)
    assert limits[0] == (
        "Still open: 10 of 200. Such leads are not counted as lost, and the share of buyers can "
        "still rise."
    )
    assert len(limits) == 3
    assert f.tell_assumed(("observed_until",), pd.Timestamp("2025-12-31", tz="UTC"), EN) == [
        "The export date was not given: the last act or change in the data is taken, 31 Dec 2025."
    ]


@pytest.mark.parametrize("words", [EN, RU])
def test_every_sentence_stands_on_an_empty_log(words):
    empty = funnel(n_entered=0.0, n_reached=0.0, share_of_entered=np.nan)
    assert f.tell_funnel(empty, words) == words.text("sentence.nobody")
    assert f.tell_losses(losses(n_lost=0.0), words) == words.text("sentence.no_losses")


def test_the_base_of_a_loss_at_the_first_step_is_who_entered():
    told = f.tell_main_loss(losses(n_lost=[140.0, 0.0, 0.0]), tree(), EN)
    assert "“Asked”: 140 of 200 who entered" in told


def test_one_lead_agrees_in_number():
    table = funnel(n_entered=21.0, n_reached=[21.0, 20.0, 1.0], n_open=[0.0, 0.0, 19.0],
                   n_unseen=[0.0, 1.0, 0.0])  # fmt: skip
    one = losses(n_lost=[0.0, 1.0, 0.0], n_not_asked=[0.0, 1.0, 0.0], n_asked=0.0, n_unknown=0.0)
    places = tree(n_came=21)
    assert "1 of the 21 who got that far" in f.tell_main_loss(one, places, EN)
    assert "1 из 21 дошедшего до" in f.tell_main_loss(one, places, RU)
    told = spaced(f.tell_funnel(table, RU))
    assert "из 20 дальше прошёл 1 (" in told and "дошёл 1 из 21 вошедшего (" in told
    assert "без подтверждения прошёл 1 из 20:" in told
    assert f.tell_losses(one, EN).startswith(
        "The next step was never proposed to 1 of 1 lost lead ("
    )
    told = spaced(f.tell_losses(one, RU))
    assert told.startswith("1 из 1 потерянного лида (100 %) следующий шаг так и не предложили.")
    waiting = pd.DataFrame({"asked": ["no"], "days_silent": [99.0], "doubt": ""})
    assert f.tell_open_leads(waiting, RU) == (
        "В работе 1 лид. Следующий шаг ещё не предлагали: 1. Молчат больше 30 дней: 1."
    )


def test_open_leads_of_the_largest_drop_are_not_lost():
    # at `pay` 120 − 20 = 100 fewer, of whom 60 − 5 = 55 are open
    told = f.tell_funnel(funnel(n_reached=[200.0, 120.0, 20.0], n_open=[0.0, 5.0, 60.0]), EN)
    assert "20 of 120 went on (41.7%); 55 of the rest are still open." in told
    assert "Still open before it: 60; these are neither won nor lost." in told
    assert "till open" not in f.tell_funnel(funnel(n_open=0.0), EN)


def test_nothing_is_called_cheap_to_try_where_everyone_was_asked():
    told = f.tell_losses(losses(n_not_asked=0.0), EN)
    assert "cheapest" not in told and "every one that can be checked" in told
    unseen = f.tell_losses(losses(n_not_asked=0.0, n_asked=0.0), EN)
    assert unseen == "Lost leads: 140. Whether the next step was proposed to them cannot be seen."
    assert "Most often it was “Read”: 50 of 80" in f.tell_losses(losses(), EN)


def test_sums_of_memberships_are_rounded():
    table = losses(n_lost=[0.0, 79.8, 60.1], n_asked=[0.0, 20.3, 60.0])
    assert "80 of the 200" in f.tell_main_loss(table, tree(), EN)
    rules = pd.DataFrame({"position": 1, "step": "ask", "rule": ["passed", "ordered", "any"],
                          "n_reached": [5.0, 5.0 + 1e-9, 5.0]})  # fmt: skip
    assert f.tell_rules(rules, "passed", EN) == EN.text("sentence.rules_same")


def test_without_buyers():
    nobody = necessity(shown=(0.0, 0.0, 0.0)).assign(n_won=0.0)
    for table in (nobody, nobody.head(0)):
        told = f.tell_reliability(funnel(), table, RU)
        assert told == "По CRM видны все 3 шага до продажи."
        assert f.tell_necessity(table, EN).startswith("There are 0 buyers: too few")
    after = funnel(part="after_sale", n_entered=0.0, share_of_entered=np.nan, horizon_days=np.nan)
    assert f.tell_after_sale(after, EN).startswith("Nobody has bought yet")


@pytest.mark.parametrize("words", [EN, RU])
def test_empty_tables(words):
    assert f.tell_funnel(funnel().head(0), words) == words.text("sentence.nobody")
    assert f.tell_outcomes(leads(entered_at=pd.NaT), words) == words.text("sentence.nobody")
    assert f.tell_losses(losses().head(0), words) == words.text("sentence.no_losses")
    assert f.tell_main_loss(losses().head(0), tree(), words) == words.text("sentence.no_losses")
    assert f.tell_after_sale(funnel().head(0), words) == words.text("sentence.after_sale_none")


def test_rows_removed_and_nothing_else_to_look_at():
    info = pd.DataFrame({"check": ["where"], "n_rows": [5], "severity": ["info"]})
    assert f.tell_quality(info, 100, 5, RU) == "Убрано строк: 5 из 100. Больше проверять нечего."


def test_tables_are_left_as_they_were():
    tables = [funnel(), losses(), necessity(), leads(), tree()]
    copies = [table.copy() for table in tables]
    f.tell_funnel(tables[0], EN)
    f.tell_main_loss(tables[1], tables[4], EN)
    f.tell_reliability(tables[0], tables[2], EN)
    for table, copy in zip(tables, copies, strict=True):
        pd.testing.assert_frame_equal(table, copy)


MANAGERS = pd.Series(["Anna", "Boris"]).repeat(100).tolist()
ASKED = Steps(steps=[{"id": "ask"}, {"id": "pay", "asked_by": ["invoice_*"]}], won="pay")
UNASKED = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")


def recorded(steps=ASKED, action="invoice_sent"):
    """Journeys of one lead that asked, and something a manager did."""
    events = pd.DataFrame({"lead_id": "a", "at": pd.date_range("2025-01-01", periods=2),
                           "action": ["ask", action]})  # fmt: skip
    return build_journeys(build_log(events), steps)


@pytest.mark.parametrize(
    ("changes", "journeys", "en", "ru"),
    [
        ({}, recorded(), "", ""),
        ({"manager": None}, recorded(), "managers (no lead has one)", "менеджеров (не указаны)"),
        ({"manager": "Anna"}, recorded(), "differences between managers (there is only one)",
         "различий между менеджерами (он один)"),
        ({"manager": [f"M{n // 3}" for n in range(200)]}, recorded(),
         "differences between managers (too few leads)",
         "различий между менеджерами (слишком мало лидов)"),
        ({"manager": ["Anna"] * 197 + ["Boris"] * 3}, recorded(),
         "differences between managers (too few leads)",
         "различий между менеджерами (слишком мало лидов)"),
        ({}, recorded(UNASKED), "proposals (no asked_by in the steps file)",
         "предложений (в файле шагов нет `asked_by`)"),
        ({}, recorded(action="call"), "proposals (no action under asked_by occurs in the export)",
         "предложений (действий из `asked_by` нет в выгрузке)"),
        ({"amount": np.nan}, recorded(), "amounts (none in the export)",
         "сумм (их нет в выгрузке)"),
        ({"manager": "", "amount": 0.0}, recorded(),
         "managers (no lead has one), amounts (none in the export)",
         "менеджеров (не указаны), сумм (их нет в выгрузке)"),
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_said_once(changes, journeys, en, ru):
    table = leads(**{"manager": MANAGERS, "amount": 100.0, "currency": "USD"} | changes)
    assert f.tell_unseen(table, journeys, EN) == (en and f"What cannot be seen: {en}.")
    assert f.tell_unseen(table, journeys, RU) == (ru and f"Не видно: {ru}.")


def test_page_one_and_quality_end_with_what_cannot_be_seen(planted_folder, tmp_path):
    table = pd.read_csv(planted_folder / "leads.csv").drop(columns=["manager", "amount"])
    table.to_csv(tmp_path / "leads.csv", index=False)
    audit = build_audit(planted_folder / "events.csv", leads=tmp_path / "leads.csv",
                        steps=planted_folder / "steps.yml", segments="none")  # fmt: skip
    unseen = "What cannot be seen: managers (no lead has one), amounts (none in the export)."
    *_, reliability, said, _ = show_page_one(audit).tell("en")
    assert said == unseen and reliability.startswith("The data show")
    assert audit.quality.tell("en")[-1] == unseen


# Further ones are in `test_audit`.
ODD = {
    "as it is": lambda leads, events: (leads, events),
    "nobody fills amounts in": lambda leads, events: (leads.assign(amount=0), events),
    "all won": lambda leads, events: (leads.assign(status="won"), events),
}  # fmt: skip


def test_page_one_counts_only_what_is_money(planted_folder, tmp_path):
    leads = pd.read_csv(planted_folder / "leads.csv")
    won, still_open = (leads.index[leads["status"] == status] for status in ("won", "open"))
    leads["amount"] = 100.0
    leads.loc[won[::3], "amount"] = np.nan
    leads.loc[[won[1], still_open[1]], "amount"] = 10.0**9  # a telephone number in the wrong field
    leads.to_csv(tmp_path / "leads.csv", index=False)
    audit = build_audit(planted_folder / "events.csv", leads=tmp_path / "leads.csv",
                        steps=planted_folder / "steps.yml", segments="none")  # fmt: skip
    page = compose_page_one(audit.tables, EN, audit.journeys)
    _, revenue, _, unfinished = page.numbers
    n = len(won) - len(won[::3]) - 1
    assert revenue.value.startswith(EN.money(100 * n, audit.tables["leads"]["currency"][0]))
    assert revenue.notes == [f"the amount is known of {n} of {len(won)} deals"]
    assert "000,000,000" not in " ".join([*page.tell(), *unfinished.notes])
    assert not audit.hypotheses.table["extra_amount"].dropna().ge(10.0**7).any()


def test_zeros_that_nobody_filled_in_are_no_money(planted_folder, tmp_path):
    leads = pd.read_csv(planted_folder / "leads.csv").assign(amount=0)
    leads.to_csv(tmp_path / "leads.csv", index=False)
    audit = build_audit(planted_folder / "events.csv", leads=tmp_path / "leads.csv",
                        steps=planted_folder / "steps.yml", segments="none")  # fmt: skip
    table = audit.hypotheses.table
    assert table["extra_amount"].isna().all() and table["extra_won"].gt(0).any()
    assert audit.losses.table["amount_lost"].fillna(0).eq(0).all()


@pytest.mark.parametrize("case", ODD)
def test_page_one_reads_well_whatever_the_data(planted_folder, tmp_path, case):
    leads, events = (pd.read_csv(planted_folder / f"{name}.csv") for name in ("leads", "events"))
    leads, events = ODD[case](leads, events)
    leads.to_csv(tmp_path / "leads.csv", index=False)
    events.to_csv(tmp_path / "events.csv", index=False)
    audit = build_audit(tmp_path / "events.csv", leads=tmp_path / "leads.csv",
                          steps=planted_folder / "steps.yml", segments="none")  # fmt: skip
    check_page_one(audit)


def check_page_one(audit):
    """It reads well in both languages."""
    for lang in ("en", "ru"):
        told = f.tell_page_one(audit.tables, audit.words(lang), audit.journeys)
        unseen = f.tell_unseen(audit.tables["leads"], audit.journeys, audit.words(lang))
        assert len(told) >= 3 and (not unseen or unseen in told)
        for sentence in told:
            assert re.match("[A-ZА-ЯЁ0-9“«]", sentence) and sentence.endswith(".")
            assert not re.search(
                r"nan|None|[{}—]\d|\.\.|  | [,.;:]|(?:gain:|от) [^\d]?0[ \xa0]", sentence
            )
