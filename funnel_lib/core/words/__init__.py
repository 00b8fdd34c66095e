"""Words and numbers as Russian and English readers write them."""

from funnel_lib.core.words.labels import label_table
from funnel_lib.core.words.languages import (
    asking,
    check_language,
    find_shown_words,
    say,
    use_language,
)
from funnel_lib.core.words.notes import Note, noting
from funnel_lib.core.words.numbers import HUGE, NOTHING
from funnel_lib.core.words.sentences import (
    SMALL,
    excludes_zero,
    hint_if_few,
    join_sentences,
    write_amounts,
    write_gain,
)
from funnel_lib.core.words.writing import LANGUAGES, Words, split_path

__all__ = [
    "HUGE", "LANGUAGES", "NOTHING", "SMALL", "Note", "Words", "asking", "check_language",
    "excludes_zero", "find_shown_words", "hint_if_few", "join_sentences", "label_table", "noting",
    "say", "split_path", "use_language", "write_amounts", "write_gain",
]  # fmt: skip
