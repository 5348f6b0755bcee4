"""Makes `qa/encoder/projection.npy`: the packaged model's token vectors from 384 to 64 dimensions.

The eigenvectors with the largest eigenvalues of the second moment of token vectors over a sample of passages of each
corpus given, weighted alike. Run once for a model; the result belongs to the model, not to a clinic's corpus.

    python -m scripts.make_projection CORPUS.jsonl.gz [CORPUS.jsonl.gz …] --sample 600
"""

import argparse
import dataclasses
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from qa.encoder.model import find_model
from qa.encoder.torch_runtime import SentenceTransformerEncoder

DIMENSIONS = 64
WORDS = 90
SEED = 0


def passages(path: Path, sample: int) -> Iterator[str]:
    """The first words of a fixed random sample of a corpus's texts, with their titles."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    chosen = np.random.default_rng(SEED).choice(len(rows), min(sample, len(rows)), replace=False)
    for number in sorted(chosen.tolist()):
        yield f"{rows[number]['title']}. {' '.join(rows[number]['text'].split()[:WORDS])}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("corpora", nargs="+", type=Path, help="BEIR corpus files")
    parser.add_argument("--sample", type=int, default=600, help="passages of each")
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "qa" / "encoder" / "projection.npy")
    arguments = parser.parse_args()
    encoder = SentenceTransformerEncoder(dataclasses.replace(find_model(None), projection=None))
    moment = np.zeros((384, 384))
    for corpus in arguments.corpora:
        own = np.zeros_like(moment)
        count = 0
        for encoding in encoder.encode(list(passages(corpus, arguments.sample))):
            own += encoding.token_vectors.T @ encoding.token_vectors
            count += len(encoding.token_vectors)
        moment += own / count
    values, vectors = np.linalg.eigh(moment / len(arguments.corpora))
    np.save(arguments.output, vectors[:, ::-1][:, :DIMENSIONS].astype(np.float32), allow_pickle=False)
    print(f"{DIMENSIONS} dimensions keep {values[::-1][:DIMENSIONS].sum() / values.sum():.1%} of the second moment")


if __name__ == "__main__":
    main()
