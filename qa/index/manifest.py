"""The manifest of a generation: its files and their checksums, and what they were made from.

```
index/
├── current                       the id of the live generation; replaced in one step
├── encoders/<id>/                an encoder, stored once for all generations that name it (`qa.encoder.store`)
└── generations/<id>/
    ├── manifest.json             written last; holds every other file's SHA-256, and its own
    ├── synonyms.toml             the editor's words for the same thing, as they were
    ├── calibration.json          signals → confidence
    └── patient/ and staff/
        ├── documents.jsonl       canonical texts, sections, approvals
        ├── passages.jsonl        offsets
        ├── passages.faiss        a vector for each passage
        ├── tokens.npy            the passages' token vectors, int8
        ├── token_starts.npy      where each passage's begin
        ├── sentence_starts.npy   which of its passage's tokens each sentence begins with
        ├── vocabulary.json       the words and abbreviations of its documents
        └── terms/                tantivy's files
```

A generation's id is a digest of what went into it: the same corpus gives the same id, and a generation never changes.
"""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from qa.encoder.protocol import EncoderIdentity
from qa.errors import REBUILD, DamagedGeneration, OtherFormat
from qa.index.vectors import IndexKind
from qa.records import AUDIENCES, Audience, Document
from qa.storage.files import sha256_of_text, sync_file, sync_folder, write_durably
from qa.storage.io_faults import read_bytes
from qa.storage.sealed import FileEntry, is_sealed, sealed, to_json_line, verify_file

FORMAT_VERSION = 4
MANIFEST = "manifest.json"
SYNONYMS = "synonyms.toml"
CALIBRATION = "calibration.json"
MANIFEST_SEAL = "manifest_sha256"
RUNTIME = "onnx"


@dataclass(frozen=True, slots=True)
class AudienceFiles:
    """The files of one audience's index, by their paths relative to the generation's folder."""

    documents: str
    passages: str
    passage_vectors: str
    tokens: str
    token_starts: str
    sentence_starts: str
    vocabulary: str
    terms: str

    @classmethod
    def of(cls, audience: Audience) -> "AudienceFiles":
        names = (
            "documents.jsonl",
            "passages.jsonl",
            "passages.faiss",
            "tokens.npy",
            "token_starts.npy",
            "sentence_starts.npy",
            "vocabulary.json",
            "terms",
        )
        return cls(*(f"{audience}/{name}" for name in names))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What beside the documents decides an index's content."""

    format_version: int
    encoder: EncoderIdentity
    passage_words: int
    synonyms_sha256: str
    calibration_sha256: str


@dataclass(frozen=True, slots=True)
class AudienceSummary:
    """`digest` names an audience's index in its answers; it depends on the recipe and its own documents only.

    `passage_search` says how the passages' vectors are searched: all of them, or by a graph.
    """

    digest: str
    documents: Mapping[str, str]
    passages: int
    sentences: int
    passage_search: IndexKind


@dataclass(frozen=True, slots=True)
class Manifest:
    """`documents` of an audience map document ids to the SHA-256 of their canonical texts."""

    id: str
    built_at: datetime.datetime
    built_by: str
    recipe: Recipe
    register_sha256: str
    audiences: Mapping[Audience, AudienceSummary]
    files: Mapping[str, FileEntry]


def audience_digest(recipe: Recipe, documents: tuple[Document, ...]) -> str:
    """16 hexadecimal digits over all that an audience's index is made from: recipe, approvals, sections and pages."""
    made_from = [
        (document.approval, document.sections, document.pages)
        for document in sorted(documents, key=lambda document: document.id)
    ]
    return sha256_of_text(to_json_line([_recipe_as_written(recipe), made_from]))[:16]


def generation_id(digests: Mapping[Audience, str]) -> str:
    return sha256_of_text("\n".join(f"{audience} {digests[audience]}" for audience in AUDIENCES))[:16]


def _recipe_as_written(recipe: Recipe) -> dict[str, object]:
    """Format 4 also holds what runs the encoder, and the language whose rules cut the sentences.

    Both could be others once. No reader needs the language.
    """
    encoder = {**to_jsonable_python(recipe.encoder), "runtime": RUNTIME}
    return {**to_jsonable_python(recipe), "encoder": encoder, "language": "en"}


def _as_written(manifest: Manifest) -> dict[str, object]:
    """Format 4 also holds why the model could not be exported: it always could."""
    recipe = _recipe_as_written(manifest.recipe)
    return {**to_jsonable_python(manifest), "recipe": recipe, "encoder_problem": ""}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest, which completes the generation; the files that it names are on the disk before it."""
    for name in manifest.files:
        sync_file(folder / name)
    for parent in sorted({(folder / name).parent for name in manifest.files}):
        sync_folder(parent)
    write_durably(folder / MANIFEST, sealed(_as_written(manifest), MANIFEST_SEAL))


def read_manifest(folder: Path) -> Manifest:
    """Raises DamagedGeneration when it is not byte for byte as written, OtherFormat when another version wrote it.

    The latter too when questions need another encoder than an exported one, as some of this format's did once.
    Raises IndexUnavailable when the machine cannot read it.
    """
    path = folder / MANIFEST
    data = read_bytes(path)
    try:
        content = json.loads(data)
        version = content["recipe"]["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamagedGeneration(f"{path} is damaged: it is no manifest.", REBUILD) from None
    if version != FORMAT_VERSION:
        raise OtherFormat(
            f"Generation {folder.name} has format {version}; this version reads format {FORMAT_VERSION}.",
            REBUILD,
            {"found": version, "expected": FORMAT_VERSION},
        )
    content.pop(MANIFEST_SEAL, None)
    if not is_sealed(data, content, MANIFEST_SEAL):
        raise DamagedGeneration(f"{path} is damaged: its checksum is not that of its content.", REBUILD)
    try:
        manifest = TypeAdapter(Manifest).validate_python(content)
    except ValidationError:
        raise DamagedGeneration(f"{path} is damaged: fields are missing or wrong.", REBUILD) from None
    runtime = content["recipe"]["encoder"].get("runtime")
    if runtime != RUNTIME or content.get("encoder_problem") != "":
        raise OtherFormat(
            f"Generation {folder.name} was built without an exported encoder, which this version cannot serve.",
            REBUILD,
            {"found": runtime, "expected": RUNTIME},
        )
    return manifest


def verify_files(folder: Path, manifest: Manifest, audiences: tuple[Audience, ...]) -> None:
    """Raises DamagedGeneration, naming the first file of these audiences that is missing or not as written.

    Raises IndexUnavailable when the machine cannot read one.
    """
    for name, entry in manifest.files.items():
        if "/" not in name or name.split("/")[0] in audiences:
            verify_file(folder, name, entry)
