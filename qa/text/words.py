"""Tokens and inflections: what a word is, which forms are one word, and where phrases stand in a row of words."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qa.text.english import SIBILANT_ENDINGS, SINGULARS_IN_S, VERB_ENDINGS, VOWELS

_LETTER = r"[\w\u0300-\u036f]"  # with the accents that NFC leaves on their own
_WORD = re.compile(rf"{_LETTER}+(?:['’]{_LETTER}+)*")
_VOWEL = re.compile(f"[{VOWELS}y]")

BETWEEN_WORDS_OF_A_PHRASE = r"(?:\s+|\s?[-‐‑–&/]\s?)"
"""The pattern of what may stand between two words of one phrase: white space or a hyphen."""


class WordSpan(NamedTuple):
    """A word as it stands in a text, at `[start, end)`; hyphens separate words, apostrophes between letters don't."""

    text: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """The word in NFC and lower case, with a straight apostrophe."""
        return unicodedata.normalize("NFC", self.text).lower().replace("’", "'")


def words_in(text: str) -> Iterator[WordSpan]:
    """The words of a text, in order."""
    for match in _WORD.finditer(text):
        yield WordSpan(match.group(), match.start(), match.end())


def singular(word: str) -> str:
    """A lower-case English word without its regular plural ending; other words come back as they are."""
    if len(word) < 3 or word.endswith(SINGULARS_IN_S) or not word.endswith("s"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("es") and word[:-2].endswith(SIBILANT_ENDINGS):
        return word[:-2]
    return word[:-1]


def plural(word: str) -> str:
    """A lower-case English word with its regular plural ending."""
    if word.endswith("y") and word[-2:-1] not in tuple(VOWELS):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(SIBILANT_ENDINGS) else "s")


def base_forms(word: str) -> tuple[str, ...]:
    """What a lower-case English word may be an inflection of, itself first: regular plural, possessive, -ed, -ing.

    These are guesses without a dictionary: "bleeding" gives "bleed" and "bleede". Two words that share a base form are
    taken for one.
    """
    forms = [word]
    stem = word.removesuffix("'s")
    forms += [stem, singular(stem)]
    for ending in VERB_ENDINGS:
        root = stem.removesuffix(ending)
        if root == stem or len(root) < 3 or root.endswith("e") or not _VOWEL.search(root):
            continue
        forms += [root, root + "e"]
        if root[-1] == root[-2]:
            forms.append(root[:-1])
        if ending == "ed" and root.endswith("i"):
            forms.append(root[:-1] + "y")
    return tuple(dict.fromkeys(forms))


def is_same_word(one: str, other: str) -> bool:
    """Whether two lower-case words are the same but for a simple inflection."""
    return one == other or not set(base_forms(one)).isdisjoint(base_forms(other))


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase of a table that stands at the words `[first, last)` of a row, and what it may be read as, best first."""

    first: int
    last: int
    phrase: tuple[str, ...]
    read_as: tuple[str, ...]


class PhraseTable:
    """Phrases with what each may be read as; finds them in a row of words by whole words, up to simple inflections."""

    def __init__(self, rewritings: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        """`rewritings` are pairs (phrase, what it may be read as). A phrase without a word is never found."""
        self._by_first: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
        for phrase, read_as in rewritings:
            words = key_of(phrase)
            for base in base_forms(words[0]) if words else ():
                self._by_first.setdefault(base, []).append((words, read_as))

    def find(self, row: Sequence[str]) -> Iterator[Found]:
        """All phrases that stand in a row of lower-case words, from the left; they may overlap."""
        for first, word in enumerate(row):
            seen: set[tuple[str, ...]] = set()
            for base in base_forms(word):
                for phrase, read_as in self._by_first.get(base, ()):
                    last = first + len(phrase)
                    if phrase in seen or last > len(row):
                        continue
                    if all(is_same_word(a, b) for a, b in zip(row[first + 1 : last], phrase[1:], strict=True)):
                        seen.add(phrase)
                        yield Found(first, last, phrase, read_as)


def key_of(phrase: str) -> tuple[str, ...]:
    """The words of a phrase in lower case: two phrases with one key are the same phrase."""
    return tuple(word.key for word in words_in(phrase))
