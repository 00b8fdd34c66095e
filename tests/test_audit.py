"""One audit from any way of writing the same export: the same tables, to the last digit."""

import gzip
import json
import re

import numpy as np
import pandas as pd
import pytest
from test_tell import check_page_one

from funnel_lib.audit import build_audit
from funnel_lib.core.errors import InputError
from funnel_lib.core.words import Words
from funnel_lib.datasets.planted import plant_log, write_planted
from funnel_lib.reading.export import read_export
from funnel_lib.reporting.outputs import save_audit
from funnel_lib.reporting.page_one import tell_page_one
from funnel_lib.sections.after_sale.tell import tell_repeats
from funnel_lib.sections.answers.tell import tell_responses
from funnel_lib.sections.effort.tell import tell_effort
from funnel_lib.sections.hypotheses.tell import tell_start
from funnel_lib.sections.paths.segments import write_segments
from funnel_lib.sections.times.tell import tell_cohorts, tell_standing, tell_times

RUSSIAN = {
    "request_left": "Заявка",
    "call_answered": "Дозвонились; да",
    "invoice_paid": "Оплата, «всё»",
}
HEADER = {"lead_id": "ID сделки", "at": "Дата и время", "action": "Действие", "actor": "Кто"}
LEAD_HEADER = {"lead_id": "ID сделки", "created_at": "Дата создания", "closed_at": "Дата закрытия",
               "status": "Статус", "amount": "Сумма", "manager": "Ответственный"}  # fmt: skip
SPOILT = 7  # so many rows of each kind that can be counted and shown


@pytest.fixture(scope="module")
def planted():
    """A planted log with Russian names, and with something for most checks to find."""
    planted = plant_log("kettles", 300, seed=3)
    events = planted.events.assign(action=planted.events["action"].replace(RUSSIAN))
    spoilt = events[events["action"].isin(RUSSIAN.values())].iloc[: SPOILT * 3]
    spoilt = spoilt.assign(
        lead_id=spoilt["lead_id"].where(np.arange(SPOILT * 3) >= SPOILT),
        at=spoilt["at"].where(np.arange(SPOILT * 3) < SPOILT * 2),
    )
    events = pd.concat([events, spoilt, events.iloc[:SPOILT]], ignore_index=True)
    steps = planted.steps_yaml
    for word, russian in RUSSIAN.items():
        steps = steps.replace(f"evidence: [{word}", f'evidence: ["{russian}"')
    leads = planted.leads.assign(amount=planted.leads["amount"] / 8 + 0.1)
    return events.rename(columns=HEADER), leads.rename(columns=LEAD_HEADER), steps


def texts_of(frame, style="%Y-%m-%dT%H:%M"):
    """Every cell as text, times in a given style."""
    times = {c: frame[c].dt.strftime(style) for c in frame.select_dtypes("datetime")}
    amounts = {"Сумма": frame["Сумма"].map(repr)} if "Сумма" in frame else {}
    return frame.assign(**times, **amounts)


def save_csv(frame, path, encoding="utf-8", sep=",", style="%Y-%m-%dT%H:%M"):
    text = texts_of(frame, style).to_csv(index=False, sep=sep)
    data = text.encode(encoding, errors="replace")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def save_cp1251(frame, path):
    """As a Russian Excel writes it: dotted days, 1 234,500 р., semicolons."""
    times = {c: frame[c].dt.strftime("%d.%m.%Y %H:%M") for c in frame.select_dtypes("datetime")}
    if "Сумма" in frame:
        texts = frame["Сумма"].map("{:,.3f} р.".format)
        times["Сумма"] = texts.str.replace(",", "\u00a0").str.replace(r"\.(\d)", r",\1", regex=True)
    path.write_bytes(frame.assign(**times).to_csv(index=False, sep=";").encode("cp1251"))


def save_excel(frame, path):
    frame.to_excel(path, index=False, engine="xlsxwriter")


def save_json(frame, path):
    data = texts_of(frame).assign(**frame[["Сумма"]] if "Сумма" in frame else {})
    text = data.to_json(orient="records", lines=True, force_ascii=False, double_precision=15)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


WAYS = {
    "utf-8-sig": ("csv", lambda f, p: save_csv(f, p, "utf-8-sig")),
    "utf-16": ("csv", lambda f, p: save_csv(f, p, "utf-16")),
    "cp1251": ("csv", save_cp1251),
    "tsv": ("tsv", lambda f, p: save_csv(f, p, sep="\t", style="%d.%m.%Y %H:%M:%S")),
    "csv.gz": ("csv.gz", save_csv),
    "xlsx texts": ("xlsx", lambda f, p: save_excel(texts_of(f), p)),
    "xlsx typed": ("xlsx", save_excel),
    "parquet texts": ("parquet", lambda f, p: texts_of(f).to_parquet(p, index=False)),
    "parquet typed": ("parquet", lambda f, p: f.to_parquet(p, index=False)),
    "parquet categories": (
        "parquet",
        lambda f, p: f.astype(dict.fromkeys(f.select_dtypes("str"), "category")).to_parquet(p),
    ),
    "json lines": ("jsonl", save_json),
    "jsonl.gz": ("jsonl.gz", save_json),
}


@pytest.fixture(scope="module")
def folder(planted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    events, leads, steps = planted
    save_csv(events, folder / "events.csv")
    save_csv(leads, folder / "leads.csv")
    (folder / "steps.yml").write_text(steps, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def plain(folder):
    return audit_of(folder, folder / "events.csv", folder / "leads.csv")


def audit_of(folder, events, leads, **options):
    options = {"segments": "none"} | options  # how a file is read is no matter of segments
    return build_audit(events, leads=leads, steps=folder / "steps.yml", **options)


def assert_read_alike(log, plain):
    """All that is counted comes from the log: what is equal there is equal in every table."""
    pd.testing.assert_frame_equal(log.events, plain.events, check_exact=True)
    pd.testing.assert_frame_equal(log.leads, plain.leads, check_exact=True)
    pd.testing.assert_frame_equal(log.removed, plain.removed)
    assert (log.observed_until, log.rows_read) == (plain.observed_until, plain.rows_read)


def assert_same(audit, plain):
    assert audit.tables.keys() == plain.tables.keys()
    for name, table in plain.tables.items():
        pd.testing.assert_frame_equal(audit.tables[name], table, check_exact=True, obj=name)
    assert audit.log.observed_until == plain.log.observed_until
    assert audit.log.rows_read == plain.log.rows_read


def test_the_log_has_something_for_every_table_to_tell(plain):
    empty = {name for name, table in plain.tables.items() if table.empty}
    assert {n for n in empty if not n.startswith("segment_")} == {
        "losses_alike", "stage_renames"  # all record alike
    }  # fmt: skip
    counted = plain.tables["quality"].set_index("check")["n_rows"]
    assert counted[["no_lead", "no_time"]].tolist() == [SPOILT, SPOILT]
    assert counted["duplicate"] >= SPOILT
    funnel = plain.tables["funnel"].set_index("step")
    steps = ["request_left", "call_answered", "invoice_paid"]
    assert (funnel.loc[steps, "n_reached"] > funnel.loc[steps, "n_unseen"]).all()


@pytest.mark.parametrize("way", WAYS)
def test_the_way_of_writing_the_files_changes_nothing(way, planted, folder, plain, tmp_path):
    suffix, save = WAYS[way]
    for name, frame in zip(("events", "leads"), planted[:2], strict=True):
        save(frame, tmp_path / f"{name}.{suffix}")
    files = [tmp_path / f"{name}.{suffix}" for name in ("events", "leads")]
    assert_read_alike(read_export(files[0], files[1]), plain.log)


def test_the_order_of_rows_and_columns_changes_nothing(planted, folder, plain, tmp_path):
    for name, frame in zip(("events", "leads"), planted[:2], strict=True):
        shuffled = frame.sample(frac=1, random_state=11)
        save_csv(shuffled[sorted(frame.columns)], tmp_path / f"{name}.csv")
    audit = audit_of(folder, tmp_path / "events.csv", tmp_path / "leads.csv")
    leads = audit.tables["leads"][plain.tables["leads"].columns]
    for name, table in plain.tables.items():
        found = leads if name == "leads" else audit.tables[name]
        pd.testing.assert_frame_equal(found, table, check_exact=True, obj=name)


def test_splitting_the_files_changes_nothing(planted, folder, plain, tmp_path):
    events, leads, _ = planted
    (tmp_path / "part one").mkdir()
    odd = np.arange(len(events)) % 2 == 1
    save_csv(events[odd], tmp_path / "part one" / "a.csv")
    save_cp1251(events[~odd], tmp_path / "part one" / "b.csv")
    parts = [tmp_path / "part one" / "b.csv", tmp_path / "part one" / "a.csv"]
    leads_file = folder / "leads.csv"
    assert_read_alike(read_export(parts, leads_file), plain.log)
    assert_read_alike(read_export(tmp_path / "part one", leads_file), plain.log)
    save_csv(leads[:100], tmp_path / "part one" / "c.csv")
    save_excel(leads[100:], tmp_path / "part one" / "d.xlsx")
    assert_same(audit_of(folder, tmp_path / "part one", None), plain)


def test_a_planted_folder_can_be_read_as_it_is(planted_folder):
    files = planted_folder / "events.csv", planted_folder / "leads.csv"
    steps = planted_folder / "steps.yml"
    plain = build_audit(files[0], leads=files[1], steps=steps, segments="none")
    whole = build_audit(planted_folder, steps=steps, segments="none")
    pd.testing.assert_frame_equal(whole.tables["funnel"], plain.tables["funnel"])


def test_a_leads_table_may_have_columns_named_like_ours(planted, folder, plain, tmp_path):
    own = {"segment": "B2B", "probability": "x", "last_step": "y", "asked": "no!", "has_row": "z"}
    save_csv(planted[1].assign(**own), tmp_path / "leads.csv")
    audit = audit_of(folder, folder / "events.csv", tmp_path / "leads.csv")
    for name in plain.tables:
        columns = plain.tables[name].columns
        pd.testing.assert_frame_equal(audit.tables[name][columns], plain.tables[name], obj=name)


def test_only_the_chosen_leads_are_counted_and_the_others_told(folder, plain):
    leads = plain.tables["leads"]
    manager = leads["manager"].mode()[0]
    audit = audit_of(folder, folder / "events.csv", folder / "leads.csv",
                     only=[f"manager={manager}"])  # fmt: skip
    assert audit.tables["leads"]["manager"].unique().tolist() == [manager]
    outside = audit.tables["quality"].set_index("check")["n_rows"]["outside_selection"]
    assert outside == (leads["manager"] != manager).sum()


def test_entering_days_are_read_in_the_time_zone(folder):
    zoned = audit_of(folder, folder / "events.csv", folder / "leads.csv", time_zone="Asia/Tokyo",
                     entered_from="2025-03-01", entered_to="2025-03-31")  # fmt: skip
    days = zoned.journeys.leads["entered_at"].dt.tz_convert("Asia/Tokyo")
    assert days.min() >= pd.Timestamp("2025-03-01", tz="Asia/Tokyo")
    assert days.max() < pd.Timestamp("2025-04-01", tz="Asia/Tokyo")


def test_months_begin_at_midnight_of_the_time_zone(tmp_path):
    # Half past midnight of 1 February in Moscow is 31 January in UTC; of three leads one bought.
    lines = ["lead_id,at,action", "1,2025-02-01 00:30,form_sent", "1,2025-03-01 00:30,invoice_paid",
             "2,2025-02-01 00:30,form_sent", "3,2025-03-01 00:30,form_sent"]  # fmt: skip
    (tmp_path / "events.csv").write_text("\n".join(lines), encoding="utf-8")
    steps = "steps: [{id: form_sent}, {id: invoice_paid}]\nwon: invoice_paid\n"
    (tmp_path / "steps.yml").write_text(steps, encoding="utf-8")
    given = {"events": tmp_path / "events.csv", "steps": tmp_path / "steps.yml"}
    audit = build_audit(**given, time_zone="Europe/Moscow")
    cohorts = audit.tables["cohorts"]
    assert cohorts[["month", "n_entered"]].values.tolist() == [["2025-02", 2], ["2025-03", 1]]
    chosen = build_audit(**given, time_zone="Europe/Moscow", entered_from="2025-03-01")
    assert chosen.tables["cohorts"]["month"].tolist() == ["2025-03"]
    with pytest.raises(InputError, match=r"2025-01-31 lies before the data begins [(]2025-02-01"):
        build_audit(**given, time_zone="Europe/Moscow", observed_until="2025-01-31")


def test_the_shared_months_are_those_of_the_time_zone(root):
    folder = root.parent / "shared" / "cases" / "cohort_month_utc"
    if not folder.is_dir():
        pytest.skip("../shared is not there")
    audit = build_audit(folder / "events.csv", steps=folder / "steps.yml",
                        time_zone="Europe/Moscow")  # fmt: skip
    assert audit.tables["cohorts"]["month"].tolist() == ["2025-02", "2025-03"]
    told = " ".join([*audit.outcomes.tell(), *audit.cohorts.tell()])
    assert "1 Feb 2025" in told and "January" not in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"only": ["managr=Anna"]}, "no column 'managr'; did you mean manager?"),
        ({"only": ["manager=Nobody"]}, "only manager=Nobody: no lead has this value; found '"),
        ({"only": ["manager"]}, "only 'manager': write it as COLUMN=VALUE"),
        ({"entered_from": "2030-01-01"}, "no lead is left"),
        ({"entered_to": "soon"}, "entered_to 'soon' is no date"),
        ({"observed_until": "2020-01-01"}, "lies before the data begins"),
        ({"observed_until": "03/04/2025"}, "may be day/month or month/day"),
        ({"time_zone": "Mars"}, "no time zone 'Mars'"),
        ({"rule": "pased"}, "pased"),
        ({"segments": "7x"}, "7x"),
        ({"within": "90"}, "90D"),
        ({"within": "-5D"}, "-5D"),
        ({"within": "soon"}, "soon"),
    ],
)
def test_settings_that_are_wrong_are_told(folder, options, told):
    with pytest.raises(InputError) as caught:
        audit_of(folder, folder / "events.csv", folder / "leads.csv", **options)
    assert told in str(caught.value)


@pytest.fixture(scope="module")
def parted(tmp_path_factory):
    """An audit of two planted segments, and the folder of its files."""
    folder = tmp_path_factory.mktemp("parted")
    write_planted(plant_log("kettles", 1200, seed=8), folder)
    audit = audit_of(folder, folder / "events.csv", folder / "leads.csv", segments="auto")
    return folder, audit


def test_every_table_counts_by_segment_and_segments_add_up(parted):
    tables = parted[1].tables
    ids = tables["segments"]["segment"].tolist()
    assert ids == ["s1", "s2"]
    n_entered = tables["funnel"].groupby("segment")["n_entered"].first()
    assert n_entered[ids].sum() == pytest.approx(n_entered["all"])
    sold = tables["funnel"].query("step == 'invoice_paid'").set_index("segment")["n_reached"]
    assert sold[ids].sum() == pytest.approx(sold["all"], rel=1e-9)  # every path has the sale
    # Whole leads: behind the fork each place of the tree is of one segment.
    losses = tables["losses"].set_index("node")
    columns = ["missed_step", "n_lost", "n_asked", "n_not_asked", "n_unknown", "amount_lost"]
    every, own = losses[losses["segment"] == "all"], losses[losses["segment"] != "all"]
    assert own.index.is_unique and set(own["segment"]) == {*ids}
    pd.testing.assert_frame_equal(every.loc[own.index, columns], own[columns])
    tree = tables["tree"].set_index("node")
    assert tree.loc[own.index, "segments"].tolist() == own["segment"].tolist()
    lost = tree["n_lost_not_asked"] + tree["n_lost_asked"] + tree["n_lost_unknown"]
    assert every["n_lost"].tolist() == lost.tolist()
    # A step is asked of the buyers whose path has it.
    paths = tables["segments"].set_index("segment")["path"].str.split(" > ")
    shown = tables["necessity"].set_index(["segment", "step"])[["n_won", "n_won_with_evidence"]]
    for step in shown.loc["all"].index:
        have = [s for s in ids if step in paths[s]] or ids
        assert (
            shown.loc[("all", step)].tolist() == shown.loc[[(s, step) for s in have]].sum().tolist()
        )
    member = tables["memberships"].groupby("lead_id")["probability"]
    assert member.sum().round(9).eq(1).all() and len(member) == n_entered["all"]
    leads = tables["leads"].set_index("lead_id")
    assert (leads["probability"] == member.max()[leads.index]).all()
    assert ((leads["segment"] == "undetermined") == (leads["probability"] < 0.8)).all()
    assert 0 < (leads["segment"] == "undetermined").sum() < len(leads)
    own = tables["funnel"][tables["funnel"]["segment"] == "s2"]
    path = own.loc[own["part"] == "before_sale", "step"]
    assert " > ".join(path) == tables["segments"]["path"][1]


def test_segments_kept_by_one_audit_are_those_of_the_next(parted, tmp_path):
    folder, first = parted
    save_audit(first, tmp_path, [])
    write_planted(plant_log("kettles", 300, seed=9), tmp_path / "later")
    later = audit_of(folder, tmp_path / "later" / "events.csv", tmp_path / "later" / "leads.csv",
                     segments=tmp_path / "segments.json")  # fmt: skip
    columns = ["segment", "name", "path"]
    pd.testing.assert_frame_equal(
        later.tables["segments"][columns], first.tables["segments"][columns]
    )
    assert later.tables["segments"]["trust"].tolist() == ["saved", "saved"]
    again = audit_of(folder, folder / "events.csv", folder / "leads.csv",
                     segments=tmp_path / "segments.json")  # fmt: skip
    pd.testing.assert_frame_equal(again.tables["memberships"], first.tables["memberships"])
    save_audit(later, tmp_path / "out", [])
    inputs = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))["inputs"]
    assert "segments.json" in [i["path"] for i in inputs]


def test_saved_segments_of_other_steps_are_refused_by_name(parted, folder, tmp_path):
    write_segments(parted[1].segmentation, tmp_path / "segments.json")
    steps = (parted[0] / "steps.yml").read_text(encoding="utf-8")
    (tmp_path / "steps.yml").write_text(
        re.sub(r"(id|Qualification): task_stated", r"\1: brief_filled", steps), encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"missing now: task_stated; new: brief_filled"):
        audit_of(tmp_path, parted[0] / "events.csv", None, segments=tmp_path / "segments.json")


def test_too_few_leads_are_left_together(parted):
    folder = parted[0]
    few = audit_of(folder, folder / "events.csv", folder / "leads.csv", segments="auto",
                   entered_to="2025-01-05")  # fmt: skip
    assert 0 < len(few.tables["leads"]) < 50
    assert few.segmentation.why_not == "few_leads"
    assert few.tables["segments"]["segment"].tolist() == ["all"]
    with pytest.raises(InputError, match="segments 900: 900 segments of"):
        audit_of(folder, folder / "events.csv", None, segments="900")


def spoil(events, leads, how):
    """An export that lacks what time, money and hypotheses need."""
    number = np.arange(len(leads))
    if how == "no amounts":
        return events, leads.drop(columns=["amount", "currency"])
    if how == "several currencies":
        return events, leads.assign(currency=np.array(["RUB", "EUR", ""])[number % 3])
    if how == "odd amounts":
        amount = np.select([number % 10 == 0, number == 5], [-5.0, 1e12], leads["amount"])
        return events, leads.assign(amount=amount)
    if how == "one manager":
        return events, leads.assign(manager="Anna", team="north")
    if how == "all open":
        ends = events["action"].isin(["invoice_paid", "deal_lost"])
        return events[~ends], leads.assign(status="open", closed_at=None)
    if how == "none won":
        lost = leads[leads["status"] != "won"]
        return events[events["lead_id"].isin(lost["lead_id"])], lost
    if how == "nobody entered":
        return events.assign(action="something else"), leads
    return events[events["lead_id"] == leads["lead_id"][0]], leads[:1]  # one lead


POOR = ("no amounts", "several currencies", "odd amounts", "one manager", "all open", "none won",
        "one lead", "nobody entered")  # fmt: skip


@pytest.mark.parametrize("how", POOR)
def test_poor_exports_are_told_as_they_are(how, tmp_path, planted_folder):
    events, leads = (pd.read_csv(planted_folder / f"{n}.csv") for n in ("events", "leads"))
    events, leads = spoil(events, leads, how)
    events.to_csv(tmp_path / "events.csv", index=False)
    leads.to_csv(tmp_path / "leads.csv", index=False)
    audit = build_audit(
        str(tmp_path / "events.csv"), leads=str(tmp_path / "leads.csv"), segments="none",
        steps=str(planted_folder / "steps.yml"), observed_until="2025-12-31",
    )  # fmt: skip
    tables = audit.tables
    value, hypotheses = tables["value"], tables["hypotheses"]
    if how in ("all open", "none won", "one lead", "nobody entered"):
        assert hypotheses[["extra_won", "extra_amount", "low", "high"]].isna().all(axis=None)
        ranges = tables["value_ranges"]
        assert ranges[["low", "high"]].isna().all(axis=None)
    elif how == "no amounts":
        assert value["amount_won"].isna().all() and hypotheses["extra_amount"].isna().all()
        assert hypotheses["extra_won"].max() > 0
    elif how == "several currencies":
        assert value["currency"].tolist() == ["", "EUR", "RUB"]
        assert value["n_leads"].sum() == len(leads)
    elif how == "odd amounts":
        kept = leads["status"].eq("won") & leads["amount"].between(0, 1e11)
        assert value["amount_won"].sum() == leads.loc[kept, "amount"].sum()
        checks = tables["quality"].set_index("check")["n_rows"]
        assert checks["negative_amounts"] == 40 and checks["absurd_amounts"] == 1
    else:
        helped = hypotheses[hypotheses["lever"] == "help"]  # nobody to compare with, but times
        assert helped["reference"].str.fullmatch("no_group|few_leads|quarter=.*").all()
    for lang in ("en", "ru"):
        words = audit.words(lang)
        told = [
            *tell_page_one(tables, words), tell_start(hypotheses, tables["segments"], words),
            tell_effort(value, tables["value_ranges"], tables["segments"], words),
            tell_times(tables["time_to"], words), tell_cohorts(tables["cohorts"], words),
            tell_standing(tables["standing"], words), tell_repeats(tables["repeats"], words),
            tell_responses(tables["responses"], words),
        ]  # fmt: skip
        assert all(told) and "nan" not in " ".join(told)
    if how != "nobody entered":  # that is the whole page
        check_page_one(audit)
    small = Words("en").text("sentence.small", n=30)
    if how == "one lead":
        assert any(small in sentence for sentence in tell_page_one(tables, audit.words("en")))
