"""Sentences about groups beside each other, and about a change split in two."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, excludes_zero, write_gap, write_points, write_points_span
from funnel_lib.stats.differences import MOST_P

MOST_PARTS = 3
_PERIODS = {"month": "sentence.by_month", "quarter": "sentence.by_quarter"}


def tell_comparison(table: pd.DataFrame, words: Words) -> str:
    """Which groups of leads differ, and at which steps?"""
    if table.empty:
        return words.text("sentence.compare_one")
    tested = table[table["p_holm"].notna()]
    found = tested[tested["p_holm"] < MOST_P].sort_values(["p_holm", "p"], kind="stable")
    by = _name_column(table["column"].iloc[0], words)
    if tested.empty:
        return words.text("sentence.compare_untested", by=by)
    if found.empty:
        told = [words.text("sentence.compare_none", by=by, n=len(tested))]
    else:
        parts = [_tell_group(row, words) for row in found.head(MOST_PARTS).itertuples()]
        if len(found) > MOST_PARTS:
            parts.append(words.text("sentence.compare_more", n=len(found) - MOST_PARTS))
        parts = "; ".join(parts)
        told = [words.text("sentence.compare_found", by=by, n=len(tested), parts=parts)]
    n_small = int(table["is_small"].sum())
    if n_small:
        told.append(words.text("sentence.compare_small", n=n_small, of=len(table)))
    if len(found):
        told.append(words.text("sentence.compare_cause"))
    return " ".join(told)


def tell_change(table: pd.DataFrame, words: Words) -> str:
    """How did the share of buyers change, and how much of it is owed to other segments?"""
    row = table.iloc[0]
    names = {name: words.value(row["column"], row[name]) for name in ("before", "after")}
    if pd.isna(row["difference"]):
        return words.text("sentence.change_nobody", **names)
    shares = {f"share_{name}": words.share(row[f"share_won_{name}"]) for name in names}
    counts = {f"n_{name}": row[f"n_{name}"] for name in names}
    told = [words.text("sentence.change", **names, **shares, **counts, **write_gap(row, words))]
    if not excludes_zero(row["low"], row["high"]):
        told.append(words.text("sentence.change_unsure"))
    if len(table) == 1:
        return " ".join([*told, words.text("sentence.change_one")])
    told.append(
        words.text(
            "sentence.change_parts",
            mix=write_points(row["mix"], words),
            mix_span=write_points_span(row["mix_low"], row["mix_high"], words),
            rate=write_points(row["rate"], words),
            rate_span=write_points_span(row["rate_low"], row["rate_high"], words),
        )
    )
    return " ".join(told)


def _tell_group(row, words: Words) -> str:
    against = words.text("sentence.compare_rest")
    if row.against:
        against = words.text("sentence.compare_named", value=row.against)
    return words.text(
        "sentence.compare_part",
        value=row.value or words.text("sentence.no_value"),
        step=words.step(row.step),
        share=words.share(row.share),
        rest=words.share(row.share_rest),
        against=against,
        difference=write_points(row.difference, words),
        span=write_points_span(row.low, row.high, words),
    )


def _name_column(column: str, words: Words) -> str:
    key = _PERIODS.get(column)
    name = words.text(key) if key else words.value("fact", column)
    return name[:1].upper() + name[1:]
