"""What the bench is asked to do and what it measured of Clinic QA: frozen records, printed as JSON."""

from dataclasses import dataclass
from pathlib import Path

from qa.records import Audience
from scripts.bench.encoder import EncoderLimit
from scripts.bench.load import LoadFigures
from scripts.bench.service import Memory


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for on the command line, the same for every size."""

    questions: tuple[str, ...]
    audience: Audience
    clients: tuple[int, ...]
    seconds: float
    warm_up_seconds: float
    overload_seconds: float
    swaps: int
    swap_seconds: float
    workers: int | None
    encode_first: int
    work: Path


@dataclass(frozen=True, slots=True)
class BuildFigures:
    """`encoded_passages` were put through the encoder; where they are fewer than `passages`, the rest are copies.

    The bytes are those of the generation; the encoder, which all generations share, is apart.
    """

    passages: int
    sentences: int
    documents: int
    encoded_passages: int
    seconds: float
    command_seconds: float
    passages_per_second: float
    index_bytes: int
    bytes_per_passage: float
    encoder_bytes: int


@dataclass(frozen=True, slots=True)
class RebuildFigures:
    """Load of 8 clients from the start of a rebuild, on the last core alone, to its end."""

    rebuilt_passages: int
    seconds: float
    exit_code: int
    load: LoadFigures


@dataclass(frozen=True, slots=True)
class AnswerCheck:
    """`by_generation` counts answers by the digest that they name; `wrong` names the quotes that don't verify."""

    by_generation: dict[str, int]
    answered: int
    quotes: int
    wrong: list[str]


@dataclass(frozen=True, slots=True)
class SwapFigures:
    """Load of 8 clients while two generations are published in turn."""

    swaps: int
    load: LoadFigures
    check: AnswerCheck

    @property
    def faults(self) -> int:
        """Answers other than 200, requests without one, and quotes that don't verify."""
        return self.load.troubles + len(self.check.wrong)


@dataclass(frozen=True, slots=True)
class OverloadFigures:
    """`refused_share` is that of 503 among the answers."""

    load: LoadFigures
    livez: LoadFigures
    refused_share: float
    memory_before: Memory
    memory_after: Memory
    largest_rss_megabytes: float


@dataclass(frozen=True, slots=True)
class SizeFigures:
    """All that was measured at one size."""

    wanted_passages: int
    build: BuildFigures
    encoder: EncoderLimit
    ready_seconds: float
    first_answer_seconds: float
    memory_idle: Memory
    memory_loaded: Memory
    closed: dict[int, LoadFigures]
    open_loop: LoadFigures
    rebuild: RebuildFigures
    swap: SwapFigures
    overload: OverloadFigures
