"""What a question's words are looked up in, made of a few texts and words."""

import re
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

from qa.index.vocabulary import Vocabulary, collect
from qa.search.query_spelling import Lexicon
from qa.text.synonyms import Synonyms, packaged_lay_words
from qa.text.word_list import ENGLISH, MEDICINES, WordList, write_words
from qa.text.words import PhraseTable, key_of

LAY_WORDS = packaged_lay_words()


def word_list_of(english: Iterable[str] = (), medicines: Iterable[str] = ()) -> WordList:
    """A word list of so few words that it is read at once."""
    with tempfile.TemporaryDirectory() as folder:
        made = WordList(Path(folder) / ENGLISH, Path(folder) / MEDICINES)
        write_words(made.english, english)
        write_words(made.medicines, medicines)
        made.holds("")
        made.is_medicine("")
    return made


NO_WORDS = word_list_of()


def lexicon_of(
    text: str,
    synonyms: Synonyms = Synonyms(),  # noqa: B008 - it never changes
    lay_words: Synonyms = LAY_WORDS,
    word_list: WordList = NO_WORDS,
    model_knows: Collection[str] = (),
    vocabulary: Vocabulary | None = None,
) -> Lexicon:
    """The lexicon of a text whose sentences end in a full stop."""
    sentences = [key_of(sentence) for sentence in re.split(r"[.?;:]", text)]

    def says(phrase: str) -> bool:
        table = PhraseTable([(phrase, ())])
        return any(True for sentence in sentences for _ in table.find(sentence))

    return Lexicon(
        vocabulary or collect([text]), says, synonyms, lay_words, word_list, frozenset(model_knows).__contains__
    )
