"""XES logs: the same events as from a plain table; what is unsafe, broken or foreign is refused."""

import gzip
import time
from xml.sax.saxutils import quoteattr

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import LEAD_COLUMNS
from funnel_lib.counting.checks import check_log
from funnel_lib.datasets.planted import plant_log, write_planted
from funnel_lib.reading.columns import Mapping
from funnel_lib.reading.export import read_export
from funnel_lib.reading.files.packing import MOST_ROWS
from funnel_lib.reading.files.tables import find_tables, read_table
from funnel_lib.reading.files.xes import is_xml, read_xes

REFUSED_WITHIN = 2.0  # seconds; a billion laughs would take hours, reading a few bytes takes none
PARTS = ("events", "leads", "removed", "noticed")
LOANS = """<?xml version="1.0" encoding="UTF-8" ?>
<!-- typed by hand -->
<log xes.version="1.0" xes.features="nested-attributes" {log}>
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="trace"><string key="concept:name" value="__INVALID__"/></global>
  <global scope="event"><date key="time:timestamp" value="1970-01-01T00:00:00Z"/></global>
  <classifier name="Activity" keys="concept:name lifecycle:transition"/>
  <string key="concept:name" value="the log's own name"/>
  <trace>
    <string key="concept:name" value="7"/>
    <int key="AMOUNT_REQ" value="20000"><string key="nested" value="no cell"/></int>
    <list key="tags"><string key="concept:name" value="no cell either"/></list>
    <event>
      <string key="concept:name" value="Заявка &amp; &quot;анкета&quot;"/>
      <string key="lifecycle:transition" value="COMPLETE"/>
      <date key="time:timestamp" value="2025-02-01T10:00:00.000+03:00"/>
      <string key="Action" value="Created"/>
    </event>
    <event>
      <container key="box"><date key="time:timestamp" value="1999-01-01T00:00:00Z"/></container>
      <string key="concept:name" value="Call"/>
      <string key="lifecycle:transition" value="START"/>
      <date key="time:timestamp" value="2025-02-01T12:00:00+03:00"/>
      <id key="EventID" value="e-2"/>
    </event>
    <boolean key="new" value="true"/>
  </trace>
  <trace>
    <string key="concept:name" value="8"/>
    <float key="AMOUNT_REQ" value="500.5"/>
    <event>
      <string key="concept:name" value="Call"/>
      <string key="lifecycle:transition" value="COMPLETE"/>
      <date key="time:timestamp" value="2025-02-02T00:30:00Z"/>
      <string key="org:resource" value="112"/>
    </event>
  </trace>
</log>
"""
LOANS_CSV = """case,amount asked,new,what,state,when,Action,EventID,org:resource
7,20000,true,"Заявка & ""анкета""\",COMPLETE,2025-02-01T10:00:00.000+03:00,Created,,
7,20000,true,Call,START,2025-02-01T12:00:00+03:00,,e-2,
8,500.5,,Call,COMPLETE,2025-02-02T00:30:00Z,,,112
"""
OF_CSV = {
    "columns": {"lead_id": "case", "at": "when", "action": "what", "amount": "amount asked"},
    "lead_columns": {"amount": "last"},
}
RENAMED = {"case:new": "new", "lifecycle:transition": "state"}
AMOUNT = {"amount": "case:AMOUNT_REQ"}
BOMB = '<!DOCTYPE lolz [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
HEAD = '<?xml version="1.0"?>\n'
EVENT = '<event><string key="concept:name" value="{}"/></event>'


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def write_loans(folder, name="loans.xes", log=""):
    return write(folder / name, LOANS.replace("{log}", log))


def rows_of(text):
    return read_xes(text.encode()).to_pylist()


def problem_of(path, **options):
    with pytest.raises(InputError) as caught:
        read_export(path, **options)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}: ")
    return problem


def assert_same(one, other, ignore=()):
    for part in PARTS:
        ours, theirs = getattr(one, part), getattr(other, part)
        assert set(ours.columns) == set(theirs.columns)
        pd.testing.assert_frame_equal(ours[list(theirs.columns)], theirs)
    for part in {"observed_until", "rows_read", "assumed"} - set(ignore):
        assert getattr(one, part) == getattr(other, part)


def to_xes(events, leads=None, prefix=""):
    """Write an event table as XES, with the columns of `leads` as attributes of the traces."""
    names = {"lead_id": "concept:name", "action": "concept:name", "at": "time:timestamp"}

    def attributes(row):
        return "".join(
            f"<{prefix}{'date' if key == 'at' else 'string'} key={quoteattr(names.get(key, key))}"
            f" value={quoteattr(str(value))}/>"
            for key, value in row.items()
            if pd.notna(value)
        )

    own = {} if leads is None else leads.set_index("lead_id").to_dict("index")
    traces = [
        f"<{prefix}trace>{attributes({'lead_id': lead, **own.get(lead, {})})}"
        + "".join(
            f"<{prefix}event>{attributes(row)}</{prefix}event>\n"
            for row in rows.drop(columns="lead_id").to_dict("records")
        )
        + f"</{prefix}trace>"
        for lead, rows in events.groupby("lead_id", sort=False)
    ]
    return f"{HEAD}<{prefix}log>{''.join(traces)}</{prefix}log>"


# --- the same log


@pytest.fixture
def plain(tmp_path):
    """The same loans as a plain table, its columns named by a mapping."""
    return write(tmp_path / "loans.csv", LOANS_CSV)


def renamed(log):
    return log.__class__(**{**vars(log), "events": log.events.rename(columns=RENAMED)})


@pytest.mark.parametrize("log", ["", 'xmlns="http://www.xes-standard.org/"'])
def test_a_log_typed_by_hand_is_that_of_the_same_table(tmp_path, plain, log):
    found = read_export(write_loans(tmp_path, log=log), mapping=Mapping(columns=AMOUNT))
    assert_same(
        renamed(found),
        read_export(plain, mapping=Mapping(**OF_CSV)),
    )
    assert found.events["at"].astype(str).tolist() == [
        "2025-02-01 07:00:00+00:00", "2025-02-01 09:00:00+00:00", "2025-02-02 00:30:00+00:00",
    ]  # fmt: skip
    assert found.events["action"].tolist() == ['Заявка & "анкета"', "Call", "Call"]
    assert found.leads[["lead_id", "amount"]].values.tolist() == [["7", 20000.0], ["8", 500.5]]
    assert found.assumed == ("observed_until",)


def test_the_keys_of_the_standard_need_no_mapping_and_their_names_are_kept(tmp_path):
    found = read_export(write_loans(tmp_path)).events
    assert found.columns.tolist() == [
        "lead_id", "at", "action", "actor", "case:AMOUNT_REQ", "case:new", "lifecycle:transition",
        "Action", "EventID", "org:resource",
    ]  # fmt: skip
    assert found["case:AMOUNT_REQ"].tolist() == ["20000", "20000", "500.5"]
    assert found["case:new"].tolist()[:2] == ["true", "true"]


def test_the_mapping_wins_over_the_keys_of_the_standard(tmp_path):
    path = write_loans(tmp_path)
    named = read_export(path, mapping=Mapping(columns={"action": "lifecycle:transition"}))
    assert named.events["action"].tolist() == ["COMPLETE", "START", "COMPLETE"]
    assert named.events["concept:name"].tolist()[1:] == ["Call", "Call"]
    told = Mapping(columns={"product": "concept:name", "action": "lifecycle:transition"})
    other = read_export(path, mapping=told)
    assert other.leads["product"].tolist() == ["Call", "Call"]
    told = Mapping(columns={"product": "concept:name"}, where={"Action": "Created"})
    assert read_export(path, mapping=told).events["action"].tolist() == ["Created"]


def test_a_mapping_of_another_file_leaves_the_keys_of_the_standard(tmp_path, plain):
    both = read_export(
        [plain, write_loans(tmp_path)],
        mapping=Mapping(**OF_CSV),
    )
    assert both.rows_read == 6
    assert both.events["lead_id"].tolist() == ["7"] * 4 + ["8"] * 2


def test_where_keeps_the_rows_it_asks_for(tmp_path, plain):
    where = {"lifecycle:transition": "COMPLETE"}
    found = read_export(write_loans(tmp_path), mapping=Mapping(columns=AMOUNT, where=where))
    assert len(found.events) == 2
    assert found.removed[["reason", "rows"]].values.tolist() == [["where", 1]]
    told = Mapping(**OF_CSV, where={"state": "COMPLETE"})
    assert_same(renamed(found), read_export(plain, mapping=told))


@pytest.mark.parametrize("name", ["loans.xes.gz", "loans.XES.GZ", "loans.gz", "loans"])
def test_gz_and_any_name(tmp_path, name):
    path = write_loans(tmp_path)
    packed = tmp_path / name
    packed.write_bytes(gzip.compress(path.read_bytes()) if "." in name else path.read_bytes())
    assert_same(read_export(packed), read_export(path))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1251"])
def test_encodings(tmp_path, encoding):
    named = encoding.removesuffix("-sig")
    text = LOANS.replace('"UTF-8"', f'"{named}"').replace("{log}", "")
    path = write(tmp_path / "loans.xes", text, encoding)
    assert_same(read_export(path), read_export(write_loans(tmp_path, "plain.xes")))


def test_a_blank_line_before_the_declaration(tmp_path):
    path = write(tmp_path / "a.xes", "\n " + write_loans(tmp_path).read_text("utf-8"))
    assert read_export(path).rows_read == 3


def test_a_file_of_a_folder(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    write_loans(folder)
    (folder / "b.xes.gz").write_bytes(gzip.compress(LOANS.replace('value="7"', 'value="9"').replace(
        "{log}", "").encode()))  # fmt: skip
    (folder / "notes.md").write_text("no table")
    assert [p.name for p in find_tables([folder])] == ["b.xes.gz", "loans.xes"]
    assert read_export(folder).leads["lead_id"].tolist() == ["7", "8", "9"]


# --- planted logs


@pytest.mark.parametrize("prefix", ["", "xes:"])
def test_a_planted_log_written_as_xes_is_that_of_the_plain_table(tmp_path, prefix):
    write_planted(plant_log("kettles", 300, seed=3), tmp_path)
    events = pd.read_csv(tmp_path / "events.csv", dtype=str)
    path = write(tmp_path / "log.xes", to_xes(events, prefix=prefix))
    assert_same(read_export(path), read_export(tmp_path / "events.csv"))


def test_what_traces_tell_of_leads_is_that_of_a_table_of_leads(tmp_path):
    write_planted(plant_log("kettles", 300, seed=3), tmp_path)
    events, leads = (pd.read_csv(tmp_path / f"{n}.csv", dtype=str) for n in ("events", "leads"))
    path = write(tmp_path / "log.xes", to_xes(events, leads=leads))
    own = {c: f"case:{c}" for c in LEAD_COLUMNS[1:] if c in leads}
    until = "2026-12-31"
    found = read_export(path, mapping=Mapping(columns=own), observed_until=until)
    other = read_export(tmp_path / "events.csv", leads=tmp_path / "leads.csv", observed_until=until)
    pd.testing.assert_frame_equal(found.events, other.events)
    pd.testing.assert_frame_equal(
        found.leads[list(LEAD_COLUMNS)], other.leads[list(LEAD_COLUMNS)], check_dtype=False
    )


def test_columns_that_come_up_late_and_many_rows():
    """More rows than are packed at once, and a key that only the last one has."""
    n = 2 * MOST_ROWS + 5
    traces = [
        f'<trace><string key="concept:name" value="{i}"/>{EVENT.format(f"a{i % 7}")}</trace>'
        for i in range(n)
    ]
    late = '<trace><string key="late" value="x"/><event><int key="n" value="1"/></event></trace>'
    table = read_xes(f"<log>{''.join(traces)}{late}</log>".encode()).to_pandas()
    assert table.columns.tolist() == ["case:concept:name", "concept:name", "case:late", "n"]
    assert len(table) == n + 1
    assert table["case:concept:name"].tolist()[:-1] == [str(i) for i in range(n)]
    assert (table["concept:name"][:n] == [f"a{i % 7}" for i in range(n)]).all()
    assert table["case:late"].notna().sum() == 1 and table["n"].iloc[-1] == "1"


# --- names that meet


def test_a_trace_attribute_of_the_same_name_as_an_events():
    (row,) = rows_of(
        '<log><trace><string key="status" value="won"/><event>'
        '<string key="status" value="sent"/></event></trace></log>'
    )
    assert row == {"case:status": "won", "status": "sent"}


def test_an_event_that_names_what_its_trace_names_keeps_both():
    text = (
        '<log><trace><string key="concept:name" value="7"/><event>'
        '<string key="case:concept:name" value="8"/><string key="n" value="1"/></event>'
        '<event><string key="n" value="2"/><string key="n" value="3"/></event></trace></log>'
    )
    assert rows_of(text) == [
        {"case:concept:name": "7", "case:concept:name (2)": "8", "n": "1", "n (2)": None},
        {"case:concept:name": "7", "case:concept:name (2)": None, "n": "2", "n (2)": "3"},
    ]


def test_a_lead_named_by_its_events_alone(tmp_path):
    text = LOANS.replace("{log}", "")
    lead = '<string key="{}" value="7"/>'
    text = text.replace(lead.format("concept:name"), "").replace(
        '<string key="Action"', lead.format("case:concept:name") + '<string key="Action"'
    )
    log = read_export(write(tmp_path / "a.xes", text), mapping=Mapping(where={"Action": "Created"}))
    assert log.events["lead_id"].tolist() == ["7"]


# --- rows that cannot be used are counted


def many(*odd):
    at = '<date key="time:timestamp" value="2025-02-{:02}T10:00:00Z"/>'
    good = [
        f'<trace><string key="concept:name" value="{i}"/><event>{at.format(1 + i % 28)}'
        '<string key="concept:name" value="Call"/></event></trace>'
        for i in range(60)
    ]
    return f"<log>{''.join(good)}{''.join(odd)}</log>"


def test_events_and_traces_without_a_name_a_time_or_a_lead_are_counted(tmp_path):
    name, at = ('<string key="concept:name" value="x"/>',
                '<date key="time:timestamp" value="2025-02-01T10:00:00Z"/>')  # fmt: skip
    odd = [
        f"<trace>{name}<event>{at}</event></trace>",
        f"<trace>{name}<event>{name}</event></trace>",
        f'<trace>{name}<event>{name}<date key="time:timestamp" value="soon"/></event></trace>',
        f"<trace>{name}</trace>",
        f"<event>{name}{at}</event>",
    ]
    log = read_export(write(tmp_path / "a.xes", many(*odd)))
    removed = log.removed.groupby("reason")["rows"].sum().to_dict()
    assert removed == {"no_action": 1, "no_time": 2, "unreadable_time": 1, "no_lead": 1}
    assert log.rows_read == 65 and len(log.events) == 60
    assert check_log(log).set_index("check")["n_rows"]["no_time"] == 2


def test_mostly_unusable_is_refused(tmp_path):
    odd = ['<trace><string key="concept:name" value="x"/></trace>'] * 10
    with pytest.raises(InputError, match="10 of 70 event rows cannot be used"):
        read_export(write(tmp_path / "a.xes", many(*odd)))


@pytest.mark.parametrize(
    ("inside", "n"), [("", 0), ('<trace><string key="concept:name" value="7"/></trace>', 1)]
)
def test_a_log_without_events_is_refused(tmp_path, inside, n):
    path = write(tmp_path / "a.xes", f"{HEAD}<log>{inside}</log>")
    assert f"there is no event in it (traces: {n})" in problem_of(path)


def test_no_times_at_all_names_the_missing_column(tmp_path):
    trace = f'<trace><string key="concept:name" value="7"/>{EVENT.format("Call")}</trace>'
    problem = problem_of(write(tmp_path / "a.xes", f"<log>{trace}</log>"))
    assert "no column tells the time (at)" in problem and "case:concept:name" in problem


def test_times_without_a_zone_take_the_time_zone(tmp_path):
    path = write(tmp_path / "a.xes", many().replace("Z", ""))
    log = read_export(path, time_zone="Europe/Moscow")
    assert set(log.events["at"].dt.hour) == {7}
    assert "time_zone" in read_export(path).assumed


# --- what is refused


@pytest.mark.parametrize(
    ("doctype", "line"),
    [
        (f"{BOMB}]>", 2),
        ('<!DOCTYPE log SYSTEM "file:///etc/passwd">', 2),
        ('\n<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]>', 3),
        ('<!DOCTYPE log [<!ENTITY % x SYSTEM "http://localhost:1/x.dtd"> %x;]>', 2),
        ("<!DOCTYPE log>", 2),
    ],
)
def test_doctypes_and_entities_are_refused_at_once(tmp_path, doctype, line):
    body = many().replace('"Call"', '"&j;"').replace('"7"', '"&x;"')
    path = write(tmp_path / "a.xes", f"{HEAD}{doctype}{body}")
    began = time.perf_counter()
    problem = problem_of(path)
    assert time.perf_counter() - began < REFUSED_WITHIN
    assert f"line {line}: a DOCTYPE or an entity" in problem and "export the log again" in problem


def test_an_unknown_entity_is_an_error_not_a_blank(tmp_path):
    path = write(tmp_path / "a.xes", HEAD + many().replace('"Call"', '"&x;"', 1))
    assert "line 2: undefined entity" in problem_of(path)


def test_broken_xml_is_named_with_its_line(tmp_path):
    lines = LOANS.replace("{log}", "").splitlines()
    at = next(i for i, text in enumerate(lines) if "</event>" in text)
    lines[at] = "</trace>"
    problem = problem_of(write(tmp_path / "a.xes", "\n".join(lines)))
    assert f"cannot be read as XES: line {at + 1}: mismatched tag" in problem


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_file_cut_off_is_refused_with_its_last_line(tmp_path, share):
    text = LOANS.replace("{log}", "")
    part = text.rstrip()[: int(share * len(text.rstrip()))]
    problem = problem_of(write(tmp_path / "a.xes", part))
    assert "damaged or cut off, export it again" in problem
    assert abs(int(problem.split("line ")[1].split(":")[0]) - part.count("\n") - 1) <= 1


def test_a_gz_cut_off_is_refused(tmp_path):
    path = tmp_path / "a.xes.gz"
    path.write_bytes(gzip.compress(LOANS.encode())[:-30])
    assert "the gz file is damaged or cut off" in problem_of(path)


@pytest.mark.parametrize("text", ["", " \n", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path, text):
    assert problem_of(write(tmp_path / "a.xes", text)).endswith("the file is empty")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{HEAD}<Workbook>\n</Workbook>", "line 2: the first tag is <Workbook>, not the <log>"),
        ("<pnml><net/></pnml>", "line 1: the first tag is <pnml>"),
        ("<!DOCTYPE html>\n<html></html>", "this is a web page without a table"),
        ("<html><body>Not found</body></html>", "this is a web page without a table"),
        (HEAD, "line 2: no element found"),
        (f"{HEAD}<log/>", "there is no event in it"),
        ("<log", "line 1: unclosed token"),
        ("Not found", "header"),
    ],
)
def test_other_files_are_refused(tmp_path, text, why):
    assert why in problem_of(write(tmp_path / "a.xes", text))


def test_a_table_whose_header_has_angle_brackets_stays_a_table(tmp_path):
    path = write(tmp_path / "a.csv", "<lead_id>,<time>,<action>\n7,2025-02-01,Call\n")
    assert not is_xml(path.read_bytes(), path.name)
    assert not is_xml(b"<log>,<time>\n", "a.csv")
    assert read_export(path).events["action"].tolist() == ["Call"]


def test_deep_and_long_files_are_read_without_recursion():
    deep = '<list key="a">' * 100_000 + "</list>" * 100_000
    assert rows_of(f"<log><trace>{deep}{EVENT.format('x' * 1_000_000)}</trace></log>") == [
        {"concept:name": "x" * 1_000_000}
    ]


@pytest.mark.parametrize("seed", range(60))
def test_damaged_bytes_end_in_a_log_or_a_clear_refusal(tmp_path, seed):
    rng = np.random.default_rng(seed)
    data = bytearray(LOANS.replace("{log}", "").encode())
    for place in rng.integers(len(data), size=rng.integers(1, 4)):
        data[place] = rng.integers(256)
    path = tmp_path / "a.xes"
    path.write_bytes(data)
    try:
        read_export(path)
    except InputError as error:
        assert all(error.problems)


# --- real logs


def test_real_logs(real_data):
    found = [p for p in real_data.rglob("*") if p.name.lower().endswith((".xes", ".xes.gz"))]
    if not found:
        pytest.skip("no XES log among the real logs")
    for path in found:
        assert {"case:concept:name", "concept:name"} <= set(read_table(path).frame)
