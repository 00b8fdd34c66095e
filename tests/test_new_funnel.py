"""The new funnel: every step of every path, typical steps told, old stages where they belong."""

import pandas as pd

from funnel_lib.audit import build_audit
from funnel_lib.core.steps import Steps
from funnel_lib.core.words import Words
from funnel_lib.sections.new_funnel.count import build_blueprint

STEPS = Steps(
    steps=[{"id": "request_left"}, {"id": "demo", "name": "Looked at the proposal"},
           {"id": "proposal_opened", "asked_by": ["send", "resend"]}, {"id": "tasting"},
           {"id": "bought", "name": {"en": "Paid", "ru": "Оплатил"}}],
    won="bought",
)  # fmt: skip


def tables_of(*paths):
    rows = [(f"s{k + 1}" if len(paths) > 1 else "all", j + 1, step, "before_sale", 1 / (j + 1))
            for k, path in enumerate(paths) for j, step in enumerate(path)]  # fmt: skip
    columns = ["segment", "position", "step", "part", "share_of_entered"]
    stages = pd.DataFrame({
        "stage": ["Sent", "КП отправлено", "Won", "Misc"],
        "step": ["proposal_opened", "proposal_opened", "paid", None],
    })  # fmt: skip
    return {"funnel": pd.DataFrame(rows, columns=columns), "stages": stages}


def test_by_hand():
    table = build_blueprint(tables_of(STEPS.ids), STEPS, Words("ru")).set_index("step")
    assert table.loc["proposal_opened", "help"].startswith("отправить КП ссылкой")
    own = Words("ru", step_asks={"proposal_opened": "отправить КП"})
    told = build_blueprint(tables_of(STEPS.ids), STEPS, own).set_index("step")["help"]
    assert told["proposal_opened"] == "отправить КП"
    assert table.loc["proposal_opened", "old_stages"] == "Sent; КП отправлено"
    assert "открыл КП" in table.loc["proposal_opened", "criterion"]
    assert table.loc["demo", "criterion"] == ""  # speaks of a step that stands beside it
    assert table.loc["tasting", ["criterion", "recorded", "help"]].tolist() == ["", "", ""]
    assert table.loc["bought", "old_stages"] == "Won" and table.loc["bought", "criterion"]
    assert table["evidence"].tolist() == list(STEPS.ids)


def test_each_segment_has_its_own_steps_in_its_order():
    paths = ("request_left", "bought"), ("request_left", "tasting", "demo", "bought")
    tables = tables_of(*paths)
    every = pd.concat([tables["funnel"], tables_of(STEPS.ids)["funnel"]])
    table = build_blueprint(tables | {"funnel": every}, STEPS, Words("en"))
    assert [tuple(rows["step"]) for _, rows in table.groupby("segment")] == list(paths)


def test_the_sheet_of_an_audit_names_the_stages_it_has(planted_folder):
    audit = build_audit(planted_folder / "events.csv", leads=planted_folder / "leads.csv",
                        steps=planted_folder / "steps.yml", segments="none")  # fmt: skip
    table = build_blueprint(audit.tables, audit.steps, audit.words("ru")).set_index("step")
    old = {stage: step for step, stages in table["old_stages"].items() if stages
           for stage in stages.split("; ")}  # fmt: skip
    assert old == dict(audit.steps.stages)
    stages = audit.tables["stages"]
    assert (stages["kind"] == "manager").all()
    counts = audit.tables["leads"]["stage"].value_counts()
    assert stages.set_index("stage")["n_deals"].to_dict() == counts.to_dict()
