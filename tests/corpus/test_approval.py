"""An approval is of bytes and of the text that was shown; what changed since the last one is shown too."""

import dataclasses
import datetime
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.corpus.approval import Proposal, Terms, approve, check_register, new_document_id, propose, withdraw, withdrawn
from qa.corpus.register import Register, load_register, locked, save_approvals
from qa.errors import (
    CorpusError,
    InvalidRegister,
    InvalidRequest,
    NoReader,
    StorageFailed,
    UnknownDocument,
    UnreadableDocument,
)
from qa.index.generation import live_texts
from qa.records import Approval
from qa.storage.files import sha256_of_bytes, sha256_of_text
from tests.support.clinic import CEMENT, RISKS, TODAY, Clinic

NEXT_YEAR = TODAY + datetime.timedelta(365)
TERMS = Terms("The committee", "patient", TODAY, NEXT_YEAR)


def proposed(clinic: Clinic, path: str, terms: Terms = TERMS) -> Proposal:
    register = load_register(clinic.settings.register_path)
    return propose(clinic.settings.corpus / path, terms, register, clinic.settings, live_texts(clinic.settings.index))


def save(clinic: Clinic, approval: Approval) -> None:
    save_approvals(clinic.settings.register_path, (approval,), None)


def test_a_proposal_shows_what_would_be_approved_and_writes_nothing(empty_clinic: Clinic) -> None:
    file = empty_clinic.write("risks.md", RISKS)
    proposal = proposed(empty_clinic, "risks.md")
    assert proposal.approval.title == "Risks of kyphoplasty"
    assert proposal.approval.document_id == "risks"
    assert proposal.approval.file_sha256 == sha256_of_bytes(file.read_bytes())
    assert proposal.approval.text_sha256 == sha256_of_text(proposal.text)
    assert "• Bleeding" in proposal.text
    assert proposal.passages == 3
    assert proposal.changes() == ()
    assert not empty_clinic.settings.register_path.exists()


def test_an_approval_holds_for_the_bytes_that_were_read(empty_clinic: Clinic) -> None:
    empty_clinic.write("risks.md", RISKS)
    proposal = proposed(empty_clinic, "risks.md")
    empty_clinic.write("risks.md", RISKS.replace("Bleeding", "Nothing"))
    save(empty_clinic, proposal.approval)
    assert [status.status for status in empty_clinic.corpus().statuses] == ["changed"]


def test_approving_again_shows_which_lines_changed(clinic: Clinic) -> None:
    clinic.write("cement.md", CEMENT.replace("10 minutes", "5 minutes"))
    changes = proposed(clinic, "cement.md").changes()
    assert "-The bone cement hardens in about 10 minutes. You lie face down until then." in changes
    assert "+The bone cement hardens in about 5 minutes. You lie face down until then." in changes


def test_approving_again_shows_which_terms_changed(clinic: Clinic) -> None:
    terms = dataclasses.replace(TERMS, audience="staff", approved_by="Dr. Baker", title="Cement", expires_on=NEXT_YEAR)
    assert proposed(clinic, "cement.md", terms).changes() == (
        "title: The bone cement → Cement",
        "audience: patient → staff",
        "approved_by: The committee → Dr. Baker",
        "expires_on: None → 2027-11-20",
    )


def test_approving_again_what_did_not_change_shows_no_change(clinic: Clinic) -> None:
    assert proposed(clinic, "cement.md").changes() == ()


def test_a_text_that_no_index_holds_any_more_is_said_to_be_changed(clinic: Clinic) -> None:
    clinic.write("cement.md", CEMENT.replace("10 minutes", "5 minutes"))
    (clinic.settings.index / "current").unlink()
    (change,) = proposed(clinic, "cement.md").changes()
    assert change.startswith("text: changed")


def test_previous_texts_are_none_without_an_index_or_with_a_damaged_one(clinic: Clinic) -> None:
    assert len(live_texts(clinic.settings.index)) == 3
    for file in clinic.settings.index.rglob("documents.jsonl"):
        file.write_text("")
    assert live_texts(clinic.settings.index) == {}
    assert live_texts(clinic.elsewhere("nowhere").settings.index) == {}


def test_a_document_keeps_its_id_and_its_link_target_over_approvals(clinic: Clinic) -> None:
    first = load_register(clinic.settings.register_path).of_path("cement.md")
    save(clinic, dataclasses.replace(first, document_id="an-older-id") if first else pytest.fail("not approved"))
    assert proposed(clinic, "cement.md").approval.document_id == "an-older-id"


def test_a_source_address_once_given_stays(clinic: Clinic) -> None:
    terms = dataclasses.replace(TERMS, source_url="https://clinic.example/cement")
    save(clinic, proposed(clinic, "cement.md", terms).approval)
    assert proposed(clinic, "cement.md").approval.source_url == "https://clinic.example/cement"


def test_approving_a_withdrawn_document_lifts_the_withdrawal_and_shows_it(clinic: Clinic) -> None:
    register = load_register(clinic.settings.register_path)
    save(clinic, withdrawn(clinic.settings.corpus / "cement.md", "wrong figure", TODAY, register, clinic.settings))
    assert len(clinic.corpus().documents) == 2
    proposal = proposed(clinic, "cement.md")
    assert proposal.changes() == ("withdrawn_on: 2026-11-20 → None",)
    save(clinic, proposal.approval)
    assert len(clinic.corpus().documents) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"approved_by": "  "},
        {"review_by": TODAY - datetime.timedelta(1)},
        {"expires_on": TODAY},
        {"expires_on": TODAY - datetime.timedelta(1)},
        {"source_url": "javascript:alert(1)"},
        {"source_url": "https://clinic.example/a b"},
        {"source_url": ""},
    ],
)
def test_terms_that_make_no_sense_are_refused(clinic: Clinic, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        proposed(clinic, "cement.md", dataclasses.replace(TERMS, **change))


def test_a_file_outside_the_corpus_cannot_be_approved(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = clinic.folder / "secret.md"
    outside.write_text("# Secret\n\nText.\n")
    (clinic.settings.corpus / "linked").symlink_to(clinic.folder)
    monkeypatch.chdir(clinic.folder)
    register = load_register(clinic.settings.register_path)
    ways = (outside, clinic.settings.corpus / "../secret.md", clinic.settings.corpus / "linked/secret.md")
    for way in (*ways, Path("secret.md")):
        with pytest.raises(CorpusError, match="does not lie in the corpus folder"):
            propose(way, TERMS, register, clinic.settings, {})


def test_a_file_can_be_named_from_where_one_stands_or_from_the_corpus(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    register = load_register(clinic.settings.register_path)
    monkeypatch.chdir(clinic.folder)
    for way in ("corpus/cement.md", "cement.md", "./corpus/staff/../cement.md"):
        assert propose(Path(way), TERMS, register, clinic.settings, {}).approval.path == "cement.md"


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("gone.md", None, UnreadableDocument),
        ("empty.md", b"", UnreadableDocument),
        ("binary.md", b"\x00\x01\x02", UnreadableDocument),
        ("scan.pdf", b"%PDF-1.7", NoReader),
        ("..", None, CorpusError),
    ],
)
def test_what_cannot_be_read_cannot_be_approved_and_is_named(
    clinic: Clinic, name: str, content: bytes | None, error: type[CorpusError]
) -> None:
    if content is not None:
        clinic.write(name, content)
    with pytest.raises(error, match=name.replace(".", r"\.")):
        proposed(clinic, name)


def test_a_file_whose_name_is_not_utf_8_cannot_be_approved(clinic: Clinic) -> None:
    name = os.fsdecode(b"\xff.md")
    try:
        (clinic.settings.corpus / name).write_text("# Page\n\nText.\n")
    except (OSError, ValueError):
        pytest.skip("this file system takes UTF-8 names only")
    before = clinic.settings.register_path.read_bytes()
    with pytest.raises(CorpusError):
        save(clinic, proposed(clinic, name).approval)
    assert clinic.settings.register_path.read_bytes() == before


def test_a_document_whose_file_is_gone_can_be_withdrawn(clinic: Clinic) -> None:
    (clinic.settings.corpus / "cement.md").unlink()
    register = load_register(clinic.settings.register_path)
    for way in (Path("cement.md"), clinic.settings.corpus / "cement.md"):
        approval = withdrawn(way, " wrong figure ", TODAY, register, clinic.settings)
        assert (approval.path, approval.withdrawn_on, approval.withdrawn_why) == ("cement.md", TODAY, "wrong figure")


def test_a_withdrawal_needs_a_listed_document_and_a_reason(clinic: Clinic) -> None:
    register = load_register(clinic.settings.register_path)
    with pytest.raises(UnknownDocument, match=r"rumours\.md"):
        withdrawn(Path("rumours.md"), "wrong", TODAY, register, clinic.settings)
    with pytest.raises(InvalidRequest, match="reason"):
        withdrawn(clinic.settings.corpus / "cement.md", " ", TODAY, register, clinic.settings)


def test_a_register_with_a_wrong_entry_is_not_written_to(clinic: Clinic) -> None:
    check_register(load_register(clinic.settings.register_path), clinic.settings.register_path)
    text = clinic.settings.register_path.read_text("utf-8")
    clinic.settings.register_path.write_text(text.replace("title =", "titel = 1\ntitle =", 1), "utf-8")
    with pytest.raises(InvalidRegister, match="titel"):
        check_register(load_register(clinic.settings.register_path), clinic.settings.register_path)


def test_files_are_approved_each_that_can_be_and_the_others_are_named(empty_clinic: Clinic) -> None:
    settings, files = empty_clinic.settings, ("cement.md", "gone.md", "scan.pdf", "risks.md")
    for name, text in (("cement.md", CEMENT), ("risks.md", RISKS), ("scan.pdf", "%PDF-1.7")):
        empty_clinic.write(name, text)
    approved = approve([settings.corpus / name for name in files], TERMS, settings, {})
    assert [proposal.approval.path for proposal in approved.proposals] == ["cement.md", "risks.md"]
    assert [type(failure) for failure in approved.failures] == [UnreadableDocument, NoReader]
    assert load_register(settings.register_path).approvals == tuple(item.approval for item in approved.proposals)


def test_files_approved_together_get_different_ids(empty_clinic: Clinic) -> None:
    files = [empty_clinic.write(name, RISKS) for name in ("risks.md", "risks.txt")]
    approved = approve(files, TERMS, empty_clinic.settings, {})
    assert [proposal.approval.document_id for proposal in approved.proposals] == ["risks", "risks-txt"]


def test_approving_again_shows_what_changed_since_the_texts_that_are_given(clinic: Clinic) -> None:
    file = clinic.write("cement.md", CEMENT.replace("10 minutes", "5 minutes"))
    (proposal,) = approve([file], TERMS, clinic.settings, live_texts(clinic.settings.index)).proposals
    assert "+The bone cement hardens in about 5 minutes. You lie face down until then." in proposal.changes()


def test_a_dry_run_proposes_the_same_takes_no_lock_and_writes_nothing(empty_clinic: Clinic) -> None:
    file = empty_clinic.write("risks.md", RISKS)
    with locked(empty_clinic.settings.register_path):
        proposed_only = approve([file], TERMS, empty_clinic.settings, {}, dry_run=True)
    assert not empty_clinic.settings.register_path.exists()
    assert approve([file], TERMS, empty_clinic.settings, {}) == proposed_only


def test_a_register_outside_its_corpus_folder_records_that_folder(empty_clinic: Clinic) -> None:
    file = empty_clinic.write("risks.md", RISKS)
    apart = empty_clinic.settings.model_copy(update={"register_file": empty_clinic.folder / "apart" / "r.toml"})
    approve([file], TERMS, apart, {})
    assert load_register(apart.register_path).corpus == empty_clinic.settings.corpus


def test_where_no_file_can_be_approved_no_register_is_written(empty_clinic: Clinic) -> None:
    approved = approve([Path("gone.md")], TERMS, empty_clinic.settings, {})
    assert (approved.proposals, len(approved.failures)) == ((), 1)
    assert not empty_clinic.settings.register_path.exists()


def test_a_withdrawal_is_recorded_with_its_day_and_reason(clinic: Clinic) -> None:
    approval = withdraw(clinic.settings.corpus / "cement.md", "wrong figure", clinic.settings, TODAY)
    assert (approval.withdrawn_on, approval.withdrawn_why) == (TODAY, "wrong figure")
    assert load_register(clinic.settings.register_path).of_path("cement.md") == approval


@pytest.mark.parametrize("way", ["approve", "withdraw"])
def test_nothing_is_written_while_another_process_writes_the_register_or_an_entry_is_wrong(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("qa.corpus.register.LOCK_TIMEOUT_SECONDS", 0.01)
    register, file = clinic.settings.register_path, clinic.settings.corpus / "cement.md"

    def write() -> None:
        if way == "approve":
            approve([file], TERMS, clinic.settings, {})
        else:
            withdraw(file, "wrong figure", clinic.settings, TODAY)

    before = register.read_bytes()
    with locked(register), pytest.raises(StorageFailed, match="another process"):
        write()
    wrong = before.replace(b"title =", b"titel = 1\ntitle =", 1)
    register.write_bytes(wrong)
    with pytest.raises(InvalidRegister, match="titel"):
        write()
    assert register.read_bytes() == wrong


@given(st.lists(st.text(st.sampled_from("ab-_ .é/語ß"), min_size=1, max_size=6), max_size=12, unique=True))
def test_no_two_documents_get_the_same_id_and_every_id_is_fit_for_an_address(names: list[str]) -> None:
    approvals: list[Approval] = []
    for name in names:
        path = f"{name}.md"
        identifier = new_document_id(path, Register(approvals=tuple(approvals)))
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", identifier)
        approvals.append(
            Approval(identifier, path, "T", "patient", "1" * 64, "2" * 64, "The committee", TODAY, NEXT_YEAR)
        )
    identifiers = [approval.document_id for approval in approvals]
    assert len(set(identifiers)) == len(identifiers)


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("# Bone cement\n\nText.\n", "Bone cement"),
        ("Text without a heading.\n", "My first page"),
        ("---\ntitle: From the front matter\n---\n\nText.\n", "From the front matter"),
    ],
)
def test_a_title_is_the_documents_own_or_its_file_name(empty_clinic: Clinic, source: str, title: str) -> None:
    empty_clinic.write("my-first_page.md", source)
    assert proposed(empty_clinic, "my-first_page.md").approval.title == title
    given_title = dataclasses.replace(TERMS, title="  Given ")
    assert proposed(empty_clinic, "my-first_page.md", given_title).approval.title == "Given"
