"""Small and odd CRMs at random: every table, sentence and figure of a report is made."""

import ast
import re
from dataclasses import dataclass
from html import unescape

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import funnel_lib as fl
from funnel_lib.core.html import Html
from funnel_lib.datasets.planted import plant_log, write_planted
from funnel_lib.reporting.notebooks import build_notebook
from funnel_lib.reporting.page_one import tell_page_one
from funnel_lib.reporting.report import write_report
from funnel_lib.sections.section import FAILED
from funnel_lib.settings import Settings

STEPS = """version: 1
steps:
  - {id: request, evidence: [form_sent], name: {en: Request, ru: Заявка}}
  - {id: answered, evidence: [reply], asked_by: [mail], name: {en: Answered, ru: Ответил}}
  - {id: met, evidence: [meeting], asked_by: [invite], name: {en: Met, ru: Встретился}}
  - {id: paid, evidence: [invoice_paid], name: {en: Paid, ru: Оплатил}}
won: paid
lost: [deal_lost]
"""
ACTIONS = ["form_sent", "reply", "meeting", "invoice_paid"]
ASKS = {"reply": "mail", "meeting": "invite"}
UNTIL = pd.Timestamp("2025-08-10")
THREE_YEARS = 3 * 365.25
FULL = {"funnel", "funnel_rules", "leads", "segments", "value", "times", "time_to",
        "hypotheses", "cohorts", "necessity", "memberships"}  # fmt: skip


@dataclass(frozen=True)
class Crm:
    """What a random CRM is like; its `repr` is enough to make it again."""

    seed: int
    size: int
    end: str = "mixed"  # or: open, won, lost
    managers: int = 3
    amounts: bool = True
    currencies: int = 1
    actors: bool = True
    clock: str = "minutes"  # or: days (dates only), ties (all of a lead at once)
    segments: str = "none"
    days: int = 120


def draw_crm(seed: int) -> Crm:
    """Draw a CRM; the first ones are those that are odd in one way each."""
    rng = np.random.default_rng([seed, 1])
    if seed < len(ODD):
        return Crm(seed, **{"size": int(rng.integers(30, 200)), **ODD[seed]})
    return Crm(
        seed,
        size=int(np.exp(rng.uniform(np.log(5), np.log(400)))),
        end=str(rng.choice(["mixed", "open", "won", "lost"], p=[0.82, 0.06, 0.06, 0.06])),
        managers=int(rng.integers(0, 5)),
        amounts=bool(rng.random() < 0.7),
        currencies=int(rng.integers(1, 3)),
        actors=bool(rng.random() < 0.7),
        clock=str(rng.choice(["minutes", "days", "ties"])),
        segments=str(rng.choice(["none", "auto"], p=[0.93, 0.07])),
        days=int(rng.choice([1, 30, 120, 700])),
    )


ODD = [
    {"size": 120}, {"size": 1}, {"size": 2}, {"size": 5, "end": "won"}, {"end": "open"},
    {"end": "won"}, {"end": "lost"}, {"managers": 1}, {"managers": 0}, {"amounts": False},
    {"currencies": 2}, {"actors": False}, {"clock": "days"}, {"clock": "ties"},
    {"size": 400, "segments": "auto"}, {"size": 60, "segments": "auto"}, {"days": 1},
    {"size": 400, "managers": 2}, {"size": 300, "amounts": False, "currencies": 2},
]  # fmt: skip


def write_crm(crm: Crm, folder) -> dict[str, str]:
    """Write a CRM's files; how to audit them."""
    rng = np.random.default_rng([crm.seed, 2])
    rows, leads = [], []
    for n in range(crm.size):
        at = UNTIL - pd.Timedelta(minutes=int(rng.integers(60, crm.days * 1440 + 61)))
        way, status = walk(crm, rng)
        first = at
        for action in way:
            rows.append((n, at, action, "manager" if action in [*ASKS.values()] else "client"))
            at += pd.Timedelta(minutes=0 if crm.clock == "ties" else int(rng.exponential(4000)))
        closed = min(at, UNTIL) if status != "open" else pd.NaT
        leads.append((n, first, status, closed))
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action", "actor"])
    leads = pd.DataFrame(leads, columns=["lead_id", "created_at", "status", "closed_at"])
    if crm.managers:
        leads["manager"] = [f"M{k}" for k in rng.integers(0, crm.managers, crm.size)]
    if crm.amounts:
        leads["amount"] = rng.integers(1, 10, crm.size) * 100
        leads["currency"] = rng.choice(["EUR", "RUB"][: crm.currencies], crm.size)
    if crm.clock == "days":
        events["at"], leads["created_at"] = events["at"].dt.date, leads["created_at"].dt.date
        leads["closed_at"] = leads["closed_at"].dt.date
    events = events if crm.actors else events.drop(columns="actor")
    events.to_csv(folder / "events.csv", index=False)
    leads.to_csv(folder / "leads.csv", index=False)
    (folder / "steps.yml").write_text(STEPS, encoding="utf-8")
    return name_files(folder) | {"segments": crm.segments, "observed_until": "2025-08-10"}


def walk(crm: Crm, rng) -> tuple[list[str], str]:
    """One lead's actions, asks before what they ask for, and its end."""
    way, chance = [], {"won": 1.0, "open": 0.6}.get(crm.end, 0.8)
    for action in ACTIONS:
        if action in ASKS and rng.random() < 0.6:
            way.append(ASKS[action])
        if action != ACTIONS[0] and rng.random() >= chance:
            break
        if action == ACTIONS[-1] and crm.end in ("open", "lost"):
            break
        way.append(action)
    if way[-1] == ACTIONS[-1]:
        return way, "won"
    return way, "open" if crm.end == "open" or (
        crm.end == "mixed" and rng.random() < 0.4
    ) else "lost"


def name_files(folder) -> dict[str, str]:
    names = {"events": "events.csv", "leads": "leads.csv", "steps": "steps.yml"}
    return {name: str(folder / file) for name, file in names.items()}


def run_cells(settings: dict, lang: str) -> tuple[fl.Audit, str]:
    """Run the audit notebook's own cells here, figures and all; the HTML that they show."""
    space, shown = {}, []
    for cell in build_notebook(lang).cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), space)
        if "parameters" in cell.metadata["tags"]:
            space |= settings
        if last is not None:
            show = eval(compile(ast.Expression(last.value), "cell", "eval"), space)
            shown.append("" if show is None else show_html(show))
    return space["audit"], "\n".join(shown)


def show_html(show) -> str:
    if isinstance(show, Html):
        return show.html
    bundle, metadata = show._repr_mimebundle_()
    assert FAILED not in metadata
    return bundle["text/html"]


def read_shown(html: str) -> str:
    """All the text that a reader sees, that of pictures, too."""
    alts = re.findall(r'aria-label="([^"]*)"', html)
    return unescape(re.sub(r"<[^>]*>", " ", " ".join([html, *alts])))


def check_tables(audit: fl.Audit, crm) -> None:
    """Every table is there, and no hypothesis promises what cannot be kept."""
    tables, hypotheses = audit.tables, audit.tables["hypotheses"]
    for name in FULL:
        assert len(tables[name]), (name, crm)
    entered = tables["leads"]["entered_at"].dropna()
    days = max((entered.max() - entered.min()) / pd.Timedelta("1D"), 1)
    most = len(entered) / days * THREE_YEARS / 2
    needed = hypotheses["n_needed_per_arm"]
    assert not (needed > most + 1e-6).any(), (needed.max(), most, crm)
    assert (needed.isna() == hypotheses["days_needed"].isna()).all(), crm
    assert not (hypotheses["days_needed"] > THREE_YEARS).any(), crm
    gap = hypotheses["share_reference"] - hypotheses["share_now"]
    assert not (gap.abs().between(0, 1e-9, inclusive="neither")).any(), crm
    level = hypotheses[(gap == 0) & hypotheses["extra_won"].notna()]
    assert (level["extra_won"] == 0).all() and (level["low"] == 0).all(), crm
    assert level["n_needed_per_arm"].isna().all(), crm
    assert not (hypotheses["extra_won"] < 0).any(), crm
    assert not hypotheses["share_now"].gt(1).any(), crm


def check_told(text: str, crm) -> None:
    """Nothing that only a machine says."""
    odd = re.search(r".{0,60}(\b(nan|inf|None(?! of \d)|NaT)\b|[{}]|\d[eE]\+?\d{2}).{0,30}", text)
    assert odd is None, (odd.group(0), crm)


def tell_whole(seed, folder) -> None:
    """Make everything of a random CRM's report, and check it."""
    crm, lang = draw_crm(seed), ("en", "ru")[seed % 2]
    try:
        with mpl.rc_context({"backend": "agg"}):
            audit, shown = run_cells(write_crm(crm, folder), lang)
        other = "\n".join(tell_page_one(audit.tables, audit.words("ru" if lang == "en" else "en")))
    except Exception as error:
        error.add_note(f"{lang} {crm}")
        raise
    assert len(audit.tables["leads"]) == crm.size, crm
    assert shown.count("<figure") > 1, crm  # with few leads much is a sentence
    check_tables(audit, crm)
    check_told(read_shown(shown) + other, crm)


@pytest.mark.parametrize("seed", range(len(ODD) + 17))  # `prove.py contact` tries many more
def test_a_small_crm_is_told_whole(seed, tmp_path):
    tell_whole(seed, tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_crm_has_plans_that_can_be_kept(seed, tmp_path):
    write_planted(plant_log("kettles", 400, seed=seed), tmp_path)
    segments = "auto" if seed == 0 else "none"
    audit = fl.build_audit(**name_files(tmp_path), segments=segments)
    check_tables(audit, seed)
    for lang in ("en", "ru"):
        words = audit.words(lang)
        cards = audit.hypotheses.draw(lang)
        told = tell_page_one(audit.tables, words)
        if not (audit.tables["hypotheses"]["low"] > 0).any():
            assert not any(words.text("page.rule_gain", gain="")[-20:] in s for s in told), seed
            assert cards is None, seed
        shown = re.sub("<[^>]*>", " ", cards.html) if cards else ""
        check_told(" ".join(told) + shown, seed)


REPORTS = [
    Crm(100, 120, currencies=2), Crm(101, 1), Crm(102, 9, end="open"),
    Crm(103, 30, amounts=False, managers=0, clock="days", actors=False),
]  # fmt: skip


@pytest.mark.parametrize("crm", REPORTS, ids=lambda crm: str(crm.seed))
def test_a_small_crm_has_its_report(crm, tmp_path):
    lang, out = ("en", "ru")[crm.seed % 2], tmp_path / "out"
    write_report(Settings(**write_crm(crm, tmp_path), lang=lang, formats=(), out=out))
    html = (out / "report.html").read_text("utf-8")
    assert 'lang="' + lang in html and html.rstrip().endswith("</html>"), crm
    rows = pd.read_csv(out / "tables" / "leads.csv")
    assert len(rows) == crm.size, crm
    assert len(pd.read_csv(out / "tables" / "hypotheses.csv")), crm
