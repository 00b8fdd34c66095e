"""Small CRMs at random, as files: outcomes, ties, zones, currencies, missing columns."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from test_small_crms import tell_whole

import funnel_lib as fl
from funnel_lib.core.errors import InputError

ACTIONS = ("form_sent", "incoming_call", "outgoing_call", "КП отправлено", "клиент ответил",
           "встреча", "payment_error", "invoice_paid", "stage: Новая", "stage: Успешно",
           "zig")  # fmt: skip
WORDS = ("won", "lost", "open", "Слив", "Выиграно", "В процессе", "Закрыта", "", "проиграно")
AMOUNTS = ("1 000 ₽", "$5k", "1.5M", "10 тыс. руб.", "7", "", "12%", "-3", "1,5 млн")
MANAGERS = ("Ann", "Борис", "Анна Ким", "", "Ann")
FORMS = ("%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S+03:00", "%d %b %Y",
         "%b %d, %Y %I:%M %p", "%Y-%m-%d")  # fmt: skip


def draw_tables(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw events and leads of a small CRM, some columns missing."""
    rng = np.random.default_rng([seed, 21])
    n, form = int(rng.integers(2, 60)), FORMS[rng.integers(len(FORMS))]
    lead = np.repeat(np.arange(n), rng.integers(1, 7, n))
    hours = rng.integers(0, 24 * 200 * (1 if rng.random() < 0.9 else 0) + 1, len(lead))
    at = pd.Timestamp("2024-03-01") + pd.to_timedelta(hours, unit="h")
    events = pd.DataFrame({
        "lead_id": lead, "at": at.strftime(form), "action": rng.choice(ACTIONS, len(lead)),
        "Кто": rng.choice(["клиент", "Ann", "менеджер", "робот", ""], len(lead)),
        "price": rng.choice(AMOUNTS, len(lead)), "status": rng.choice(WORDS, len(lead)),
    })  # fmt: skip
    made = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 150, n), unit="D")
    leads = pd.DataFrame({
        "lead_id": np.arange(n), "Создан": made.strftime(form),
        "status": rng.choice(WORDS[: rng.integers(1, len(WORDS) + 1)], n),
        "Закрыт": (made + pd.Timedelta("20D")).strftime(form),
        "amount": rng.choice(AMOUNTS, n), "Ответственный": rng.choice(MANAGERS, n),
        "pipeline": rng.choice(["A", "B", ""], n), "stage": rng.choice(["Новая", "Won", ""], n),
    })  # fmt: skip
    events = events.drop(columns=[c for c in events.columns[3:] if rng.random() < 0.4])
    if rng.random() < 0.05:
        events = events.drop(columns="action")
    return events, leads.drop(columns=[c for c in leads.columns[1:] if rng.random() < 0.3])


def try_out(seed: int, folder, steps: str = "") -> str:
    """Audit a small CRM: "report", or the message it was refused with; any other error is raised.

    Steps are proposed where none are given; one in seven is a list of deals alone.
    """
    events, leads = draw_tables(seed)
    names = [folder / f"{name}.csv" for name in ("events", "leads")]
    for name, table in zip(names, (events, leads), strict=True):
        table.to_csv(name, index=False)
    given = {"leads": str(names[1])} if seed % 3 else {}
    alone = seed % 7 == 6  # a list of deals alone
    try:
        audit = fl.build_audit(str(names[alone]), **({} if alone else given), steps=steps,
                               segments="none", lang=("en", "ru")[seed % 2])  # fmt: skip
    except InputError as error:
        return str(error)
    audit.raise_if_failed()
    assert all(fl.show_page_one(audit).tell())
    return "report"


def prove_first_contact(pool, n: int = 300) -> tuple[str, bool]:
    """Every small CRM gives a whole report or a message, and never any other error; every tidy one
    is told whole."""
    told = [*pool.map(_try_alone, range(n)), *pool.map(_try_tidy, range(n))]
    broken = [f"seed {seed}: {end}" for seed, end in enumerate(told) if end.startswith("broken")]
    counts = {
        "reports": told.count("report"),
        "messages": len(told) - told.count("report") - len(broken),
        "other errors": len(broken),
    }
    rows = "\n".join(f"| {name} | {count} |" for name, count in counts.items())
    head = f"Small CRMs at random, {n} odd and {n} tidy ones."
    text = f"{head}\n\n| ended as | CRMs |\n|---|---|\n{rows}"
    return "\n".join([text, *broken[:20]]), not broken


def _try_alone(seed: int, tell=try_out) -> str:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return tell(seed, Path(folder))
        except Exception as error:
            return f"broken {type(error).__name__}: {error}"[:200]


def _try_tidy(seed: int) -> str:
    return _try_alone(seed, tell_whole) or "report"
