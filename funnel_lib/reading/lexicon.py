"""What the names of stages mean: whose action, which step, which end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache, cached_property
from html import unescape
from itertools import dropwhile
from pathlib import Path
from typing import Literal, NamedTuple

from funnel_lib.core.checked import FAST, Checked, read_checked

LEXICON = Path(__file__).parent / "stages.yml"
KINDS = ("client", "manager")
MOST_WORDS = 12  # a longer text is a sentence, not a name
VAGUE = 2  # nouns of a smaller weight mean nothing beside an unknown word
_LONGEST = 80  # letters of a name compared with the wordings, and of a word looked up
DESCRIBED = ("name", "does", "criterion", "evidence", "recorded", "help")
_TAG = re.compile(r"<[^<>]*>")
_PARTS = re.compile(r"[/|;,+()\[\]]|->|→")


class Text(Checked):
    """A text in both languages."""

    en: str
    ru: str

    def __getitem__(self, lang: str) -> str:
        return getattr(self, lang)


class WordLists(Checked):
    """Words or wordings of both languages."""

    en: tuple[str, ...]
    ru: tuple[str, ...]

    def __iter__(self) -> Iterator[str]:
        yield from (*self.en, *self.ru)


class Whose(Checked):
    """Words or wordings that mean the client's own step, and those behind which it stands."""

    client: WordLists
    manager: WordLists


class TypicalStep(Whose):
    """One typical step of a B2B client: its texts, its wordings, its nouns (`about`).

    Where a name has nouns of two steps, the one of greater `weight` wins.
    """

    id: str
    name: Text
    does: Text
    criterion: Text
    evidence: Text
    recorded: Text
    help: Text
    weight: int = 3
    about: Whose


class Act(Checked):
    """Words that show who acts (``either``: the noun shows it) and which step is meant.

    `step` where the name is about none; `on`: the step it is about -> the step meant, ``*`` any
    other, an empty text unclear. One that `waits` outdoes a client's act in the same name.
    """

    who: Literal["client", "manager", "either"]
    words: WordLists
    step: str = ""
    waits: bool = False
    on: dict[str, str] = {}


class Lost(Checked):
    """Ends that are no step."""

    evidence: Text
    wordings: WordLists
    words: WordLists


class Lexicon(Checked):
    """What stage names mean, as read from stages.yml; the file says how to extend it."""

    steps: tuple[TypicalStep, ...]
    acts: tuple[Act, ...]
    plain: WordLists
    context: WordLists
    against: WordLists
    lost: Lost

    @cached_property
    def wordings(self) -> dict[str, tuple[str, Meaning]]:
        """Normal form of a whole stage name -> how it is written, what it means."""
        found = [(w, LOST) for w in self.lost.wordings]
        found += [(w, Meaning(k, s.id)) for s in self.steps for k in KINDS for w in getattr(s, k)]
        return {_normal(w): (w, meaning) for w, meaning in found}

    @cached_property
    def words(self) -> dict[str, tuple[str, object]]:
        """Word -> its role in a name, and what is known of it in that role."""
        found = {w: ("act", act) for act in self.acts for w in act.words}
        for s in self.steps:
            found |= {w: ("noun", (s, k)) for k in KINDS for w in getattr(s.about, k)}
        for role in ("plain", "context", "against"):
            found |= dict.fromkeys(getattr(self, role), (role, None))
        return found | dict.fromkeys(self.lost.words, ("lost", None))


class Meaning(NamedTuple):
    """What a stage name means: whose it is and which step stands behind it."""

    kind: str = "unclear"
    step: str = ""
    end: str = ""


UNCLEAR, LOST = Meaning(), Meaning(end="lost")


def find_meaning(name: str) -> Meaning:
    """Find what one stage name means; `UNCLEAR` where the lexicon does not say."""
    text = _normal(name)
    if text in read_lexicon().wordings:
        return read_lexicon().wordings[text][1]
    if len(text.split(" ", MOST_WORDS)) > MOST_WORDS:
        return UNCLEAR
    parts = {find_meaning(p) for p in _PARTS.split(_plain(name)) if _normal(p) != text}
    if len(parts - {UNCLEAR, LOST}) > 1:  # "New lead / Appointment scheduled" is two stages
        return UNCLEAR
    return _read_name(text.split())


@cache
def read_lexicon(path: Path = LEXICON) -> Lexicon:
    """Read what stage names mean; raises `InputError` with every problem of the file."""
    return read_checked(path, Lexicon, "a lexicon of stages (stages.yml)", loader=FAST)


def _read_name(tokens: list[str]) -> Meaning:
    """Combine what the words say: who acts, and about which step."""
    found, n_unknown = _look_up(tokens)
    acts, nouns = ([what for r, what in found if r == role] for role in ("act", "noun"))
    roles = {role for role, _ in found}
    if "lost" in roles:
        return UNCLEAR if acts else LOST
    if "against" in roles or n_unknown > len(acts) + len(nouns) or not (acts or nouns):
        return UNCLEAR
    subject = _find_subject(tokens)
    heaviest = max((step.weight for step, _ in nouns), default=0)
    if n_unknown and not acts and heaviest < VAGUE:  # "Hot lead" says nothing of a request
        return UNCLEAR
    nouns = [(step, kind) for step, kind in nouns if step.weight == heaviest]
    kind = _find_actor(acts, nouns)
    if subject and not any(act.waits for act in acts):
        kind = subject
    steps = {_step_meant(acts, about) for about in ({step.id for step, _ in nouns} or {""})}
    clear = kind and len(steps) == 1 and "" not in steps
    return Meaning(kind, steps.pop()) if clear else UNCLEAR


def _find_subject(tokens: list[str]) -> str:
    """Who is said to act: the client or the manager as the subject of a verb that tells of what was
    done ("клиент описал", "by customer", "от клиента"), else nobody."""
    text = " ".join(tokens)
    return next((who for who, said in _SUBJECTS.items() if said.search(text)), "")


_DONE_RU = r"\w+(?:[аяеиоуы]л|[аяеиоуыш]л[аи]|шел|л[аи]?с[ья])\b"
_DONE_EN = r"(?:\w+ed|sent|gave|told|chose|took|paid|said|made|wrote|came|met|saw|got)\b"
_SUBJECTS = {
    "client": re.compile(
        rf"\b(?:клиент|заказчик|покупатель)(?: сам)? {_DONE_RU}"
        r"|(?<!с )(?<!со )(?<!между )\b(?:клиентом|заказчиком|покупателем)\b"
        r"|\bот (?:клиента|заказчика|покупателя)\b"
        rf"|\b(?:client|customer|buyer|prospect) (?:has |was )?{_DONE_EN}"
        r"|\b(?:by|from) (?:the )?(?:client|customer|buyer|prospect)\b"
    ),
    "manager": re.compile(
        rf"\b(?:менеджер|мы|продавец) {_DONE_RU}|\bменеджером\b|\bот (?:нас|менеджера)\b"
        rf"|\b(?:manager|we|rep) (?:has )?{_DONE_EN}|\bby (?:us|the manager|manager|rep)\b"
    ),
}


def _find_actor(acts: list[Act], nouns: list[tuple[TypicalStep, str]]) -> str:
    """Find who acts: by the acts, else by the nouns; empty where two do and none of them waits."""
    actors = {act.who for act in acts} - {"either"}
    if len(actors) > 1 and not any(act.waits for act in acts):
        return ""
    return "manager" if "manager" in (actors or {kind for _, kind in nouns}) else "client"


def _step_meant(acts: list[Act], about: str) -> str:
    """Give the step that acts mean in a name about a step; empty where that is unclear."""
    if not about:
        return next((act.step for act in acts if act.step), "")
    meant = (act.on.get(about, act.on.get("*", about)) for act in acts)
    return next((step for step in meant if step != about), about)


def _look_up(tokens: list[str]) -> tuple[list[tuple[str, object]], int]:
    """Find what each word, or two together, is known for; and count the unknown words."""
    found, unknown, n = [], 0, 0
    while n < len(tokens):
        two = " ".join(tokens[n : n + 2])
        pair = _look_up_word(two, len(tokens[n]) + 1) if n + 1 < len(tokens) else None
        known = pair or _look_up_word(tokens[n])
        found += [known] if known else []
        unknown += known is None and not tokens[n].isdigit()
        n += 2 if pair or (known and known[0] == "context") else 1
    return found, unknown


def _look_up_word(token: str, least: int = 1) -> tuple[str, object] | None:
    """Find a word as it stands, else its longest beginning, above `least`, that has a star."""
    words, token = read_lexicon().words, token[:_LONGEST]
    forms = [token, *(token[:n] + "*" for n in range(len(token), least, -1))]
    return next((words[form] for form in forms if form in words), None)


def _normal(name: str) -> str:
    """Bring a name to its normal form: small letters, no tags, signs or leading numbers."""
    text = _plain(name).casefold().replace("ё", "е")
    tokens = "".join(c if c.isalnum() else " " for c in text).split()
    return " ".join(list(dropwhile(str.isdigit, tokens)) or tokens)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", _TAG.sub(" ", unescape(name)))


def list_nearest(name: str) -> str:
    """Name the two known wordings most like a name."""
    known = read_lexicon().wordings
    near = get_close_matches(_normal(name)[:_LONGEST], known, n=2, cutoff=0.0)
    return "; ".join(known[n][0] for n in near)
