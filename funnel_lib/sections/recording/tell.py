"""Sentences about those who record otherwise."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, join_sentences

_HABITS = {  # and whether its share is above the others'
    ("closing", True): "sentence.recording_closing_more",
    ("closing", False): "sentence.recording_closing_less",
    ("first_step", True): "sentence.recording_first_step_more",
    ("first_step", False): "sentence.recording_first_step_less",
    ("opening", True): "sentence.recording_opening_more",
    ("opening", False): "sentence.recording_opening_less",
    ("lost", False): "sentence.recording_lost",
}
MOST_GROUPS = 5


def tell_recording(recording: pd.DataFrame, words: Words) -> str:
    """Who records otherwise, and how?"""
    if recording.empty:
        return words.text("sentence.recording_untested")
    found = recording[recording["differs"]]
    maybe = recording[recording["apart"] & ~recording["differs"]]
    if len(maybe):
        groups = dict.fromkeys(maybe["group_by"] + "=" + maybe["group"].astype("str"))
        names = ", ".join(words.value("reference", group) for group in groups)
        told = words.text("sentence.recording_maybe", names=names)
        return join_sentences(_tell_found(found, words), told)
    if found.empty:
        people = recording[recording["p_holm"].notna() & (recording["group_by"] != "quarter")]
        n = len(people[["group_by", "group"]].drop_duplicates())
        return words.text("sentence.recording_none" if n else "sentence.recording_untested", n=n)
    return _tell_found(found, words)


def _tell_found(found: pd.DataFrame, words: Words) -> str:
    """Who surely records otherwise, and how? Empty where nobody does."""
    if found.empty:
        return ""
    of_team = found.loc[found["group_by"] == "team", "step"]
    found = found[(found["group_by"] != "manager") | ~found["step"].isin(of_team)]
    parts = []
    for (kind, group), rows in [*found.groupby(["group_by", "group"], sort=False)][:MOST_GROUPS]:
        named = words.value("reference", f"{kind}={group}")
        is_habit = rows["step"].isin([habit for habit, _ in _HABITS])
        steps = rows[~is_habit].sort_values("share")
        habits = [
            words.text(_HABITS[row["step"], row["share"] > row["share_others"]], **row)
            for row in rows[is_habit].to_dict("records")
        ]
        if len(steps):
            names = ", ".join(
                words.text("name.quoted", name=words.step(step)) for step in steps["step"]
            )
            habits.insert(0, words.text("sentence.recording_steps", names=names, **steps.iloc[0]))
        parts.append(words.text("sentence.recording_group", name=named, told=", ".join(habits)))
    return words.text("sentence.recording", told="; ".join(parts))


def tell_group_paths(paths: pd.DataFrame, ids: tuple[str, ...], words: Words) -> list[str]:
    """Which paths may be no client's but a group's own?"""
    told = []
    for row in paths.drop_duplicates("segment").to_dict("records"):
        named = words.value("reference", f"{row['kind']}={row['group']}")
        name, whole = (words.quoted(ids[row[which]]) for which in ("segment", "whole"))
        key = "sentence.path_recording" if row["whole"] >= 0 else "sentence.path_of_group"
        sentence = words.text(key, name=name, whole=whole, group=named)
        told.append(sentence[0].upper() + sentence[1:])
    return told
