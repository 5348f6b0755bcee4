"""The engine answers from one whole generation, follows publications, and refuses what is no question."""

import contextlib
import datetime
import re
import shutil
import traceback
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.encoder.protocol import EncoderIdentity, Encoding
from qa.errors import (
    DamagedGeneration,
    IndexUnavailable,
    InvalidQuestion,
    InvalidRequest,
    NoIndex,
    OutOfService,
    StorageFailed,
    UnknownAudience,
    UnknownDocument,
)
from qa.index.generation import Generation, open_generation
from qa.index.publication import live_id, publish, take_out_of_service
from qa.records import Audience
from qa.search.engine import new_engine
from qa.search.query import MAX_QUESTION_CHARACTERS, checked_question
from tests.support.clinic import CEMENT, RISKS, TODAY, Clinic
from tests.support.encoders import BagOfWordsEncoder, identity_of

QUESTION = "How long until the cement hardens?"
CHANGED = CEMENT.replace("about 10 minutes", "about 11 minutes")


def damage_live(clinic: Clinic) -> Path:
    path = clinic.settings.index / "generations" / live_id(clinic.settings.index) / "patient" / "passages.faiss"
    path.write_bytes(path.read_bytes()[:-1])
    return path


def test_a_question_is_answered_by_quoting_with_a_citation(clinic: Clinic) -> None:
    answer = clinic.engine().ask(QUESTION, limit=1)
    assert (answer.outcome, answer.audience, answer.related) == ("answered", "patient", ())
    (quote,) = answer.quotes
    assert quote.text == "The bone cement hardens in about 10 minutes. You lie face down until then."
    assert [quote.text[slice(*span)] for span in quote.highlights] == ["The bone cement hardens in about 10 minutes."]
    assert 0.0 <= quote.score <= 1.0
    assert 0.0 <= answer.confidence <= 1.0
    citation = quote.citation
    assert (citation.document_id, citation.title, citation.approved_by) == (
        "cement",
        "The bone cement",
        "The committee",
    )
    assert (citation.approved_on, citation.review_by) == (TODAY, TODAY + datetime.timedelta(365))
    assert citation.link == f"/documents/cement#p-{citation.start}-{citation.end}"


def test_a_quote_of_a_staff_document_links_to_the_staffs_view(clinic: Clinic) -> None:
    (quote, *_) = clinic.engine().ask("Never add advice of your own", "staff").quotes
    assert quote.citation.audience == "staff"
    assert quote.citation.link.startswith("/documents/staff-call-guide?audience=staff#p-")


def test_the_same_question_gets_the_same_answer_from_any_engine(clinic: Clinic) -> None:
    engine = clinic.engine()
    first = engine.ask(QUESTION)
    assert engine.ask(QUESTION) == first
    assert clinic.engine().ask(QUESTION) == first
    assert engine.ask(f"  {QUESTION}\n") == first


def test_a_question_in_composed_or_decomposed_letters_is_the_same(clinic: Clinic) -> None:
    engine = clinic.engine()
    assert engine.ask("cafe\u0301 cement") == engine.ask("caf\u00e9 cement")


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_at_most_as_many_passages_are_quoted_as_asked_for_best_first(clinic: Clinic, limit: int) -> None:
    quotes = clinic.engine().ask(QUESTION, limit=limit).quotes
    assert len(quotes) == min(limit, 5)
    scores = [quote.score for quote in quotes]
    assert scores == sorted(scores, reverse=True)
    assert len({quote.citation.link for quote in quotes}) == len(quotes)


@pytest.mark.parametrize("limit", [0, -1, 11, 10**9])
def test_a_limit_out_of_range_is_refused(clinic: Clinic, limit: int) -> None:
    with pytest.raises(InvalidRequest, match="between 1 and 10"):
        clinic.engine().ask(QUESTION, limit=limit)


@pytest.mark.parametrize("question", ["", " ", "\n\t\u00a0\u3000", "\x1c"])
def test_an_empty_question_is_refused(clinic: Clinic, question: str) -> None:
    with pytest.raises(InvalidQuestion, match="empty"):
        clinic.engine().ask(question)


@pytest.mark.parametrize("question", ["sec\0ret", "\0", "secret \ud83d", "\udc00"])
def test_a_question_with_nul_or_half_a_pair_is_refused_without_repeating_it(clinic: Clinic, question: str) -> None:
    with pytest.raises(InvalidQuestion) as refusal:
        clinic.engine().ask(question)
    assert "sec" not in str(refusal.value) + repr(refusal.value.detail)


def test_a_question_may_have_a_thousand_characters_and_not_one_more(clinic: Clinic) -> None:
    engine = clinic.engine()
    longest = ("cement " * 200)[:MAX_QUESTION_CHARACTERS]
    assert len(longest) == 1000 == len(checked_question(longest))
    assert engine.ask(longest).quotes
    with pytest.raises(InvalidQuestion, match=r"1,001 characters; at most 1,000"):
        engine.ask(longest + "x")
    assert engine.ask(longest + " \n").quotes


@given(st.text(max_size=1_100))
def test_a_checked_question_is_short_whole_and_not_blank(question: str) -> None:
    text = "x"
    with contextlib.suppress(InvalidQuestion):
        text = checked_question(question)
    assert 0 < len(text) <= MAX_QUESTION_CHARACTERS
    assert text == text.strip() == unicodedata.normalize("NFC", text)
    assert "\0" not in text
    assert text.encode("utf-8")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300).filter(str.strip))
def test_every_whole_question_is_taken(question: str) -> None:
    assert checked_question(question) == unicodedata.normalize("NFC", question).strip()


@given(st.text(min_size=1, max_size=60).filter(lambda text: bool(text.strip()) and "\0" not in text))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_any_question_gets_quotes_that_are_slices(clinic: Clinic, question: str) -> None:
    engine = clinic.engine()
    answer = engine.ask(question, limit=10)
    for quote in (*answer.quotes, *answer.related):
        document = engine.catalogue().document(quote.citation.document_id)
        assert document.text[quote.citation.start : quote.citation.end] == quote.text
    assert all(word in unicodedata.normalize("NFC", question) for word in answer.not_covered_terms)
    assert bool(answer.quotes) == (answer.outcome == "answered")


def test_words_that_no_approved_text_holds_are_named_as_typed(clinic: Clinic) -> None:
    engine = clinic.engine()
    answer = engine.ask("Does MediCare cover the bone cement's Kosten? medicare?")
    assert answer.not_covered_terms == ("MediCare", "cover", "Kosten", "medicare")
    answered = clinic.engine(max_false_answer_rate=1.0).ask("HARDENING cements and the risk of infections, Kosten")
    assert (answered.outcome, answered.not_covered_terms) == ("answered", ("Kosten",))


def test_words_that_only_staff_texts_hold_are_not_covered_for_patients(clinic: Clinic) -> None:
    engine = clinic.engine()
    assert engine.ask("advice").not_covered_terms == ("advice",)
    assert engine.ask("advice", "staff").not_covered_terms == ()


def test_what_no_text_covers_is_not_answered_but_the_closest_is_offered(clinic: Clinic) -> None:
    answer = clinic.engine().ask("Which football team won yesterday evening?")
    assert (answer.outcome, answer.quotes) == ("not_covered", ())
    assert len(answer.related) == 3
    assert answer.confidence < 0.5


@pytest.mark.parametrize("question", ["???", "\u200b", "👍", "what is it and why"])
def test_a_question_without_any_content_word_is_not_answered(clinic: Clinic, question: str) -> None:
    answer = clinic.engine().ask(question)
    assert (answer.outcome, answer.not_covered_terms) == ("not_covered", ())


def test_an_audience_that_is_not_served_is_refused_before_anything_is_read(clinic: Clinic) -> None:
    engine = clinic.engine(serve_audiences=("patient",))
    for ask in (
        lambda: engine.ask(QUESTION, "staff"),
        lambda: engine.catalogue("staff").documents(),
        lambda: engine.catalogue("staff").document("staff-call-guide"),
    ):
        with pytest.raises(UnknownAudience, match="Ask as patient"):
            ask()
    assert engine.ask(QUESTION).quotes
    assert set(engine.readiness().documents) == {"patient"}


def test_an_audience_that_does_not_exist_is_refused(clinic: Clinic) -> None:
    other: Audience = "everybody"  # type: ignore[assignment]
    with pytest.raises(UnknownAudience):
        clinic.engine().ask(QUESTION, other)


def test_documents_are_listed_by_audience_and_found_by_id(clinic: Clinic) -> None:
    engine = clinic.engine()
    assert [document.id for document in engine.catalogue().documents()] == ["cement", "risks"]
    staff = engine.catalogue("staff")
    assert [document.id for document in staff.documents()] == ["cement", "risks", "staff-call-guide"]
    assert staff.document("staff-call-guide").text.startswith("Call guide")
    for unknown in ("staff-call-guide", "rumours", "", "../cement"):
        with pytest.raises(UnknownDocument) as refusal:
            engine.catalogue().document(unknown)
        assert unknown == "" or unknown not in str(refusal.value)


def test_a_document_that_expires_while_it_is_served_is_quoted_and_shown_no_more(clinic: Clinic) -> None:
    clinic.approve("cement.md", expires_on=TODAY + datetime.timedelta(2))
    clinic.build()
    engine = clinic.engine()
    clinic.today = TODAY + datetime.timedelta(1)
    assert engine.ask(QUESTION).quotes[0].citation.document_id == "cement"
    clinic.today = TODAY + datetime.timedelta(2)
    for audience in ("patient", "staff"):
        answer = engine.ask(QUESTION, audience, limit=10)
        assert "cement" not in {quote.citation.document_id for quote in (*answer.quotes, *answer.related)}
        assert "cement" not in {document.id for document in engine.catalogue(audience).documents()}
        with pytest.raises(UnknownDocument):
            engine.catalogue(audience).document("cement")


def test_without_an_index_the_error_says_what_to_run(empty_clinic: Clinic) -> None:
    engine = empty_clinic.engine()
    with pytest.raises(NoIndex, match="qa build"):
        engine.ask(QUESTION)
    readiness = engine.readiness()
    assert not readiness.ready
    assert "qa build" in readiness.reason
    assert readiness.generation is None


def test_an_index_that_is_built_while_serving_is_taken_up_by_the_next_look(empty_clinic: Clinic) -> None:
    engine = empty_clinic.engine()
    with pytest.raises(NoIndex):
        engine.ask(QUESTION)
    empty_clinic.add("cement.md", CEMENT)
    empty_clinic.build()
    engine.reload()
    assert "10 minutes" in engine.ask(QUESTION).quotes[0].text
    empty_clinic.add("cement.md", CHANGED)
    empty_clinic.build()
    assert "10 minutes" in engine.ask(QUESTION).quotes[0].text
    assert engine.reload() == "taken_up"
    assert "11 minutes" in engine.ask(QUESTION).quotes[0].text


def test_publishing_the_generation_before_rolls_back(clinic: Clinic) -> None:
    engine = clinic.engine()
    old = live_id(clinic.settings.index)
    before = engine.ask(QUESTION)
    clinic.add("cement.md", CHANGED)
    clinic.build()
    engine.reload()
    assert engine.ask(QUESTION) != before
    publish(clinic.settings.index, old)
    engine.reload()
    assert engine.ask(QUESTION) == before
    assert engine.readiness().generation == old


def test_a_damaged_new_generation_leaves_the_old_one_serving_and_is_named(clinic: Clinic) -> None:
    engine = clinic.engine()
    before = engine.ask(QUESTION)
    clinic.add("cement.md", CHANGED)
    clinic.build()
    path = damage_live(clinic)
    assert engine.reload() == "refused"
    assert engine.ask(QUESTION) == before
    readiness = engine.readiness()
    assert readiness.ready
    assert readiness.generation != live_id(clinic.settings.index)
    assert str(path) in readiness.reason


def test_an_engine_takes_up_what_was_repaired_by_the_command_that_it_names(clinic: Clinic) -> None:
    path = damage_live(clinic)
    engine = clinic.engine()
    with pytest.raises(DamagedGeneration, match="qa build") as refusal:
        engine.ask(QUESTION)
    assert str(path) in str(refusal.value)
    clinic.build()
    engine.reload()
    assert engine.ask(QUESTION).quotes
    assert engine.readiness().reason == ""


def test_an_engine_with_an_old_generation_takes_up_a_repaired_new_one(clinic: Clinic) -> None:
    engine = clinic.engine()
    engine.ask(QUESTION)
    clinic.add("cement.md", CHANGED)
    clinic.build()
    damage_live(clinic)
    engine.reload()
    assert "10 minutes" in engine.ask(QUESTION).quotes[0].text
    clinic.build()
    engine.reload()
    assert "11 minutes" in engine.ask(QUESTION).quotes[0].text
    assert engine.readiness().reason == ""


def test_a_refused_generation_is_not_checked_again_at_every_look(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[str] = []

    def counted(index: Path, identifier: str, *arguments: Any) -> Generation:
        attempts.append(identifier)
        return open_generation(index, identifier, *arguments)

    monkeypatch.setattr("qa.search.engine.open_generation", counted)
    damage_live(clinic)
    engine = clinic.engine()
    for _ in range(5):
        assert engine.reload() == "unchanged"
        with pytest.raises(DamagedGeneration):
            engine.ask(QUESTION)
    assert attempts == [live_id(clinic.settings.index)]


@pytest.mark.parametrize("content", [b"garbage", b"3" * 16, None])
def test_a_pointer_that_is_garbled_for_a_while_is_told_for_that_while_only(
    clinic: Clinic, content: bytes | None
) -> None:
    engine = clinic.engine()
    before = engine.ask(QUESTION)
    current = clinic.settings.index / "current"
    whole = current.read_bytes()
    current.unlink()
    if content is not None:
        current.write_bytes(content)
    assert [engine.reload(), engine.reload()] == ["refused", "unchanged"]
    assert engine.ask(QUESTION) == before
    assert str(clinic.settings.index) in engine.readiness().reason
    assert engine.readiness().ready
    current.write_bytes(whole)
    engine.reload()
    assert engine.readiness().reason == ""


def test_an_index_that_vanishes_while_serving_does_not_stop_it(clinic: Clinic) -> None:
    engine = clinic.engine()
    before = engine.ask(QUESTION)
    clinic.settings.index.rename(clinic.folder / "aside")
    engine.reload()
    assert engine.ask(QUESTION) == before
    assert not clinic.engine().readiness().ready


def test_an_index_whose_encoder_is_not_here_is_refused_by_name(clinic: Clinic) -> None:
    class OtherEncoder(BagOfWordsEncoder):
        identity = identity_of("another-model", "1")

    clinic.encoder = OtherEncoder()
    with pytest.raises(DamagedGeneration, match=r"bag-of-words is missing.*qa build"):
        clinic.engine().ask(QUESTION)


class ManyEncoders:
    """Opens either of two encoders, and says how often; one whose files are damaged is refused."""

    def __init__(self, *encoders: BagOfWordsEncoder) -> None:
        self.encoders = {encoder.identity: encoder for encoder in encoders}
        self.damaged: set[EncoderIdentity] = set()
        self.opened: list[str] = []

    def open(self, identity: EncoderIdentity) -> BagOfWordsEncoder:
        self.opened.append(identity.model.name)
        if identity in self.damaged:
            raise DamagedGeneration(f"encoders/{identity.id}/model.onnx is damaged.", "Run `qa build`.")
        return self.encoders[identity]


@pytest.fixture
def two_models(clinic: Clinic) -> tuple[Clinic, ManyEncoders]:
    """A clinic whose next build uses another model, and an engine's way to both."""

    class OtherEncoder(BagOfWordsEncoder):
        identity = identity_of("another-model", "1")

    encoders = ManyEncoders(clinic.encoder, OtherEncoder())
    clinic.encoder = encoders.encoders[OtherEncoder.identity]
    return clinic, encoders


def test_a_reload_to_a_generation_of_another_model_brings_its_encoder_along(
    two_models: tuple[Clinic, ManyEncoders],
) -> None:
    clinic, encoders = two_models
    first, second = encoders.encoders.values()
    engine = new_engine(clinic.settings, encoders, lambda: clinic.today)
    engine.reload()
    before = engine.ask(QUESTION)
    assert (first.encoded[-1], second.encoded) == (QUESTION, [])
    clinic.build()
    engine.reload()
    second.encoded.clear()
    first.encoded.clear()
    assert engine.ask(QUESTION).quotes == before.quotes
    assert (first.encoded, second.encoded) == ([], [QUESTION])
    assert engine.readiness().model == "another-model"


def test_a_request_keeps_the_encoder_of_the_generation_that_it_began_with(
    two_models: tuple[Clinic, ManyEncoders], monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic, encoders = two_models
    first, second = encoders.encoders.values()
    engine = new_engine(clinic.settings, encoders, lambda: clinic.today)
    engine.reload()
    before = engine.ask(QUESTION)
    encode = first.encode_questions

    def publish_meanwhile(texts: Sequence[str]) -> tuple[Encoding, ...]:
        clinic.build()
        engine.reload()
        return encode(texts)

    monkeypatch.setattr(first, "encode_questions", publish_meanwhile)
    assert engine.ask(QUESTION) == before
    assert QUESTION not in second.encoded
    assert engine.readiness().model == "another-model"


def test_a_generation_whose_encoder_is_damaged_is_refused_and_the_old_one_serves_on(
    two_models: tuple[Clinic, ManyEncoders],
) -> None:
    clinic, encoders = two_models
    engine = new_engine(clinic.settings, encoders, lambda: clinic.today)
    engine.reload()
    before = engine.ask(QUESTION)
    encoders.damaged.add(clinic.encoder.identity)
    clinic.build()
    assert [engine.reload() for _ in range(3)] == ["refused", "unchanged", "unchanged"]
    assert engine.ask(QUESTION) == before
    assert "model.onnx is damaged" in engine.readiness().reason
    assert encoders.opened == ["bag-of-words", "another-model"], "it is not tried again at every look"
    encoders.damaged.clear()
    clinic.build()
    engine.reload()
    assert engine.ask(QUESTION).generation != before.generation
    assert engine.readiness().reason == ""


def test_a_refused_generation_that_was_repaired_is_taken_up_when_it_is_looked_at_again(
    two_models: tuple[Clinic, ManyEncoders],
) -> None:
    clinic, encoders = two_models
    engine = new_engine(clinic.settings, encoders, lambda: clinic.today)
    encoders.damaged.add(clinic.encoder.identity)
    clinic.build()
    assert engine.reload() == "refused"
    encoders.damaged.clear()
    assert engine.reload() == "unchanged"
    assert engine.reload(again=True) == "taken_up"


@pytest.mark.parametrize(
    ("error", "told"),
    [(MemoryError, r"Cannot allocate memory\. Free memory"), (ZeroDivisionError, "ZeroDivisionError")],
)
def test_whatever_goes_wrong_in_opening_a_generation_the_next_look_tries_again(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, error: type[Exception], told: str
) -> None:
    engine = clinic.engine()
    clinic.add("cement.md", CEMENT.replace("about 10 minutes", "about 11 minutes"))
    clinic.build()

    def fail(*arguments: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("qa.search.engine.open_generation", fail)
        assert engine.reload() == "failed"
    assert re.search(told, engine.readiness().reason)
    assert engine.reload() == "taken_up"


def test_an_encoder_is_opened_once_for_all_generations_that_name_it(clinic: Clinic) -> None:
    encoders = ManyEncoders(clinic.encoder)
    engine = new_engine(clinic.settings, encoders, lambda: clinic.today)
    engine.reload()
    engine.ask(QUESTION)
    clinic.add("cement.md", CHANGED)
    clinic.build()
    engine.reload()
    assert "11 minutes" in engine.ask(QUESTION).quotes[0].text
    assert encoders.opened == ["bag-of-words"]


def test_another_reading_costs_a_pass_only_where_it_may_be_used(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.add("pmma.md", "# The paste\n\nIt is polymethyl methacrylate (PMMA).\n")
    clinic.build()
    asked: list[list[str]] = []
    encode = clinic.encoder.encode_questions

    def watched(texts: Sequence[str]) -> tuple[Encoding, ...]:
        asked.append(list(texts))
        return encode(texts)

    monkeypatch.setattr(clinic.encoder, "encode_questions", watched)
    engine = clinic.engine()
    answered, missed = "Doctors use a cement called PMMA", "Does Medicare reimburse zebras with PMMA?"
    engine.ask_all([engine.request(answered), engine.request(missed)])
    assert asked == [[answered, missed], ["Does Medicare reimburse zebras with polymethyl methacrylate?"]]


def test_readiness_tells_what_is_served(clinic: Clinic) -> None:
    readiness = clinic.engine().readiness()
    assert readiness.ready
    assert readiness.generation == live_id(clinic.settings.index)
    assert (readiness.model, readiness.model_sha256) == ("bag-of-words", "0" * 64)
    assert readiness.documents == {"patient": 2, "staff": 3}
    assert readiness.passages == {"patient": 5, "staff": 6}
    assert readiness.built_at is not None
    assert readiness.built_at.tzinfo is not None


def test_an_error_that_is_raised_again_and_again_keeps_nothing_of_earlier_questions(clinic: Clinic) -> None:
    damage_live(clinic)
    engine = clinic.engine()
    depths = set()
    for number in range(5):
        with pytest.raises(DamagedGeneration) as refusal:
            engine.ask(f"{QUESTION} {number}")
        depths.add(len(traceback.extract_tb(refusal.value.__traceback__)))
    assert len(depths) == 1


def test_where_every_false_answer_is_allowed_all_is_answered_and_where_none_is_nothing(clinic: Clinic) -> None:
    assert clinic.engine(max_false_answer_rate=1.0).ask("football").outcome == "answered"
    assert clinic.engine(max_false_answer_rate=0.0).ask(QUESTION).outcome == "not_covered"


def test_an_answer_names_its_own_audiences_index_and_not_the_generation(clinic: Clinic) -> None:
    patient = clinic.engine().ask(QUESTION)
    staff = clinic.engine().ask(QUESTION, "staff")
    assert len({patient.generation, staff.generation, live_id(clinic.settings.index)}) == 3


def test_expired_documents_take_no_place_from_valid_ones(empty_clinic: Clinic) -> None:
    empty_clinic.add("risks.md", RISKS)
    for number in range(60):
        path = f"old-{number}.md"
        empty_clinic.write(path, f"# Risks {number}\n\nThe risks include infection, bleeding and leaking.\n")
        empty_clinic.approve(path, expires_on=TODAY + datetime.timedelta(1))
    empty_clinic.build()
    engine = empty_clinic.engine(max_false_answer_rate=1.0)
    assert any(quote.citation.document_id != "risks" for quote in engine.ask("What are the risks?", limit=10).quotes)
    empty_clinic.today = TODAY + datetime.timedelta(1)
    after = engine.ask("What are the risks?", limit=10)
    assert {quote.citation.document_id for quote in after.quotes} == {"risks"}
    assert len(after.quotes) == 3, "every passage that is left is a candidate"


def test_a_disk_that_refuses_once_is_asked_again(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("qa.storage.sealed.sha256_of_file", _refuse)
        engine = clinic.engine()
        with pytest.raises(IndexUnavailable, match="Check its permissions"):
            engine.ask("What are the risks?")
        assert engine.reload() == "failed"
    assert engine.reload() == "taken_up"
    assert engine.ask("What are the risks?").generation


def _refuse(path: Path) -> str:
    raise PermissionError(13, "Permission denied", str(path))


def test_an_index_taken_out_of_service_answers_nothing_even_where_it_was_open(clinic: Clinic) -> None:
    engine = clinic.engine()
    engine.ask("What are the risks?")
    take_out_of_service(clinic.settings.index)
    assert [engine.reload(), engine.reload()] == ["out_of_service", "unchanged"]
    with pytest.raises(OutOfService):
        engine.ask("What are the risks?")
    assert not engine.readiness().ready


def test_an_open_generation_serves_on_when_the_disk_refuses_its_folder(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = clinic.engine()
    before = engine.ask("What are the risks?")
    monkeypatch.setattr("qa.search.engine.live_id", _refuse)
    assert engine.reload() == "failed"
    assert engine.ask("What are the risks?") == before
    assert "cannot be read: Permission denied" in engine.readiness().reason


def test_a_full_temporary_folder_is_no_damage(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: str, target: str) -> str:
        raise OSError(28, "No space left on device", target)

    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfile", full)
        with pytest.raises(StorageFailed, match="No space left"):
            clinic.engine().ask("What are the risks?")
        with pytest.raises(StorageFailed):
            clinic.build()
    assert [path.name for path in (clinic.settings.index / "generations").iterdir()] == [live_id(clinic.settings.index)]
    assert clinic.engine().ask("What are the risks?").generation


def test_a_patient_server_does_not_need_the_staff_index(clinic: Clinic) -> None:
    staff = clinic.settings.index / "generations" / live_id(clinic.settings.index) / "staff"
    shutil.rmtree(staff)
    assert clinic.engine(serve_audiences=("patient",)).ask("What are the risks?").generation
