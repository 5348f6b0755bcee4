"""The vocabulary of one audience's documents: their words, and the abbreviations that they define.

Collected when an index is built and stored with it, so that a question is read toward the words of the documents that
its audience may see, and of no other.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from qa.errors import REBUILD, DamagedGeneration
from qa.storage.io_faults import read_bytes
from qa.text.english import ALSO_CALLED, ARTICLE, NOT_FIRST_IN_LONG_FORM
from qa.text.spelling import SpellingIndex, american_spelling
from qa.text.words import PhraseTable, base_forms, singular, words_in

_SHORT_FORM = r"[^\W_](?:[^\W_]|[&/-]){1,9}"
_PARENTHESIS = re.compile(r"\(([^()]{2,100})\)")
_ALSO_CALLED = re.compile(rf"^(?:(?:{ALSO_CALLED}|short for)\s+)?(?:{ARTICLE}\s+)?")
_OR = re.compile(rf",?\s+{ALSO_CALLED}\s+(?:{ARTICLE}\s+)?({_SHORT_FORM})(?![\w-])")
_LAST_SHORT_FORM = re.compile(rf"(?<![\w-])({_SHORT_FORM})\s*$")
_BREAK = re.compile(r"[.!?]\s|\n\s*\n|[();:•]|(?:^|\n)\s*[-*–]\s")
_MAX_LONG_FORM_CHARACTERS = 400


@dataclass(frozen=True)
class Vocabulary:
    """What the documents of one audience say.

    `words` maps each word without digits, in lower case and NFC, to how often it occurs, at least once.
    `abbreviations` maps a short form as written, in the singular, to the long form that a document defines it by.
    What is derived from them is made on first use and kept.
    """

    words: Mapping[str, int]
    abbreviations: Mapping[str, str]

    def holds(self, word: str) -> bool:
        """Whether the documents say a lower-case word, or a simple inflection of it."""
        return any(base in self._base_forms for base in base_forms(word))

    @cached_property
    def with_apostrophe(self) -> Mapping[str, str]:
        """The words that have one, by what they are without: "o'brien" by "obrien"."""
        return {word.replace("'", ""): word for word in self.words if "'" in word}

    @cached_property
    def by_american_spelling(self) -> Mapping[str, str]:
        """The words that the British spell otherwise, by how the Americans spell them."""
        spelt = ((american_spelling(word), word) for word in self.words)
        return {american: word for american, word in spelt if american != word}

    @cached_property
    def spelling(self) -> SpellingIndex:
        return SpellingIndex(self.words)

    @cached_property
    def abbreviation_table(self) -> PhraseTable:
        """Short forms read as their long ones, and the other way round."""
        pairs = sorted(self.abbreviations.items())
        return PhraseTable([(short, (long,)) for short, long in pairs] + [(long, (short,)) for short, long in pairs])

    @cached_property
    def _base_forms(self) -> frozenset[str]:
        return frozenset(base for word in self.words for base in base_forms(word))


def collect(texts: Iterable[str]) -> Vocabulary:
    """The vocabulary of canonical texts, headings and titles; the order of the texts makes no difference.

    Of two long forms of one short form, the one defined more often is taken, then the shorter, then the first by
    alphabet.
    """
    words: Counter[str] = Counter()
    defined: dict[str, Counter[str]] = {}
    for text in texts:
        normal = unicodedata.normalize("NFC", text)
        words.update(word.key for word in words_in(normal) if word.key.replace("'", "").isalpha())
        for short, long in definitions_in(normal):
            defined.setdefault(short, Counter())[long] += 1
    abbreviations = {
        short: min(forms.items(), key=lambda form: (-form[1], len(form[0]), form[0]))[0]
        for short, forms in sorted(defined.items())
    }
    return Vocabulary(dict(sorted(words.items())), abbreviations)


def without(vocabulary: Vocabulary, gone: Sequence[str], left: Sequence[str]) -> Vocabulary:
    """What `collect` makes of the texts `left`, given its vocabulary of these and of the texts `gone`.

    It reads what is gone, and of what is left only the texts that may define one of the same abbreviations.
    """
    removed = collect(gone)
    words = {word: count - removed.words.get(word, 0) for word, count in vocabulary.words.items()}
    shorts = removed.abbreviations.keys()
    defined = collect(text for text in left if any(short in text for short in shorts)).abbreviations
    kept = {short: long for short, long in vocabulary.abbreviations.items() if short not in shorts}
    again = {short: long for short, long in defined.items() if short in shorts}
    return Vocabulary(
        {word: count for word, count in words.items() if count > 0}, dict(sorted({**kept, **again}.items()))
    )


def write_vocabulary(path: Path, vocabulary: Vocabulary) -> None:
    """Writes one JSON object: the same vocabulary gives the same bytes. Raises OSError."""
    content = to_jsonable_python({"abbreviations": vocabulary.abbreviations, "words": vocabulary.words})
    path.write_text(json.dumps(content, ensure_ascii=False, sort_keys=True, indent=0) + "\n", "utf-8", newline="\n")


def read_vocabulary(path: Path) -> Vocabulary:
    """Reads what `write_vocabulary` wrote.

    Raises DamagedGeneration when the file is missing or holds anything else, IndexUnavailable when it cannot be read.
    """
    data = read_bytes(path)
    try:
        vocabulary = TypeAdapter(Vocabulary).validate_json(data, strict=True)
    except ValueError as error:
        raise DamagedGeneration(f"{path} is damaged: {type(error).__name__}.", REBUILD) from None
    if any(count < 1 for count in vocabulary.words.values()):
        raise DamagedGeneration(f"{path} is damaged: a word that never occurs.", REBUILD)
    return vocabulary


def definitions_in(text: str) -> Iterator[tuple[str, str]]:
    """Each (short form, long form) that a text defines: "long form (SF)", "SF (long form)" and "long form, or SF".

    The algorithm of Schwartz and Hearst (2003), "A simple algorithm for identifying abbreviation definitions in
    biomedical text": letters of the short form are looked for in the words beside it from right to left, and the first
    one must begin a word. Stricter than theirs, the short form holds two capitals and the long form begins with a word
    that carries meaning, since a patient's page puts much else in parentheses: "a backbone (vertebra)".
    """
    for match in _PARENTHESIS.finditer(text):
        inside = _ALSO_CALLED.sub("", re.split(r"[,;]", match.group(1))[0].strip())
        before = _BREAK.split(text[max(0, match.start() - _MAX_LONG_FORM_CHARACTERS) : match.start()])[-1]
        if re.fullmatch(_SHORT_FORM, inside):
            yield from _definition(inside, before)
        elif last := _LAST_SHORT_FORM.search(before):
            yield from _definition(last.group(1), inside)
    for match in _OR.finditer(text):
        before = _BREAK.split(text[max(0, match.start() - _MAX_LONG_FORM_CHARACTERS) : match.start()])[-1]
        yield from _definition(match.group(1), before)


def _definition(short: str, beside: str) -> Iterator[tuple[str, str]]:
    """The definition of a short form by the end of the text beside it, in the singular; nothing when none fits."""
    is_plural = short.endswith("s") and short[-2:-1].isupper()
    short = short[:-1] if is_plural else short
    if sum(letter.isupper() for letter in short) < 2:
        return
    words = beside.split()[-min(len(short) + 5, 2 * len(short)) :]
    long = _long_form(short, " ".join(words))
    if long is None or len(long) <= len(short) or short in long.split():
        return
    first = long.split()[0].lower()
    if first in NOT_FIRST_IN_LONG_FORM:
        return
    if is_plural:
        head, _, last = long.rpartition(" ")
        long = f"{head} {singular(last)}".lstrip()
    # A capital at the start is most likely that of a sentence or a heading.
    yield short, long if any(letter.isupper() for letter in long[1:]) else long.lower()


def _long_form(short: str, beside: str) -> str | None:
    """The shortest end of `beside` that holds the letters of `short` in order, the first one at the start of a word."""
    place = len(beside) - 1
    for number in range(len(short) - 1, -1, -1):
        letter = short[number].lower()
        if not letter.isalnum():
            continue
        while place >= 0 and (
            beside[place].lower() != letter or (number == 0 and place > 0 and beside[place - 1].isalnum())
        ):
            place -= 1
        if place < 0:
            return None
        place -= 1
    return beside[beside.rfind(" ", 0, place + 1) + 1 :].strip(" ,")
