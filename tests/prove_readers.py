"""Claims on reading, tried on random and on damaged files; `prove.py` runs them at length."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from hostile_files import (
    HEADER,
    ROWS,
    log,
    old_excel,
    page,
    records,
    text,
    typed,
    workbook,
)
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from proving import show_row, write_head

from funnel_lib.core.errors import InputError
from funnel_lib.reading.cells.numbers import read_numbers
from funnel_lib.reading.cells.times import YEARS, read_times
from funnel_lib.reading.export import read_export
from funnel_lib.reading.files.tables import EMPTY_WORDS, read_table

# Signs of cells: letters, what delimits and quotes, and what is seldom; no signs that steer.
SIGNS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Z", "Cf"))
CELL = st.text(st.one_of(st.sampled_from(list("\"';,|\t\n <>&=аяЖ0.")), SIGNS), max_size=12)
TABLE = st.integers(2, 5).flatmap(
    lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=1, max_size=12)
)
WORDS = st.sampled_from([
    "Заявка оставлена", "Звонок клиенту", "КП отправлено", "Договор подписан", "Оплата", "Дорого",
    "ООО Ромашка", "Иванов Пётр", "Причина отказа", "не дозвонились", "Встреча", "Щит и меч",
])  # fmt: skip
FORMS = ("csv", "xlsx", "parquet", "json", "jsonl", "html", "xes")
FOLDER = Path(tempfile.mkdtemp(prefix="read-"))
SAMPLES = {
    "a.csv": text().encode(),
    "quoted.csv": text([[f'"{c}"' for c in r] for r in ROWS], by=";").encode("cp1251"),
    "wide.txt": text(by="\t").encode("utf-16"),
    "a.csv.gz": gzip.compress(text().encode()),
    "a.xlsx": workbook([HEADER, *typed()]),
    "a.xls": old_excel([HEADER, *typed()]),
    "a.json": json.dumps({"result": {"items": records()}, "total": 12}).encode(),
    "a.jsonl": "\n".join(map(json.dumps, records())).encode(),
    "a.xes": log().encode(),
    "a.html": page().encode(),
}  # fmt: skip


def write(name: str, data: bytes) -> Path:
    """Write a file of the folder of this process."""
    path = FOLDER / name
    path.write_bytes(data)
    return path


def show(frame: pd.DataFrame) -> list[list[str]]:
    """The cells of a table, "" for what is missing, blanks as one."""
    cells = frame.astype(object).where(frame.notna(), "").to_numpy().tolist()
    return [[" ".join(c.split()) for c in row] for row in cells]


def expect(rows: list[list[str]], form: str = "csv") -> list[list[str]]:
    """The cells that must be read: stripped, without rows that hold nothing."""
    rows = [["" if c.strip() in EMPTY_WORDS else " ".join(c.split()) for c in r] for r in rows]
    return [row for row in rows if any(row)] if form != "xes" else rows


def take(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The columns by name; one that nothing fills may not have come up."""
    return table.reindex(columns=names)


# --- claim 1: text comes back


def try_text(
    rows: list[list[str]], delimiter: str, encoding: str, end: str, quote_all: bool, packed: bool
) -> None:
    names = HEADER[: len(rows[0])] + [f"c{i}" for i in range(4, len(rows[0]))]
    kept = io.StringIO(newline="")
    how = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(kept, delimiter=delimiter, quoting=how, lineterminator=end).writerows([names, *rows])
    data = kept.getvalue().encode(encoding)
    path = write("t.csv", gzip.compress(data, 1) if packed else data)
    _compare(path, names, expect(rows))


def _compare(path: Path, names: list[str], must: list[list[str]]) -> None:
    if not must:
        try:
            read_table(path)
        except InputError:
            return
        raise AssertionError("a table without content is read")
    table = read_table(path)
    assert table.broken == ()
    assert show(take(table.frame, names)) == must


ways_of_text = given(
    rows=TABLE, delimiter=st.sampled_from(";,\t|"), end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"]),
    quote_all=st.booleans(), packed=st.booleans(),
)  # fmt: skip


# --- claim 2: old encodings come back


def try_legacy(rows: list[list[str]], delimiter: str, encoding: str) -> None:
    data = text(rows, HEADER[: len(rows[0])], by=delimiter).encode(encoding)
    _compare(write("t.csv", data), HEADER[: len(rows[0])], expect(rows))


ways_of_legacy = given(
    rows=st.lists(st.lists(WORDS, min_size=3, max_size=3), min_size=3, max_size=12),
    delimiter=st.sampled_from(";,\t|"),
    encoding=st.sampled_from(["cp1251", "cp866", "koi8-r", "mac-cyrillic"]),
)


# --- claim 3: the same table from every form


def try_form(rows: list[list[str]], form: str) -> None:
    names = HEADER[: len(rows[0])] + [f"c{i}" for i in range(4, len(rows[0]))]
    path = write(f"t.{form}", write_form(rows, names, form))
    if form == "xes":
        names = ["case:concept:name", *names]
        rows = [["7", *row] for row in rows]
    _compare(path, names, expect(rows, form))


def write_form(rows: list[list[str]], names: list[str], form: str) -> bytes:
    """A table as a file of a form."""
    dicts = [dict(zip(names, row, strict=True)) for row in rows]
    if form == "xlsx":
        return workbook([names, *rows], strings_to_formulas=False, strings_to_urls=False)
    if form == "parquet":
        data = io.BytesIO()
        pa.parquet.write_table(pa.table(pd.DataFrame(rows, columns=names, dtype="str")), data)
        return data.getvalue()
    if form == "html":
        body = [
            f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in row)}</tr>" for row in [names, *rows]
        ]
        return f"<table>{''.join(body)}</table>".encode()
    if form == "xes":
        body = [
            "".join(f"<string key={quoteattr(k)} value={quoteattr(v)}/>" for k, v in row.items())
            for row in dicts
        ]
        events = "".join(f"<event>{row}</event>" for row in body)
        name = '<string key="concept:name" value="7"/>'
        return f"<log><trace>{name}{events}</trace></log>".encode()
    lines = [json.dumps(row, ensure_ascii=False) for row in dicts]
    return (("\n".join(lines)) if form == "jsonl" else f"[{','.join(lines)}]").encode()


ways_of_form = given(rows=TABLE, form=st.sampled_from(FORMS[1:]))


# --- claim 4: quotes are read as a slow reader reads them


def read_slowly(data: str) -> list[list[str]]:
    """Split text sign by sign; a line in which a quote opens that is not closed is left out."""
    rows, place = [], 0
    while place < len(data):
        row, end = _read_row(data, place)
        if row is None:
            end = data.find("\n", place) + 1 or len(data)
        elif row != [""]:
            rows.append(row)
        place = max(end, place + 1)
    return rows


def _read_row(data: str, place: int) -> tuple[list[str] | None, int]:
    cells = []
    while True:
        cell = ""
        if data[place : place + 1] == '"':
            place += 1
            while True:
                if place >= len(data):
                    return None, place
                if data[place] != '"':
                    cell += data[place]
                elif data[place + 1 : place + 2] == '"':
                    cell += '"'
                    place += 1
                else:
                    place += 1
                    break
                place += 1
            if data[place : place + 1] not in ("", ";", "\n") and "\n" in cell:
                return None, place
        while data[place : place + 1] not in ("", ";", "\n"):
            cell += data[place]
            place += 1
        cells.append(cell)
        sign = data[place : place + 1]
        place += 1
        if sign != ";":
            return cells, place


def try_quotes(body: str) -> None:
    must = [[" ".join(c.split()) for c in r] for r in read_slowly(body) if len(r) == 3]
    must = [row for row in must if any(row)]
    try:
        found = show(read_table(write("q.csv", f"a;b;c\n{body}".encode())).frame)
    except InputError:
        found = []
    assert found == must


ways_of_quotes = given(
    body=st.lists(st.sampled_from(['"', '""', ";", "\n", "x", "y z", '";', '"\n', ';"', '\n"']),
                  max_size=40).map("".join))  # fmt: skip


# --- claim 5: damaged files end in a log or a message


def try_damage(name: str, edits: list[tuple[float, int, bytes]]) -> None:
    data = bytearray(SAMPLES[name])
    for where, cut, put in edits:
        place = int(where * len(data))
        data[place : place + cut] = put
    try:
        read_export(write(name, bytes(data)))
    except InputError as error:
        assert all(error.problems)


ways_of_damage = given(
    name=st.sampled_from(sorted(SAMPLES)),
    edits=st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0, 1, 2, 5, 200]),
                   st.binary(max_size=4)), min_size=1, max_size=4))  # fmt: skip


# --- claim 6: any column of texts is times and numbers, or a message

TIMES = st.one_of(
    st.from_regex(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T,]+\d{1,2}:\d\d(:\d\d(\.\d{1,9})?)?)?"
                  r"( ?([AaPp][Mm]|Z|UTC|[+-]\d\d:?\d\d))?", fullmatch=True),
    st.from_regex(r"[0-9]{1,19}(\.[0-9]{1,3})?", fullmatch=True), CELL, st.none(),
)  # fmt: skip
AMOUNTS = st.one_of(
    st.from_regex(r"[-+(]?[$€₽]? ?[0-9]{1,4}([., '\u00a0][0-9]{2,4}){0,3}([.,][0-9]{0,3})?\)?"
                  r"( ?(руб\.|USD|%))?", fullmatch=True),
    st.from_regex(r"[+-]?[0-9.]{1,5}[eE][+-]?[0-9]{1,4}", fullmatch=True), CELL, st.none(),
)  # fmt: skip


def try_values(times: list[str | None], amounts: list[str | None], zone: str, first) -> None:
    texts = pd.Series(times, dtype="str")
    try:
        found, zoned = read_times(texts, first, zone)
        assert found.dropna().dt.year.between(YEARS[0] - 1, YEARS[1] + 1).all()
        assert not (zoned & found.isna()).any() and found[texts.isna()].isna().all()
        alone = pd.concat([read_times(texts[[i]], True if first is None else first, zone)[0]
                           for i in texts.index]) if first is not None else found  # fmt: skip
        pd.testing.assert_series_equal(alone, found)
    except InputError:
        pass
    numbers = read_numbers(pd.Series(amounts, dtype="str"))
    assert not np.isinf(numbers).any()


ways_of_values = given(
    times=st.lists(TIMES, min_size=1, max_size=6),
    amounts=st.lists(AMOUNTS, min_size=1, max_size=6),
    zone=st.sampled_from(["UTC", "Europe/Moscow", "America/New_York"]),
    first=st.sampled_from([None, True, False]),
)  # fmt: skip

CLAIMS: dict[str, tuple[Callable, Callable, int]] = {
    "text comes back: delimiters, quotes, encodings, gz": (ways_of_text, try_text, 8_000),
    "old encodings of Russian words come back": (ways_of_legacy, try_legacy, 8_000),
    "the same table comes back from Excel, Parquet, JSON, a page, XES":
        (ways_of_form, try_form, 6_000),
    "loose quotes are read as a slow reader reads them": (ways_of_quotes, try_quotes, 20_000),
    "damaged files end in a log or a message": (ways_of_damage, try_damage, 8_000),
    "any texts are times and numbers, or a message": (ways_of_values, try_values, 8_000),
}  # fmt: skip


def try_claim(name: str, n_examples: int, first_seed: int = 0) -> None:
    """Try a claim on so many examples; raises what the first that fails raises."""
    ways, claim, _ = CLAIMS[name]
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    how = settings(
        max_examples=n_examples, deadline=None, database=None, suppress_health_check=checks
    )
    seed(first_seed)(how(ways(claim)))()


def prove_readers() -> tuple[str, bool]:
    """Try every claim at length: the table, and whether none failed."""
    lines, fine = write_head(["claim", "random examples", "failures"]), True
    for name, (_, _, n) in CLAIMS.items():
        try:
            try_claim(name, n)
            failure = "0"
        except Exception as error:
            fine, failure = False, f"{type(error).__name__}: {str(error)[:200]}"
        lines.append(show_row(name, f"{n:,}", failure.replace("\n", " ").replace("|", "/")))
    return "\n\n".join([READERS, "\n".join(lines)]), fine


READERS = """\
Random tables (any signs, delimiters and quotes in cells) are written and read again; valid files of
every kind are damaged in one to four places; random texts are read as times and amounts. A failure
is a table that is not the same, or any error that is no message for people."""
