"""A question's words, each with the encoder's tokens that stand in it and its weight in the index."""

import math
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.encoder.protocol import Encoding, Vectors
from qa.index.generation import AudienceIndex
from qa.records import Span
from qa.search.query import content_tokens, understand, word_coverage
from tests.support.clinic import Clinic
from tests.support.encoders import DIMENSION, encoding_of

KNOWN = st.sampled_from(["cement", "hardens", "the", "Zebra", "é", "PMMA", "'", " ", "-"])


@pytest.fixture
def index(clinic: Clinic) -> AudienceIndex:
    return clinic.engine().consider("cement").index


def split_up(text: str, length: int = 3) -> Encoding:
    """An encoding whose tokens are pieces of words of at most so many letters, as a model's are."""
    spans = [
        Span(start, min(start + length, word.end()))
        for word in re.finditer(r"\w+", text)
        for start in range(word.start(), word.end(), length)
    ]
    return Encoding(np.ones(DIMENSION, np.float32), np.ones((len(spans), DIMENSION), np.float32), tuple(spans))


def pieces(text: str, encoding: Encoding, tokens: tuple[int, ...]) -> list[str]:
    return [text[slice(*encoding.token_spans[token])] for token in tokens]


def test_each_content_word_has_the_tokens_that_stand_in_it(index: AudienceIndex) -> None:
    text = "Does the cement harden quickly?"
    encoding = split_up(text)
    words = understand(index, text, encoding).words
    assert [word.text for word in words] == ["cement", "harden", "quickly"]
    assert [pieces(text, encoding, word.tokens) for word in words] == [
        ["cem", "ent"],
        ["har", "den"],
        ["qui", "ckl", "y"],
    ]
    assert [text[word.start :][: len(word.text)] for word in words] == ["cement", "harden", "quickly"]


def test_words_are_found_beside_characters_of_any_width(index: AudienceIndex) -> None:
    text = "👩\u200d👧 café 𝒳 PMMA?"
    encoding = split_up(text)
    found = {word.text: pieces(text, encoding, word.tokens) for word in understand(index, text, encoding).words}
    assert found["café"] == ["caf", "é"]
    assert found["PMMA"] == ["PMM", "A"]


def test_a_question_of_function_words_alone_keeps_them(index: AudienceIndex) -> None:
    words = understand(index, "what is it", encoding_of("what is it")).words
    assert [word.text for word in words] == ["what", "is", "it"]
    assert understand(index, "???", encoding_of("???")).words == ()


def test_a_word_weighs_the_more_the_fewer_passages_hold_it(index: AudienceIndex) -> None:
    text = "zebra PMMA cement"
    rare, once, often = (word.weight for word in understand(index, text, encoding_of(text)).words)
    assert rare > once > often > 0
    assert rare == pytest.approx(math.log(1 + len(index.passages)))
    assert once == pytest.approx(math.log(1 + len(index.passages) / 2))


def test_a_word_beyond_what_the_encoder_reads_counts_as_covered(index: AudienceIndex) -> None:
    text = "cement zebra"
    whole = encoding_of(text)
    cut = Encoding(whole.vector, whole.token_vectors[:1], whole.token_spans[:1])
    question = understand(index, text, cut)
    assert [word.tokens for word in question.words] == [(0,), ()]
    assert word_coverage(question, np.full((2, 1), 0.25, np.float32)).tolist() == [[0.25, 1.0], [0.25, 1.0]]


def test_a_word_is_covered_as_well_as_its_tokens_on_average(index: AudienceIndex) -> None:
    text = "the cement dries"
    question = understand(index, text, split_up(text))
    assert [word.tokens for word in question.words] == [(1, 2), (3, 4)]
    coverage: Vectors = np.array([[0.9, 0.25, 0.75, 1.0, 0.0]], np.float32)
    assert word_coverage(question, coverage).tolist() == [[0.5, 0.5]]
    assert content_tokens(question) == [1, 2, 3, 4]


def test_where_no_token_stands_in_a_content_word_all_tokens_count(index: AudienceIndex) -> None:
    question = understand(index, "", split_up("a b c"))
    assert question.words == ()
    assert content_tokens(question) == [0, 1, 2]
    assert word_coverage(question, np.zeros((4, 3), np.float32)).shape == (4, 0)


@given(st.lists(KNOWN | st.text(max_size=5), max_size=12).map("".join), st.integers(1, 4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
def test_no_token_belongs_to_two_words_and_each_starts_in_its_own(index: AudienceIndex, text: str, length: int) -> None:
    encoding = split_up(text, length)
    words = understand(index, text, encoding).words
    tokens = [token for word in words for token in word.tokens]
    assert len(tokens) == len(set(tokens))
    for word in words:
        assert text[word.start : word.start + len(word.text)] == word.text
        for token in word.tokens:
            assert word.start <= encoding.token_spans[token].start < word.start + len(word.text)
        assert math.isfinite(word.weight)
        assert word.weight > 0
