"""A question: as it may be asked, and as an index sees it, with its vectors and the weights of its content words."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qa.encoder.protocol import Encoding, Vectors
from qa.errors import InvalidQuestion, InvalidRequest
from qa.index.bm25 import Word
from qa.index.generation import AudienceIndex
from qa.records import Audience, QuestionWord, Span

MAX_QUESTION_CHARACTERS = 1_000
MAX_QUOTES = 10
DEFAULT_QUOTES = 3
LEAST_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Request:
    """A question that may be asked, for at most `limit` quotes; made by `checked_request`."""

    text: str
    audience: Audience
    limit: int


def checked_request(question: str, audience: Audience, limit: int) -> Request:
    """Raises InvalidQuestion as `checked_question` does, and InvalidRequest for a limit that is not 1 to 10."""
    text = checked_question(question)
    if not 1 <= limit <= MAX_QUOTES:
        raise InvalidRequest(f"limit must lie between 1 and {MAX_QUOTES}.", "Correct it.")
    return Request(text, audience, limit)


def checked_question(question: str) -> str:
    """The question in NFC without outer white space; raises InvalidQuestion, which never holds the question."""
    text = unicodedata.normalize("NFC", question).strip()
    if not text:
        raise InvalidQuestion("The question is empty.", "Send the question as it was asked.")
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise InvalidQuestion(
            f"The question has {len(text):,} characters; at most {MAX_QUESTION_CHARACTERS:,} are taken.", "Shorten it."
        )
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidQuestion("The question holds a NUL or half a surrogate pair.", "Send plain text.")
    return text


@dataclass(frozen=True, slots=True)
class Question:
    """`words` are the content words, in order; all words where every one is a function word.

    `has_content` says whether any of them is a content word of two letters or more: without one, nothing is asked.
    """

    text: str
    encoding: Encoding
    words: tuple[QuestionWord, ...]
    has_content: bool = True


def understand(index: AudienceIndex, text: str, encoding: Encoding) -> Question:
    """Finds a question's content words, the encoder's tokens that each consists of, and its weight in the index."""
    content = index.terms.content_words_of(text)
    words = tuple(_weighted(index, word, encoding.token_spans) for word in content or index.terms.words_of(text))
    return Question(text, encoding, words, any(sum(map(str.isalpha, word.text)) >= LEAST_LETTERS for word in content))


def content_tokens(question: Question) -> list[int]:
    """The numbers of the encoder's tokens that stand in content words; all tokens where there are none."""
    tokens = [token for word in question.words for token in word.tokens]
    return tokens or list(range(len(question.encoding.token_spans)))


def word_coverage(question: Question, token_coverage: Vectors) -> Vectors:
    """From the coverage of tokens, shape (passages, tokens), that of content words, shape (passages, words).

    A word is covered as well as its tokens are on average; one that the encoder read no token of (beyond its limit)
    counts as covered, since nothing is known of it.
    """
    covered = np.ones((len(token_coverage), len(question.words)), np.float32)
    read = [number for number, word in enumerate(question.words) if word.tokens]
    if read:
        counts = np.asarray([len(question.words[number].tokens) for number in read])
        tokens = [token for word in question.words for token in word.tokens]
        covered[:, read] = np.add.reduceat(token_coverage[:, tokens], np.cumsum(counts) - counts, axis=1) / counts
    return covered


def _weighted(index: AudienceIndex, word: Word, spans: Sequence[Span]) -> QuestionWord:
    end = word.start + len(word.text)
    tokens = tuple(number for number, span in enumerate(spans) if word.start <= span.start < end)
    frequency = max((index.terms.document_frequency(term) for term in word.terms), default=0)
    weight = math.log(1 + len(index.passages) / (1 + frequency))
    return QuestionWord(word.text, word.start, word.terms, tokens, weight)
