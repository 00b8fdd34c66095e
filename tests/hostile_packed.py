"""Cases of packed and binary tables: gz, Excel, Parquet."""

from __future__ import annotations

import gzip
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
from hostile_files import (
    CUT,
    HEADER,
    MIB,
    ROWS,
    N,
    archive,
    change,
    columns,
    deflate,
    old_excel,
    ole,
    parquet,
    read,
    refuse,
    rezip,
    text,
    typed,
    workbook,
    zip_bomb,
)

CSV = text()
XLSX = workbook([HEADER, *typed()])
PARQUET = parquet(columns())
TWICE = parquet(pa.table(columns()).append_column("action", pa.array(["x"] * N)))

# --- gz

PACKED = gzip.compress(CSV.encode())
read("plain.csv.gz", PACKED)
read("members.csv.gz", gzip.compress(CSV[:100].encode()) + gzip.compress(CSV[100:].encode()))
read("zeros after.csv.gz", PACKED + bytes(512))
read("workbook.xlsx.gz", gzip.compress(XLSX))
refuse("garbage after.csv.gz", PACKED + b"garbage", CUT)
refuse("cut.csv.gz", PACKED[:-12], CUT)
refuse("head only.csv.gz", PACKED[:5], CUT)
refuse("damaged.csv.gz", PACKED[:40] + b"\xff\xff" + PACKED[42:], CUT)
refuse("wrong sum.csv.gz", PACKED[:-6] + b"abcdef", CUT)
refuse("gz in gz.csv.gz", gzip.compress(PACKED), "inside a gz")
refuse("empty inside.csv.gz", gzip.compress(b""), "empty")
refuse("picture.csv.gz", gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(99)), "PNG")
GZ_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\3"
refuse(
    "bomb.csv.gz", lambda _: GZ_HEAD + deflate(CSV.encode() * 2000, 20_000), "64 MiB", alone=True
)
refuse(
    "zeros.csv.gz", lambda _: GZ_HEAD + deflate(bytes(MIB), 10_000), "empty|text|MiB", alone=True
)
refuse(
    "bomb.json.gz", lambda _: GZ_HEAD + deflate(b'{"a": 1}\n' * 99_999, 9_999), "64 MiB", alone=True
)

# --- Excel

SHEET = "xl__worksheets__sheet1_xml"
DATES = [[int(r[0]), datetime.fromisoformat(r[1]), r[2], float(r[3])] for r in ROWS]


def dated(book, sheet, rows=DATES) -> None:
    form = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
    for i, row in enumerate([HEADER, *rows]):
        for j, cell in enumerate(row):
            sheet.write(i, j, cell, form) if j == 1 and i else sheet.write(i, j, cell)


def formulas(book, sheet) -> None:
    for i, row in enumerate([HEADER, *typed()]):
        sheet.write_row(i, 0, row)
        if i:
            sheet.write_formula(i, 2, '="За"&"явка"', value="Заявка")
            sheet.write_formula(i, 4, "=1/0", value="#DIV/0!" if i % 2 else "#N/A")
    sheet.write(0, 4, "error")


def corners(book, sheet) -> None:
    for i, row in enumerate([HEADER, *typed()]):
        sheet.write_row(i, 0, row)
    sheet.write(1_048_575, 16_383, "far")


def styled_far(book, sheet) -> None:
    for i, row in enumerate([HEADER, *typed()]):
        sheet.write_row(i, 0, row)
    for i in range(5, 1_000_000, 9_999):
        sheet.write_blank(i, 16_000, None, book.add_format({"bold": True}))


def far_row(book, sheet) -> None:
    for i in (0, 1_000_000):
        sheet.write_row(i, 0, ["x"] * 26)


def merged(book, sheet) -> None:
    sheet.merge_range(0, 0, 0, 3, "Отчёт по сделкам")
    sheet.merge_range(2, 0, 2, 1, "Сделка")
    sheet.merge_range(2, 2, 2, 3, "Событие")
    for i, row in enumerate([HEADER, *typed()], 3):
        sheet.write_row(i, 0, row)


read("plain.xlsx", XLSX)
read("dates.xlsx", workbook(dated), says="2025-02-01 10:05:00+00:00")
read("dates since 1904.xlsx", workbook(dated, date_1904=True), says="2025-02-01 10:05:00+00:00")
refuse("dates of 1900.xlsx", workbook(lambda b, s: dated(b, s, [[r[0], 59.5, *r[2:]]
       for r in DATES])), "unreadable_time")  # fmt: skip
refuse("serial numbers.xlsx", workbook([HEADER, *([r[0], 45_689.4, *r[2:]] for r in typed())]),
       "unreadable_time")  # fmt: skip
read("formulas and errors.xlsx", workbook(formulas))
read("title and groups.xlsx", workbook(merged))
read("first sheet empty.xlsx", workbook([], [HEADER, *typed()]))
read("two full sheets.xlsx", workbook([HEADER, *typed()], [["other"], ["x"]]))
read("starts at C5.xlsx", workbook([*[[]] * 4, *(["", "", *r] for r in [HEADER, *typed()])]))
read(
    "true and false.xlsx", workbook([[*HEADER, "new"], *([*r, True] for r in typed())]), says="True"
)
read("markup.xlsx", workbook([HEADER, *change(0, "<b>&amp;</b>")]), says="<b>&amp;</b>")
read("styled far out.xlsx", lambda _: workbook(styled_far), alone=True)
refuse("corners.xlsx", lambda _: workbook(corners), "columns", alone=True)
ODD = b"""<worksheet><sheetData><row r='1'><c r = 'A1'><v>1</v></c></row><row r='1048576'>
<c r = 'XFD1048576'><v>1</v></c></row></sheetData></worksheet>"""
refuse("corners, oddly.xlsx", rezip(XLSX, **{SHEET: ODD}), "columns", alone=True)
refuse("far row.xlsx", lambda _: workbook(far_row), "filled cells", alone=True)
refuse("header only.xlsx", workbook([HEADER]), "no rows")
refuse("nothing in it.xlsx", workbook([]), "no sheet")
refuse(
    "no sheets.xlsx", rezip(XLSX, xl__workbook_xml=b"<workbook><sheets/></workbook>"), "no sheet"
)
refuse("no workbook.xlsx", rezip(XLSX, xl__workbook_xml=b""), "cannot be read as Excel")
refuse("sheet cut.xlsx", rezip(XLSX, **{SHEET: b"<worksheet><sheetData><row r='1'><c "}), "Excel")
refuse("sheet gone.xlsx", rezip(XLSX, **{SHEET: None}), "cannot be read as Excel")
refuse("text out of range.xlsx", rezip(XLSX, xl__sharedStrings_xml=b"<sst/>"), "Excel")
refuse("laughs.xlsx", rezip(XLSX, **{SHEET: b'<!DOCTYPE x [<!ENTITY a "aaa"><!ENTITY b "&a;&a;">]>'
       b"<worksheet><sheetData><row><c t='str'><v>&b;</v></c></row></sheetData></worksheet>"}),
       "Excel")  # fmt: skip
ROOM = b'<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
LONG = b"<sst><si><t>" + b"x" * MIB + b"</t></si></sst>"
OFTEN = b"<worksheet><sheetData>" + ROOM * 300_000 + b"</sheetData></worksheet>"
refuse("one text everywhere.xlsx", lambda _: rezip(XLSX, xl__sharedStrings_xml=LONG,
       **{SHEET: OFTEN}), "holds once", alone=True)  # fmt: skip


def zip_trap(size: int):
    """A workbook whose sheet grows to 10 GiB; its header says `size`."""
    rows = b"<row><c><v>1</v></c></row>" * 40_000
    return lambda _: zip_bomb(XLSX, "xl/worksheets/sheet1.xml", deflate(rows, 10_000), size)


refuse("bomb.xlsx", zip_trap(2**32 - 1), "64 MiB", alone=True)
refuse("bomb that lies.xlsx", zip_trap(100), "64 MiB", alone=True)
refuse("cut.xlsx", XLSX[: len(XLSX) // 2], CUT)
refuse("locked.xlsx", ole("EncryptedPackage", bytes(5000)), "password")
read("plain.xls", old_excel([HEADER, *typed()]))
refuse("corners.xls", old_excel([["a", "b"], ["c", "d"]], lambda i, j: (i * 65_535, j * 255)),
       "cells|column", alone=True)  # fmt: skip
refuse("cut.xls", old_excel([HEADER, *typed()])[:1000], "Excel")
refuse("Word named.xls", ole("WordDocument", b"x"), "Word")
refuse("PowerPoint named.xls", ole("PowerPoint Document", b"x"), "PowerPoint")
refuse("macro-free name.docx.csv", archive(word__document_xml="<w/>"), "Word")
refuse("slides.pptx.csv", archive(ppt__presentation_xml="<p/>"), "PowerPoint")
refuse("binary.xlsb", archive(**{"xl__workbook.bin": b"\x83\x01\x00"}), "XLSB")
refuse("open.ods", archive(mimetype="application/vnd.oasis.opendocument.spreadsheet",
       content_xml="<office/>"), "OpenDocument")  # fmt: skip
refuse("tables.zip", archive(**{"a.csv": CSV, "b.csv": CSV}), "unpack")
refuse("empty.zip", archive(), "zip archive")
refuse("zip after zip.xlsx", XLSX + XLSX, "archive|damaged")

# --- Parquet

AT = [datetime.fromisoformat(r[1]) for r in ROWS]
read("plain.parquet", PARQUET)
read("times.parquet", parquet(columns(at=AT)), says="2025-02-01 10:05:00")
read("zoned.parquet", parquet(columns(at=pa.array(AT, pa.timestamp("ns", "Europe/Moscow")))))
read("decimals.parquet", parquet(columns(amount=[Decimal("12.50")] * N)))
read("nested.parquet", parquet(columns(more=[{"a": [{"b": "deep"}], "c": None}] * N)), says="deep")
read("bytes.parquet", parquet(columns(more=[b"\xff\xfe\x00"] * N)), says="fffe00")
read("texts as bytes.parquet", parquet(columns(action=[r[2].encode() for r in ROWS])))
read("odd types.parquet", parquet(columns(
     a=[date(2025, 1, 1)] * N, b=[time(10, 5)] * N, c=pa.nulls(N), d=[float("nan")] * N,
     e=pa.array([timedelta(1)] * N), f=[2**63 - 1] * N, g=[True] * N,
     h=pa.array([2**64 - 1] * N, pa.uint64()), i=pa.array([[("k", 1)]] * N,
     pa.map_(pa.string(), pa.int8())))), says="True")  # fmt: skip
read(
    "categories.parquet",
    parquet(columns(action=pa.array([r[2] for r in ROWS]).dictionary_encode())),
)
refuse("no rows.parquet", parquet(dict.fromkeys(HEADER, pa.array([], pa.string()))), "no rows")
refuse("two of one name.parquet", TWICE, "one name")
refuse("cut.parquet", PARQUET[: len(PARQUET) // 2], "Parquet")
refuse("sign only.parquet", b"PAR1", "Parquet")
refuse("damaged foot.parquet", PARQUET[:-40] + b"\xff" * 20 + PARQUET[-20:], "Parquet")
refuse("damaged data.parquet", PARQUET[:30] + b"\xff" * 99 + PARQUET[129:], "Parquet")
refuse("all alike.parquet", lambda _: parquet(dict.fromkeys(
       HEADER, pa.repeat("x", 20 * MIB).dictionary_encode())), "alike", alone=True)  # fmt: skip
refuse("one text everywhere.parquet", lambda _: parquet(columns(
       action=pa.DictionaryArray.from_arrays(pa.array([0] * 12, pa.int32()), ["x" * 40 * MIB]))),
       "repeats", alone=True)  # fmt: skip
