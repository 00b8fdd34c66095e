"""Reading: any table file, any way of writing times and amounts, any header, or a clear refusal."""

import gzip
import io
import json
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hostile_files import old_excel, workbook
from pyarrow import parquet

from funnel_lib.core.errors import InputError
from funnel_lib.counting.checks import check_log
from funnel_lib.reading.cells.numbers import read_numbers
from funnel_lib.reading.cells.times import Ambiguous, read_times
from funnel_lib.reading.columns import Mapping, find_columns, read_mapping
from funnel_lib.reading.export import read_export, read_moment
from funnel_lib.reading.files.delimited import to_utf8
from funnel_lib.reading.files.html_tables import read_html
from funnel_lib.reading.files.json_records import read_json
from funnel_lib.reading.files.parquets import _list_written_out, read_parquet
from funnel_lib.reading.files.tables import find_tables, read_table


def times_of(*texts, **options):
    times, _ = read_times(pd.Series(texts, dtype="str"), **options)
    return [None if pd.isna(t) else t.isoformat()[:-6] for t in times]


def numbers_of(*texts, **options):
    return read_numbers(pd.Series(texts, dtype="str"), **options).tolist()


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def problems_of(call, *arguments, **options):
    with pytest.raises(InputError) as caught:
        call(*arguments, **options)
    return caught.value.problems


def quality_of(log):
    return check_log(log).set_index("check")["n_rows"].to_dict()


# --- times


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2025-02-01", "2025-02-01T00:00:00"),
        ("20250201", "2025-02-01T00:00:00"),
        ("2025-02-01 10:05", "2025-02-01T10:05:00"),
        ("2025-02-01T10:05:06.5", "2025-02-01T10:05:06.500000"),
        ("2025-02-01T10:05:06.123456789", "2025-02-01T10:05:06.123456"),
        ("2025-02-01T10:05:06Z", "2025-02-01T10:05:06"),
        ("2025-02-01T10:05:06+03:00", "2025-02-01T07:05:06"),
        ("2025-02-01 10:05:06 -0530", "2025-02-01T15:35:06"),
        ("2025-02-01 10:05:06+03", "2025-02-01T07:05:06"),
        ("2025-02-01 10:05:06 UTC", "2025-02-01T10:05:06"),
        ("2025/2/1 10:05", "2025-02-01T10:05:00"),
        ("01.02.2025", "2025-02-01T00:00:00"),
        ("1.2.2025 9:05", "2025-02-01T09:05:00"),
        ("01.02.25 10:05", "2025-02-01T10:05:00"),
        ("01.02.98", "1998-02-01T00:00:00"),
        ("01.02.2025, 10:05:06", "2025-02-01T10:05:06"),
        ("01.02.2025\u00a010:05", "2025-02-01T10:05:00"),
        ("13/02/2025 12:30 AM", "2025-02-13T00:30:00"),
        ("13/02/2025 12:30 PM", "2025-02-13T12:30:00"),
        ("2/13/2025 3:05\u202fPM", "2025-02-13T15:05:00"),
        ("2/13/2025 3:05:07pm", "2025-02-13T15:05:07"),
        ("1738404306", "2025-02-01T10:05:06"),
        ("1738404306.5", "2025-02-01T10:05:06.500000"),
        ("1738404306000", "2025-02-01T10:05:06"),
        ("1738404306000000", "2025-02-01T10:05:06"),
        ("29.02.2024", "2024-02-29T00:00:00"),
        ("29.02.2025", None),
        ("31.04.2025", None),
        ("2025-02-30", None),
        ("32.01.2025", None),
        ("01.13.2025", None),
        ("01.02.2025 24:00", "2025-02-02T00:00:00"),
        ("01.02.2025 10:60", None),
        ("13/02/2025 13:05 PM", None),
        ("01.02.2025 noon", None),
        ("01.01.1900", None),
        ("1900-01-01", None),
        ("9999-12-31 23:59:59", None),
        ("9999-12-31T00:00:00Z", None),
        ("0000-00-00 00:00:00", None),
        ("soon", None),
        ("12", None),
        ("", None),
    ],
)
def test_ways_of_writing_a_time(text, told):
    # Beside a plain and a finely stamped one, so that one value's way does not spoil the others'.
    found = times_of("2025-01-01 00:00", text, "2025-01-01T00:00:00.000000001")
    assert found == ["2025-01-01T00:00:00", told, "2025-01-01T00:00:00"]


def test_slashed_dates_find_their_order_from_a_number_above_12():
    assert times_of("03/04/2025", "25/04/2025")[0] == "2025-04-03T00:00:00"
    assert times_of("03/04/2025", "04/25/2025")[0] == "2025-03-04T00:00:00"
    assert times_of("03-04-2025", "25-04-2025")[0] == "2025-04-03T00:00:00"


@pytest.mark.parametrize("texts", [["03/04/2025", "05/06/2025"], ["25/04/2025", "04/25/2025"]])
def test_slashed_dates_that_may_be_either_are_refused(texts):
    with pytest.raises(Ambiguous, match=r"`day_first: true` or `day_first: false`.*mapping file"):
        times_of(*texts)


@pytest.mark.parametrize(
    ("day_first", "told"), [(True, "2025-04-03T00:00:00"), (False, "2025-03-04T00:00:00")]
)
def test_the_mapping_settles_slashed_dates_and_leaves_dotted_ones(day_first, told):
    assert times_of("03/04/2025", "03.04.2025", day_first=day_first) == [
        told,
        "2025-04-03T00:00:00",
    ]


def test_the_hour_that_comes_twice_is_the_first_and_the_missing_one_moves_forward():
    # Berlin left summer time on 2025-10-26 at 03:00 (+02:00) and entered it on 03-30 at 02:00.
    assert times_of("2025-10-26 02:30", "2025-03-30 02:30", time_zone="Europe/Berlin") == [
        "2025-10-26T00:30:00",
        "2025-03-30T01:00:00",
    ]


def test_only_times_without_a_zone_take_the_time_zone():
    texts = ["2025-02-01 10:00", "2025-02-01T10:00Z", "01.02.2025 10:00", "1738404000", None]
    times, zoned = read_times(pd.Series(texts, dtype="str"), time_zone="Europe/Moscow")
    assert times.dt.hour.tolist()[:4] == [7, 10, 7, 10]
    assert zoned.tolist() == [False, True, False, True, False]


def test_times_keep_the_index_and_take_nothing_at_all():
    texts = pd.Series(["2025-02-01", "01.02.2025"], index=[7, 3], dtype="str")
    assert read_times(texts)[0].index.tolist() == [7, 3]
    assert read_times(texts[:0])[0].tolist() == []


@pytest.mark.parametrize("zone", ["+3", " +3", "+03", "+3:00", "+0300"])
def test_zones_of_one_digit_are_hours(zone):
    texts = [f"2025-03-04T10:00:00{zone}", f"2025-03-04 10:00{zone}", "2025-03-04"]
    times, zoned = read_times(pd.Series(texts, dtype="str"))
    assert times.dt.strftime("%d %H:%M").tolist() == ["04 07:00", "04 07:00", "04 00:00"]
    assert zoned.tolist() == [True, True, False]


@pytest.mark.parametrize("zone", ["+030", "+3:0", "+", "-12345", "+3:"])
def test_what_is_no_zone_is_no_time(zone):
    times, zoned = read_times(pd.Series([f"2025-03-04T10:00:00{zone}", "2025-03-04T10:00:00Z"]))
    assert times.isna().tolist() == [True, False] and zoned.tolist() == [False, True]


def test_an_unknown_time_zone_is_refused():
    assert problems_of(times_of, "2025-01-01", time_zone="Moscow") == (
        "no time zone 'Moscow'; give an IANA name such as Europe/Moscow",
    )


def test_a_day_means_its_end_in_its_zone_and_a_moment_itself():
    end = read_moment("2025-03-31", "Europe/Moscow", "observed_until")
    assert end.isoformat() == "2025-03-31T20:59:59.999999+00:00"
    assert read_moment("31.03.2025 10:00", "UTC", "x").isoformat() == "2025-03-31T10:00:00+00:00"
    assert read_moment("2025-03-31", "UTC", "x", end_of_day=False).hour == 0


@pytest.mark.parametrize(("text", "why"), [("soon", "is no date"), ("03/04/2025", "day/month")])
def test_a_day_that_cannot_be_read_is_refused(text, why):
    (problem,) = problems_of(read_moment, text, "UTC", "entered_from")
    assert problem.startswith(f"entered_from {text!r}") and why in problem
    assert "2025-03-31" in problem


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_a_column_written_alike_is_read_as_beside_other_ways(zone):
    rng = np.random.default_rng(1)
    stamps = pd.Timestamp("2025-03-30") + pd.to_timedelta(rng.integers(0, 300 * 86400, 200), "s")
    for way in ("%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
                "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S+03:00"):  # fmt: skip
        texts = pd.Series(stamps.strftime(way), dtype="str")
        alike, zoned = read_times(texts, time_zone=zone)
        odd = pd.Series(["1.2.2025 9:05", "soon", "1738404306", None], dtype="str")
        beside, zoned_too = read_times(pd.concat([texts, odd], ignore_index=True), time_zone=zone)
        pd.testing.assert_series_equal(beside[:200], alike)
        assert (zoned == zoned_too[:200]).all() and alike.notna().all()


# --- amounts


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1 234,50 ₽", 1234.5),
        ("1\u00a0234,50", 1234.5),
        ("1\u202f234\u202f567,5 руб.", 1234567.5),
        ("1,234.50", 1234.5),
        ("1.234,50", 1234.5),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1'234.50 CHF", 1234.5),
        ("1,00,000", 100000),
        ("12,000", 12000),
        ("12,5", 12.5),
        ("0,500", 0.5),
        ("1.500", 1.5),
        (".5", 0.5),
        ("$1,200", 1200),
        ("Rs. 500", 500),
        ("-5", -5),
        ("−5", -5),
        ("(5)", -5),
        ("($1,234.50)", -1234.5),
        ("1e6", 1e6),
        ("1.5E+06", 1.5e6),
        ("0", 0),
        ("10-20", np.nan),
        ("12.34.56", np.nan),
        ("price on request", np.nan),
        ("", np.nan),
    ],
)
def test_ways_of_writing_an_amount(text, number):
    assert np.array_equal(numbers_of(text), [number], equal_nan=True)


def test_the_rest_of_the_column_tells_what_may_be_either():
    assert numbers_of("1.500", "2,5") == [1500, 2.5]
    assert numbers_of("12,000", "2,5") == [12, 2.5]
    assert numbers_of("12,000", "2.5", "1,234.5") == [12000, 2.5, 1234.5]
    assert numbers_of("1.500", "12.25") == [1.5, 12.25]


def test_the_mapping_tells_what_may_be_either():
    assert numbers_of("12,000", "1.500", decimal_comma=True) == [12, 1500]
    assert numbers_of("12,000", "2,5", decimal_comma=False) == [12000, 2.5]


# --- status


def test_status_words_in_both_languages_and_of_the_mapping(tmp_path):
    words = ["Closed Won", "успешно реализовано", "Отказ", "lost", "В работе", "Слили", "?"]
    rows = "".join(f"{i},2025-01-0{i + 1},x,{w}\n" for i, w in enumerate(words))
    path = write(tmp_path / "log.csv", "lead_id,at,action,Статус\n" + rows)
    mapping = Mapping(status_values={"lost": ["СЛИЛИ"]}, lead_columns={"status": "last"})
    log = read_export(path, mapping=mapping)
    assert log.leads["status"].astype(object).tolist()[:6] == [
        *("won", "won", "lost", "lost", "open", "lost")
    ]
    assert pd.isna(log.leads["status"][6])
    assert check_log(log).query("check == 'unreadable_status'")["example"].tolist() == [
        '? (1); status_values: {won: [], lost: [], open: ["?"]}'
    ]


# --- tables

ROWS = "ID сделки;Дата;Действие\n7;01.02.2025 10:00;Заявка\n8;02.02.2025 10:00;Звонок\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251", "cp866", "koi8_r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_found_out(tmp_path, encoding, delimiter):
    path = write(tmp_path / "log.txt", ROWS.replace(";", delimiter), encoding)
    frame = read_table(path).frame
    assert frame.columns.tolist() == ["ID сделки", "Дата", "Действие"]
    assert frame["Действие"].tolist() == ["Заявка", "Звонок"]


@pytest.mark.parametrize(
    ("text", "names", "cells"),
    [
        ("sep=;\r\na;b\r\n1;2\r\n", ["a", "b"], ["1", "2"]),
        ('"a\nb",c\n1,2', ["a\nb", "c"], ["1", "2"]),
        ('a,b\n"x, ""y""\nz",2\n', ["a", "b"], ['x, "y"\nz', "2"]),
        ("\n\na,b\n1,2\n", ["a", "b"], ["1", "2"]),
        (" a , a ,,b\n 1 ,2,,\n", ["a", "a (2)", "b"], ["1", "2", None]),
        ("a,b\nNULL,nan\n1,2\n", ["a", "b"], ["1", "2"]),
        ("a,b\n,\n  ,\n1,2\n", ["a", "b"], ["1", "2"]),
        ('a;b\n1,5;Клиент "А\n', ["a", "b"], ["1,5", 'Клиент "А']),
    ],
)
def test_odd_headers_and_cells(tmp_path, text, names, cells):
    frame = read_table(write(tmp_path / "t.csv", text)).frame
    assert frame.columns.tolist() == names
    assert frame.astype(object).where(frame.notna(), None).values.tolist() == [cells]


def test_one_damaged_byte_does_not_spoil_the_encoding(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes((ROWS * 20).encode() + b"9;\xff;x\n")
    assert read_table(path).frame["Действие"][0] == "Заявка"


def test_json_with_mixed_cells_keeps_each_as_its_text(tmp_path):
    lines = ['{"id": 7, "x": 1234.57, "b": true}', '{"id": "A8", "x": null, "l": [1]}']
    frame = read_table(write(tmp_path / "t.json", "\n".join(lines))).frame
    assert frame["id"].tolist() == ["7", "A8"]
    assert frame["x"][0] == "1234.57" and pd.isna(frame["x"][1])
    assert frame["l.0"][1] == "1"


def test_whole_numbers_beside_gaps_stay_whole(tmp_path):
    frame = pd.DataFrame({"id": [7, None], "name": ["a", "b"], "list": [[1], None]})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.drop(columns="list").to_excel(tmp_path / "t.xlsx", index=False, engine="xlsxwriter")
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    for name in ("t.parquet", "t.xlsx", "t.jsonl"):
        assert read_table(tmp_path / name).frame["id"][0] == "7", name


def _cut(data):
    return data[: len(data) // 2]


def _damaged(data):
    return data[: len(data) // 2] + b"\xff\x00\xff" + data[len(data) // 2 + 3 :]


@pytest.fixture(scope="module")
def files():
    """The same small table as bytes of several kinds."""
    import io

    frame = pd.DataFrame({"lead_id": np.arange(500) * 7919 % 1009, "at": "2025-01-01"})
    frame["action"] = "Заявка " + frame["lead_id"].astype(str)
    text = frame.to_csv(index=False).encode()
    excel, parquet = io.BytesIO(), io.BytesIO()
    frame.to_excel(excel, index=False, engine="xlsxwriter")
    frame.to_parquet(parquet)
    return {"csv.gz": gzip.compress(text), "xlsx": excel.getvalue(), "parquet": parquet.getvalue()}


@pytest.mark.parametrize("kind", ["csv.gz", "xlsx", "parquet"])
@pytest.mark.parametrize("spoil", [_cut, _damaged, lambda data: data[:6], lambda data: data[:-20]])
def test_damaged_files_are_refused_by_name(tmp_path, files, kind, spoil):
    path = tmp_path / f"log.{kind}"
    path.write_bytes(spoil(files[kind]))
    (problem,) = problems_of(read_table, path)
    assert problem.startswith(str(path))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \r\n\n", "the file is empty"),
        (b"lead_id,at,action", "a header but no rows"),
        (b"lead_id,at,action\r\n\r\n", "a header but no rows"),
        (b"a,b,c\n1,2\n3,4\n", "no row has as many cells as the header; e.g. '1,2', '3,4'"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 9, "a PNG picture"),
        (bytes(range(256)) * 9, "this is no text"),
        (np.random.default_rng(1).bytes(5000), "this is no text"),
        ("lead_id,at\n1,2\n".encode("utf-16")[:-1], "cannot be read as text"),
        (b'{"a": 1,\n "b": [', "cannot be read as JSON"),
        (b"[]", "there are no records in it"),
        (b'[{"a": 1}, 2]', "cannot be read as JSON"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, data, why):
    path = tmp_path / "log.csv"
    path.write_bytes(data)
    (problem,) = problems_of(read_table, path)
    assert problem.startswith(f"{path}: ") and why in problem


def test_a_folder_gives_its_tables_in_order_and_no_lock_files(tmp_path):
    for name in ("b.csv", "a.csv.gz", "~$b.xlsx", ".c.csv", "notes.docx", "D.XLSX"):
        (tmp_path / name).touch()
    assert [p.name for p in find_tables([tmp_path])] == ["D.XLSX", "a.csv.gz", "b.csv"]


def test_every_wrong_path_is_told(tmp_path):
    problems = problems_of(find_tables, [tmp_path / "no.csv", tmp_path])
    assert len(problems) == 2
    assert problems[0].endswith("no.csv: no such file")
    assert "no table in this folder (looked for .csv," in problems[1]


# --- what a file is, and what stands above its header

TITLE = [["Отчёт по сделкам за 2025"], []]


def to_form(rows, form):
    if form == "text":
        return "\n".join(";".join(row) for row in rows).encode()
    if form == "HTML":
        cells = ["".join(f"<td>{c}</td>" for c in row) for row in rows]
        return f"<table><tr>{'</tr><tr>'.join(cells)}</tr></table>".encode()
    return workbook(rows)


@pytest.mark.parametrize("form", ["text", "HTML", "Excel"])
@pytest.mark.parametrize(
    ("above", "header", "names"),
    [
        ([], ["ID", "Дата", "Действие"], ["ID", "Дата", "Действие"]),
        (TITLE, ["ID", "Дата", "Действие"], ["ID", "Дата", "Действие"]),
        ([["Сделка", "", "Событие"]], ["ID", "Дата", "Этап", "x"], ["ID", "Дата", "Этап", "x"]),
        ([["ID", "Сделка", ""]], ["", "Дата", "Этап", "x"], ["ID", "Дата", "Этап", "x"]),
        ([["Отчёт"], ["Период", "2025"]], ["ID", "Дата", "Этап"], ["ID", "Дата", "Этап"]),
        ([], ["ID", "Клиент", ""], ["ID", "Клиент", "column"]),
    ],
)
def test_titles_and_groups_above_the_header(tmp_path, form, above, header, names):
    cells = ["7", "01.02.2025", "Звонок", "1"][: len(header)]
    path = tmp_path / "a.bin"
    path.write_bytes(to_form([*above, header, cells, ["Итого", *cells[1:]]], form))
    table = read_table(path)
    assert table.kind == form
    assert table.frame.columns.tolist() == names
    assert table.frame.to_numpy().tolist() == [cells, ["Итого", *cells[1:]]]


@pytest.mark.parametrize(
    "rows",
    [
        [["ID", "Сумма"], ["7", "1"], ["8", "2", "x", "y"], ["9", "3"]],
        [["ID"], ["7", "01.02.2025", "15"], ["8", "01.02.2025", "16"]],
    ],
)
def test_a_narrow_header_stays_where_rows_of_numbers_or_a_single_row_are_wider(tmp_path, rows):
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook(rows))
    assert read_table(path).frame.columns[0] == "ID"


def test_kinds_are_told_by_the_first_bytes(tmp_path, files):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    kinds = {"csv.gz": "text", "xlsx": "Excel", "parquet": "Parquet"}
    assert {n: read_table(tmp_path / n).kind for n in files} == kinds
    assert read_table(write(tmp_path / "a.csv", '[{"a": 1}]')).kind == "JSON"
    assert read_table(write(tmp_path / "a.csv", "[id];[at]\n7;2025\n")).kind == "text"
    assert read_table(write(tmp_path / "a.csv", "PK;at\n7;2025\n")).kind == "text"


def test_what_grows_too_far_is_refused_and_what_grows_a_little_is_not(tmp_path, monkeypatch):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(("a,b\n" + "1,2\n" * 100_000).encode()))
    assert len(read_table(path).frame) == 100_000
    monkeypatch.setattr("funnel_lib.reading.files.archives.MOST_UNPACKED", 300_000)
    (problem,) = problems_of(read_table, path)
    assert "over 100 times its size" in problem
    path.write_bytes(gzip.compress(np.random.default_rng(1).bytes(300_000).hex().encode()))
    assert "no rows" in problems_of(read_table, path)[0]


# --- quotes


@pytest.mark.parametrize(
    ("text", "rows", "broken"),
    [
        ('1;"x;2\n3;y;4\n', [["3", "y", "4"]], ['1;"x;2']),
        ('1;"x;2\n3;"y";4\n5;z;6\n', [["3", "y", "4"], ["5", "z", "6"]], ['1;"x;2']),
        ('1;"ООО "Ромашка"";2\n', [["1", 'ООО Ромашка""', "2"]], []),
        ('1;"x\ny";2\n3;19" z;4\n', [["1", "x\ny", "2"], ["3", '19" z', "4"]], []),
        ('1;"x";2\n3;"y;4', [["1", "x", "2"]], ['3;"y;4']),
    ],
)
def test_a_quote_that_does_not_close_costs_its_line_and_no_more(tmp_path, text, rows, broken):
    table = read_table(write(tmp_path / "a.csv", "a;b;c\n" + text))
    assert table.frame.to_numpy().tolist() == rows
    assert list(table.broken) == broken


def test_a_quote_that_does_not_close_in_the_header_is_named_with_its_line(tmp_path):
    path = write(tmp_path / "a.csv", 'a;"b;c\n1;2;3\n')
    assert "line 1: a quote opens in the header" in problems_of(read_table, path)[0]


# --- encodings


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "koi8_r", "mac_cyrillic"])
@pytest.mark.parametrize("text", ["Да", "ЭТАП СДЕЛКИ", "Ещё «жду» — № 5", "Щука", "ООО"])
def test_old_encodings_are_told_from_a_few_words(encoding, text):
    data = f"id;what\n7;{text}\n".encode(encoding, "ignore")
    assert to_utf8(data) == f"id;what\n7;{text}\n".encode(encoding, "ignore").decode(
        encoding
    ).encode("utf-8")


@pytest.mark.parametrize("text", ["Criação;Usuário", "não fechada", "Größe;Straße", "Motif fermé"])
def test_letters_of_europe_are_not_taken_for_russian_ones(text):
    assert to_utf8(text.encode("cp1252")).decode() == text


# --- JSON


def json_rows(text):
    return read_json(text.encode()).to_pylist()


def test_pages_of_a_response_are_put_together_in_order():
    pages = [f'{{"result": [{{"ID": "{i}"}}], "next": {i}, "total": 3}}' for i in range(3)]
    must = [{"ID": "0"}, {"ID": "1"}, {"ID": "2"}]
    assert json_rows("[" + ",".join(pages) + "]") == must
    assert json_rows("\n".join(pages)) == must
    assert json_rows('{"_page": 1, "_embedded": {"leads": [{"ID": "0"}]}}') == must[:1]
    assert json_rows('{"result": {"items": [{"ID": "0"}]}, "total": 1}') == must[:1]


def test_a_record_that_holds_a_list_is_no_page():
    assert json_rows('{"id": 1, "data": [{"x": 2}]}') == [{"id": "1", "data.0.x": "2"}]
    assert json_rows('[{"order": 1, "items": [{"x": 2}]}]') == [{"order": "1", "items.0.x": "2"}]
    lead = '{"uid": "a", "_embedded": {"contacts": [{"id": 1}], "leads": [{"id": 2}]}}'
    assert json_rows(lead) == [
        {"uid": "a", "_embedded.contacts.0.id": "1", "_embedded.leads.0.id": "2"}
    ]


def test_json_keeps_the_text_of_numbers():
    given = '[{"a": 1234.50, "b": 7.0, "c": 1e400, "d": 10000000000000000000001, "e": NaN}]'
    assert json_rows(given) == [
        {"a": "1234.50", "b": "7", "c": "1e400", "d": "1" + "0" * 21 + "1", "e": None}
    ]


def test_json_that_is_longer_than_a_piece_is_read_as_one_that_is_not(monkeypatch):
    lines = [f'{{"id": {i}, "what": "Заявка {i}"}}' for i in range(200)]
    whole = [json_rows(t) for t in ("\n".join(lines), "[" + ",\n".join(lines) + "]")]
    monkeypatch.setattr("funnel_lib.reading.files.json_records.PIECE", 17)
    monkeypatch.setattr("funnel_lib.reading.files.json_records.MOST_DOCUMENT", 60)
    assert [json_rows(t) for t in ("\n".join(lines), "[" + ",\n".join(lines) + "]")] == whole
    with pytest.raises(ValueError, match=r"line 101: Expecting"):
        json_rows("\n".join([*lines[:100], "{'id': 1}"]))


def test_nested_parquet_has_the_columns_of_the_same_json(tmp_path):
    given = [{"id": "7", "p": {"q": [1, 2], "r": None}}, {"id": "8", "p": None}]
    pd.DataFrame(given).to_parquet(tmp_path / "a.parquet")
    write(tmp_path / "a.json", json.dumps(given))
    one, other = (read_table(tmp_path / f"a.{form}").frame for form in ("parquet", "json"))
    pd.testing.assert_frame_equal(one, other[list(one)])
    assert one["p.q.1"][0] == "2"


def expect_same_log_as_of_texts(folder, table: pa.Table):
    """A Parquet file gives the log of a CSV with the same cells as texts; so does the same in
    several files."""
    parquet.write_table(table, folder / "a.parquet", row_group_size=40)
    read_table(folder / "a.parquet").frame.to_csv(folder / "a.csv", index=False)
    typed, written = (read_export(folder / name) for name in ("a.parquet", "a.csv"))
    for of in (lambda log: log.events, lambda log: log.leads, check_log):
        pd.testing.assert_frame_equal(of(typed), of(written))
    (folder / "parts").mkdir()
    for begin in range(0, len(table), 70):
        parquet.write_table(table.slice(begin, 70), folder / "parts" / f"{begin}.parquet")
    parts = read_export(folder / "parts")
    for of in (lambda log: log.events, lambda log: log.leads):
        pd.testing.assert_frame_equal(of(parts), of(typed))


# Every two of them meet.
@pytest.mark.parametrize(("ids", "unit", "zone"), [
    (ids, unit, [None, "UTC", "Europe/Moscow"][(i + j) % 3])
    for i, ids in enumerate(("whole", "with gaps", "padded", "halves", "few texts"))
    for j, unit in enumerate(("s", "ms", "us", "ns"))
])  # fmt: skip
def test_typed_columns_give_the_log_of_their_texts(tmp_path, zone, unit, ids):
    rng = np.random.default_rng(1)
    number = rng.integers(0, 30, 200)
    lead = {
        "whole": pa.array(number),
        "with gaps": pa.array(np.where(number, number, np.nan), from_pandas=True),
        "padded": pa.array([f"L-{n:03d}" for n in number]),
        "halves": pa.array(number / 2),
        "few texts": pa.array([f" {n} " if n else "NULL" for n in number]).dictionary_encode(),
    }[ids]
    seconds = pa.array(rng.integers(1_700_000_000, 1_740_000_000, 200), mask=rng.random(200) < 0.02)
    words = pa.array(rng.choice(["call", "call ", " mail", "None"], 200, p=[0.4, 0.3, 0.28, 0.02]))
    table = pa.table({
        "lead_id": lead,
        "at": seconds.cast(pa.timestamp("s")).cast(pa.timestamp(unit, zone)),
        "action": words.dictionary_encode(),
        "actor": pa.array(rng.choice(["client", "Менеджер", "robot"], 200)).dictionary_encode(),
        "amount": pa.array(rng.choice([1.5, np.nan, 7, 1e20], 200)),
        "score": pa.array(number.astype(float)),
        "flag": pa.array(number > 7),
    })  # fmt: skip
    expect_same_log_as_of_texts(tmp_path, table)


def test_a_time_beyond_the_years_is_shown_as_its_file_writes_it(tmp_path):
    days = pd.to_datetime([*["2025-01-01"] * 20, "1900-01-01"]).astype("datetime64[us]")
    table = pa.table({"lead_id": ["a"] * 21, "at": pa.array(days), "action": ["x"] * 21})
    parquet.write_table(table, tmp_path / "a.parquet")
    (row,) = read_export(tmp_path / "a.parquet").removed.query("reason == 'unreadable_time'").values
    assert row[3] == "a · 1900-01-01 00:00:00.000000 · x"


def test_a_long_text_among_many_others_is_not_repeated_without_end(monkeypatch):
    rng = np.random.default_rng(1)
    others = [f"{n:030x}" for n in rng.integers(0, 2**62, 50_000)]
    table = pa.table({"a": ["x" * 5_000] * 50_000 + others})
    file = io.BytesIO()
    parquet.write_table(table, file, dictionary_pagesize_limit=20_000)
    path = "funnel_lib.reading.files.parquets."
    assert _list_written_out(parquet.read_metadata(file), ["a"]) == ["a"]
    assert pa.types.is_dictionary(read_parquet(file.getvalue())[0].type)
    monkeypatch.setattr(path + "MOST_TEXT", 64 << 20)
    monkeypatch.setattr(path + "MOST_REPEATED", 1)
    with pytest.raises(ValueError, match="repeats its texts to 239 MiB"):
        read_parquet(file.getvalue())


# --- web pages


def test_spans_marks_and_tables_inside_tables():
    page = """<table><tr><td>menu<td><table>
      <tr><th colspan=3>Сделка<th>Событие</tr>
      <tr><th>ID<th>Имя<th>Действие<th>Дата
      <tr><td rowspan="2">7<td>Анна &amp; Ко<td>За<b>яв</b>ка<td>1
      <tr><td>Пётр<td>a<br>b<td>2</tr></table></table>"""
    assert read_html(page).to_pylist() == [
        {"ID": "7", "Имя": "Анна & Ко", "Действие": "Заявка", "Дата": "1"},
        {"ID": "7", "Имя": "Пётр", "Действие": "a b", "Дата": "2"},
    ]


def test_the_footer_of_a_report_is_no_broken_row(tmp_path):
    rows = "lead_id,at,action\n" + "".join(f"{n},2025-01-0{n},x\n" for n in range(1, 6))
    footer = '"Report of deals"\n"Copyright (c) 2000-2025 x, inc."\nGenerated by: Ann\n'
    log = read_export(write(tmp_path / "a.csv", rows + footer))
    assert log.removed[["reason", "rows"]].values.tolist() == [["lone_text", 3]]
    log = read_export(
        write(tmp_path / "a.csv", rows + rows[18:].replace("x", "y") + "7,2025-01-01\n")
    )
    assert log.removed[["reason", "rows"]].values.tolist() == [["broken_row", 1]]


@pytest.mark.parametrize(
    ("days", "clocks", "joined"),
    [
        (["01.02.2025", "02.02.2025"], ["9:05", "10:00:30"], True),
        (["2025-02-01 00:00:00", "2025-02-02"], ["9:05", "10:00"], True),  # days of Excel
        (["01.02.2025", "02.02.2025"], ["9:05", ""], True),
        (["01.02.2025 08:00", "02.02.2025"], ["9:05", "10:00"], False),  # has clocks already
        (["01.02.2025", "02.02.2025"], ["9:05", "soon"], False),
    ],
)
def test_days_and_clocks_of_two_columns_are_one_moment(tmp_path, days, clocks, joined):
    rows = "".join(f"7;{d};{c};a\n" for d, c in zip(days, clocks, strict=True))
    path = write(tmp_path / "a.csv", f"lead_id;Дата;Время;action\n{rows}")
    found = read_table(path).frame["Дата"].tolist()
    whole = [f"{d.split()[0]} {c}".strip() for d, c in zip(days, clocks, strict=True)]
    assert found == (whole if joined else days)
    if joined:
        at = read_export(path).events["at"].dt
        assert (at.day * 100 + at.hour).tolist() == [109, 210 if clocks[1] else 200]


# --- Excel


def test_cells_of_excel_are_texts_as_people_write_them(tmp_path):
    def fill(book, sheet):
        form = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        sheet.write_row(0, 0, ["id", "sum", "new", "at", "day", "error"])
        sheet.write_row(1, 0, [7, 1.5, True])
        sheet.write_datetime(1, 3, pd.Timestamp("2025-02-01 10:05"), form)
        sheet.write_datetime(1, 4, pd.Timestamp("2025-02-01"), form)
        sheet.write_formula(1, 5, "=1/0", value="#DIV/0!")

    (tmp_path / "a.xlsx").write_bytes(workbook([], fill, [["other"], ["sheet"]]))
    (row,) = read_table(tmp_path / "a.xlsx").frame.astype(object).to_numpy().tolist()
    assert row[:5] == ["7", "1.5", "True", "2025-02-01 10:05:00", "2025-02-01"]
    assert pd.isna(row[5])


def test_further_sheets_with_tables_are_named(tmp_path):
    rows = [["lead_id", "at", "action"], ["7", "2025-02-01", "x"]]
    calls = [["lead_id", "call"], ["7", "in"]]
    (tmp_path / "a.xlsx").write_bytes(workbook([], rows, calls, [["a note"]], [], calls))
    noted = read_export(tmp_path / "a.xlsx").noticed.set_index("check").loc["sheet_not_read"]
    assert noted[["n_rows", "example"]].tolist() == [2, "a.xlsx (3), a.xlsx (6)"]
    (tmp_path / "a.xlsx").write_bytes(workbook(rows, [["a note"]]))
    assert "sheet_not_read" not in set(read_export(tmp_path / "a.xlsx").noticed["check"])


def test_a_cover_sheet_is_passed_by_and_a_damaged_further_one_is_named(tmp_path):
    rows = [["lead_id", "at", "action"], ["7", "2025-02-01", "x"]]
    cover = [["Выгрузка сделок"], ["за 2025"]]
    data = workbook(cover, [["one", "row"]], rows, rows)
    (tmp_path / "a.xlsx").write_bytes(data)
    assert read_export(tmp_path / "a.xlsx").leads["lead_id"].tolist() == ["7"]
    whole, damaged = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(damaged, "w") as book:
        for name in whole.namelist():
            content = whole.read(name)
            book.writestr(name, content[: len(content) // 2] if "sheet4" in name else content)
    (tmp_path / "a.xlsx").write_bytes(damaged.getvalue())
    noted = read_export(tmp_path / "a.xlsx").noticed.set_index("check").loc["sheet_not_read"]
    assert noted[["n_rows", "example"]].tolist() == [1, "a.xlsx (4)"]
    (tmp_path / "a.xlsx").write_bytes(workbook(cover))
    assert read_table(tmp_path / "a.xlsx").frame["Выгрузка сделок"].tolist() == ["за 2025"]


@pytest.mark.parametrize("n", [3, 400])
def test_old_workbooks_are_read_however_long(tmp_path, n):
    (tmp_path / "a.xls").write_bytes(
        old_excel([["id", "what"], *([i, "Заявка"] for i in range(n))])
    )
    frame = read_table(tmp_path / "a.xls").frame
    assert frame["id"].tolist() == [str(i) for i in range(n)]
    assert set(frame["what"]) == {"Заявка"}


# --- columns


@pytest.mark.parametrize(
    ("header", "meanings"),
    [
        ("Deal ID,Event Time,Activity,Owner,Deal value", "lead_id at action manager amount"),
        ("Номер сделки,Дата события,Событие,Ответственный", "lead_id at action manager"),
        ("case:concept:name,time:timestamp,concept:name", "lead_id at action"),
        ("LEAD_ID,At,ACTION,Этап", "lead_id at action stage"),
        ("id,date,type", "lead_id at action"),
        ("Lead ID,id,Event,type,Timestamp,date", "lead_id - action - at -"),
        ("lead_id,action,created_at", "lead_id action at"),
        ("lead_id,action,date,created_at", "lead_id action at created_at"),
        ("lead_id,created_at,status", "lead_id created_at status"),
        ("Создан,Закрыт,лид", "created_at closed_at lead_id"),
    ],
)
def test_aliases_the_weak_ones_only_where_nothing_stronger_is(header, meanings):
    pairs = zip(meanings.split(), header.split(","), strict=True)
    found, problems = find_columns(header.split(","), Mapping())
    assert problems == []
    assert found == {m: c for m, c in pairs if m != "-"}


@pytest.mark.parametrize(
    ("columns", "meaning"),
    [
        (["lead_id", "deal_id", "at", "action"], "lead_id"),
        (["lead_id", "lead_id (2)", "at", "action"], "lead_id"),
        (["лид", "время", "дата и время", "событие"], "at"),
        (["lead_id", "at", "action", "owner", "manager"], "manager"),
        (["id", "deal", "at", "action"], "lead_id"),
    ],
)
def test_two_columns_for_one_meaning_are_told(columns, meaning):
    _, (problem,) = find_columns(columns, Mapping())
    assert problem.startswith(f"2 columns may mean {meaning}: ")
    assert f"`columns: {{{meaning}: " in problem and "--mapping" in problem


def test_a_header_name_that_stands_twice_is_refused(tmp_path):
    path = write(tmp_path / "log.csv", "lead_id,at,action,action\n1,2025-01-01,a,b\n")
    (problem,) = problems_of(read_export, path)
    assert "2 columns may mean action: 'action', 'action (2)'" in problem


def test_the_mapping_wins_and_further_columns_stay(tmp_path):
    path = write(
        tmp_path / "log.csv",
        "lead_id,at,action,deal,when,seconds\nx,2020-01-01,y,7,2025-01-01,35\n",
    )
    mapping = Mapping(columns={"lead_id": "deal", "at": "when", "duration": "seconds"})
    events = read_export(path, mapping=mapping).events
    assert events.loc[0, ["lead_id", "action", "duration"]].tolist() == ["7", "y", "35"]
    assert events["at"][0].year == 2025
    assert events.loc[0, ["lead_id (as read)", "at (as read)"]].tolist() == ["x", "2020-01-01"]


def test_a_mapped_lead_in_one_table_and_an_alias_in_the_other(tmp_path):
    events = write(tmp_path / "e.csv", "Кто это,Когда,Что\n7,2025-01-01,a\n")
    leads = write(tmp_path / "l.csv", "lead_id,amount\n7,5\n")
    mapping = Mapping(columns={"lead_id": "Кто это", "at": "Когда", "action": "Что"})
    assert read_export(events, leads, mapping).leads["amount"].tolist() == [5.0]


def test_a_mapping_that_names_columns_which_are_not_there(tmp_path):
    path = write(tmp_path / "log.csv", "lead_id,at,action\n7,2025-01-01,a\n")
    mapping = Mapping(columns={"amount": "Sum"}, dates={"Paid": "paid"}, where={"Kind": "x"})
    problems = problems_of(read_export, path, mapping=mapping)
    assert [p.split(";")[0] for p in problems] == [
        f"the mapping file names a column '{c}', which no table has"
        for c in ("Sum", "Paid", "Kind")
    ]
    assert "found 'lead_id', 'at', 'action'" in problems[0]


def test_missing_columns_are_told_with_the_nearest_and_the_remedy(tmp_path):
    path = write(tmp_path / "log.csv", "Сделка №;Дата событий;Чего\n7;2025-01-01;a\n")
    (problem,) = problems_of(read_export, path)
    assert problem == (
        f"{path}: no column tells the time (at) or the action (action); found 'Сделка №', "
        "'Дата событий', 'Чего'; nearest: at: \"Дата событий\". Write a "
        'mapping file with `columns: {at: "Дата событий", action: "…"}` and give it with --mapping'
    )


MAPPING_MISTAKES = """\
columns: {lead_id: A, action: A, mananger: B}
where: 5
day_frist: true
day_first: maybe
time_zone: [UTC]
"""


def test_mistakes_in_a_mapping_file_are_told_with_their_lines(tmp_path):
    path = write(tmp_path / "mapping.yml", MAPPING_MISTAKES)
    problems = problems_of(read_mapping, path)
    assert [int(p.split(", line ")[1].split(":")[0]) for p in problems] == [2, 4, 5, 3]
    assert "unknown key 'day_frist'; did you mean day_first" in problems[3]
    path.write_text(MAPPING_MISTAKES.split("where")[0])
    assert problems_of(read_mapping, path) == (
        f"{path}, line 1: the column 'A' cannot mean action, too: it means lead_id",
        f"{path}, line 1: unknown meaning 'mananger'; did you mean manager?",
    )


def test_dates_make_events_of_a_table_of_one_row_a_lead(tmp_path):
    path = write(
        tmp_path / "deals.csv",
        "id,Заявка,Оплата,status,kind\n7,01.02.2025,05.02.2025,won,a\n8,02.02.2025,,open,a\n"
        "9,02.02.2025,03.02.2025,won,b\n",
    )
    mapping = Mapping(dates={"Заявка": "request", "Оплата": "paid"}, where={"kind": "a"})
    log = read_export(path, mapping=mapping)
    events = log.events.assign(day=log.events["at"].dt.day)
    assert events[["lead_id", "day", "action"]].astype(str).values.tolist() == [
        ["7", "1", "request"],
        ["7", "5", "paid"],
        ["8", "2", "request"],
    ]
    assert log.leads["status"].tolist() == ["won", "open"]
    assert log.removed[["reason", "rows"]].values.tolist() == [["where", 2]]
    assert log.rows_read == 5


@pytest.mark.parametrize("column", ["Событие", "phase"])
def test_where_keeps_rows_whatever_its_column_means(tmp_path, column):
    path = write(
        tmp_path / "log.csv",
        "лид,время,Событие,phase\n1,2025-01-01,a,a\n1,2025-01-02,b,b\n1,2025-01-03,c,c\n",
    )
    log = read_export(path, mapping=Mapping(where={column: ["a", "c"]}))
    assert log.events["action"].tolist() == ["a", "c"]
    assert log.removed[["table", "reason", "rows"]].values.tolist() == [["events", "where", 1]]
    assert log.rows_read == 3


def test_where_that_leaves_nothing_is_refused(tmp_path):
    path = write(tmp_path / "log.csv", "лид,время,событие\n1,2025-01-01,a\n")
    (problem,) = problems_of(read_export, path, mapping=Mapping(where={"событие": "z"}))
    assert "leaves no row" in problem and "'z'" in problem


# --- zones, the end of the data, unusable rows


def test_time_zone_beats_the_mapping_which_beats_utc(tmp_path):
    path = write(tmp_path / "log.csv", "lead_id,at,action\n1,2025-01-01 12:00,a\n")
    mapping = Mapping(time_zone="Europe/Moscow")
    logs = [read_export(path), read_export(path, mapping=mapping)]
    logs.append(read_export(path, mapping=mapping, time_zone="Asia/Tokyo"))
    assert [log.events["at"][0].hour for log in logs] == [12, 9, 3]
    assert ["time_zone" in log.assumed for log in logs] == [True, False, False]


def test_mixed_zones_are_noticed_and_a_missing_time_is_none(tmp_path):
    rows = [f"{i},2025-01-01T10:{i:02d}Z,a" for i in range(30)]
    path = write(tmp_path / "log.csv", "\n".join(["lead_id,at,action", *rows, "31,,a"]))
    log = read_export(path)
    assert "mixed_time_zones" not in quality_of(log) and "time_zone" not in log.assumed
    write(path, "\n".join(["lead_id,at,action", *rows, "31,,a", "32,2025-01-01 10:59,a"]))
    log = read_export(path)
    assert quality_of(log)["mixed_time_zones"] == 1 and "time_zone" in log.assumed
    assert check_log(log).set_index("check")["example"]["mixed_time_zones"].startswith("32")


def test_more_than_a_tenth_of_unusable_rows_is_refused_with_the_reasons(tmp_path):
    good = [f"{i},2025-01-01 10:00,a" for i in range(27)]
    bad = [",2025-01-01,a", "x,,a", "y,soon,a"]  # 3 of 30 is a tenth, 4 of 31 more
    path = write(tmp_path / "log.csv", "\n".join(["lead_id,at,action", *good, *bad]))
    assert quality_of(read_export(path))["unreadable_time"] == 1
    write(path, "\n".join(["lead_id,at,action", *good, *bad, "z,2025-01-01,"]))
    (problem,) = problems_of(read_export, path)
    assert problem.startswith(
        "4 of 31 event rows cannot be used (no_action 1, no_lead 1, no_time 1"
    )
    assert "unreadable_time 1), more than a tenth" in problem and "y · soon · a" in problem


def test_broken_rows_are_counted_and_shown_by_their_first_number(tmp_path):
    good = [f"{i},2025-01-01 10:{i},a" for i in range(10, 40)]
    path = write(tmp_path / "log.csv", "\n".join(["lead_id,at,action", *good, "1,2", *good[:0]]))
    log = read_export(path)
    assert log.removed.values.tolist() == [["events", "broken_row", 1, "1…"]]
    assert log.rows_read == 31


def test_every_problem_of_several_files_is_told_at_once(tmp_path):
    write(tmp_path / "a.csv", "x,y\n1,2\n")
    write(tmp_path / "b.csv", "")
    problems = problems_of(read_export, [tmp_path / n for n in ("a.csv", "b.csv")], tmp_path / "c")
    assert [str(p).split(":")[0].split("/")[-1] for p in problems] == ["b.csv", "c"]


def test_ambiguous_columns_are_named(tmp_path):
    events = write(tmp_path / "e.csv", "lead_id,at,action\n7,03/04/2025,a\n")
    leads = write(tmp_path / "l.csv", "lead_id,created_at,closed_at\n7,03/04/2025,05/04/2025\n")
    problems = problems_of(read_export, events, leads)
    assert [p.split(":")[0] for p in problems] == [
        "the time column",
        "the column created_at",
        "the column closed_at",
    ]
    assert all("`day_first: true`" in p for p in problems)


def test_tables_of_leads_are_joined_by_lead(tmp_path):
    (tmp_path / "events.csv").write_text("lead_id,at,action\n1,2025-01-01,ask\n2,2025-01-02,ask\n")
    (tmp_path / "a_leads.csv").write_text("lead_id,manager,team\n1,Anna,\n2,Boris,south\n")
    (tmp_path / "b_leads.csv").write_text("lead_id,team,product\n1,north,iron\n1,x,x\n3,east,\n")
    log = read_export(tmp_path)
    told = log.leads.set_index("lead_id")[["manager", "team", "product"]].fillna("")
    assert told.to_dict("index") == {
        "1": {"manager": "Anna", "team": "north", "product": "iron"},
        "2": {"manager": "Boris", "team": "south", "product": ""},
        "3": {"manager": "", "team": "east", "product": ""},
    }
    assert log.removed[["reason", "rows"]].to_numpy().tolist() == [["lead_row_repeated", 1]]


def test_ids_of_spreadsheets_lose_their_decimals(tmp_path):
    events = write(tmp_path / "e.csv", "lead_id,at,action\n7,2025-01-01,x\n8,2025-01-02,x\n")
    leads = write(tmp_path / "l.csv", "lead_id,status\n7.0,won\n8.0,lost\n")
    log = read_export(events, leads)
    assert log.leads[["lead_id", "status"]].values.tolist() == [["7", "won"], ["8", "lost"]]
    table = pd.DataFrame({"lead_id": [12345678901.0, None], "at": "2025-01-01", "action": "x"})
    table.to_parquet(tmp_path / "e.parquet")
    with pytest.raises(InputError, match="no_lead 1"):
        read_export(tmp_path / "e.parquet")
    table[:1].to_parquet(tmp_path / "e.parquet")
    assert read_export(tmp_path / "e.parquet").leads["lead_id"].tolist() == ["12345678901"]


def test_a_day_ends_by_the_clock_of_its_zone():
    ends = [read_moment(day, "Europe/Berlin", "x") for day in ("2025-10-26", "2025-03-30")]
    assert [f"{end:%H:%M:%S}" for end in ends] == ["22:59:59", "21:59:59"]


def test_a_name_that_is_taken_gets_the_next_number(tmp_path):
    text = "lead_id,at,action,a,a,a (2)\n1,2025-01-01,x,p,q,r\n"
    log = read_export(write(tmp_path / "a.csv", text))
    assert log.events.iloc[0, 4:].to_dict() == {"a": "p", "a (2)": "q", "a (2) (2)": "r"}


def test_a_day_far_away_is_no_error_in_any_zone(tmp_path):
    text = "lead_id,at,action\n" + "".join(
        f"{n},2025-01-02 10:00:00,x\n" for n in range(20)
    ) + "9,9999-12-31 23:59:59,x\n"  # fmt: skip
    log = read_export(write(tmp_path / "a.csv", text), time_zone="America/New_York")
    assert log.removed.set_index("reason").loc["unreadable_time", "rows"] == 1


def test_a_column_may_be_called_like_anything(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("lead_id,at,action,self,args\na,2025-01-01,ask,1,x\n", encoding="utf-8")
    assert read_export(path).events["self"].tolist() == ["1"]


def test_a_cell_names_its_currency_before_the_header_does(tmp_path):
    (tmp_path / "a.csv").write_text(
        "lead_id,at,action,Сумма руб.\n1,2025-01-01,ask,$500\n2,2025-01-01,ask,500\n", "utf-8"
    )
    mapping = Mapping(columns={"amount": "Сумма руб."}, lead_columns={"amount": "last"})
    leads = read_export(tmp_path / "a.csv", mapping=mapping).leads
    assert leads["amount"].tolist() == [500, 500] and leads["currency"].tolist() == ["USD", "RUB"]
