"""What a question costs as the corpus grows: p50 by stage, memory, disk and build time, without the server around it.

A sample of real passages is encoded; an index of any size holds copies of them, their vectors with noise and a part of
their words replaced. Token vectors are the sample's own, repeated. Encoding is no part of the build time, which grows
with the passages alone (the whole bench measures it).

    python -m scripts.bench.growth --corpus CORPUS.jsonl.gz --questions QUERIES.jsonl [--sizes 1000,10000,100000]

Above `--lean-above` passages an index is leaner, so that it fits the machine's memory while it is written: it holds
the token vectors of the sample only (a question reads those of its candidates, however many there are). The table says
which rows are lean.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the command `qa` does, before the libraries are loaded

import numpy as np

from scripts.bench.corpus import pages_of, read_originals, read_questions
from scripts.bench.report import table
from scripts.bench.service import memory_of

if TYPE_CHECKING:
    from qa.encoder.protocol import Encoder, Vectors
    from qa.index.generation import AudienceIndex
    from qa.index.token_vectors import PassageTokens, TokenIndex
    from qa.records import Document, Passage

SEED = 13
NOISE = 0.3
"""Length of the noise added to a unit vector."""
REPLACED_WORDS = 0.1
MOST_QUESTIONS = 100
CHUNK = 50_000
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Real passages, encoded: `vectors` a row for each, `tokens` those of each."""

    documents: tuple["Document", ...]
    passages: tuple["Passage", ...]
    headings: tuple[str, ...]
    texts: tuple[str, ...]
    vectors: "Vectors"
    tokens: tuple["PassageTokens", ...]


@dataclass(frozen=True, slots=True)
class Growth:
    """One size. Times of a question are medians; memory is what opening and asking added to the process."""

    passages: int
    kind: str
    lean: bool
    encode_ms: float
    passage_vectors_ms: float
    terms_ms: float
    retrieve_ms: float
    rank_ms: float
    question_ms: float
    memory_megabytes: float
    disk_bytes: dict[str, int]
    build_seconds: dict[str, float]
    open_seconds: float


def take_sample(corpus: Path, passages: int, index_folder: Path) -> tuple[Sample, "Encoder"]:
    """Real passages, encoded as a build encodes them, and the encoder that a server would open."""
    from qa.corpus.passages import embedding_text, heading_text
    from qa.encoder.export import ExportingEncoders
    from qa.encoder.store import EncoderStore
    from qa.index.token_vectors import PassageTokens, quantised

    pages = pages_of(read_originals(corpus, ()), passages, "staff")
    rows = [(page.document, passage) for page in pages for passage in page.passages][:passages]
    texts = [embedding_text(*row) for row in rows]
    encoder = ExportingEncoders(index_folder, None).make(texts)
    encodings = list(encoder.encode(texts))
    sample = Sample(
        tuple(page.document for page in pages),
        tuple(passage for _, passage in rows),
        tuple(heading_text(document, passage) for document, passage in rows),
        tuple(document.text[passage.start : passage.end] for document, passage in rows),
        np.stack([encoding.vector for encoding in encodings]),
        tuple(
            PassageTokens(quantised(encoding.token_vectors), (0,) * len(passage.sentences))
            for encoding, (_, passage) in zip(encodings, rows, strict=True)
        ),
    )
    return sample, EncoderStore(index_folder).open(encoder.identity)


def noisy(base: "Vectors", count: int) -> "Vectors":
    """`count` unit vectors: the base's rows in turn, each with noise of its own."""
    random = np.random.default_rng(SEED)
    made = np.empty((count, base.shape[1]), np.float32)
    for first in range(0, count, CHUNK):
        numbers = np.arange(first, min(count, first + CHUNK)) % len(base)
        noise = random.standard_normal((len(numbers), base.shape[1]), np.float32)
        chunk = base[numbers] + noise * np.float32(NOISE / np.sqrt(base.shape[1]))
        made[first : first + len(numbers)] = chunk / np.linalg.norm(chunk, axis=1, keepdims=True)
    return made


def texts_of(sample: Sample, count: int) -> Iterator[tuple[str, str]]:
    """`count` pairs of headings and text: the sample's in turn, from the second round on with words replaced."""
    random = np.random.default_rng(SEED)
    words = [text.split() for text in sample.texts]
    vocabulary = sorted({word for text in words for word in text})
    for number in range(count):
        chosen = list(words[number % len(words)])
        if number >= len(words):
            places = random.integers(len(chosen), size=max(1, int(len(chosen) * REPLACED_WORDS)))
            for place, word in zip(places.tolist(), random.integers(len(vocabulary), size=len(places)), strict=True):
                chosen[place] = vocabulary[int(word)]
        yield sample.headings[number % len(words)], " ".join(chosen)


class Parts:
    """Writes the files of an index, and notes what each took."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}

    def write(self, sample: Sample, size: int, lean: bool) -> None:
        from qa.index.bm25 import write_terms
        from qa.index.token_vectors import write_tokens
        from qa.index.vectors import index_kind, write_vectors

        vectors = noisy(sample.vectors, size)
        with self._timed("passages"):
            write_vectors(self.folder / "passages", vectors, index_kind(size))
        del vectors
        tokens = sample.tokens if lean else tuple(itertools.islice(itertools.cycle(sample.tokens), size))
        with self._timed("tokens"):
            write_tokens(*self._token_paths(), tokens, tokens[0].rows.shape[1])
        del tokens
        with self._timed("terms"):
            write_terms(self.folder / "terms", texts_of(sample, size))

    def _token_paths(self) -> tuple[Path, Path, Path]:
        return self.folder / "tokens", self.folder / "starts", self.folder / "sentences"

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 2)

    def disk_bytes(self) -> dict[str, int]:
        """The sizes of the parts' files."""
        sizes: dict[str, int] = {}
        for name in self.seconds:
            path = self.folder / name
            files = path.rglob("*") if path.is_dir() else [path]
            sizes[name] = sum(file.stat().st_size for file in files if file.is_file())
        return sizes

    def open(self, sample: Sample, size: int, lean: bool) -> "AudienceIndex":
        """The parts as one audience's index. Its records are the sample's, repeated: they cost next to nothing."""
        from qa.index.bm25 import TermIndex
        from qa.index.generation import AudienceIndex
        from qa.index.token_vectors import TokenIndex
        from qa.index.vectors import VectorIndex
        from qa.index.vocabulary import Vocabulary

        passages = tuple(itertools.islice(itertools.cycle(sample.passages), size))
        firsts = itertools.accumulate((len(passage.sentences) for passage in passages[:-1]), initial=0)
        tokens = TokenIndex.open(*self._token_paths())
        return AudienceIndex(
            "staff",
            "0" * 16,
            {document.id: document for document in sample.documents},
            passages,
            tuple(firsts),
            VectorIndex.open(self.folder / "passages"),
            repeated(tokens) if lean else tokens,
            TermIndex.open(self.folder / "terms"),
            Vocabulary({}, {}),
        )


def repeated(tokens: "TokenIndex") -> "TokenIndex":
    """Token vectors of a few passages, read for any number of them in turn."""
    from qa.index.token_vectors import TokenIndex

    class Repeated(TokenIndex):
        def __init__(self, own: TokenIndex) -> None:
            self._own = own

        def coverage(self, numbers: Sequence[int], question_tokens: "Vectors") -> "Vectors":
            return self._own.coverage([number % len(self._own) for number in numbers], question_tokens)

    return Repeated(tokens)


def ask(index: "AudienceIndex", encoder: "Encoder", questions: Sequence[str]) -> dict[str, float]:
    """Median milliseconds of each stage. The two searches are timed apart, and once more within `retrieve`."""
    from qa.search.query import understand
    from qa.search.rank import rank
    from qa.search.retrieve import CANDIDATES_PER_SIGNAL, retrieve

    names = ("encode", "passage_vectors", "terms", "retrieve", "rank")
    times: dict[str, list[float]] = {f"{name}_ms": [] for name in (*names, "question")}
    for question in questions:
        marks = [time.perf_counter()]
        (encoding,) = encoder.encode_questions([question])
        marks.append(time.perf_counter())
        index.vectors.search(encoding.vector.reshape(1, -1), CANDIDATES_PER_SIGNAL)
        marks.append(time.perf_counter())
        index.terms.search(question, CANDIDATES_PER_SIGNAL)
        marks.append(time.perf_counter())
        understood = understand(index, question, encoding)
        (candidates,) = retrieve(index, [understood])
        marks.append(time.perf_counter())
        rank(index, candidates, understood)
        marks.append(time.perf_counter())
        spans = [1000 * (end - start) for start, end in itertools.pairwise(marks)]
        for name, span in zip(names, spans, strict=True):
            times[f"{name}_ms"].append(span)
        times["question_ms"].append(spans[0] + spans[3] + spans[4])
    return {name: round(sorted(spans)[len(spans) // 2], 2) for name, spans in times.items()}


def measure(sample: Sample, size: int, lean: bool, encoder: "Encoder", questions: Sequence[str], work: Path) -> Growth:
    with tempfile.TemporaryDirectory(prefix=f"growth-{size}-", dir=work) as folder:
        parts = Parts(Path(folder))
        parts.write(sample, size, lean)
        before = memory_of(os.getpid()).rss_megabytes
        started = time.perf_counter()
        index = parts.open(sample, size, lean)
        opened = time.perf_counter() - started
        ask(index, encoder, questions[:10])
        times = ask(index, encoder, questions)
        after = memory_of(os.getpid()).rss_megabytes
        return Growth(
            passages=size,
            kind=index.vectors.kind,
            lean=lean,
            **times,
            memory_megabytes=round(after - before, 1),
            disk_bytes=parts.disk_bytes(),
            build_seconds=parts.seconds,
            open_seconds=round(opened, 2),
        )


def rows_of(found: Sequence[Growth]) -> list[tuple[str, ...]]:
    head = "passages, search, encode, vectors, terms, retrieve, rank, question ms, RAM MB, disk MB, build s"
    rows: list[tuple[str, ...]] = [(*head.split(", "), "open s")]
    for one in found:
        cells = (
            one.encode_ms,
            one.passage_vectors_ms,
            one.terms_ms,
            one.retrieve_ms,
            one.rank_ms,
            one.question_ms,
            one.memory_megabytes,
            round(sum(one.disk_bytes.values()) / MEGABYTE, 1),
            round(sum(one.build_seconds.values()), 1),
            one.open_seconds,
        )
        name = f"{one.passages:,}{' lean' * one.lean}"
        rows.append((name, one.kind, *(f"{cell:g}" for cell in cells)))
    return rows


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, metavar="FILE", help="BEIR corpus, .jsonl or .jsonl.gz")
    parser.add_argument("--questions", type=Path, required=True, metavar="FILE", help="BEIR queries.jsonl")
    parser.add_argument("--sizes", default="1000,10000,100000,1000000", metavar="N,N")
    parser.add_argument("--sample", type=int, default=1_000, metavar="N", help="passages to encode [1000]")
    parser.add_argument("--lean-above", type=int, default=200_000, metavar="N")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where the indexes are written, and removed")
    output = Path(tempfile.gettempdir(), "clinic-qa-growth.json")
    parser.add_argument("--output", type=Path, metavar="FILE", default=output, help="the figures as JSON")
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    questions = read_questions(arguments.questions)[0][:MOST_QUESTIONS]
    with tempfile.TemporaryDirectory(prefix="growth-", dir=arguments.work) as work:
        _grow(arguments, questions, Path(work))


def _grow(arguments: argparse.Namespace, questions: Sequence[str], work: Path) -> None:
    print(f"encoding {arguments.sample} passages", file=sys.stderr, flush=True)
    sample, encoder = take_sample(arguments.corpus, arguments.sample, work)
    found: list[Growth] = []
    for size in map(int, arguments.sizes.split(",")):
        print(f"{size:,} passages", file=sys.stderr, flush=True)
        found.append(measure(sample, size, size > arguments.lean_above, encoder, questions, work))
        print(table("A question as the corpus grows (ms: p50)", rows_of(found)), flush=True)
        arguments.output.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
