"""Cases of JSON, XES and web pages, of files that are no table, and of odd paths."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

from hostile_files import (
    HEADER,
    MIB,
    ROWS,
    N,
    change,
    log,
    page,
    pieces,
    read,
    records,
    refuse,
    text,
)

CSV = text()
RECORDS = records()

# --- JSON

LINES = "\n".join(map(json.dumps, RECORDS))
read("list.json", json.dumps(RECORDS))
read("lines.jsonl", LINES)
read("indented.json", json.dumps(RECORDS, indent=2, ensure_ascii=False))
read("one after another.json", "".join(map(json.dumps, RECORDS)))
for name in ("result", "results", "data", "records", "items", "value"):
    read(f"response under {name}.json", json.dumps({name: RECORDS, "total": N}))
read("embedded.json", json.dumps({"_page": 1, "_embedded": {"events": RECORDS}}))
read("two deep.json", json.dumps({"result": {"items": RECORDS}, "total": N}))
PAGES = [{"result": RECORDS[i : i + 5], "next": i + 5, "total": N} for i in range(0, N + 5, 5)]
read("list of pages.json", json.dumps(PAGES))
read("pages in lines.jsonl", "\n".join(map(json.dumps, PAGES)))
read("pages as lists.json", json.dumps([RECORDS[:5], RECORDS[5:]]))
read("in utf-16.json", json.dumps(RECORDS, ensure_ascii=False).encode("utf-16"))
read("in cp1251.json", json.dumps(RECORDS, ensure_ascii=False).encode("cp1251"))
read("with a mark.json", "\ufeff" + json.dumps(RECORDS))
read(
    "no numbers.json",
    json.dumps([r | {"amount": float("nan"), "b": float("inf")} for r in RECORDS]),
)
read(
    "long whole numbers.json",
    json.dumps([r | {"b": 10**900} for r in RECORDS]),
    says="1" + "0" * 99,
)
read("half signs.json", json.dumps([r | {"b": "\ud800"} for r in RECORDS]))
read("names twice.json", json.dumps(RECORDS).replace('"action"', '"action": "x", "action"'))
read(
    "names that meet.json",
    json.dumps([r | {"a.b": 1, "a": {"b": "last"}} for r in RECORDS]),
    says="last",
)
read("empty names.json", json.dumps([r | {"": 1, " ": 2} for r in RECORDS]))
read("nested.json", json.dumps([r | {"p": {"q": [{"r": True}]}} for r in RECORDS]), says="True")
read(
    "markup.json",
    json.dumps([r | {"action": "<i>&amp;</i>"} for r in RECORDS]),
    says="<i>&amp;</i>",
)
read(
    "50 deep.json", json.dumps([r | {"d": json.loads("[" * 50 + "7" + "]" * 50)} for r in RECORDS])
)
refuse(
    "one object.json",
    json.dumps(RECORDS[0] | {"id": 1}).replace('"at"', '"when"'),
    "no column tells",
)
refuse("empty list.json", "[]", "no records")
refuse("empty object.json", "{}", "no rows")
refuse("empty response.json", '{"result": [], "total": 0}', "no records")
refuse("numbers.json", "[1, 2]", "expected objects")
refuse("error.json", '{"error": "expired_token"}', "no column tells")
refuse("comma at the end.json", json.dumps(RECORDS)[:-1] + ",]", "line 1")
refuse("comments.json", "// mine\n" + json.dumps(RECORDS), "cannot be used|no column tells|cells")
refuse("comment inside.json", json.dumps(RECORDS).replace("{", "{ /* */", 1), "JSON")
refuse("cut.json", json.dumps(RECORDS)[:300], "JSON")
refuse("text after.json", json.dumps(RECORDS) + "]", "after the end")
refuse("single quotes.json", str(RECORDS), "JSON")
refuse("a long number.json", '[{"a": ' + "9" * 5_000 + "}]", "number of 5,000")
refuse("10,000 deep.json", "[" * 10_000 + "]" * 10_000, "100 levels")
refuse("10,000 deep, named.json", '{"a":' * 10_000 + "1" + "}" * 10_000, "100 levels")
refuse("300 deep.json", '[{"a":' + "[" * 300 + "]" * 300 + "}]", "100 levels")
refuse("deeper than memory.json", pieces((b"[" * MIB, 50)), "100 levels", alone=True)
refuse("6,000 columns.json", json.dumps([{f"c{i}": 1 for i in range(6_000)}]), "6,000 columns")
refuse("sparse.json", lambda _: "\n".join(f'{{"c{i % 4_999}": 1}}'
       for i in range(400_000)), "filled cells", alone=True)  # fmt: skip
refuse("long names.json", json.dumps([{"k" * 999: {"k" * 99: 1}}]), "name of more")
LISTS = pieces(b'{"id": 1, "a": [', (b"[]," * 8, 2 * MIB), b"[]]}")
refuse("one document of 48 MiB.json", LISTS, "16 MiB", alone=True)
LONG = '{{"lead_id": {}, "at": "2025-02-01T10:00:00", "action": "Заявка", "note": "{}"}}'
read("list of 16 MiB.json", lambda _: "[" + ",\n".join(LONG.format(i, "y" * 99)
     for i in range(100_000)) + "]", rows=100_000, alone=True)  # fmt: skip

# --- XES

DOCTYPE = '<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"{}>]>'
LAUGHS = "".join(
    f'><!ENTITY {b} "{f"&{a};" * 10}"' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
read("plain.xes", log())
read("in utf-16.xes", log().replace("UTF-8", "UTF-16").encode("utf-16"))
read("in cp1251.xes", log().replace("UTF-8", "windows-1251").encode("cp1251"))
read("100,000 deep.xes", log(events='<list key="a">' * 100_000 + "</list>" * 100_000))
read("same key 300 times.xes", log(trace='<string key="a" value="b"/>' * 300), alone=True)
refuse("same key 9,000 times.xes", log(trace='<string key="a" value="b"/>' * 9_000), "5,000")
refuse("laughs.xes", log(head=DOCTYPE.format(LAUGHS)), "DOCTYPE", alone=True)
refuse(
    "external.xes", log(head='<!DOCTYPE log [<!ENTITY a SYSTEM "file:///etc/passwd">]>'), "DOCTYPE"
)
refuse("DTD.xes", log(head='<!DOCTYPE log SYSTEM "x.dtd">'), "DOCTYPE")
refuse("cut.xes", log()[:500], "XES: line")
refuse("unknown entity.xes", log().replace("Заявка", "&x;", 1), "undefined entity")
refuse("no log.xes", "<?xml version='1.0'?><pnml/>", "<pnml>")
refuse("XML of Excel 2003.xls", "<?xml version='1.0'?><Workbook><x/></Workbook>", "<Workbook>")
refuse("trace that repeats.xes", lambda _: f'<log><trace><string key="a" value="{"x" * MIB}"/>'
       f"{'<event/>' * 99_999}</trace></log>", "repeated", alone=True)  # fmt: skip
refuse("keys without end.xes", lambda _: "<log><trace>" + "".join(
       f'<event><string key="k{i}" value="1"/></event>' for i in range(50_000)) + "</trace></log>",
       "columns", alone=True)  # fmt: skip

# --- web pages

read("page.xls", page())
read("page in cp1251.xls", page().replace("utf-8", "windows-1251").encode("cp1251"))
read("page in utf-16.html", page().encode("utf-16"))
read("page of unknown charset.htm", page().replace("utf-8", "punycode"))
read("page, loose.html", "<table><tr><th>" + "<th>".join(HEADER) + "".join(
     "<tr><td>" + "<td>".join(r) for r in ROWS) + "</table>")  # fmt: skip
read("page with a menu.html", page(above="<table><tr><td>Меню</td></tr></table>"))
read("page of tables.html", f"<table><tr><td>{page()}</td><td>x</td></tr></table>")
read("page with a title.html", page().replace("<tr>", "<tr><td colspan=4>Отчёт</td></tr><tr>", 1))
read("page with spans.html", page().replace("<td>1</td>", "<td rowspan=3>1</td>", 1).replace(
     "<td>1</td>", "").replace("<td>1</td>", ""))  # fmt: skip
read(
    "page with marks.html",
    page(change(0, "<b>&#1047;а</b><br>явка &amp; <i>ко</i>")),
    says="За явка & ко",
)
read("page with scripts.html", page(above="<script>'<table><tr><td>'</script><style>td{}</style>"))
refuse("log-in.html", "<!DOCTYPE html><html><form>Пароль<input></form></html>", "log-in page")
refuse("log-in page.csv", "<html><body>Please log in</body></html>", "log-in page")
refuse("page cut.html", page()[:400], "breaks off")
refuse("comment without end.html", pieces(b"<table><tr><td>x<!--", (b"<td>x" * MIB, 5)),
       "does not end", alone=True)  # fmt: skip
refuse(
    "tags without end.html", pieces(b"<table><tr>", (b"<a " * MIB, 4)), "does not end", alone=True
)
SIGNS = pieces(b"<table><tr>", (b"<" * MIB, 5))
refuse("signs without end.html", SIGNS, "breaks off|does not end", alone=True)
refuse("unknown section.html", "<html><![foo[x]]><table>", "does not end|breaks off")
refuse("tables without end.html", "<table>" * 100_000, "inside each other")
refuse("wide spans.html", "<table>" + "<tr>" + "<td colspan=1000>x" * 100 + "</table>", "columns")
HIGH = "<table><tr>" + "<td rowspan=1000>x" * 4_999 + "<tr>" * 99_999 + "</table>"
refuse("high spans.html", HIGH, "repeated", alone=True)
refuse("archive.mht", "MIME-Version: 1.0\n\n<table>", "MHTML")

# --- no tables

for name, sign, what in (
    ("a.pdf", b"%PDF-1.7\n%\xe2\xe3", "PDF"), ("a.rar", b"Rar!\x1a\x07\x01\0", "RAR"),
    ("a.7z", b"7z\xbc\xaf\x27\x1c\0\4", "7z"), ("a.png", b"\x89PNG\r\n\x1a\n", "PNG"),
    ("a.jpg", b"\xff\xd8\xff\xe0", "JPEG"), ("a.gif", b"GIF89a", "GIF"),
    ("a.rtf", b"{\\rtf1", "RTF"), ("a.bz2", b"BZh91AY&SY", "bzip2"),
    ("a.xz", b"\xfd7zXZ\0", "xz"), ("a.zst", b"\x28\xb5\x2f\xfd", "zstd"),
    ("a.tar", b"a.csv".ljust(257, b"\0") + b"ustar", "tar"), ("a.exe", b"\x7fELF\2", "program"),
    ("a.arrow", b"ARROW1\0\0", "Arrow"), ("a.avro", b"Obj\1", "Avro"),
):  # fmt: skip
    refuse(f"{name}.csv", sign + bytes(range(256)) * 20, what)
refuse("noise.csv", b"".join((i * i * 2_654_435_761 % 2**32).to_bytes(4, "little") for i in range(
       2_000)), "no text")  # fmt: skip


def database(path: Path) -> None:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as base:
        base.execute("create table events (lead_id, at)")
        base.commit()


refuse("base.csv", database, "SQLite")

# --- odd paths


def folder_of(name: str | None) -> object:
    def make(path: Path) -> None:
        path.mkdir(exist_ok=True)
        if name:
            (path / name).write_text(CSV)

    return make


def link_to(target: str):
    def make(path: Path) -> None:
        path.unlink(missing_ok=True)
        path.symlink_to(target.replace("{name}", path.name))

    return make


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def door(path: Path) -> None:
    path.unlink(missing_ok=True)
    with closing(socket.socket(socket.AF_UNIX)) as end:
        os.chdir(path.parent)
        end.bind(path.name)


def hidden(path: Path) -> None:
    path.write_text(CSV)
    path.chmod(0)


def sparse(size: int, start: bytes = b""):
    def make(path: Path) -> None:
        path.write_bytes(start)
        os.truncate(path, size)

    return make


read("folder.csv", folder_of("a.csv"))
read("folder with a page", folder_of("a.htm"))
refuse("empty folder.csv", folder_of(None), "no table in this folder")
refuse("folder of others", folder_of("a.docx"), "no table in this folder")
refuse("not there.csv", lambda path: None, "no such file")
refuse("x" * 300 + ".csv", lambda path: None, "cannot be read")
refuse("link to nothing.csv", link_to("nowhere"), "leads nowhere")
refuse("link to itself.csv", link_to("{name}"), "leads nowhere")
read("link to a table.csv", link_to("plain.xes"))
refuse("pipe.csv", pipe, "pipe or a device", alone=True)
refuse("door.csv", door, "pipe or a device", alone=True)
refuse("zeros without end.csv", link_to("/dev/zero"), "pipe or a device", alone=True)
refuse("nothing to read.csv", link_to("/dev/null"), "pipe or a device", alone=True)
refuse("not allowed.csv", hidden, "Permission denied", nobody=True)
refuse("larger than all.csv", sparse(40 << 30), "2 GiB", alone=True)
refuse("hole.csv", sparse(1 << 30), "4 MiB", alone=True)
refuse(
    "hole after a header.csv", sparse(1 << 30, b"lead_id,at,action\n"), "no text|4 MiB", alone=True
)
for name in ("with blanks .csv", "with\nlines.csv", "🙂 имя.csv", "-dash.csv", "'quotes\".csv",
             "%s{0}.csv", "\udcff.csv", "a.b.c.CSV", "\x1b[31m.csv"):  # fmt: skip
    read(name, CSV)
