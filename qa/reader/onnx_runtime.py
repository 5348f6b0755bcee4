"""The packaged reader, run by ONNX Runtime.

Each passage is read alone: the weights are of 8 bits and the activations are rounded by the range of what is read
together, so that neighbours in a batch would change a verdict.
"""

import bisect
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qa.errors import ModelUnavailable
from qa.reader.protocol import ReadablePassage, Verdict
from qa.records import Span
from qa.storage.files import sha256_of_bytes

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding as Tokens
    from tokenizers import Tokenizer

PACKAGED = Path(__file__).with_name("model")
PACKAGED_SHA256 = "9ae7b7c6da9c14d6fd44b90f9fbb6538128a173d72a55f194044afb5e755a232"
"""Of `reader.onnx` and `tokenizer.json`, one after the other."""
GRAPH, TOKENIZER = "reader.onnx", "tokenizer.json"
MAX_TOKENS = 224
"""Of question and passage together, as in training; what comes after is not read."""
UNREAD = float("-inf")
REINSTALL = "Reinstall Clinic QA."


@dataclass(frozen=True)
class _Loaded:
    session: "InferenceSession"
    tokenizer: "Tokenizer"


class OnnxReader:
    """A reader over the files of an exported cross-encoder; they are loaded at the first use, or by `load`."""

    def __init__(self, folder: Path = PACKAGED, sha256: str = PACKAGED_SHA256, threads: int = 1) -> None:
        """`threads` work on one passage."""
        self._folder = folder
        self._sha256 = sha256
        self._threads = threads
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def sha256(self) -> str:
        """See `Reader.sha256`."""
        return self._sha256

    def load(self) -> None:
        """See `Reader.load`; raises ModelUnavailable when the files are not those that were pinned."""
        self._ready()

    def read(self, question: str, passage: ReadablePassage) -> Verdict:
        """See `Reader.read`."""
        loaded = self._ready()
        start = len(passage.context) + 1 if passage.context else 0
        tokens = loaded.tokenizer.encode(question, f"{passage.context} {passage.text}".lstrip())
        answers, scores = loaded.session.run(
            ["answers", "sentences"],
            {"ids": np.asarray([tokens.ids], np.int64), "types": np.asarray([tokens.type_ids], np.int64)},
        )
        owners = _owners(tokens, passage.sentences, start)
        return Verdict(
            float(answers[0]),
            tuple(
                float(scores[0][owned].mean()) if len(owned) else UNREAD
                for owned in (np.flatnonzero(owners == number) for number in range(len(passage.sentences)))
            ),
        )

    def _ready(self) -> _Loaded:
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(self._folder, self._sha256, self._threads)
            return self._loaded


def _owners(tokens: "Tokens", sentences: Sequence[Span], start: int) -> NDArray[np.int64]:
    """For each token, the number of the sentence that it stands in, -1 for those of question and context.

    `start` is where the passage's text begins in what was read after the question.
    """
    firsts = [start + sentence.start for sentence in sentences]
    owners = np.full(len(tokens), -1, np.int64)
    for place, (sequence, (first, last)) in enumerate(zip(tokens.sequence_ids, tokens.offsets, strict=True)):
        if sequence == 1 and first < last and firsts and first >= firsts[0]:
            owners[place] = bisect.bisect_right(firsts, first) - 1
    return owners


def _load(folder: Path, sha256: str, threads: int) -> _Loaded:
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
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        graph, words = (folder / GRAPH).read_bytes(), (folder / TOKENIZER).read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"The reader in {folder} cannot be read: {error.strerror}.", REINSTALL) from None
    if sha256_of_bytes(graph + words) != sha256:
        raise ModelUnavailable(f"The reader in {folder} is not the one of this version.", REINSTALL)
    try:
        session = InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_buffer(words)
    except Exception as error:  # both libraries raise errors of their own, some of them plain Exceptions
        raise ModelUnavailable(f"The reader in {folder} cannot be loaded: {error}.", REINSTALL) from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return _Loaded(session, tokenizer)
