"""Questions for a number: which thing is counted ("how many hours"), and whether a text gives a number of it."""

import itertools
import re

from qa.text.english import (
    NUMBER,
    PERSONS,
    TIME_UNITS,
    WORDS_AFTER_COUNTED_THING,
    WORDS_FOR_ONE,
    WORDS_WITHIN_NUMBERS,
)
from qa.text.words import is_same_word, words_in

_NUMBER = re.compile(NUMBER)
_NEAR_UNITS = 1
_WORDS_BEFORE = 4


def counted_thing(question: str) -> str | None:
    """What the question asks the number of, in lower case ("hours" of "How many hours will it take?"), or None."""
    words = [word.key for word in words_in(question)]
    for number, pair in enumerate(itertools.pairwise(words)):
        if pair != ("how", "many"):
            continue
        thing = None
        for word in words[number + 2 :]:
            if word in WORDS_AFTER_COUNTED_THING:
                break
            thing = word
        return thing
    return None


def gives_number_of(thing: str, text: str) -> bool:
    """Whether a number stands just before the thing: "90 minutes" for hours too, but not for years.

    Of persons any number will do, since texts say "1 in 15,000 newborns".
    """
    words = [word.key for word in words_in(text)]
    if thing in PERSONS:
        return any(map(_NUMBER.fullmatch, words))
    units = _units_like(thing)
    for place, word in enumerate(words):
        if not (is_same_word(word, thing) or any(is_same_word(word, unit) for unit in units)):
            continue
        for other in reversed(words[max(0, place - _WORDS_BEFORE) : place]):
            if _NUMBER.fullmatch(other) or (units and other in WORDS_FOR_ONE):
                return True
            if other in WORDS_AFTER_COUNTED_THING and other not in WORDS_WITHIN_NUMBERS:
                break  # "92 percent who had kyphoplasties" counts none
    return False


def _units_like(thing: str) -> tuple[str, ...]:
    """The units of time that an answer in these may be given in: itself and its neighbours."""
    for place, unit in enumerate(TIME_UNITS):
        if is_same_word(thing, unit):
            return TIME_UNITS[max(0, place - _NEAR_UNITS) : place + _NEAR_UNITS + 1]
    return ()
