"""The promises of the design, each kept from the approved file to the answer."""

import datetime
import json
import logging
import random
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic_core import to_jsonable_python

from qa.corpus.register import load_register
from qa.errors import ClinicQAError
from qa.index.publication import live_id
from qa.records import AUDIENCES, Answer, Quote
from qa.search.engine import Engine
from qa.settings import Settings
from qa.storage.files import sha256_of_bytes, sha256_of_text
from qa.text.english import FUNCTION_WORDS
from tests.support.clinic import CALL_GUIDE, CEMENT, RISKS, TODAY, Clinic
from tests.support.encoders import BagOfWordsEncoder

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
QUESTION = "How long until the cement hardens?"


@pytest.fixture(scope="module")
def own_corpus(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """The repository's own corpus, approved and built."""
    folder = tmp_path_factory.mktemp("own")
    settings = Settings(corpus=folder / "corpus", index=folder / "index")
    clinic = Clinic(folder, settings, BagOfWordsEncoder(), TODAY)
    for path in sorted(CORPUS.rglob("*.md")):
        relative = path.relative_to(CORPUS).as_posix()
        clinic.add(relative, path.read_bytes(), "staff" if relative.startswith("staff/") else "patient")
    clinic.build()
    return clinic


def questions_of(clinic: Clinic) -> list[str]:
    """Each sentence of the corpus as a question, shuffled, cut to its content words, or with its heading before it."""
    chance = random.Random(11)
    found: list[str] = []
    for document in clinic.engine().catalogue("staff").documents():
        for section in document.sections:
            heading = " ".join(section.heading_path)
            for sentence in re.split(r"(?<=[.?!])\s+|\n+", document.text[section.start : section.end]):
                words = re.findall(r"[\w'’-]+", sentence)
                content = [word for word in words if word.lower() not in FUNCTION_WORDS]
                if len(content) >= 3:
                    chance.shuffle(words)
                    found.append(" ".join(words)[:900] + "?")
                    found.append(f"{heading}: {' '.join(content)}"[:900])
    return found


def check_quote(quote: Quote, engine: Engine, answer: Answer, approved: dict[str, str]) -> None:
    """What anyone can check who fetches the document."""
    citation = quote.citation
    document = engine.catalogue(answer.audience).document(citation.document_id)
    assert document.text[citation.start : citation.end] == quote.text
    assert quote.text == quote.text.strip() != ""
    assert sha256_of_text(document.text) == citation.document_sha256 == approved[citation.document_id]
    assert quote.highlights
    for start, end in quote.highlights:
        assert 0 <= start < end <= len(quote.text)
        highlight = quote.text[start:end]
        assert highlight == highlight.strip()
        assert document.text[citation.start + start : citation.start + end] == highlight
    for each in quote.context:
        assert document.text[each.start : each.end] == each.text != ""
        assert each.end <= citation.start
    (section,) = [part for part in document.sections if part.start <= citation.start < part.end]
    assert citation.end <= section.end
    assert citation.heading_path == section.heading_path


def test_promise_1_every_quote_is_the_slice_of_approved_text_that_its_citation_names(own_corpus: Clinic) -> None:
    engine = own_corpus.engine()
    register = load_register(own_corpus.settings.register_path)
    approved = {approval.document_id: approval.text_sha256 for approval in register.approvals}
    questions = questions_of(own_corpus)
    assert len(questions) > 300
    answered = 0
    for number, question in enumerate(questions):
        answer = engine.ask(question, AUDIENCES[number % 2], limit=5)
        assert answer.quotes or answer.related
        answered += answer.outcome == "answered"
        for quote in (*answer.quotes, *answer.related):
            check_quote(quote, engine, answer, approved)
    assert answered > len(questions) / 2


def test_promise_1_a_sentence_of_the_corpus_finds_the_passage_that_holds_it(own_corpus: Clinic) -> None:
    engine = own_corpus.engine()
    asked = found = 0
    for document in engine.catalogue().documents():
        for sentence in re.findall(r"[A-Z][^.?!\n]{40,}[.]", document.text):
            asked += 1
            quotes = engine.ask(sentence, limit=3).quotes
            found += any(sentence in quote.text for quote in quotes)
    assert asked > 100
    assert found > 0.95 * asked


def test_promise_1_text_in_any_script_is_quoted_to_the_code_point(empty_clinic: Clinic) -> None:
    text = (
        "# Ça va 👍\r\n\r\n"
        "Dr. Łukasz’s naïve café\u00a0au lait costs 5\u00a0€ — \ufeffsays 👩\u200d👧. e\u0301tude 𝒳.\r\n\r\n"
        "השאלה היא: מתי המלט מתקשה? الأسمنت يتصلب.\r\n\r\n- первое: цемент\r\n- 第二：水泥硬化\r\n"
    )
    empty_clinic.add("odd.md", text)
    empty_clinic.build()
    engine = empty_clinic.engine()
    approval = load_register(empty_clinic.settings.register_path).approvals[0]
    for question in ("naïve café", "étude", "המלט", "الأسمنت", "цемент", "水泥硬化", "👍", "Łukasz’s 5 €"):
        answer = engine.ask(question, limit=10)
        for quote in (*answer.quotes, *answer.related):
            check_quote(quote, engine, answer, {approval.document_id: approval.text_sha256})


def rewrite(old: str, new: str) -> Callable[[Clinic], object]:
    """Changes the register by hand."""

    def change(clinic: Clinic) -> None:
        path = clinic.settings.register_path
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return change


def remove_file(clinic: Clinic) -> None:
    (clinic.settings.corpus / "cement.md").unlink()


LOSSES: dict[str, tuple[Callable[[Clinic], object], str, str]] = {
    "a changed byte": (lambda clinic: clinic.write("cement.md", CEMENT.replace("10", "11")), "cement.md", "changed"),
    "a line break more": (lambda clinic: clinic.write("cement.md", CEMENT + "\n"), "cement.md", "changed"),
    "a file that is gone": (remove_file, "cement.md", "missing"),
    "an entry that is gone": (rewrite('path = "cement.md"', 'path = "other.md"'), "cement.md", "unlisted"),
    "an expiry": (
        lambda clinic: clinic.approve("cement.md", expires_on=TODAY + datetime.timedelta(1)),
        "cement.md",
        "expired",
    ),
    "a withdrawal": (
        rewrite('title = "The bone cement"', 'title = "x"\nwithdrawn_on = 2026-11-20'),
        "cement.md",
        "withdrawn",
    ),
    "a misspelt expiry": (
        rewrite('title = "The bone cement"', 'title = "x"\nexpire_on = 2020-01-01'),
        "cement.md",
        "invalid_entry",
    ),
    "an id used twice": (rewrite('document_id = "cement"', 'document_id = "risks"'), "cement.md", "invalid_entry"),
    "a path used twice": (rewrite('path = "staff/call-guide.md"', 'path = "cement.md"'), "cement.md", "invalid_entry"),
    "a path out of the corpus": (
        rewrite('path = "cement.md"', 'path = "../cement.md"'),
        "../cement.md",
        "invalid_entry",
    ),
}


@pytest.mark.parametrize(("lose", "path", "status"), LOSSES.values(), ids=LOSSES.keys())
def test_promise_2_what_is_not_approved_to_the_byte_is_not_served_and_is_named(
    clinic: Clinic, lose: Callable[[Clinic], object], path: str, status: str
) -> None:
    assert clinic.engine().ask(QUESTION, limit=1).quotes[0].citation.document_id == "cement"
    lose(clinic)
    clinic.today = TODAY + datetime.timedelta(1)
    report = clinic.build()
    assert (path, status) in {(left_out.path, left_out.status) for left_out in report.left_out}
    engine = clinic.engine()
    for audience in AUDIENCES:
        answer = engine.ask(QUESTION, audience, limit=10)
        assert "10 minutes" not in json.dumps(to_jsonable_python(answer))
        assert "cement" not in {document.id for document in engine.catalogue(audience).documents()}
    assert engine.ask("Which risks are common?").quotes


def test_promise_2_a_changed_file_is_served_again_once_it_is_approved(clinic: Clinic) -> None:
    clinic.write("cement.md", CEMENT.replace("10 minutes", "11 minutes"))
    clinic.build()
    assert "minutes" not in json.dumps(to_jsonable_python(clinic.engine().ask(QUESTION)))
    clinic.approve("cement.md")
    clinic.build()
    (quote, *_) = clinic.engine().ask(QUESTION).quotes
    assert "11 minutes" in quote.text
    assert quote.citation.document_sha256 == load_register(clinic.settings.register_path).approvals[1].text_sha256


def patient_view(clinic: Clinic) -> tuple[dict[str, bytes], list[str]]:
    """The patient's files that the corpus alone decides, and the patient's answers, to the byte."""
    folder = clinic.settings.index / "generations" / live_id(clinic.settings.index) / "patient"
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    engine = clinic.engine()
    questions = (QUESTION, "Which risks are common?", "Never add advice of your own", "telephone", "cement " * 30)
    asked: list[object] = [engine.ask(question, limit=10) for question in questions]
    asked.extend(engine.catalogue().documents())
    return files, [json.dumps(to_jsonable_python(answer)) for answer in asked]


def test_promise_4_patients_see_the_same_whether_or_not_staff_documents_exist(empty_clinic: Clinic) -> None:
    clinic = empty_clinic
    clinic.add("cement.md", CEMENT)
    clinic.add("risks.md", RISKS)
    clinic.build()
    without_staff = patient_view(clinic)
    first = live_id(clinic.settings.index)
    clinic.add("a-first.md", "# The cement hardens\n\nThe bone cement hardens fast. Telephone the ward.\n", "staff")
    clinic.add("staff/call-guide.md", CALL_GUIDE, "staff")
    clinic.add("staff/same.md", CEMENT, "staff")
    clinic.build()
    assert live_id(clinic.settings.index) != first
    assert patient_view(clinic) == without_staff
    fresh = clinic.elsewhere("fresh")
    assert fresh.build().reused == 0
    assert patient_view(fresh) == without_staff


def test_promise_4_a_document_moved_to_staff_leaves_nothing_with_patients(clinic: Clinic) -> None:
    clinic.approve("cement.md", "staff")
    clinic.build()
    files, answers = patient_view(clinic)
    for seen in (*(data.decode("utf-8", "replace") for data in files.values()), *answers):
        assert "PMMA" not in seen
        assert "call-guide" not in seen
    assert clinic.engine().ask(QUESTION, "staff").quotes[0].citation.document_id == "cement"


def test_promise_6_a_question_appears_in_no_log_output_error_or_file(
    clinic: Clinic, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    engine = clinic.engine()
    secret = "Zyxwvut"
    answer = engine.ask(f"{secret} hardens cement?")
    assert answer.not_covered_terms == (secret,)
    attempts: list[Callable[[], object]] = [
        lambda: engine.ask(f"{secret}\0"),
        lambda: engine.ask(f"{secret}\ud800"),
        lambda: engine.ask(secret * 200),
        lambda: engine.ask(secret, limit=0),
        lambda: engine.ask(secret, secret),  # type: ignore[arg-type]
        lambda: engine.catalogue().document(secret),
        lambda: clinic.elsewhere("nowhere").engine().ask(secret),
    ]
    for attempt in attempts:
        with pytest.raises(ClinicQAError) as refusal:
            attempt()
        assert secret not in str(refusal.value) + repr(refusal.value.detail) + repr(refusal.value.__cause__)
    captured = capfd.readouterr()
    assert secret not in caplog.text + captured.out + captured.err
    for path in clinic.folder.rglob("*"):
        assert secret not in path.name
        assert path.is_dir() or secret.encode() not in path.read_bytes()


def test_promise_7_building_and_asking_open_no_connection(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    clinic.add("cement.md", CEMENT.replace("10", "12"))
    clinic.build()
    assert "12 minutes" in clinic.engine().ask(QUESTION).quotes[0].text


def test_the_sample_corpus_is_read_without_loss(own_corpus: Clinic) -> None:
    corpus = own_corpus.corpus()
    assert {status.status for status in corpus.statuses} == {"approved"}
    assert len(corpus.documents) == len(list(CORPUS.rglob("*.md")))
    for document in corpus.documents:
        data = (CORPUS / document.approval.path).read_bytes()
        assert sha256_of_bytes(data) == document.approval.file_sha256
        words = re.findall(r"\w{4,}", data.decode("utf-8"))
        missing = [word for word in words if word not in document.text]
        assert missing == []
