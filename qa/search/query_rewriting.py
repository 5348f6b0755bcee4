"""Query rewriting: spelling corrected toward the documents' words, then other words for the same thing.

A rewriting is only tried beside the others, and the answer says which one was used: nothing is rewritten silently.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from qa.records import Replacement, ReplacementKind, Rewriting
from qa.search.query_spelling import Lexicon, corrections_of, listed_words
from qa.text.english import WORDS_LIKE_SHORT_FORMS
from qa.text.words import BETWEEN_WORDS_OF_A_PHRASE, Found, WordSpan, key_of, plural, words_in

_BETWEEN_WORDS = re.compile(BETWEEN_WORDS_OF_A_PHRASE)


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


def rewritings_of(question: str, lexicon: Lexicon) -> tuple[Rewriting, ...]:
    """The one or two ways to read a question, a pure function of the arguments.

    The first has the spelling corrected: only words that are no words, and only toward the vocabulary. The second,
    where it differs, also has phrases replaced by what the documents call the thing: the editor's synonyms and lay
    words, misspelt or not, where the documents say the phrase that they are read as, and abbreviations that a document
    defines. Everything else stays as typed.
    """
    words = list(words_in(question))
    corrections = corrections_of(words, lexicon)
    spelt = tuple(_Edit(one.start, one.end, one.read_as, "spelling") for _, one in sorted(corrections.items()))
    first = _rewriting(question, spelt)
    row = listed_words(words, lexicon)
    row = [corrections[number].read_as.lower() if number in corrections else word for number, word in enumerate(row)]
    matches = [
        match for match in _matches(words, row, lexicon) if _is_one_phrase(question, words[match.first : match.last])
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


def _matches(words: Sequence[WordSpan], row: Sequence[str], lexicon: Lexicon) -> Iterator[_Match]:
    """Every phrase with another name, the more trusted source first: the editor, the documents, the package."""
    for found in lexicon.synonyms.table.find(row):
        yield _Match(found.first, found.last, _what_is_said(found, lexicon), "synonym")
    yield from _abbreviations(words, list(lexicon.vocabulary.abbreviation_table.find(row)), lexicon)
    for found in lexicon.lay_words.table.find(row):
        read_as = _what_is_said(found, lexicon)
        if read_as is not None or not found.read_as:
            yield _Match(found.first, found.last, read_as, "lay_word")


def _what_is_said(found: Found, lexicon: Lexicon) -> str | None:
    """The best other name of a phrase that the documents say; a part of the phrase itself is none."""
    others = (other for other in found.read_as if not set(found.phrase).issuperset(key_of(other)))
    return next((other for other in others if lexicon.says(other)), None)


def _abbreviations(words: Sequence[WordSpan], found: Sequence[Found], lexicon: Lexicon) -> Iterator[_Match]:
    """Short and long forms, but not where the question has both, nor a small word that is spelt like a short form."""
    phrases = {" ".join(one.phrase) for one in found}
    for one in found:
        (other,) = one.read_as
        typed = words[one.first].text
        is_short_form = len(one.phrase) == 1
        if " ".join(key_of(other)) in phrases:
            continue
        is_english = one.phrase[0] in WORDS_LIKE_SHORT_FORMS or lexicon.model_knows(one.phrase[0])
        if is_short_form and is_english and not typed.rstrip("s").isupper():
            continue
        if typed.lower() != one.phrase[0] and is_short_form and typed.lower().endswith("s"):
            head, _, last = other.rpartition(" ")
            other = f"{head} {plural(last)}".lstrip()
        yield _Match(one.first, one.last, other, "abbreviation")


def _is_one_phrase(question: str, words: Sequence[WordSpan]) -> bool:
    """Whether only white space or a hyphen stands between the words."""
    return all(_BETWEEN_WORDS.fullmatch(question, one.end, other.start) for one, other in itertools.pairwise(words))


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
