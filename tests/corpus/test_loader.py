"""Every file of the corpus gets its status by name, and none of them can stop the others."""

import datetime
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qa.corpus import loader as documents_module
from qa.corpus.register import load_register
from qa.errors import CorpusError
from qa.records import CanonicalText, FileStatus, Status
from qa.storage.files import sha256_of_text
from tests.support.clinic import CALL_GUIDE, CEMENT, RISKS, TODAY, Clinic

DAY = datetime.timedelta(1)


@pytest.fixture
def clinic(empty_clinic: Clinic) -> Clinic:
    """A clinic with two patient pages and a staff page, approved, and no index."""
    empty_clinic.add("risks.md", RISKS)
    empty_clinic.add("cement.md", CEMENT)
    empty_clinic.add("staff/call-guide.md", CALL_GUIDE, "staff")
    return empty_clinic


def statuses(clinic: Clinic) -> dict[str, Status]:
    return {status.path: status.status for status in clinic.corpus().statuses}


def status_of(clinic: Clinic, path: str) -> FileStatus:
    (status,) = [status for status in clinic.corpus().statuses if status.path == path]
    return status


def served(clinic: Clinic) -> list[str]:
    return [document.approval.path for document in clinic.corpus().documents]


def edit_register(clinic: Clinic, old: str, new: str) -> None:
    path = clinic.settings.register_path
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_approved_documents_are_served_in_the_order_of_their_paths_with_the_text_approved(clinic: Clinic) -> None:
    corpus = clinic.corpus()
    assert [document.approval.path for document in corpus.documents] == ["cement.md", "risks.md", "staff/call-guide.md"]
    assert set(statuses(clinic).values()) == {"approved"}
    for document in corpus.documents:
        assert document.text_sha256 == sha256_of_text(document.text)


def test_one_changed_byte_is_a_change(clinic: Clinic) -> None:
    clinic.write("cement.md", CEMENT.replace("10 minutes", "11 minutes"))
    status = status_of(clinic, "cement.md")
    assert status.status == "changed"
    assert "changed since approval" in status.explanation
    assert served(clinic) == ["risks.md", "staff/call-guide.md"]


@pytest.mark.parametrize(
    "content", [CEMENT.replace("\n", "\r\n"), CEMENT + "\n", f"\ufeff{CEMENT}"], ids=["CRLF", "line", "BOM"]
)
def test_other_bytes_with_the_same_text_are_a_change(clinic: Clinic, content: str) -> None:
    clinic.write("cement.md", content)
    assert status_of(clinic, "cement.md").status == "changed"


def test_approved_bytes_from_which_another_text_is_read_are_a_change(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_another_text(path: Path, data: bytes) -> CanonicalText:
        return CanonicalText("Another text.", None, ())

    monkeypatch.setattr(documents_module, "read_document", read_another_text)
    corpus = clinic.corpus()
    assert corpus.documents == ()
    assert {status.status for status in corpus.statuses} == {"changed"}
    assert all("reads another text" in status.explanation for status in corpus.statuses)


def test_a_file_that_nobody_approved_is_unlisted(clinic: Clinic) -> None:
    clinic.write("rumours.md", "# Rumours\n\nThe cement is made of cheese.\n")
    assert statuses(clinic)["rumours.md"] == "unlisted"
    assert "rumours.md" not in served(clinic)


def test_a_renamed_file_is_unlisted_and_its_old_name_missing(clinic: Clinic) -> None:
    (clinic.settings.corpus / "cement.md").rename(clinic.settings.corpus / "bone-cement.md")
    assert statuses(clinic)["bone-cement.md"] == "unlisted"
    assert statuses(clinic)["cement.md"] == "missing"
    assert served(clinic) == ["risks.md", "staff/call-guide.md"]


@pytest.mark.parametrize(("days", "status"), [(-1, "expired"), (0, "expired"), (1, "approved")])
def test_a_document_expires_on_its_day(clinic: Clinic, days: int, status: Status) -> None:
    clinic.approve("cement.md", expires_on=TODAY + 10 * DAY)
    clinic.today = TODAY + 10 * DAY - days * DAY
    assert statuses(clinic)["cement.md"] == status
    assert ("cement.md" in served(clinic)) == (status == "approved")


@pytest.mark.parametrize(
    ("days_left", "status", "explanation"),
    [
        (61, "approved", "review by 2027-11-20"),
        (60, "review_due", "review due by 2027-11-20"),
        (0, "review_due", "review due by 2027-11-20"),
        (-1, "review_due", "review overdue since 2027-11-20"),
    ],
)
def test_a_document_is_served_on_when_its_review_is_due(
    clinic: Clinic, days_left: int, status: Status, explanation: str
) -> None:
    clinic.today = datetime.date(2027, 11, 20) - days_left * DAY
    assert status_of(clinic, "cement.md").status == status
    assert explanation in status_of(clinic, "cement.md").explanation
    assert "cement.md" in served(clinic)


def test_a_withdrawn_document_is_not_served_whether_its_file_is_there_or_changed_or_not(clinic: Clinic) -> None:
    edit_register(
        clinic, 'title = "The bone cement"', 'title = "x"\nwithdrawn_on = 2026-11-20\nwithdrawn_why = "wrong figure"'
    )
    for change in (
        lambda: None,
        lambda: clinic.write("cement.md", "other"),
        (clinic.settings.corpus / "cement.md").unlink,
    ):
        change()
        status = status_of(clinic, "cement.md")
        assert status.status == "withdrawn"
        assert status.explanation == "withdrawn on 2026-11-20: wrong figure"
        assert "cement.md" not in served(clinic)


def test_a_misspelt_expiry_keeps_the_document_out_rather_than_serving_it_for_ever(clinic: Clinic) -> None:
    edit_register(clinic, 'title = "The bone cement"', 'title = "The bone cement"\nexpire_on = 2020-01-01')
    status = status_of(clinic, "cement.md")
    assert status.status == "invalid_entry"
    assert "unknown key 'expire_on'" in status.explanation
    assert served(clinic) == ["risks.md", "staff/call-guide.md"]


def test_an_entry_that_points_out_of_the_corpus_is_named_and_its_file_not_read(clinic: Clinic) -> None:
    (clinic.folder / "secret.md").write_text("# Secret\n\nNobody may read this.\n")
    edit_register(clinic, 'path = "cement.md"', 'path = "../secret.md"')
    assert statuses(clinic)["../secret.md"] == "invalid_entry"
    assert statuses(clinic)["cement.md"] == "unlisted"
    assert served(clinic) == ["risks.md", "staff/call-guide.md"]


def test_every_wrong_entry_is_told_also_when_several_name_no_file(clinic: Clinic) -> None:
    with clinic.settings.register_path.open("a", encoding="utf-8") as stream:
        stream.write('\n[[document]]\ntitle = "A"\n\n[[document]]\ntitle = "B"\n')
    explanation = status_of(clinic, "").explanation
    assert "register entry 4 is wrong" in explanation
    assert "register entry 5 is wrong" in explanation


def test_a_title_changed_in_the_register_only_is_served_with_that_title(clinic: Clinic) -> None:
    edit_register(clinic, 'title = "The bone cement"', 'title = "What the cement does"')
    assert [document.approval.title for document in clinic.corpus().documents] == [
        "What the cement does",
        "Risks of kyphoplasty",
        "Call guide",
    ]


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere.md")


def make_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def holding(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


BROKEN: dict[str, Callable[[Path], None]] = {
    "empty": holding(b""),
    "blank": holding(b" \n\t\r\n"),
    "NUL": holding(b"The cement\x00 hardens.\n"),
    "binary": holding(bytes(range(256)) * 20),
    "not UTF-8": holding("Цемент твердеет".encode("cp1251")),
    "a PDF by another name": holding(b"%PDF-1.7\n"),
    "nested too deeply": holding(b">" * 2_000 + b"x"),
    "too large": holding(b"The cement hardens. " * 600),
    "named pipe": make_fifo,
    "dangling link": make_dangling_link,
    "link to itself": make_link_to_itself,
}


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_named_and_never_stops_the_rest(clinic: Clinic, make: Callable[[Path], None]) -> None:
    clinic.settings = clinic.settings.model_copy(update={"max_file_bytes": 10_000})
    make(clinic.settings.corpus / "broken.md")
    status = status_of(clinic, "broken.md")
    assert status.status == "unreadable"
    assert status.explanation
    assert served(clinic) == ["cement.md", "risks.md", "staff/call-guide.md"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named_and_never_stops_the_rest(clinic: Clinic) -> None:
    (clinic.settings.corpus / "cement.md").chmod(0)
    assert status_of(clinic, "cement.md").status == "unreadable"
    assert served(clinic) == ["risks.md", "staff/call-guide.md"]


def test_a_file_whose_reading_fails_is_named_and_never_stops_the_rest(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_bytes = Path.read_bytes

    def fail_on_cement(path: Path) -> bytes:
        if path.name == "cement.md":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", fail_on_cement)
    assert "Permission denied" in status_of(clinic, "cement.md").explanation
    assert served(clinic) == ["risks.md", "staff/call-guide.md"]


def test_a_file_whose_name_is_not_utf_8_is_named_so_that_it_can_be_printed(clinic: Clinic) -> None:
    try:
        Path(os.fsdecode(os.fsencode(clinic.settings.corpus) + b"/\xff.md")).write_text("# Page\n\nText.\n")
    except (OSError, ValueError):
        pytest.skip("this file system takes UTF-8 names only")
    status = status_of(clinic, "\\xff.md")
    assert status.status == "unreadable"
    assert "not UTF-8" in status.explanation
    assert served(clinic) == ["cement.md", "risks.md", "staff/call-guide.md"]


@pytest.mark.parametrize("name", ["scan.pdf", "letter.docx", "photo.jpeg", "README", "page.md.bak"])
def test_a_format_without_a_reader_is_named(clinic: Clinic, name: str) -> None:
    clinic.write(name, "whatever")
    assert statuses(clinic)[name] == "no_reader"


def test_the_register_its_lock_and_hidden_files_are_no_documents(clinic: Clinic) -> None:
    for name in (".hidden.md", ".git/notes.md", ".register.toml.lock", "synonyms.toml"):
        clinic.write(name, "text")
    assert list(statuses(clinic)) == ["cement.md", "risks.md", "staff/call-guide.md"]


def test_a_linked_folder_is_not_followed(clinic: Clinic) -> None:
    (clinic.settings.corpus / "again").symlink_to(clinic.settings.corpus)
    found = statuses(clinic)
    assert list(found) == ["again", "cement.md", "risks.md", "staff/call-guide.md"]
    assert found["again"] == "unreadable", "what is not followed is named"


def test_a_corpus_folder_that_is_not_there_is_an_error_that_says_so(empty_clinic: Clinic) -> None:
    shutil.rmtree(empty_clinic.settings.corpus)
    with pytest.raises(CorpusError, match="There is no corpus folder"):
        empty_clinic.corpus()


def test_without_a_register_every_file_is_unlisted(clinic: Clinic) -> None:
    clinic.settings.register_path.unlink()
    assert load_register(clinic.settings.register_path).approvals == ()
    assert set(statuses(clinic).values()) == {"unlisted"}
    assert served(clinic) == []
