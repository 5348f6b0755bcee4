"""Which words of a question are misspelt, and which words of the documents they stand for.

A word that is one is left as it is, whatever it looks like: "ureteral" is not "urethral", nor one medicine another.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qa.index.vocabulary import Vocabulary
from qa.records import Replacement
from qa.text.english import CONTRACTIONS_WITHOUT_APOSTROPHE, FILLER_WORDS, FUNCTION_WORDS
from qa.text.spelling import (
    MIN_LETTERS,
    NO_LIMIT,
    SpellingIndex,
    american_spelling,
    slips_between,
    within_slips,
)
from qa.text.synonyms import Synonyms
from qa.text.word_list import WordList, has_medicine_stem
from qa.text.words import WordSpan, is_same_word, singular

_MAX_ACRONYM_LETTERS = 6
_MIN_LETTERS_OF_A_MISSPELT_NAME = 8
_NEVER_MISSPELT = FUNCTION_WORDS | FILLER_WORDS | CONTRACTIONS_WITHOUT_APOSTROPHE
_LEAST_LETTERS_TOGETHER = 4
CERTAINTY_OF_A_SLIP = 0.95
"""How surely a word that is read as another, one slip away, was meant to be that one."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All that the words of a question are looked up in.

    `vocabulary` is that of the documents, which `says` tells a phrase of. `model_knows` is asked for a lower-case word
    that the language model's own vocabulary may hold.
    """

    vocabulary: Vocabulary
    says: Callable[[str], bool]
    synonyms: Synonyms
    lay_words: Synonyms
    word_list: WordList
    model_knows: Callable[[str], bool]

    def is_word(self, word: str) -> bool:
        """Whether a lower-case word is one that nobody need explain: English, of the synonyms, or a medicine."""
        forms = {word, singular(word)}
        listed = self.synonyms.single_words, self.lay_words.single_words
        if any(form in words for form in forms for words in listed):
            return True
        return any(map(self.model_knows, forms)) or self.word_list.holds(word)


@dataclass(frozen=True, slots=True)
class Correction:
    """Letters `[start, end)` of the question, and the word that they stand for, in the case in which they are typed."""

    start: int
    end: int
    read_as: str


def corrections_of(words: Sequence[WordSpan], lexicon: Lexicon) -> Mapping[int, Correction]:
    """The misspelt words by their place in the row, with words of the documents for them."""
    found = dict(_written_together(words, lexicon))
    for number, (word, limit) in enumerate(zip(words, _name_limits(words), strict=True)):
        if number in found or (number - 1 in found and found[number - 1].end > word.start):
            continue
        letters = _letters_of(word)
        if letters is None or lexicon.vocabulary.holds(letters):
            continue
        meant = _joined_or_apart(letters, lexicon) or _spelt_otherwise(letters, lexicon, limit)
        if meant is not None:
            found[number] = Correction(word.start, word.start + len(letters), _in_the_case_of(word.text, meant))
    return found


def certainty_of(replacements: Iterable[Replacement]) -> float:
    """How surely a question was meant as it is read, in (0, 1]: 1 where no word is read as a misspelling of another."""
    corrected = ((one.typed.lower(), one.read_as.lower()) for one in replacements if one.kind == "spelling")
    slips = sum(max(1, slips_between(typed, read_as)) for typed, read_as in corrected)
    return CERTAINTY_OF_A_SLIP**slips


def listed_words(words: Sequence[WordSpan], lexicon: Lexicon) -> list[str]:
    """The row of words in lower case; those that nobody knows as words of the synonyms and lay words, where one is
    near."""
    row = []
    for word, limit in zip(words, _name_limits(words), strict=True):
        letters = _letters_of(word)
        meant = None
        if letters is not None and not lexicon.vocabulary.holds(letters) and not lexicon.is_word(letters):
            for index in (lexicon.synonyms.spelling, lexicon.lay_words.spelling):
                meant = meant or _nearest(letters, index, lexicon.word_list, limit)
        row.append(meant or word.key)
    return row


def _letters_of(word: WordSpan) -> str | None:
    """A word in lower case without its possessive; None for one that is never a misspelling."""
    letters = word.key.removesuffix("'s")
    is_one = _may_be_one(letters.replace("'", "")) and letters not in _NEVER_MISSPELT
    return letters if is_one else None


def _written_together(words: Sequence[WordSpan], lexicon: Lexicon) -> Iterator[tuple[int, Correction]]:
    """Words that the documents write as one: "check up" as "checkup", "o brien" as "O'Brien"."""
    vocabulary = lexicon.vocabulary
    for number, (one, other) in enumerate(itertools.pairwise(words)):
        letters = other.key.removesuffix("'s")
        together = one.key + letters
        if other.start - one.end != 1 or one.key in FUNCTION_WORDS or not _may_be_one(together):
            continue
        meant = together if vocabulary.holds(together) else vocabulary.with_apostrophe.get(together)
        if meant is not None and not lexicon.says(f"{one.key} {letters}"):
            yield number, Correction(one.start, other.start + len(letters), _in_the_case_of(one.text, meant))


def _may_be_one(letters: str) -> bool:
    return len(letters) >= _LEAST_LETTERS_TOGETHER and letters.isalpha()


def _joined_or_apart(letters: str, lexicon: Lexicon) -> str | None:
    """What the documents write with an apostrophe or in two words, or without: "O'Brien" for "obrien", "x ray"."""
    vocabulary = lexicon.vocabulary
    together = letters.replace("'", "")
    if together != letters:
        return together if vocabulary.holds(together) else None
    if letters in vocabulary.with_apostrophe and not lexicon.is_word(letters):
        return vocabulary.with_apostrophe[letters]
    for place in range(1, len(letters) - 1):
        start, end = letters[:place], letters[place:]
        if start not in FUNCTION_WORDS and vocabulary.holds(start) and vocabulary.holds(end):
            apart = f"{start} {end}"
            if lexicon.says(apart):
                return apart
    return None


def _spelt_otherwise(letters: str, lexicon: Lexicon, limit: float) -> str | None:
    """The word of the documents that a word is misspelt from, or spelt as in the other English."""
    if len(letters) < MIN_LETTERS or not letters.isalpha() or not limit or lexicon.word_list.is_medicine(letters):
        return None
    vocabulary, american = lexicon.vocabulary, american_spelling(letters)
    same = american if vocabulary.holds(american) else vocabulary.by_american_spelling.get(american)
    if same is not None or lexicon.is_word(letters):
        return same
    return _nearest(letters, vocabulary.spelling, lexicon.word_list, limit)


def _nearest(letters: str, spelling: SpellingIndex, known: WordList, limit: float) -> str | None:
    """The nearest word of an index, unless the letters may stand for another word as well."""
    nearest = spelling.nearest(letters, limit)
    if nearest is None:
        return None
    slips = slips_between(letters, nearest)
    if slips > 1 and (
        has_medicine_stem(letters) or any(not is_same_word(o, nearest) for o in known.one_slip_from(letters))
    ):
        return None
    if known.is_medicine(nearest):
        others = within_slips(letters, known.medicine_names, slips)
        if any(not is_same_word(other, nearest) for other in others):
            return None
    return nearest


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
