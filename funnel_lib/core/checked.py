"""A YAML file read against a model, every problem named with its line."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from funnel_lib.core.errors import InputError, drop_controls, suggest

Place = tuple[str | int, ...]
_DEEPEST = 20
# An alias stands for all it names: a few lines of them are a billion entries, written out.
MOST_ENTRIES = 200_000
MOST_LETTERS = 2_000_000  # of a file that people write; reading so many takes a quarter of a minute
# For the library's own files, ten times as fast; of others the messages of the slow one are told.
FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Checked(BaseModel):
    """Base of the models of files: frozen, unknown keys refused, `5` taken as the text "5"."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


Model = TypeVar("Model", bound=Checked)


def read_checked(
    path: str | Path,
    model: type[Model],
    aim: str,
    check: Callable[[Model], list[tuple[Place, str]]] = lambda content: [],
    loader: type = yaml.SafeLoader,
) -> Model:
    """Read a YAML file against `model`.

    Parameters
    ----------
    path : path of a YAML file, UTF-8
    model : the pydantic model it must fit
    aim : what the file is, for messages ("a steps file")
    check : further problems of the model read, each with its place, e.g. ``("steps", 0, "id")``
    loader : how YAML is read: `FAST` for the library's own files

    Raises
    ------
    InputError
        Every problem at once: no such file, no YAML, a key written twice, unknown or missing keys,
        wrong kinds of values, and what `check` finds.
    """
    node = _compose(path, aim, loader)
    if not isinstance(node, yaml.MappingNode):
        raise InputError([f"{path}: expected {aim}, with keys {', '.join(model.model_fields)}"])
    lines: dict[Place, int] = {(): 1}
    problems: list[str] = []
    content = _build(node, (), lines, problems, str(path))
    try:
        read = model.model_validate(content)
    except ValidationError as error:
        problems += [_explain(str(path), e, lines, model) for e in error.errors()]
        read = _without_unknown_keys(content, error, model)
    if read is not None:
        problems += [f"{path}, line {_line(lines, place)}: {what}" for place, what in check(read)]
    if problems:
        raise InputError(dict.fromkeys(problems))
    return read


def find_lines(path: str | Path, aim: str) -> dict[Place, int]:
    """On which line of a YAML file does each thing stand?"""
    lines: dict[Place, int] = {}
    _build(_compose(path, aim, yaml.SafeLoader), (), lines, [], str(path))
    return lines


def _compose(path: str | Path, aim: str, loader: type) -> yaml.Node | None:
    text = _read_text(path, aim)
    try:
        return yaml.compose(text, Loader=loader)
    except RecursionError:
        raise InputError([f"{path}: nested too deep"]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        hint = next((hint for said, hint in _HINTS.items() if said in what), "")
        raise InputError([f"{path}{where}: this is no valid YAML: {what}{hint}"]) from None


# What is mostly behind YAML's own words.
_HINTS = {
    r"'\t'": "; there is a tab: write spaces in its place",
    "mapping values are not allowed": '; a text that holds a colon needs quotes: "Invoice: paid"',
    "expected <block end>": "; look at the indents of this line and those above, and at quotes",
    "could not find expected ':'": "; a colon, or a space behind it, is missing",
}


def _without_unknown_keys(content: dict, error: ValidationError, model: type[Model]):
    """Validate again without the unknown keys, to find what else is wrong; None if more is."""
    for one in error.errors():
        if one["type"] != "extra_forbidden":
            return None
        *around, key = one["loc"]
        part = content
        for name in around:
            part = part[name]
        del part[key]
    return model.model_validate(content)


def _line(lines: dict[Place, int], place: Place) -> int:
    """Give the line of a place, or of the nearest thing around it."""
    while place not in lines:
        place = place[:-1]
    return lines[place]


def _read_text(path: str | Path, aim: str) -> str:
    try:
        if Path(path).stat().st_size > MOST_LETTERS:
            raise InputError([f"{path}: expected {aim}, of at most {MOST_LETTERS // 10**6} MB"])
        return _decode(Path(path).read_bytes())
    except FileNotFoundError:
        raise InputError([f"{path}: no such file; expected {aim}"]) from None
    except UnicodeDecodeError:
        raise InputError([f"{path}: expected {aim} saved as UTF-8 text"]) from None
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {error.strerror}"]) from None


def _decode(data: bytes) -> str:
    """Text as editors save it: UTF-8, UTF-16 or, of Russian Windows, cp1251."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1251")
            beyond = [c for c in text if c > "\x7f"]
            russian = sum("а" <= c.casefold() <= "я" or c in "ёЁ«»—№…" for c in beyond)
            if 10 * russian < 9 * len(beyond) or "\0" in text:
                raise
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _build(node: yaml.Node, place: Place, lines: dict, problems: list[str], path: str):
    """Turn a YAML node into plain values, noting each place's line and keys written twice."""
    lines[place] = node.start_mark.line + 1
    if len(place) > _DEEPEST:  # an anchor inside itself has no end
        raise InputError([f"{path}, line {lines[place]}: nested too deep"])
    if len(lines) > MOST_ENTRIES:
        many = f"more than {MOST_ENTRIES:,} entries, aliases written out"
        raise InputError([f"{path}, line {lines[place]}: {many}; write fewer"])
    if isinstance(node, yaml.SequenceNode):
        return [_build(n, (*place, i), lines, problems, path) for i, n in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        try:
            read = yaml.SafeLoader("").construct_object(node)
            return drop_controls(read) if isinstance(read, str) else read
        except (yaml.YAMLError, ValueError):  # an unknown tag, or a date such as 2025-02-30
            problems.append(f"{path}, line {lines[place]}: {node.value!r} cannot be read")
            return str(node.value)
    content = {}
    for key_node, value in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(f"{path}, line {line}: a key must be a plain word")
            continue
        key = drop_controls(key_node.value)
        if key in content:
            first = lines[(*place, key)]
            problems.append(f"{path}, line {line}: {key!r} stands twice, first in line {first}")
        content[key] = _build(value, (*place, key), lines, problems, path)
        lines[(*place, key)] = line
    return content


def _explain(path: str, error: dict, lines: dict[Place, int], model: type[Checked]) -> str:
    """Turn one pydantic error into a message with the file, the line and what was expected."""
    place = tuple(error["loc"])
    where = f"{path}, line {_line(lines, place)}"
    inside = " in " + ".".join(str(p) for p in place[:-1]) if len(place) > 1 else ""
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown key {place[-1]!r}{inside}{suggest(place[-1], _all_keys(model))}"
    if error["type"] == "missing":
        return f"{where}: {place[-1]!r} is missing{inside}"
    given = repr(error["input"])[:60]
    hint = "; put it in quotes" if isinstance(error["input"], bool) else ""
    what = (
        error["msg"]
        .removeprefix("Value error, ")
        .removeprefix("Input should be ")
        .replace("a valid tuple", "a list")
    )
    return f"{where}: {'.'.join(map(str, place))} is {given}, expected {what}{hint}"


def _all_keys(model: type[Checked]) -> list[str]:
    """List the keys of a model and of the models inside it."""
    keys = list(model.model_fields)
    for field in model.model_fields.values():
        for part in [field.annotation, *getattr(field.annotation, "__args__", ())]:
            if isinstance(part, type) and issubclass(part, Checked):
                keys += _all_keys(part)
    return keys
