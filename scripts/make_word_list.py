"""Makes the word list of qa/text: `english_words.txt.gz` and `medicine_names.txt.gz`.

The words of English come from pyspellchecker's frequency list (MIT) and, where they occur at least twice, from the
documents of MedQuAD (CC BY 4.0); the names of medicines are the official and the brand names of one word in the FDA's
table of UNII names (public domain). The same sources give the same bytes.

    python -m scripts.make_word_list --english en.json.gz --medquad corpus.jsonl.gz --unii UNII_Names.txt [--to DIR]
"""

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from qa.text.word_list import ENGLISH, LEAST_LETTERS, MEDICINES, MOST_BYTES, one_slip_from, write_words
from qa.text.words import words_in
from scripts.beir import read_documents

LEAST_OCCURRENCES = 2
SLIP_OF = 100
"""A word of MedQuAD alone that is one slip from another, and that one so many times as frequent, is a misprint."""
EVERYDAY = 100
"""From this frequency on, a word of English is an everyday one, although a medicine has its name: "volunteer"."""
OFFICIAL, BRAND = "of", "bn"
_JURISDICTION = re.compile(r"\s*\[[^\]]*\]$")


def english_words(path: Path) -> Mapping[str, int]:
    """pyspellchecker's words with their frequencies."""
    counts: dict[str, int] = json.loads(gzip.decompress(path.read_bytes()))
    return {word: count for word, count in counts.items() if _is_kept(word)}


def medical_words(path: Path, english: Mapping[str, int]) -> Iterator[str]:
    """The words of MedQuAD that are no misprints, as far as counting tells."""
    counts: Counter[str] = Counter()
    for document in read_documents(path, frozenset())[1]:
        counts.update(word.key for text in (document.approval.title, document.text) for word in words_in(text))
    for word, count in counts.items():
        if count < LEAST_OCCURRENCES or not _is_kept(word):
            continue
        if word in english or all(counts[near] < SLIP_OF * count for near in one_slip_from(word)):
            yield word


def medicine_names(path: Path, english: Mapping[str, int]) -> Iterator[str]:
    """The official and brand names of one word: of the table's columns, the first and the second."""
    for line in path.read_text("utf-8").splitlines()[1:]:
        name, kind, *_ = line.split("\t")
        name = _JURISDICTION.sub("", name).lower()
        if kind in {OFFICIAL, BRAND} and _is_kept(name) and english.get(name, 0) < EVERYDAY:
            yield name


def _is_kept(word: str) -> bool:
    return word.isalpha() and len(word) >= LEAST_LETTERS and len(word.encode()) <= MOST_BYTES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--english", type=Path, required=True, help="resources/en.json.gz of pyspellchecker")
    parser.add_argument("--medquad", type=Path, required=True, help="MedQuAD's documents in BEIR's layout")
    parser.add_argument("--unii", type=Path, required=True, help="the FDA's table of UNII names")
    parser.add_argument("--to", type=Path, default=Path("qa/text"), help="the folder; qa/text unless given")
    arguments = parser.parse_args()
    english = english_words(arguments.english)
    words = {*english, *medical_words(arguments.medquad, english)}
    names = set(medicine_names(arguments.unii, english))
    for path, kept in ((arguments.to / ENGLISH, words), (arguments.to / MEDICINES, names)):
        write_words(path, kept)
        print(f"{path.name}: {len(kept):,} words, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
