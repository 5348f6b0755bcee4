"""Which older generation may go live again."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from qa.corpus.register import Register
from qa.encoder.store import verify_encoder
from qa.errors import ClinicQAError, InvalidRequest, UnknownGeneration
from qa.index.generation import Generation, open_generation
from qa.index.manifest import read_manifest
from qa.index.publication import generation_folder, generation_ids, live_id, publish, write_lock
from qa.records import Audience


@dataclass(frozen=True, slots=True)
class GenerationSummary:
    """One generation on the disk; `problem` says why its manifest cannot be read; its files are not checked."""

    id: str
    live: bool
    built_at: datetime.datetime | None
    documents: int
    passages: int
    model: str
    digests: dict[Audience, str]
    problem: str


def list_generations(index_folder: Path) -> tuple[GenerationSummary, ...]:
    """Every generation on the disk, newest first."""
    try:
        live = live_id(index_folder)
    except ClinicQAError:
        live = ""
    return tuple(_summary(index_folder, identifier, identifier == live) for identifier in generation_ids(index_folder))


def roll_back(
    index_folder: Path, identifier: str | None, register: Register, today: datetime.date, *, allow_withdrawn: bool
) -> Generation:
    """Makes an older generation live: the one named, or the newest other than the live one. It is verified first.

    Raises InvalidRequest when the generation would quote text whose approval the register no longer holds, unless
    `allow_withdrawn`; UnknownGeneration when there is none of that id, or no other one; DamagedGeneration or
    OtherFormat when it is of no use; NoIndex or OutOfService when none is named and none is live; StorageFailed when
    another process writes the index; and IndexUnavailable when it cannot be read today.
    """
    with write_lock(index_folder):
        target = identifier or _previous(index_folder)
        generation = open_generation(index_folder, target)
        verify_encoder(index_folder, generation.manifest.recipe.encoder)
        gone = _no_longer_approved(generation, register, today)
        if gone and not allow_withdrawn:
            raise InvalidRequest(
                f"Generation {target} quotes text that is no longer approved: {', '.join(gone)}.",
                "Choose another, run `qa build`, or pass --allow-withdrawn.",
            )
        publish(index_folder, target)
    return generation


def _previous(index_folder: Path) -> str:
    live = live_id(index_folder)
    others = [identifier for identifier in generation_ids(index_folder) if identifier != live]
    if not others:
        raise UnknownGeneration("There is no other generation to roll back to.", "`qa generations` lists them.")
    return others[0]


def _no_longer_approved(generation: Generation, register: Register, today: datetime.date) -> list[str]:
    """The ids of documents whose exact text the register does not approve now, for the same audience and time."""
    approved = {
        (approval.document_id, approval.text_sha256, approval.audience, approval.expires_on)
        for approval in register.approvals
        if approval.withdrawn_on is None and not approval.has_expired(today)
    }
    approvals = [document.approval for document in generation.audiences["staff"].documents.values()]
    return [
        approval.document_id
        for approval in approvals
        if (approval.document_id, approval.text_sha256, approval.audience, approval.expires_on) not in approved
    ]


def _summary(index_folder: Path, identifier: str, live: bool) -> GenerationSummary:
    try:
        manifest = read_manifest(generation_folder(index_folder, identifier))
    except ClinicQAError as error:
        return GenerationSummary(identifier, live, None, 0, 0, "", {}, str(error))
    staff = manifest.audiences["staff"]
    digests = {audience: summary.digest for audience, summary in manifest.audiences.items()}
    return GenerationSummary(
        identifier,
        live,
        manifest.built_at,
        len(staff.documents),
        staff.passages,
        manifest.recipe.encoder.model.name,
        digests,
        "",
    )
