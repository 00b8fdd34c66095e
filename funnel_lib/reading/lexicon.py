"""What the names of stages mean: whose action, which step, which end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterator
from difflib import get_close_matches
from functools import cache, cached_property
from html import unescape
from itertools import dropwhile
from pathlib import Path
from typing import Literal, NamedTuple

from funnel_lib.core.checked import FAST, Checked, read_checked
from funnel_lib.reading.cells.grammar import (
    LIGHT,
    PASSIVE_RU,
    PAST_EN,
    PAST_RU,
    PLACES,
    PRESENT_RU,
    WANTS,
    Parties,
    decline,
    find_verb,
    guess_actor,
    is_agent,
    is_doing,
    is_done_alone,
    is_finite,
    is_given,
    is_named,
    is_order,
    is_owner,
    is_past,
    is_willing,
    is_work,
)

LEXICON = Path(__file__).parent / "stages.yml"
KINDS = ("client", "manager")
MOST_WORDS = 12  # a longer text is a sentence, not a name
BOTH = "both"  # two act in one name
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
    other, an empty text unclear. One that `waits` outdoes a client's act in the same name; who
    `asks` and who `gives` is told by whose thing it is; one that is `vague` tells nothing without a
    step.
    """

    who: Literal["client", "manager", "either"]
    words: WordLists
    step: str = ""
    waits: bool = False
    asks: bool = False
    gives: bool = False
    vague: bool = False
    on: dict[str, str] = {}


_OURS = Act(who="manager", words=WordLists(en=(), ru=()))


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
    sides: Whose
    own: WordLists
    sources: Whose

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

    @cached_property
    def parties(self) -> dict[str, Parties]:
        """The words for each side, by case."""
        return {who: decline(w.ru, w.en) for who in KINDS if (w := getattr(self.sides, who))}

    @cached_property
    def given(self) -> dict[str, str]:
        """Word for a thing -> the side that it comes from."""
        return {w: who for who in KINDS for w in getattr(self.sources, who)}


class Meaning(NamedTuple):
    """What a stage name means: whose it is and, where that is known, which step it is about."""

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
    told = [part for part in parts - {UNCLEAR, LOST} if part.step]
    if len(told) > 1:  # "New lead / Appointment scheduled" is two stages
        kinds = {part.kind for part in told}
        return Meaning(kinds.pop()) if len(kinds) == 1 else UNCLEAR
    if not told and {"client", "manager"} <= {part.kind for part in parts}:
        return UNCLEAR
    whole = _read_name(text.split())
    if (
        told
        and LOST not in parts
        and (not whole.step or any(part.kind not in (told[0].kind, "unclear") for part in parts))
    ):
        return told[0]  # "Paid, ready for the next": what is known of counts
    return whole


@cache
def read_lexicon(path: Path = LEXICON) -> Lexicon:
    """Read what stage names mean; raises `InputError` with every problem of the file."""
    return read_checked(path, Lexicon, "a lexicon of stages (stages.yml)", loader=FAST)


def _read_name(tokens: list[str]) -> Meaning:
    """Combine what the words say: who acts, and about which step."""
    if not tokens:
        return UNCLEAR
    found, n_unknown = _look_up(tokens)
    acts, nouns = ([what for r, what in found if r == role] for role in ("act", "noun"))
    if _find_source(tokens) == "manager":  # "Proposal submitted" is not what a client does
        acts = [_OURS if act.gives else act for act in acts]
    roles = {role for role, _ in found}
    if "lost" in roles:
        return UNCLEAR if acts else LOST
    if "against" in roles:
        return UNCLEAR
    heaviest = max((step.weight for step, _ in nouns), default=0)
    # "Hot lead" says nothing of a request, nor do two words of which one is known.
    vague = n_unknown > len(acts) + len(nouns) or (n_unknown and not acts and heaviest < VAGUE)
    nouns = [(step, kind) for step, kind in nouns if step.weight == heaviest]
    kind = _find_kind(tokens, acts, [] if vague else nouns)
    if kind == BOTH or not kind:
        return UNCLEAR
    meant = acts if kind == _find_actor(acts, []) else [a for a in acts if a.who == kind] or acts
    steps = {_step_meant(meant, about) for about in ({step.id for step, _ in nouns} or {""})}
    step = steps.pop() if len(steps) == 1 and not vague else ""
    # "Pending", "Ready": nobody has done anything, unless it is said who.
    named = any(is_named(tokens, party) for party in read_lexicon().parties.values())
    said = step or named or is_willing(tokens) or any(map(is_done_alone, tokens)) or not acts
    said = said or (kind == "client" and _is_own_done(tokens))  # "Визит подтверждён"
    said = (
        said
        or (len(tokens) > 1 and bool(PAST_EN.fullmatch(tokens[0])))
        or not all(act.waits or act.vague for act in acts)
    )
    return Meaning(kind, step) if said else UNCLEAR


def _find_kind(tokens: list[str], acts: list[Act], nouns: list[tuple[TypicalStep, str]]) -> str:
    """Find who acts: who is said to, else by the form of the verb, else by what it means, else by
    the nouns; `BOTH` where two do, empty where nobody is known to."""
    if any(act.waits for act in acts):
        return "manager"
    client, ours = read_lexicon().parties.values()
    verb, own = find_verb(tokens, client), find_verb(tokens, ours)
    if is_agent(tokens, client) or is_willing(tokens):
        return "client"
    if verb is not None and (kind := _find_doer(tokens, verb)):
        return kind
    ordered = any(is_order(tokens, n) for n in range(len(tokens)))
    if ordered or is_agent(tokens, ours) or (own is not None and is_finite(tokens[own])):
        return "manager"
    if is_owner(tokens, client, _is_own):
        return "client"
    if any(act.asks for act in acts) or (len(tokens) > 1 and tokens[0] in ("запрос", "request")):
        if asker := _find_asker(tokens):
            return asker
        acts = [act for act in acts if not act.asks]
    kind = _find_first(tokens) or _find_actor(acts, nouns, _is_headed_last(tokens))
    if len(tokens) > 1 and is_work(tokens) and not _look_up_word(tokens[0]):
        return "manager"  # "Сверка оплаты", "Getting approval"
    if not kind and any(map(LIGHT.fullmatch, tokens)) and _is_own_done(tokens):
        return "client"  # "Визит состоялся", "Consent given"
    if not kind and is_given(tokens, client):
        return "manager"
    return kind or guess_actor(tokens, lambda word: _look_up_word(word) is not None)


def _find_first(tokens: list[str]) -> str:
    """Who acts by the verb at the beginning, where it rules the other words: "Оставил контакты",
    "Booked a call", "Get approval"."""
    found = _look_up(tokens[:2])[0]
    act = found[0][1] if found and found[0][0] == "act" else None
    if len(tokens) > 1 and is_doing(tokens[0]) and not _look_up_word(tokens[0]):
        return "client"  # "Просит счёт"
    done = next((word for word in tokens if is_done_alone(word)), None)
    if done:
        role, known = _look_up_word(done) or ("", None)
        if role == "act" and known.who == "either":
            return ""
        by_us = role == "act" and known.who == "manager"
        # "Связался", "Отправил КП"; but "Пригласил коллег"
        by_us = by_us and (known.step or _find_asker(tokens) == "client")
        return "manager" if by_us else "client"
    if len(tokens) == 1 or not act:
        return ""
    act = _OURS if act.gives and _find_source(tokens) == "manager" else act
    if PAST_EN.fullmatch(tokens[0]) and (act.who == "client" or "us" in tokens):
        return "client"
    ordered = tokens[0].isascii() and not re.search("(?:ed|ing|s)$", tokens[0])
    return "manager" if act.who == "manager" and ordered and not is_past(tokens[1]) else ""


def _find_doer(tokens: list[str], n: int) -> str:
    """Who does what the word behind the client tells: it, or somebody to it ("client invited")?"""
    role, known = _look_up_word(tokens[n]) or ("", None)
    act = known if role == "act" else None
    if tokens[n] in WANTS or PAST_RU.fullmatch(tokens[n]) or (act and act.who == "client"):
        return "client"
    if PASSIVE_RU.fullmatch(tokens[n]) or PRESENT_RU.fullmatch(tokens[n]):
        return act.who if act and act.who != "either" else "manager"
    if PAST_EN.fullmatch(tokens[n]):
        done_to = (act and act.who == "manager") or (role == "noun" and known[1] == "manager")
        return "manager" if n + 1 == len(tokens) and done_to else "client"
    return ""


def _find_source(tokens: list[str]) -> str:
    """From whom the things come that a name speaks of, where all come from one side."""
    given = read_lexicon().given
    sources = {given[form] for word in tokens if (form := _find_form(word, given))}
    return sources.pop() if len(sources) == 1 else ""


def _find_asker(tokens: list[str]) -> str:
    """Who asked for it: the side that it does not come from."""
    return {"client": "manager", "manager": "client"}.get(_find_source(tokens), "")


def _find_actor(acts: list[Act], nouns: list[tuple[TypicalStep, str]], last: bool = False) -> str:
    """Find who acts: by the acts, else the noun that rules the others ("Оплата счёта", "Payment
    invoice"): the `last` or the first; `BOTH` where two do, empty where nobody does."""
    actors = {act.who for act in acts} - {"either"}
    if len(actors) > 1:
        return BOTH
    return actors.pop() if actors else nouns[-last][1] if nouns else ""


def _is_headed_last(tokens: list[str]) -> bool:
    """Does the last noun rule the others? In English without a preposition it does."""
    return tokens[0].isascii() and not {"of", "for", "on", "to", "by", "in"} & set(tokens)


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
        placed = n > 0 and tokens[n - 1] in PLACES  # "Заявка с Авито": where, not what
        unknown += known is None and not (placed or tokens[n].isdigit())
        n += 2 if pair or (known and known[0] == "context") else 1
    return found, unknown


def _look_up_word(token: str, least: int = 1) -> tuple[str, object] | None:
    """Find a word as it stands, else its longest beginning, above `least`, that has a star."""
    words = read_lexicon().words
    form = _find_form(token, words, least)
    return words[form] if form else None


def _find_form(token: str, words: Container[str], least: int = 1) -> str:
    """Find a word as the lexicon writes it: as it stands, else its longest starred beginning."""
    token = token[:_LONGEST]
    forms = [token, *(token[:n] + "*" for n in range(len(token), least, -1))]
    return next((form for form in forms if form in words), "")


def _is_own(token: str) -> bool:
    """Is a noun an act that is the client's where it is said to be ("ответ клиента")?"""
    return bool(_find_form(token, frozenset(read_lexicon().own)))


def _is_own_done(tokens: list[str]) -> bool:
    """Is what only the client's choice makes told as done, not as work? ("выбор сделан")"""
    return any(map(_is_own, tokens)) and not is_work(tokens)


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
