"""Personal data kept out of a log: columns left out, leads and accounts renamed, texts covered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_string_dtype

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import EVENT_COLUMNS, LEAD_COLUMNS, STAGE_PREFIX, EventLog
from funnel_lib.core.ordering import as_category
from funnel_lib.reading.cells.marks import HIDDEN, find_persons, hide_texts, may_hold
from funnel_lib.reading.cells.people import find_personal, names_thing
from funnel_lib.reading.files.tables import show_path
from funnel_lib.reading.files.typed import is_category
from funnel_lib.reading.ledger import Ledger
from funnel_lib.reading.plain import Taken

_OWN = (*EVENT_COLUMNS, *LEAD_COLUMNS, "pipeline", "duration")
_STAFF = ("manager", "team")  # shown, as whoever reads the report knows them
_IDS = {"lead_id": "lead", "account_id": "person"}
_THINGS = ("product", "source", "pipeline", "currency")  # a brand may be called like a person


@dataclass(frozen=True)
class Cover:
    """What stands for the ids that are personal: column -> id -> other name; and whose names are
    shown wherever a cell holds nothing else."""

    names: dict[str, dict[str, str]] = field(default_factory=dict)
    staff: frozenset[str] = frozenset()

    def cover_frame(self, frame: pd.DataFrame, columns: Iterable[str] = ()) -> pd.DataFrame:
        """Cover ids and texts of these columns of a frame, or of all; a phone that is a whole cell
        is known where it would not be in the midst of a text."""
        covered = frame.copy(deep=False)
        for column in [c for c in columns or frame if c in frame and c not in _STAFF]:
            cells = frame[column]
            if column in self.names:
                covered[column] = change_texts(cells, self._rename(column))
            elif is_category(cells) or is_string_dtype(cells):
                covered[column] = change_texts(cells, _hide_people_in(column, self.staff))
        return covered

    def _rename(self, column: str) -> Callable[[pd.Series], pd.Series]:
        names = self.names[column]
        return lambda ids: ids.map(names).astype("str").fillna(ids) if names else ids

    def cover_text(self, text: str) -> str:
        """Put other names and "…" into a text that lists ids and cells, such as examples."""
        known = {old: new for names in self.names.values() for old, new in names.items()}
        parts = re.split(r"(; | · |, )", text)
        return hide_text("".join(known.get(part, part) for part in parts))


def cover_taken(taken: Taken, ledger: Ledger) -> tuple[Taken, Cover]:
    """Leave out personal columns, and cover what the others hold: ids and texts.

    Leads and accounts that are called by a phone, a mail or a name get the same other name in all
    tables. Managers and teams keep theirs.
    """
    frames = [frame for frame in (taken.events, taken.leads) if frame is not None]
    staff = _list_texts(frames, _STAFF)
    further = [frame.drop(columns=[*_OWN], errors="ignore") for frame in frames]
    year = _find_year(taken.events["at"]) if any(f.shape[1] for f in further) else None
    told: dict[str, str] = {}
    for n, frame in enumerate(frames):
        found = find_personal(further[n], year, staff)
        told |= {c: kind for c, kind in found.items() if c not in told}
        frames[n] = frame.drop(columns=[*found])
    ledger.note("personal_columns", len(told), 0, "info", _show_told(told))
    cover = Cover(
        {c: _number(_list_texts(frames, [c]), word) for c, word in _IDS.items()}, frozenset(staff)
    )
    events = cover.cover_frame(frames[0], _OWN)
    leads = None if taken.leads is None else cover.cover_frame(frames[1])
    return replace(taken, events=events, leads=leads), cover


def cover_examples(log: EventLog, cover: Callable[[str], str]) -> EventLog:
    """A log whose examples of what was removed and noticed are covered."""
    removed = log.removed.assign(examples=[*map(cover, log.removed["examples"])])
    noticed = log.noticed.assign(example=[*map(cover, log.noticed["example"])])
    return replace(log, removed=removed, noticed=noticed)


@contextmanager
def covering_errors(show_names: bool) -> Iterator[None]:
    """Let the problems of an `InputError` raised inside hold nothing personal, unless asked to."""
    try:
        yield
    except InputError as error:
        if show_names:
            raise
        raise InputError(map(hide_text, error.problems)) from None


def hide_text(text: str) -> str:
    """The same of one text as `hide_texts`."""
    return hide_texts(pd.Series([text], dtype="str"))[0]


def show_place(path: str, show_names: bool = False) -> str:
    """A path as others may see it: of one that begins at the root of this machine the last name;
    what is no text in it is left out.

    Examples
    --------
    >>> show_place("data/leads.csv"), show_place("/home/me/leads of a@b.org"), show_place("")
    ('data/leads.csv', 'leads of …', '')
    """
    shown = show_path(Path(path).name if Path(path).is_absolute() else path)
    return shown if show_names else hide_text(shown)


def change_texts(cells: pd.Series, change: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Change the texts of a column, each distinct one once; texts that become equal are one."""
    coded = is_category(cells)
    known = cells.cat.categories if coded else cells.dropna().unique()
    known = pd.Series(known, dtype="str")
    changed = change(known)
    if changed.equals(known):
        return cells
    if not coded:
        odd = (changed != known).to_numpy()
        return cells.map(changed[odd].set_axis(known[odd])).astype("str").fillna(cells)
    code, words = pd.factorize(changed)
    code = np.append(code, -1)[cells.cat.codes]
    return pd.Series(pd.Categorical.from_codes(code, words), cells.index, name=cells.name)


def _hide_people_in(column: str, staff: frozenset[str]) -> Callable[[pd.Series], pd.Series]:
    """How to hide what is personal in the texts of a column. What names things may be called like
    a person, and mere digits are phones where most of the column's are."""
    things = column in _THINGS or (column not in _OWN and names_thing(column))

    def hide(texts: pd.Series) -> pd.Series:
        bare = texts.str.removeprefix(STAGE_PREFIX)
        hidden = bare.where(bare.str.fullmatch(r"\d*"), hide_texts(bare, names=not things))
        hidden = hidden.mask(find_persons(bare, names=not things), HIDDEN)
        hidden = hidden.mask(bare.isin(staff), bare)
        return hidden.where(bare == texts, STAGE_PREFIX + hidden)

    return hide


def _find_year(at: pd.Series) -> int | None:
    """The year of most of what happened; None where no time is known."""
    at = pd.to_datetime(at, utc=True)  # of no type where some tables have none
    return int(at.dt.year.median()) if at.notna().any() else None


def _list_texts(frames: list[pd.DataFrame], columns: Iterable[str]) -> pd.Series:
    """The distinct texts of these columns of several frames."""
    cells = [frame[c] for c in columns for frame in frames if c in frame]
    parts = [
        pd.Series(as_category(c).categories if is_category(c) else c.dropna().unique(), dtype="str")
        for c in cells
    ]
    if len(cells) == 1 and is_category(cells[0]):
        return parts[0]
    found = pd.concat([pd.Series([], dtype="str"), *parts], ignore_index=True)
    return found.drop_duplicates(ignore_index=True)


def _number(ids: pd.Series, word: str) -> dict[str, str]:
    """Number the ids that are personal, or hold what is: in the order of a hash, so that the number
    says nothing of them, and is the same whatever the order of the rows; never the name of another
    id."""
    maybe = ids[may_hold(ids)]
    told = find_persons(maybe)
    texts = maybe[~told]
    texts = texts[~texts.str.fullmatch(r"\d*")]
    secret = ids[[*maybe.index[told], *texts.index[hide_texts(texts) != texts]]]
    if secret.empty:
        return {}
    order = np.argsort(pd.util.hash_array(secret.to_numpy(object)), kind="stable")
    taken = {*ids[ids.str.startswith(f"{word} ")]}
    free = (name for n in range(1, len(ids) + len(taken) + 1)
            if (name := f"{word} {n}") not in taken)  # fmt: skip
    return dict(zip(secret.iloc[order], free, strict=False))


def _show_told(told: dict[str, str]) -> str:
    """Which columns are told how: "title: A, B; phone: C"."""
    kinds = {kind: [c for c in told if told[c] == kind] for kind in told.values()}
    return "; ".join(f"{kind}: {', '.join(columns)}" for kind, columns in kinds.items())
