"""Which phrases an audience's documents say: with their words next to each other in a sentence, heading or title."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from qa.index.bm25 import TermIndex
from qa.records import Document, Passage
from qa.text.words import BETWEEN_WORDS_OF_A_PHRASE, is_same_word, key_of

_REMEMBERED = 2_000
_ENDING = 3
"""How many letters at the end of a word an inflection may replace."""


class Phrases:
    """Looks phrases up in the passages, and remembers what came of it."""

    def __init__(
        self,
        terms: TermIndex,
        passages: Sequence[Passage],
        documents: Mapping[str, Document],
        expired: Collection[str],
    ) -> None:
        """`expired` are the ids of documents that say nothing any more."""
        self._terms = terms
        self._passages = passages
        self._documents = documents
        self._expired = expired
        self._known: dict[tuple[str, ...], bool] = {}

    def hold(self, phrase: str) -> bool:
        """Whether the words of a phrase stand next to each other somewhere, up to simple inflections; it has one."""
        words = key_of(phrase)
        known = self._known.get(words)
        if known is None:
            known = any(self._stands_in(words, number) for number in self._candidates(words))
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[words] = known
        return known

    def _candidates(self, words: Sequence[str]) -> Iterator[int]:
        """The passages that hold each of the words, wherever."""
        for number in self._terms.passages_with(sorted(self._terms.terms_of(" ".join(words)))):
            if self._passages[number].document_id not in self._expired:
                yield number

    def _stands_in(self, words: Sequence[str], number: int) -> bool:
        passage = self._passages[number]
        document = self._documents[passage.document_id]
        pattern = re.compile(
            BETWEEN_WORDS_OF_A_PHRASE.join(
                rf"(?<!\w)({re.escape(word[: max(2, len(word) - _ENDING)])}[\w'’]*)" for word in words
            ),
            re.IGNORECASE,
        )
        apart = (document.text[start:end] for start, end in passage.sentences)
        return any(
            all(map(is_same_word, key_of(" ".join(match.groups())), words))
            for text in (*apart, *passage.heading_path, document.approval.title)
            for match in pattern.finditer(text)
        )
