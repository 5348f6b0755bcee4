"""A reader without a model: a passage answers when it holds all words of the question, a sentence when it holds one."""

import re

from qa.reader.protocol import ReadablePassage, Verdict


class WordMatchingReader:
    """Counts what it is asked; its log-odds are 4 for a passage that holds all words of the question, else -4."""

    sha256 = "a" * 64

    def __init__(self) -> None:
        self.read_passages: list[tuple[str, ReadablePassage]] = []

    def load(self) -> None:
        pass

    def read(self, question: str, passage: ReadablePassage) -> Verdict:
        self.read_passages.append((question, passage))
        asked = _words(question)
        needed = (asked & _words(passage.text[start:end]) for start, end in passage.sentences)
        return Verdict(
            4.0 if asked <= _words(f"{passage.context} {passage.text}") else -4.0,
            tuple(1.0 if words else -1.0 for words in needed),
        )


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
