"""Steps files: what is read, what is refused with its line, and that nothing is lost in writing."""

import pytest

from funnel_lib.core.errors import InputError
from funnel_lib.core.steps import (
    JOINTS,
    RESERVED,
    Evidence,
    Step,
    Steps,
    parse_steps,
    read_steps,
    write_steps,
)

GOOD = """\
steps:
  - {id: ask, name: {en: Asked, ru: Спросил}}
  - id: read
    name: Read it
    evidence: [opened, {action: "in_*", after: sent}, {action: call, where: "duration >= 30"}]
    asked_by: [sent]
    optional: true
  - id: pay
    evidence: [invoice_paid]
post_sale: [again]
won: pay
stages: {КП отправлено: read}
self_reported: [field]
lost: [gone]
ignore: [task]
"""


def problems_of(text, tmp_path):
    path = tmp_path / "steps.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_steps(path)
    return [p.removeprefix(f"{path}") for p in caught.value.problems]


def test_an_empty_id_is_refused(tmp_path):
    path = tmp_path / "steps.yml"
    path.write_text("steps:\n  - {id: ask}\n  - {id: ' '}\n  - {id: pay}\nwon: pay\n")
    with pytest.raises(InputError, match=r"line 3: a step's id is empty"):
        read_steps(path)


def test_reads_names_evidence_and_defaults(tmp_path):
    path = tmp_path / "steps.yml"
    path.write_text(GOOD, encoding="utf-8")
    steps = read_steps(path)
    assert steps.version == 1
    assert steps.before_sale == ("ask", "read", "pay") and steps.after_sale == ("again",)
    assert steps.names("ru") == {
        "ask": "Спросил",
        "read": "Read it",
        "pay": "pay",
        "again": "again",
    }
    assert steps.names("en")["ask"] == "Asked"
    assert steps["ask"].evidence == (Evidence(action="ask"),)  # left out: the action of that name
    assert steps["again"].evidence == (Evidence(action="again"),)
    assert steps["read"].optional and not steps["ask"].optional
    assert steps["read"].evidence[2].condition == ("duration", ">=", "30")


def test_steps_after_the_sale_come_after_it_without_being_named():
    steps = parse_steps("{steps: [{id: ask}, {id: pay}, {id: thanks}], won: pay}")
    assert steps.before_sale == ("ask", "pay") and steps.after_sale == ("thanks",)


def test_post_sale_step_may_stand_before_the_sale_in_the_file():
    steps = parse_steps(
        "{steps: [{id: again}, {id: ask}, {id: pay}], won: pay, post_sale: [again]}"
    )
    assert steps.ids == ("ask", "pay", "again")


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ("duration >= 30", ("duration", ">=", "30")),
        ("duration<=30", ("duration", "<=", "30")),
        ("a b != 'x y'", ("a b", "!=", "x y")),
        ('result == "a>b"', ("result", "==", "a>b")),
    ],
)
def test_condition_is_split_at_its_first_sign(where, parts):
    assert Evidence(action="call", where=where).condition == parts


def test_globs_match_whole_names_and_case_matters():
    glob = Evidence(action="in_*")
    assert glob.matches("in_mail") and not glob.matches("join_mail") and not glob.matches("IN_mail")
    assert Evidence(action="ask").matches("ask") and not Evidence(action="ask").matches("ask2")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("steps:\n  - id: ask\n  - id: ask\nwon: ask\n", 3, "'ask' is used twice"),
        ("steps:\n  - id: ask\n    evidense: [x]\nwon: ask\n", 3, "did you mean evidence?"),
        ("steps:\n  - id: ask\nwon: ask\nigmore: [x]\n", 4, "did you mean ignore?"),
        ("steps:\n  - id: ask\n  - id: pay\nwon: payd\n", 4, "no step; did you mean pay?"),
        ("steps:\n  - id: ask\nwon: qqq\n", 3, "'qqq', which is no step; the steps are: ask"),
        ("steps:\n  - id: ask\n", 1, "'won' is missing"),
        ("steps:\n  - {id: pay, optional: true}\nwon: pay\n", 3, "cannot be optional"),
        ("steps:\n  - id: pay\nwon: pay\npost_sale:\n  - pay\n", 4, "cannot come after itself"),
        ("steps:\n  - id: repeat\n  - id: pay\nwon: pay\npost_sale:\n  - repaet\n", 6, "repeat?"),
        ("steps:\n  - id: pay\nwon: pay\nstages:\n  A: pay\n  B: oh\n", 6, "stages: B names 'oh'"),
        (
            "steps:\n  - id: pay\n    evidence:\n      - {action: x, where: lots}\nwon: pay\n",
            4,
            ">=",
        ),
        (
            "steps:\n  - id: pay\n    evidence:\n      - {action: x, other_deal: true}\nwon: pay\n",
            2,
            "only steps after the sale",
        ),
        ("steps:\n  - id: pay\nwon: pay\nwon: pay\n", 4, "'won' stands twice, first in line 3"),
        (
            "steps:\n  - id: pay\n    asked_by:\n      - {action: x, other_deal: true}\nwon: pay\n",
            2,
            "asked_by cannot name another deal's actions",
        ),
        (
            "steps:\n  - id: pay\n    asked_by:\n      - {action: y, wen: z}\nwon: pay\n",
            4,
            "unknown key 'wen' in steps.0.asked_by.0",
        ),
    ],
)
def test_each_problem_has_its_line(text, line, words, tmp_path):
    (problem,) = problems_of(text, tmp_path)
    assert problem.startswith(f", line {line}: ") and words in problem


@pytest.mark.parametrize("word", RESERVED)
def test_words_of_tables_are_no_step_ids(word, tmp_path):
    text = f"steps:\n  - id: ask\n  - id: {word}\n  - id: pay\nwon: pay\n"
    (problem,) = problems_of(text, tmp_path)
    assert problem.startswith(f", line 3: the step id '{word}' is a word that tables use")
    assert problem.endswith(f"; call it {word}_step or the like")
    # As part of an id, and as evidence, it is fine.
    steps = Steps(steps=[{"id": f"{word}_step", "evidence": [word]}], won=f"{word}_step")
    assert steps.steps[0].evidence[0].action == word


def test_reserved_words_are_those_of_the_contract():
    words = "fork all undetermined won lost opening closing first_step"
    assert {*words.split()} == {*RESERVED} and {*JOINTS} == {" | ", " > ", "+"}


@pytest.mark.parametrize("joint", JOINTS)
def test_what_joins_ids_in_tables_is_in_none(joint, tmp_path):
    text = f"steps:\n  - id: ask\n  - id: 'a{joint}b'\n  - id: pay\nwon: pay\n"
    (problem,) = problems_of(text, tmp_path)
    assert problem.startswith(f", line 3: the step id 'a{joint}b' holds {joint!r}")
    assert problem.endswith("write it with _")


def test_signs_that_join_nothing_may_stand_in_ids():
    for name in ("a|b", "a>b", "a -> b", "a-b", "A / B"):
        assert parse_steps(f"{{steps: [{{id: '{name}'}}, {{id: pay}}], won: pay}}").ids[0] == name


def test_asks_are_written_as_evidence_is(tmp_path):
    (tmp_path / "steps.yml").write_text(
        "steps:\n  - id: read\n    asked_by: [sent, {action: 'call*', after: sent}, "
        "{action: mail, where: 'kind == offer'}]\n  - id: pay\nwon: pay\n",
        encoding="utf-8",
    )
    step = read_steps(tmp_path / "steps.yml")["read"]
    assert step.asked_by == (
        Evidence(action="sent"),
        Evidence(action="call*", after="sent"),
        Evidence(action="mail", where="kind == offer"),
    )
    assert step.asks == ("sent", "call*", "mail")
    assert Step(id="pay").asked_by == () == Step(id="pay").asks


def test_evidence_claimed_by_two_steps(tmp_path):
    text = "steps:\n  - {id: a, evidence: [x]}\n  - id: b\n    evidence: [y,\n      x]\nwon: b\n"
    (problem,) = problems_of(text, tmp_path)
    assert problem == (", line 5: 'x' is evidence of two steps, a and b; keep it in one of them")


def test_same_action_under_different_conditions_may_show_two_steps():
    text = "{id: %s, evidence: [{action: call, where: 'duration %s 30'}]}"
    steps = ", ".join([text % ("short", "<"), text % ("long", ">=")])
    assert parse_steps(f"{{steps: [{steps}], won: long}}").ids == ("short", "long")


def test_several_problems_are_told_at_once(tmp_path):
    text = "steps:\n  - id: ask\n  - id: ask\n    nane: x\nwon: qqq\npost_sael: [x]\n"
    found = problems_of(text, tmp_path)
    assert sorted(p.split(":")[0] for p in found) == [f", line {n}" for n in (3, 4, 5, 6)]


def test_broken_yaml_has_its_line(tmp_path):
    (problem,) = problems_of("steps:\n  - id: ask\n  - {id: pay\nwon: pay\n", tmp_path)
    assert problem.startswith(", line 4: this is no valid YAML")


@pytest.mark.parametrize("text", ["", "[]", "just words"])
def test_a_file_that_holds_no_mapping(text, tmp_path):
    (problem,) = problems_of(text, tmp_path)
    assert "expected a steps file" in problem


def test_no_such_file_and_no_utf8(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_steps(tmp_path / "none.yml")
    (tmp_path / "old.yml").write_bytes(b"won: \x98\x00\xff")
    with pytest.raises(InputError, match="UTF-8"):
        read_steps(tmp_path / "old.yml")


def test_byte_order_mark_is_no_problem(tmp_path):
    (tmp_path / "steps.yml").write_text(GOOD, encoding="utf-8-sig")
    assert read_steps(tmp_path / "steps.yml") == parse_steps(GOOD)


@pytest.mark.parametrize(
    "steps",
    [
        parse_steps(GOOD),
        Steps(steps=[{"id": "5"}, {"id": "yes", "name": "2025-01-01"}], won="yes"),
        Steps(steps=[{"id": "again"}, {"id": "pay"}], won="pay", post_sale=["again"]),
        Steps(steps=[{"id": "dark", "evidence": []}, {"id": "pay"}], won="pay"),
        Steps(steps=[{"id": "pay", "asked_by": ["x", {"action": "y", "after": "x"}]}], won="pay"),
        Steps(steps=[Step(id="bare", name={}), {"id": "pay"}], won="pay"),
        Steps(
            steps=[
                {"id": "pay"},
                {"id": "more", "evidence": [{"action": "p", "other_deal": True}]},
            ],
            won="pay",
        ),
    ],
)
def test_what_is_written_is_read_back(steps, tmp_path):
    write_steps(steps, tmp_path / "steps.yml")
    assert read_steps(tmp_path / "steps.yml") == steps


def test_numbers_as_ids_are_taken_as_text(tmp_path):
    (tmp_path / "steps.yml").write_text("steps: [{id: 1}, {id: 2}]\nwon: 2\n")
    steps = read_steps(tmp_path / "steps.yml")
    assert steps.ids == ("1", "2") and steps["1"].evidence[0].action == "1"
