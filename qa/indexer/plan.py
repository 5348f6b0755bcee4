"""What a build of a corpus would make: its recipe, its documents and its id, known without encoding anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa.corpus.loader import Corpus
from qa.encoder.protocol import EncoderIdentity
from qa.errors import NothingToServe
from qa.index.calibration import PACKAGED, read_calibration
from qa.index.manifest import CALIBRATION, FORMAT_VERSION, SYNONYMS, Recipe, audience_digest, generation_id
from qa.records import AUDIENCES, Audience, Document, FileStatus
from qa.settings import Settings
from qa.storage.files import sha256_of_bytes
from qa.text.synonyms import load_synonyms


@dataclass(frozen=True, slots=True)
class Companions:
    """The files that stand beside the documents and go into a generation as they are."""

    synonyms: bytes
    calibration: bytes

    @classmethod
    def of(cls, corpus: Path) -> "Companions":
        """Those in the corpus folder, else no synonyms and the packaged calibration.

        Raises InvalidSynonyms or InvalidSetting when the file in the corpus cannot be used.
        """
        synonyms, calibration = corpus / SYNONYMS, corpus / CALIBRATION
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


def make_recipe(encoder: EncoderIdentity, passage_words: int, companions: Companions) -> Recipe:
    """What decides an index's content besides the documents."""
    return Recipe(
        FORMAT_VERSION,
        encoder,
        passage_words,
        sha256_of_bytes(companions.synonyms),
        sha256_of_bytes(companions.calibration),
    )


def plan_build(corpus: Corpus, settings: Settings, encoder: EncoderIdentity) -> Plan:
    """What a build of a corpus by these settings, with this encoder, would make.

    Raises NothingToServe, saying why, when no document may be served, and InvalidSynonyms or InvalidSetting when the
    synonyms or the calibration beside them cannot be used.
    """
    left_out = tuple(status for status in corpus.statuses if not status.is_servable)
    if not corpus.documents:
        raise NothingToServe(_why_nothing(left_out), "Approve documents with `qa approve`, then build again.")
    companions = Companions.of(settings.corpus)
    recipe = make_recipe(encoder, settings.passage_words, companions)
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
    """The plan, with the ids derived from its content."""
    digests = {audience: audience_digest(recipe, documents[audience]) for audience in AUDIENCES}
    return Plan(generation_id(digests), recipe, documents, digests, left_out, companions)


def _why_nothing(left_out: Sequence[FileStatus]) -> str:
    if not left_out:
        return "There is nothing to build: the corpus folder holds no files."
    reasons = "; ".join(f"{status.path}: {status.explanation}" for status in left_out[:5])
    more = f"; and {len(left_out) - 5} more" if len(left_out) > 5 else ""
    return f"There is nothing to build: no file may be served ({reasons}{more})."
