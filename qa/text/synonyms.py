"""Synonyms: the editor's `corpus/synonyms.toml`, and the lay words that come with the package.

```toml
# A question that holds one of the words is read with another that the documents say, rather with one further up.
[[same]]
words = ["kyphoplasty", "balloon surgery", "spine cement surgery"]

# `kinds`, where there are any, are particular ones: each is read as the first of the words, never as one another.
[[same]]
words = ["blood thinner", "anticoagulant"]
kinds = ["Eliquis", "warfarin"]

# `unless` holds phrases in which one of the words means something else.
[[same]]
words = ["injection", "shot"]
unless = ["shot of whisky"]
```

`lay_words.toml` has the same form, each group from the most clinical word to the plainest.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from qa.errors import InvalidSynonyms
from qa.storage.files import sha256_of_bytes
from qa.text.spelling import SpellingIndex
from qa.text.words import PhraseTable, key_of, plural

_KEYS = ("words", "kinds", "unless")
_EXAMPLE = '[[same]] and below it words = ["kyphoplasty", "balloon surgery"]'


@dataclass(frozen=True, slots=True)
class SameWords:
    """Phrases that say the same, the preferred one first, phrases that name particular kinds of it, and phrases that
    hold one of these words and mean something else."""

    words: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Synonyms:
    """A file of synonyms as read: no phrase stands in it twice. `sha256` is of the file's bytes.

    What is derived from the groups is made on first use and kept.
    """

    groups: tuple[SameWords, ...] = ()
    sha256: str = sha256_of_bytes(b"")

    @cached_property
    def table(self) -> PhraseTable:
        """Each phrase with the other words of its group, best first; none where it means something else."""
        return PhraseTable(
            [
                (word, group.words[:place] + group.words[place + 1 :])
                for group in self.groups
                for place, word in enumerate(group.words)
            ]
            + [(kind, group.words) for group in self.groups for kind in group.kinds]
            + [(phrase, ()) for group in self.groups for phrase in group.unless]
        )

    @cached_property
    def spelling(self) -> SpellingIndex:
        """The words of the phrases and their plurals, for those who misspell them."""
        return SpellingIndex(dict.fromkeys([*self.single_words, *map(plural, self.single_words)], 1))

    @cached_property
    def single_words(self) -> frozenset[str]:
        """Every word of every phrase, in lower case: these are spelt as meant."""
        return frozenset(
            word for group in self.groups for phrase in (*group.words, *group.kinds) for word in key_of(phrase)
        )


def load_synonyms(path: Path) -> Synonyms:
    """Reads a file of synonyms; one that does not exist holds none.

    Raises InvalidSynonyms, naming the file and the entry, when anything in it is not as it should be: an editor whose
    entry had no effect would not know.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Synonyms()
    except OSError as error:
        raise InvalidSynonyms(
            f"The synonyms {path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from None
    return parse_synonyms(data, path)


def parse_synonyms(data: bytes, path: Path) -> Synonyms:
    """The synonyms in the bytes of the file `path`; raises InvalidSynonyms, naming the file and the entry."""
    try:
        content = tomllib.loads(data.decode("utf-8-sig"))  # some editors put a byte order mark first
    except (ValueError, RecursionError) as error:
        raise InvalidSynonyms(f"The synonyms {path} are not TOML: {error}.", "Correct that line.") from None
    unknown = sorted(set(content) - {"same"})
    if unknown:
        raise InvalidSynonyms(f"The synonyms {path} have an unknown key {unknown[0]!r}.", f"Write {_EXAMPLE}.")
    entries = content.get("same", [])
    if not isinstance(entries, list):
        raise InvalidSynonyms(f"In the synonyms {path}, `same` stands in single brackets.", f"Write {_EXAMPLE}.")
    return Synonyms(tuple(_read_groups(path, entries)), sha256_of_bytes(data))


def packaged_lay_words() -> Synonyms:
    """The lay words for clinical ones that come with the package; they are of no clinic in particular."""
    return load_synonyms(Path(__file__).with_name("lay_words.toml"))


def _read_groups(path: Path, entries: list[Any]) -> Iterator[SameWords]:
    """The groups of a file; raises InvalidSynonyms for the first one that is wrong."""
    owners: dict[tuple[str, ...], int] = {}
    for number, entry in enumerate(entries, start=1):
        problem = _problem_of(entry)
        if problem:
            raise InvalidSynonyms(f"The synonyms {path}, entry {number}: {problem}.", f"Write {_EXAMPLE}.")
        group = SameWords(*(tuple(entry.get(name, ())) for name in _KEYS))
        for phrase in (*group.words, *group.kinds, *group.unless):
            key = key_of(phrase)
            if key in owners:
                raise InvalidSynonyms(
                    f"The synonyms {path}, entry {number}: {phrase!r} stands in entry {owners[key]} already.",
                    "Leave it in one place.",
                )
            owners[key] = number
        yield group


def _problem_of(entry: Any) -> str:
    """What is wrong with one entry by itself; empty when nothing is."""
    if not isinstance(entry, dict):
        return "it is no table"
    unknown = sorted(set(entry) - set(_KEYS))
    if unknown:
        return f"unknown key {unknown[0]!r}"
    for name in _KEYS:
        phrases = entry.get(name, [])
        if not isinstance(phrases, list) or not all(isinstance(phrase, str) for phrase in phrases):
            return f"{name} must be a list of texts in quotation marks"
        empty = [phrase for phrase in phrases if not key_of(phrase)]
        if empty:
            return f"{empty[0]!r} holds no word"
    words, kinds = entry.get("words", []), entry.get("kinds", [])
    if not words or len(words) + len(kinds) < 2:
        return "a group has the word that the documents use, and at least one other"
    return ""
