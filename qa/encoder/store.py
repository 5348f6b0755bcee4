"""The encoders that an index holds: where they are kept, whether they are whole, and how one is opened.

```
index/encoders/<id>/
├── encoder.json       written last; holds every other file's SHA-256, and its own
├── model.onnx         tokens → hidden states
├── model.weights      the graph's numbers, apart so that they are memory-mapped
├── tokenizer.json     text → tokens
└── projection.npy     token vectors → fewer dimensions, where the model has such a projection
```

An encoder is stored once, whichever generations name it. Where a model cannot be exported, or its export disagrees with
it, `index/encoders/<id>.refused/encoder.json` says why; sentence-transformers then runs the model. An export that older
generations name stays beside that.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from qa.encoder.model import find_model
from qa.encoder.onnx_runtime import OnnxEncoder
from qa.encoder.protocol import Encoder, EncoderIdentity
from qa.errors import REBUILD, DamagedGeneration, OtherModel
from qa.settings import available_cores
from qa.storage.files import sync_file, sync_folder, write_durably
from qa.storage.io_faults import read_bytes
from qa.storage.sealed import FileEntry, is_sealed, sealed, verify_file

RECORD = "encoder.json"
RECORD_SEAL = "record_sha256"

OpenExported = Callable[[Path, EncoderIdentity, int, int], Encoder]
"""Opens the files of an exported encoder: (folder, identity, limit of tokens, threads for one pass)."""


@dataclass(frozen=True, slots=True)
class EncoderRecord:
    """What the index says of an encoder.

    `least_cosine` is the lowest between a vector of the original and of the export, over `compared_texts` texts;
    `problem` says why the export is not used. `versions` are those of the packages that made and tried the export.
    """

    identity: EncoderIdentity
    max_tokens: int
    least_cosine: float
    compared_texts: int
    problem: str
    versions: Mapping[str, str]
    files: Mapping[str, FileEntry]


def encoder_folder(index_folder: Path, identity: EncoderIdentity) -> Path:
    """Where the encoder's record lies: with its files, or alone where sentence-transformers runs the model."""
    return index_folder / "encoders" / (identity.id if identity.runtime == "onnx" else f"{identity.id}.refused")


def write_record(folder: Path, record: EncoderRecord) -> None:
    """Writes the record, which completes the encoder; the files that it names are on the disk before it."""
    for name in record.files:
        sync_file(folder / name)
    sync_folder(folder)
    write_durably(folder / RECORD, sealed(to_jsonable_python(record), RECORD_SEAL))


def read_record(index_folder: Path, identity: EncoderIdentity) -> EncoderRecord:
    """Raises DamagedGeneration when it is missing, not byte for byte as written, or of another encoder.

    Raises IndexUnavailable when the machine does not give it out.
    """
    path = encoder_folder(index_folder, identity) / RECORD
    data = read_bytes(path)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise DamagedGeneration(f"{path} is damaged: it describes no encoder.", REBUILD)
    content.pop(RECORD_SEAL, None)
    if not is_sealed(data, content, RECORD_SEAL):
        raise DamagedGeneration(f"{path} is damaged: its checksum is not that of its content.", REBUILD)
    try:
        record = TypeAdapter(EncoderRecord).validate_python(content)
    except ValidationError:
        raise DamagedGeneration(f"{path} is damaged: fields are missing or wrong.", REBUILD) from None
    if record.identity != identity:
        raise DamagedGeneration(f"{path} describes encoder {record.identity.id}, not {identity.id}.", REBUILD)
    return record


def verify_encoder(index_folder: Path, identity: EncoderIdentity) -> EncoderRecord | None:
    """Checks every file of the encoder that a generation names; None when sentence-transformers runs it.

    Raises DamagedGeneration, naming the first file that is missing or not as written.
    """
    if identity.runtime != "onnx":
        return None
    record = read_record(index_folder, identity)
    folder = encoder_folder(index_folder, identity)
    for name, entry in record.files.items():
        verify_file(folder, name, entry)
    return record


class EncoderStore:
    """Opens the encoder that a generation names: the exported one in the index, or the model itself."""

    def __init__(
        self,
        index_folder: Path,
        model: Path | None = None,
        threads: int | None = None,
        open_exported: OpenExported = OnnxEncoder,
    ) -> None:
        """`model` is the folder of the configured model, None for the packaged one: it is read only when it must run
        itself. `threads` work on one question; all cores unless set."""
        self._index_folder = index_folder
        self._model = model
        self._threads = threads or available_cores()
        self._open_exported = open_exported

    def open(self, identity: EncoderIdentity) -> Encoder:
        """See `Encoders.open`; the encoder is loaded and ready."""
        record = verify_encoder(self._index_folder, identity)
        if record is None:
            return self._open_original(identity)
        encoder = self._open_exported(
            encoder_folder(self._index_folder, identity), identity, record.max_tokens, self._threads
        )
        encoder.load()
        return encoder

    def _open_original(self, identity: EncoderIdentity) -> Encoder:
        from qa.encoder.torch_runtime import SentenceTransformerEncoder

        model = find_model(self._model)
        if model.identity != identity.model:
            found, here = identity.model, model.identity
            raise OtherModel(
                f"The generation was built with {found.name} ({found.weights_sha256[:12]}…), "
                f"but the model here is {here.name} ({here.weights_sha256[:12]}…).",
                REBUILD,
                {"found": asdict(found), "expected": asdict(here)},
            )
        encoder = SentenceTransformerEncoder(model)
        encoder.load()
        return encoder
