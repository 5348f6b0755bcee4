"""Documents → a new generation, embedding only what the live one does not hold, and published when it is whole."""

import datetime
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from qa import __version__
from qa.corpus.loader import open_corpus
from qa.corpus.passages import embedding_text, passages_of
from qa.corpus.register import load_register
from qa.encoder.protocol import EncoderMaker
from qa.errors import UNUSABLE, CheckFailed, NothingToServe, StorageFailed
from qa.index.generation import Generation, open_generation
from qa.index.manifest import CALIBRATION, SYNONYMS, Manifest, Recipe, write_manifest
from qa.index.publication import adopt, live_id, publish, staging_folder, write_lock
from qa.indexer.audience_files import Content, write_audience
from qa.indexer.embedding import Embeddings, EncodedPassage, Progress, embed, held_encodings
from qa.indexer.plan import Plan, plan_build
from qa.indexer.pruning import Pruned, prune
from qa.indexer.retirement import retire
from qa.records import AUDIENCES, Document, FileStatus, Passage
from qa.settings import KEEP_GENERATIONS, Settings
from qa.storage.io_faults import reason_of, remedy_of
from qa.storage.sealed import list_files


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


def build_index(settings: Settings, encoders: EncoderMaker, today: datetime.date, progress: Progress) -> BuildReport:
    """Builds the approved documents of the settings' corpus, as they stand on a day, into their index: `qa build`.

    Raises NothingToServe when nothing may be served, saying what became of the live index, and CheckFailed when the
    register changed meanwhile: what was approved before is built and live then. Raises CorpusError, InvalidRegister,
    InvalidSynonyms or InvalidSetting when the corpus or a file beside it cannot be used, ModelUnavailable when the
    model cannot, StorageFailed when another process writes the index or the disk refuses, and IndexUnavailable when
    the index cannot be read today; what was live before serves on then. Raises OSError when the disk refuses to take
    the index out of service.
    """
    corpus, register = open_corpus(settings, today)
    try:
        plan = plan_build(corpus, settings, encoders.planned())
        report = build(plan, register.sha256, settings.index, encoders, progress, settings.keep_generations)
    except NothingToServe as error:
        raise NothingToServe(f"{error.message} {retire(settings.index, register)}", error.remedy) from None
    if load_register(settings.register_path).sha256 != register.sha256:
        raise CheckFailed("The register changed while the index was being built.", "Run `qa build` again.")
    return report


def is_live(plan: Plan, index_folder: Path) -> bool:
    """Whether the live generation is what the plan would make; its files are not checked.

    Raises IndexUnavailable when its name cannot be read today.
    """
    try:
        return live_id(index_folder) == plan.generation
    except UNUSABLE:
        return False


def build(
    plan: Plan,
    register_sha256: str,
    index_folder: Path,
    encoders: EncoderMaker,
    progress: Progress,
    keep_generations: int = KEEP_GENERATIONS,
) -> BuildReport:
    """Makes and publishes the plan's generation; the live one serves until then, and on if anything fails.

    A generation that is already there and whole, with its encoder, is only published.

    Raises NothingToServe when the documents hold headings only, ModelUnavailable when the model cannot be loaded or
    exported, or the export disagrees with it, StorageFailed when another process writes the index or the disk
    refuses, and IndexUnavailable when what is there cannot be read today: it may be whole.

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
    opened = None if stored is None else _open_if_whole(index_folder, plan.generation)
    if opened is None:
        passages = {document.id: _passages(document, plan.recipe) for document in plan.documents["staff"]}
        if not any(passages.values()):
            raise NothingToServe("There is nothing to build: the documents hold headings only.", "Approve text.")
        rows = [(document, passage) for document in plan.documents["staff"] for passage in passages[document.id]]
        encoder = stored or encoders.make([embedding_text(*row) for row in rows])
        if stored is None:
            opened = _open_if_whole(index_folder, plan.generation)
        if opened is None:
            embeddings = embed(rows, _held(plan, index_folder), encoder, progress)
            _write(plan, register_sha256, index_folder, Content(passages, embeddings))
            opened = open_generation(index_folder, plan.generation)  # as it lies on the disk
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


def _write(plan: Plan, register_sha256: str, index_folder: Path, content: Content) -> None:
    with staging_folder(index_folder, plan.generation) as staging:
        summaries = {audience: write_audience(staging, audience, plan, content) for audience in AUDIENCES}
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


def _open_if_whole(index_folder: Path, identifier: str) -> Generation | None:
    """None when there is no such generation, or it is of no use. Raises IndexUnavailable when it cannot be read today,
    and StorageFailed when it cannot be copied to be mapped: then it may be whole.
    """
    try:
        return open_generation(index_folder, identifier)
    except UNUSABLE:
        return None


def _held(plan: Plan, index_folder: Path) -> Mapping[str, EncodedPassage]:
    """What the live generation holds of use; the planned one was looked at already, and is not whole."""
    try:
        live = live_id(index_folder)
    except UNUSABLE:
        return {}
    generation = None if live == plan.generation else _open_if_whole(index_folder, live)
    return {} if generation is None else held_encodings(generation, plan.recipe.encoder)


def _passages(document: Document, recipe: Recipe) -> tuple[Passage, ...]:
    return tuple(passages_of(document, recipe.passage_words))
