"""One generation with its encoder, and the settings: `ask()`, `ask_all()`, `readiness()`, `reload()`."""

import datetime
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from qa.encoder.protocol import Encoder, Encoders
from qa.errors import (
    UNUSABLE,
    ClinicQAError,
    IndexUnavailable,
    InvalidQuestion,
    InvalidRequest,
    OutOfService,
    UnknownAudience,
    UnknownDocument,
)
from qa.index.calibration import Calibration
from qa.index.generation import AudienceIndex, Generation, open_generation
from qa.index.publication import live_id, publication_mark
from qa.records import Answer, Audience, Document, Passage, RankedPassage, Readiness, Rewriting
from qa.search.answer import Considered, answer
from qa.search.confidence import signals_of
from qa.search.query import Question, understand
from qa.search.query_rewriting import rewritings_of
from qa.search.rank import rank
from qa.search.retrieve import retrieve
from qa.settings import Settings
from qa.storage.io_faults import unavailable
from qa.text.synonyms import packaged_lay_words

MAX_QUESTION_CHARACTERS = 1_000
MAX_QUOTES = 10
DEFAULT_QUOTES = 3
REWRITING_MARGIN = 0.03
"""How much better (in score) the passages must answer another rewriting than the one as typed."""


Reload = Literal["taken_up", "out_of_service", "refused", "failed", "unchanged"]
"""What came of `Engine.reload`: `refused` stands until another publication, `failed` is worth another try."""


class Observer(Protocol):
    """Is told how long each stage of answering took: encode, candidates, rerank, answer."""

    def stage(self, name: str, seconds: float) -> None: ...


class Unobserved:
    """The observer that does not look."""

    def stage(self, name: str, seconds: float) -> None:
        """Forgets it."""


UNOBSERVED = Unobserved()


@dataclass(frozen=True, slots=True)
class _Ranked:
    """One rewriting of a question with its passages in order."""

    index: AudienceIndex
    rewriting: Rewriting
    question: Question
    ranked: Sequence[RankedPassage]

    def beats(self, first: "_Ranked") -> bool:
        """Whether the passages answer this rewriting clearly better than the first one."""
        if not self.ranked or not first.ranked:
            return False
        return self.ranked[0].score > first.ranked[0].score + REWRITING_MARGIN

    def considered(self, calibration: Calibration) -> Considered:
        asks = bool(self.ranked) and self.question.has_content
        signals = signals_of(self.index, self.question, self.ranked) if asks else None
        confidence = calibration.confidence(signals) if signals else 0.0
        return Considered(self.question, self.rewriting, self.ranked, signals, confidence)


@dataclass(frozen=True, slots=True)
class Request:
    """A question that may be asked, from `Engine.request`."""

    text: str
    audience: Audience
    limit: int


@dataclass(frozen=True, slots=True)
class Census:
    """What one audience's index holds today."""

    passages: int
    documents: int
    review_due: int
    expired: int


@dataclass(frozen=True, slots=True)
class Served:
    """A generation and the encoder that it names: what one request is answered with."""

    generation: Generation
    encoder: Encoder


class Engine:
    """Answers from the generation that `reload` opened; whatever is published, each answer comes from one alone."""

    def __init__(
        self,
        settings: Settings,
        encoders: Encoders,
        today: Callable[[], datetime.date],
    ) -> None:
        self._settings = settings
        self._encoders = encoders
        self._today = today
        self._served: Served | None = None
        self._problem: ClinicQAError | None = None
        self._refused_mark: tuple[int, int] | None = None
        self._reloading = threading.Lock()
        self._turn = threading.Lock()  # of all but encoding, which needs no interpreter
        self._lay_words = packaged_lay_words()

    def reload(self, *, again: bool = False) -> Reload:
        """Takes up the live generation, with its encoder, if another one was published since; nothing else opens one.

        It is opened and checked beside the one that serves, and takes its place in one step. One that is damaged, or
        whose encoder is, is refused until the next publication, and the one open before serves on; `again` looks at it
        once more, since it may have been repaired.
        """
        with self._reloading:
            if again:
                self._refused_mark = None
            served, problem = self._served, str(self._problem or "")
            self._look()
            if self._served is not served:
                return "taken_up" if self._served else "out_of_service"
            if self._problem is not None and not isinstance(self._problem, UNUSABLE):
                return "failed"
            return "refused" if str(self._problem or "") not in {"", problem} else "unchanged"

    def _look(self) -> None:
        try:
            mark = publication_mark(self._settings.index)
            identifier = live_id(self._settings.index)
            if self._served is not None and identifier == self._served.generation.id:
                self._problem = None
                return
            if mark == self._refused_mark:
                return
            self._refused_mark = mark
            self._served = self._open(identifier)
            self._problem = None
        except OutOfService as error:
            self._served = None
            self._problem = error
        except ClinicQAError as error:
            self._problem = error
            if not isinstance(error, UNUSABLE):  # the machine refused this time; the generation may be whole
                self._refused_mark = None
        except (OSError, MemoryError) as error:
            self._problem = unavailable(self._settings.index, error)
            self._refused_mark = None
        except Exception as error:  # noqa: BLE001 - whoever looks for withdrawals must never stop looking
            reason = f"The index {self._settings.index} could not be opened: {type(error).__name__}."
            self._problem = IndexUnavailable(reason, "It is tried again; `qa verify` checks it.")
            self._refused_mark = None

    def _open(self, identifier: str) -> Served:
        generation = open_generation(self._settings.index, identifier, self._settings.serve_audiences)
        named = generation.manifest.recipe.encoder
        if self._served is not None and self._served.encoder.identity == named:
            return Served(generation, self._served.encoder)
        return Served(generation, self._encoders.open(named))

    def request(self, question: str, audience: Audience = "patient", limit: int = DEFAULT_QUOTES) -> Request:
        """A question of at most 1,000 characters that may be asked, for at most `limit` quotes (1 to 10).

        Raises InvalidQuestion, InvalidRequest, UnknownAudience, and IndexUnavailable when there is nothing to ask.
        """
        text = checked_question(question)
        if not 1 <= limit <= MAX_QUOTES:
            raise InvalidRequest(f"limit must lie between 1 and {MAX_QUOTES}.", "Correct it.")
        self._pinned(audience)
        return Request(text, audience, limit)

    def ask(self, question: str, audience: Audience = "patient", limit: int = DEFAULT_QUOTES) -> Answer:
        """The answer to one question; raises what `request` raises."""
        (outcome,) = self.ask_all([self.request(question, audience, limit)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def ask_all(self, requests: Sequence[Request], observer: Observer = UNOBSERVED) -> list[Answer | Exception]:
        """What each request comes to, all from one generation and with one pass of the encoder.

        An answer is to the bit what it is when asked alone, and what goes wrong with one request is its own outcome.
        """
        served = self._served
        try:
            if served is None:
                raise self._why_nothing_is_open()
            considered = self._consider_all(served, requests, observer)
            threshold = served.generation.calibration.threshold(self._settings.max_false_answer_rate)
            with self._turn, _timed(observer, "answer"):
                return [
                    answer(served.generation.audiences[request.audience], one, request.limit, threshold)
                    for request, one in zip(requests, considered, strict=True)
                ]
        except Exception as error:  # noqa: BLE001 - an outcome, which the caller raises or answers with
            if len(requests) == 1:
                return [error]
            return [outcome for request in requests for outcome in self.ask_all([request], observer)]

    def consider(self, question: str, audience: Audience = "patient") -> tuple[Considered, AudienceIndex]:
        """A question's passages in order and how sure the answer is, with the index that they are numbered in.

        Raises what `ask` raises.
        """
        served = self._pinned(audience)
        request = Request(checked_question(question), audience, DEFAULT_QUOTES)
        (considered,) = self._consider_all(served, [request], UNOBSERVED)
        return considered, served.generation.audiences[audience]

    def calibration(self) -> Calibration:
        """That of the live generation; raises IndexUnavailable when there is none."""
        return self._pinned(self._settings.serve_audiences[0]).generation.calibration

    def _rewritings(self, served: Served, audience: Audience, text: str) -> tuple[Rewriting, ...]:
        generation = served.generation
        vocabulary = generation.audiences[audience].vocabulary
        return rewritings_of(text, vocabulary, generation.synonyms, self._lay_words, served.encoder.knows_word)

    def _consider_all(self, served: Served, requests: Sequence[Request], observer: Observer) -> list[Considered]:
        """Each question as typed (but for its spelling), or as the rewriting that the passages answer clearly better.

        Another rewriting is tried where the one as typed is not answered, and where the editor's synonyms make it.
        """
        generation = served.generation
        threshold = generation.calibration.threshold(self._settings.max_false_answer_rate)
        rewritings = [self._rewritings(served, request.audience, request.text) for request in requests]
        as_typed = [(request.audience, first) for request, (first, *_) in zip(requests, rewritings, strict=True)]
        best = self._rank_all(served, as_typed, observer)
        considered = [ranked.considered(generation.calibration) for ranked in best]
        others = [
            (number, rewriting)
            for number, (_, *more) in enumerate(rewritings)
            for rewriting in more
            if considered[number].confidence < threshold
            or any(change.kind == "synonym" for change in rewriting.replacements)
        ]
        asked = [(requests[number].audience, rewriting) for number, rewriting in others]
        for (number, _), ranked in zip(others, self._rank_all(served, asked, observer), strict=True):
            if ranked.beats(best[number]):
                best[number] = ranked
                considered[number] = ranked.considered(generation.calibration)
        return considered

    def _rank_all(
        self, served: Served, rewritings: Sequence[tuple[Audience, Rewriting]], observer: Observer
    ) -> list[_Ranked]:
        """Readings, each with its passages in order, by one pass of the encoder."""
        if not rewritings:
            return []
        with _timed(observer, "encode"):
            encodings = served.encoder.encode_questions([rewriting.text for _, rewriting in rewritings])
        found: dict[int, _Ranked] = {}
        for audience in dict.fromkeys(audience for audience, _ in rewritings):
            index = served.generation.audiences[audience]
            own = [number for number, (asked, _) in enumerate(rewritings) if asked == audience]
            with self._turn, _timed(observer, "candidates"):
                questions = [understand(index, rewritings[number][1].text, encodings[number]) for number in own]
                candidates = retrieve(index, questions, self._expired(index))
            with self._turn, _timed(observer, "rerank"):
                for number, question, near in zip(own, questions, candidates, strict=True):
                    found[number] = _Ranked(index, rewritings[number][1], question, rank(index, near, question))
        return [found[number] for number in range(len(rewritings))]

    def _expired(self, index: AudienceIndex) -> set[str]:
        today = self._today()
        return {document.id for document in index.expiring if not _is_valid(document, today)}

    def documents(self, audience: Audience = "patient") -> tuple[Document, ...]:
        """The documents that an audience may be quoted today, by id."""
        index = self._index_of(audience)
        today = self._today()
        return tuple(document for _, document in sorted(index.documents.items()) if _is_valid(document, today))

    def document(self, document_id: str, audience: Audience = "patient") -> Document:
        """Raises UnknownDocument when the audience's index holds none of that id that is valid today."""
        document = self._index_of(audience).documents.get(document_id)
        if document is None or not _is_valid(document, self._today()):
            raise UnknownDocument(f"No approved {audience} document has that id.", "GET /v1/documents lists them.")
        return document

    def passages(self, document: Document, audience: Audience = "patient") -> tuple[Passage, ...]:
        """The passages of that very text in the text's order; none when another generation was taken up meanwhile."""
        index = self._index_of(audience)
        held = index.documents.get(document.id)
        if held is None or held.text_sha256 != document.text_sha256:
            return ()
        own = (passage for passage in index.passages if passage.document_id == document.id)
        return tuple(sorted(own, key=lambda passage: passage.start))

    def is_review_due(self, review_by: datetime.date) -> bool:
        """Whether a text that is to be reviewed by that day is near it or past it."""
        return review_by <= self._review_horizon()

    def _review_horizon(self) -> datetime.date:
        return self._today() + datetime.timedelta(self._settings.review_due_days)

    def census(self) -> Mapping[Audience, Census]:
        """What the index of each served audience holds today; empty when none is open."""
        served = self._served
        names = self._settings.serve_audiences if served else ()
        return {name: self._count(served.generation.audiences[name]) for name in names if served}

    def _count(self, index: AudienceIndex) -> Census:
        today = self._today()
        due_by = self._review_horizon()
        valid = [document for document in index.documents.values() if _is_valid(document, today)]
        due = sum(document.approval.review_by <= due_by for document in valid)
        return Census(len(index.passages), len(valid), due, len(index.documents) - len(valid))

    def readiness(self) -> Readiness:
        """Whether questions can be answered; a refused new generation is named while the old one serves."""
        served = self._served
        reason = str(self._problem) if self._problem else ""
        if served is None:
            return Readiness(False, reason)
        manifest = served.generation.manifest
        encoder = manifest.recipe.encoder
        summaries = {name: manifest.audiences[name] for name in self._settings.serve_audiences}
        return Readiness(
            ready=True,
            reason=reason,
            generation=manifest.id,
            built_at=manifest.built_at,
            model=encoder.model.name,
            model_sha256=encoder.model.weights_sha256,
            documents={name: len(summary.documents) for name, summary in summaries.items()},
            passages={name: summary.passages for name, summary in summaries.items()},
        )

    def _index_of(self, audience: Audience) -> AudienceIndex:
        return self._pinned(audience).generation.audiences[audience]

    def _pinned(self, audience: Audience) -> Served:
        """The generation, with its encoder, that one request is answered from, whatever is published meanwhile."""
        if audience not in self._settings.serve_audiences:
            answered = " or ".join(self._settings.serve_audiences)
            raise UnknownAudience("This service does not answer that audience.", f"Ask as {answered}.")
        served = self._served
        if served is None:
            raise self._why_nothing_is_open()
        return served

    def _why_nothing_is_open(self) -> ClinicQAError:
        """A new error each time: one that is raised again keeps the frames, and questions, of all callers."""
        problem = self._problem or IndexUnavailable("No index is open.", "Run `qa build`.")
        return type(problem)(problem.message, problem.remedy, problem.detail)


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


def _is_valid(document: Document, today: datetime.date) -> bool:
    """A document can expire while its generation serves."""
    expires_on = document.approval.expires_on
    return expires_on is None or expires_on > today


@contextmanager
def _timed(observer: Observer, stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    observer.stage(stage, time.perf_counter() - started)
