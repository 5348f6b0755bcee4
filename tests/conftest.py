"""A clinic in a temporary folder: documents written, approved and built through the product's own code."""

import datetime
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from qa.corpus.approval import Terms, propose
from qa.corpus.loader import Corpus, Rules, load_corpus
from qa.corpus.register import load_register, save_approvals
from qa.encoder.export import ExportingEncoders
from qa.encoder.model import find_model
from qa.encoder.protocol import Encoder, EncoderIdentity, Encoding, ModelIdentity, Vectors
from qa.errors import DamagedGeneration
from qa.indexer.build import BuildReport, build
from qa.indexer.plan import plan_build
from qa.records import Audience, Span
from qa.search.engine import Engine, new_engine
from qa.settings import Settings

TODAY = datetime.date(2026, 11, 20)
DIMENSION = 64
KNOWN_WORDS = frozenset({"football", "yesterday", "evening"})
CALIBRATION = {
    "weights": {"least_tokens": 20.0},
    "bias": -11.0,
    "thresholds": [[0.0, 1.0], [0.05, 0.5], [1.0, 0.0]],
    "source": "made up for the bag of words",
}
"""Sensible for the encoder of these tests, whatever the packaged calibration says: a share of false answers of 1 is
kept by answering always, one of 0 by never answering."""

BY_COSINE = {"weights": {"cosine": 20.0}, "bias": -3.0, "thresholds": [[0.05, 0.5]], "source": "made up"}
"""Sensible for the packaged model, by the cosine of the first passage alone."""
ALWAYS_ANSWERS = {"weights": {"cosine": 1.0}, "bias": 0.0, "thresholds": [[0.0, 0.0]], "source": "made up"}


def identity_of(name: str, digit: str = "0") -> EncoderIdentity:
    """The identity of an encoder that needs no file."""
    return EncoderIdentity.of(ModelIdentity(name, digit * 64, "f" * 64))


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether something that happens in the background comes to hold."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


class BagOfWordsEncoder:
    """An encoder without a model: a text's vector is the sum of a pseudo-random vector for each of its words.

    Each word is a token, and its vector depends on that word only. It gives itself to whoever asks for an encoder.
    """

    identity = identity_of("bag-of-words")

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> Iterator[Encoding]:
        for text in texts:
            self.encoded.append(text)
            yield encoding_of(text)

    def encode_questions(self, texts: Sequence[str]) -> tuple[Encoding, ...]:
        return tuple(self.encode(texts))

    def load(self) -> None:
        pass

    def knows_word(self, word: str) -> bool:
        return word in KNOWN_WORDS

    def open(self, identity: EncoderIdentity) -> "BagOfWordsEncoder":
        if identity != self.identity:
            raise DamagedGeneration(f"The encoder of {identity.model.name} is missing.", "Run `qa build`.")
        return self

    def planned(self) -> EncoderIdentity:
        return self.identity

    def stored(self) -> Encoder | None:
        return self

    def make(self, samples: Sequence[str]) -> Encoder:
        return self


def encoding_of(text: str) -> Encoding:
    """What the encoder without a model makes of a text."""
    words = list(re.finditer(r"\w+", text))
    vectors = np.reshape([_word_vector(word.group().lower()) for word in words], (-1, DIMENSION)).astype(np.float32)
    total = vectors.sum(axis=0) if words else _word_vector("")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    spans = tuple(Span(*word.span()) for word in words)
    return Encoding((total / np.linalg.norm(total)).astype(np.float32), vectors / lengths, spans)


def _word_vector(word: str) -> Vectors:
    seed = int.from_bytes(hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)


@dataclass
class Clinic:
    """A corpus folder with a calibration, its register and its index. Dates are counted from `TODAY`."""

    folder: Path
    settings: Settings
    encoder: BagOfWordsEncoder = field(default_factory=BagOfWordsEncoder)
    today: datetime.date = TODAY

    def __post_init__(self) -> None:
        calibration = self.settings.corpus / "calibration.json"
        if not calibration.exists():
            calibration.parent.mkdir(exist_ok=True)
            calibration.write_text(json.dumps(CALIBRATION), "utf-8")

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.settings.corpus / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
        return file

    def approve(self, path: str, audience: Audience = "patient", expires_on: datetime.date | None = None) -> None:
        terms = Terms("The committee", audience, self.today, self.today + datetime.timedelta(365), expires_on)
        register = load_register(self.settings.register_path)
        proposal = propose(self.settings.corpus / path, terms, register, self.settings, {})
        save_approvals(self.settings.register_path, (proposal.approval,), None)

    def add(self, path: str, text: str | bytes, audience: Audience = "patient") -> None:
        """Writes and approves a document."""
        self.write(path, text)
        self.approve(path, audience)

    def corpus(self) -> Corpus:
        rules = Rules(self.today, self.settings.review_due_days, self.settings.max_file_bytes)
        return load_corpus(self.settings.corpus, load_register(self.settings.register_path), rules)

    def build(self, progress: Callable[[int, int], None] = lambda done, total: None) -> BuildReport:
        plan = plan_build(self.corpus(), self.settings, self.encoder.planned())
        register = load_register(self.settings.register_path)
        return build(plan, register.sha256, self.settings.index, self.encoder, progress)

    def engine(self, **settings: object) -> Engine:
        """One that has looked for a generation once; it looks again when told to, as the server's watcher does."""
        engine = new_engine(self.settings.model_copy(update=settings), self.encoder, lambda: self.today)
        engine.reload()
        return engine

    def elsewhere(self, name: str) -> "Clinic":
        """The same corpus with another index folder."""
        return replace(self, settings=self.settings.model_copy(update={"index": self.folder / name}))


def packaged_encoder() -> EncoderIdentity:
    """The identity of the packaged model's exported encoder."""
    return EncoderIdentity.of(find_model(None).identity)


def linked_model(folder: Path) -> Path:
    """A copy of the packaged model whose files can be replaced."""
    packaged = find_model(None).folder
    for path in packaged.rglob("*"):
        target = folder / path.relative_to(packaged)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
    return folder


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index folder that holds nothing but the packaged model's encoder, exported once."""
    index = tmp_path_factory.mktemp("exported")
    ExportingEncoders(index, None).make([RISKS, CEMENT, CALL_GUIDE])
    return index


def lend_encoder(exported: Path, index: Path) -> None:
    """Gives an index the exported encoder, so that its first build need not make it. Its files must not be changed."""
    shutil.copytree(exported / "encoders", index / "encoders", copy_function=os.link)


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk proves nothing here: tests cut a build short at its calls, not at the platters."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def empty_clinic(tmp_path: Path) -> Clinic:
    """A clinic with a corpus folder and no document in it."""
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index")
    return Clinic(tmp_path, settings)


RISKS = """# Risks of kyphoplasty

Every procedure has risks. Your doctor will explain them to you.

## Common risks

The risks include:

- Infection where the needle went in
- Bleeding
- Bone cement leaking out of place

## When to call

Call the clinic if your back pain gets worse.
"""

CEMENT = """# The bone cement

The bone cement hardens in about 10 minutes. You lie face down until then.

## What it is made of

Doctors use a cement called PMMA. It stays in the bone for good.
"""

CALL_GUIDE = """# Call guide

Read the quoted sentence as it stands. Never add advice of your own.
"""


@pytest.fixture
def clinic(empty_clinic: Clinic) -> Clinic:
    """A clinic with two patient pages and a staff page, approved and built."""
    empty_clinic.add("risks.md", RISKS)
    empty_clinic.add("cement.md", CEMENT)
    empty_clinic.add("staff/call-guide.md", CALL_GUIDE, "staff")
    empty_clinic.build()
    return empty_clinic
