"""Spelling correction: which word of a list a misspelt one stands for.

No correction is better than a wrong one, which may turn a question into its opposite. Two distances are weighed: that
of the letters, and that of how the words sound, by a few rules of English spelling in the manner of Metaphone (Philips,
1990) that keep the vowels. Both are optimal string alignment: the insertions, deletions, substitutions and exchanges of
neighbours of Damerau (1964), each letter touched once.
"""

import math
import unicodedata
from collections.abc import Mapping, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from qa.text.english import BRITISH_SPELLINGS, CONTRASTS, SOUNDS, TERM_ENDING

MIN_LETTERS = 5
NO_LIMIT = 2.5
SOUNDS_THE_SAME = 0.5
_FAR = 2.0
_AMBIGUOUS_WITHIN = 0.5
_OTHER_FIRST_SOUND = 0.5


class SpellingIndex:
    """The words of a list, found by how nearly they are spelt. Immutable; made once for a list, since that is slow."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """`counts` are of words in lower case; words under 4 letters, or with other than letters, are never found."""
        self._counts = counts
        self._sounds = {word: sound_of(word) for word in sorted(counts) if len(word) > 3 and word.isalpha()}
        self._by_start: dict[tuple[str, int], dict[str, str]] = {}
        self._by_sound: dict[str, list[str]] = {}
        self._by_tail: dict[str, list[str]] = {}
        for word, sound in self._sounds.items():
            self._by_start.setdefault((sound[:1], len(sound)), {})[word] = sound
            self._by_sound.setdefault(sound, []).append(word)
            self._by_tail.setdefault(sound[1:], []).append(word)

    def nearest(self, typed: str, limit: float = NO_LIMIT) -> str | None:
        """The word of the list that `typed`, in lower case, is a misspelling of; None when none surely is.

        Words of 5 to 7 letters may be 1 off, those of 8 to 11 letters 2, longer ones 2.5, but never more than `limit`;
        the shorter of the two words counts. Of equals the more frequent one is taken, then the first by alphabet; but
        at 2 or more off, none is taken when another one is as close to within a half.
        """
        if len(typed) < MIN_LETTERS or not typed.isalpha():
            return None
        sound = sound_of(typed)
        found: list[tuple[float, int, str]] = []
        for word in self._candidates(sound, math.ceil(_allowed(len(typed)))):
            cost = self._cost(typed, sound, word)
            if cost > min(limit, _allowed(min(len(typed), len(word)))) or _contrast(sound, self._sounds[word]):
                continue
            if slips_between(typed, word) == 1 or not _other_term(sound, self._sounds[word]):
                found.append((cost, -self._counts[word], word))
        if not found:
            return None
        best, _, word = min(found)
        rivals = [other for cost, _, other in found if cost <= best + _AMBIGUOUS_WITHIN]
        if best >= _FAR and not all(_shares_stem(word, rival) for rival in rivals):
            return None
        return word

    def _candidates(self, sound: str, reach: int) -> set[str]:
        """Words within `reach` that begin with the same sound, and those that are one slip at the front away."""
        found = {
            *self._by_tail.get(sound[1:], ()),  # another first sound, or the same
            *self._by_tail.get(sound, ()),  # typed without it
            *self._by_sound.get(sound[1:], ()),  # typed with one too many
            *self._by_sound.get(sound[1:2] + sound[:1] + sound[2:], ()),  # the first two exchanged
        }
        for length in range(len(sound) - reach, len(sound) + reach + 1):
            near = self._by_start.get((sound[:1], length))
            if near:
                matches = process.extract(sound, near, scorer=OSA.distance, score_cutoff=reach, limit=None)
                found.update(word for _, _, word in matches)
        return found

    def _cost(self, typed: str, sound: str, word: str) -> float:
        """The mean of the two distances, and half a letter more for another first sound."""
        other = self._sounds[word]
        first = 0.0 if sound[:1] == other[:1] else _OTHER_FIRST_SOUND
        return (OSA.distance(typed, word) + OSA.distance(sound, other)) / 2 + first


def sound_of(word: str) -> str:
    """How a lower-case English word sounds, roughly: the same for "kyphoplasty" and "kifoplasti", "anaesthesia" and
    "anesthesia"."""
    decomposed = unicodedata.normalize("NFKD", word)
    sound = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    for pattern, replacement in SOUNDS:
        sound = pattern.sub(replacement, sound)
    return sound


def american_spelling(word: str) -> str:
    """A lower-case English word as Americans spell it, roughly: "anesthesia" for "anaesthesia"."""
    for pattern, replacement in BRITISH_SPELLINGS:
        word = pattern.sub(replacement, word)
    return word


def slips_between(one: str, other: str) -> int:
    """How many letters were left out, put in, replaced or exchanged with their neighbour to make one word the other."""
    return OSA.distance(one, other)


def within_slips(typed: str, words: Sequence[str], slips: int) -> list[str]:
    """The words that are at most so many slips away from the typed one, in their order."""
    found = process.extract(typed, words, scorer=OSA.distance, score_cutoff=slips, limit=None)
    return [word for word, _, _ in sorted(found, key=lambda match: match[2])]


def _allowed(letters: int) -> float:
    # Short words have too many neighbours ("swine", "spine"): they must sound nearly the same.
    # Not 3 for long words: "osteonecrosis" is no "osteoporosis".
    return SOUNDS_THE_SAME if letters < 7 else 1.0 if letters < 8 else 2.0 if letters < 12 else 2.5


def _contrast(one: str, other: str) -> bool:
    """Whether two words, as they sound, differ in a part that turns the meaning: "hyperkalemia" and "hypokalemia",
    "asymptomatic" and "symptomatic"."""
    shorter, longer = sorted((one, other), key=len)
    if longer[:1] == "a" != shorter[:1] and longer[1:2] == shorter[:1]:
        return True
    for pattern in CONTRASTS:
        first, second = pattern.search(one), pattern.search(other)
        if first and second and first.group(1) != second.group(1):
            return True
    return False


def _other_term(one: str, other: str) -> bool:
    """Whether two words, as they sound, end like a term of medicine, and begin otherwise or differ by more than a slip:
    "pharyngectomy" and "laryngectomy", "colposcopy" and "colonoscopy"."""
    return TERM_ENDING.search(one) is not None and (one[:1] != other[:1] or OSA.distance(one, other) > 1)


def _shares_stem(one: str, other: str) -> bool:
    """Whether two words are likely forms of one: "vertebroplasty" and "vertebroplasties"."""
    shorter, longer = sorted((one, other), key=len)
    return len(longer) - len(shorter) <= 3 and longer.startswith(shorter[:-1])
