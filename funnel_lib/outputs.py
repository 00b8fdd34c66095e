"""What an audit leaves in a folder: tables for machines, a workbook for people, the manifest."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_string_dtype

from funnel_lib.audit import Audit
from funnel_lib.blueprint import build_blueprint
from funnel_lib.caveats import tell_assumed, tell_limits
from funnel_lib.exports import tell_export, tell_sources
from funnel_lib.findings import tell_page_one
from funnel_lib.labels import Words
from funnel_lib.response_findings import name_managers
from funnel_lib.segments import write_segments

# Columns of the tables other programs read; `leads` goes on with the further columns of the leads.
CONTRACT = {
    "funnel": "segment position step n_entered n_reached n_unseen n_open share_of_entered "
    "share_of_previous low high",
    "funnel_rules": "segment position step rule n_reached",
    "segments": "segment name n_leads n_undetermined share_of_leads path stability trust",
    "memberships": "lead_id segment probability",
    "leads": "lead_id segment probability status last_step missed_step asked stage stage_ahead "
    "amount currency",
    "losses": "segment missed_step n_lost n_asked n_not_asked n_unknown share_of_lost "
    "share_of_entered amount_lost currency",
    "necessity": "segment step n_won n_won_with_evidence share self_reported_share",
    "open_leads": "lead_id segment last_step next_step asked days_silent stage manager amount "
    "currency",
    "times": "segment target day incidence low high n_at_risk",
    "time_to": "segment target n_entered last_day incidence low high median_days "
    "median_days_of_takers",
    "cohorts": "month n_entered n_won n_lost n_open horizon_days share low high is_mature",
    "pace": "segment position step n_from_entry median_days_from_entry n_from_previous "
    "median_days_from_previous",
    "standing": "segment step n_took normal_days n_open median_days_open n_standing",
    "value": "segment n_leads n_won amount_won amount_per_lead median_days_to_won "
    "manager_actions_per_lead amount_per_manager_action currency",
    "value_ranges": "segment currency measure value low high",
    "repeats": "segment currency n_won n_again share low high amount_again median_days_to_again",
    "responses": "manager n_leads n_client_first n_answered n_waiting n_unanswered "
    "median_hours_to_answer n_had_hour share_within_hour share_within_hour_low "
    "share_within_hour_high n_had_day share_within_day share_within_day_low share_within_day_high "
    "n_tried n_got_through median_attempts_to_reach n_trying n_given_up median_attempts_given_up "
    "share_given_up_after_one share_given_up_after_one_low share_given_up_after_one_high",
    "hypotheses": "segment step lever share_now share_reference reference extra_won extra_amount "
    "low high currency n_needed_per_arm days_needed",
    "stages": "stage kind step evidence n_deals",
    "stage_renames": "stage renamed_to",
    "stage_by_step": "stage missed_step n_lost n_open",
    "loss_reasons": "loss_reason missed_step n_lost",
    "pipeline": "story rule position step n_entered n_reached n_unseen n_open share_of_entered "
    "share_of_previous low high",
    "pipeline_checks": "check n_deals n_base share low high example",
    "segment_choice": "n_segments description_length gain null_gain chosen",
    "segment_paths": "segment position step share_taken is_optional share_repeated "
    "either_order_with share_reversed again_from share_again",
    "segment_parting": "segment last_step step",
    "segment_traits": "segment step kind share_here share_rest difference low high p_holm",
    "segment_examples": "segment lead_id probability journey n_same",
    "segment_facts": "fact n_leads n_values cramers_v low high share_explained share_right "
    "share_guessed",
    "segment_recognised": "segment position step n_reached n_undetermined share_told "
    "mean_probability",
    "quality": "check n_rows share_of_rows severity example",
}
FORMATS = ("html", "xlsx", "pdf")
_SHEETS = (
    "open_leads",
    "hypotheses",
    "segments",
    "value",
    "funnel",
    "losses",
    "necessity",
    "stages",
    "stage_by_step",
    "time_to",
    "cohorts",
    "standing",
    "pace",
    "repeats",
    "responses",
    "funnel_rules",
    "leads",
    "quality",
)
_RANGES_OF_MONEY = {"low": "extra_low", "high": "extra_high"}  # elsewhere they are of shares
_PACKAGES = ("funnel-lib", "pandas", "numpy", "scipy", "statsmodels", "matplotlib", "papermill")


def save_audit(audit: Audit, words: Words, folder: str | Path, formats: list[str]) -> None:
    """Write an audit's tables, segments, workbook and manifest into a folder.

    Parameters
    ----------
    audit : the audit
    words : language of the workbook
    folder : made if it is not there
    formats : the workbook is written where ``xlsx`` is among them

    Examples
    --------
    >>> save_audit(audit, Words("en"), "reports/mine", ["xlsx"])  # doctest: +SKIP
    """
    folder = Path(folder)
    write_tables(audit.tables, folder / "tables")
    if audit.segmentation.model is not None:
        write_segments(audit.segmentation, folder / "segments.json")
    blueprint = build_blueprint(audit.tables, audit.steps, words)
    pd.DataFrame({c: _machine_readable(blueprint[c]) for c in blueprint}).to_csv(
        folder / "new_funnel.csv", index=False, lineterminator="\n"
    )
    if "xlsx" in formats:
        write_workbook(audit, words, folder / "audit.xlsx")
    manifest = json.dumps(describe_run(audit), ensure_ascii=False, indent=2, default=str)
    (folder / "manifest.json").write_text(manifest + "\n", encoding="utf-8")


def write_tables(tables: dict[str, pd.DataFrame], folder: str | Path) -> None:
    """Write tables as CSV for machines: UTF-8, comma, ISO dates, full precision.

    Text that begins like a formula gets a leading apostrophe, as spreadsheets would run it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        columns = CONTRACT[name].split()
        if name == "leads":
            columns += [c for c in table if c not in columns]
        plain = pd.DataFrame({c: _machine_readable(table[c]) for c in columns})
        plain.columns = _machine_readable(pd.Series(columns, dtype="str"))
        plain.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def write_workbook(audit: Audit, words: Words, path: str | Path) -> None:
    """Write the workbook people open: page one, then a sheet a table; text is never a formula."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with pd.ExcelWriter(path, engine="xlsxwriter", engine_kwargs={"options": options}) as book:
        _write_front(audit, words, book)
        blueprint = build_blueprint(audit.tables, audit.steps, words)
        for name in _SHEETS:
            if name == "funnel":
                title = words.text("sheet.blueprint")
                _write_sheet(_for_people(blueprint, words), words, title, book)
            table = audit.tables[name]
            table = name_managers(table, words) if name == "responses" else table
            alone = name != "segments" and len(audit.tables["segments"]) == 1
            columns = [c for c in CONTRACT[name].split() if not (alone and c == "segment")]
            shown = table[columns].rename(columns=_RANGES_OF_MONEY if name == "hypotheses" else {})
            _write_sheet(_for_people(shown, words), words, words.text(f"sheet.{name}"), book)


def describe_run(audit: Audit) -> dict[str, Any]:
    """Say what an audit was made from: inputs with hashes, versions, parameters, assumptions."""
    log, settings = audit.log, audit.settings
    events = settings["events"]
    given = [*([events] if isinstance(events, str | Path) else events)]
    given += [settings[name] for name in ("leads", "steps", "mapping") if settings[name]]
    given += [settings["segments"]] if Path(str(settings["segments"])).is_file() else []
    files = [
        f for p in given for f in (sorted(Path(p).iterdir()) if Path(p).is_dir() else [Path(p)])
    ]
    removed = log.removed.loc[log.removed["table"] == "events", "rows"].sum()
    return {
        "inputs": [
            {"path": str(f), "sha256": _hash(f), "bytes": f.stat().st_size}
            for f in files
            if f.is_file()
        ],
        "versions": {"python": platform.python_version(), **{p: version(p) for p in _PACKAGES}},
        "parameters": settings,
        "seed": settings["seed"],
        "observed_until": log.observed_until.isoformat(),
        "assumptions": tell_assumed(log.assumed, log.observed_until, audit.words("en")),
        "sources": log.sources.to_dict("records"),
        "event_rows": {"read": log.rows_read, "kept": len(log.events), "removed": int(removed)},
        "n_leads": len(audit.tables["leads"]),
    }


def _machine_readable(column: pd.Series) -> pd.Series:
    if is_datetime64_any_dtype(column):
        return column.astype("str").str.replace(" ", "T", regex=False)
    if column.dtype == object or is_string_dtype(column):
        texts = column.astype("str")
        return texts.mask(texts.str.match(r"[=+\-@\t\r]", na=False), "'" + texts)
    return column


def _for_people(table: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Names and words in the reader's language; numbers stay numbers, times lose their zone."""
    written = {}
    for name in table:
        column = table[name]
        if is_datetime64_any_dtype(column):
            column = column.dt.tz_convert(words.time_zone).dt.tz_localize(None)
        elif column.dtype == object or is_string_dtype(column) or column.dtype == bool:
            column = column.astype(object).map(
                lambda x, name=name: None if pd.isna(x) else words.value(name, x)
            )
        written[name] = column
    return pd.DataFrame(written)


def _write_front(audit: Audit, words: Words, book: pd.ExcelWriter) -> None:
    lines = [
        *tell_export(audit.log, words),
        *tell_page_one(audit.tables, words),
        "",
        *tell_limits(audit.tables["leads"], audit.tables["quality"], words),
        *tell_assumed(audit.log.assumed, audit.log.observed_until, words),
        *tell_sources(audit.log, words),
    ]
    sheet = book.book.add_worksheet(words.text("sheet.front"))
    wrapped = book.book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 110)
    for row, line in enumerate([words.text("chrome.title"), "", *lines]):
        sheet.write_string(row, 0, line, wrapped)


def _write_sheet(table: pd.DataFrame, words: Words, title: str, book: pd.ExcelWriter) -> None:
    share, plain = (book.book.add_format({"num_format": f}) for f in ("0.0%", "#,##0.##"))
    bold = book.book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    table.to_excel(book, sheet_name=title, index=False)
    sheet = book.sheets[title]
    for n, name in enumerate(table):
        numeric = pd.api.types.is_numeric_dtype(table[name])
        is_share = name.startswith("share") or name.endswith("_share") or name in ("low", "high")
        longest = 0 if numeric else table[name].astype("str").str.len().max()
        width = 14 if numeric or pd.isna(longest) else min(max(14, longest + 2), 60)
        sheet.set_column(n, n, width, share if is_share else plain if numeric else None)
        sheet.write_string(0, n, words.column(name), bold)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(table), 1), len(table.columns) - 1)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
