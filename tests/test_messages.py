"""What is wrong with the input is told in the language asked for: every text the code can raise."""

import ast
import importlib
import re
from pathlib import Path

import pytest
from typer import rich_utils

import funnel_lib
from funnel_lib.core.errors import InputError, SectionError
from funnel_lib.reporting.messages import CATALOGUE, tell_error, translate

PACKAGE = Path(funnel_lib.__file__).parent
# Rooms whose errors only who writes Python meets.
PYTHON_ONLY = (
    "drawing", "engine", "stats", "datasets/planted", "reporting/claims",
    "sections/hypotheses/plans",
    "sections/hypotheses/readings", "sections/section", "sections/paths/clusters", "comparing",
    "core/tables.py", "notebooks.py",
)  # fmt: skip
RAISERS = {"InputError", "add", "ValueError", "refuse"}
HELD = "Q9"
GLUED = re.compile(
    r"Q9Q9|^Q9[a-z]|the tables Q9|[A-Za-z]Q9|^Q9 Q9 Q9"
)  # clauses put together elsewhere


def read_text(node, module):
    """The text of a literal, its places held by a mark, its constants written out."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(part.value)
        else:
            name = getattr(part.value, "id", "")
            known = getattr(module, name, None)
            parts.append(known if isinstance(known, str) else HELD)
    return "".join(parts)


def list_raised(node) -> list:
    """What is handed to an error, or put on the list of `problems` that one is made of."""
    if isinstance(node, ast.Assign | ast.AugAssign):
        names = getattr(node, "targets", [getattr(node, "target", None)])
        return [node.value] if any(getattr(n, "id", "") == "problems" for n in names) else []
    if not isinstance(node, ast.Call):
        return []
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    listed = getattr(getattr(node.func, "value", None), "id", "") == "problems"
    return list(node.args) if name in RAISERS or listed else []


def list_texts():
    """Every text that the library raises where the command is used: (place, text)."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        if any(room in place for room in PYTHON_ONLY):
            continue
        module = importlib.import_module(
            "funnel_lib." + place.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        )
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            given = list_raised(node)
            while given:
                node = given.pop()
                if isinstance(node, ast.List | ast.Tuple):
                    given += node.elts
                elif isinstance(node, ast.ListComp | ast.GeneratorExp):
                    given.append(node.elt)
                elif isinstance(node, ast.JoinedStr | ast.Constant):
                    text = read_text(node, module)
                    if GLUED.search(text):
                        continue
                    if isinstance(text, str) and re.search(r"[a-z]{3,} [a-z]", text):
                        yield f"{place}:{node.lineno}", text


TEXTS = dict(list_texts())


@pytest.mark.parametrize("place", TEXTS)
def test_every_message_is_told_in_russian(place):
    told = translate(TEXTS[place])
    plain = re.sub(r"`[^`]*`|Q9\S*|https?:\S+|\.[a-z]+", "", told)
    left = re.findall(r"\b[a-z]{3,}\b", re.sub(r"[a-z]+_[a-z_]+|\d{4}\S*", "", plain))
    assert not set(left) - {"gz", "zip", "tar"}, (TEXTS[place], told)


def test_most_of_what_can_go_wrong_is_found():
    assert len(TEXTS) > 90


def test_a_place_is_translated_too_and_what_is_unknown_stays():
    assert "возможно, 'brief'" in translate("only x=…: the leads have no column 'bief'; did you "
                                            "mean 'brief'?")  # fmt: skip
    assert translate("who knows what: x") == "who knows what: x"
    two = tell_error(InputError(["a.csv: the file is empty", "b: ?"]), "ru")
    assert two == "Что не так (2):\n- a.csv: файл пустой\n- b: ?"
    assert tell_error(InputError(["a.csv: the file is empty"]), "en") == "a.csv: the file is empty"
    assert tell_error(SectionError({"times": "x"}), "ru") == "times: x"


def test_places_are_the_same_in_both_languages():
    import yaml

    for english, russian in yaml.safe_load(CATALOGUE.read_text(encoding="utf-8")).items():
        places = [set(re.findall(r"\{(\w+)\}", text)) for text in (english, russian)]
        assert places[0] >= places[1] >= places[0] - {"m"}, english


@pytest.mark.parametrize(
    "command", ["audit", "check", "steps", "stages", "plant", "example", "notebooks", ""]
)
def test_help_is_told_in_russian(command, funnel, monkeypatch):
    for name in ("ARGUMENTS_PANEL_TITLE", "OPTIONS_PANEL_TITLE", "COMMANDS_PANEL_TITLE",
                 "DEFAULT_STRING", "REQUIRED_LONG_STRING"):  # fmt: skip
        monkeypatch.setattr(rich_utils, name, getattr(rich_utils, name))  # put back afterwards
    code, out, _ = funnel(*filter(None, [command]), "--lang", "ru", "--help")
    told = out.split("\n", 3)[3]  # below the usage
    assert code == 0 and "Параметры" in told and "Показать эту справку" in told
    assert not re.findall(r"\b[A-Za-z]+ [a-z]+ [a-z]+\b|default|required", told)


def test_the_command_tells_it_in_russian(funnel):
    code, _, err = funnel("check", "none.csv", "--lang", "ru")
    assert code == 2 and "нет такого файла" in err
    code, _, err = funnel("stages", "x", "--out", "a.doc", "--lang=ru")
    assert code == 2 and "назовите файл" in err


@pytest.mark.parametrize(("mapping", "told"), [
    ("columns: {staus: x}", "нет такого смысла столбца: 'staus'; возможно, status"),
    ("columns: {status: action, closed_at: action}", "столбец 'action' назван дважды"),
    ("lead_columns: {status: sum}", "складывать можно только `amount`"),
    ("status_values: {won: [Ура], lost: [Ура]}", "слову 'Ура' дано два исхода"),
    ("day_first: да", "day_first — 'да', а нужно `true` или `false`"),
    ("status_values: {купил: [Купил]}", "а нужно `won`, `lost` или `open`"),
])  # fmt: skip
def test_what_is_wrong_with_a_mapping_is_told_in_russian(mapping, told, funnel, tmp_path):
    (tmp_path / "log.csv").write_text("lead_id,at,action\na,2025-01-01,ask\n")
    (tmp_path / "m.yml").write_text(mapping, "utf-8")
    given = (tmp_path / "log.csv", "--mapping", tmp_path / "m.yml", "--lang", "ru")
    code, _, err = funnel("check", *given)
    assert code == 2 and told in err
    code, out, err = funnel("steps", *given)
    assert code == 2 and told in err and told in out and out.startswith("# ")


@pytest.mark.parametrize(("arguments", "told"), [
    (["check"], "не указано: файлы выгрузки"), (["audit", "x.csv", "--outt", "y"], "нет параметра"),
    (["chek", "x.csv"], "нет команды 'chek'; возможно, 'check'"),
    (["audit", "x.csv", "--seed", "a"], "нужно целое число"), (["example", "a", "b"], "лишнее: b"),
])  # fmt: skip
def test_how_the_command_was_called_wrongly_is_told_in_russian(funnel, arguments, told):
    code, out, err = funnel(*arguments, "--lang", "ru")
    assert code == 2 and not out and told in err
    assert err.splitlines()[-1].endswith("--help")  # to be pasted
    assert not re.findall(r"\b[A-Z][a-z]+ [a-z]+", err)  # nothing is left in English
