"""The recipe, from files to a reader in a folder: public rows first, then those written for clinics."""

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from qa.encoder.protocol import Encoder
from qa.errors import InvalidRequest
from qa.reader.onnx_runtime import GRAPH, MAX_TOKENS, TOKENIZER
from qa.storage.files import sha256_of_file, sha256_of_text
from scripts.reader.card import CARD, Card, DataFile
from scripts.reader.export import Exported, export_plain, export_small
from scripts.reader.figures import Figures, measure
from scripts.reader.model import ReaderModel, from_cross_encoder, load_checkpoint, save_checkpoint
from scripts.reader.names import read_groups, swapped
from scripts.reader.negatives import blind, retrieved
from scripts.reader.rows import Row, open_tokenizer, read_public, read_written, tokenised
from scripts.reader.training import BATCH, Stage, repeatable, train

# Added to the seed, so that each choice of rows has one of its own.
BLIND_SEED, SWAP_SEED, RETRIEVAL_SEED, TRIAL_SEED = 1, 5, 7, 9
PUBLIC = Stage(epochs=1.0, rate=6e-5, dropout=0.0)
WRITTEN = Stage(epochs=1.4, rate=5e-5, dropout=0.1)
TRIAL_ROWS = 200
"""Rows on which the reader in 8 bits is compared with that in 32."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """`public` and `written` are the two stages; `repeated` public rows are mixed into the second, so that what they
    taught stays."""

    public: Stage = PUBLIC
    written: Stage = WRITTEN
    repeated: int = 1200
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files that a reader is made of: weights to start from (.npz), public rows (.jsonl.gz), written rows (.jsonl)
    to train on and to hold back, and the weights' own tokenizer. With `checkpoints`, a folder, the weights after each
    stage are kept there and taken up again."""

    start: Path
    public: Path
    rows: Sequence[Path]
    held: Path
    tokenizer: Path
    checkpoints: Path | None = None


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """The rows of both stages, by where they come from."""

    public: Sequence[Row]
    blind: Sequence[Row]
    written: Sequence[Row]
    swapped: Sequence[Row]
    retrieved: Sequence[Row]
    repeated: Sequence[Row]

    @property
    def first(self) -> list[Row]:
        return [*self.public, *self.blind]

    @property
    def second(self) -> list[Row]:
        return [*self.written, *self.swapped, *self.retrieved, *self.repeated]


def make_reader(inputs: Inputs, recipe: Recipe, encoder: Encoder, output: Path) -> str:
    """Trains a reader and writes its graph, tokenizer and model card into `output`; the same bytes for the same inputs.

    Gives the card.
    Raises InvalidRequest when a file of rows is wrong, or the held one is trained on.
    """
    held = read_held(inputs)
    rows = training_rows(inputs, recipe, encoder)
    output.mkdir(parents=True, exist_ok=True)
    with repeatable(recipe.threads), TemporaryDirectory() as folder:
        model = trained(inputs, recipe, rows)
        plain = export_plain(model, inputs.tokenizer, Path(folder) / "plain", recipe.threads)
        trial = _sample(rows.written, TRIAL_ROWS, recipe.seed + TRIAL_SEED)
        small = export_small(plain, trial, Path(folder) / "small", recipe.threads)
        figures = [measure(exported.reader, held) for exported in (plain, small)]
        card = _card(inputs, recipe, rows, small, figures).text()
        for name in (GRAPH, TOKENIZER):
            shutil.copyfile(small.folder / name, output / name)
    (output / CARD).write_text(card, "utf-8")
    return card


def read_held(inputs: Inputs) -> list[Row]:
    """The rows that are held back; raises InvalidRequest when their file is also one to train on."""
    if sha256_of_file(inputs.held) in {sha256_of_file(path) for path in inputs.rows}:
        raise InvalidRequest(f"{inputs.held.name} is held back and trained on.", "Leave it out of --rows.")
    return read_written(inputs.held)


def training_rows(inputs: Inputs, recipe: Recipe, encoder: Encoder) -> TrainingRows:
    """The rows of both stages; raises InvalidRequest when a file of rows is wrong."""
    written = [row for path in inputs.rows for row in read_written(path)]
    public = read_public(inputs.public)
    choice = _chance(recipe.seed + SWAP_SEED)
    return TrainingRows(
        public=public,
        blind=blind(public, _chance(recipe.seed + BLIND_SEED)),
        written=written,
        swapped=swapped(written, read_groups(), choice),
        repeated=choice.sample(public, min(recipe.repeated, len(public))),
        retrieved=retrieved(written, encoder, _chance(recipe.seed + RETRIEVAL_SEED)),
    )


def trained(inputs: Inputs, recipe: Recipe, rows: TrainingRows) -> ReaderModel:
    """The network after both stages."""
    torch.manual_seed(recipe.seed)
    model = from_cross_encoder(inputs.start)
    tokenizer = open_tokenizer(inputs.tokenizer)
    files = f"{sha256_of_file(inputs.start)} {sha256_of_file(inputs.tokenizer)}"
    made_from = f"{files} {recipe.seed} {recipe.threads} {torch.__version__}"
    for name, stage, chosen in (("public", recipe.public, rows.first), ("written", recipe.written, rows.second)):
        made_from = sha256_of_text(f"{made_from} {astuple(stage)} {chosen}")
        kept = inputs.checkpoints / f"{name}.safetensors" if inputs.checkpoints else None
        if kept and load_checkpoint(model, kept, made_from):
            print(f"{name} rows: taken up from {kept.name}", flush=True)
            continue
        print(f"{name} rows: {len(chosen)}", flush=True)
        train(model, tokenised(tokenizer, chosen), stage, recipe.seed)
        if kept:
            save_checkpoint(model, kept, made_from)
    return model


def _card(inputs: Inputs, recipe: Recipe, rows: TrainingRows, small: Exported, figures: Sequence[Figures]) -> Card:
    """`figures` are those in 32 bits and as shipped."""
    files = [
        DataFile(inputs.public, "public rows", len(rows.public)),
        *(DataFile(path, "written rows", len(read_written(path))) for path in inputs.rows),
        DataFile(inputs.held, "held back", figures[0].rows),
    ]
    return Card(
        start=inputs.start,
        files=files,
        public_sets=Counter(row.kind for row in rows.public),
        recipe=_sentences(recipe, rows),
        held=inputs.held.name,
        plain=figures[0],
        small=figures[1],
        folder=small.folder,
        bits=small.bits,
        difference=small.difference,
    )


def _sentences(recipe: Recipe, rows: TrainingRows) -> list[str]:
    versions = f"torch {torch.__version__}, ONNX Runtime {version('onnxruntime')}"
    counted = f"{len(rows.swapped):,} with a name swapped, {len(rows.retrieved):,} with another passage"
    return [
        f"Input: question, then title, heading and sentences; at most {MAX_TOKENS} tokens.",
        "Output: one log-odds from the first token; for each sentence, the mean over its tokens of a linear map.",
        "Loss: binary cross entropy of both, weighed alike.",
        f"First {len(rows.public):,} public rows, and {len(rows.blind):,} of them with another passage.",
        _pace(recipe.public),
        f"Then {len(rows.written):,} written rows, {counted}, and {len(rows.repeated):,} public ones again.",
        _pace(recipe.written),
        "Another passage: of the nearest by the product's encoder, one that lacks a word of the subject.",
        f"AdamW, batches of {BATCH} of like length; weights kept in 32 bits, read in bfloat16.",
        "The embeddings and the lowest third of the layers stay as they were.",
        f"Seed {recipe.seed}, threads {recipe.threads}, {versions}.",
        "With these, one machine makes the same bytes each time.",
    ]


def _pace(stage: Stage) -> str:
    return f"These {stage.epochs:g} times over, at a rate of up to {stage.rate:g}, with dropout {stage.dropout:g}."


def _sample(rows: Sequence[Row], size: int, seed: int) -> list[Row]:
    return _chance(seed).sample(rows, min(size, len(rows)))


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secret
