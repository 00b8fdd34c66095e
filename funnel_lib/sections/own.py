"""What the maker of a report adds of his own: a logo, remarks beside the sections."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import mistune

from funnel_lib.core.errors import InputError, Problems, suggest
from funnel_lib.core.words import say
from funnel_lib.sections import list_questions
from funnel_lib.settings import Settings

_LARGEST = 1 << 20  # bytes of a logo
_KINDS = {  # how a file of each kind begins
    "png": rb"\x89PNG\r\n\x1a\n", "jpeg": rb"\xff\xd8\xff", "gif": rb"GIF8[79]a",
    "webp": rb"RIFF.{4}WEBP",
}  # fmt: skip


@dataclass(frozen=True)
class Own:
    """A logo as the address of an image that stands in the page itself, empty for none; and remarks
    as HTML by section, those on page one under ``page_one``."""

    logo: str = ""
    notes: dict[str, str] = field(default_factory=dict)


def read_logo(path: str) -> str:
    """Read a picture into an address that needs no further file.

    Raises
    ------
    InputError
        No such file, none of the kinds that browsers show, or more than a megabyte.
    """
    data = _read(path, say("problem.what_logo"))
    if len(data) > _LARGEST:
        raise InputError([say("problem.logo_large", path=path)])
    for kind, begins in _KINDS.items():
        if re.match(begins, data, re.DOTALL):
            return f"data:image/{kind};base64,{b64encode(data).decode()}"
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError:
        root = None
    if root is None or not root.tag.endswith("}svg"):
        raise InputError([say("problem.logo_kind", path=path)])
    return f"data:image/svg+xml;base64,{b64encode(data).decode()}"


def read_notes(path: str) -> dict[str, str]:
    """Read remarks, each below a heading that names its section: ``## losses``.

    Markdown without HTML of its own; addresses that would run something are left out.

    Raises
    ------
    InputError
        No such file, text before the first heading, or a heading that names no section.
    """
    try:
        text = _read(path, say("problem.what_notes")).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError([say("problem.notes_text", path=path)]) from None
    known = ["page_one", *(section.name for section in list_questions())]
    before, *parts = re.split(r"^## +(.+?) *$", text, flags=re.MULTILINE)
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    wrong = []
    if unknown := [name for name in found if name not in known]:
        names = ", ".join(f"“{name}”" + suggest(name, known) for name in unknown)
        wrong.append(say("problem.notes_key", path=path, names=names, known=", ".join(known)))
    if before.strip():
        wrong.append(say("problem.notes_before", path=path))
    if wrong:
        raise InputError(wrong)
    write = mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])
    return {name: write(remark) for name, remark in found.items() if remark.strip()}


def read_own(settings: Settings) -> Own:
    """Read what the settings name; every problem at once, as an `InputError`."""
    problems, read = Problems(), {}
    for name, reader in (("logo", read_logo), ("notes", read_notes)):
        if path := getattr(settings, name):
            with problems.collecting():
                read[name] = reader(path)
    problems.raise_if_any()
    return Own(**read)


def _read(path: str, what: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError([f"{path}: {what}: {error.strerror}"]) from None
