"""What the documents of one audience say: words and the abbreviations that they define themselves."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import DamagedGeneration
from qa.index.vocabulary import Vocabulary, collect, definitions_in, read_vocabulary, without, write_vocabulary

TEXTS = [
    "Vertebral compression fractures (VCFs) hurt. The doctor’s hunched-over patient took 10 mg of B12.",
    "It hurts.",
]


def test_words_are_counted_in_lower_case_without_those_that_hold_a_digit() -> None:
    words = collect(TEXTS).words
    assert words["hurt"] == 1
    assert words["the"] == 1
    assert words["doctor's"] == 1
    assert words["hunched"] == words["over"] == 1
    assert "b12" not in words
    assert "10" not in words


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("Vertebral compression fractures (VCFs) are breaks.", "VCF", "vertebral compression fracture"),
        ("A vertebral compression\nfracture (VCF) is a break.", "VCF", "vertebral compression fracture"),
        ("Doctors use polymethylmethacrylate, or PMMA, for it.", "PMMA", "polymethylmethacrylate"),
        ("The cement is PMMA (polymethylmethacrylate).", "PMMA", "polymethylmethacrylate"),
        ("You get it through an intravenous (IV) line.", "IV", "intravenous"),
        ("Magnetic resonance imaging (also called MRI) shows it.", "MRI", "magnetic resonance imaging"),
        ("You may have magnetic resonance imaging (an MRI; it is loud).", "MRI", "magnetic resonance imaging"),
        ("Non-small cell lung cancer (NSCLC) is treated.", "NSCLC", "non-small cell lung cancer"),
        ("Approved by the Food and Drug Administration (FDA).", "FDA", "Food and Drug Administration"),
    ],
)
def test_an_abbreviation_is_what_a_document_defines(text: str, short: str, long: str) -> None:
    assert collect([text]).abbreviations == {short: long}


@pytest.mark.parametrize(
    "text",
    [
        "Doctors use bone cement (PMMA) for it.",
        "Your backbone (vertebra) may break.",
        "Injury (trauma) is one cause.",
        "You get medicine into a vein (IV).",
        "It is over. Very calm friends (VCF) came. (IV)",
        "Pain. (PA)",
        "CT or MRI is used.",
        "()",
    ],
)
def test_letters_that_do_not_fit_define_nothing(text: str) -> None:
    long_forms = collect([text]).abbreviations.values()
    assert not {"bone cement", "into a vein", "backbone", "injury"}.intersection(long_forms)
    assert set(collect([text]).abbreviations) <= {"VCF"}


def test_a_long_form_does_not_reach_into_another_sentence_or_list_item() -> None:
    assert list(definitions_in("It is very calm. Fracture (VCF)")) == []
    assert list(definitions_in("- very\n- calm\n- fracture (VCF)")) == []


def test_of_two_long_forms_the_one_defined_more_often_is_taken() -> None:
    often = "Physical therapy (PT) helps."
    assert collect([often, "A prothrombin time (PT) test.", often]).abbreviations == {"PT": "physical therapy"}


def test_an_inflection_of_a_word_is_held() -> None:
    vocabulary = collect(["One fracture, treated early; the biopsy stopped."])
    assert all(map(vocabulary.holds, ["fractures", "fractured", "fracturing", "treat", "treating", "biopsies", "stop"]))
    assert not vocabulary.holds("fractious")


def test_what_is_written_is_read_back_and_the_same_texts_give_the_same_bytes(tmp_path: Path) -> None:
    write_vocabulary(tmp_path / "one", collect(TEXTS))
    write_vocabulary(tmp_path / "two", collect(reversed(TEXTS)))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert read_vocabulary(tmp_path / "one") == collect(TEXTS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"words": {"a": 1}}',
        b'{"abbreviations": {}, "words": {"a": "1"}}',
        b'{"abbreviations": {}, "words": {"a": 0}}',
        b'{"abbreviations": [], "words": {}}',
        b"\xff",
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_bytes(content)
    with pytest.raises(DamagedGeneration, match=r"vocabulary\.json is damaged"):
        read_vocabulary(path)


def test_a_missing_file_is_damage(tmp_path: Path) -> None:
    with pytest.raises(DamagedGeneration):
        read_vocabulary(tmp_path / "vocabulary.json")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3))
def test_any_text_has_a_vocabulary_that_is_written_and_read_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("any") / "vocabulary.json"
    vocabulary = collect(texts)
    write_vocabulary(path, vocabulary)
    assert read_vocabulary(path) == vocabulary == Vocabulary(vocabulary.words, vocabulary.abbreviations)
    assert all(vocabulary.holds(word) for word in vocabulary.words)


defining = st.sampled_from(
    [
        "A vertebral compression fracture (VCF) hurts.",
        "A very calm friend (VCF) came; very calm friends (VCFs) stay.",
        "VCFs heal. Physical therapy (PT) helps.",
        "The prothrombin time (PT) is taken.",
        "It hurts.",
    ]
)


@given(st.lists(defining, max_size=4), st.lists(defining, max_size=4))
def test_without_some_texts_the_vocabulary_is_that_of_the_others(gone: list[str], left: list[str]) -> None:
    found = without(collect([*gone, *left]), gone, left)
    assert found == collect(left)
    assert list(found.words) == sorted(found.words)


def test_words_are_found_by_what_they_are_without_apostrophe_and_in_american_spelling() -> None:
    vocabulary = collect(["Dr O’Hara treats anaemia and tumors."])
    assert vocabulary.with_apostrophe == {"ohara": "o'hara"}
    assert vocabulary.by_american_spelling == {"anemia": "anaemia"}
