"""The register gives back what was put in it, names what is wrong, and is never half written."""

import contextlib
import dataclasses
import datetime
import errno
import os
import string
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.corpus import register as register_module
from qa.corpus.register import Register, load_register, locked, save_approvals
from qa.errors import InvalidRegister, StorageFailed
from qa.records import Approval

DAY = datetime.date(2026, 11, 20)
RISKS = Approval(
    document_id="risks",
    path="risks.md",
    title="Risks",
    audience="patient",
    file_sha256="1" * 64,
    text_sha256="2" * 64,
    approved_by="The committee",
    approved_on=DAY,
    review_by=datetime.date(2027, 11, 20),
)
CEMENT = dataclasses.replace(RISKS, document_id="cement", path="staff/cement.md", title="Cement", audience="staff")

NOT_BLANK = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda text: bool(text.strip())
)
PATHS = NOT_BLANK.filter(
    lambda path: not path.startswith("/") and not {"..", "."} & set(path.split("/")) and not set("\\\0") & set(path)
)
DATES = st.dates(datetime.date(2000, 1, 1), datetime.date(2100, 1, 1))
APPROVALS = st.builds(
    Approval,
    document_id=st.text(string.ascii_lowercase, min_size=1, max_size=10),
    path=PATHS,
    title=NOT_BLANK,
    audience=st.sampled_from(["patient", "staff"]),
    file_sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    text_sha256=st.just("2" * 64),
    approved_by=NOT_BLANK,
    approved_on=DATES,
    review_by=DATES,
    expires_on=st.none() | DATES,
    source_url=st.none() | NOT_BLANK,
    withdrawn_on=DATES,
    withdrawn_why=st.none() | NOT_BLANK,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A register with two entries."""
    path = tmp_path / "register.toml"
    save_approvals(path, (RISKS, CEMENT), None)
    return path


def edited(file: Path, old: str, new: str) -> Path:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    return file


def test_a_register_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert load_register(tmp_path / "register.toml").approvals == ()


def test_what_is_saved_is_what_is_read(file: Path) -> None:
    register = load_register(file)
    assert register.approvals == (RISKS, CEMENT)
    assert register.invalid == ()
    assert register.of_path("staff/cement.md") == CEMENT
    assert register.of_path("cement.md") is None


@given(st.lists(APPROVALS, max_size=4, unique_by=(lambda a: a.path, lambda a: a.document_id)))
def test_any_names_titles_and_reasons_are_read_as_they_were_saved(
    tmp_path_factory: pytest.TempPathFactory, approvals: list[Approval]
) -> None:
    path = tmp_path_factory.mktemp("register") / "register.toml"
    for approval in approvals:
        save_approvals(path, (approval,), None)
    assert load_register(path).approvals == tuple(approvals)


def test_an_entry_is_replaced_in_its_place_and_what_it_no_longer_holds_goes(file: Path) -> None:
    withdrawn = dataclasses.replace(RISKS, withdrawn_on=DAY, withdrawn_why="wrong figure")
    save_approvals(file, (withdrawn,), None)
    assert load_register(file).approvals == (withdrawn, CEMENT)
    save_approvals(file, (RISKS,), None)
    assert load_register(file).approvals == (RISKS, CEMENT)


def test_comments_and_the_order_of_entries_survive_an_approval(file: Path) -> None:
    edited(file, "format = 1", "# The clinic's own note.\nformat = 1 # never change this")
    edited(file, 'title = "Risks"', 'title = "Risks" # ask Dr. Baker first')
    with file.open("a", encoding="utf-8") as stream:
        stream.write("# The end.\n")
    save_approvals(file, (dataclasses.replace(CEMENT, title="Bone cement"),), None)
    text = file.read_text("utf-8")
    for comment in ("# The clinic's own note.", "# never change this", "# ask Dr. Baker first", "# The end."):
        assert comment in text
    assert [approval.title for approval in load_register(file).approvals] == ["Risks", "Bone cement"]


@pytest.mark.parametrize(("mark", "line_end"), [(b"\xef\xbb\xbf", b"\n"), (b"\xef\xbb\xbf", b"\r\n"), (b"", b"\r\n")])
def test_a_register_from_a_windows_editor_keeps_its_mark_and_line_ends(
    file: Path, mark: bytes, line_end: bytes
) -> None:
    before = mark + file.read_bytes().replace(b"\n", line_end)
    file.write_bytes(before)
    third = dataclasses.replace(RISKS, path="third.md", document_id="third")
    save_approvals(file, (third,), None)
    after = file.read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == after.count(line_end)
    assert load_register(file).approvals == (RISKS, CEMENT, third)
    save_approvals(file, (dataclasses.replace(RISKS, title="Other risks"),), None)
    assert file.read_bytes() == after.replace(b'"Risks"', b'"Other risks"', 1)


def test_an_entry_added_after_a_closing_comment_does_not_swallow_it(file: Path) -> None:
    file.write_text(file.read_text("utf-8") + "\n# The end.\n", "utf-8")
    third = dataclasses.replace(RISKS, path="third.md", document_id="third")
    save_approvals(file, (third,), None)
    assert load_register(file).approvals == (RISKS, CEMENT, third)
    assert "# The end." in file.read_text("utf-8")


def test_a_register_that_stands_elsewhere_names_its_corpus(file: Path) -> None:
    save_approvals(file, (RISKS,), Path("../pages"))
    assert load_register(file).corpus == file.parent / "../pages"
    assert load_register(file).approvals == (RISKS, CEMENT)


@pytest.mark.parametrize(
    ("old", "new", "explanation"),
    [
        ('title = "Risks"', 'title = "Risks"\nexpire_on = 2026-01-01', "unknown key 'expire_on'"),
        ('title = "Risks"', 'title = "Risks"\nExpires_on = 2026-01-01', "unknown key 'Expires_on'"),
        ('title = "Risks"', 'title = "Risks"\nexpires_on = "soon"', "expires_on"),
        ('title = "Risks"', 'title = "Risks"\nexpires_on = ""', "expires_on"),
        ('title = "Risks"', 'title = "Risks"\nwithdrawn_why = "wrong"', "withdrawn_why is given without withdrawn_on"),
        ('title = "Risks"', "", "title"),
        ('title = "Risks"', 'title = " "', "must not be empty"),
        ('title = "Risks"', "title = 7", "title"),
        ('approved_by = "The committee"', 'approved_by = ""', "must not be empty"),
        ('audience = "patient"', 'audience = "everybody"', "audience"),
        ('audience = "patient"', 'audience = "Patient"', "audience"),
        ("1" * 64, "1" * 63, "file_sha256 must be 64 hexadecimal digits"),
        ("2" * 64, "A" * 64, "text_sha256 must be 64 hexadecimal digits"),
        ('document_id = "risks"', 'document_id = "../risks"', "document_id must be"),
        ('document_id = "risks"', 'document_id = "Risks"', "document_id must be"),
        ("approved_on = 2026-11-20", 'approved_on = "yesterday"', "approved_on"),
        ("review_by = 2027-11-20", "", "review_by"),
    ],
)
def test_a_wrong_entry_is_named_and_costs_the_others_nothing(file: Path, old: str, new: str, explanation: str) -> None:
    register = load_register(edited(file, old, new))
    assert register.approvals == (CEMENT,)
    (invalid,) = register.invalid
    assert invalid.path == "risks.md"
    assert invalid.explanation.startswith("register entry 1 is wrong: ")
    assert explanation in invalid.explanation


@pytest.mark.parametrize(
    "path", ["../risks.md", "/etc/passwd", "staff/../../risks.md", "..", "", ".", "staff\\\\risks.md", "a\\u0000.md"]
)
def test_a_path_that_leaves_the_corpus_is_refused(file: Path, path: str) -> None:
    register = load_register(edited(file, '"risks.md"', f'"{path}"'))
    assert register.approvals == (CEMENT,)
    assert "path must lie inside the corpus folder" in register.invalid[0].explanation


def test_a_file_listed_twice_is_served_by_neither_entry(file: Path) -> None:
    register = load_register(edited(file, "staff/cement.md", "risks.md"))
    assert register.approvals == ()
    assert [entry.explanation for entry in register.invalid] == ["register entry 2 is wrong: the file is listed twice"]


def test_a_wrong_entry_takes_a_right_one_for_the_same_file_with_it(file: Path) -> None:
    edited(file, "staff/cement.md", "risks.md")
    register = load_register(edited(file, 'title = "Risks"', 'title = "Risks"\nexpire_on = 2026-01-01'))
    assert register.approvals == ()


def test_the_second_entry_with_the_same_document_id_is_refused(file: Path) -> None:
    register = load_register(edited(file, 'document_id = "cement"', 'document_id = "risks"'))
    assert register.approvals == (RISKS,)
    assert register.invalid[0].path == "staff/cement.md"
    assert "used by another entry" in register.invalid[0].explanation


def test_an_entry_that_is_no_table_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "register.toml"
    path.write_text('format = 1\ndocument = [3, "risks.md"]\n')
    assert [entry.explanation.split(" is wrong")[0] for entry in load_register(path).invalid] == [
        "register entry 1",
        "register entry 2",
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"format = 1\n[[document]\n",
        b"format = 1\n# \xff\n",
        b"",
        b"format = 2\n",
        b'format = "1"\n',
        b"format = 1\ndocument = 3\n",
        b"format = 1\n[document]\nrisks = 1\n",
        b"format = 1\nx = " + b"[" * 100_000,
        b"\x00" * 100,
    ],
    ids=["half", "not UTF-8", "empty", "other format", "format as text", "number", "table", "deep", "binary"],
)
def test_a_register_that_cannot_be_understood_is_refused_whole(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "register.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidRegister, match=r"register\.toml"):
        load_register(path)


def test_a_register_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRegister, match="cannot be read"):
        load_register(tmp_path)


@given(st.binary(max_size=60).map(lambda tail: b"format = 1\n" + tail) | st.binary(max_size=60))
def test_whatever_bytes_a_register_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("register") / "register.toml"
    path.write_bytes(content)
    register = Register()
    with contextlib.suppress(InvalidRegister):
        register = load_register(path)
    assert register.approvals == ()


@pytest.mark.parametrize(
    "approval",
    [dataclasses.replace(RISKS, title="half \ud83d"), dataclasses.replace(RISKS, path="\udcff.md")],
    ids=["title", "path"],
)
def test_what_could_not_be_read_back_is_not_written(file: Path, approval: Approval) -> None:
    before = file.read_bytes()
    with pytest.raises(InvalidRegister, match="left as it was"):
        save_approvals(file, (approval,), None)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", ["format = 1\ndocument = []\n", "format = 1\ndocument = 3\n", "format = [\n"])
def test_a_register_of_another_shape_is_not_written_over(tmp_path: Path, content: str) -> None:
    path = tmp_path / "register.toml"
    path.write_text(content)
    with pytest.raises(InvalidRegister):
        save_approvals(path, (RISKS,), None)
    assert path.read_text() == content


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_register_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    before = file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(errno.ENOSPC))
        with pytest.raises(OSError, match="No space left"):
            save_approvals(file, (dataclasses.replace(RISKS, title="New"),), None)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["register.toml"]


def failing(code: int) -> Callable[..., None]:
    def fail(*arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_approvals_at_the_same_time_lose_nothing(file: Path) -> None:
    together = threading.Barrier(8)

    def approve(number: int) -> None:
        together.wait()
        for part in range(3):
            approval = dataclasses.replace(RISKS, path=f"{number}-{part}.md", document_id=f"page-{number}-{part}")
            with locked(file):
                save_approvals(file, (approval,), None)

    threads = [threading.Thread(target=approve, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    register = load_register(file)
    assert {approval.path for approval in register.approvals} >= {f"{n}-{p}.md" for n in range(8) for p in range(3)}
    assert len(register.approvals) == 26


def test_a_register_that_another_process_holds_is_refused_by_name(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register_module, "LOCK_TIMEOUT_SECONDS", 0.0)
    with locked(file), pytest.raises(StorageFailed, match=r"register\.toml is being written"), locked(file):
        pytest.fail("two writers hold one register")


def test_a_register_in_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageFailed, match="--register"), locked(tmp_path / "taken" / "register.toml"):
        pytest.fail("a folder was made of a file")
