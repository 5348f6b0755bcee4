"""Lexical candidates by BM25: the only module that knows tantivy."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tantivy

from qa.errors import DamagedGeneration, StorageFailed
from qa.storage.io_faults import opened_by_library, private_copy

_ANALYZER = "clinic_english"
_WORD = re.compile(r"\w+(?:['’]\w+)*")
FUNCTION_WORDS = frozenset(
    """
    a about after again all also am an and any anyone are as at be because been before being but by can cannot
    could d did do does doing don done during else for from get gets getting give go going got had has have
    having he hello her here hers herself hi him himself his how i if in into is it its itself just know let
    like ll m make many may me might mine much must my myself need no not of ok okay on one onto or our ours
    ourselves out over please re s shall she should so some someone still such t take tell than thank thanks
    that the their theirs them themselves then there these they thing things this those to too under up upon
    us use used ve very want was we were what when where whether which while who whom whose why will with
    would yes yet you your yours yourself yourselves
    """.split()  # noqa: SIM905 - a list would take 140 lines
)
"""Words that ask or connect; that no text holds them says nothing."""
MEASURES = frozenset(
    {
        "bad",
        "big",
        "common",
        "deep",
        "far",
        "fast",
        "high",
        "large",
        "likely",
        "long",
        "often",
        "old",
        "quickly",
        "small",
    }
    | {"soon", "tall", "wide"}
)
"""Words after "how" that ask for a quantity; a text that gives it hardly says them."""
RELATIVES = frozenset(
    """
    aunt boyfriend brother dad daddy father fiance friend girlfriend grandfather grandma grandmother grandpa granny
    husband mom mommy mother mum nana neighbor neighbour parents partner sister spouse uncle wife
    """.split()  # noqa: SIM905
)
"""Who is asked for, after "my" or "our": to the documents, a patient like any other."""
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

    def __init__(self, index: tantivy.Index) -> None:
        self._index = index
        self._searcher = index.searcher()
        self._schema = index.schema
        self._analyzer = _analyzer()

    @classmethod
    def open(cls, folder: Path) -> "TermIndex":
        """Raises DamagedGeneration when tantivy cannot read the folder; check its files' SHA-256 first.

        Raises what `private_copy` raises.
        """
        try:
            with private_copy(folder) as copy:
                return opened_by_library(partial(cls._open, copy), copy)
        except ValueError as error:
            raise DamagedGeneration(f"tantivy cannot read {folder}: {error}.", "Run `qa build`.") from None

    @classmethod
    def _open(cls, folder: Path) -> "TermIndex":
        index = tantivy.Index.open(str(folder))
        index.config_reader("manual", 0)  # no thread that reloads, and meets the copy being removed
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
        """The words of a question that carry its meaning: not "long" after "how", "mom" after "my"."""
        words = self.words_of(question)
        before = ["", *(word.text.lower() for word in words)]
        return [
            word
            for word, previous in zip(words, before, strict=False)
            if word.terms
            and not FUNCTION_WORDS.issuperset(re.split(r"['’]", word.text.lower()))
            and not (previous == "how" and word.text.lower() in MEASURES)
            and not (previous in {"my", "our"} and re.split(r"['’]", word.text.lower())[0] in RELATIVES)
        ]

    def terms_of(self, text: str) -> frozenset[str]:
        """The terms that the index would hold for a text."""
        return frozenset(self._analyzer.analyze(text))

    def document_frequency(self, term: str) -> int:
        """How many passages hold the term, in their text or headings."""
        return self._searcher.doc_freq("text", term)

    def holds(self, term: str) -> bool:
        """Whether any passage, or its headings, holds the term."""
        return self.document_frequency(term) > 0


def write_terms(folder: Path, passages: Iterable[tuple[str, str]]) -> None:
    """Writes (headings, text) of each passage into a new tantivy index in `folder`; raises StorageFailed.

    Headings count like the text: apart and boosted, they ranked worse on three sets (DECISIONS.md).

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
