"""Cases of text tables: encodings, ends of lines, delimiters, quotes, headers, odd cells."""

from __future__ import annotations

import gzip
import json
import re

from hostile_files import (
    HEADER,
    MIB,
    ROWS,
    N,
    change,
    columns,
    log,
    page,
    parquet,
    pieces,
    read,
    records,
    refuse,
    text,
    typed,
    workbook,
)

# --- text: encodings

CSV = text()
for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le",
                 "utf-32-be", "cp1251", "cp866", "koi8-r", "mac-cyrillic"):  # fmt: skip
    read(f"in {encoding}.csv", CSV.encode(encoding))
read("in utf-16-be with a mark.csv", b"\xfe\xff" + CSV.encode("utf-16-be"))
read("two marks.csv", b"\xef\xbb\xbf" * 2 + CSV.encode())
read("in utf-7.csv", CSV.encode("utf-7"), says="+BBcE")
read("capitals in koi8-r.csv", CSV.upper().replace("LEAD_ID,AT,ACTION,AMOUNT", ",".join(HEADER))
     .encode("koi8-r"), says="ЗАЯВКА")  # fmt: skip
read("Portuguese in cp1252.csv", CSV.replace("Заявка", "Criação").encode("cp1252", "replace"),
     says="Criação")  # fmt: skip
read(
    "one damaged byte.csv",
    (text(ROWS * 20)).encode().replace(b"1000.5", b"1000\xff5", 1),
    rows=N + 1,
)
refuse("utf-16 cut.csv", CSV.encode("utf-16")[:-1], "cannot be read as text")
read("surrogates in utf-8.csv", text(ROWS * 20).encode().replace("Оплата".encode(),
     b"\xed\xa0\x80x", 1), rows=N + 1)  # fmt: skip

# --- text: lines and delimiters

for name, end in (("CR", "\r"), ("CRLF", "\r\n"), ("CR CR LF", "\r\r\n"), ("empty lines", "\n\n")):
    read(f"lines end with {name}.csv", text(end=end))
read("lines end anyhow.csv", CSV.replace("\n", "\r", 3).replace("\n", "\r\n", 3))
read("no last end.csv", CSV.rstrip("\n"))
for name, by in (("comma", ","), ("semicolon", ";"), ("tab", "\t"), ("bar", "|")):
    read(f"split by {name}.txt", text(by=by))
read("sep line.csv", "sep=;\r\n" + text(by=";", end="\r\n"))
read("decimal comma.csv", text([[c.replace(".5", ",5") for c in r] for r in ROWS], by=";"))
read("empty last column.csv", text(by=";", end=";\r\n"))
read("two delimiters.csv", text(ROWS * 3) + "9;2025-02-01;x;1\n", rows=N)
refuse("colons.csv", text(by=":"), "no column tells")
read("tab in comma.csv", text(change(0, "За\tявка")), says="За\tявка")

# --- text: quotes

MANY = ROWS + [[str(int(r[0]) + 4), *r[1:]] for r in ROWS]
read("all quoted.csv", text([[f'"{c}"' for c in r] for r in ROWS]))
read("quote never closed, last.csv", text(MANY) + '9,2025-02-01,"x,1\n', rows=2 * N)
read("quote never closed, first.csv", text([["9", "2025-02-01", '"x', "1"], *MANY]), rows=2 * N)
read("quote closed by another.csv", text([["9", "2025-02-01", '"x', "1"], *MANY, ["9",
     "2025-02-02", '"y"', "1"]]), rows=2 * N + 1)  # fmt: skip
read("quote inside a cell.csv", text(change(0, 'За "явка')), says='За "явка')
read("inches.csv", text(change(0, '19" экран')), says='19" экран')
read("quotes not doubled.csv", text(change(0, '"ООО "Ромашка""')), says="ООО Ромашка")
read("quotes doubled.csv", text(change(0, '"ООО ""Ромашка"""')), says='ООО "Ромашка"')
read("lines in a cell.csv", text(change(0, '"За\nявка,\r\nдва"')), says="За\nявка,")
refuse("quote in the header.csv", CSV.replace("action", '"action'), "header")
refuse("a quote in each row.csv", text([[r[0], r[1], '"x', r[3]] for r in ROWS]), "cells")
refuse("single quotes.csv", text([[f"'{c}'" for c in r] for r in ROWS]), "cannot be used")
refuse("line of 200 MiB.csv", pieces(CSV.encode(), (b"x" * MIB, 200)), "4 MiB", alone=True)
refuse("cell of 200 MiB.csv", pieces(CSV.encode(), b'9,2025-02-01,"', (b"x" * 99 + b"\n",
       2 * MIB), b'",1\n'), "8 MiB", alone=True)  # fmt: skip
refuse("quotes only.csv", pieces(CSV.encode(), (b'"' * 99 + b"\n", 250_000)), "cells", alone=True)
refuse("rows of one cell.csv", pieces(CSV.encode(), (b"1\n" * MIB, 5)), "cells", alone=True)
read("empty lines without end.csv", pieces(CSV.encode(), (b"\n" * MIB, 100)), alone=True)
read("cell of 1 MiB.csv", text(change(0, "Заявка" * 100_000)))
read("words of 1 MiB.csv", text(change(0, "Анна-" * 100_000 + " +7 999 123-45-67")), says="… …")

# --- text: shape

for name, data in (
    ("nothing", ""),
    ("blanks", "  \t\n \r\n"),
    ("mark", "\ufeff"),
    ("zeros", "\0" * 99),
):
    refuse(f"{name} only.csv", data, "the file is empty")
refuse("header only.csv", CSV.split("\n")[0], "no rows")
refuse("one cell.csv", "lead_id", "no rows")
refuse("one column.csv", "lead_id\n1\n2\n", "no column tells")
refuse("no header.csv", text(ROWS[1:], ROWS[0]), "no column tells")
refuse("header of numbers.csv", text(header=["1", "2", "3", "4"]), "no column tells")
read(
    "300 columns.csv", text([r + ["x"] * 296 for r in ROWS], HEADER + [f"c{i}" for i in range(296)])
)
refuse("20,000 columns.csv", text([r + ["x"] * 19_996 for r in ROWS], HEADER + [
       f"c{i}" for i in range(19_996)]), "20,000 columns")  # fmt: skip
refuse("commas only.csv", "," * 4_000_000 + "\n1\n", "columns", alone=True)
refuse("same name twice.csv", text([[*r, r[2]] for r in ROWS], [*HEADER, "action"]), "2 columns")
read("empty names.csv", text([[*r, "", "x"] for r in ROWS], [*HEADER, "", ""]))
read("rows too long and short.csv", text(MANY) + "9,2025-02-01\n9,2025-02-01,x,1,2\n", rows=2 * N)
read("title.csv", "Отчёт по сделкам за 2025\n\n" + CSV)
read("title, padded.csv", "Отчёт по сделкам;;;\n;;;\n" + text(by=";"))
read("title and period.csv", "Отчёт, сделки\nПериод:,01.02.2025\n\n" + CSV)
read("two-level header.csv", "Сделка,,Событие,\n" + CSV)
read("total row.csv", text(MANY) + "Итого,,,100\n", rows=2 * N)
for name, cell in (
    ("markup", "<b>За</b><script>alert(1)</script>"), ("command", "=cmd|' /C calc'!A0"),
    ("escape", "\x1b[31mred\x1b[0m"), ("right to left", "\u202egnp.exe"), ("joiner", "a\u200bb"),
    ("zero", "a\0b"), ("bell", "a\x07b"), ("emoji", "🙂" * 50), ("combining", "e" + "\u0301" * 500),
    ("path", "../../etc/passwd"), ("braces", "{0.__class__}%s"), ("backslash", "a\\b\\"),
):  # fmt: skip
    # What steers a terminal or turns the writing goes at reading.
    seen = re.sub("[\0\x07\x1b\u202e]", "", cell)
    read(f"cell with {name}.csv", text(change(0, cell)), says=seen)
read("marks in names.csv", text(header=["\u200blead_id", "at\u200e", "\u00a0action", "amount"]))
refuse("dates of 1900.csv", text([[r[0], "01.01.1900", *r[2:]] for r in ROWS]), "unreadable_time")
refuse("dates beyond all.csv", text([[r[0], "99999-99-99", *r[2:]] for r in ROWS]), "unreadable")
read("amounts beyond all.csv", text([[*r[:3], "1e999"] for r in ROWS]))
read("amount of 10,000 digits.csv", text([[*r[:3], "9" * 10_000] for r in ROWS]))

# --- wrong names

XLSX = workbook([HEADER, *typed()])
PARQUET = parquet(columns())
read("XLSX named.csv", XLSX)
read("CSV named.xlsx", CSV)
read("CSV named.json", CSV)
read("JSON named.csv", json.dumps(records()))
read("Parquet named.csv", PARQUET)
read("XES named.csv", log())
read("page named.csv", page())
read("gz named.csv", gzip.compress(CSV.encode()))
read("CSV named.csv.gz", CSV)
read("TSV named.xls", text(by="\t"))
read("no name", CSV)
