"""A question → an answer: rewritings, encoding, candidates, ranking, confidence, and the quotes that they lead to."""

import datetime
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from qa.encoder.protocol import Encoder, Encoding
from qa.index.generation import AudienceIndex, Generation
from qa.reader.protocol import Reader
from qa.records import Answer, Audience, RankedPassage, Rewriting, Signals
from qa.search.answer import Considered, answer
from qa.search.answerability import DISMISSED, read_passages
from qa.search.confidence import signals_of
from qa.search.query import Question, Request, understand
from qa.search.query_rewriting import rewritings_of
from qa.search.query_spelling import Lexicon, certainty_of
from qa.search.rank import rank
from qa.search.retrieve import retrieve
from qa.text.synonyms import Synonyms
from qa.text.word_list import WordList

REWRITING_MARGIN = 0.03
"""How much better (in score) the passages must answer another rewriting than the one as typed."""


class Observer(Protocol):
    """Is told how long each stage of answering took: encode, candidates, rerank, answer."""

    def stage(self, name: str, seconds: float) -> None: ...


class Unobserved:
    """The observer that does not look."""

    def stage(self, name: str, seconds: float) -> None:
        """Forgets it."""


UNOBSERVED = Unobserved()


@dataclass(frozen=True, slots=True, eq=False)
class Searcher:
    """Answers questions from one generation, with the encoder that it names: a snapshot, whatever is published.

    Text is quoted from the confidence `threshold` on, in [0, 1], and never once it has expired. Any number of threads
    may ask; by the lock `turn` they take turns in everything but encoding and reading, which need no interpreter.
    """

    generation: Generation
    encoder: Encoder
    reader: Reader
    threshold: float
    lay_words: Synonyms
    word_list: WordList
    today: Callable[[], datetime.date]
    turn: threading.Lock

    def outcomes(self, requests: Sequence[Request], observer: Observer = UNOBSERVED) -> list[Answer | Exception]:
        """What each request comes to: its answer as `answers` gives it, or what went wrong with this request alone."""
        if len(requests) > 1:
            with suppress(Exception):  # one of them spoils it for all: each is answered alone then
                return list(self.answers(requests, observer))
        return [self._outcome(request, observer) for request in requests]

    def _outcome(self, request: Request, observer: Observer) -> Answer | Exception:
        try:
            return self.answers([request], observer)[0]
        except Exception as error:  # noqa: BLE001 - an outcome, which the caller raises or answers with
            return error

    def answers(self, requests: Sequence[Request], observer: Observer = UNOBSERVED) -> list[Answer]:
        """The answers in order, with one pass of the encoder; each is to the bit what it is when asked alone.

        What goes wrong with one of the requests is raised.
        """
        considered = self.consider(requests, observer)
        with self.turn, _timed(observer, "answer"):
            return [
                answer(one, request.limit, self.threshold) for request, one in zip(requests, considered, strict=True)
            ]

    def consider(self, requests: Sequence[Request], observer: Observer = UNOBSERVED) -> list[Considered]:
        """Each question as typed (but for its spelling), or as the rewriting that the passages answer clearly better.

        Another rewriting is tried where the editor's synonyms make it, where passages are read, and where the one as
        typed is not answered; all that are tried share a second pass of the encoder. What comes out best is read.
        """
        with self.turn:
            rewritings = [self._rewritings(request) for request in requests]
        as_typed = [(request.audience, first) for request, (first, *_) in zip(requests, rewritings, strict=True)]
        best = self._search(as_typed, observer)
        others = [
            (number, rewriting)
            for number, (_, *more) in enumerate(rewritings)
            for rewriting in more
            if self._is_worth_trying(rewriting, best[number])
        ]
        tried = self._search([(requests[number].audience, rewriting) for number, rewriting in others], observer)
        for (number, _), other in zip(others, tried, strict=True):
            if _is_clearly_better(other, best[number]):
                best[number] = other
        return [self._read(one, observer) for one in best] if self.generation.calibration.reads else best

    def _read(self, considered: Considered, observer: Observer) -> Considered:
        """The first passages read: they stand in the order of how sure it is that they answer, before the others."""
        if not considered.ranked or not considered.question.has_content:
            return considered
        confidence_of = partial(self._confidence, considered.rewriting)
        text = considered.rewriting.text
        with _timed(observer, "read"):
            read = read_passages(self.reader, confidence_of, considered.index, text, considered.ranked, self.threshold)
        if not read:
            dismissed = Signals(reader=DISMISSED)
            return replace(considered, signals=dismissed, confidence=confidence_of(dismissed))
        numbers = {one.ranked.passage for one in read}
        others = (passage for passage in considered.ranked if passage.passage not in numbers)
        ranked = (*(one.ranked for one in read), *others)
        surest = max(read, key=lambda one: one.confidence)
        return replace(considered, ranked=ranked, read=read, signals=surest.signals, confidence=surest.confidence)

    def _confidence(self, rewriting: Rewriting, signals: Signals) -> float:
        """That of an answer, times how surely the question was meant as it is read."""
        return certainty_of(rewriting.replacements) * self.generation.calibration.confidence(signals)

    def _rewritings(self, request: Request) -> tuple[Rewriting, ...]:
        index = self.generation.audience_on(request.audience, self.today())
        synonyms, knows_word = self.generation.synonyms, self.encoder.knows_word
        lexicon = Lexicon(index.vocabulary, index.says, synonyms, self.lay_words, self.word_list, knows_word)
        return rewritings_of(request.text, lexicon)

    def _is_worth_trying(self, rewriting: Rewriting, as_typed: Considered) -> bool:
        is_the_editors = any(change.kind == "synonym" for change in rewriting.replacements)
        unknown_yet = self.generation.calibration.reads
        return is_the_editors or unknown_yet or as_typed.confidence < self.threshold

    def _search(self, asked: Sequence[tuple[Audience, Rewriting]], observer: Observer) -> list[Considered]:
        """Each rewriting with its passages in order, by one pass of the encoder."""
        if not asked:
            return []
        with _timed(observer, "encode"):
            encodings = self.encoder.encode_questions([rewriting.text for _, rewriting in asked])
        found: dict[int, Considered] = {}
        for audience in dict.fromkeys(audience for audience, _ in asked):
            own = [number for number, (asking, _) in enumerate(asked) if asking == audience]
            rewritings = [asked[number][1] for number in own]
            with self.turn:
                ranked = self._rank(audience, rewritings, [encodings[number] for number in own], observer)
            found.update(zip(own, ranked, strict=True))
        return [found[number] for number in range(len(asked))]

    def _rank(
        self, audience: Audience, rewritings: Sequence[Rewriting], encodings: Sequence[Encoding], observer: Observer
    ) -> list[Considered]:
        index = self.generation.audience_on(audience, self.today())
        with _timed(observer, "candidates"):
            questions = [
                understand(index, one.text, encoding) for one, encoding in zip(rewritings, encodings, strict=True)
            ]
            candidates = retrieve(index, questions, index.expired)
        with _timed(observer, "rerank"):
            rankings = [rank(index, near, question) for near, question in zip(candidates, questions, strict=True)]
        return [self._judge(index, *one) for one in zip(questions, rewritings, rankings, strict=True)]

    def _judge(
        self, index: AudienceIndex, question: Question, rewriting: Rewriting, ranked: Sequence[RankedPassage]
    ) -> Considered:
        asks = bool(ranked) and question.has_content and not self.generation.calibration.reads
        signals = signals_of(index, question, ranked) if asks else None
        confidence = self._confidence(rewriting, signals) if signals else 0.0
        return Considered(index, question, rewriting, ranked, signals, confidence)


def _is_clearly_better(other: Considered, first: Considered) -> bool:
    if not other.ranked or not first.ranked:
        return False
    return other.ranked[0].score > first.ranked[0].score + REWRITING_MARGIN


@contextmanager
def _timed(observer: Observer, stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    observer.stage(stage, time.perf_counter() - started)
