"""A model and an index in a folder, exported and opened without any library."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from qa.encoder.export import ExportingEncoders
from qa.encoder.model import TAKE_ANOTHER, Model, find_model
from qa.encoder.protocol import EncoderIdentity, Encoding
from qa.encoder.store import EncoderStore
from qa.errors import ModelUnavailable
from qa.indexer.build import BuildReport, build
from qa.indexer.plan import plan_build
from tests.support.clinic import Clinic
from tests.support.encoders import BagOfWordsEncoder

Change = Callable[[Encoding], Encoding]


class BagOfWordsModel(BagOfWordsEncoder):
    """A model whose export is a bag of words too, changed by `change`; `failure` says why it cannot be exported."""

    def __init__(self, change: Change = lambda encoding: encoding, failure: str = "") -> None:
        super().__init__()
        self.change = change
        self.failure = failure
        self.exports = 0

    def export(self, folder: Path) -> int:
        self.exports += 1
        (folder / "model.onnx").write_text("a graph")
        if self.failure:
            raise ModelUnavailable(self.failure, TAKE_ANOTHER)
        (folder / "model.weights").write_text("numbers")
        (folder / "tokenizer.json").write_text("{}")
        return 256


class ExportedBagOfWords(BagOfWordsEncoder):
    """What is opened of an export: it reads the files that it needs."""

    def __init__(self, folder: Path, identity: EncoderIdentity, change: Change) -> None:
        super().__init__()
        self.identity = identity
        self.change = change
        self.files = [(folder / name).read_bytes() for name in ("model.onnx", "model.weights", "tokenizer.json")]

    def encode(self, texts: Sequence[str]) -> Iterator[Encoding]:
        yield from map(self.change, super().encode(texts))


class Workshop:
    """A folder with a model and an index, and the ways to export and open its encoder without any library."""

    def __init__(self, folder: Path, original: BagOfWordsModel | None = None) -> None:
        self.index = folder / "index"
        self.model = folder / "model"
        self.original = original or BagOfWordsModel()
        self.model.mkdir(exist_ok=True)
        (self.model / "model.safetensors").write_text("weights")
        self.identity = EncoderIdentity.of(find_model(self.model).identity)

    def open_original(self, model: Model) -> BagOfWordsModel:
        return self.original

    def open_exported(
        self, folder: Path, identity: EncoderIdentity, max_tokens: int, threads: int
    ) -> ExportedBagOfWords:
        assert (max_tokens, threads > 0) == (256, True)
        return ExportedBagOfWords(folder, identity, self.original.change)

    def encoders(self) -> ExportingEncoders:
        return ExportingEncoders(self.index, self.model, self.open_original, self.open_exported)

    def store(self) -> EncoderStore:
        return EncoderStore(self.index, None, self.open_exported)


def build_in(clinic: Clinic, workshop: Workshop) -> BuildReport:
    encoders = workshop.encoders()
    plan = plan_build(clinic.corpus(), clinic.settings, encoders.planned())
    return build(plan, "0" * 64, clinic.settings.index, encoders, lambda done, total: None)
