"""Makes the reader that ships with the product: weights of a cross-encoder and rows → graph, tokenizer and model card.

About an hour and a half on one core. The same inputs, seed and threads give the same bytes on one machine.

    python -m scripts.train_reader --start reranker.npz --public public.jsonl.gz --rows FILE… --held FILE \\
        --tokenizer tokenizer.json --encoder INDEX --output FOLDER
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before the libraries are loaded: --threads says how many work

from qa.encoder.protocol import Encoder
from qa.encoder.store import EncoderStore
from qa.errors import ClinicQAError
from qa.index.manifest import read_manifest
from qa.index.publication import generation_folder, live_id
from scripts.reader.recipe import Inputs, Recipe, make_reader


def _arguments() -> argparse.Namespace:
    recipe = Recipe()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=Path, required=True, metavar="NPZ", help="tensors under BERT's own names")
    parser.add_argument("--public", type=Path, required=True, metavar="FILE", help="public rows, .jsonl.gz")
    parser.add_argument("--rows", type=Path, required=True, nargs="+", metavar="FILE", help="written rows, .jsonl")
    parser.add_argument("--held", type=Path, required=True, metavar="FILE", help="written rows to measure on")
    parser.add_argument("--tokenizer", type=Path, required=True, metavar="FILE", help="that of the weights")
    parser.add_argument("--encoder", type=Path, required=True, metavar="INDEX", help="an index with the encoder")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--checkpoints", type=Path, metavar="FOLDER", help="keeps the weights after each stage there")
    parser.add_argument("--epochs", type=float, default=recipe.written.epochs, help="over the written rows")
    parser.add_argument("--seed", type=int, default=recipe.seed)
    parser.add_argument("--threads", type=int, default=recipe.threads)
    return parser.parse_args()


def _encoder(index: Path, threads: int) -> Encoder:
    """The encoder of the live generation."""
    generation = generation_folder(index, live_id(index))
    return EncoderStore(index, threads).open(read_manifest(generation).recipe.encoder)


def main() -> None:
    given = _arguments()
    inputs = Inputs(given.start, given.public, given.rows, given.held, given.tokenizer, given.checkpoints)
    recipe = Recipe(seed=given.seed, threads=given.threads)
    recipe = replace(recipe, written=replace(recipe.written, epochs=given.epochs))
    try:
        print(make_reader(inputs, recipe, _encoder(given.encoder, given.threads), given.output))
    except ClinicQAError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
