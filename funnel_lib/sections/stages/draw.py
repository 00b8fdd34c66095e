"""Draw the pipeline beside the client's funnel."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.looks import (
    ACCENT,
    BAR,
    GAP,
    INK,
    LINE,
    MUTED,
    ROOM,
    SMALL,
    TEXT,
    UNSEEN,
    WENT_ON,
)
from funnel_lib.drawing.pictures import Picture, show_figure

_TITLES = {"stages": "figure.story_stages", "snapshot": "figure.story_snapshot"}
_HALF, _MIDDLE = (ROOM - 18) / 2, (ROOM + 18) / 2  # a side is wide; the right one begins
_MOST_LINES = 2  # of a name


class _Pair(NamedTuple):
    """A stage and the client step that it stands for, as rows of the pipeline; either may lack."""

    stage: dict | None
    step: dict | None

    @property
    def ahead(self) -> float:
        """The share of deals by which the stage runs ahead of the client."""
        if not (self.stage and self.step):
            return 0.0
        ahead = self.stage["share_of_entered"] - self.step["share_of_entered"]
        return 0.0 if pd.isna(ahead) else max(ahead, 0.0)


def picture_pipeline(
    pipeline: pd.DataFrame, stages: pd.DataFrame, words: Words, rule: str = "passed"
) -> Picture | None:
    """How far did the same deals come by the CRM's stages, and by what the client did? As
    `plot_pipeline` draws it, with where the stages run furthest ahead in words."""
    ax = plot_pipeline(pipeline, stages, words, rule)
    if ax is None:
        return None
    pairs = _pair(pipeline[pipeline["rule"] == rule], stages)
    most = max(pairs, key=lambda pair: pair.ahead)
    alt = words.text("figure.pipeline")
    if most.ahead > 0:
        stage, step = most
        alt = words.text(
            "figure.pipeline_ahead", stage=words.step(stage["step"]), step=words.step(step["step"]),
            n=step["n_entered"], by_stage=stage["share_of_entered"],
            by_client=step["share_of_entered"],
        )  # fmt: skip
    return show_figure(ax, alt)


@canvas.in_style
def plot_pipeline(
    pipeline: pd.DataFrame, stages: pd.DataFrame, words: Words, rule: str = "passed"
) -> Axes | None:
    """How far did the same deals come by the CRM's stages, and by what the client did?

    A row a stage and the client step that it stands for, beside each other; steps without a stage
    and stages without a step stand alone. What a stage claims above what the client did is in the
    accent colour. None without stages.

    Parameters
    ----------
    pipeline, stages : what `stages.count_pipeline` and `stages.list_stages` return
    """
    rows = pipeline[pipeline["rule"] == rule]
    pairs = _pair(rows, stages)
    if not any(pair.stage for pair in pairs):
        return None
    base = words.text("figure.share_axis", n=rows["n_entered"].max())
    key = [("bar", MUTED, "by_stage"), ("bar", WENT_ON, "reached")]
    if any(pair.step and pair.step["n_unseen"] >= 0.5 for pair in pairs):
        key.append(("bar", UNSEEN, "unseen"))
    if any(pair.ahead > 0 for pair in pairs):
        key.append(("loss", ACCENT, "stage_ahead"))
    heading = canvas.fit_heading(words.text("figure.pipeline"), base, key, words)
    names = [tuple(_fit_name(row, words) for row in pair) for pair in pairs]
    heights = [LINE * max(n.count("\n") + 1 for n in pair) + BAR + GAP for pair in names]
    top = heading.height + LINE + 4
    ax = canvas.open_axes(top + sum(heights), heading)
    story = rows.loc[rows["story"] != "steps", "story"].iloc[0]
    for title, left in ((_TITLES[story], 0), ("figure.story_steps", _MIDDLE)):
        said = canvas.wrap_text(words.text(title), _HALF, SMALL, "bold", at_most=1)
        look = {"start": left, "size": SMALL, "weight": "bold"}
        canvas.write_pieces(ax, heading.height + 8, [(said, MUTED)], **look)
    for pair, name, height in zip(pairs, names, heights, strict=True):
        top += height
        _draw_side(ax, 0, top, pair.stage, name[0], words)
        _draw_side(ax, _MIDDLE, top, pair.step, name[1], words)
        if pair.ahead > 0:
            left = _HALF * pair.step["share_of_entered"]
            canvas.draw_outline(ax, top - BAR - GAP, left, _HALF * pair.ahead)
    return ax


def _pair(rows: pd.DataFrame, stages: pd.DataFrame) -> list[_Pair]:
    """Set stages beside steps, both in their order; a step is the first stage's that means it."""
    told = stages.dropna(subset="step").set_index("stage")["step"].to_dict()
    steps = rows[rows["story"] == "steps"].to_dict("records")
    place = {row["step"]: n for n, row in enumerate(steps)}
    pairs, next_step = [], 0
    for row in rows[rows["story"] != "steps"].to_dict("records"):
        name = row["step"]
        at = place.get(told.get(name, name), -1)
        if at < next_step:  # the sale stands beside itself, or beside the stage that means it
            pairs += [_Pair(row, None)] if name not in place else []
            continue
        pairs += [_Pair(None, step) for step in steps[next_step:at]]
        pairs.append(_Pair(row, steps[at]))
        next_step = at + 1
    return pairs + [_Pair(None, step) for step in steps[next_step:]]


def _fit_name(row: dict | None, words: Words) -> str:
    if row is None:
        return ""
    name = row["step"]  # a stage's own may hold what joins steps
    name = words.step_names.get(name, name)
    free = _HALF - 8 - canvas.measure_width(words.share(1.0), TEXT)
    return canvas.wrap_text(name, free, TEXT, at_most=_MOST_LINES)


def _draw_side(ax: Axes, left: float, bottom: float, row: dict | None, name: str, words: Words):
    """Draw a stage, or a step, above `bottom`: its name, share and bar."""
    if row is None:
        return
    y, share = bottom - BAR - GAP, row["share_of_entered"]
    canvas.write_pieces(ax, y - 5, [(name, INK)], start=left)
    said = words.text("figure.not_measurable") if pd.isna(share) else words.share(share)
    if not (pd.isna(share) and left == 0):
        canvas.write_pieces(ax, y - 5, [(said, INK)], end=left + _HALF)
    if pd.isna(share):
        return
    unseen = row["n_unseen"] / row["n_entered"] if left else 0.0  # a stage is no evidence at all
    seen = _HALF * (share - unseen)
    canvas.draw_bar(ax, y, left, seen, WENT_ON if left else MUTED)
    canvas.draw_bar(ax, y, left + seen, _HALF * unseen, UNSEEN)
