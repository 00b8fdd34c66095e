"""The locale files: every text is used, every text used is there, in both languages alike."""

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

import funnel_lib
from funnel_lib.core.tables import find_column
from funnel_lib.core.words import LANGUAGES, Words
from funnel_lib.settings import Settings

PACKAGE = Path(funnel_lib.__file__).parent


@cache
def texts(lang):
    sections = yaml.safe_load((PACKAGE / "locale" / f"{lang}.yml").read_text(encoding="utf-8"))
    return {f"{s}.{k}": text for s, entries in sections.items() for k, text in entries.items()}


KEYS = [key for key in texts("en") if not key.startswith("column.")]


def forms(entry):
    """The forms of a text; `by` names the number that chooses one."""
    return [f for k, f in entry.items() if k != "by"] if isinstance(entry, dict) else [entry]


def places(text):
    """The values that a text has places for, and how each is written."""
    return re.findall(r"{(\w+)(?::(\w+))?}", text)


@cache
def kinds() -> frozenset[str]:
    """Every kind of place in the locale files."""
    found = [places(f) for lang in LANGUAGES for e in texts(lang).values() for f in forms(e)]
    return frozenset(kind for one in found for _, kind in one)


@cache
def code() -> str:
    files = (path for kind in ("*.py", "*.j2") for path in PACKAGE.rglob(kind))
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@cache
def spelled() -> frozenset[str]:
    """Every word that stands between quotes, by itself or in a list of words."""
    return frozenset(re.findall(r'"(\w+(?: \w+)?)"', code()))


@cache
def beginnings() -> frozenset[str]:
    """What stands before the first place of an f-string, such as unreadable_ or chrome.check_."""
    return frozenset(re.findall(r'f"([\w.]*[_.])\{', code()))


def is_put_together(section: str, name: str) -> bool:
    """Is a key spelled in the code by itself, or an f-string's beginning and one that is?"""
    if section == "setting":
        return name in Settings.model_fields
    if section == "export_way":  # of a CRM and of what is missing
        return {*name.split("_")} <= spelled()
    starts = {"", *(start.removeprefix(f"{section}.") for start in beginnings())}
    return any(name.removeprefix(start) in spelled() for start in starts if name.startswith(start))


@pytest.mark.parametrize("key", KEYS)
def test_every_text_is_used(key):
    """A sentence is spelled in full, so that it can be searched for; other keys may be made."""
    section, _, name = key.partition(".")
    if section == "count" and name in kinds():
        return
    found = f'"{key}"' in code() or f"'{key}'" in code()
    assert found or (section != "sentence" and is_put_together(section, name)), (
        f"nothing uses {key}: take it out of both locale files"
    )


def test_every_text_that_is_used_is_there():
    used = set(re.findall(r'"((?:sentence|count|figure|chrome|sheet)\.\w+)"', code()))
    assert len(used) > 250
    assert used - {"figure.facecolor"} <= {*KEYS}  # that one is matplotlib's


def test_both_languages_have_the_same_keys_and_places():
    first, *others = (texts(lang) for lang in LANGUAGES)
    for other in others:
        assert list(first) == list(other), "the same keys, in the same order"
        for key, entry in first.items():
            found = {frozenset(name for name, _ in places(form)) for form in forms(entry)}
            assert len(found) == 1, key
            theirs = {frozenset(name for name, _ in places(form)) for form in forms(other[key])}
            assert found == theirs, key


def test_every_kind_of_place_is_known():
    for kind in kinds() - {""}:
        known = hasattr(Words, kind) or f"count.{kind}" in texts("en") or find_column(kind)
        assert known, kind
