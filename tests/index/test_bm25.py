"""BM25 finds the passages that hold a question's words; the question is data and no query language."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import DamagedGeneration, StorageFailed
from qa.index.bm25 import TermIndex, write_terms

PASSAGES = [
    ("Risks of kyphoplasty", "Infection, bleeding, and leaking cement are risks."),
    ("The bone cement", "The cement hardens in about 10 minutes. Don’t move until then."),
    ("The bone cement. What it is made of", "Doctors use PMMA. O'Neill's study found it safe."),
    ("Anaesthesia", "You may be asleep. Your café au lait can wait. A T_score is measured."),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> TermIndex:
    folder = tmp_path_factory.mktemp("terms") / "terms"
    write_terms(folder, PASSAGES)
    return TermIndex.open(folder)


def numbers(index: TermIndex, question: str, limit: int = 10) -> list[int]:
    return [number for number, _ in index.search(question, limit)]


def test_the_passage_that_holds_most_of_the_words_comes_first(index: TermIndex) -> None:
    assert numbers(index, "when has the cement hardened?")[0] == 1
    assert numbers(index, "bleeding")[0] == 0
    assert numbers(index, "xylophone") == []


def test_words_are_found_in_any_case_number_and_accent(index: TermIndex) -> None:
    for question in ("INFECTIONS", "infection", "Infection?"):
        assert numbers(index, question) == [0]
    assert numbers(index, "cafe") == numbers(index, "CAFÉ") == [3]


def test_headings_are_searched_too_but_count_less_than_the_text(index: TermIndex) -> None:
    assert numbers(index, "anaesthesia") == [3]
    assert numbers(index, "cement")[-1] == 2


def test_a_limit_takes_the_best(index: TermIndex) -> None:
    assert numbers(index, "cement risks", 1) == numbers(index, "cement risks")[:1]
    assert index.search("cement", 0) == []


@given(st.text(max_size=80) | st.text(st.sampled_from('cement risks AND OR NOT ()[]{}:*?~^"+-\\/<>!'), max_size=40))
def test_any_question_is_only_words(index: TermIndex, question: str) -> None:
    found = index.search(question, 10)
    assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))
    assert {number for number, _ in found} <= set(range(len(PASSAGES)))
    assert all(score > 0 for _, score in found)
    for word in index.words_of(question):
        assert question[word.start : word.start + len(word.text)] == word.text


@pytest.mark.parametrize(
    "question", ["text:infection", "-infection", '"infection', "infection~2", "NOT infection", "infection*"]
)
def test_operators_of_query_languages_mean_nothing(index: TermIndex, question: str) -> None:
    assert numbers(index, question)[0] == 0


def test_a_word_repeated_in_a_question_counts_once(index: TermIndex) -> None:
    assert index.search("cement cement CEMENT", 10) == index.search("cement", 10)


def test_content_words_are_as_typed_without_words_that_only_ask(index: TermIndex) -> None:
    words = index.content_words_of("What's Medicare, and does O’Neill’s clinic — take it? ___ 2.5")
    assert [word.text for word in words] == ["Medicare", "O’Neill’s", "clinic", "2", "5"]
    assert [word.text for word in index.content_words_of("What is it, and why don't you?")] == []


def test_a_word_that_a_text_holds_is_held_however_it_is_written(index: TermIndex) -> None:
    question = "Hardening CEMENT, O'Neill, O’Neill, don't, PMMA's, T_score, cafés, anaesthesia"
    for word in index.words_of(question):
        assert any(map(index.holds, word.terms)), word
    (medicare,) = index.words_of("Medicare")
    assert not any(map(index.holds, medicare.terms))


def test_the_same_passages_give_the_same_scores(index: TermIndex, tmp_path: Path) -> None:
    write_terms(tmp_path / "terms", PASSAGES)
    again = TermIndex.open(tmp_path / "terms")
    for question in ("cement", "bleeding and infection", "how safe is the study"):
        assert again.search(question, 10) == index.search(question, 10)


def test_an_empty_index_holds_and_finds_nothing(tmp_path: Path) -> None:
    write_terms(tmp_path / "terms", [])
    index = TermIndex.open(tmp_path / "terms")
    assert index.search("cement", 10) == []
    assert not index.holds("cement")


def test_opening_leaves_the_folder_as_it_was_and_no_copy_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    write_terms(tmp_path / "terms", PASSAGES)
    before = sorted((tmp_path / "terms").iterdir())
    for _ in range(20):
        assert TermIndex.open(tmp_path / "terms").search("cement", 10)
    assert sorted((tmp_path / "terms").iterdir()) == before
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, Path.touch], ids=["missing", "empty", "a file"])
def test_what_is_no_index_is_refused_by_name(tmp_path: Path, make: object) -> None:
    if callable(make):
        make(tmp_path / "terms")
    with pytest.raises(DamagedGeneration, match=r"terms.*qa build"):
        TermIndex.open(tmp_path / "terms")


def test_a_place_that_cannot_be_written_is_a_storage_failure(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(StorageFailed, match="cannot write"):
        write_terms(tmp_path / "taken", PASSAGES)


def test_the_measure_that_how_asks_for_is_no_content_word(index: TermIndex) -> None:
    assert [word.text for word in index.content_words_of("How long is the bleeding, and how far?")] == ["bleeding"]
    assert [word.text for word in index.content_words_of("a long needle")] == ["long", "needle"]


@pytest.mark.parametrize(
    ("question", "content"),
    [
        ("um hi, sorry to bother you, quick question: is the needle clean?", ["needle", "clean"]),
        ("hello im calling cuz i was wondering, basically, are needles sharp thanks a lot", ["needles", "sharp"]),
        ("hes got a needle and it wont hurt yeah", ["needle", "hurt"]),
        ("questions about needles", ["questions", "needles"]),
    ],
)
def test_politeness_and_hesitation_carry_no_meaning(index: TermIndex, question: str, content: list[str]) -> None:
    assert [word.text for word in index.content_words_of(question)] == content


@pytest.mark.parametrize(
    ("question", "content"),
    [
        ("can mum drive", ["drive"]),
        ("is grandpa's needle clean", ["needle", "clean"]),
        ("her husband has a needle", ["needle"]),
        ("my 84 year old aunt has a needle", ["84", "year", "old", "needle"]),
        ("is the mother of a newborn seen", ["mother", "newborn", "seen"]),
        ("our son needs a needle", ["needs", "needle"]),
    ],
)
def test_the_askers_people_carry_no_meaning(index: TermIndex, question: str, content: list[str]) -> None:
    assert [word.text for word in index.content_words_of(question)] == content


def test_passages_that_hold_all_of_some_terms_are_found(index: TermIndex) -> None:
    assert sorted(index.passages_with(["bone", "cement"])) == [1, 2]
    assert index.passages_with(["bone", "cement", "pmma"]) == [2]
    assert index.passages_with(["xylophon"]) == index.passages_with([]) == []


def test_terms_of_passages_that_are_gone_are_held_no_more_but_by_others(index: TermIndex) -> None:
    left = index.without(["\n".join(PASSAGES[0]), "\n".join(PASSAGES[2])])
    assert [index.document_frequency("cement"), left.document_frequency("cement")] == [3, 1]
    assert left.holds("cement")
    assert index.holds("infect")
    assert not left.holds("infect")
    assert index.holds("bleed"), "the one that was opened stays as it is"
    assert left.search("infection", 5) == index.search("infection", 5)
