"""Documents → a new generation, embedding only what the live one does not hold, and published when it is whole."""

import datetime
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from qa import __version__
from qa.corpus.loader import Corpus
from qa.corpus.passages import embedding_text, heading_text, passages_of
from qa.corpus.register import Register
from qa.encoder.protocol import EncoderIdentity, EncoderMaker, Vectors
from qa.errors import UNUSABLE, NoIndex, NothingToServe, OutOfService, StorageFailed
from qa.index.bm25 import write_terms
from qa.index.calibration import PACKAGED, read_calibration
from qa.index.generation import open_generation, write_records
from qa.index.manifest import (
    CALIBRATION,
    FORMAT_VERSION,
    SYNONYMS,
    AudienceFiles,
    AudienceSummary,
    Manifest,
    Recipe,
    audience_digest,
    generation_id,
    read_manifest,
    write_manifest,
)
from qa.index.publication import (
    adopt,
    generation_folder,
    live_id,
    publish,
    staging_folder,
    take_out_of_service,
    write_lock,
)
from qa.index.token_vectors import write_tokens
from qa.index.vectors import index_kind, write_vectors
from qa.index.vocabulary import collect, write_vocabulary
from qa.indexer.embedding import Embeddings, Progress, embed
from qa.indexer.pruning import Pruned, prune
from qa.records import AUDIENCES, Audience, Document, FileStatus, Passage
from qa.settings import KEEP_GENERATIONS, Settings
from qa.storage.files import sha256_of_bytes
from qa.storage.io_faults import reason_of, remedy_of
from qa.storage.sealed import list_files
from qa.text.synonyms import load_synonyms


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. `left_out` names each file that is not served, and why; `embedded` counts passages.

    `pruned` says which older generations were removed.
    """

    generation: str
    documents: int
    passages: int
    sentences: int
    embedded: int
    reused: int
    left_out: tuple[FileStatus, ...]
    seconds: float
    published: bool
    pruned: Pruned


@dataclass(frozen=True, slots=True)
class Companions:
    """The files that stand beside the documents and go into a generation as they are."""

    synonyms: bytes
    calibration: bytes

    @classmethod
    def of(cls, settings: Settings) -> "Companions":
        """The corpus's own, else no synonyms and the packaged calibration; raises InvalidSynonyms or InvalidSetting."""
        synonyms, calibration = settings.corpus / SYNONYMS, settings.corpus / CALIBRATION
        calibration = calibration if calibration.exists() else PACKAGED
        load_synonyms(synonyms)
        read_calibration(calibration)
        return cls(synonyms.read_bytes() if synonyms.exists() else b"", calibration.read_bytes())


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build of a corpus would make, known without encoding anything."""

    generation: str
    recipe: Recipe
    documents: Mapping[Audience, tuple[Document, ...]]
    digests: Mapping[Audience, str]
    left_out: tuple[FileStatus, ...]
    companions: Companions


def make_recipe(encoder: EncoderIdentity, settings: Settings, companions: Companions) -> Recipe:
    """What beside the documents decides an index's content."""
    return Recipe(
        FORMAT_VERSION,
        encoder,
        settings.passage_words,
        sha256_of_bytes(companions.synonyms),
        sha256_of_bytes(companions.calibration),
    )


def plan_build(corpus: Corpus, settings: Settings, encoder: EncoderIdentity) -> Plan:
    """Raises NothingToServe, saying why, when no document may be served."""
    left_out = tuple(status for status in corpus.statuses if not status.is_servable)
    if not corpus.documents:
        raise NothingToServe(_why_nothing(left_out), "Approve documents with `qa approve`, then build again.")
    companions = Companions.of(settings)
    recipe = make_recipe(encoder, settings, companions)
    documents: dict[Audience, tuple[Document, ...]] = {
        "patient": tuple(document for document in corpus.documents if document.approval.audience == "patient"),
        "staff": corpus.documents,
    }
    return make_plan(recipe, documents, left_out, companions)


def make_plan(
    recipe: Recipe,
    documents: Mapping[Audience, tuple[Document, ...]],
    left_out: tuple[FileStatus, ...],
    companions: Companions,
) -> Plan:
    """The plan with the ids that its content gives it."""
    digests = {audience: audience_digest(recipe, documents[audience]) for audience in AUDIENCES}
    return Plan(generation_id(digests), recipe, documents, digests, left_out, companions)


def is_live(plan: Plan, index_folder: Path) -> bool:
    """Whether the live generation is what the plan would make; its files are not checked."""
    try:
        return live_id(index_folder) == plan.generation
    except UNUSABLE:
        return False


def retire(index_folder: Path, register: Register) -> str:
    """Takes the index out of service when it was built under this register, which now lets nothing of it be served.

    An index of other documents is left alone: the corpus was mistaken then. Returns what becomes of the live index, in
    a sentence; raises what `write_lock` and `read_manifest` raise for trouble of the machine.
    """
    known = {approval.document_id for approval in register.approvals}
    try:
        with write_lock(index_folder):
            live = read_manifest(generation_folder(index_folder, live_id(index_folder)))
            if known.isdisjoint(live.audiences["staff"].documents):
                return f"The live index {index_folder} keeps serving: this register knows none of its documents."
            take_out_of_service(index_folder)
    except NoIndex:
        return f"No index is live in {index_folder}."
    except OutOfService:
        return f"The index {index_folder} is out of service already."
    except UNUSABLE as error:
        return f"The live index was left as it is, and a server that has it open serves on: {error.message}"
    return f"The index {index_folder} was taken out of service."


def build(
    plan: Plan,
    register_sha256: str,
    index_folder: Path,
    encoders: EncoderMaker,
    progress: Progress,
    keep_generations: int = KEEP_GENERATIONS,
) -> BuildReport:
    """Makes and publishes the plan's generation; the live one serves until then, and on if anything fails.

    A generation that is already there and whole, with its encoder, is only published. Raises ModelUnavailable when the
    model cannot be exported, StorageFailed when the disk refuses, and IndexUnavailable when the machine does not give
    out what is there: it may be whole.

    Then all but `keep_generations` are removed; that some could not be is said in the report, and fails nothing.
    """
    started = time.monotonic()
    try:
        with write_lock(index_folder):
            report = _build(plan, register_sha256, index_folder, encoders, progress)
            pruned = prune(index_folder, keep_generations)
            return replace(report, pruned=pruned, seconds=time.monotonic() - started)
    except (OSError, MemoryError) as error:
        raise StorageFailed(
            f"The index {index_folder} cannot be written: {reason_of(error)}.",
            f"{remedy_of(error)} The live generation is untouched.",
        ) from error


def _build(
    plan: Plan, register_sha256: str, index_folder: Path, encoders: EncoderMaker, progress: Progress
) -> BuildReport:
    embeddings: Embeddings | None = None
    stored = encoders.stored()
    if stored is None or not _is_whole(plan, index_folder):
        passages = {document.id: _passages(document, plan.recipe) for document in plan.documents["staff"]}
        if not any(passages.values()):
            raise NothingToServe("There is nothing to build: the documents hold headings only.", "Approve text.")
        rows = [(document, passage) for document in plan.documents["staff"] for passage in passages[document.id]]
        encoder = stored or encoders.make([embedding_text(*row) for row in rows])
        if not _is_whole(plan, index_folder):
            embeddings = embed(rows, index_folder, plan.recipe, encoder, progress)
            _write(plan, register_sha256, index_folder, _Content(passages, embeddings))
    opened = open_generation(index_folder, plan.generation)
    embedded, reused = (embeddings.made, embeddings.reused) if embeddings else (0, 0)
    is_news = not is_live(plan, index_folder) or embedded > 0 or stored is None
    publish(index_folder, plan.generation)
    summary = opened.manifest.audiences["staff"]
    quoted = {passage.document_id for passage in opened.audiences["staff"].passages}
    empty = tuple(
        FileStatus(document.approval.path, "unreadable", "it has headings only: nothing that could be quoted")
        for document in plan.documents["staff"]
        if document.id not in quoted
    )
    return BuildReport(
        generation=plan.generation,
        documents=len(summary.documents) - len(empty),
        passages=summary.passages,
        sentences=summary.sentences,
        embedded=embedded,
        reused=reused,
        left_out=(*plan.left_out, *empty),
        seconds=0.0,
        published=is_news,
        pruned=Pruned(),
    )


@dataclass(frozen=True, slots=True)
class _Content:
    """What a generation holds: the passages of each document, by its id, and their encodings."""

    passages: Mapping[str, tuple[Passage, ...]]
    embeddings: Embeddings


def _write(plan: Plan, register_sha256: str, index_folder: Path, content: _Content) -> None:
    with staging_folder(index_folder, plan.generation) as staging:
        summaries = {audience: _write_audience(staging, audience, plan, content) for audience in AUDIENCES}
        (staging / SYNONYMS).write_bytes(plan.companions.synonyms)
        (staging / CALIBRATION).write_bytes(plan.companions.calibration)
        manifest = Manifest(
            id=plan.generation,
            built_at=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
            built_by=__version__,
            recipe=plan.recipe,
            register_sha256=register_sha256,
            audiences=summaries,
            files=list_files(staging),
        )
        write_manifest(staging, manifest)
        adopt(index_folder, staging, plan.generation)


def _why_nothing(left_out: Sequence[FileStatus]) -> str:
    if not left_out:
        return "There is nothing to build: the corpus folder holds no files."
    reasons = "; ".join(f"{status.path}: {status.explanation}" for status in left_out[:5])
    more = f"; and {len(left_out) - 5} more" if len(left_out) > 5 else ""
    return f"There is nothing to build: no file may be served ({reasons}{more})."


def _is_whole(plan: Plan, index_folder: Path) -> bool:
    try:
        open_generation(index_folder, plan.generation)
    except UNUSABLE:
        return False
    return True


def _passages(document: Document, recipe: Recipe) -> tuple[Passage, ...]:
    return tuple(passages_of(document, recipe.passage_words))


def _write_audience(staging: Path, audience: Audience, plan: Plan, content: _Content) -> AudienceSummary:
    passages, embeddings = content.passages, content.embeddings
    files = AudienceFiles.of(audience)
    documents = plan.documents[audience]
    rows = [(document, passage) for document in documents for passage in passages[document.id]]
    (staging / audience).mkdir()
    write_records(staging / files.documents, documents)
    write_records(staging / files.passages, tuple(passage for _, passage in rows))
    encoded = [embeddings.of(document, passage) for document, passage in rows]
    example = next(iter(embeddings.encoded.values()))
    sentences = sum(len(passage.sentences) for _, passage in rows)
    kind = index_kind(len(rows))
    write_vectors(
        staging / files.passage_vectors, _stack([passage.vector for passage in encoded], len(example.vector)), kind
    )
    write_tokens(
        staging / files.tokens,
        staging / files.token_starts,
        staging / files.sentence_starts,
        [passage.tokens for passage in encoded],
        example.tokens.rows.shape[1],
    )
    write_terms(
        staging / files.terms,
        ((heading_text(document, passage), document.text[passage.start : passage.end]) for document, passage in rows),
    )
    write_vocabulary(
        staging / files.vocabulary, collect([*(document.text for document in documents), *_titles(documents)])
    )
    texts = {document.id: document.text_sha256 for document in documents}
    return AudienceSummary(plan.digests[audience], texts, len(rows), sentences, kind)


def _titles(documents: Sequence[Document]) -> list[str]:
    return [document.approval.title for document in documents]


def _stack(vectors: Sequence[Vectors], dimension: int) -> Vectors:
    return np.stack(vectors) if vectors else np.empty((0, dimension), np.float32)
