"""Which thing a question asks the number of ("how many hours"), and whether a text gives a number of it."""

import itertools
import re

from qa.text.words import is_same_word, words_in

_END_OF_THING = frozenset(
    """
    a am an and are at be been can could did do does for from get gets had has have he i in into is it may might must of
    on or our shall she should the their there these they to was we were who will with would you your
    """.split()  # noqa: SIM905 - a list would take 40 lines
)
"""Words that end the name of what is counted: "how many hours | will it take"."""
_PERSONS = frozenset(
    {"adult", "adults", "children", "men", "patient", "patients", "people", "person", "persons", "women"}
)
_NUMBER = re.compile(
    r"\d[\d,.]*|half|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|"
    r"ninety|hundred|thousand|million|dozen|several|few|couple"
)
_ARTICLES = frozenset({"a", "an", "each", "every"})
_WITHIN_NUMBERS = frozenset({"a", "an", "of", "or", "the", "to"})
_TIME_UNITS = ("second", "minute", "hour", "day", "week", "month", "year")
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
            if word in _END_OF_THING:
                break
            thing = word
        return thing
    return None


def gives_number_of(thing: str, text: str) -> bool:
    """Whether a number stands just before the thing: "90 minutes" for hours too, but not for years.

    Of persons any number will do, since texts say "1 in 15,000 newborns".
    """
    words = [word.key for word in words_in(text)]
    if thing in _PERSONS:
        return any(map(_NUMBER.fullmatch, words))
    units = _units_like(thing)
    for place, word in enumerate(words):
        if not (is_same_word(word, thing) or any(is_same_word(word, unit) for unit in units)):
            continue
        for other in reversed(words[max(0, place - _WORDS_BEFORE) : place]):
            if _NUMBER.fullmatch(other) or (units and other in _ARTICLES):
                return True
            if other in _END_OF_THING and other not in _WITHIN_NUMBERS:
                break  # "92 percent who had kyphoplasties" counts none
    return False


def _units_like(thing: str) -> tuple[str, ...]:
    """The units of time that an answer in these may be given in: itself and its neighbours."""
    for place, unit in enumerate(_TIME_UNITS):
        if is_same_word(thing, unit):
            return _TIME_UNITS[max(0, place - _NEAR_UNITS) : place + _NEAR_UNITS + 1]
    return ()
