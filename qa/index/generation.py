"""A generation, opened and checked: the immutable snapshot that a request is answered from."""

import datetime
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from qa.errors import REBUILD, ClinicQAError, DamagedGeneration, InvalidSetting, InvalidSynonyms, UnknownGeneration
from qa.index.bm25 import TermIndex
from qa.index.calibration import Calibration, parse_calibration
from qa.index.manifest import (
    CALIBRATION,
    SYNONYMS,
    AudienceFiles,
    AudienceSummary,
    Manifest,
    read_manifest,
    verify_files,
)
from qa.index.phrases import Phrases
from qa.index.publication import generation_folder, live_id
from qa.index.token_vectors import TokenIndex
from qa.index.vectors import VectorIndex
from qa.index.vocabulary import Vocabulary, read_vocabulary, without
from qa.records import AUDIENCES, Audience, Document, Passage
from qa.storage.files import sha256_of_text
from qa.storage.io_faults import is_folder, naming_faults, read_bytes
from qa.storage.sealed import to_json_line
from qa.text.synonyms import Synonyms, parse_synonyms
from qa.text.words import key_of

Record = TypeVar("Record")


@dataclass(frozen=True)
class AudienceIndex:
    """One audience's index, opened: immutable. Passage numbers are those of `vectors` and `terms`.

    `first_sentence[n]` is the number of passage n's first sentence in `tokens`. Documents whose ids are `expired` are
    still in it, and may not be quoted; their words count neither in `terms` nor in `vocabulary`.
    """

    audience: Audience
    digest: str
    documents: Mapping[str, Document]
    passages: tuple[Passage, ...]
    first_sentence: tuple[int, ...]
    vectors: VectorIndex
    tokens: TokenIndex
    terms: TermIndex
    vocabulary: Vocabulary
    expired: frozenset[str] = frozenset()

    def says(self, phrase: str) -> bool:
        """Whether documents that have not expired say a phrase: up to inflections, its words next to each other."""
        words = key_of(phrase)
        return self.vocabulary.holds(words[0]) if len(words) == 1 else bool(words) and self._phrases.hold(phrase)

    @functools.cached_property
    def _phrases(self) -> Phrases:
        return Phrases(self.terms, self.passages, self.documents, self.expired)

    @functools.cached_property
    def expiring(self) -> tuple[Document, ...]:
        """The documents whose approval ends by itself."""
        return tuple(document for document in self.documents.values() if document.approval.expires_on is not None)

    def sentence_numbers(self, passage: int) -> range:
        """The numbers of a passage's sentences in `tokens`."""
        first = self.first_sentence[passage]
        return range(first, first + len(self.passages[passage].sentences))


@dataclass(frozen=True)
class Generation:
    """A whole generation, opened and checked: what a reader pins for one request."""

    manifest: Manifest
    audiences: Mapping[Audience, AudienceIndex]
    synonyms: Synonyms
    calibration: Calibration

    @property
    def id(self) -> str:
        return self.manifest.id

    def audience_on(self, audience: Audience, day: datetime.date) -> AudienceIndex:
        """An audience's index as it is on a day: what has expired by then says nothing any more.

        It is the one that was opened where nothing has; another is made once, and kept until something else expires.
        """
        index = self.audiences[audience]
        expired = frozenset(document.id for document in index.expiring if document.approval.has_expired(day))
        if not expired:
            return index
        kept = self._expired.get(audience)
        if kept is None or kept.expired != expired:
            kept = self._expired[audience] = _without(index, expired)
        return kept

    @functools.cached_property
    def _expired(self) -> dict[Audience, AudienceIndex]:
        return {}


def _without(index: AudienceIndex, expired: frozenset[str]) -> AudienceIndex:
    gone = [document for document in index.documents.values() if document.id in expired]
    left = [document for document in index.documents.values() if document.id not in expired]
    passages = [passage for passage in index.passages if passage.document_id in expired]
    return replace(
        index,
        expired=expired,
        terms=index.terms.without(
            _with_headings(index.documents[passage.document_id], passage) for passage in passages
        ),
        vocabulary=without(index.vocabulary, _texts_and_titles(gone), _texts_and_titles(left)),
    )


def _texts_and_titles(documents: Iterable[Document]) -> list[str]:
    return [text for document in documents for text in (document.text, document.approval.title)]


def _with_headings(document: Document, passage: Passage) -> str:
    """A passage as `terms` holds it."""
    return "\n".join((document.approval.title, *passage.heading_path, document.text[passage.start : passage.end]))


def open_generation(index_folder: Path, identifier: str, audiences: tuple[Audience, ...] = AUDIENCES) -> Generation:
    """Opens a generation after checking its manifest, every file and that its passages are slices of its texts.

    Its manifest names the encoder that questions need, which is opened by `qa.encoder.store`.
    Raises DamagedGeneration, OtherFormat with both values, and UnknownGeneration; and IndexUnavailable or StorageFailed
    for trouble of the machine, when the generation may be whole.
    """
    folder = generation_folder(index_folder, identifier)
    if not is_folder(folder):
        raise UnknownGeneration(
            f"There is no generation {identifier} in {index_folder}.", "`qa generations` lists them."
        )
    manifest = read_manifest(folder)
    if manifest.id != identifier:
        raise DamagedGeneration(f"{folder} holds generation {manifest.id}, not {identifier}.", REBUILD)
    verify_files(folder, manifest, audiences)
    opened = {name: _open_audience(folder, name, manifest.audiences[name]) for name in audiences}
    synonyms, calibration = folder / SYNONYMS, folder / CALIBRATION
    try:
        return Generation(
            manifest,
            opened,
            parse_synonyms(read_bytes(synonyms), synonyms),
            parse_calibration(read_bytes(calibration), calibration),
        )
    except (InvalidSynonyms, InvalidSetting) as error:  # of another version, perhaps
        raise DamagedGeneration(error.message, REBUILD) from None


def _open_audience(folder: Path, audience: Audience, summary: AudienceSummary) -> AudienceIndex:
    files = AudienceFiles.of(audience)
    documents = {document.id: document for document in _read_records(folder / files.documents, Document)}
    passages = tuple(_read_records(folder / files.passages, Passage))
    first_sentence: list[int] = []
    count = 0
    for passage in passages:
        first_sentence.append(count)
        count += len(passage.sentences)
    opened = AudienceIndex(
        audience,
        summary.digest,
        documents,
        passages,
        tuple(first_sentence),
        VectorIndex.open(folder / files.passage_vectors),
        TokenIndex.open(folder / files.tokens, folder / files.token_starts, folder / files.sentence_starts),
        TermIndex.open(folder / files.terms),
        read_vocabulary(folder / files.vocabulary),
    )
    counts = (len(opened.vectors), len(opened.tokens), opened.tokens.sentences)
    if counts != (len(passages), len(passages), count):
        raise DamagedGeneration(f"{folder / audience} has vectors that don't belong to its passages.", REBUILD)
    _check_slices(folder / audience, opened, summary)
    return opened


def _check_slices(folder: Path, opened: AudienceIndex, summary: AudienceSummary) -> None:
    """Promise 1: each text has the hash that was approved, and each passage is a slice of it."""
    for document in opened.documents.values():
        found = sha256_of_text(document.text)
        if not found == document.text_sha256 == summary.documents.get(document.id):
            raise DamagedGeneration(f"{folder} holds another text of {document.id} than was approved.", REBUILD)
    for passage in opened.passages:
        owner = opened.documents.get(passage.document_id)
        inside = all(passage.start <= start < end <= passage.end for start, end in passage.sentences)
        if (
            owner is None
            or not 0 <= passage.start < passage.end <= len(owner.text)
            or not (inside and passage.sentences)
        ):
            raise DamagedGeneration(
                f"{folder} holds a passage {passage.document_id} {passage.start}-{passage.end} that is no slice.",
                REBUILD,
            )


def live_texts(index_folder: Path) -> dict[str, str]:
    """The canonical texts of the live generation by their SHA-256; empty when there is none that can be opened."""
    try:
        generation = open_generation(index_folder, live_id(index_folder))
    except ClinicQAError:
        return {}
    return {document.text_sha256: document.text for document in generation.audiences["staff"].documents.values()}


def write_records(path: Path, records: tuple[Record, ...]) -> None:
    """Writes frozen dataclasses, one JSON object a line."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(to_json_line(record) + "\n" for record in records)


def _read_records(path: Path, kind: type[Record]) -> list[Record]:
    adapter = TypeAdapter(kind)
    try:
        with naming_faults(path), path.open(encoding="utf-8", newline="\n") as stream:
            return [adapter.validate_json(line) for line in stream]
    except ValueError as error:
        raise DamagedGeneration(f"{path} is damaged: {type(error).__name__}.", REBUILD) from None
