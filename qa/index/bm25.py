"""Lexical retrieval: BM25 over the passages of one audience. The only module that knows tantivy."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tantivy

from qa.errors import REBUILD, DamagedGeneration, StorageFailed
from qa.storage.io_faults import opened_by_library, private_copy
from qa.text.english import (
    CONTRACTIONS_WITHOUT_APOSTROPHE,
    FILLER_WORDS,
    FUNCTION_WORDS,
    NAMES_OF_RELATIVES,
    POSSESSIVES,
    RELATIVES,
    WORDS_AFTER_HOW,
    WORDS_BEFORE_RELATIVES,
)

_ANALYZER = "clinic_english"
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_APOSTROPHE = re.compile("['’]")
_SAY_NOTHING = FUNCTION_WORDS | FILLER_WORDS | CONTRACTIONS_WITHOUT_APOSTROPHE
_WRITER_HEAP_BYTES = 64_000_000
_LOCK_FILES = (".tantivy-writer.lock", ".tantivy-meta.lock")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a question as it was typed, where it starts, and the index terms that it gives."""

    text: str
    start: int
    terms: tuple[str, ...]


class TermIndex:
    """BM25 over the passages of one audience. Passages are numbered from 0 in the order written."""

    def __init__(self, index: tantivy.Index, gone: Iterable[str] = ()) -> None:
        """`gone` are terms that don't count any more, once for each passage that held one."""
        self._index = index
        self._gone = Counter(gone)
        self._searcher = index.searcher()
        self._schema = index.schema
        self._analyzer = _analyzer()

    @classmethod
    def open(cls, folder: Path) -> "TermIndex":
        """Opens what `write_terms` wrote; check the SHA-256 of its files first.

        Raises DamagedGeneration when a file is missing or tantivy cannot read them, IndexUnavailable when the machine
        cannot read one, and StorageFailed when there is no room for a copy.
        """
        try:
            with private_copy(folder) as copy:
                return opened_by_library(partial(cls._open, copy), copy)
        except ValueError as error:
            raise DamagedGeneration(f"tantivy cannot read {folder}: {error}.", REBUILD) from None

    @classmethod
    def _open(cls, folder: Path) -> "TermIndex":
        index = tantivy.Index.open(str(folder))
        index.config_reader("manual", 0)  # no reloading thread, which would meet the copy being removed
        index.register_tokenizer(_ANALYZER, _analyzer())
        return cls(index)

    def search(self, question: str, limit: int) -> list[tuple[int, float]]:
        """The `limit` best (passage number, BM25 score) pairs, best first; empty when no term of the question occurs.

        The question is data, not a query language: no character of it is an operator.
        """
        clauses = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "text", term))
            for term in dict.fromkeys(self._analyzer.analyze(question))
        ]
        if not clauses or limit < 1:
            return []
        hits = self._searcher.search(tantivy.Query.boolean_query(clauses), limit, count=False).hits
        addresses = [address for _, address in hits]
        numbers = self._searcher.fast_field_values("passage", addresses)
        pairs = [
            (int(number), float(score))
            for number, (score, _) in zip(numbers, hits, strict=True)
            if number is not None and isinstance(score, float)
        ]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def words_of(self, question: str) -> list[Word]:
        """The words of a question in order, with the terms that the index would hold for each."""
        return [
            Word(match.group(), match.start(), tuple(self._analyzer.analyze(match.group())))
            for match in _WORD.finditer(question)
        ]

    def content_words_of(self, question: str) -> list[Word]:
        """The words of a question that carry its meaning: not "um", nor "long" after "how", nor "aunt" after "my"."""
        words = self.words_of(question)
        keys = [word.text.lower() for word in words]
        return [word for number, word in enumerate(words) if word.terms and not _says_nothing(keys, number)]

    def terms_of(self, text: str) -> frozenset[str]:
        """The terms that the index would hold for a text."""
        return frozenset(self._analyzer.analyze(text))

    def passages_with(self, terms: Sequence[str]) -> list[int]:
        """The numbers of the passages that hold all of some terms, at least one, best first."""
        clauses = [
            (tantivy.Occur.Must, tantivy.Query.term_query(self._schema, "text", term)) for term in dict.fromkeys(terms)
        ]
        if not clauses or not self._searcher.num_docs:
            return []
        hits = self._searcher.search(tantivy.Query.boolean_query(clauses), self._searcher.num_docs, count=False).hits
        numbers = self._searcher.fast_field_values("passage", [address for _, address in hits])
        return [int(number) for number in numbers if number is not None]

    def without(self, passages: Iterable[str]) -> "TermIndex":
        """The same index where some of its passages, given with their headings, hold nothing any more.

        They are found all the same: whoever searches leaves them out.
        """
        return TermIndex(self._index, (term for text in passages for term in self.terms_of(text)))

    def document_frequency(self, term: str) -> int:
        """How many passages hold the term, in their text or headings."""
        return self._searcher.doc_freq("text", term) - self._gone[term]

    def holds(self, term: str) -> bool:
        """Whether any passage, or its headings, holds the term."""
        return self.document_frequency(term) > 0


def _says_nothing(words: Sequence[str], number: int) -> bool:
    """Whether one of a question's lower-case words carries none of its meaning."""
    word = words[number]
    parts = _APOSTROPHE.split(word)
    if _SAY_NOTHING.issuperset(parts) or parts[0] in NAMES_OF_RELATIVES:
        return True
    before = words[max(0, number - WORDS_BEFORE_RELATIVES) : number]
    if parts[0] in RELATIVES:
        return not POSSESSIVES.isdisjoint(before)
    return word in WORDS_AFTER_HOW and before[-1:] == ["how"]


def write_terms(folder: Path, passages: Iterable[tuple[str, str]]) -> None:
    """Writes (headings, text) of each passage into a new tantivy index in `folder`; raises StorageFailed.

    Headings count like the text: as a field of their own, boosted, they ranked worse on three sets (DECISIONS.md).

    One writer thread and one commit give the same segment for the same passages.
    """
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("passage", fast=True)
    builder.add_text_field("text", tokenizer_name=_ANALYZER, index_option="freq")
    try:
        folder.mkdir(parents=True)
        index = tantivy.Index(builder.build(), path=str(folder), reuse=False)
        index.register_tokenizer(_ANALYZER, _analyzer())
        writer = index.writer(heap_size=_WRITER_HEAP_BYTES, num_threads=1)
        for number, (heading, text) in enumerate(passages):
            document = tantivy.Document()
            document.add_unsigned("passage", number)
            document.add_text("text", heading)
            document.add_text("text", text)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
    except (ValueError, OSError) as error:
        raise StorageFailed(f"tantivy cannot write {folder}: {error}.", "Free disk space, then build again.") from None
    for name in _LOCK_FILES:
        (folder / name).unlink(missing_ok=True)
    for path in folder.iterdir():
        path.chmod(folder.stat().st_mode & 0o666)  # tantivy makes some that only their owner may read


def _analyzer() -> tantivy.TextAnalyzer:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )
