"""One reading of an export: what the user says, how times are read, what is left out, noticed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, quote_some
from funnel_lib.core.events import note_checks, note_removed, show_rows, show_values
from funnel_lib.reading.cells.times import Ambiguous, are_serials, read_times
from funnel_lib.reading.columns import Mapping
from funnel_lib.reading.files.tables import RawTable
from funnel_lib.reading.files.typed import show, to_texts


class Ledger:
    """One book for a whole reading: every reader writes into it, `build_log` gets its two frames.

    Examples
    --------
    >>> ledger, rows = Ledger(), pd.DataFrame({"lead_id": ["a", "b"], "action": ["call", "plan"]})
    >>> len(ledger.leave_out("planned", rows, rows["action"] == "plan"))
    1
    >>> ledger.removed.values.tolist()
    [['events', 'planned', 1, 'b · plan']]
    """

    def __init__(self):
        self._noticed: list[tuple] = []
        self._removed: list[tuple] = []

    def note(self, check: str, n: int, n_all: int, severity: str = "warning", example: str = ""):
        """Note `n` odd rows of `n_all`; nothing is noted of none."""
        self._noticed.append((check, n, n_all, severity, example))

    def note_cells(self, check: str, cells: pd.Series, odd, severity="warning", n_all=None) -> None:
        """Note the odd cells of a column, a few of them as examples."""
        odd = np.asarray(odd, bool)
        n_all = len(cells) if n_all is None else n_all
        self.note(check, odd.sum(), n_all, severity, show_values(show(cells[odd])))

    def note_unreadable(self, column: str, texts: pd.Series, read: pd.Series) -> None:
        """Note the texts of a column that could not be read."""
        self.note_cells(f"unreadable_{column}", texts, texts.notna() & read.isna())

    def leave_out(self, reason: str, rows: pd.DataFrame, out, table="events") -> pd.DataFrame:
        """Keep the rows that are not to be left out, and count the others under a reason."""
        out = np.asarray(out, bool)
        if not out.any():
            return rows
        shown = show_rows(name_subjects(to_texts(rows[out])))
        self.count_removed(reason, out.sum(), shown, table)
        return rows[~out]

    def count_removed(self, reason: str, n: int, examples: str = "", table="events") -> None:
        """Count `n` rows that are left out."""
        if n:
            self._removed.append((table, reason, int(n), examples))

    def add(self, later: Ledger) -> None:
        """Take over what another ledger holds, after what is here."""
        self._noticed += later._noticed
        self._removed += later._removed

    @property
    def noticed(self) -> pd.DataFrame:
        """As of `events.note_checks`."""
        return note_checks(self._noticed)

    @property
    def removed(self) -> pd.DataFrame:
        """As of `events.note_removed`."""
        return pd.DataFrame(self._removed, columns=note_removed([]).columns)


@dataclass(frozen=True)
class Reading:
    """What all readers of one export share.

    Attributes
    ----------
    mapping, time_zone : what the columns mean, and the zone of times without one
    ledger : what is left out and noticed
    local, zoned : paths of tables with times without a zone, and with others
    """

    mapping: Mapping
    time_zone: str
    ledger: Ledger = field(default_factory=Ledger)
    local: list[str] = field(default_factory=list)
    zoned: list[str] = field(default_factory=list)

    def read_times(self, texts: pd.Series, name: str, zone="") -> tuple[pd.Series, np.ndarray]:
        """The same as `read_times`, by what the user says, noting days since 1900; `name` says
        whose day and month cannot be told apart, `zone` is another than the user's."""
        try:
            times, zoned = read_times(texts, self.mapping.day_first, zone or self.time_zone)
        except Ambiguous as error:
            raise InputError([f"{name}: {p}" for p in error.problems]) from None
        if are_serials(texts):
            self.ledger.note_cells("excel_serials", texts, times.notna(), "info")
        return times, zoned

    def check_zones(self, zone_given: bool) -> None:
        """Raise an `InputError` where local times stand beside UTC and nobody gave the zone."""
        if zone_given or not self.local or not self.zoned:
            return
        names = ([Path(path).name for path in paths] for paths in (self.local, self.zoned))
        local, zoned = (quote_some(dict.fromkeys(x)) for x in names)
        raise InputError([
            f"times without a zone ({local}) stand beside times in UTC or with a zone ({zoned}); "
            "tell the zone of the first, e.g. --time-zone Europe/Moscow, or the order of events "
            "would be wrong"
        ])  # fmt: skip

    def of_tables(self, tables: list[RawTable]) -> Reading:
        """The same with what the mapping says of these tables; dates are the deals' alone."""
        there = {c for t in tables for c in t.columns}
        columns = {m: c for m, c in self.mapping.columns.items() if c in there}
        where = {c: v for c, v in self.mapping.where.items() if c in there}
        own = {"columns": columns, "where": where, "dates": {}}
        return replace(self, mapping=self.mapping.model_copy(update=own))


def name_journey(rows: pd.DataFrame) -> pd.Series:
    """Name the journey of what is about no deal: ``lead 7``."""
    return rows["about"].astype("str") + " " + rows["about_id"].astype("str")


def name_subjects(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with whose they are, to be shown as examples; a phone is nobody's business."""
    if "lead_id" in rows or "about_id" not in rows:
        return rows
    if "about" not in rows:
        return rows.rename(columns={"about_id": "lead_id"})
    secret = rows["about"].isin(["phone", "tax"])
    return rows.assign(lead_id=rows["about"].where(secret, name_journey(rows)))
