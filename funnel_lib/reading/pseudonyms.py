"""Managers under other names, for reports that go to people who need not know who is who."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from funnel_lib.core.events import EVENT_COLUMNS, EventLog
from funnel_lib.core.journeys import Journeys
from funnel_lib.reading.files.typed import is_category
from funnel_lib.reading.privacy import cover_examples

# Columns of whoever did or owns something; the latter only where they name managers at all.
_STAFF = re.compile(r"manager|author|responsible|owner|менеджер|автор|ответствен", re.IGNORECASE)
_USERS = re.compile(r"user|employee|\bby$|_by$|пользоват|сотрудник|исполнит|\bкто\b", re.IGNORECASE)
_LEFT = (*EVENT_COLUMNS, "account_id", "status", "currency")  # no names, or what counting needs
_SHORT = 3  # a name of fewer characters may be anything within a text
MOSTLY = 0.5  # a column of whose distinct cells more than these are managers holds people


@dataclass(frozen=True)
class Pseudonyms:
    """How each manager is called instead: real name → other name.

    Examples
    --------
    >>> other = Pseudonyms({"Anna": "Manager 2", "Ann": "Manager 1"})
    >>> other.cover("Anna's team, Ann, Annabel"), other.cover_condition("manager=Anna")
    ("Manager 2's team, Manager 1, Annabel", 'manager=Manager 2')
    >>> other.reveal_condition("manager=Manager 2")
    'manager=Anna'
    """

    names: dict[str, str]

    @cached_property
    def _pattern(self) -> re.Pattern | None:
        telling = [n for n in self.names if len(n) >= _SHORT and re.search(r"[^\W\d_]", n)]
        longest = sorted(telling, key=len, reverse=True)
        either = "|".join(map(re.escape, longest))
        return re.compile(rf"(?<!\w)(?:{either})(?!\w)") if either else None

    def cover(self, text: str) -> str:
        """Put the other name wherever a text has the real one as a word of its own."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self.names[found[0]], text)

    def cover_condition(self, condition: str) -> str:
        """The same of COLUMN=VALUE."""
        column, is_one, value = condition.partition("=")
        return f"{column}{is_one}{self.names.get(value.strip()) or self.cover(value)}"

    def reveal_condition(self, condition: str) -> str:
        """COLUMN=VALUE of the export, where the other name was given; a real one is taken first."""
        column, is_one, value = condition.partition("=")
        if value.strip() in self.names:
            return condition
        real = {other: name for name, other in self.names.items()}
        return f"{column}{is_one}{real.get(value.strip(), value)}"

    def cover_cells(self, cells: pd.Series, column: str) -> pd.Series:
        """Cells of a column: whole names in one that holds people, else names within texts."""
        held = [text for text in cells.dropna().unique() if isinstance(text, str)]
        is_staff = _holds_people(column, held, {*self.names})
        found = {x: self.names.get(x) if is_staff else None for x in held}
        found = {x: other or self.cover(x) for x, other in found.items()}
        found = {x: other for x, other in found.items() if other != x}
        if not found:
            return cells
        texts = cells.astype("str")
        return texts.map(found).fillna(texts).astype("str")

    def cover_frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame's columns of texts, but for ids, actions and words of ours."""
        mine = [c for c in frame if c not in _LEFT and _may_hold_texts(frame[c])]
        return frame.assign(**{c: self.cover_cells(frame[c], str(c)) for c in mine})


def name_managers(log: EventLog, word: str, seed: int) -> Pseudonyms:
    """Number the managers of a log, and whoever else its columns of staff name.

    `word` is such as ``Manager {n}``. Numbers follow a hash of name and seed, so that they are the
    same in every run, and say nothing of the names.
    """
    names = set(log.leads["manager"].dropna().astype("str")) - {""}
    for frame in (log.leads, log.events):
        for column in (c for c in frame if c not in _LEFT and _may_hold_texts(frame[c])):
            held = [x for x in frame[column].dropna().unique() if isinstance(x, str) and x]
            if _holds_people(str(column), held, names):
                names |= {*held}
    in_order = sorted(names, key=lambda n: hashlib.sha256(f"{seed}\n{n}".encode()).digest())
    return Pseudonyms({name: word.format(n=n) for n, name in enumerate(in_order, 1)})


def hide_managers(
    log: EventLog, journeys: Journeys, others: Pseudonyms
) -> tuple[EventLog, Journeys]:
    """A log and its journeys with other names for managers: in leads, events and examples."""
    hidden = cover_examples(log, others.cover)
    hidden = replace(
        hidden, events=others.cover_frame(log.events), leads=others.cover_frame(log.leads)
    )
    examples = [*map(others.cover, journeys.quality["example"])]
    quality = journeys.quality.assign(example=examples)
    return hidden, replace(journeys, leads=others.cover_frame(journeys.leads), quality=quality)


def _may_hold_texts(cells: pd.Series) -> bool:
    return is_category(cells) or pd.api.types.is_string_dtype(cells) or cells.dtype.kind == "O"


def _holds_people(column: str, held: list[str], names: set[str]) -> bool:
    """Whether a column, whose distinct texts are these, says who did or owns something."""
    if _STAFF.search(column) and not column.endswith("_id"):
        return True
    known = sum(text in names for text in held)
    return known > 0 and (bool(_USERS.search(column)) or known > MOSTLY * len(held))
