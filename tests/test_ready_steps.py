"""The ready steps files of data/steps: read, named in both languages, and shown by every line."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import LANGUAGES, Evidence, read_steps
from funnel_lib.counting.reach import count_funnel
from funnel_lib.sections.necessity.count import count_necessity
from funnel_lib.sections.stages.names import audit_stages

FOLDER = Path(__file__).parent.parent / "data" / "steps"
NAMES = ("b2b", "projects", "shop_considered", "shop_urgent", "subscription")
START = pd.Timestamp("2025-01-01", tz="UTC")
# Steps before the sale, but the first, with which no manager helps, and why: none so far.
NOT_ASKED: dict[tuple[str, str], str] = {}
LONGEST = 100


def steps_of(name):
    return read_steps(FOLDER / f"{name}.yml")


def plain(pattern: str) -> str:
    """An action that fits a name or a glob."""
    return pattern.replace("*", "sample")


def make_log(rows, leads=None):
    """A log of (lead, day, action, further columns) rows."""
    table = [{"lead_id": a, "at": START + pd.Timedelta(days=d), "action": b, **c}
             for a, d, b, c in rows]  # fmt: skip
    return build_log(pd.DataFrame(table), leads)


def shown_by(journeys):
    """Which steps each lead's events show."""
    lead = journeys.leads["lead_id"].to_numpy()[journeys.lead]
    step = np.array(journeys.steps.ids)[journeys.step]
    return pd.DataFrame({"lead": lead, "step": step}).groupby("lead")["step"].agg(set).to_dict()


def first_plain(step):
    return next(e.action for e in step.evidence if e.is_plain and not e.is_glob)


# --- the files -----------------------------------------------------------------------------------


def test_no_other_file_lies_there():
    assert sorted(p.name for p in FOLDER.iterdir()) == [f"{n}.yml" for n in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_is_read_without_a_problem_and_is_no_draft(name):
    steps = steps_of(name)
    assert steps.version == 1 and not steps.draft
    assert steps.won == "paid" and steps.before_sale[-1] == "paid"
    assert steps.post_sale == steps.after_sale  # all of them named, in their order
    assert steps.lost and steps.ignore


@pytest.mark.parametrize("name", NAMES)
def test_says_for_whom_in_both_languages_before_anything_else(name):
    text = (FOLDER / f"{name}.yml").read_text(encoding="utf-8")
    head = text[: text.index("version: 1")]
    for words in ("For whom:", "What to adapt first:", "Для кого:", "Что поправить сначала:"):
        assert f"# {words}" in head
    assert all(line.startswith("#") for line in head.splitlines())
    assert max(map(len, text.splitlines())) <= LONGEST


@pytest.mark.parametrize("name", NAMES)
def test_every_step_has_a_name_of_its_own_in_both_languages(name):
    steps = steps_of(name)
    for lang in LANGUAGES:
        names = [s.name[lang] for s in steps.steps]
        assert len(set(names)) == len(names)
        for told in names:
            cyrillic = re.findall("[а-яё]", told.casefold())
            assert bool(cyrillic) == (lang == "ru"), told
            assert not re.search("[a-z]", told.casefold()) or lang == "en", told


@pytest.mark.parametrize("name", NAMES)
def test_russian_names_tell_what_the_client_did(name):
    """The first word is a verb of the past: "Оставил", "Вернулся", not "Заявка", not "Оплата"."""
    for told in steps_of(name).names("ru").values():
        assert re.match(r"[А-Я][а-яё]+(л|лся|ёс)\b", told), told
        assert "прочитал" not in told.casefold()  # an opened e-mail is only opened


@pytest.mark.parametrize("name", NAMES)
def test_no_step_is_named_like_an_action_of_the_manager(name):
    steps = steps_of(name)
    audit = audit_stages([n for lang in LANGUAGES for n in steps.names(lang).values()])
    assert audit.loc[audit["kind"] == "manager", "stage"].tolist() == []
    assert audit.loc[audit["end"] != "", "stage"].tolist() == []


@pytest.mark.parametrize("name", NAMES)
def test_the_manager_helps_with_every_step_before_the_sale_but_the_first(name):
    steps = steps_of(name)
    without = {s for s in steps.before_sale[1:] if not steps[s].asked_by}
    assert without == {step for file, step in NOT_ASKED if file == name}


@pytest.mark.parametrize("name", NAMES)
def test_what_the_manager_does_never_shows_a_step_alone(name):
    steps = steps_of(name)
    shows = [e for s in steps.steps for e in s.evidence if e.is_plain]
    others = [a for s in steps.steps for a in s.asks] + [*steps.lost, *steps.ignore]
    assert [a for a in others if any(e.matches(plain(a)) for e in shows)] == []


@pytest.mark.parametrize("name", NAMES)
def test_help_is_neither_ignored_nor_the_end(name):
    steps = steps_of(name)
    closed = [Evidence(action=a) for a in (*steps.lost, *steps.ignore, *steps.self_reported)]
    helps = {a for s in steps.steps for a in s.asks}
    assert [a for a in sorted(helps) if any(c.matches(plain(a)) for c in closed)] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_manager_s_word_is_evidence_somewhere(name):
    steps = steps_of(name)
    actions = {e.action for s in steps.steps for e in s.evidence}
    for told in steps.self_reported:
        assert any(Evidence(action=told).matches(a) for a in actions), told
    fields = {a for a in actions if a.startswith("field_")}
    assert not fields or "field_*" in steps.self_reported


@pytest.mark.parametrize("name", NAMES)
def test_another_deal_is_shown_by_whatever_shows_the_sale(name):
    """Else a repeat order is seen in one CRM and not in the other."""
    steps = steps_of(name)
    others = {e.action for s in steps.steps for e in s.evidence if e.other_deal}
    sale = {e.action for e in steps[steps.won].evidence if e.is_plain}
    assert not others or sale <= others


# --- every line of evidence ----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_client_who_did_everything_is_counted_at_every_step(name):
    steps = steps_of(name)
    rows = [("a", day, first_plain(steps[i]), {}) for day, i in enumerate(steps.ids)]
    rows += [("b", 0, rows[0][2], {})]
    journeys = build_journeys(make_log(rows), steps)
    assert journeys.measurable.all()
    for rule in ("passed", "ordered", "any"):
        funnel = count_funnel(journeys, rule).set_index("step")
        before, after = funnel.loc[list(steps.before_sale)], funnel.loc[list(steps.after_sale)]
        assert (before["n_entered"] == 2).all() and (after["n_entered"] == 1).all()
        assert before["n_reached"].tolist() == [2] + [1] * (len(before) - 1)
        assert (after["n_reached"] == 1).all() and (funnel["n_unseen"] == 0).all()
    assert journeys.leads["status"].tolist() == ["won", "open"]


@pytest.mark.parametrize("name", NAMES)
def test_every_plain_name_shows_its_step_and_no_other(name):
    steps = steps_of(name)
    lines = [(s.id, e) for s in steps.steps for e in s.evidence if e.is_plain]
    rows = [(f"{n}", 0, plain(e.action), {}) for n, (_, e) in enumerate(lines)]
    found = shown_by(build_journeys(make_log(rows), steps))
    assert found == {f"{n}": {step} for n, (step, _) in enumerate(lines)}


@pytest.mark.parametrize("name", NAMES)
def test_every_condition_can_be_met_and_matters(name):
    """Each line under a condition shows its step where the condition holds, else not."""
    steps = steps_of(name)
    lines = [(s.id, e) for s in steps.steps for e in s.evidence if e.after or e.where]
    rows = [row for n, (_, line) in enumerate(lines) for row in rows_under(line, n)]
    found = shown_by(build_journeys(make_log(rows), steps))
    for n, (step, line) in enumerate(lines):
        assert step in found[f"{n} met"], line
        assert step not in found.get(f"{n} unmet", set()), line


def rows_under(line, n):
    """Events of two leads: one where the condition of a line of evidence holds, one where not."""
    met, unmet = {}, {}
    if line.condition:
        column, sign, value = line.condition
        met, unmet = {column: value}, {column: {"==": f"not {value}", ">=": "0"}[sign]}
    before = [(f"{n} met", 0, plain(line.after), {})] if line.after else []
    action = plain(line.action)
    return [*before, (f"{n} met", 1, action, met), (f"{n} unmet", 1, action, unmet)]


@pytest.mark.parametrize("name", NAMES)
def test_another_deal_of_the_account_is_the_repeat_order(name):
    """A later deal counts for the account's first deal, not for another account's."""
    steps = steps_of(name)
    lines = [(s.id, e.action) for s in steps.steps for e in s.evidence if e.other_deal]
    sale = first_plain(steps["paid"])
    rows = [(f"{n} first", 0, sale, {}) for n in range(len(lines))]
    rows += [(f"{n} later", 9, action, {}) for n, (_, action) in enumerate(lines)]
    rows += [("alone first", 0, sale, {})]
    leads = pd.DataFrame({"lead_id": [lead for lead, *_ in rows]})
    leads["account_id"] = leads["lead_id"].str.split().str[0]
    found = shown_by(build_journeys(make_log(rows, leads), steps))
    for n, (step, action) in enumerate(lines):
        assert step in found[f"{n} first"], action
    assert found["alone first"] == {"paid"}


@pytest.mark.parametrize("name", NAMES)
def test_every_help_is_found_and_every_action_known(name):
    steps = steps_of(name)
    helps = [a for s in steps.steps for a in s.asks]
    rest = [*steps.lost, *steps.ignore, *steps.self_reported]
    rows = [("a", n, plain(a), {}) for n, a in enumerate([*helps, *rest])]
    journeys = build_journeys(make_log(rows), steps)
    asked = set(np.array(steps.ids)[journeys.ask_sets.any(axis=0)])
    assert asked == {s.id for s in steps.steps if s.asked_by}
    assert "unknown_actions" not in set(journeys.quality["check"])


@pytest.mark.parametrize("name", NAMES)
def test_every_lost_end_closes_the_lead(name):
    steps = steps_of(name)
    rows = [(f"{n}", 0, first_plain(steps.steps[0]), {}) for n in range(len(steps.lost))]
    rows += [(f"{n}", 1, action, {}) for n, action in enumerate(steps.lost)]
    assert set(build_journeys(make_log(rows), steps).leads["status"]) == {"lost"}


# --- what the CRMs' readers call events ----------------------------------------------------------

# One client of any CRM, in the order of events: action, further columns, and which steps it shows.
# What no CRM records by itself is not here. Lines without a step: the manager's, or book-keeping.
CLIENT = """
    lead_created | request_left
    deal_created | request_left
    form_sent | request_left
    incoming_call duration=0 | request_left
    became_lead
    entity_responsible_changed
    robot_replied
    intent_identified
    outgoing_call duration=4
    call duration=4
    call duration=30 | reached
    outgoing_call duration=95 | reached
    incoming_mail | request_left reached
    note_added
    mail_opened
    outgoing_sms
    incoming_sms | request_left reached
    meeting_held | reached
    stage:_Proposal
    sale_field_changed
    custom_field_value_changed
    mail
    chat_message
    outgoing_mail
    link_followed | proposal_opened
    document_viewed | proposal_opened
    outgoing_chat_message
    incoming_chat_message | request_left reached proposal_answered
    incoming_call duration=61 | request_left reached proposal_answered
    service_message
    task_completed
    invoice_paid | paid
    payment_received | paid
    nps_rate_added | feedback_given
    """
WITH_CRM = tuple(n for n in NAMES if n != "subscription")  # whose events are the product's own
MADE = ("deal_created", "lead_created", "lead_added")


def read_fixture(text):
    """Rows of a log and the steps each shows, from lines of `action column=cell … | steps`."""
    rows = []
    for day, line in enumerate(text.strip().splitlines()):
        event, _, steps = line.partition("|")
        action, *cells = event.split()
        cells = dict(c.split("=") for c in cells)
        rows.append((day, action.replace(":_", ": "), cells, set(steps.split())))
    return rows


def test_the_readers_names_show_the_steps_of_one_client():
    """All events of one lead; each event's steps are found by its day."""
    rows = read_fixture(CLIENT)
    journeys = build_journeys(make_log([("a", d, a, c) for d, a, c, _ in rows]), steps_of("b2b"))
    days = (pd.to_datetime(journeys.at, unit="us", utc=True) - START).days
    found = {day: set() for day, *_ in rows}
    for day, step in zip(days, np.array(journeys.steps.ids)[journeys.step], strict=True):
        found[day].add(step)
    assert found == {day: steps for day, _, _, steps in rows}
    measurable = set(np.array(journeys.steps.ids)[journeys.measurable])
    assert measurable == set().union(*(steps for *_, steps in rows))


@pytest.mark.parametrize("name", WITH_CRM)
def test_every_name_of_the_readers_is_known(name):
    log = make_log([("a", d, a, c) for d, a, c, _ in read_fixture(CLIENT)])
    checks = set(build_journeys(log, steps_of(name)).quality["check"])
    assert not checks & {"unknown_actions", "no_such_column"}


@pytest.mark.parametrize("name", NAMES)
def test_no_crm_s_own_word_for_an_act_is_left(name):
    text = (FOLDER / f"{name}.yml").read_text(encoding="utf-8")
    native = (
        "VOXIMPLANT IMOPENLINES CRM_ DIRECTION PROVIDER INCOMING_EMAIL hs_ form_submission "
        "CallType CallDurationInSeconds EmailMessage dealChange call_in call_out sms_in sms_out"
    )
    assert [word for word in native.split() if re.search(rf"\b{word}", text)] == []
    actions = [e.action for s in steps_of(name).steps for e in s.evidence]
    assert not {"CALL", "EMAIL", "MEETING", "Call", "meeting", "email"} & {*actions}


def test_a_missed_call_of_a_client_is_no_help_of_the_manager():
    """Who called in vain and was never called back was never asked: no name says so wrongly."""
    for name in NAMES:
        asks = [a for s in steps_of(name).steps for a in s.asked_by]
        for action in ("incoming_call", "call"):
            assert not any(a.matches(action) for a in asks), (name, action)


@pytest.mark.parametrize("name", WITH_CRM)
@pytest.mark.parametrize("made", MADE)
def test_deals_alone_give_an_entry_and_a_sale(name, made):
    """An export of nothing but deals: when each was made, and how it ended."""
    rows = [(lead, 0, made, {}) for lead in "abcd"]
    leads = pd.DataFrame({"lead_id": [*"abcd"], "status": ["won", "lost", "open", "won"]})
    journeys = build_journeys(make_log(rows, leads), steps_of(name))
    assert journeys.leads["entered_at"].eq(START).all() and journeys.has_sales
    assert journeys.self_reported.all() and len(journeys.self_reported) == 4
    funnel = count_funnel(journeys, "passed").set_index("step")
    entry = journeys.steps.ids[journeys.step[0]]
    assert funnel.loc[entry, "n_entered"] == 4 and funnel.loc[entry, "n_reached"] == 4
    assert funnel.loc["paid", "n_reached"] == 2


def test_who_made_the_record_and_who_held_a_meeting_is_the_manager_s_word():
    """The client's own form proves the step, whoever made the record before it."""
    rows = [("told", 0, "deal_created", {}), ("told", 2, "meeting_held", {}),
            ("proven", 0, "deal_created", {}), ("proven", 1, "form_sent", {})]  # fmt: skip
    leads = pd.DataFrame({"lead_id": ["told", "proven"], "status": "won"})
    journeys = build_journeys(make_log(rows, leads), steps_of("b2b"))
    table = count_necessity(journeys).set_index("step")
    assert table.loc["request_left", "self_reported_share"] == 0.5
    assert table.loc["reached", "self_reported_share"] == 1


def test_a_first_chat_and_a_short_call_are_only_a_request():
    rows = [("chat", 0, "incoming_chat_message", {}), ("missed", 0, "incoming_call", {}),
            ("short", 0, "incoming_call", {"duration": "29"}),
            ("talk", 0, "incoming_call", {"duration": "30"})]  # fmt: skip
    assert shown_by(build_journeys(make_log(rows), steps_of("b2b"))) == {
        "chat": {"request_left"},
        "missed": {"request_left"},
        "short": {"request_left"},
        "talk": {"request_left", "reached"},
    }
