"""What is wrong with the input, told in Russian: the code writes English, a catalogue the rest."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

from funnel_lib.core.checked import FAST
from funnel_lib.core.errors import FunnelError, InputError
from funnel_lib.core.words import Words
from funnel_lib.settings import Settings

CATALOGUE = Path(__file__).parents[1] / "locale" / "messages.yml"
_PLACE = re.compile(r"\{(\w+)\}")
_LONGEST = 4000  # letters of a message that is looked up
_DEEPEST = 6  # a place in a place …


def tell_error(error: FunnelError, lang: str) -> str:
    """Write an error in the language asked for; what no catalogue knows stays as it is.

    Examples
    --------
    >>> tell_error(InputError(["segments '0': no step 'brif'; did you mean brief?"]), "ru")
    "segments '0': нет шага 'brif'; возможно, brief?"
    """
    if lang != "ru":
        return str(error)
    if not isinstance(error, InputError):
        return translate(str(error))
    told = [translate(problem) for problem in error.problems]
    if len(told) == 1:
        return told[0]
    return "\n".join([f"Что не так ({len(told)}):", *(f"- {one}" for one in told)])


def translate(text: str, depth: int = 0) -> str:
    """Translate a message, and what stands in its places."""
    if depth > _DEEPEST or len(text) > _LONGEST:
        return text
    for pattern, russian in _read_catalogue():
        if found := pattern.fullmatch(text):
            held = {k: translate(v, depth + 1) for k, v in found.groupdict().items() if v != text}
            return _PLACE.sub(lambda place: held.get(place[1], place[0]), russian)  # noqa: B023
    return text


def translate_help(command) -> None:
    """Put the help of a command, and of those below it, into Russian."""
    import typer
    from typer import rich_utils

    words, fields = Words("ru"), Settings.model_fields
    meanings = {field.description: words.find(f"setting.{name}") for name, field in fields.items()}
    for one in (command, *command.commands.values()):
        for part in (one, *one.params, one.get_help_option(typer.Context(one))):
            part.help = meanings.get(part.help) or translate(part.help or "")
    for name in ("ARGUMENTS_PANEL_TITLE", "OPTIONS_PANEL_TITLE", "COMMANDS_PANEL_TITLE",
                 "DEFAULT_STRING", "REQUIRED_LONG_STRING"):  # fmt: skip
        setattr(rich_utils, name, translate(getattr(rich_utils, name)))


@cache
def _read_catalogue() -> list[tuple[re.Pattern, str]]:
    """The texts as patterns, those that say the most first."""
    texts = yaml.load(CATALOGUE.read_text(encoding="utf-8"), Loader=FAST)
    ranked = sorted(texts, key=lambda text: -len(_PLACE.sub("", text)))
    return [(_make_pattern(text), texts[text]) for text in ranked]


def _make_pattern(text: str) -> re.Pattern:
    """A text whose places take anything."""
    parts = _PLACE.split(text)
    literal, names = parts[::2], parts[1::2]
    last = len(names) - 1
    made = re.escape(literal[0])
    for n, (name, after) in enumerate(zip(names, literal[1:], strict=True)):
        made += f"(?P<{name}>.+{'' if n == last and not after else '?'})" + re.escape(after)
    return re.compile(made, re.DOTALL)
