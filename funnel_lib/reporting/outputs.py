"""What an audit leaves in a folder: tables for machines, the manifest."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.types import is_datetime64_any_dtype, is_string_dtype

from funnel_lib.audit import Audit, show_input, show_settings
from funnel_lib.core.errors import writing
from funnel_lib.core.steps import write_steps
from funnel_lib.core.tables import arrange, find_table
from funnel_lib.reporting.book.workbook import write_workbook
from funnel_lib.reporting.claims import list_claims, write_claims
from funnel_lib.reporting.page_one import tell_above, tell_page_one
from funnel_lib.sections import list_parts
from funnel_lib.sections.new_funnel.draft import propose_steps
from funnel_lib.sections.paths.segments import write_segments
from funnel_lib.sections.quality.tell import tell_assumed

_ROWS = 1_000_000  # of a table are made ready for writing at a time
_PACKAGES = ("funnel-lib", "pandas", "numpy", "scipy", "statsmodels", "matplotlib", "papermill")


def save_audit(audit: Audit, folder: str | Path = "", formats: Iterable[str] | None = None) -> None:
    """Write an audit's tables, steps, segments, new funnel, manifest, claims and workbook into a
    folder.

    By default that of its settings; without one nothing is written.

    The workbook is written where ``xlsx`` is among the formats, in the audit's language.

    Raises
    ------
    SectionError
        A part of the audit failed.
    """
    folder = folder or audit.settings.out
    if not folder:
        return
    folder = Path(folder)
    audit.raise_if_failed()
    with writing(folder):
        write_tables(audit.tables, folder / "tables")
        if audit.settings.steps:
            write_steps(audit.steps, folder / "steps.yml")
        else:  # with what it says of each action, for a person to decide
            (folder / "steps.yml").write_text(propose_steps(audit.log), encoding="utf-8")
        if audit.segmentation.model is not None:
            write_segments(audit.segmentation, folder / "segments.json", audit.steps)
        write_csv(audit.new_funnel.table, folder / "new_funnel.csv")
        if "xlsx" in (audit.settings.formats if formats is None else formats):
            write_workbook(audit, folder / "audit.xlsx")
        manifest = json.dumps(describe_run(audit), ensure_ascii=False, indent=2, default=str)
        (folder / "manifest.json").write_text(manifest + "\n", encoding="utf-8")
        write_claims(list_claims(audit), folder / "claims.json")


def write_tables(tables: dict[str, pd.DataFrame], folder: str | Path) -> None:
    """Write tables as CSV for machines, the columns of docs/tables.md in their order."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_csv(table, folder / f"{name}.csv", name)


def write_csv(table: pd.DataFrame, path: Path, name: str = "") -> None:
    """Write a table for machines, a part of its rows at a time: UTF-8, comma, ISO dates, full
    precision; where it has a name its columns as registered.

    Text that begins like a formula gets a leading apostrophe, as spreadsheets would run it.
    """
    for begin in range(0, max(len(table), 1), _ROWS):
        part = table.iloc[begin : begin + _ROWS]
        part = arrange(name, part) if name else part
        names = make_machine_readable(pd.Series(part.columns, dtype="str"))
        plain = pd.DataFrame({c: make_machine_readable(part[c]) for c in part})
        how = {"mode": "a", "header": False} if begin else {"header": names.to_list()}
        plain.to_csv(path, index=False, lineterminator="\n", **how)


def describe_run(audit: Audit) -> dict[str, Any]:
    """Say what an audit was made from: inputs with hashes, versions, parameters, assumptions."""
    log, settings = audit.log, audit.settings
    sources = log.sources.assign(file=[show_input(f, settings) for f in log.sources["file"]])
    removed = log.removed.loc[log.removed["table"] == "events", "rows"].sum()
    odd = audit.tables["quality"][audit.tables["quality"]["severity"] != "info"]
    return {
        "inputs": [
            {"path": show_input(f.path, settings), "sha256": f.sha256, "bytes": f.bytes}
            for f in audit.files
        ],
        "versions": {"python": platform.python_version(), **{p: version(p) for p in _PACKAGES}},
        "parameters": show_settings(settings),
        "seed": settings.seed,
        "observed_until": log.observed_until.isoformat(),
        "assumptions": tell_assumed(log.assumed, log.observed_until, audit.words("en")),
        "sources": sources.to_dict("records"),
        "event_rows": {"read": log.rows_read, "kept": len(log.events), "removed": int(removed)},
        "n_leads": len(audit.tables["leads"]),
        "told": [*tell_above(audit), *tell_page_one(audit.tables, audit.words(), audit.journeys)],
        "warnings": odd[["check", "n_rows"]].astype({"n_rows": int}).to_dict("records"),
        "sections": {name: list(part.tables) for name, part in list_parts().items()},
        "tables": {
            name: {"question": find_table(name).question, "rows": len(table)}
            for name, table in audit.tables.items()
        },
    }


def make_machine_readable(column: pd.Series) -> pd.Series:
    """Write times as ISO, and text that begins like a formula with an apostrophe before it."""
    if is_datetime64_any_dtype(column):
        return _write_times(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.map(make_machine_readable(column.cat.categories.to_series()))
    if column.dtype == object or is_string_dtype(column):
        texts = column.astype("str")
        risky = texts.str.match(r"[=+\-@\t\r]", na=False)
        return texts.mask(risky, "'" + texts) if risky.any() else texts
    return column


def _write_times(times: pd.Series) -> pd.Series:
    """Write times as ISO, those with a zone in UTC; without fractions of seconds where there are
    none."""
    moments = pa.array(times)
    zone = moments.type.tz and "UTC"
    with suppress(pa.ArrowInvalid):  # where there are some
        moments = moments.cast(pa.timestamp("s", zone))
    texts = pc.replace_substring(
        moments.cast(pa.timestamp(moments.type.unit, zone)).cast(pa.string()), " ", "T"
    )
    texts = pc.replace_substring(texts, "Z", "+00:00")
    return pd.Series(texts.to_pandas().array, times.index)
