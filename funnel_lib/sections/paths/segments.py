"""Find segments, use them for other leads, keep and read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as FilePath

import numpy as np

from funnel_lib.core.errors import InputError
from funnel_lib.core.groups import (
    FEWEST_LEADS,
    FEWEST_STEPS,
    SKIPPED_OFTEN,
    Segmentation,
    keep_together,
)
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.steps import LANGUAGES, Steps
from funnel_lib.core.words import Words
from funnel_lib.counting.variants import Variants, count_variants, find_together
from funnel_lib.engine.paths import PathMixture

_NO_MODEL = "segments of another clusterer cannot be used for other leads; use find_segments"


def find_segments(
    journeys: Journeys, n_segments: int | None = None, *, pace: bool = False, seed: int = 0
) -> Segmentation:
    """Which paths do clients take, and which does each lead walk?

    Only steps up to the first sale count, and neither outcome nor product nor amount nor manager is
    looked at. The same seed gives the same segments, whatever the order of rows or the ids of
    leads. With fewer than 50 leads that entered, or fewer than two measurable steps, none is tried:
    all leads are one segment, and `why_not` has the reason.

    Parameters
    ----------
    n_segments : None chooses from 1 to 10 by description length; 1 means no segments
    pace : whether leads of one path may be parted by their waits (hours, days, weeks), too, where
        that pays its way by the same criterion

    Raises `InputError` for more segments than there are distinct journeys, or different paths.

    Examples
    --------
    >>> planted = plant_log("clean", n_leads=1000, seed=1)
    >>> journeys = build_journeys(build_log(planted.events, planted.leads),
    ...                           parse_steps(planted.steps_yaml))
    >>> found = find_segments(journeys)
    >>> found.ids, found.paths[0]
    (('s1', 's2', 's3'), ('request_left', 'call_answered', 'terms_agreed', 'invoice_paid'))
    """
    steps = journeys.steps.before_sale
    variants = count_variants(journeys, pace)
    if why_not := find_why_not(journeys, variants.weight.sum()):
        return keep_together(journeys, why_not)
    sale = steps.index(journeys.steps.won)
    model = PathMixture(
        n_segments, end_step=sale, n_codes=len(steps), pace=pace,
        together=find_together(journeys), random_state=seed,
    )  # fmt: skip
    try:
        model.fit(variants.rows, sample_weight=variants.weight, gaps=variants.gaps)
    except ValueError as error:
        raise InputError([f"segments {n_segments}: {error}"]) from None
    return _segment(model, steps, variants)


def _segment(model: PathMixture, steps: tuple[str, ...], variants: Variants) -> Segmentation:
    """Give leads their memberships, and each path the sale and its optional steps."""
    sale, paths, optional, either = steps[model.end_step], [], [], []
    for path in model.expand_paths():
        ids = [steps[code] for code in path.steps]
        either.append(tuple((ids[j], ids[j + 1]) for j in sorted(path.swaps)))
        often = [i for i, p in zip(ids, path.skipped, strict=True) if p >= SKIPPED_OFTEN]
        paths.append((*(i for i in ids if i != sale), sale))
        optional.append(tuple(i for i in often if i != sale))
    member = np.zeros((len(variants.of_lead), len(paths)))
    entered = variants.of_lead >= 0
    if entered.any():
        of_variant = model.predict_proba(variants.rows, variants.gaps)
        member[entered] = of_variant[variants.of_lead[entered]]
    ids = tuple(f"s{k + 1}" for k in range(len(paths)))
    blocks = tuple(tuple(steps[code] for code in part) for part in model.recoding_.list_blocks())
    return Segmentation(
        steps, ids, tuple(paths), tuple(optional), member, model, either_order=tuple(either),
        blocks=blocks,
    )  # fmt: skip


def assign_segments(segmentation: Segmentation, journeys: Journeys) -> Segmentation:
    """How much do other leads belong to segments found before?

    Raises `InputError` where the steps are not those the segments were found with.
    """
    steps = journeys.steps.before_sale
    if steps != segmentation.steps:
        raise InputError([_describe_difference(segmentation.steps, steps)])
    model = segmentation.model
    if model is not None:
        found = _segment(model, steps, count_variants(journeys, model.pace))
        return replace(found, names=segmentation.names)
    if len(segmentation.ids) > 1:
        raise InputError([_NO_MODEL])
    return replace(segmentation, memberships=keep_together(journeys).memberships)


def write_segments(
    segmentation: Segmentation, path: str | FilePath, steps: Steps | None = None
) -> None:
    """Keep the segments (not the leads) as JSON, so that a later audit speaks of the same ones.

    Their names stand there, too, for a person to change: of the library's own only with `steps`,
    as they speak of steps by name.

    Raises `InputError` for segments of another clusterer: no model says who else belongs to them.
    """
    if segmentation.model is None and len(segmentation.ids) > 1:
        raise InputError([_NO_MODEL])
    saved = {
        "steps": segmentation.steps,
        "why_not": segmentation.why_not,
        "names": _write_names(segmentation, steps) if steps else segmentation.names,
        "model": None if segmentation.model is None else segmentation.model.to_dict(),
    }
    text = json.dumps(saved, ensure_ascii=False, indent=1)
    FilePath(path).write_text(text + "\n", encoding="utf-8")


def read_segments(path: str | FilePath, journeys: Journeys) -> Segmentation:
    """Read segments kept before, and find how much each lead of a log belongs to them.

    Raises `InputError`: no such file, no segments in it, they were found with other steps, or a
    name in it is none.
    """
    try:
        saved = json.loads(FilePath(path).read_text(encoding="utf-8-sig"))
        model = None if saved["model"] is None else PathMixture.from_dict(saved["model"])
        steps, none = tuple(saved["steps"]), np.empty((0, 1))
        kept = Segmentation(steps, ("all",), (steps,), ((),), none, model, saved["why_not"])
        names = saved.get("names", {})
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {error.strerror}"]) from None
    except json.JSONDecodeError as error:
        raise InputError([
            f"{path}: line {error.lineno}: this is no valid JSON; check quotes and commas there"
        ]) from None  # fmt: skip
    except (ValueError, KeyError, TypeError):
        raise InputError([f"{path}: this is no file of saved segments"]) from None
    found = assign_segments(kept, journeys)
    return replace(found, names=_read_names(names, found, journeys.steps, f"{path}: names"))


def _write_names(segmentation: Segmentation, steps: Steps) -> dict[str, dict[str, str]]:
    """What each of several segments is called, by language."""
    if len(segmentation.ids) == 1:
        return {}
    words = [segmentation.add_names(Words(lang, steps.names(lang))) for lang in LANGUAGES]
    return {s: {w.lang: w.segment_names[s] for w in words} for s in segmentation.ids}


def _read_names(given: object, found: Segmentation, steps: Steps, where: str) -> dict:
    """The names that a person gave, in every language; every problem with them is told at once."""
    made, names, wrong = _write_names(found, steps), {}, []
    if not isinstance(given, dict):
        raise InputError([f'{where} is {given!r}; write them as {{"s1": {_EXAMPLE}, …}}'])
    for segment, texts in given.items():
        texts = dict.fromkeys(LANGUAGES, texts) if isinstance(texts, str) else texts
        if problems := [*_check_name(segment, texts, found)]:
            wrong += problems
            continue
        texts = {lang: " ".join(text.split()) for lang, text in texts.items()}
        some = next(iter(texts.values()))
        names[segment] = {lang: texts.get(lang, some) for lang in LANGUAGES}
    if wrong := [*wrong, *_find_same(made | names)]:
        raise InputError([f"{where}: {problem}" for problem in wrong])
    return {segment: texts for segment, texts in names.items() if texts != made[segment]}


_EXAMPLE = '{"en": "Wholesale", "ru": "Опт"}'


def _check_name(segment: str, texts: object, found: Segmentation) -> Iterator[str]:
    """What is wrong with the name of one segment?"""
    ids = found.ids if len(found.ids) > 1 else ()
    words = {*ids, *found.codes.values(), "all", "undetermined"}
    if segment not in ids:
        there = f"there are {', '.join(ids)}" if ids else "all leads are one"
        yield f"no segment {segment!r}; {there}; take its name out"
    elif not isinstance(texts, dict) or not texts:
        yield f"{segment} is {texts!r}; write a name in quotes, or one a language: {_EXAMPLE}"
    else:
        for lang, text in texts.items():
            if lang not in LANGUAGES:
                yield f"{segment}: no language {lang!r}; choose {' or '.join(LANGUAGES)}"
            elif not isinstance(text, str):
                yield f"{segment} ({lang}) is {text!r}, no text; put the name in quotes"
            elif not text.strip():
                yield f"{segment} ({lang}): the name is empty; write one, or take it out"
            elif text.strip() in words:
                yield f"{segment} ({lang}): {text!r} is a word of the tables; choose another name"


def _find_same(names: dict[str, dict[str, str]]) -> Iterator[str]:
    """Which segments have the same name in one language?"""
    for lang in LANGUAGES:
        first: dict[str, str] = {}
        for segment, texts in names.items():
            other = first.setdefault(texts[lang].casefold(), segment)
            if other != segment:
                yield (
                    f"{other} and {segment} ({lang}) are both called {texts[lang]!r}; "
                    "give one of them another name"
                )


def find_why_not(journeys: Journeys, n_leads: float) -> str:
    """Why is no segmentation tried: too few leads, too few measurable steps? Empty: it can be."""
    n_steps = journeys.measurable[: len(journeys.steps.before_sale)].sum()
    if n_leads < FEWEST_LEADS:
        return "few_leads"
    return "few_steps" if n_steps < FEWEST_STEPS else ""


def _describe_difference(old: tuple[str, ...], new: tuple[str, ...]) -> str:
    gone, come = [s for s in old if s not in new], [s for s in new if s not in old]
    parts = [f"missing now: {', '.join(gone)}"] * bool(gone)
    parts += [f"new: {', '.join(come)}"] * bool(come)
    what = "; ".join(parts) or f"another order: {', '.join(old)} before, {', '.join(new)} now"
    return f"the saved segments were found with other steps ({what}); find them anew"
