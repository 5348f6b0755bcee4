"""A corpus of a wanted number of passages: a data set's documents, then perturbed copies, as files with a register."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import count
from pathlib import Path

import numpy as np

from qa.corpus.formats import read
from qa.corpus.passages import embedding_text, passages_of
from qa.corpus.register import FORMAT
from qa.records import Audience, Document, Passage
from qa.settings import REGISTER_NAME, Settings
from qa.storage.files import sha256_of_bytes, sha256_of_text
from scripts.beir import read_data_set, read_documents

SEED = 7
DROPPED_SENTENCES = 0.1
REPLACED_WORDS = 0.08
_SENTENCE_BREAK = re.compile(r"(?<=[.?!])[ ]+")
_PARAGRAPH_BREAK = "\n\n"


@dataclass(frozen=True, slots=True)
class Page:
    """One file of the corpus as the build will read it, with the passages that it gives."""

    document: Document
    data: bytes
    passages: tuple[Passage, ...]

    def embedding_texts(self) -> list[str]:
        return [embedding_text(self.document, passage) for passage in self.passages]


class Perturbation:
    """Makes texts that differ: sentences dropped or swapped, words replaced by other words of the same corpus."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._random = np.random.default_rng(SEED)
        self._words = sorted({word for text in texts[:500] for word in text.split() if word.isalpha()}) or ["word"]

    def of(self, text: str) -> str:
        """Another text: at least one word differs."""
        paragraphs = [self._paragraph(paragraph) for paragraph in text.split(_PARAGRAPH_BREAK)]
        changed = _PARAGRAPH_BREAK.join(paragraphs)
        return changed if changed != text else f"{text} {self._word()}."

    def _paragraph(self, paragraph: str) -> str:
        sentences = _SENTENCE_BREAK.split(paragraph)
        kept = [sentence for sentence in sentences if self._random.random() >= DROPPED_SENTENCES] or sentences[:1]
        if len(kept) > 1:
            first = int(self._random.integers(len(kept) - 1))
            kept[first], kept[first + 1] = kept[first + 1], kept[first]
        return " ".join(self._sentence(sentence) for sentence in kept)

    def _sentence(self, sentence: str) -> str:
        words = sentence.split(" ")
        replaced = self._random.random(len(words)) < REPLACED_WORDS
        return " ".join(
            self._word() if chosen and word.isalpha() else word for word, chosen in zip(words, replaced, strict=True)
        )

    def _word(self) -> str:
        return self._words[int(self._random.integers(len(self._words)))]


def read_questions(path: Path) -> tuple[list[str], frozenset[str]]:
    """The questions of a BEIR queries file, or one a line, and the ids of documents that its labels call relevant."""
    if (path.parent / "qrels" / "test.tsv").exists():
        data = read_data_set(path.parent, None)
        relevant = (document for grades in data.relevant.values() for document in grades)
        return list(data.queries.values()), frozenset(relevant)
    lines = path.read_text("utf-8").splitlines()
    questions = [json.loads(line)["text"] if line.startswith("{") else line.strip() for line in lines]
    return [question for question in questions if question], frozenset()


def read_originals(path: Path, relevant: Collection[str]) -> list[Document]:
    """The corpus's documents: those that answer the questions first, then the others, in a fixed random order."""
    ids, documents = read_documents(path, frozenset())
    order = np.random.default_rng(SEED).permutation(len(documents)).tolist()
    shuffled = [documents[number] for number in order]
    return sorted(shuffled, key=lambda document: ids[document.id] not in relevant)


def pages_of(originals: Sequence[Document], wanted_passages: int, audience: Audience) -> list[Page]:
    """As many pages as give `wanted_passages`, or up to a document more; perturbed copies once the originals are used.

    The originals come first, so that whoever encodes only the first passages encodes no copy.
    """
    pages: list[Page] = []
    found = 0
    for identifier, title, text in _texts(originals):
        if found >= wanted_passages:
            break
        page = make_page(identifier, title, text, originals[0], audience)
        pages.append(page)
        found += len(page.passages)
    return pages


def _texts(originals: Sequence[Document]) -> Iterator[tuple[str, str, str]]:
    for document in originals:
        yield document.id, document.approval.title, document.text
    perturbation = Perturbation([document.text for document in originals])
    for copy in count(2):
        for document in originals:
            yield f"{document.id}-{copy}", document.approval.title, perturbation.of(document.text)


def make_page(identifier: str, title: str, text: str, example: Document, audience: Audience) -> Page:
    """A page as the build will read it: plain text in UTF-8, with `example`'s approver and dates."""
    data = text.encode("utf-8")
    canonical = read(data, ".txt")
    approval = replace(
        example.approval,
        document_id=identifier,
        path=f"{identifier}.txt",
        title=title.strip() or identifier,
        audience=audience,
        file_sha256=sha256_of_bytes(data),
        text_sha256=sha256_of_text(canonical.text),
        review_by=example.approval.approved_on.replace(year=example.approval.approved_on.year + 10),
    )
    document = Document(approval, canonical.text, canonical.sections, canonical.pages)
    words = Settings.model_fields["passage_words"].default
    return Page(document, data, tuple(passages_of(document, words)))


def changed(pages: Sequence[Page], passages: int, audience: Audience) -> list[Page]:
    """The pages with the last ones perturbed, so many that about `passages` passages are new."""
    perturbation = Perturbation([page.document.text for page in pages])
    result = list(pages)
    new = 0
    for number in reversed(range(len(pages))):
        if new >= passages:
            break
        document = pages[number].document
        text = perturbation.of(document.text)
        result[number] = make_page(document.id, document.approval.title, text, document, audience)
        new += len(result[number].passages)
    return result


def write_corpus(folder: Path, pages: Sequence[Page]) -> None:
    """Writes the files and a register that approves them all; a file that is there already with these bytes stays."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"format = {FORMAT}"]
    for page in pages:
        path = folder / page.document.approval.path
        if not path.exists() or path.read_bytes() != page.data:
            path.write_bytes(page.data)
        lines.append("[[document]]")
        for field in fields(page.document.approval):
            value = getattr(page.document.approval, field.name)
            if value is not None:
                shown = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else value.isoformat()
                lines.append(f"{field.name} = {shown}")
    (folder / REGISTER_NAME).write_text("\n".join(lines) + "\n", "utf-8")
