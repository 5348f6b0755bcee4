"""How a question is read: toward the words of the documents, and never away from them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qa.index.vocabulary import collect
from qa.records import Replacement, Rewriting
from qa.search.query_rewriting import rewritings_of
from qa.text.synonyms import SameWords, Synonyms
from tests.support.lexicons import lexicon_of

TEXT = """Kyphoplasty treats vertebral compression fractures (VCFs). Infection or bleeding after an injection is rare.
Anesthesia keeps you asleep during surgery. Hemophilia, an anticoagulant and osteoporosis matter. Is it safe?
A vertebra heals in weeks; the fracture hurts. Information technology (IT) runs our portal. The recovery is short."""
VOCABULARY = collect([TEXT])
SYNONYMS = Synonyms((SameWords(("kyphoplasty", "balloon surgery", "spine cement surgery")),))
ENGLISH = frozenset(["cover", "doctor", "does", "medicare", "plane", "risks", "uber"])


def read(question: str, text: str = TEXT, synonyms: Synonyms = SYNONYMS) -> tuple[Rewriting, ...]:
    return rewritings_of(question, lexicon_of(text, synonyms, model_knows=ENGLISH))


def texts(question: str) -> list[str]:
    return [rewriting.text for rewriting in read(question)]


@pytest.mark.parametrize(
    ("question", "spelt"),
    [
        ("hemophelia kyfoplasty ok?", "hemophilia kyphoplasty ok?"),
        ("Kyfoplasty risks", "Kyphoplasty risks"),
        ("KYFOPLASTY RISKS", "KYPHOPLASTY RISKS"),
        ("is Kyfoplasty safe", "is Kyphoplasty safe"),
        ("  the   vertibra’s “osteoperosis”…", "  the   vertebra’s “osteoporosis”…"),
        ("anaesthesia or anasthesia", "anesthesia or anesthesia"),
        ("post-sergery infecton", "post-surgery infection"),
    ],
)
def test_spelling_is_corrected_and_all_else_stays_as_typed(question: str, spelt: str) -> None:
    assert texts(question)[0] == spelt


@pytest.mark.parametrize(
    "question",
    [
        "Does Medicare cover uber?",  # the language model's own words
        "kyphoplasties, fractured vertebras",  # inflections of words of the documents
        "Xarelto or warfarin",  # listed with the lay words
        "Dr. Bledin",  # a name
        "the BLEDIN form",  # an acronym
        "doesnt it",
        "T12 C0mpression",
        "pian",
        "",
        " ?! ",
    ],
)
def test_what_may_be_meant_is_not_corrected(question: str) -> None:
    assert texts(question)[0] == question


@pytest.mark.parametrize(
    ("question", "replacement"),
    [
        ("How long does balloon surgery take?", Replacement("balloon surgery", "kyphoplasty", "synonym")),
        ("Spine-Cement  surgeries?", Replacement("Spine-Cement  surgeries", "kyphoplasty", "synonym")),
        ("what is a vcf", Replacement("vcf", "vertebral compression fracture", "abbreviation")),
        ("Do VCFs hurt?", Replacement("VCFs", "vertebral compression fractures", "abbreviation")),
        ("vertebral compression fractures", Replacement("vertebral compression fractures", "VCF", "abbreviation")),
        ("is IT safe", Replacement("IT", "information technology", "abbreviation")),
        ("after the shot", Replacement("shot", "injection", "lay_word")),
        ("my blood thinners", Replacement("blood thinners", "anticoagulant", "lay_word")),
        ("Xarelto", Replacement("Xarelto", "anticoagulant", "lay_word")),
    ],
)
def test_the_second_reading_says_it_as_the_documents_do(question: str, replacement: Replacement) -> None:
    first, second = read(question)
    assert first == Rewriting(question, ())
    assert second == Rewriting(question.replace(replacement.typed, replacement.read_as), (replacement,))


@pytest.mark.parametrize(
    "question",
    [
        "is it safe",  # "it" is no abbreviation in small letters
        "is a VCF a vertebral compression fracture",  # both are there already
        "heart attack",  # no document says myocardial infarction
        "balloon, surgery",  # no phrase
        "balloons",
        "kyphoplasty",
    ],
)
def test_without_another_word_there_is_one_reading(question: str) -> None:
    assert texts(question) == [question]


def test_a_misspelt_lay_word_is_understood_and_reported_as_typed() -> None:
    text = f"{TEXT} Myocardial infarction, the heart attack."
    first, second = read("heart attakc or infecton", text)
    assert first.text == "heart attack or infection"
    assert second.text == "myocardial infarction or infection"
    assert second.replacements == (
        Replacement("heart attakc", "myocardial infarction", "lay_word"),
        Replacement("infecton", "infection", "spelling"),
    )


def test_the_longest_phrase_is_replaced_and_the_editor_goes_before_the_package() -> None:
    synonyms = Synonyms((SameWords(("surgery", "shot")), SameWords(("kyphoplasty", "shot in the back"))))
    assert read("a shot in the back", synonyms=synonyms)[1].text == "a kyphoplasty"
    assert read("a shot", synonyms=synonyms)[1].text == "a surgery"


def test_a_preferred_phrase_is_not_replaced_within() -> None:
    synonyms = Synonyms((SameWords(("balloon kyphoplasty", "kyphoplasty")),))
    assert [rewriting.text for rewriting in read("balloon kyphoplasty", synonyms=synonyms)] == ["balloon kyphoplasty"]


WAYS = """Your stitches come out. Panadol is enough. The blood pressure pill and the water jug. A pill a day is fine.
The ballooning starts. Physical therapy. Any tummy ache. The dressing. We break for lunch."""


@pytest.mark.parametrize(
    ("question", "read_as"),
    [
        ("when do sutures come out", "when do stitches come out"),
        ("is acetaminophen enough", "is Panadol enough"),
        ("abdominal pains", "tummy ache"),
        ("atenolol", "blood pressure pill"),
    ],
)
def test_the_documents_plain_word_is_found_for_the_clinical_one_too(question: str, read_as: str) -> None:
    assert read(question, WAYS)[-1].text.replace("stitch ", "stitches ") == read_as


@pytest.mark.parametrize("question", ["furosemide", "my water pill", "morphine"])
def test_a_phrase_is_read_as_another_only_where_its_words_stand_together(question: str) -> None:
    assert [rewriting.text for rewriting in read(question, WAYS)] == [question]


@pytest.mark.parametrize("question", ["is there a dressing room", "a shot of whisky", "can I dye my hair", "a break"])
def test_a_word_that_means_something_else_here_is_left_alone(question: str) -> None:
    text = "The bandage, the injection, the contrast agent and the fracture."
    assert [rewriting.text for rewriting in read(question, text)] == [question]


def test_a_misspelt_synonym_is_corrected_toward_its_word_and_read_as_the_documents_say() -> None:
    assert read("baloon surgury?")[-1] == Rewriting(
        "kyphoplasty?", (Replacement("baloon surgury", "kyphoplasty", "synonym"),)
    )
    assert read("xarrelto")[-1].text == "anticoagulant"
    assert [rewriting.text for rewriting in read("xarrelto", "Nothing else.")] == ["xarrelto"]


def test_the_editors_words_are_read_both_ways() -> None:
    synonyms = Synonyms((SameWords(("frozen shoulder", "capsulitis"), ("stiff arm",)),))
    assert read("frozen shoulder", "Capsulitis hurts.", synonyms)[-1].text == "capsulitis"
    assert read("capsulitis", "A frozen shoulder hurts.", synonyms)[-1].text == "frozen shoulder"
    assert read("stiff arm", "Capsulitis hurts.", synonyms)[-1].text == "capsulitis"
    assert read("capsulitis", "A stiff arm hurts.", synonyms)[-1].text == "capsulitis", "a kind says more"


def test_words_of_another_audience_play_no_part() -> None:
    staff = f"{TEXT} Hemophilus is for staff."
    assert read("hemophilus", staff)[0].text == "hemophilus"
    assert read("hemophilus")[0].text != "hemophilus"


words_of_the_documents = st.lists(st.sampled_from(sorted(VOCABULARY.words)), max_size=12)


@given(words_of_the_documents)
def test_a_question_in_words_of_the_documents_is_read_as_typed(words: list[str]) -> None:
    question = " ".join(words)
    assert read(question)[0] == Rewriting(question, ())


noise = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
near_words = st.builds(
    lambda word, at, letter: word[: at % len(word)] + letter + word[at % len(word) + 1 :],
    st.sampled_from(sorted(VOCABULARY.words)),
    st.integers(0, 20),
    st.sampled_from(["", "a", "é", "’", "ss", "K", " "]),
)
questions = st.lists(st.one_of(near_words, noise, st.sampled_from(["VCFs", "it", "shot", "balloon surgery"]))).map(
    " ".join
)


@given(questions)
@example("İİİİİİİİ kyfoplastyİ ﬁnfection ǅǅǅǅǅ infecti\u0301on's")
def test_any_question_is_read_the_same_way_each_time_and_every_replacement_is_named(question: str) -> None:
    rewritings = read(question)
    assert rewritings == read(question)
    assert 1 <= len(rewritings) <= 2
    for rewriting in rewritings:
        assert (rewriting.text == question) == (not rewriting.replacements)
        for replacement in rewriting.replacements:
            assert replacement.typed in question
            assert replacement.read_as in rewriting.text
            if replacement.kind == "spelling":
                assert not VOCABULARY.holds(replacement.typed.lower())
                assert replacement.read_as.lower() in VOCABULARY.words
