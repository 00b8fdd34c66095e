"""How personal data look: phones, mails, numbers of cards and papers, addresses of machines and of
profiles, names of people, dates of birth."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa

from funnel_lib.core.ordering import find_letters
from funnel_lib.reading.columns import read_beside

HIDDEN = "…"  # in place of what is hidden in the midst of a text
NEARLY_ALL = 0.9  # two words with capitals may also be a place or a product
MOSTLY = 0.5  # from this share of its cells on, a column is what its cells look like
_FEW = 2_000  # texts that are not worth getting Arrow ready for a pattern
_LONG = 1_000  # letters from which on a text is: Arrow's time does not grow by their square
_LONG_WORD = 256  # letters; so is that of hiding, which is done without Arrow
_SEVERAL = 20  # from so many numbers on, numbers in close order are a count, and no phones
_CLOSE = 10_000  # how far such numbers lie from each other
_ADULT = 12  # years by which most births lie before what happened
_YEARS = 5  # over so many years at least

# A mere code is of Latin letters, "_" and "-" with at most so many digits: no mark fits it, but an
# account's number without digits, which no bank gives. What each byte counts towards it:
_MOST_DIGITS = 8
_WEIGHTS = np.full(256, _MOST_DIGITS + 1, np.uint8)
_WEIGHTS[[*b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"]] = 0
_WEIGHTS[[*b"0123456789"]] = 1

_TABLE = read_beside(__file__)


def _match(texts: pd.Series, *patterns: str, within: bool = False) -> np.ndarray:
    """Which texts are one of these patterns, or hold one.

    Each by itself, as Arrow is slow with long ones; it also takes long to get ready.
    """
    found = np.zeros(len(texts), bool)
    if texts.empty:
        return found
    few = texts.to_list() if len(texts) <= _FEW else None
    by_arrow = few is None or max(map(len, few), default=0) > _LONG
    for pattern in patterns:
        if by_arrow:
            look = texts.str.contains if within else texts.str.fullmatch
            found |= look(pattern).to_numpy(bool)
        else:
            known = re.compile(pattern)
            look = known.search if within else known.fullmatch
            found |= np.fromiter((look(text) is not None for text in few), bool, len(few))
    return found


def may_hold(texts: pd.Series) -> np.ndarray:
    """Which texts may be, or hold, anything of a person: those that are no mere codes, (n,)."""
    cells = pa.chunked_array(pa.array(texts, pa.large_string())).combine_chunks()
    ends, letters = find_letters(cells)
    some = ends[1:] > ends[:-1]
    held = np.zeros(len(some), bool)
    if some.any():  # of an empty text the sum would be that of the next
        weights = np.add.reduceat(_WEIGHTS[letters], ends[:-1][some], dtype=np.int32)
        held[some] = weights > _MOST_DIGITS
    return held


def _of_digits(judge: Callable[[list[int]], bool]) -> Callable[[str], bool]:
    return lambda text: judge([int(d) for d in text if d.isdecimal()])


def _is_card(digits: list[int]) -> bool:
    """Luhn's check digit, https://en.wikipedia.org/wiki/Luhn_algorithm."""
    twice = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return len({*digits}) > 1 and (sum(digits[-1::-2]) + sum(twice)) % 10 == 0


def _is_snils(digits: list[int]) -> bool:
    """The last two digits of a Russian number of social insurance."""
    total = sum(d * (9 - i) for i, d in enumerate(digits[:9]))
    return total % 101 % 100 == digits[9] * 10 + digits[10]


def _is_inn(digits: list[int]) -> bool:
    """The last two of the twelve digits of a person's Russian tax number."""
    weights = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
    first = sum(map(int.__mul__, weights[1:], digits)) % 11 % 10
    second = sum(map(int.__mul__, weights, digits)) % 11 % 10
    return len({*digits}) > 1 and [first, second] == digits[10:]


def _is_address(text: str) -> bool:
    return ":" in text or all(int(part) < 256 for part in text.split("."))


def _is_iban(text: str) -> bool:
    """The check digits of an account's number, https://en.wikipedia.org/wiki/IBAN."""
    bare = text.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1


@dataclass(frozen=True)
class Mark:
    """How one kind of personal data is written.

    Attributes
    ----------
    name : of the kind
    pattern : what a cell that holds nothing else matches
    check : what is true of it besides, such as check digits
    within : whether it is known, and hidden, in the midst of a text, too
    """

    name: str
    pattern: str
    check: Callable[[str], bool] | None = None
    within: bool = True

    def fits(self, texts: pd.Series) -> np.ndarray:
        """Which texts hold this and nothing else, (n,)."""
        found = _match(texts, self.pattern)
        if self.check is not None and found.any():
            found[found] = [self.check(text) for text in texts[found]]
        return found


# Patterns hold no \w of other alphabets and no \b beside them: Arrow knows Latin ones alone.
_ENDINGS = {"а": "аыеу", "я": "яиею", "й": "йяюе", "ь": "ьяюе"}
_GIVEN_RU = [
    f"{name[:-1]}(?:[{_ENDINGS[name[-1]]}]|[оеё][йм])" if name[-1] in _ENDINGS
    else f"{name}(?:[ауе]|ом)?" for name in _TABLE["given_ru"].split(", ")
]  # fmt: skip
# In any case of grammar, and in capitals.
_GIVEN_RU = f"(?:{'|'.join(_GIVEN_RU)}|{_TABLE['given_ru'].upper().replace(', ', '|')})"
_GIVEN_EN = _TABLE["given_en"].replace(", ", "|")
_GIVEN_EN = f"(?:{_GIVEN_EN}|{_GIVEN_EN.upper()})"
_CAPITAL = r"[А-ЯЁ][А-ЯЁа-яё]+(?:-[А-ЯЁ][А-ЯЁа-яё]+)?"
_SURNAME = (
    r"[А-ЯЁ](?:[а-яё]*(?:[оеё]в|[иы]н|ск|цк|енк|чук|[ыи]х|юк|[яа]н|дзе|швили)"
    r"(?:а|у|ы|о|ой|ым|ом|е|ий|ая|ого|ому|ую)?"
    r"|[А-ЯЁ]*(?:[ОЕЁ]В|[ИЫ]Н|СК|ЦК|ЕНК|ЧУК|[ЫИ]Х|ЮК|[ЯА]Н|ДЗЕ|ШВИЛИ)(?:А|О|ИЙ|АЯ)?)"
)
_LATIN = r"(?:Mc|Mac|O['’])?[A-Z][a-z]+(?:-[A-Z][a-z]+)?"
_PATRONYMIC = (
    r"[А-ЯЁ](?:[а-яё]*(?:ович|евич|ьич|овн|евн|иничн|икитичн|аввичн)(?:[аеу]|ем|ой)?"
    r"|[А-ЯЁ]*(?:ОВИЧ|ЕВИЧ|ЬИЧ|ОВНА|ЕВНА|ИНИЧНА|ИКИТИЧНА|АВВИЧНА))"
)
# What is a name whatever holds it: a patronymic, initials, a trader.
_STRICT_NAMES = (
    rf"{_CAPITAL} (?:{_CAPITAL} )?{_PATRONYMIC}", rf"{_CAPITAL} {_PATRONYMIC} {_CAPITAL}",
    rf"ИП {_CAPITAL}(?: {_CAPITAL}){{0,2}}(?: ?[А-ЯЁ]\.){{0,2}}",
    rf"{_CAPITAL} [А-ЯЁ]\. ?[А-ЯЁ]\.", rf"[А-ЯЁ]\. ?[А-ЯЁ]\. ?{_CAPITAL}",
    rf"{_SURNAME} [А-ЯЁ] [А-ЯЁ]",
    rf"{_LATIN},? [A-Z]\. ?[A-Z]\.", rf"[A-Z]\. ?[A-Z]\. ?{_LATIN}",
)  # fmt: skip
# What is one where no brand or place is meant: a given name beside another.
_GIVEN_NAMES = (
    rf"{_GIVEN_RU} {_SURNAME}", rf"{_SURNAME} {_GIVEN_RU}",
    rf"{_GIVEN_EN} (?:[A-Z]\.? )?{_LATIN}", rf"{_LATIN}, {_GIVEN_EN}",
    rf"{_GIVEN_EN} [A-Z]{{2,}}", rf"[A-Z]{{2,}} {_GIVEN_EN}",
)  # fmt: skip
# What may be one: the same in whatever letters, initials without dots.
_LIKELY_NAMES = (
    rf"(?i:{_GIVEN_RU} [а-яё-]+|[а-яё-]+ {_GIVEN_RU}(?: [а-яё]+)?)",
    rf"(?i:{_GIVEN_EN} (?:[a-z]\.? )?[a-z'’-]+|[a-z'’-]+,? {_GIVEN_EN}(?: [a-z]\.?)?)",
    rf"{_CAPITAL} [А-ЯЁ]\.?(?: ?[А-ЯЁ]\.?)?", rf"{_LATIN},? [A-Z]\.?(?: ?[A-Z]\.?)?",
    rf"[A-Z]\.? (?:[A-Z]\.? )?{_LATIN}", rf"[А-ЯЁ]\. ?{_CAPITAL}",
)  # fmt: skip
_CAPITALS = (
    rf"{_CAPITAL}(?: {_CAPITAL}){{1,2}}|{_LATIN} (?:[A-Z]\.? )?{_LATIN}|[A-Z]{{2,}} [A-Z]{{2,}}"
)
_NAME_OF_MAIL = r"[^\s@,;:<>()\[\]\"'/\\|=]"
_NETWORKS = "|".join(_TABLE["networks"])
_BARE_PHONES = {11: r"[78][3-9]\d{9}", 10: r"[2-9]\d{9}"}  # neither unix seconds nor 0
_MARKS = (
    Mark("mail", rf"{_NAME_OF_MAIL}+@{_NAME_OF_MAIL}+\.[A-Za-zа-яё]{{2,}}"),
    Mark("profile", rf"(?:https?://)?(?:www\.|m\.)?(?:{_NETWORKS})/[^\s,;]+"),
    Mark("profile", r"@[A-Za-z]\w{4,31}", within=False),
    Mark("link", r"https?://[^\s?#]+[?#]\S+", within=False),
    Mark("snils", r"\d{3}-\d{3}-\d{3}[ -]\d\d", _of_digits(_is_snils)),
    Mark("snils", r"\d{11}", _of_digits(_is_snils), within=False),
    Mark("inn", r"\d{12}", _of_digits(_is_inn)),
    Mark("card", r"[2-6]\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}|3[47]\d{2} ?\d{6} ?\d{5}",
         _of_digits(_is_card)),
    Mark("account", r"(?:40817|40820|42301|42305)\d{15}"),
    Mark("account", r"[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7} ?[A-Z0-9]{1,4}", _is_iban),
    Mark("ssn", r"\d{3}-\d{2}-\d{4}"),
    Mark("passport", r"(?:\d{2} \d{2}|\d{4})(?: ?№ ?| )\d{6}|\d{2} (?:№ ?)?\d{7}", within=False),
    Mark("passport", r"(?i:паспорт|passport|серия)\D{1,9}\d{2} ?\d{2}\D{0,3}\d{6}"),
    Mark("phone", r"\+\d[\d\s().-]{8,}\d"),
    Mark("phone", r"[78][\s.-]?\(?[3-9]\d{2}\)?[\s.-]?\d{3}[\s.-]?\d{2}[\s.-]?\d{2}"),
    Mark("phone", r"\(\d{3,5}\) ?\d{1,3}[\s.-]?\d{2}[\s.-]?\d{2}|0\d{2,4} \d{3,4} ?\d{3,4}"),
    Mark("phone", r"\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}"),
    Mark("phone", r"\d{3}-\d{2}-\d{2}|[2-9]\d{2} \d{3} \d{2} \d{2}", within=False),
    Mark("ip", r"\d{1,3}(?:\.\d{1,3}){3}", _is_address),
    Mark("ip", r"(?i:[\da-f]{1,4}(?::[\da-f]{0,4}){3,7})", within=False),
    Mark("address", r"(?i:(?:.*[\s,.])?(?:(?:ул|пер|просп|пр-т|кв)\."
                    r"|(?:улица|проспект|переулок)\s).*\d.*)", within=False),
    Mark("address", r"(?i:\d+[a-z]? .*\b(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr)\b.*)",
         within=False),
)  # fmt: skip
_PLAIN = [f"(?:{m.pattern})" for m in _MARKS if m.within and not m.check]
_CHECKED = [m for m in _MARKS if m.within and m.check]


@cache  # to compile so many words takes a while, and few exports need it
def _compile_plain(names: bool) -> re.Pattern:
    """What needs no check, as it stands in the midst of a text."""
    patterns = [*_PLAIN, *_STRICT_NAMES, *(_GIVEN_NAMES if names else ())]
    return re.compile(rf"(?<![\w@+])(?:{'|'.join(patterns)})(?!\w)")


@cache
def _compile_checked() -> list[tuple[re.Pattern, Callable[[str], bool]]]:
    """What needs one, and this check."""
    around = r"(?<![\w.-])(?:{})(?![\w-]|\.\d)"
    return [(re.compile(around.format(m.pattern)), m.check) for m in _CHECKED]


_LONG_WORDS = re.compile(rf"\S{{{_LONG_WORD + 1},}}")
# What no text without is worth a look at, as Arrow knows it many times as fast.
_WORTH = (
    "@",
    f"(?:{_NETWORKS})/",
    *_PLAIN[2:],
    *(m.pattern for m in _CHECKED),
    *_STRICT_NAMES,
    *_GIVEN_NAMES,
)
_BORN = (
    r"^\d{1,2}[./-]\d{1,2}[./-](?P<a>\d{4})\b|^(?P<b>\d{4})-\d\d-\d\d\b"
    r"|^\d{1,2} [^\W\d_]+\.? (?P<c>\d{4})\b|^[^\W\d_]+ \d{1,2},? (?P<d>\d{4})\b"
)


def hide_texts(texts: pd.Series, names: bool = True) -> pd.Series:
    """Put "…" in place of phones, mails, other numbers of people, and what is surely a name.

    Without `names` one that may be a brand or a place is left.

    Examples
    --------
    >>> hide_texts(pd.Series(["too dear; +7 999 123-45-67", "order 1234567890"])).to_list()
    ['too dear; …', 'order 1234567890']
    """
    worth = may_hold(texts)
    worth[worth] = _match(texts[worth], *_WORTH, within=True)
    if not worth.any():
        return texts
    hidden = texts.copy()
    hidden[worth] = [_hide(text, names) for text in texts[worth]]
    return hidden


def find_persons(texts: pd.Series, names: bool = True) -> np.ndarray:
    """Which distinct texts are a phone, a mail, another number of a person or surely a name, (n,).

    Mere digits are, where most as long are. `names` as of `hide_texts`.
    """
    found, worth = np.zeros(len(texts), bool), may_hold(texts)
    found[worth] = _find_persons(texts[worth], names)
    return found


def _find_persons(texts: pd.Series, names: bool) -> np.ndarray:
    found = _fit_phones(texts, NEARLY_ALL)
    digits, length = _match(texts, r"\d+"), texts.str.len().to_numpy()
    others = texts[~digits]
    found[~digits] |= _match(others, *_STRICT_NAMES, *(_GIVEN_NAMES if names else ()))
    for mark in _MARKS:
        if mark.within or mark.name in ("passport", "profile"):
            found[~digits] |= mark.fits(others)
        if mark.check is not None:
            fits = mark.fits(texts) & digits
            for n in np.unique(length[fits]):
                as_long = digits & (length == n)
                found |= fits & as_long & (fits[as_long].mean() > MOSTLY)
    return found


def tell_kind(texts: pd.Series, rows: int, named: bool, year: int | None) -> str:
    """What personal data are the cells of a column, whose distinct texts in `rows` rows are these?

    "" for none. `named` says that a title tells of no other thing; what most births lie before is
    the `year`.
    """
    digits = _match(texts, r"\d+")
    kinds = {"phone": _fit_phones(texts, MOSTLY)}
    for mark in _MARKS:
        fits = mark.fits(texts) & ~(digits & (mark.name == "phone"))
        kinds[mark.name] = kinds.get(mark.name, False) | fits
    likely = (*_STRICT_NAMES, *((*_GIVEN_NAMES, *_LIKELY_NAMES) if named else ()))
    names = kinds["name"] = _match(texts, *likely)
    kinds["text"] = (hide_texts(texts, names=False) != texts).to_numpy(bool) & ~digits
    if np.any([*kinds.values()], axis=0).mean() > MOSTLY:
        return max(kinds, key=lambda kind: kinds[kind].mean())
    shaped = names | _match(texts, _CAPITALS)
    if named and shaped.mean() > NEARLY_ALL and len(texts) > MOSTLY * min(rows, 2 * _SEVERAL):
        return "name"
    return "birth" if year is not None and _are_births(texts, year) else ""


def _hide(text: str, names: bool) -> str:
    if len(text) > _LONG_WORD:
        text = _LONG_WORDS.sub(HIDDEN, text)
    for pattern, check in _compile_checked():
        text = pattern.sub(lambda m, check=check: HIDDEN if check(m[0]) else m[0], text)
    return _compile_plain(names).sub(HIDDEN, text)


def _fit_phones(texts: pd.Series, least: float) -> np.ndarray:
    """Which texts of mere digits are phones: most as long begin as phones do, and they are not in
    close order, as numbers of deals are."""
    found = np.zeros(len(texts), bool)
    for length, pattern in _BARE_PHONES.items():
        as_long = _match(texts, rf"\d{{{length}}}")
        if not as_long.any():
            continue
        fits = _match(texts, pattern)
        numbers = np.sort(texts[as_long].astype("int64").to_numpy())
        in_order = len(numbers) >= _SEVERAL and np.median(np.diff(numbers)) < _CLOSE
        if fits.sum() > least * as_long.sum() * (1 if length == 10 else MOSTLY) and not in_order:
            found |= fits
    return found


def _are_births(texts: pd.Series, year: int) -> bool:
    years = texts.str.extract(_BORN).bfill(axis=1).iloc[:, 0].dropna().astype("int64")
    if len(years) <= MOSTLY * len(texts):
        return False
    lived = years.between(year - 110, year - _ADULT).mean() > MOSTLY
    return lived and years.nunique() >= min(_YEARS, len(years))
