"""Parquet as a table: texts that come often as a dictionary, nested columns flat, bombs refused."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from funnel_lib.reading.files.headers import MOST_CELLS, check_shape
from funnel_lib.reading.files.json_records import flatten
from funnel_lib.reading.files.packing import MOST_REPEATED, Packer

# Parquet keeps what is alike once; a log in which every row is alike is none.
MOST_ROWS_A_BYTE, MOST_TEXT = 10, 256 << 20
# Bytes before each text that is written out: a column of fewer bytes a row is a dictionary's codes.
_LENGTH = 4


def read_parquet(data: bytes) -> pa.Table:
    """Read a table whose few texts are dictionaries.

    Raises
    ------
    ValueError
        Too many columns, rows that are all alike, or few long texts that stand in too many rows.
    """
    buffer = pa.BufferReader(data)
    file = parquet.ParquetFile(buffer)
    names = file.schema_arrow.names
    check_shape(0, len(names), 0)
    if len({*names}) < len(names):
        raise ValueError("several columns have one name")
    n_rows = file.metadata.num_rows
    if n_rows > MOST_CELLS and n_rows > MOST_ROWS_A_BYTE * len(data):
        raise ValueError(f"{n_rows:,} rows in {len(data):,} bytes: all of them are alike")
    leaves = [file.schema.column(i) for i in range(len(file.schema))]
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    many = _list_written_out(file.metadata, texts)
    coded = parquet.ParquetFile(buffer, read_dictionary=many)
    few = [path for path in texts if path not in many or _may_be_long(coded, path)]
    table = parquet.ParquetFile(buffer, read_dictionary=few).read()
    for column in table.columns:
        _check_repeated(column, len(data))
    return _flatten_nested(table)


def _list_written_out(metadata: parquet.FileMetaData, texts: list[str]) -> list[str]:
    """Which columns have most of their texts written out, and not as codes into a dictionary; it
    takes several times as long to find the same ones among them than just to read them."""
    size = dict.fromkeys(texts, 0)
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        for chunk in (group.column(j) for j in range(group.num_columns)):
            if chunk.path_in_schema in size:
                size[chunk.path_in_schema] += chunk.total_uncompressed_size
    return [path for path, n in size.items() if n > _LENGTH * metadata.num_rows and "." not in path]


def _may_be_long(file: parquet.ParquetFile, path: str) -> bool:
    """Whether a column might take too much room, were each row the longest text that any of its
    dictionaries has; these come with the first row of each group."""
    longest = 0
    for group in range(file.num_row_groups):
        for first in file.iter_batches(1, row_groups=[group], columns=[path], use_threads=False):
            kept = getattr(first.column(0), "dictionary", None)
            if kept is None:
                return True
            longest = max(longest, pc.max(pc.binary_length(kept)).as_py() or 0)
            break
    return longest * file.metadata.num_rows > MOST_TEXT


def _check_repeated(column: pa.ChunkedArray, n_bytes: int) -> None:
    """Refuse a column whose few long texts stand in too many rows."""
    if not pa.types.is_dictionary(column.type) or not column.num_chunks:
        return
    longest = max(pc.max(pc.binary_length(c.dictionary)).as_py() or 0 for c in column.chunks)
    if longest * len(column) <= MOST_TEXT:
        return
    size = sum(
        pc.sum(pc.binary_length(c.dictionary).take(c.indices)).as_py() or 0 for c in column.chunks
    )
    if size > MOST_TEXT and size > MOST_REPEATED * n_bytes:
        raise ValueError(f"a column repeats its texts to {size >> 20:,} MiB; export it as CSV")


def _flatten_nested(table: pa.Table) -> pa.Table:
    """Put structs and lists into columns with dotted names, as JSON's are, after the others."""
    nested = [i for i, t in enumerate(table.schema.types) if pa.types.is_nested(t)]
    if not nested:
        return table
    packer = Packer(table.nbytes)
    for row in zip(*(table.columns[i] for i in nested), strict=True):
        cells: dict[str, str | None] = {}
        cells_of_row = {table.column_names[i]: v.as_py() for i, v in zip(nested, row, strict=True)}
        flatten(cells_of_row, "", cells)
        packer.add(cells)
    plain = [i for i in range(table.num_columns) if i not in nested]
    flat = packer.to_table()
    columns = [*(table.columns[i] for i in plain), *flat.columns]
    names = [*(table.column_names[i] for i in plain), *flat.column_names]
    return pa.Table.from_arrays(columns, names=names)
