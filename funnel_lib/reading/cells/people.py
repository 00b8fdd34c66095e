"""Personal data: which columns hold names of people, phones and mails, and phones and tax numbers
as keys that join other systems' records; the rest of the library never sees them."""

from __future__ import annotations

import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_lib.reading.columns import read_beside

# Words of a header, each a beginning of a word of it.
_PERSONAL = tuple(read_beside(__file__)["personal"])
# The same of several words, or of a whole header: who did it, what is planned, a deal's title.
_PHRASES = re.compile(
    r"\b(?:by|por)$|next step|decision maker|следующий шаг|\bф\.? ?и\.? ?о\b"
    r"|^(?:сделка|deal|лид|lead)$",
    re.IGNORECASE,
)
# In the midst of a text.
_WITHIN = (
    r"[^\s@,;<>()]+@[^\s@,;<>()]+\.\w+"
    r"|\+\d[\d\s()-]{8,}\d|\b[78][\s-]?\(?\d{3}\)?[\s-]?\d{3}[\s-]?\d{2}[\s-]?\d{2}\b"
)
# Such headers hold a name that is no person's, or a number that says nothing.
_HARMLESS = re.compile(
    r"\b(?:product|товар|campaign|кампани|pipeline|воронк|stage|этап|source|источник|utm|form|file"
    r"|type|тип|team|отдел|group|групп|region|регион|city|город|country|стран|segment|сегмент"
    r"|status|статус|reason|причин|count|number of|количество|concept|activity|event|action"
    r"|step|действи|событи|шаг\b)", re.IGNORECASE,
)  # fmt: skip
_IDS = re.compile(r"(?:^|[\s_.])id\w?$|^id\b|\bids$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_MAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_PHONE = (
    r"^\+?[78][\s(-]*\d{3}[\s)-]*\d{3}[\s-]*\d{2}[\s-]*\d{2}$|^\+\d[\d\s()-]{8,}$"
    r"|^\(?[2-9]\d{2}[\s)-]*\d{3}[\s-]*\d{2}[\s-]*\d{2}$"  # neither unix seconds nor 0
)
# Two or three words with capitals; and what is surely a name: a patronymic, initials, a trader.
_NAME = (
    r"^[А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)? [А-ЯЁ][а-яё]+(?: [А-ЯЁ][а-яё]+)?$"
    r"|^[A-Z][a-z]+ [A-Z][a-z]+$"
)
_SURELY_NAME = (
    r"[А-ЯЁ][а-яё]+ [А-ЯЁ][а-яё]+(?:ович|евич|ьич|овна|евна|ична)(?: |$)|^ИП [А-ЯЁ]"
    r"|[А-ЯЁ][а-яё]+ [А-ЯЁ]\. ?[А-ЯЁ]\.|[А-ЯЁ]\. ?[А-ЯЁ]\. ?[А-ЯЁ][а-яё]+"
)
_OPAQUE = re.compile(r"^(?:properties\.|property_)?uf_?crm_?\d*$", re.IGNORECASE)
NEARLY_ALL = 0.9  # two words with capitals may also be a place or a product
MOSTLY = 0.5  # from this share of its cells on, a column is what its cells look like
KEYS = {
    "phone": re.compile(r"phone|telefon|celular|телефон|мобильн|номер клиента|caller|абонент",
                        re.IGNORECASE),
    "tax": re.compile(r"\b(?:инн|inn|vat|tax.?(?:id|number|no)|cnpj|бин|унп)\b", re.IGNORECASE),
}  # fmt: skip
_EXTENSION = r"(?i)[\s,(]*(?:доб|внутр?|вн|ext|x|#)\.?\s*\d{1,6}\)?\s*$"
_DIGITS = 10  # a phone is known by its last digits, with or without the country's


def find_personal(frame: pd.DataFrame) -> list[str]:
    """Which columns hold names of people, phones, mails or free text, by header or by cells?"""
    return [c for c in frame.columns if _is_personal(str(c)) or _looks_personal(frame[c], str(c))]


def hide_within(frame: pd.DataFrame) -> pd.DataFrame:
    """Put "…" in place of phones and mails in the midst of texts; ids are left as they are."""
    hidden = {}
    for column in frame.columns:
        if _IDS.search(str(column)) or not pd.api.types.is_string_dtype(frame[column]):
            continue
        values = pd.Series(frame[column].dropna().unique(), dtype="str")
        odd = values[values.str.contains(_WITHIN)]
        if len(odd):
            masked = odd.str.replace(_WITHIN, "…", regex=True).set_axis(odd)
            hidden[column] = frame[column].map(masked).fillna(frame[column]).astype("str")
    return frame.assign(**hidden)


def hide_persons(names: pd.Series) -> pd.Series:
    """Put numbers in place of names that are a person's; the same name the same number."""
    known = names.dropna().drop_duplicates().sort_values()
    persons = known[known.astype("str").str.contains(_SURELY_NAME)]
    numbers = {name: f"person {n}" for n, name in enumerate(persons, 1)}
    return names.map(numbers).fillna(names).astype("str") if numbers else names


def find_keys(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """The phones or tax numbers of a table's rows: row (its label), value; several in a cell are
    several rows."""
    columns = [c for c in frame.columns if KEYS[key].search(str(c)) and not _IDS.search(str(c))]
    parts = [pd.DataFrame({"row": frame.index[:0], "value": pd.Series([], dtype="str")})]
    for column in columns:
        cells = frame[column].dropna().astype("str").str.split(r"[,;/|\n]").explode()
        parts.append(pd.DataFrame({"row": cells.index, "value": bare_key(cells, key).to_numpy()}))
    return pd.concat(parts, ignore_index=True).dropna().drop_duplicates(ignore_index=True)


def bare_key(texts: pd.Series, key: str) -> pd.Series:
    """Write phones or tax numbers so that the same ones are equal; missing where there is none."""
    plain = pc.replace_substring_regex(pa.array(texts, pa.string()), _EXTENSION, "")
    plain = pc.replace_substring_regex(plain, r"\.0$", "")
    digits = pc.replace_substring_regex(plain, r"\D", "").to_numpy(zero_copy_only=False)
    digits = pd.Series(digits, index=texts.index, dtype="str")
    least = 7 if key == "phone" else 8
    known = digits.where(digits.str.len() >= least)
    return known.str[-_DIGITS:] if key == "phone" else known


def _is_personal(header: str) -> bool:
    if _IDS.search(header):
        return False
    header = re.sub(r"(?<=[a-zа-яё])(?=[A-ZА-ЯЁ])|_+", " ", header).strip()
    if KEYS["tax"].search(header) or KEYS["phone"].search(header) or _PHRASES.search(header):
        return True
    if _HARMLESS.search(header):
        return False
    words = _WORD.findall(header.casefold().replace("ё", "е").replace("e-mail", "email"))
    return any(w.startswith(_PERSONAL) or w.endswith(("name", "phone", "mail")) for w in words)


def _looks_personal(cells: pd.Series, header: str) -> bool:
    if not pd.api.types.is_string_dtype(cells):
        return False
    known = cells.dropna()
    sample = known.iloc[:1000].str.strip()
    if sample.empty:
        return False
    found = sample.str.match(_MAIL) | sample.str.match(_PHONE) | sample.str.contains(_SURELY_NAME)
    named = sample.str.match(_NAME)
    if _OPAQUE.match(header):
        found |= named
    everywhere = named.mean() > NEARLY_ALL and not _HARMLESS.search(header)
    return bool(found.mean() > MOSTLY or everywhere)
