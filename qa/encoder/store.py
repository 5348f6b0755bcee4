"""The encoders that an index holds: where they are kept, whether they are whole, and how one is opened.

```
index/encoders/<id>/
├── encoder.json       written last; holds every other file's SHA-256, and its own
├── model.onnx         tokens → hidden states
├── model.weights      the graph's numbers, apart so that they are memory-mapped
├── tokenizer.json     text → tokens
└── projection.npy     token vectors → fewer dimensions, where the model has such a projection
```

An encoder is stored once, whichever generations name it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from qa.encoder.onnx_runtime import OnnxEncoder
from qa.encoder.protocol import Encoder, EncoderIdentity
from qa.errors import REBUILD, DamagedGeneration
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
    `versions` are those of the packages that made and tried the export.
    """

    identity: EncoderIdentity
    max_tokens: int
    least_cosine: float
    compared_texts: int
    versions: Mapping[str, str]
    files: Mapping[str, FileEntry]


def encoder_folder(index_folder: Path, identity: EncoderIdentity) -> Path:
    """Where the encoder's record and its files lie."""
    return index_folder / "encoders" / identity.id


def _as_written(record: EncoderRecord) -> dict[str, object]:
    """A record also says what runs the encoder, and what is wrong with it: always ONNX Runtime, and nothing."""
    identity = {**to_jsonable_python(record.identity), "runtime": "onnx"}
    return {**to_jsonable_python(record), "identity": identity, "problem": ""}


def write_record(folder: Path, record: EncoderRecord) -> None:
    """Writes the record, which completes the encoder; the files that it names are on the disk before it."""
    for name in record.files:
        sync_file(folder / name)
    sync_folder(folder)
    write_durably(folder / RECORD, sealed(_as_written(record), RECORD_SEAL))


def read_record(index_folder: Path, identity: EncoderIdentity) -> EncoderRecord:
    """Raises DamagedGeneration when it is missing, not byte for byte as written, or of another encoder.

    Raises IndexUnavailable when the machine cannot read it.
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
        record = None
    if record is None or content != _as_written(record):
        raise DamagedGeneration(f"{path} is damaged: fields are missing or wrong.", REBUILD)
    if record.identity != identity:
        raise DamagedGeneration(f"{path} describes encoder {record.identity.id}, not {identity.id}.", REBUILD)
    return record


def verify_encoder(index_folder: Path, identity: EncoderIdentity) -> EncoderRecord:
    """Checks every file of the encoder that a generation names.

    Raises DamagedGeneration, naming the first file that is missing or not as written, and IndexUnavailable when the
    machine cannot read one.
    """
    record = read_record(index_folder, identity)
    folder = encoder_folder(index_folder, identity)
    for name, entry in record.files.items():
        verify_file(folder, name, entry)
    return record


class EncoderStore:
    """Opens the encoder that a generation names."""

    def __init__(
        self,
        index_folder: Path,
        threads: int | None = None,
        open_exported: OpenExported = OnnxEncoder,
    ) -> None:
        """`threads` work on one question; all cores unless set."""
        self._index_folder = index_folder
        self._threads = threads or available_cores()
        self._open_exported = open_exported

    def open(self, identity: EncoderIdentity) -> Encoder:
        """See `Encoders.open`; the encoder is loaded and ready."""
        record = verify_encoder(self._index_folder, identity)
        encoder = self._open_exported(
            encoder_folder(self._index_folder, identity), identity, record.max_tokens, self._threads
        )
        encoder.load()
        return encoder
