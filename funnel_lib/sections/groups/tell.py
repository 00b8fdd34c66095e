"""Sentences about groups beside each other, and about a change split in two."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, excludes_zero, join_sentences, write_gain
from funnel_lib.sections.acts import Act
from funnel_lib.sections.groups.count import KINDS
from funnel_lib.stats.differences import FAMILY, MOST_P

MOST_PARTS = 3
LEAST = 0.05  # a smaller difference of shares is not worth a word
_PERIODS = {"month": "sentence.by_month", "quarter": "sentence.by_quarter"}


def tell_groups(groups: pd.DataFrame, words: Words) -> str:
    """Who sells worse than the others, beyond chance? Of page one, too; nothing where there is
    nobody to compare."""
    if groups.empty:
        return ""
    worse = _list_worse(groups)
    if worse.empty:
        known = groups["extra_won"].notna().any()
        behind = (groups["p_holm"] < FAMILY["groups"]) & ~groups["barred"].astype(bool)
        if behind.any():
            return words.text("sentence.groups_exception")
        return words.text("sentence.groups_none" if known else "sentence.groups_few")
    told = []
    for _, row in worse.head(MOST_PARTS).iterrows():
        told.append(_tell_worse(row, words))
        if row["group_by"] != "source":
            gain = write_gain(row, words, row["months"], "extra_")
            told.append(words.text("sentence.groups_worse", gain=gain, **row))
    why = "source" in {*worse["group_by"]} and words.text("sentence.groups_source")
    return join_sentences(
        *told, why or _tell_asked(worse, groups, words), _tell_pair(worse, groups, words)
    )


def tell_worst(groups: pd.DataFrame, words: Words) -> str:
    """Who sells worse than the others, in one short sentence? Empty where it may be chance."""
    worse = _list_worse(groups)
    return _tell_worse(worse.iloc[0], words) if len(worse) else ""


def plan_review(groups: pd.DataFrame, words: Words) -> Act | None:
    """Whose lost leads to go through this week: who sells worse than the others, beyond chance. Not
    a source's: it is its leads, and nobody could have won them as others are won."""
    worse = _list_worse(groups)
    if worse.empty or worse["group_by"].iloc[0] == "source":
        return None
    row = _name_group(worse.iloc[0], words)
    gain = write_gain(row, words, row["months"], "extra_")
    return Act(
        "week",
        words.text("page.review", **row),
        [
            words.text("page.review_now", **row),
            _tell_asked(worse[:1], groups, words),
            _tell_pair(worse, groups, words),
        ],
        words.text("page.review_gain", gain=gain) if row["extra_low"] > 0 else "",
        "groups",
    )


def _list_worse(groups: pd.DataFrame) -> pd.DataFrame:
    """Keep who sells worse beyond chance, the largest gain first; of managers, where there are any
    among them: a team is not blamed for its manager."""
    worse = groups[groups["beyond_chance"].astype(bool)]
    worse = worse.sort_values("extra_won", ascending=False)
    first = [kind for kind in KINDS if (worse["group_by"] == kind).any()][:1]
    return worse[worse["group_by"].isin(first)]


def _tell_worse(row: pd.Series, words: Words) -> str:
    key = "page.groups_source" if row["group_by"] == "source" else "page.groups"
    return words.text(key, **_name_group(row, words))


def _name_group(row: pd.Series, words: Words) -> dict:
    name = words.value("reference", f"{row['group_by']}={row['group']}")
    return row.to_dict() | {"name": name[0].upper() + name[1:]}


def _tell_asked(worse: pd.DataFrame, groups: pd.DataFrame, words: Words) -> str:
    """Were the lost leads of the one that sells worse asked less often than any other's?"""
    row = worse.iloc[0]
    share = _list_others(row, groups)["share_asked"].dropna()
    if len(worse) > 1 or not len(share) or not row["share_asked"] < share.min() - LEAST:
        return words.text("sentence.groups_cause")
    others = {"others_low": share.min(), "others_high": share.max()}
    return words.text("sentence.groups_asked", share_asked=row["share_asked"], **others)


def _tell_pair(worse: pd.DataFrame, groups: pd.DataFrame, words: Words) -> str:
    """Of two nobody can tell which one is the exception."""
    row = worse.iloc[0]
    is_pair = _list_others(row, groups)["extra_won"].notna().sum() == 1
    alone = row["group_by"] == "team" or pd.isna(row["p_without_best"])
    told = is_pair and alone and row["group_by"] != "source"
    return words.text("sentence.groups_pair") if told else ""


def _list_others(row: pd.Series, groups: pd.DataFrame) -> pd.DataFrame:
    """With whom a group can be compared."""
    same = (groups["group_by"] == row["group_by"]) & ~groups["barred"].astype(bool)
    return groups[same & (groups["group"] != row["group"])]


def tell_comparison(table: pd.DataFrame, words: Words) -> str:
    """Which groups of leads differ, and at which steps?"""
    if table.empty:
        return words.text("sentence.compare_one")
    tested = table[table["p_holm"].notna()]
    found = tested[tested["p_holm"] < MOST_P].sort_values(["p_holm", "p"], kind="stable")
    by = _name_column(table["column"].iloc[0], words)
    if tested.empty:
        return words.text("sentence.compare_untested", by=by)
    n, n_small = len(tested), table["is_small"].sum()
    return join_sentences(
        _tell_found(found, by, n, words),
        n_small > 0 and words.text("sentence.compare_small", n=n_small, of=len(table)),
        len(found) > 0 and words.text("sentence.compare_cause"),
    )


def tell_change(table: pd.DataFrame, words: Words) -> str:
    """How did the share of buyers change, and how much of it is owed to other segments?"""
    row = table.iloc[0].to_dict()
    row |= {side: words.value(row["column"], row[side]) for side in ("before", "after")}
    if pd.isna(row["difference"]):
        return words.text("sentence.change_nobody", **row)
    unsure = not excludes_zero(row["low"], row["high"])
    return join_sentences(
        words.text("sentence.change", **row),
        unsure and words.text("sentence.change_unsure"),
        words.text("sentence.change_one" if len(table) == 1 else "sentence.change_parts", **row),
    )


def _tell_found(found: pd.DataFrame, by: str, n: int, words: Words) -> str:
    """The differences that are least likely chance; of the others how many they are."""
    if found.empty:
        return words.text("sentence.compare_none", by=by, n=n)
    most = found.head(MOST_PARTS).replace({"value": {"": words.text("sentence.no_value")}})
    named = found["against"].iloc[0]  # the other of two groups
    part = "sentence.compare_part_named" if named else "sentence.compare_part"
    n_more = len(found) - len(most)
    key = "sentence.compare_found_more" if n_more else "sentence.compare_found"
    return words.text(key, by=by, n=n, parts=words.each(part, most), n_more=n_more)


def _name_column(column: str, words: Words) -> str:
    period = _PERIODS.get(column)
    return words.text(period) if period else words.column(column, "leads")
