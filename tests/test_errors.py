"""Errors for people: every problem told, once, with what was expected."""

import pytest

from funnel_lib.core.checked import Checked, read_checked
from funnel_lib.core.errors import FunnelError, InputError, Problems, quote_some, suggest


class Part(Checked):
    name: str


class Box(Checked):
    name: str
    sizes: tuple[int, ...] = ()
    inside: Part | None = None


def problems_of(path):
    with pytest.raises(InputError) as caught:
        read_checked(path, Box, "a box file")
    return caught.value.problems


def test_one_problem_is_its_own_message_and_several_are_a_list():
    assert str(InputError(["a is wrong"])) == "a is wrong"
    assert str(InputError(["a", "b"])) == "2 problems:\n- a\n- b"
    assert issubclass(InputError, FunnelError)


def test_problems_are_collected_each_once_and_in_their_order():
    problems = Problems()
    problems.raise_if_any()
    for found in (["b"], ["a", "b"]):
        with problems.collecting():
            raise InputError(found)
    with pytest.raises(InputError) as caught:
        problems.raise_if_any()
    assert caught.value.problems == ("b", "a")


def test_a_bug_is_not_collected():
    with pytest.raises(ZeroDivisionError), Problems().collecting():
        _ = 1 / 0


def test_suggestions_and_quotes():
    assert suggest("stepz", ["steps", "stops", "won"]) == "; did you mean steps or stops?"
    assert suggest("zzz", ["steps"]) == ""
    assert quote_some([]) == ""
    assert quote_some([1, "b"]) == "'1', 'b'"
    assert quote_some("abcde", most=2) == "'a', 'b' … (5 in all)"
    assert len(quote_some(["x" * 500])) < 100


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected a box file, with keys name, sizes, inside"),
        ("- a", "expected a box file"),
        ("a: [", "line 1: this is no valid YAML"),
        ("name: x\n\tsizes: 3", "line 2: this is no valid YAML"),
        ("name: x\nname: y", "line 2: 'name' stands twice, first in line 1"),
        ("sizes: [1]", "line 1: 'name' is missing"),
        ("name: x\nsize: [1]", "line 2: unknown key 'size'; did you mean sizes"),
        ("name: x\nsizes:\n- 1\n- big", "line 4: sizes.1 is 'big', expected a valid integer"),
        ("name: yes", "line 1: name is True, expected a valid string; put it in quotes"),
        ("name: 2025-02-30", "line 1: '2025-02-30' cannot be read"),
        ("name: !!python/name:os.system x", "line 1: 'x' cannot be read"),
        ("name: x\ninside: {name: y, nam: z}", "line 2: unknown key 'nam' in inside"),
        ("name: x\ninside: &a\n  name: y\n  inside: *a", "nested too deep"),
        ("name: \x00", "this is no valid YAML"),
        ("? [a]\n: x", "line 1: a key must be a plain word"),
    ],
)
def test_what_is_wrong_in_a_yaml_file_is_told_with_its_line(tmp_path, text, told):
    path = tmp_path / "box.yml"
    path.write_text(text)
    problems = problems_of(path)
    assert any(told in p for p in problems), problems
    assert all(p.startswith(str(path)) for p in problems)


def test_every_problem_of_a_yaml_file_is_told_at_once(tmp_path):
    path = tmp_path / "box.yml"
    path.write_text("sizes: [a]\nsise: 1\nname: x\nname: [y]\n")
    assert len(problems_of(path)) == 4


def test_files_that_are_no_text_or_not_there(tmp_path):
    (tmp_path / "cp.yml").write_bytes("name: имя".encode("cp1251"))  # of a Russian Windows
    assert read_checked(tmp_path / "cp.yml", Box, "a box file") == Box(name="имя")
    (tmp_path / "bytes.yml").write_bytes(b"name: \x98\x00\xff")
    assert "saved as UTF-8" in problems_of(tmp_path / "bytes.yml")[0]
    assert "no such file; expected a box file" in problems_of(tmp_path / "no.yml")[0]
    assert "cannot be read" in problems_of(tmp_path)[0]


def test_a_byte_order_mark_is_no_problem(tmp_path):
    (tmp_path / "box.yml").write_text("name: 5", encoding="utf-8-sig")
    assert read_checked(tmp_path / "box.yml", Box, "a box file") == Box(name="5")
