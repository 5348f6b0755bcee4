"""Which generation is live, and the door through which it is asked: `open_engine(settings).ask("…")`."""

import datetime
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from qa.encoder.protocol import Encoder, EncoderIdentity, Encoders
from qa.encoder.store import EncoderStore
from qa.errors import (
    REBUILD,
    UNUSABLE,
    ClinicQAError,
    IndexUnavailable,
    OtherFormat,
    OutOfService,
    UnknownAudience,
)
from qa.index.generation import open_generation
from qa.index.publication import live_id, publication_mark
from qa.reader.onnx_runtime import OnnxReader
from qa.reader.protocol import Reader
from qa.records import Answer, Audience, Readiness
from qa.search.answer import Considered
from qa.search.catalogue import Catalogue
from qa.search.pipeline import UNOBSERVED, Observer, Searcher
from qa.search.query import DEFAULT_QUOTES, Request, checked_request
from qa.settings import Settings, today
from qa.storage.io_faults import unavailable
from qa.text.synonyms import packaged_lay_words
from qa.text.word_list import packaged_word_list

Reload = Literal["taken_up", "out_of_service", "refused", "failed", "unchanged"]
"""What came of `Engine.reload`: `refused` stands until another publication, `failed` is worth another try."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an engine needs to know of the settings."""

    index_folder: Path
    audiences: tuple[Audience, ...]
    max_false_answer_rate: float
    review_due_days: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.index, settings.serve_audiences, settings.max_false_answer_rate, settings.review_due_days)


class Engine:
    """Follows what is published. Each answer comes from one snapshot of it, and so from one generation alone.

    Where no generation is open, whatever is asked raises why: a kind of IndexUnavailable (NoIndex, OutOfService,
    DamagedGeneration, OtherFormat), UnknownGeneration, ModelUnavailable or StorageFailed.
    """

    def __init__(
        self, settings: EngineSettings, encoders: Encoders, reader: Reader, today: Callable[[], datetime.date]
    ) -> None:
        """Opens no generation yet: `reload` does."""
        self._settings = settings
        self._encoders = encoders
        self._reader = reader
        self._today = today
        self._live: Searcher | None = None
        self._problem: ClinicQAError | None = None
        self._refused_mark: tuple[int, int] | None = None
        self._reloading = threading.Lock()
        self._turn = threading.Lock()
        self._lay_words = packaged_lay_words()
        self._word_list = packaged_word_list()

    @property
    def audiences(self) -> tuple[Audience, ...]:
        """Those that are answered."""
        return self._settings.audiences

    def ask(self, question: str, audience: Audience = "patient", limit: int = DEFAULT_QUOTES) -> Answer:
        """The answer to one question of at most 1,000 characters, with at most `limit` quotes (1 to 10).

        Raises InvalidQuestion, InvalidRequest for another limit and UnknownAudience, besides why nothing is open.
        """
        request = self.request(question, audience, limit)
        (answer,) = self.searcher().answers([request])
        return answer

    def request(self, question: str, audience: Audience = "patient", limit: int = DEFAULT_QUOTES) -> Request:
        """A question that may be asked now, for `ask_all`.

        Raises InvalidQuestion, InvalidRequest for another limit and UnknownAudience, besides why nothing is open.
        """
        request = checked_request(question, audience, limit)
        self._pinned(audience)
        return request

    def ask_all(self, requests: Sequence[Request], observer: Observer = UNOBSERVED) -> list[Answer | Exception]:
        """What each request comes to, all from one generation and with one pass of the encoder.

        An answer is to the bit what it is when asked alone, and what goes wrong with one request is its own outcome.
        """
        live = self._live
        return live.outcomes(requests, observer) if live else [self._why_nothing_is_open() for _ in requests]

    def consider(self, question: str, audience: Audience = "patient") -> Considered:
        """What an answer is made of: a question's passages in order, and how sure an answer from them is.

        Raises InvalidQuestion and UnknownAudience, besides why nothing is open.
        """
        request = self.request(question, audience)
        (considered,) = self.searcher().consider([request])
        return considered

    def searcher(self) -> Searcher:
        """The snapshot that answers now; it answers the same whatever is published later. Raises why there is none."""
        live = self._live
        if live is None:
            raise self._why_nothing_is_open()
        return live

    def catalogue(self, audience: Audience = "patient") -> Catalogue:
        """The documents that an audience may be quoted today; raises UnknownAudience, besides why nothing is open."""
        return self._catalogue(self._pinned(audience), audience)

    def catalogues(self) -> Mapping[Audience, Catalogue]:
        """That of each audience that is answered, all of one generation; empty when none is open."""
        live = self._live
        return {audience: self._catalogue(live, audience) for audience in self.audiences} if live else {}

    def is_review_due(self, review_by: datetime.date) -> bool:
        """Whether a text that is to be reviewed by that day is near it or past it."""
        return review_by <= self._due_by()

    def readiness(self) -> Readiness:
        """Whether questions can be answered; a refused new generation is named while the old one serves."""
        live = self._live
        reason = str(self._problem) if self._problem else ""
        if live is None:
            return Readiness(False, reason)
        manifest = live.generation.manifest
        encoder = manifest.recipe.encoder
        summaries = {name: manifest.audiences[name] for name in self.audiences}
        return Readiness(
            ready=True,
            reason=reason,
            generation=manifest.id,
            built_at=manifest.built_at,
            model=encoder.model.name,
            model_sha256=encoder.model.weights_sha256,
            reader_sha256=live.generation.calibration.reader_sha256 or None,
            documents={name: len(summary.documents) for name, summary in summaries.items()},
            passages={name: summary.passages for name, summary in summaries.items()},
        )

    def reload(self, *, again: bool = False) -> Reload:
        """Takes up the live generation, with its encoder, if another one was published since; nothing else opens one.

        It is opened and checked beside the one that serves, and takes its place in one step. One that is damaged, or
        whose encoder is, is refused until the next publication, and the one open before serves on; `again` looks at it
        once more, since it may have been repaired.
        """
        with self._reloading:
            if again:
                self._refused_mark = None
            live, problem = self._live, str(self._problem or "")
            self._look()
            if self._live is not live:
                return "taken_up" if self._live else "out_of_service"
            if self._problem is not None and not isinstance(self._problem, UNUSABLE):
                return "failed"
            return "refused" if str(self._problem or "") not in {"", problem} else "unchanged"

    def _look(self) -> None:
        folder = self._settings.index_folder
        try:
            mark = publication_mark(folder)
            identifier = live_id(folder)
            if self._live is not None and identifier == self._live.generation.id:
                self._problem = None
                return
            if mark == self._refused_mark:
                return
            self._refused_mark = mark
            self._live = self._open(identifier)
            self._problem = None
        except OutOfService as error:
            self._live = None
            self._problem = error
        except ClinicQAError as error:
            self._problem = error
            if not isinstance(error, UNUSABLE):  # the machine refused this time; the generation may be whole
                self._refused_mark = None
        except (OSError, MemoryError) as error:
            self._problem = unavailable(folder, error)
            self._refused_mark = None
        except Exception as error:  # noqa: BLE001 - whoever looks for withdrawals must never stop looking
            reason = f"The index {folder} could not be opened: {type(error).__name__}."
            self._problem = IndexUnavailable(reason, "It is tried again; `qa verify` checks it.")
            self._refused_mark = None

    def _open(self, identifier: str) -> Searcher:
        generation = open_generation(self._settings.index_folder, identifier, self.audiences)
        if generation.calibration.reads:
            self._prepare_reader(generation.calibration.reader_sha256)
        return Searcher(
            generation,
            self._encoder(generation.manifest.recipe.encoder),
            self._reader,
            generation.calibration.threshold(self._settings.max_false_answer_rate),
            self._lay_words,
            self._word_list,
            self._today,
            self._turn,
        )

    def _prepare_reader(self, named: str) -> None:
        if named != self._reader.sha256:
            raise OtherFormat(
                f"The index was calibrated for another reader ({named[:12]}…) than this version's.",
                REBUILD,
                {"found": named, "expected": self._reader.sha256},
            )
        self._reader.load()

    def _encoder(self, named: EncoderIdentity) -> Encoder:
        live = self._live
        return live.encoder if live and live.encoder.identity == named else self._encoders.open(named)

    def _pinned(self, audience: Audience) -> Searcher:
        if audience not in self.audiences:
            answered = " or ".join(self.audiences)
            raise UnknownAudience("This service does not answer that audience.", f"Ask as {answered}.")
        return self.searcher()

    def _catalogue(self, searcher: Searcher, audience: Audience) -> Catalogue:
        return Catalogue(searcher.generation.audiences[audience], self._today(), self._due_by())

    def _due_by(self) -> datetime.date:
        return self._today() + datetime.timedelta(self._settings.review_due_days)

    def _why_nothing_is_open(self) -> ClinicQAError:
        """A new error each time: one that is raised again keeps the frames, and questions, of all callers."""
        problem = self._problem or IndexUnavailable("No index is open.", "Run `qa build`.")
        return type(problem)(problem.message, problem.remedy, problem.detail)


def new_engine(
    settings: Settings,
    encoders: Encoders | None = None,
    today: Callable[[], datetime.date] = today,
    reader: Reader | None = None,
) -> Engine:
    """An engine that has not looked for a generation yet: a server starts without one, and has it look again and again.

    The encoders are those that the index holds and the reader is the packaged one, unless others are given.
    """
    held = EncoderStore(settings.index, settings.encoder_threads)
    return Engine(EngineSettings.of(settings), encoders or held, reader or OnnxReader(), today)


def open_engine(settings: Settings) -> Engine:
    """An engine that answers from the live generation of `settings.index`. `reload` takes up a later one.

    Raises NoIndex when nothing was built, OutOfService, DamagedGeneration or OtherFormat when what was built cannot be
    used, and IndexUnavailable, ModelUnavailable or StorageFailed when the machine is in trouble.
    """
    engine = new_engine(settings)
    engine.reload()
    engine.searcher()
    return engine
