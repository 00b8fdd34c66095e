"""Any table file as a frame of texts: CSV, TSV, Excel, Parquet, JSON (lines), XES, gz of these.

The kind of a file is told from its first bytes, not from its name. Every cell becomes a text, so
that the same table gives the same log whatever file it came in.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from charset_normalizer import from_bytes
from pyarrow import csv

from funnel_lib.errors import InputError, quote_some
from funnel_lib.readers.xes import XES_MEANINGS, is_xml, read_xes

DELIMITERS = (",", ";", "\t", "|")
# Encodings that exports of the market come in; utf-8 is tried first, and is never wrong if it fits.
LEGACY_ENCODINGS = ["cp1251", "cp866", "koi8_r", "cp1252"]
# Cells that stand for nothing, whatever the column.
EMPTY_WORDS = ("", "NULL", "null", "NaN", "nan", "None", "#N/A", r"\N")
# More control signs than this, and it is a picture or a program, no text.
MOST_CONTROL = 0.005
TABLE_SUFFIXES = (
    ".csv", ".tsv", ".txt", ".xlsx", ".xls", ".parquet", ".jsonl", ".ndjson", ".xes",
)  # fmt: skip


@dataclass(frozen=True)
class RawTable:
    """A table as read: `frame` of texts (missing: NA), the rows that could not be split, and the
    `meanings` (meaning -> column) that the kind of the file tells."""

    path: str
    frame: pd.DataFrame
    broken: tuple[str, ...] = ()
    meanings: dict[str, str] = field(default_factory=dict)


def find_tables(paths: list[str | Path]) -> list[Path]:
    """Give the table files of a list of files and folders, in the order of their names."""
    found: list[Path] = []
    problems = []
    for path in map(Path, paths):
        inside = sorted(p for p in path.iterdir() if _is_table(p)) if path.is_dir() else [path]
        found += inside
        if path.is_dir() and not inside:
            problems.append(f"{path}: no table in this folder (looked for {_SUFFIXES_SHOWN})")
        elif not path.exists():
            problems.append(f"{path}: no such file")
    if problems:
        raise InputError(problems)
    return found


def read_table(path: str | Path) -> RawTable:
    """Read one table file.

    Parameters
    ----------
    path : path of the file

    Returns
    -------
    RawTable. Names and cells are stripped; a name that comes again gets " (2)", " (3)" …; rows
    without content, and columns without a name and without content, are left out. Empty cells and
    `EMPTY_WORDS` are missing.

    Raises
    ------
    InputError
        No such file, not readable, empty, header only, or not the table its first bytes promise.
    """
    data = _read_bytes(path)
    kind = _tell_kind(data, Path(path).name)
    try:
        frame, broken = _READERS[kind](data)
    except (ValueError, TypeError, KeyError, OSError, ImportError, pa.ArrowException) as error:
        what = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise InputError([f"{path}: cannot be read as {kind}: {what}"]) from None
    except Exception as error:  # calamine raises errors of its own, each a plain Exception
        if type(error).__module__.split(".")[0] != "python_calamine":
            raise
        raise InputError([f"{path}: cannot be read as {kind}: {error}"]) from None
    frame = _clean_names(frame).dropna(how="all").reset_index(drop=True)
    if frame.empty and broken:
        shown = quote_some(broken)
        raise InputError([f"{path}: no row has as many cells as the header; e.g. {shown}"])
    if frame.empty:
        raise InputError([f"{path}: the file has a header but no rows"])
    return RawTable(str(path), frame, tuple(broken), XES_MEANINGS if kind == "XES" else {})


_SUFFIXES_SHOWN = ", ".join(TABLE_SUFFIXES) + ", or these with .gz"


def _is_table(path: Path) -> bool:
    """Tell a table in a folder; not the lock files of an open Excel, nor other hidden files."""
    name = path.name.lower().removesuffix(".gz")
    return path.is_file() and name.endswith(TABLE_SUFFIXES) and not name.startswith((".", "~$"))


def _read_bytes(path: str | Path) -> bytes:
    try:
        data = Path(path).read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except FileNotFoundError:
        raise InputError([f"{path}: no such file"]) from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InputError([f"{path}: the gz file is damaged or cut off; export it again"]) from None
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise InputError([f"{path}: the file is empty"])
    return data


def _tell_kind(data: bytes, name: str) -> str:
    if data[:4] == b"PAR1":
        return "Parquet"
    if data[:2] == b"PK" or data[:4] == b"\xd0\xcf\x11\xe0":
        return "Excel"
    if is_xml(data, name):
        return "XES"
    return "JSON" if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else "text"


def _read_text(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    data = _to_utf8(data).lstrip(b"\r\n")
    data = re.sub(rb"^sep=.\r?\n", b"", data) + b"\n"  # a line for Excel; a last line's end
    broken: list[str] = []

    def note(row: csv.InvalidRow) -> str:
        broken.append(row.text)
        return "skip"

    header = _find_header(data)
    delimiter = _find_delimiter(header, data)
    names = _split_header(header, delimiter)
    if not data[len(header) :].strip():
        return pd.DataFrame(columns=names), []
    table = csv.read_csv(
        pa.BufferReader(data),
        read_options=csv.ReadOptions(
            column_names=[str(i) for i in range(len(names))],
            skip_rows_after_names=1,
            use_threads=False,
            block_size=min(max(len(data), 1024), 1 << 26),
        ),
        parse_options=csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note
        ),
        convert_options=csv.ConvertOptions(
            column_types={str(i): pa.string() for i in range(len(names))}, strings_can_be_null=False
        ),
    )
    return _to_texts(table.rename_columns(names)), broken


def _to_utf8(data: bytes) -> bytes:
    """Turn text into UTF-8 without a byte order mark."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16").encode()
    start = data[:4096]
    if len(re.findall(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", start)) > MOST_CONTROL * len(start):
        raise ValueError("this is no text; save the table as CSV (UTF-8) or XLSX")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode("utf-8")
        return data
    except UnicodeDecodeError:
        return _from_legacy(data).encode()


def _from_legacy(data: bytes) -> str:
    """Read text that is no clean UTF-8: UTF-8 with a few damaged bytes, or an old encoding."""
    text = data.decode("utf-8", errors="replace")
    damaged, beyond_ascii = text.count("\ufffd"), len(text) - len(text.encode("ascii", "ignore"))
    if damaged < 0.05 * beyond_ascii:
        return text
    guess = from_bytes(data[:200_000], cp_isolation=LEGACY_ENCODINGS).best()
    return data.decode(guess.encoding if guess else "cp1251", errors="replace")


def _find_header(data: bytes) -> bytes:
    """The first row, which may run over several lines where its names are quoted."""
    found = re.match(rb'(?:"[^"]*"|[^"\r\n])*(?=[\r\n])', data)
    return found[0] if found else data.splitlines()[0]


def _find_delimiter(header: bytes, data: bytes) -> str:
    """The delimiter that splits the header, and the rows below it alike, into the most cells."""
    lines = data[len(header) : 100_000].decode("utf-8", errors="replace").split("\n")[:20]
    above, *below = (re.sub(r'"[^"]*"', "", line) for line in [header.decode("utf-8"), *lines])
    return max(DELIMITERS, key=lambda d: (above.count(d), sum(b.count(d) for b in below)))


def _split_header(header: bytes, delimiter: str) -> list[str]:
    head = csv.read_csv(
        pa.BufferReader(header + b"\n"),
        read_options=csv.ReadOptions(autogenerate_column_names=True),
        parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(strings_can_be_null=False),
    )
    return ["" if v is None else str(v) for column in head.columns for v in column.to_pylist()]


def _read_excel(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    frame = pd.read_excel(
        io.BytesIO(data), engine="calamine", dtype=str, header=None, keep_default_na=False
    )
    if frame.empty:
        return frame, []
    names = frame.iloc[0].astype(str).tolist()
    frame = frame.iloc[1:].set_axis([str(i) for i in range(len(names))], axis=1).astype("str")
    texts = pa.Table.from_pandas(frame, preserve_index=False)
    return _to_texts(texts.rename_columns(names)), []


def _read_parquet(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    return _to_texts(pa.parquet.read_table(pa.BufferReader(data))), []


def _read_json(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    data = _to_utf8(data)
    frame = pd.read_json(
        io.BytesIO(data),
        lines=not data.lstrip().startswith(b"["),
        orient="records",
        dtype=False,
        precise_float=True,
    )
    mixed = [c for c in frame if frame[c].dtype == object]  # numbers among texts, lists, objects
    texts = {c: frame[c].map(str, na_action="ignore").astype("str") for c in mixed}
    return _to_texts(pa.Table.from_pandas(frame.assign(**texts), preserve_index=False)), []


def _read_xes(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    return _to_texts(read_xes(data)), []


def _to_texts(table: pa.Table) -> pd.DataFrame:
    """Cast every column to stripped text, `EMPTY_WORDS` to missing."""
    texts = [_cast(column) for column in table.columns]
    frame = pa.Table.from_arrays(texts, names=[str(i) for i in range(len(texts))]).to_pandas()
    return frame.astype("str").set_axis(table.column_names, axis=1)


def _cast(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_nested(column.type) or pa.types.is_duration(column.type):
        cells = column.to_pandas().map(str, na_action="ignore").astype("str")
        column = pa.chunked_array([pa.array(cells, pa.string())])
    texts = pc.utf8_trim_whitespace(column.cast(pa.string()))
    if pa.types.is_boolean(column.type):
        texts = pc.utf8_capitalize(texts)
    empty = pc.is_in(texts, pa.array(EMPTY_WORDS))
    return pc.if_else(empty, pa.scalar(None, pa.string()), texts)


def _clean_names(frame: pd.DataFrame) -> pd.DataFrame:
    names = pd.Series(["" if pd.isna(n) else str(n).strip() for n in frame.columns], dtype="str")
    nameless = (names == "").to_numpy()
    empty = nameless & frame.isna().all().to_numpy()
    names = names.mask(nameless, "column")
    again = names.groupby(names).cumcount()
    names = names + (" (" + (again + 1).astype("str") + ")").where(again > 0, "")
    return frame.set_axis(names, axis=1).loc[:, ~empty]


_READERS = {
    "text": _read_text, "Excel": _read_excel, "Parquet": _read_parquet, "JSON": _read_json,
    "XES": _read_xes,
}  # fmt: skip
