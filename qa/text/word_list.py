"""The words that are spelt as meant: English ones, and names of medicines.

`english_words.txt.gz` holds 133,000 words of at least 4 letters: those of pyspellchecker's English frequency list (MIT
licence), and those that occur at least twice in the documents of MedQuAD (CC BY 4.0). `medicine_names.txt.gz` holds
23,000 official and brand names of one word, from the FDA's table of UNII names (public domain).
`scripts/make_word_list.py` makes both from these sources.
"""

import gzip
import string
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa.text.english import MEDICINE_STEMS
from qa.text.words import singular

ENGLISH = "english_words.txt.gz"
MEDICINES = "medicine_names.txt.gz"
LEAST_LETTERS = 4
MOST_BYTES = 30

_Words = NDArray[np.bytes_]


@dataclass(frozen=True)
class WordList:
    """English words and names of medicines, in lower case, each file sorted by its bytes, a word a line.

    A file is read when it is first asked, within 60 ms, and kept: 5 MB for both, and 2 MB for the names as texts.
    """

    english: Path
    medicines: Path

    def holds(self, word: str) -> bool:
        """Whether a lower-case word, or its singular, is one of either file."""
        return self.is_medicine(word) or self._is_english(word)

    def is_medicine(self, word: str) -> bool:
        """Whether a lower-case word, or its singular, is the name of a medicine."""
        return any(_held(self._medicines, {word, singular(word)}))

    def one_slip_from(self, word: str) -> tuple[str, ...]:
        """The words of either file that a lower-case word is one slip of the fingers away from, by alphabet."""
        near = one_slip_from(word)
        return tuple(sorted({*_held(self._english, near), *_held(self._medicines, near)}))

    @cached_property
    def medicine_names(self) -> tuple[str, ...]:
        """All names of medicines, by alphabet."""
        return tuple(name.decode() for name in self._medicines.tolist())

    def _is_english(self, word: str) -> bool:
        return any(_held(self._english, {word, singular(word)}))

    @cached_property
    def _english(self) -> _Words:
        return _read(self.english)

    @cached_property
    def _medicines(self) -> _Words:
        return _read(self.medicines)


def packaged_word_list() -> WordList:
    """The word list that comes with the package; it is of no clinic in particular."""
    folder = Path(__file__).parent
    return WordList(folder / ENGLISH, folder / MEDICINES)


def write_words(path: Path, words: Iterable[str]) -> None:
    """Writes a file of a word list; the same words give the same bytes. Raises OSError."""
    content = "\n".join(sorted(set(words), key=str.encode))
    path.write_bytes(gzip.compress(content.encode(), 9, mtime=0))


def one_slip_from(word: str) -> set[str]:
    """All strings that a lower-case word becomes by a letter left out, put in or replaced, or two neighbours exchanged,
    without the word itself."""
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    near = {start + end[1:] for start, end in halves if end}
    near |= {start + end[1] + end[0] + end[2:] for start, end in halves if len(end) > 1}
    for letter in string.ascii_lowercase:
        near |= {start + letter + end for start, end in halves}
        near |= {start + letter + end[1:] for start, end in halves if end}
    return near - {word}


def has_medicine_stem(word: str) -> bool:
    """Whether a lower-case word, or its singular, ends as an international name of a medicine does."""
    return singular(word).endswith(MEDICINE_STEMS)


def _read(path: Path) -> _Words:
    return np.array(gzip.decompress(path.read_bytes()).split(b"\n"), np.bytes_)


def _held(words: _Words, asked: Iterable[str]) -> list[str]:
    """Those of the words asked that a sorted array holds."""
    sought = [word for word in asked if 0 < len(word.encode()) <= words.itemsize and "\0" not in word]
    if not sought:
        return []
    keys = np.array([word.encode() for word in sought], words.dtype)
    places = np.minimum(np.searchsorted(words, keys), len(words) - 1)
    return [word for word, found in zip(sought, words[places] == keys, strict=True) if found]
