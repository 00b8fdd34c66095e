"""How a stage's name is built: who is its subject, and in which form stands what was done.

Nothing here knows what words mean: that stands in stages.yml. A name is taken as its words, in
small letters and without ё. https://ru.wikipedia.org/wiki/Глагол_в_русском_языке lists the endings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

PAST_RU = re.compile(
    r"\w*(?:[аяеиуыюэ]л(?:а|о|и)?|(?:ш|н|з|г|б|р)(?:ел|ла|ло|ли)|[нв][её]?с|вез)(?:ся|сь)?"
)
PAST_ALONE = re.compile(
    r"\w*[аяеиуы](?:л|ла)(?:ся|сь)?|\w*(?:[шнвз]ел|шла|[вн]ес|[вн]есла|вез|везла|помог)(?:ся|сь)?"
)  # one person
PAST_EN = re.compile(
    r"\w+ed|sent|gave|told|chose|took|paid|said|made|wrote|came|met|saw|got|left|bought|signed"
    r"|read|went|found|began|did|put|set|built|brought|kept|showed|picked|spoke|asked"
)
# A short participle: it tells what was done to the subject ("клиент приглашен").
PASSIVE_RU = re.compile(
    r"\w{2,}(?:[жчшщлдтсзнрвб]ен|[оеи]ван|[сздбртвклн]ан|(?:[нз]я|ча)т|ыт|ут)[аоы]?"
)
PRESENT_RU = re.compile(
    r"\w+(?:[аяуюе][ею]т|[аяую]ют|[аюуя]тся|[еи]тся)|\w{2,}(?:[снрвшщжчт]ит|[бвдлпрсштч]ят)"
    r"|\w*(?:[аи]ш|ищ|[аоя]ж|оч|ер|[иве]д|йд)ет|\w*(?:ер|[ие]д|[аи]ш)ут"
)
# Orders and what we do: an infinitive, or the first person of the plural.
INFINITIVE = re.compile(r"\w{2,}(?:[аяеиоуы]ть|[сз]ти|чь)(?:ся|сь)?")
WE = re.compile(r"\w+(?:[аяую]ем|[бвджзлнрстшщ]ем|[бвдзлпрстжшщ]им|[оа]ним)(?:ся|сь)?")
WORK = re.compile(r"\w{3,}(?:(?:ани|ени|яни|аци)[еяию]|(?:р|ов)ка|ing)")
# It says only that its noun was done: who decides is who made the decision.
LIGHT = re.compile(
    r"(?:сделан|состоял|прин[ия]|дан|достиг)\w*|made|given|taken|reached|happened|placed|posted"
)
_NO_ORDER = re.compile(  # nouns and pronouns with such an ending
    r"\w*(?:ость|сеть|часть|память|печать|путь|проблем|систем|схем|тем|всем|чем|кем|этим|прием|объем"
    r"|съем|подъем|своим|большим|новым|старым|хорошим|общим|дочь|ночь|речь|помочь|есть|пять|шесть"
    r"|девять|десять|опять|почти)|(?:област|пост|гост|сет|част|новост|запчаст|крепост|плат)\w*ти?"
)
_NO_PAST = re.compile(
    r"(?:канал|портал|филиал|материал|персонал|оригинал|финал|отдел|дел|школ|недел|цел|детал|модел"
    r"|мебел|сигнал|журнал|раздел|предел|потенциал|квартал|квал|автомобил|зал)\w*"
)
WANTS = {
    "готов", "готова", "готовы", "хочет", "хотят", "планирует", "согласен", "намерен", "желает",
    "доволен", "довольна", "live", "happy", "ready",
}  # fmt: skip
_BETWEEN = {"сам", "сама", "уже", "пока", "has", "have", "is", "was", "to", "be", "been", "the"}
PLACES = {"с", "со", "из", "от", "через", "from", "via"}
_WITH = {"с", "со", "между", "перед", "над", "за"}


class Parties(NamedTuple):
    """The words for one side, in the cases that tell what it does in a name."""

    subject: frozenset[str]
    agent: frozenset[str]
    owner: frozenset[str]
    given: frozenset[str]


def decline(ru: Iterable[str], en: Iterable[str]) -> Parties:
    """List the words for one side by case.

    >>> sorted(decline(["клиент", "покупатель"], ["client"]).agent)
    ['клиентами', 'клиентом', 'покупателем', 'покупателями']
    """
    soft = [w[:-1] for w in ru if w.endswith("ь")]
    hard = [w for w in ru if not w.endswith("ь")]

    def forms(of_hard: tuple[str, ...], of_soft: tuple[str, ...]) -> frozenset[str]:
        return frozenset(w + e for words, ends in ((hard, of_hard), (soft, of_soft))
                         for w in words for e in ends)  # fmt: skip

    names = frozenset(en) | {f"{w}s" for w in en}
    return Parties(
        forms(("", "ы", "и"), ("ь", "и")) | names,
        forms(("ом", "ами"), ("ем", "ями")),
        forms(("а", "ов"), ("я", "ей")) | names,
        forms(("у", "ам"), ("ю", "ям")),
    )


def is_order(tokens: list[str], n: int) -> bool:
    """Is a Russian word an order to the manager, or what "we" do? ("Выставить", "отправляем")"""
    word = tokens[n]
    ruled = any(before in WANTS or is_past(before) for before in tokens[:n])
    if _NO_ORDER.fullmatch(word) or (ruled and INFINITIVE.fullmatch(word)):
        return False
    return bool(INFINITIVE.fullmatch(word) or WE.fullmatch(word))


def is_past(word: str) -> bool:
    """Does a word tell of what somebody did? ("описал", "chose")"""
    return bool(
        PAST_EN.fullmatch(word) or (PAST_RU.fullmatch(word) and not _NO_PAST.fullmatch(word))
    )


def is_finite(word: str) -> bool:
    """Is a word what a subject does, did, or what was done to it?"""
    return is_past(word) or bool(PRESENT_RU.fullmatch(word) or PASSIVE_RU.fullmatch(word))


def find_verb(tokens: list[str], parties: Parties) -> int | None:
    """Find the word behind a side that stands as the subject, if one does."""
    for n, word in enumerate(tokens):
        if word in parties.subject and (
            n == 0 or tokens[n - 1] not in {"by", "from", "with", "to", "for"}
        ):
            after = n + 1
            while after < len(tokens) and tokens[after] in _BETWEEN:
                after += 1
            return after if after < len(tokens) else None
    return None


def is_done_alone(word: str) -> bool:
    """Does a Russian verb tell of what one did? In a name without a subject that is the client."""
    return bool(PAST_ALONE.fullmatch(word)) and not _NO_PAST.fullmatch(word)


def is_doing(word: str) -> bool:
    """Does a Russian verb tell of what one does? ("просит"; "готовится" tells of a thing)"""
    return bool(PRESENT_RU.fullmatch(word)) and not word.endswith("ся")


def is_work(tokens: list[str]) -> bool:
    """Does a noun of doing rule a name? ("сверка оплаты"; nobody is told by "лечение начато")"""
    return bool(WORK.fullmatch(tokens[0])) and not any(map(is_finite, tokens[1:]))


def is_willing(tokens: list[str]) -> bool:
    """Is somebody ready or willing to do something? ("готов подписать")"""
    pairs = pairwise(tokens)
    return any(a in WANTS and INFINITIVE.fullmatch(b) for a, b in pairs)


def is_named(tokens: list[str], parties: Parties) -> bool:
    """Does a name speak of a side at all?"""
    return any(word in case for word in tokens for case in parties)


def is_agent(tokens: list[str], parties: Parties) -> bool:
    """Is it said that a side did it? ("клиентом", "от клиента", "by the client")"""
    for n, word in enumerate(tokens):
        before = tokens[n - 1] if n else ""
        if before == "the" and n > 1:
            before = tokens[n - 2]
        if word in parties.agent and before not in _WITH:
            return True
        if word in parties.owner and before in {"от", "by", "from"}:
            return True
    return False


def is_owner(tokens: list[str], parties: Parties, is_own) -> bool:
    """Is an act a side's own? ("ответ клиента", "client approval")"""
    pairs = pairwise(tokens)
    return any(
        (b in parties.owner and is_own(a)) or (a in parties.owner and is_own(b)) for a, b in pairs
    )


def is_given(tokens: list[str], parties: Parties) -> bool:
    """Is something done for a side, or with it? ("клиенту", "с клиентом", "to the client")"""
    for n, word in enumerate(tokens):
        before = tokens[n - 1] if n else ""
        if before in {"the", "a"} and n > 1:
            before = tokens[n - 2]
        if word in parties.given or (word in parties.agent and before in _WITH):
            return True
        if word in parties.subject and before in {"to", "with", "for"}:
            return True
    return False


def guess_actor(tokens: list[str], is_known) -> str:
    """Guess who acts by the form of a verb that nobody knows, else nobody.

    A man's past tense without a subject is the client's ("пришел"), the plural is ours; what was
    done to a thing we did, and a noun of doing is work.
    """
    first, last = tokens[0], tokens[-1]
    if not is_known(first):
        if is_past(first) and not PAST_EN.fullmatch(first):
            return "manager" if re.fullmatch(r"\w+(?:ли|лись)", first) else "client"
        if is_work(tokens) and (len(tokens) > 1 or not first.isascii()):
            return "manager"
        if len(tokens) > 1 and PRESENT_RU.fullmatch(first):
            return "manager"
        if len(tokens) > 1 and re.fullmatch(r"\w{2,}ed", first):  # "Handed over to support"
            return "manager" if "over to" in " ".join(tokens) else "client"
    if is_done_alone(first):
        return "client"
    done = [
        w
        for w in tokens
        if not is_known(w) and (PASSIVE_RU.fullmatch(w) or PRESENT_RU.fullmatch(w))
    ]
    if len(tokens) > 1 and (done or (not is_known(last) and re.fullmatch(r"\w{3,}ed", last))):
        return "manager"
    return ""
