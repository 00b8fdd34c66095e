"""The made-up worlds: their segments' paths, and what blurs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

WON = "invoice_paid"
SPREAD = 0.8  # sigma of the lognormal waits of clients, and of managers until they ask
MANAGERS = {"Anna": ("north", 1), "Boris": ("north", 1), "Vera": ("south", 1), "Gleb": ("south", 1)}


_NAMES = """
Anna: Анна, Boris: Борис, Vera: Вера, Gleb: Глеб, north: Север, south: Юг,
kettle: чайник, iron: утюг, toaster: тостер, mixer: миксер,
site: сайт, ads: реклама, referral: рекомендация, fair: выставка,
price: дорого, no answer: не отвечает, competitor: выбрал конкурента, postponed: отложил,
First contact: Первичный контакт, Qualification: Квалификация, Proposal sent: КП отправлено,
Terms in discussion: Согласование условий, Invoice issued: Счёт выставлен
"""
RUSSIAN = dict(pair.split(": ") for pair in _NAMES.strip().replace("\n", " ").split(", "))


@dataclass(frozen=True)
class PlantedStep:
    """A step of the client: the manager's action that helps with it, the stage he then moves to.

    `self_reported` is the action by which a manager may report it instead of the client showing it.
    """

    id: str
    en: str
    ru: str
    asked_by: str = ""
    stage: str = ""
    self_reported: str = ""


_STEP_TABLE = """
request_left | Left a request | Оставил заявку
call_answered | Answered us | Вышел на связь | call_out | First contact
price_checked | Looked up the prices | Посмотрел цены
task_stated | Stated the need | Сформулировал задачу | brief_sent | Qualification | field_need_filled
demo_attended | Attended the demo | Посмотрел демонстрацию | demo_offered
sample_tested | Tested the sample | Испытал образец | sample_sent
proposal_opened | Opened the proposal | Открыл КП | proposal_sent | Proposal sent
questions_asked | Asked questions | Задал вопросы
proposal_answered | Replied to the proposal | Ответил по КП | follow_up
terms_agreed | Agreed the terms | Согласовал условия | terms_sent | Terms in discussion
contract_signed | Signed the contract | Подписал договор | contract_sent
invoice_paid | Paid | Оплатил | invoice_sent | Invoice issued
launch_done | Accepted the launch | Принял внедрение
served | Was served | Получил обслуживание
feedback_given | Gave feedback | Дал отзыв
repeat_order | Ordered again | Купил снова
"""  # noqa: E501
# What proposes a step, as advice says it.
ASKS = {
    "call_answered": {"en": "call, and call again", "ru": "позвонить, и ещё раз"},
    "task_stated": {"en": "send a brief", "ru": "отправить бриф"},
    "demo_attended": {"en": "offer a demo", "ru": "предложить демонстрацию"},
    "sample_tested": {"en": "send a sample", "ru": "отправить образец"},
    "proposal_opened": {"en": "send the proposal", "ru": "отправить КП"},
    "proposal_answered": {"en": "ask about the proposal", "ru": "позвонить и спросить о КП"},
    "terms_agreed": {"en": "offer to agree the terms", "ru": "предложить согласовать условия"},
    "contract_signed": {"en": "offer to sign the contract", "ru": "предложить подписать договор"},
    "invoice_paid": {"en": "send the invoice", "ru": "выставить счёт"},
}
STEPS = tuple(PlantedStep(*line.split(" | ")) for line in _STEP_TABLE.strip().splitlines())


@dataclass(frozen=True)
class PlantedSegment:
    """Leads that walk the same path; every chance is drawn anew for each lead."""

    weight: float  # share of leads (weights of a world are scaled to sum to 1)
    path: tuple[str, ...]  # step ids in order; the first is always taken, the last is the sale
    # step → probability that a lead which goes on does so without this step
    skip: Mapping[str, float] = field(default_factory=dict)
    # step → probability that it comes once more, and so on
    repeat: Mapping[str, float] = field(default_factory=dict)
    # (step, the next one) → probability that the two come the other way round
    swaps: Mapping[tuple[str, str], float] = field(default_factory=dict)
    # steps in a row → probability that they are gone through once more, and so on
    loops: Mapping[tuple[str, ...], float] = field(default_factory=dict)
    # probability of going on to a step, else the lead stops; one for all, or by step
    go_on: float | Mapping[str, float] = 0.85
    # probability that the manager means to ask for a step; likewise
    ask: float | Mapping[str, float] = 0.0
    # go_on is multiplied by this where a manager who sometimes asks did not, or too late (not for
    # steps that are skipped often, which nobody waits for)
    unasked: float = 0.6
    hours: float = 24.0  # median wait before a step, or before leaving without a word
    # median time from the step before until the manager asks: he does not know when clients leave,
    # so that some are asked who are gone, and some take the step before they are asked
    ask_hours: float = 24.0
    # share of the asks that come one step ahead, between the two steps before (from the third on)
    ask_ahead: float = 0.0
    amount: float = 50_000.0  # median amount of a deal


@dataclass(frozen=True)
class World:
    """A made-up CRM: its segments, and what blurs them."""

    segments: Mapping[str, PlantedSegment]
    noise: float = 0.05  # share of the clients' events that are random steps at random places
    days: int = 365  # leads enter evenly from 2025-01-01; the export is made at the end
    date_only: bool = False  # stamps carry no time of day
    # name → (team, factor on every `ask`); leads are dealt out at random
    managers: Mapping[str, tuple[str, float]] = field(default_factory=MANAGERS.copy)
    # share of the steps with a `self_reported` action that only the manager reports
    self_reported: float = 0.0
    stages: bool = False  # managers move deals through CRM stages when they act
    # step → share of buyers who take it (0: never recorded); repeat orders recur
    post_sale: Mapping[str, float] = field(default_factory=dict)
    returning: float = 0.0  # share of leads that are another deal of an account that bought before
    currency: str = "RUB"
    steps: tuple[PlantedStep, ...] = STEPS  # in the order of steps.yml; those on no path left out


def _plant(weight, path, **settings):
    """Make a segment whose path is written without the request it begins with and the sale."""
    return PlantedSegment(weight, ("request_left", *path.split(), WON), **settings)


def _part(quick, shown, tried):
    """Make three paths that part after two steps, given the chance to go on to each of the two."""
    first, offer = "call_answered task_stated ", "proposal_answered contract_signed"
    rest = ["terms_agreed", "demo_attended proposal_opened", f"sample_tested {offer}"]
    early = [dict.fromkeys(first.split(), chance) for chance in (quick, shown, tried)]
    return {
        "quick": _plant(0.4, first + rest[0], go_on=early[0]),
        "shown": _plant(0.35, first + rest[1], go_on=early[1]),
        "tried": _plant(0.25, first + rest[2], go_on=early[2]),
    }


_CALL, _DEMO, _OPENED, _ANSWERED = STEPS[1].id, STEPS[4].id, STEPS[6].id, STEPS[8].id
_TERMS, _ASKED, _SIGNED = "terms_agreed", "questions_asked", "contract_signed"
_QUICK = f"{_CALL} {_TERMS}"
_THOROUGH = f"{_CALL} task_stated {_DEMO} {_OPENED} {_SIGNED}"
_TENDER = f"price_checked {_OPENED} {_ASKED} {_TERMS} {_SIGNED}"
_CONSIDERED = f"{_CALL} task_stated {_DEMO} {_OPENED} {_ANSWERED} {_TERMS} {_SIGNED}"
_TRIAL = f"price_checked {_DEMO} sample_tested {_ANSWERED} {_TERMS}"
_PACED = _plant(0.5, f"{_CALL} task_stated {_OPENED} {_TERMS}")
_CLEAN = {
    "quick": _plant(0.45, _QUICK),
    "thorough": _plant(0.35, _THOROUGH),
    "tender": _plant(0.2, _TENDER),
}
_KETTLES = {
    "urgent": _plant(
        0.4,
        _QUICK,
        repeat={_CALL: 0.15},
        go_on=0.85,
        ask=0.8,
        unasked=0.5,
        hours=4,
        ask_hours=2,
        amount=40_000,
    ),
    "considered": replace(
        _plant(0.6, _CONSIDERED, skip={_DEMO: 0.45}, repeat={_CALL: 0.2}, hours=60, amount=150_000),
        loops={(_OPENED, _ANSWERED): 0.35},
        go_on=dict.fromkeys([*_CONSIDERED.split(), WON], 0.9) | {_DEMO: 1.0},
        ask_ahead=0.1,
        ask=dict.fromkeys([*_CONSIDERED.split(), WON], 0.85) | {_DEMO: 0.6, _ANSWERED: 0.4},
    ),
}
WORLDS: dict[str, World] = {
    "kettles": World(
        _KETTLES,
        managers=MANAGERS | {"Gleb": ("south", 0.7)},
        self_reported=0.2,
        stages=True,
        post_sale={"launch_done": 0.85, "served": 0.0, "feedback_given": 0.4, "repeat_order": 0.3},
        returning=0.05,
    ),
    "clean": World(_CLEAN),
    "noisy": World(_CLEAN, noise=0.15),
    "date-only": World(_CLEAN, date_only=True),
    "loops": World(
        {
            "quick": _plant(0.4, _QUICK, repeat={_CALL: 0.35}),
            "tender": _plant(0.35, _TENDER, loops={(_OPENED, _ASKED): 0.5}),
            "trial": _plant(0.25, _TRIAL, loops={(_DEMO, "sample_tested", _ANSWERED): 0.4}),
        }
    ),
    "optional": World(
        {
            "tender": _plant(0.5, _TENDER, skip={_ASKED: 0.5}),
            "thorough": _plant(0.5, _THOROUGH, skip={_CALL: 0.4, _DEMO: 0.5}),
        }
    ),
    "either-order": World(
        {
            "quick": _plant(0.4, _QUICK),
            "thorough": _plant(0.35, _THOROUGH, swaps={("task_stated", _DEMO): 0.5}),
            "tender": _plant(0.25, _TENDER, swaps={(_TERMS, _SIGNED): 0.4}),
        }
    ),
    "messy": World(
        {
            "quick": _plant(0.45, _QUICK, repeat={_CALL: 0.35}),
            "thorough": replace(
                _plant(0.35, _CONSIDERED, repeat={_CALL: 0.35}, skip={_DEMO: 0.5, _TERMS: 0.5}),
                swaps={(_OPENED, _ANSWERED): 0.3},
            ),
            "tender": replace(
                _plant(0.2, _TENDER, repeat={_OPENED: 0.3}, skip={_ASKED: 0.4}),
                swaps={(_TERMS, _SIGNED): 0.5},
            ),
        }
    ),
    "two-paces": World({"fast": replace(_PACED, hours=3), "slow": replace(_PACED, hours=96)}),
    "rare": World(
        {
            "quick": _plant(0.55, _QUICK),
            "thorough": _plant(0.4, _THOROUGH),
            "trial": _plant(0.05, _TRIAL),
        }
    ),
    "one": World({"everyone": _plant(1, _CONSIDERED, skip={_DEMO: 0.4})}),
    "equal-drop": World(_part(quick=0.85, shown=0.85, tried=0.85)),
    "unequal-drop": World(_part(quick=0.95, shown=0.8, tried=0.65)),
}


def translate(name: str, lang: str) -> str:
    """Write a name of the made-up CRM in a language; one that is not in the list stays."""
    return RUSSIAN.get(name, name) if lang == "ru" else name


def translate_world(world: World, lang: str) -> World:
    """Write the names of a world's managers, teams and stages in a language."""
    managers = {
        translate(name, lang): (translate(team, lang), factor)
        for name, (team, factor) in world.managers.items()
    }
    steps = tuple(replace(step, stage=translate(step.stage, lang)) for step in world.steps)
    return replace(world, managers=managers, steps=steps)
