"""The model card that goes with a reader's files: what it is for, what it was made of and how, and how good it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa.reader.onnx_runtime import GRAPH, TOKENIZER
from qa.storage.files import sha256_of_bytes, sha256_of_file
from scripts.reader.figures import Figures

CARD = "card.md"
START = "cross-encoder/ms-marco-MiniLM-L-12-v2 (Apache-2.0)"

PUBLIC_SETS: Mapping[str, tuple[str, str]] = {
    "squad2": ("SQuAD 2.0, development half", "CC BY-SA 4.0"),
    "unansq": ("UnAnsQ, minimal pairs", "on SQuAD's text, CC BY-SA 4.0; its authors name no licence of their own"),
    "qnli_dev": ("QNLI, development half", "on SQuAD's text, CC BY-SA 4.0"),
    "selqa": ("SelQA", "Apache-2.0"),
    "condaqa": ("CondaQA", "Apache-2.0"),
    "clapnq_dev": ("ClapNQ, development half", "Apache-2.0"),
}
"""What the public rows say of where they come from → the set's name, and its licence."""

INTENDED = f"""# The reader

A cross-encoder for English: it reads a question and a passage of a clinic's approved text together, and gives the
log-odds that the passage answers, and for each of its sentences that it is needed for that. Clinic QA decides by it
what to quote and what to mark. It writes no text, and is no source of medical advice: what it says of a passage is a
judgement that may be wrong, of a passage that stays to be read.

It started from the weights of {START}."""

WRITTEN = """The written files hold passages with questions that were written for this. The passages are leaflets of the
writers' own, pages of the NHS (contains public sector information licensed under the Open Government Licence v3.0) and
answers of MedQuAD (CC BY 4.0). No row is part of the product; the weights are what came of them."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that went in, what it is, and how many rows of it were used."""

    path: Path
    purpose: str
    rows: int


@dataclass(frozen=True, slots=True)
class Card:
    """What the card says. `public_sets` counts the public rows by what they say of where they come from.

    `recipe` are sentences. `plain` and `small` are the figures in 32 bits and as shipped; the held file is `held`.
    `folder` holds the shipped files, whose weights have the range of `bits`, and whose log-odds lie `difference` from
    those in 32 bits, in the mean over rows that were trained on.
    """

    start: Path
    files: Sequence[DataFile]
    public_sets: Mapping[str, int]
    recipe: Sequence[str]
    held: str
    plain: Figures
    small: Figures
    folder: Path
    bits: int
    difference: float

    def text(self) -> str:
        """The card as a page in Markdown, without a date or a place, so that it is the same each time."""
        parts = [INTENDED, *self._files(), *self._data(), "## Recipe", _listed(self.recipe), *self._figures()]
        return "\n\n".join(parts) + "\n"

    def _files(self) -> Iterator[str]:
        graph, tokenizer = ((self.folder / name).read_bytes() for name in (GRAPH, TOKENIZER))
        yield _table(
            ("file", "bytes", "SHA-256"),
            [
                (f"`{GRAPH}`", f"{len(graph):,}", sha256_of_bytes(graph)),
                (f"`{TOKENIZER}`", f"{len(tokenizer):,}", sha256_of_bytes(tokenizer)),
                ("one after the other", f"{len(graph) + len(tokenizer):,}", sha256_of_bytes(graph + tokenizer)),
            ],
        )

    def _data(self) -> Iterator[str]:
        yield "## Data"
        rows = [("weights to start from", "", self.start)]
        rows += [(file.purpose, f"{file.rows:,}", file.path) for file in self.files]
        yield _table(
            ("file", "what", "rows", "SHA-256"),
            [(f"`{path.name}`", what, count, sha256_of_file(path)) for what, count, path in rows],
        )
        yield _table(
            ("public set", "rows", "licence"),
            [
                (name, f"{count:,}", licence)
                for source, count in sorted(self.public_sets.items())
                for name, licence in [PUBLIC_SETS.get(source, (source, "not known"))]
            ],
        )
        yield WRITTEN

    def _figures(self) -> Iterator[str]:
        yield "## Figures"
        yield (
            f"On `{self.held}`, which was not trained on. The shipped weights are bytes in the range of {self.bits} "
            f"bits; their log-odds lie {self.difference:.3f} from those in 32 bits, in the mean over training rows."
        )
        columns = [_cells(self.plain), _cells(self.small)]
        yield _table(
            ("", "32 bits", "as shipped"),
            [(name, columns[0][name], columns[1][name]) for name in columns[0]],
        )


def _cells(figures: Figures) -> dict[str, str]:
    """The names of the figures → how they are printed."""
    cells = {"pairs": f"{figures.rows:,}", "AUROC": "–" if figures.auroc is None else f"{figures.auroc:.4f}"}
    for rate, share in figures.answered.items():
        cells[f"answered at {rate:.0%} of the near misses"] = f"{share:.3f}"
    return {
        **cells,
        "marked sentences, F1": f"{figures.sentence_f1:.3f}",
        "best sentence right": f"{figures.best_right:.3f}",
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _listed(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)
