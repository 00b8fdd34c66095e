"""A draft of steps.yml: it is a steps file, it says what it is, and it leaves nothing out."""

import re

import pandas as pd
import pytest
import yaml

from funnel_lib.audit import build_audit
from funnel_lib.core.events import build_log
from funnel_lib.core.steps import parse_steps
from funnel_lib.core.words import Words
from funnel_lib.datasets.planted import plant_log
from funnel_lib.sections.new_funnel.draft import draft_steps
from funnel_lib.sections.quality.tell import tell_limits


def log_of(*rows):
    """Events "lead action actor" in order; an actor of "-" is none."""
    table = pd.DataFrame([r.rsplit(" ", 1) for r in rows], columns=["event", "actor"])
    events = table["event"].str.split(" ", n=1, expand=True).set_axis(["lead_id", "action"], axis=1)
    events["actor"] = table["actor"].where(table["actor"] != "-")
    events["at"] = pd.date_range("2025-01-01", periods=len(events), tz="UTC")
    return build_log(events)


def test_by_hand():
    draft = draft_steps(log_of(
        "a form_sent client", "a proposal_sent manager", "a proposal_opened client",
        "a Оплата: счёт 1 client", "a note -", "b form_sent client", "b deal lost manager",
        "b robot_tick system", "a stage: Новая manager", "a repeat order client",
    ))  # fmt: skip
    steps = parse_steps(draft)
    assert steps.ids == ("form_sent", "proposal_opened", "Оплата: счёт 1", "repeat order")
    assert steps.won == "Оплата: счёт 1" and steps.after_sale == ("repeat order",)
    assert steps["proposal_opened"].asks == ("proposal_sent",)
    assert steps.lost == ("deal lost",) and steps.ignore == ("robot_tick",)
    assert steps.draft and "- id: form_sent  # 2 events of 2 leads, the actor column" in draft
    assert "#  - note  # 1 events of 1 leads" in draft  # a person decides
    assert "stage:" not in draft


def test_who_acts_is_told_by_wording_where_no_column_does():
    draft = draft_steps(log_of("a Клиент оплатил -", "a КП отправлено -", "a что-то ещё -"))
    steps = parse_steps(draft)
    assert steps.ids == ("Клиент оплатил",) and steps.won == "Клиент оплатил"
    assert '- "КП отправлено"  # manager, 1 events of 1 leads, its wording' in draft
    assert '#  - "что-то ещё"' in draft


def test_an_action_of_several_actors_is_told_by_wording():
    rows = [f"a chat {who}" for who in ("client", "manager", "client", "manager")]
    draft = draft_steps(log_of("a invoice_paid client", *rows))
    assert "#  - chat  # 4 events of 1 leads" in draft


def test_where_no_action_is_the_clients_all_stand_in_order():
    draft = draft_steps(log_of("a call_out manager", "a zig -", "a zag -"))
    assert parse_steps(draft).ids == ("call_out", "zig", "zag")
    assert "for a person to sort" not in draft and "Nothing tells which actions" in draft


@pytest.mark.parametrize("world", ["kettles", "messy"])
def test_planted_steps_are_found_in_their_order(world):
    planted = plant_log(world, 1500, seed=3)
    log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    draft = parse_steps(draft_steps(log))
    truth = parse_steps(planted.steps_yaml)
    shown = set(planted.events.loc[planted.events["actor"] == "client", "action"])
    assert set(draft.ids) == {i for i in truth.ids if i in shown}
    assert draft.won == truth.won and set(draft.lost) == set(truth.lost)
    for segment in planted.truth["segments"].values():
        swapped = {step for pair in segment["swaps"] for step in pair["pair"]}
        path = [i for i in segment["path"] if i not in swapped]
        assert [i for i in draft.ids if i in path] == path
    listed = {a for line in yaml.safe_load(draft_steps(log))["ignore"] for a in [line]}
    asked = {a for step in draft.steps for a in step.asks}
    actions = set(planted.events["action"][~planted.events["action"].str.startswith("stage: ")])
    comments = set(re.findall(r"^#  - (\w+)", draft_steps(log), re.M))
    assert actions == set(draft.ids) | listed | asked | comments | set(draft.lost)


def test_an_audit_of_an_unedited_draft_works_and_says_so(planted_folder, tmp_path):
    planted = plant_log("kettles", 300, seed=5)
    (tmp_path / "draft.yml").write_text(draft_steps(build_log(planted.events)), encoding="utf-8")
    audit = build_audit(planted_folder / "events.csv", leads=planted_folder / "leads.csv",
                        steps=tmp_path / "draft.yml", segments="none")  # fmt: skip
    assert audit.tables["funnel"]["n_reached"].iloc[0] == 400
    for lang, told in (("en", "is a draft made from the log"), ("ru", "черновик")):
        limits = tell_limits(audit.tables["leads"], audit.tables["quality"], Words(lang))
        assert told in limits[0]
    checks = audit.tables["quality"].set_index("check")
    assert checks.loc["draft_steps", "severity"] == "warning"
