"""Query rewriting: spelling corrected toward the documents' words, then other words for the same thing.

A rewriting is only tried beside the others, and the answer says which one was used: nothing is rewritten silently.
"""

import itertools
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qa.index.vocabulary import Vocabulary
from qa.records import Replacement, ReplacementKind, Rewriting
from qa.text.english import CONTRACTIONS_WITHOUT_APOSTROPHE, FILLER_WORDS, FUNCTION_WORDS, WORDS_LIKE_SHORT_FORMS
from qa.text.spelling import MIN_LETTERS, NO_LIMIT, SOUNDS_THE_SAME
from qa.text.synonyms import Synonyms
from qa.text.words import Found, WordSpan, key_of, plural, singular, words_in

_BETWEEN_WORDS_OF_A_PHRASE = re.compile(r"\s+|\s?[-‐‑–&/]\s?")
_MAX_ACRONYM_LETTERS = 6
_NEVER_MISSPELT = FUNCTION_WORDS | FILLER_WORDS | CONTRACTIONS_WITHOUT_APOSTROPHE
_MIN_LETTERS_OF_A_MISSPELT_NAME = 8


@dataclass(frozen=True, slots=True)
class _Edit:
    """`[start, end)` of the question, and what stands there in a rewriting."""

    start: int
    end: int
    read_as: str
    kind: ReplacementKind


@dataclass(frozen=True, slots=True)
class _Match:
    """Words `[first, last)` of the question that other words say; `read_as` is None where they are the best ones."""

    first: int
    last: int
    read_as: str | None
    kind: ReplacementKind


def rewritings_of(
    question: str,
    vocabulary: Vocabulary,
    synonyms: Synonyms,
    lay_words: Synonyms,
    is_known_word: Callable[[str], bool],
) -> tuple[Rewriting, ...]:
    """The one or two ways to read a question, a pure function of the arguments.

    The first has the spelling corrected: only words of 5 letters or more that neither the vocabulary, nor the synonyms
    and lay words, nor `is_known_word` knows, and only toward a word of the vocabulary. `is_known_word` is asked for
    words in lower case. The second, where it differs, also has phrases replaced by what the documents call the thing:
    the editor's synonyms and lay words where the vocabulary holds what they are read as, and abbreviations that a
    document defines. Everything else stays as typed.
    """
    words = list(words_in(question))
    corrections = _corrections(words, vocabulary, synonyms.single_words | lay_words.single_words, is_known_word)
    spelt = tuple(corrections[number] for number in sorted(corrections))
    first = _rewriting(question, spelt)
    row = [corrections[number].read_as.lower() if number in corrections else w.key for number, w in enumerate(words)]
    matches = [
        match
        for match in _matches(words, row, vocabulary, (synonyms, lay_words), is_known_word)
        if _is_one_phrase(question, words[match.first : match.last])
    ]
    chosen = [match for match in _without_overlap(matches) if match.read_as is not None]
    if not chosen:
        return (first,)
    equivalents = [
        _Edit(words[match.first].start, words[match.last - 1].end, match.read_as or "", match.kind) for match in chosen
    ]
    kept = [edit for edit in spelt if not any(other.start <= edit.start < other.end for other in equivalents)]
    second = _rewriting(question, sorted([*kept, *equivalents], key=lambda edit: edit.start))
    return (first,) if second.text.lower() == first.text.lower() else (first, second)


def _corrections(
    words: Sequence[WordSpan], vocabulary: Vocabulary, listed: Container[str], is_known_word: Callable[[str], bool]
) -> Mapping[int, _Edit]:
    """The misspelt words by their place in the row, with the vocabulary's words for them."""
    limits = _name_limits(words)
    corrections = {}
    for number, word in enumerate(words):
        letters = word.key.removesuffix("'s")
        if len(letters) < MIN_LETTERS or not letters.isalpha() or letters in _NEVER_MISSPELT:
            continue
        forms = {letters, singular(letters)}
        if vocabulary.holds(letters) or any(is_known_word(form) for form in forms):
            continue
        limit = limits[number]
        if any(form in listed for form in forms):
            # Spelt as meant (names of medicines look alike), but for the British "anaesthesia".
            limit = min(limit, SOUNDS_THE_SAME)
        nearest = vocabulary.spelling.nearest(letters, limit)
        if nearest is not None:
            end = word.end - (len("'s") if letters != word.key else 0)
            corrections[number] = _Edit(word.start, end, _in_the_case_of(word.text, nearest), "spelling")
    return corrections


def _name_limits(words: Sequence[WordSpan]) -> list[float]:
    """How far off each word may be: capitals within a question in lower case mark a name or an acronym."""
    if all(word.text.upper() == word.text for word in words):
        return [NO_LIMIT] * len(words)
    is_title = sum(word.text[:1].isupper() for word in words) > len(words) / 2
    limits = []
    for number, word in enumerate(words):
        length = len(word.text)
        if word.text.isupper() and length <= _MAX_ACRONYM_LETTERS:
            limits.append(0.0)
        elif number > 0 and word.text[:1].isupper() and not is_title:
            limits.append(0.0 if length < _MIN_LETTERS_OF_A_MISSPELT_NAME else 1.0)
        else:
            limits.append(NO_LIMIT)
    return limits


def _in_the_case_of(typed: str, word: str) -> str:
    if typed.removesuffix("s").isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if typed[:1].isupper() else word


def _matches(
    words: Sequence[WordSpan],
    row: Sequence[str],
    vocabulary: Vocabulary,
    listed: tuple[Synonyms, Synonyms],
    is_known_word: Callable[[str], bool],
) -> Iterator[_Match]:
    """Every phrase with another name, the more trusted source first: the editor, the documents, the package."""
    synonyms, lay_words = listed
    for found in synonyms.table.find(row):
        held = [candidate for candidate in found.read_as[:1] if vocabulary.holds_all(candidate)]
        yield _Match(found.first, found.last, held[0] if held else None, "synonym")
    yield from _abbreviations(words, list(vocabulary.abbreviation_table.find(row)), is_known_word)
    for found in lay_words.table.find(row):
        held = [candidate for candidate in found.read_as if vocabulary.holds_all(candidate)]
        if held or not found.read_as:
            yield _Match(found.first, found.last, held[0] if held else None, "lay_word")


def _abbreviations(
    words: Sequence[WordSpan], found: Sequence[Found], is_known_word: Callable[[str], bool]
) -> Iterator[_Match]:
    """Short and long forms, but not where the question has both, nor a small word that is spelt like a short form."""
    phrases = {" ".join(one.phrase) for one in found}
    for one in found:
        (other,) = one.read_as
        typed = words[one.first].text
        is_short_form = len(one.phrase) == 1
        if " ".join(key_of(other)) in phrases:
            continue
        is_english = one.phrase[0] in WORDS_LIKE_SHORT_FORMS or is_known_word(one.phrase[0])
        if is_short_form and is_english and not typed.rstrip("s").isupper():
            continue
        if typed.lower() != one.phrase[0] and is_short_form and typed.lower().endswith("s"):
            head, _, last = other.rpartition(" ")
            other = f"{head} {plural(last)}".lstrip()
        yield _Match(one.first, one.last, other, "abbreviation")


def _is_one_phrase(question: str, words: Sequence[WordSpan]) -> bool:
    """Whether only white space or a hyphen stands between the words."""
    return all(
        _BETWEEN_WORDS_OF_A_PHRASE.fullmatch(question, one.end, other.start) for one, other in itertools.pairwise(words)
    )


def _without_overlap(matches: Iterable[_Match]) -> list[_Match]:
    """The longest phrases first; of equally long ones the more trusted, then the first."""
    chosen: list[_Match] = []
    for match in sorted(matches, key=lambda match: match.first - match.last):
        if all(match.last <= other.first or other.last <= match.first for other in chosen):
            chosen.append(match)
    return chosen


def _rewriting(question: str, edits: Iterable[_Edit]) -> Rewriting:
    """The question with edits made that are in order and don't overlap."""
    parts = []
    replacements = []
    end = 0
    for edit in edits:
        parts += [question[end : edit.start], edit.read_as]
        replacements.append(Replacement(question[edit.start : edit.end], edit.read_as, edit.kind))
        end = edit.end
    return Rewriting("".join(parts) + question[end:], tuple(replacements))
