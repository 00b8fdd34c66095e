"""What reading leaves out and what it notices, in the order in which it comes up."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import note_checks, note_removed, show_rows, show_values


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
        self._removed: list[pd.DataFrame] = [note_removed([])]

    def note(self, check: str, n: int, n_all: int, severity: str = "warning", example: str = ""):
        """Note `n` odd rows of `n_all`; nothing is noted of none."""
        self._noticed.append((check, n, n_all, severity, example))

    def note_cells(self, check: str, cells: pd.Series, odd, severity="warning", n_all=None) -> None:
        """Note the odd cells of a column, a few of them as examples."""
        odd = np.asarray(odd, bool)
        n_all = len(cells) if n_all is None else n_all
        self.note(check, odd.sum(), n_all, severity, show_values(cells[odd]))

    def note_unreadable(self, column: str, texts: pd.Series, read: pd.Series) -> None:
        """Note the texts of a column that could not be read."""
        self.note_cells(f"unreadable_{column}", texts, texts.notna() & read.isna())

    def leave_out(self, reason: str, rows: pd.DataFrame, out, table="events") -> pd.DataFrame:
        """Keep the rows that are not to be left out, and count the others under a reason."""
        out = np.asarray(out, bool)
        if not out.any():
            return rows
        self.count_removed(reason, out.sum(), show_rows(name_subjects(rows[out])), table)
        return rows[~out]

    def count_removed(self, reason: str, n: int, examples: str = "", table="events") -> None:
        """Count `n` rows that are left out."""
        if n:
            row = (table, reason, int(n), examples)
            self._removed.append(pd.DataFrame([row], columns=note_removed([]).columns))

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
        return pd.concat(self._removed, ignore_index=True)


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
