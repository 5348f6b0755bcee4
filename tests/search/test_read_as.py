"""A question that is misspelt, or has other words than the documents, is answered, and told how it was read."""

import json

import pytest
from pydantic_core import to_jsonable_python

from qa.index.publication import live_id
from qa.records import Replacement
from tests.support.clinic import CALL_GUIDE, CEMENT, RISKS, Clinic

QUESTION = "How long until the cement hardens?"
MISSPELT = "How long until the cemment hardens?"
SPELT = (Replacement("cemment", "cement", "spelling"),)


def test_a_question_that_is_spelt_right_is_read_as_typed(clinic: Clinic) -> None:
    assert clinic.engine().ask(QUESTION).read_as == ()


def test_a_misspelt_question_gets_the_answer_of_the_right_one_and_says_how_it_was_read(clinic: Clinic) -> None:
    engine = clinic.engine()
    right, misspelt = engine.ask(QUESTION), engine.ask(MISSPELT)
    assert misspelt.read_as == SPELT
    assert (misspelt.outcome, misspelt.quotes) == (right.outcome, right.quotes)
    assert misspelt.not_covered_terms == right.not_covered_terms


def test_what_is_read_as_another_word_is_never_as_sure_as_what_is_spelt_right(clinic: Clinic) -> None:
    engine = clinic.engine()
    right, one, two = (engine.ask(f"How long until the {word} hardens?") for word in ("cement", "cemment", "cementt"))
    assert 0 < one.confidence == two.confidence < right.confidence
    both = engine.ask("How long until the cemment hardenns?")
    assert [change.kind for change in both.read_as] == ["spelling", "spelling"]
    assert both.confidence < one.confidence


def test_a_question_that_is_not_answered_says_how_it_was_read_too(clinic: Clinic) -> None:
    answer = clinic.engine().ask("Does Medicare reimburse zebras with cemment?")
    assert answer.outcome == "not_covered"
    assert answer.read_as == SPELT
    assert "Medicare" in answer.not_covered_terms


def test_no_word_of_the_documents_is_read_as_another(clinic: Clinic) -> None:
    engine = clinic.engine()
    words = {word.strip("#-.,").lower() for word in (RISKS + CEMENT).split()} - {""}
    assert len(words) > 50
    for word in words:
        assert [change for change in engine.ask(word).read_as if change.kind == "spelling"] == []


def test_a_word_that_the_model_knows_is_not_read_as_one_of_the_documents(clinic: Clinic) -> None:
    assert clinic.engine().ask("fotball infektion").read_as == (Replacement("infektion", "infection", "spelling"),)
    clinic.add("ball.md", "# Footbal\n\nFootbal is for later.\n")
    clinic.build()
    assert clinic.engine().ask("football").read_as == ()
    assert [change.read_as for change in clinic.engine().ask("fotbal").read_as] == ["footbal"]


def test_the_editors_word_for_the_same_thing_finds_the_documents_word(clinic: Clinic) -> None:
    engine = clinic.engine()
    assert engine.ask("bone glue").read_as == ()
    clinic.write("synonyms.toml", '[[same]]\nwords = ["PMMA", "bone glue"]\n')
    clinic.build()
    engine.reload()
    answer = engine.ask("What is bone glue?")
    assert answer.read_as == (Replacement("bone glue", "PMMA", "synonym"),)
    assert "PMMA" in answer.quotes[0].text
    assert answer.not_covered_terms == ()


def test_of_two_readings_the_one_that_the_passages_answer_better_is_taken(clinic: Clinic) -> None:
    clinic.write("synonyms.toml", '[[same]]\nwords = ["zebra", "cement"]\n')
    clinic.build()
    answer = clinic.engine().ask(QUESTION)
    assert answer.read_as == ()
    assert "10 minutes" in answer.quotes[0].text


def test_the_passages_that_are_considered_are_those_that_are_quoted(clinic: Clinic) -> None:
    engine = clinic.engine()
    considered = engine.consider(MISSPELT)
    answer = engine.ask(MISSPELT, limit=10)
    assert considered.rewriting.replacements == SPELT
    assert considered.question.text == considered.rewriting.text == QUESTION
    assert round(considered.confidence, 4) == answer.confidence
    quoted = [(quote.citation.document_id, quote.citation.start) for quote in answer.quotes]
    passages = [considered.index.passages[ranked.passage] for ranked in considered.ranked]
    assert [(passage.document_id, passage.start) for passage in passages] == quoted
    assert considered.index.digest == answer.generation


STAFF_ONLY = """# Scoliosis of kyphotic patients

Ask for spondylolisthesis. SPL (spondylolisthesis) patients are seen on Mondays by Featherstonehaugh.
"""
TYPOS = (
    "What is spondylolistesis?",
    "spondilolisthesis",
    "SPL",
    "What does SPL mean for the cement?",
    "Who is Fetherstonehaugh?",
    "skoliosis cemment",
    "Quotd sentense",
)


def answers(clinic: Clinic, audience: str) -> list[str]:
    engine = clinic.engine()
    asked = [engine.ask(question, "staff" if audience == "staff" else "patient", limit=10) for question in TYPOS]
    return [json.dumps(to_jsonable_python(answer)) for answer in asked]


def test_promise_4_words_of_staff_documents_never_show_in_how_a_patients_question_is_read(
    empty_clinic: Clinic,
) -> None:
    clinic = empty_clinic
    clinic.add("cement.md", CEMENT)
    clinic.add("risks.md", RISKS)
    clinic.build()
    without = answers(clinic, "patient")
    folder = clinic.settings.index / "generations" / live_id(clinic.settings.index) / "patient"
    vocabulary = (folder / "vocabulary.json").read_bytes()
    clinic.add("staff/scoliosis.md", STAFF_ONLY, "staff")
    clinic.add("staff/call-guide.md", CALL_GUIDE, "staff")
    clinic.build()
    assert answers(clinic, "patient") == without
    folder = clinic.settings.index / "generations" / live_id(clinic.settings.index) / "patient"
    assert (folder / "vocabulary.json").read_bytes() == vocabulary
    staff = [json.loads(answer)["read_as"] for answer in answers(clinic, "staff")]
    assert all(staff[:2]), "staff are understood"
    assert "spondylolisthesis" in json.dumps(staff)
    assert "spondylolisthesis" not in "".join(without)


@pytest.mark.parametrize("question", ["'", "cemment " * 120, "CEMMENT", "ceḿment 👍", "cemment\u2019s", "10 minuts?"])
def test_whatever_is_typed_each_replacement_stands_in_the_question(clinic: Clinic, question: str) -> None:
    for change in clinic.engine().ask(question).read_as:
        assert change.typed in question
        assert change.typed != change.read_as


def test_words_that_nobody_typed_are_never_named_as_not_covered(empty_clinic: Clinic) -> None:
    empty_clinic.write("synonyms.toml", '[[same]]\nwords = ["X-ray film", "radiograph"]\n')
    empty_clinic.add("film.md", "# Film\n\nThe X-ray film is kept. X marks it.\n\n## Other\n\nThe nurse keeps it.\n")
    empty_clinic.build()
    answer = empty_clinic.engine().ask("Which zebra keeps my radiograph?")
    assert answer.read_as == (Replacement("radiograph", "X-ray film", "synonym"),)
    assert set(answer.not_covered_terms) <= {"zebra", "keeps", "radiograph"}


def test_a_synonym_is_read_only_as_what_the_audiences_own_documents_say(empty_clinic: Clinic) -> None:
    empty_clinic.write("synonyms.toml", '[[same]]\nwords = ["desk code", "tetanus"]\n')
    empty_clinic.add("risks.md", RISKS)
    empty_clinic.add("desk.md", "# Desk\n\nThe desk code is secret. A desk code opens the desk.\n", "staff")
    empty_clinic.build()
    answer = empty_clinic.engine().ask("Is tetanus a risk?")
    assert answer.read_as == ()
    assert "tetanus" in answer.not_covered_terms


@pytest.mark.parametrize("question", ["%", ".", "x", "7", "a", "why", "how", "is it", "'.’/😀"])
def test_a_question_that_asks_nothing_is_never_answered(clinic: Clinic, question: str) -> None:
    answer = clinic.engine(max_false_answer_rate=0.05).ask(question)
    assert (answer.outcome, answer.confidence) == ("not_covered", 0.0)
