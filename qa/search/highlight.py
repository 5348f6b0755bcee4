"""Which sentence of a passage answers: the one that covers the question best, and for a quantity one that holds it."""

import re
from collections.abc import Sequence

from qa.records import Span

QUANTITY_TOLERANCE = 0.2
"""How much less of the question a sentence may cover, to be preferred for the quantity in it."""

_NUMBER = (
    r"(?:\d[\d,.]*|half|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|"
    r"fifty|sixty|ninety|hundred|thousand|an?|several|few|couple)"
)
_TIME_UNIT = r"(?:seconds?|minutes?|hours?|days?|nights?|weeks?|months?|years?|o'clock)"
_TIME = rf"\b{_NUMBER}(?:[\s-]+(?:to|or|and|of|a|{_NUMBER}))*[\s-]+{_TIME_UNIT}\b"
_SOON = r"\b(?:immediately|right away|at once|same day|overnight|today|tomorrow)\b"
_SIZE = rf"\b{_NUMBER}[\s-]*(?:(?:to|or|an?|{_NUMBER})[\s-]+)*(?:mm|cm|m|millimet|centimet|met|inch|feet|foot|ft|in\b)"
_WEIGHT = rf"\b{_NUMBER}[\s-]*(?:mg|g|kg|ml|l|pounds?|lbs?|ounces?|grams?|milligrams?|tablets?|doses?)\b"
_DIGITS = r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred|thousand)\b"
_QUANTITIES = tuple(
    (re.compile(asked, re.IGNORECASE), re.compile(held, re.IGNORECASE))
    for asked, held in (
        (
            rf"\bhow (?:long|soon|quickly|fast|often)\b|\bwhen\b|\bwhat time\b|\bhow many {_TIME_UNIT}",
            rf"{_TIME}|{_SOON}",
        ),
        (r"\bpercent|\bhow likely\b|\bwhat (?:share|rate|chance)|\bhow effective\b", r"\d\s?%|\bper\s?cent\b"),
        (r"\bhow (?:big|large|tall|wide|small|deep)\b|\bsize of\b|\bsize\b", _SIZE),
        (r"\bhow much\b.{0,20}\b(?:take|dose|weigh|lift)|\bdos(?:e|age)\b", _WEIGHT),
        (r"\bhow (?:many|much|old|high)\b", _DIGITS),
    )
)
"""How a quantity is asked for, and what a sentence that holds it looks like."""


def answering_sentence(question: str, text: str, sentences: Sequence[Span], coverage: Sequence[float]) -> int:
    """The number of the sentence that answers, by the sentences' spans in `text` and how well they cover the question.

    The first of equals. A question for a length of time, share, size, dose or number prefers a sentence that holds one.
    """
    best = max(range(len(sentences)), key=lambda number: (coverage[number], -number))
    held = _quantity_asked(question)
    if held is None:
        return best
    near = [
        number
        for number, (start, end) in enumerate(sentences)
        if coverage[number] >= coverage[best] - QUANTITY_TOLERANCE and held.search(text, start, end)
    ]
    return max(near, key=lambda number: (coverage[number], -number)) if near else best


def _quantity_asked(question: str) -> re.Pattern[str] | None:
    """What a sentence must hold to name the quantity that is asked for; None when none is."""
    for asked, held in _QUANTITIES:
        if asked.search(question):
            return held
    return None
