"""Columns as their file types them, and the same columns as texts.

A file that knows which cells are times or numbers, and keeps a text that comes often once, need not
have them written and read again: what it knows stays, until somebody asks for texts.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_lib.core.errors import CONTROLS
from funnel_lib.core.ordering import as_category, find_letters, find_numbers, find_repeated

# Bytes that a character of `CONTROLS` may begin with.
_CONTROL_BEGIN = np.zeros(256, bool)
_CONTROL_BEGIN[[*(set(range(32)) - {9, 10, 13}), 0x7F, 0xC2, 0xE2]] = True
# Cells that stand for nothing, whatever the column.
EMPTY_WORDS = ("", "NULL", "null", "NaN", "nan", "None", "#N/A", r"\N", "-", "–", "—")
_EMPTY_BEGIN = {word.encode()[0] for word in EMPTY_WORDS if word}
_LONGEST_EMPTY = max(len(word.encode()) for word in EMPTY_WORDS)
# A column is of few texts, and they become categories, where each stands in so many rows.
_ROWS_A_TEXT = 8
_LOOKED_AT = 1_000  # rows, to see whether it is likely


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Give the columns of a table as they are typed.

    Texts are stripped (dtype ``str``; few of them in many rows: ``category``); times, whole numbers
    and floats keep Arrow's types, whole floats become whole numbers; anything else becomes text.
    `EMPTY_WORDS` and NaN are missing.
    """
    with ThreadPoolExecutor() as pool:
        cells = dict(enumerate(pool.map(_type, table.columns)))
    frame = pd.DataFrame(cells, index=pd.RangeIndex(table.num_rows), copy=False)
    return frame.set_axis(table.column_names, axis=1)


def to_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the same frame with its typed columns as texts, as `read_table` promises them.

    Examples
    --------
    >>> table = pa.table({"id": [7.0, None], "at": pa.array([0, 1], pa.timestamp("s", "UTC"))})
    >>> to_texts(to_frame(table)).values.tolist()
    [['7', '1970-01-01 00:00:00Z'], [nan, '1970-01-01 00:00:01Z']]
    """
    kinds = (pd.CategoricalDtype, pd.ArrowDtype)
    typed = [c for c, cells in frame.items() if isinstance(cells.dtype, kinds)]
    frame = frame.copy(deep=False)
    for column in typed:
        frame[column] = show(frame[column])
    return frame


def is_category(cells: pd.Series) -> bool:
    """Whether cells are few texts in many rows."""
    return isinstance(cells.dtype, pd.CategoricalDtype)


def have_few(parts: list[pd.Series]) -> bool:
    """Whether categories of several columns are few for their rows, so that it is quick to join
    them."""
    n_texts = sum(len(cells.cat.categories) for cells in parts)
    return n_texts * _ROWS_A_TEXT <= sum(map(len, parts))


def is_integer(cells: pd.Series) -> bool:
    """Whether the file types cells as whole numbers."""
    return _is_arrow(cells, pa.types.is_integer)


def is_number(cells: pd.Series) -> bool:
    """Whether the file types cells as numbers."""
    return is_integer(cells) or _is_arrow(cells, pa.types.is_floating)


def is_timestamp(cells: pd.Series) -> bool:
    """Whether the file types cells as times."""
    return _is_arrow(cells, pa.types.is_timestamp)


def _is_arrow(cells: pd.Series, is_kind: Callable[[pa.DataType], bool]) -> bool:
    return isinstance(cells.dtype, pd.ArrowDtype) and is_kind(cells.dtype.pyarrow_dtype)


def show(cells: pd.Series) -> pd.Series:
    """Give typed cells as texts; others as they are."""
    if is_category(cells):
        coded = pa.array(cells)
        return _as_series(coded.dictionary.take(coded.indices), cells.index)
    if not isinstance(cells.dtype, pd.ArrowDtype):
        return cells
    return _as_series(_cast(pa.chunked_array(pa.array(cells))), cells.index)


def _type(column: pa.ChunkedArray) -> pd.Series:
    if _is_text(column.type):
        if _repeats(column):
            column = column.dictionary_encode()
        elif (coded := _code_ids(column)) is not None:
            return coded
    kind = column.type
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type) and _has_few(column):
        return _to_categories(column)
    if pa.types.is_float64(kind):
        if _is_whole(column):
            column = column.cast(pa.int64())
        else:
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    elif not pa.types.is_timestamp(kind) and not pa.types.is_integer(kind):
        return _as_series(_strip(_cast(column)))
    return pd.Series(column, dtype=pd.ArrowDtype(column.type))


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _repeats(column: pa.ChunkedArray) -> bool:
    """Whether the first of many texts are few."""
    first = column[:_LOOKED_AT]
    return len(first) == _LOOKED_AT and len(first.unique()) * _ROWS_A_TEXT <= len(first)


def _has_few(column: pa.ChunkedArray) -> bool:
    """Whether a dictionary has few texts for its rows; chunks may share theirs."""
    texts = {c.dictionary.buffers()[-1].address: len(c.dictionary) for c in column.chunks
             if len(c.dictionary)}  # fmt: skip
    return sum(texts.values()) * _ROWS_A_TEXT <= len(column)


def _to_categories(column: pa.ChunkedArray) -> pd.Series:
    """Turn a dictionary into categories, stripped; those that stand for nothing are missing."""
    coded = column.unify_dictionaries().combine_chunks()
    texts = pd.Series(_strip(pa.chunked_array([coded.dictionary])).to_pandas(), dtype="str")
    place, distinct = pd.factorize(texts)  # what is missing is coded -1
    place = place.astype(np.min_scalar_type(-len(place) - 1))
    # Arrow takes by codes as they are, where NumPy would write them all anew, twice as wide.
    codes = pa.array(place).take(coded.indices).fill_null(-1).to_numpy()
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(distinct)))


def _code_ids(column: pa.ChunkedArray) -> pd.Series | None:
    """Turn ids of digits into categories where equal ones stand together, as of one run one is
    looked at; None for other texts, which take longer to be told apart and put in order."""
    first = _strip(column[:_LOOKED_AT]).combine_chunks().drop_null()
    ends = find_repeated(column) if find_numbers(first)[0] is not None else None
    if ends is None:
        return None
    heads = as_category(_as_series(_strip(column.take(pa.array(ends - 1)))))
    codes = np.repeat(heads.codes, np.diff(ends, prepend=0))
    return pd.Series(pd.Categorical.from_codes(codes, dtype=heads.dtype))


def _as_series(texts: pa.ChunkedArray, index: pd.Index | None = None) -> pd.Series:
    return pd.Series(pd.array(texts, dtype="str"), index=index)


def _cast(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_floating(column.type) and _is_whole(column):
            column = column.cast(pa.int64())
        texts = column.cast(pa.string())
    except pa.ArrowException:  # bytes that are no text, durations and other rare types
        cells = [_write(cell) for cell in column.to_pylist()]
        return pa.chunked_array([pa.array(cells, pa.string())])
    return pc.utf8_capitalize(texts) if pa.types.is_boolean(column.type) else texts


def _is_whole(column: pa.ChunkedArray) -> bool:
    """Whether all numbers are whole, as of a column of ids some of which are missing."""
    whole = pc.and_(pc.equal(column, pc.floor(column)), pc.less(pc.abs(column), 2.0**53))
    return pc.all(whole).as_py() is not False


def _write(cell: object) -> str | None:
    if cell is None:
        return None
    return cell.hex() if isinstance(cell, bytes) else str(cell)


def _strip(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Strip texts, without `CONTROLS`, `EMPTY_WORDS` to missing; most columns need neither."""
    texts = _drop_controls(texts)
    seen = [_look_at_ends(chunk) for chunk in texts.chunks if len(chunk)]
    spaced, emptied = (any(of) for of in zip(*seen, strict=True)) if seen else (False, False)
    if spaced:
        texts = pc.utf8_trim_whitespace(texts)
    if not spaced and not emptied:
        return texts
    words = pa.array(EMPTY_WORDS, texts.type)
    return pc.if_else(pc.is_in(texts, words), pa.scalar(None, texts.type), texts)


def _drop_controls(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Leave out of texts what is no text, see `errors.CONTROLS`; seldom more than one look."""
    if not any(_may_hold_controls(find_letters(chunk)[1]) for chunk in texts.chunks):
        return texts
    if not pc.any(pc.match_substring_regex(texts, CONTROLS)).as_py():
        return texts
    return pc.replace_substring_regex(texts, CONTROLS, "")


def _may_hold_controls(letters: np.ndarray) -> bool:
    """Whether any byte may begin a control; plain ASCII is told by two quick looks."""
    if not len(letters) or (letters.min() >= ord(" ") and letters.max() < 0x7F):
        return False
    return bool(_CONTROL_BEGIN[letters].any())


def _look_at_ends(texts: pa.Array) -> tuple[bool, bool]:
    """Whether any text may begin or end with white space, being a blank or less, or beyond ASCII;
    and whether any may be an empty word, by its length and first letter."""
    ends, letters = find_letters(texts)
    length = np.diff(ends)
    if not len(letters) or length.min() == 0:
        return True, True
    short = letters[ends[:-1][length <= _LONGEST_EMPTY]]
    emptied = any((short == letter).any() for letter in _EMPTY_BEGIN)
    if letters.min() > ord(" ") and letters.max() <= 126:  # of most columns no letter is such
        return False, emptied
    outer = (letters[ends[:-1]], letters[ends[1:] - 1])
    return any(of.min() <= ord(" ") or of.max() > 126 for of in outer), emptied
