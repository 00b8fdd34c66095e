"""Personal data: which columns hold names of people, phones and mails, and phones and tax numbers
as keys that join other systems' records; the rest of the library never sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_lib.reading.cells.marks import MOSTLY, tell_kind
from funnel_lib.reading.columns import read_beside

# Words of a header, each a beginning of a word of it.
_PERSONAL = tuple(read_beside(__file__)["personal"])
# The same of several words, or of a whole header: who did it, what is planned, a deal's title.
_PHRASES = re.compile(
    r"\b(?:by|por)$|next step|decision maker|следующий шаг|\bф\.? ?и\.? ?о\b"
    r"|^(?:сделка|deal|лид|lead)$|\b(?:utm term|ip|referr?er|user agent|keywords?|снилс|ssn)\b"
    r"|реферер|search term|поисков\w* (?:запрос|фраз)|ключев\w* (?:слов|фраз)",
    re.IGNORECASE,
)
# Such headers hold a name that is no person's, or a number that says nothing.
_HARMLESS = re.compile(
    r"\b(?:product|товар|campaign|кампани|pipeline|воронк|stage|этап|source|источник|utm|form|file"
    r"|type|тип|team|отдел|group|групп|region|регион|city|город|country|стран|segment|сегмент"
    r"|status|статус|reason|причин|count|number of|количество|concept|activity|event|action"
    r"|step|действи|событи|шаг\b)", re.IGNORECASE,
)  # fmt: skip
# Their names are at most like those of people.
_FIRMS = re.compile(r"compan|компани|organi[sz]|организац|контрагент|brand|бренд", re.IGNORECASE)
_IDS = re.compile(r"(?:^|[\s_.])id\w?$|^id\b|\bids$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_LOOKED_AT = 2_000  # cells of a column
KEYS = {
    "phone": re.compile(r"phone|telefon|celular|телефон|\bтел\b|мобильн|номер клиента|caller"
                        r"|абонент", re.IGNORECASE),
    "tax": re.compile(r"\b(?:инн|inn|vat|tax.?(?:id|number|no)|cnpj|бин|унп)\b", re.IGNORECASE),
}  # fmt: skip
_EXTENSION = r"(?i)[\s,(]*(?:доб|внутр?|вн|ext|x|#)\.?\s*\d{1,6}\)?\s*$"
_DIGITS = 10  # a phone is known by its last digits, with or without the country's


def find_personal(
    frame: pd.DataFrame, year: int | None = None, staff: Iterable[str] = ()
) -> dict[str, str]:
    """Which columns hold personal data or free text, and by what is that told: column -> "title",
    or the kind of data its cells are?

    Dates are births where most lie long before the `year` of what happened. Names of the `staff`
    are nobody's secret.
    """
    staff, told = {*staff}, {}
    for column in map(str, frame.columns):
        kind = "title" if _is_personal(column) else _look(frame[column], column, year, staff)
        if kind:
            told[column] = kind
    return told


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


def names_thing(header: str) -> bool:
    """Whether a title says that its column names products, places, firms and the like."""
    return bool(_HARMLESS.search(header) or _FIRMS.search(header))


def _look(cells: pd.Series, header: str, year: int | None, staff: set[str]) -> str:
    """What personal data the cells of a column are, "" for none."""
    if not pd.api.types.is_string_dtype(cells):
        return ""
    known = cells.dropna()
    # evenly over the column, as its beginning may be unlike the rest
    known = known.iloc[np.linspace(0, len(known) - 1, min(len(known), _LOOKED_AT)).astype("int64")]
    texts = pd.Series(known.unique(), dtype="str").str.strip()
    if texts.empty:
        return ""
    kind = tell_kind(texts, len(known), not names_thing(header), year)
    return "" if kind == "name" and texts.isin(staff).mean() > MOSTLY else kind
