"""An exported model run by ONNX Runtime: the only module that knows onnxruntime and tokenizers.

The graph gives the model's hidden states; the mean is taken here, over a text's own rows. Taken in the graph it would
run over the padding of a batch too, and its last bits would depend on the neighbours.
"""

import io
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.encoder.protocol import (
    GRAPH,
    HIDDEN,
    PROJECTION,
    TOKENIZER,
    EncoderIdentity,
    Encoding,
    Vectors,
    rows_of_tokens,
    spans_of_tokens,
    unit,
)
from qa.errors import ClinicQAError, DamagedGeneration, ModelUnavailable
from qa.settings import available_cores
from qa.storage.io_faults import naming_faults, opened_by_library, private_copy, read_bytes

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding as Tokens
    from tokenizers import Tokenizer

LARGEST_BATCH = 8
"""Questions in a pass."""
TOKENS_IN_A_PASS = 512
TEXTS_AT_A_TIME = 512

_PROBES = (
    "Cement?",
    "Can I drive home?",
    "How long does it take until the bone cement is hard?",
    "My mother is 81, takes a blood thinner every morning and fell in the kitchen last week; may she still come?",
    (
        "The doctor said that two of my vertebrae are broken and that a balloon makes room before the cement goes in. "
        "Who is awake in the room with me while this is done, how long do I lie still afterwards, and what may I eat?"
    ),
)
"""Texts of different lengths that show whether a batch changes an encoding on this processor."""


class OnnxEncoder:
    """The encoder over the files of an exported model in a folder; they are loaded at the first use, or by `load`."""

    def __init__(self, folder: Path, identity: EncoderIdentity, max_tokens: int, threads: int) -> None:
        """`threads` work on one pass; where that leaves cores free, `encode` runs passes side by side."""
        self._folder = folder
        self._identity = identity
        self._max_tokens = max_tokens
        self._threads = threads
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None
        self._shared_tokens = 0

    @property
    def identity(self) -> EncoderIdentity:
        return self._identity

    def encode(self, texts: Sequence[str]) -> Iterator[Encoding]:
        """See `Encoder.encode`. Texts of equal length share a pass where this processor showed that it changes no bit.

        Raises DamagedGeneration when ONNX Runtime cannot read the files, IndexUnavailable when the machine cannot, and
        ModelUnavailable without ONNX Runtime.
        """
        loaded = self._ready()
        executor = ThreadPoolExecutor(max(1, available_cores() // self._threads))
        try:
            for start in range(0, len(texts), TEXTS_AT_A_TIME):
                read = [loaded.tokenizer.encode(text) for text in texts[start : start + TEXTS_AT_A_TIME]]
                passes = self._passes(read)
                made = executor.map(partial(_run, loaded), [[read[number] for number in one] for one in passes])
                yield from _in_order(passes, made)
        finally:
            executor.shutdown(cancel_futures=True)

    def _passes(self, read: "Sequence[Tokens]") -> list[list[int]]:
        """Which texts share a pass, by their numbers: those of one length, as many as fit; long ones go alone."""
        by_length: dict[int, list[int]] = {}
        passes: list[list[int]] = []
        for number, tokens in enumerate(read):
            if len(tokens) > self._shared_tokens:
                passes.append([number])
            else:
                by_length.setdefault(len(tokens), []).append(number)
        for length, numbers in by_length.items():
            size = max(1, TOKENS_IN_A_PASS // max(1, length))
            passes += [numbers[start : start + size] for start in range(0, len(numbers), size)]
        return passes

    def encode_questions(self, texts: Sequence[str]) -> tuple[Encoding, ...]:
        """See `Encoder.encode_questions`: in one pass, where this processor showed that it changes no bit."""
        loaded = self._ready()
        read = [loaded.tokenizer.encode(text) for text in texts]
        short = [number for number, tokens in enumerate(read) if len(tokens) <= self._shared_tokens]
        short.sort(key=lambda number: len(read[number]))  # neighbours of one length: nothing is spent on padding
        passes = [short[start : start + LARGEST_BATCH] for start in range(0, len(short), LARGEST_BATCH)]
        passes += [[number] for number in range(len(read)) if len(read[number]) > self._shared_tokens]
        made = (_run(loaded, [read[number] for number in numbers]) for numbers in passes)
        return tuple(_in_order(passes, made))

    def knows_word(self, word: str) -> bool:
        """See `Encoder.knows_word`."""
        return self._ready().tokenizer.token_to_id(word) is not None

    def load(self) -> None:
        """See `Encoder.load`; raises DamagedGeneration when ONNX Runtime cannot read the files.

        Raises IndexUnavailable when the machine cannot read them, and ModelUnavailable without ONNX Runtime.
        """
        self._ready()

    def _ready(self) -> "_Loaded":
        with self._loading:
            if self._loaded is None:
                loaded = _load(self._folder, self._max_tokens, self._threads)
                self._shared_tokens = _shared_tokens(loaded)
                self._loaded = loaded
            return self._loaded


@dataclass(frozen=True)
class _Loaded:
    session: "InferenceSession"
    tokenizer: "Tokenizer"
    projection: Vectors | None
    inputs: tuple[str, ...]


def _load(folder: Path, max_tokens: int, threads: int) -> _Loaded:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when it is imported: without, it looks up its maker's address
    try:
        from onnxruntime import InferenceSession, SessionOptions
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ModelUnavailable(f"ONNX Runtime cannot be imported: {error}.", "Reinstall Clinic QA.") from None
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    # Threads that wait for work at full speed cost a lone question four times its processor time, and win nothing.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        with private_copy(folder) as copy:  # ONNX Runtime maps the weights: a fifth of a server's memory less
            graph = str(copy / GRAPH)
            session = opened_by_library(
                partial(InferenceSession, graph, options, providers=["CPUExecutionProvider"]), copy
            )
        tokenizer = Tokenizer.from_buffer(read_bytes(folder / TOKENIZER))
        rows = _read_projection(folder / PROJECTION)
    except ClinicQAError:
        raise
    except Exception as error:
        # Both libraries raise errors of their own for files that they cannot read, some of them plain Exceptions.
        raise DamagedGeneration(f"The encoder in {folder} cannot be loaded: {error}.", "Run `qa build`.") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return _Loaded(session, tokenizer, rows, tuple(entry.name for entry in session.get_inputs()))


def _read_projection(path: Path) -> Vectors | None:
    with naming_faults(path):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
    rows: Vectors = np.load(io.BytesIO(data), allow_pickle=False)
    return rows


def _in_order(passes: Sequence[Sequence[int]], made: Iterable[Sequence[Encoding]]) -> list[Encoding]:
    """What the passes made, by the numbers of their texts."""
    found: dict[int, Encoding] = {}
    for numbers, encodings in zip(passes, made, strict=True):
        found.update(zip(numbers, encodings, strict=True))
    return [found[number] for number in range(len(found))]


def _run(loaded: _Loaded, read: "Sequence[Tokens]") -> tuple[Encoding, ...]:
    """One pass over texts as the tokenizer read them, padded to the longest."""
    shape = (len(read), max(map(len, read), default=0))
    if 0 in shape:
        return ()
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, tokens in enumerate(read):
        ids[row, : len(tokens)] = tokens.ids
        mask[row, : len(tokens)] = 1
    feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    (hidden,) = loaded.session.run([HIDDEN], {name: feeds[name] for name in loaded.inputs})
    encodings: list[Encoding] = []
    for row, tokens in enumerate(read):
        own = hidden[row, : len(tokens)]
        token_vectors = rows_of_tokens(own, tokens.offsets, loaded.projection)
        encodings.append(Encoding(unit(own.mean(axis=0)), token_vectors, spans_of_tokens(tokens.offsets)))
    return tuple(encodings)


def _shared_tokens(loaded: _Loaded) -> int:
    """Up to how many tokens texts may share a pass: those of the longest probe, or none if a batch changes a bit."""
    read = [loaded.tokenizer.encode(text) for text in _PROBES]
    together = _run(loaded, read)
    for tokens, shared in zip(read, together, strict=True):
        (alone,) = _run(loaded, [tokens])
        if not (
            np.array_equal(alone.vector, shared.vector) and np.array_equal(alone.token_vectors, shared.token_vectors)
        ):
            return 0
    return max(map(len, read))
