"""The reader's network: a BERT encoder with two heads, written compactly so that it trains on a processor.

Devlin et al., NAACL 2019; cut to 384 dimensions by Wang et al. (MiniLM), NeurIPS 2020. Where a row is read alone,
nothing is masked.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from qa.errors import InvalidRequest

HEAD_WIDTH = 32
"""Dimensions of an attention head; a model's width is a multiple of it."""
NORM_EPSILON = 1e-12
MASKED = -1e4
MADE_FROM = "made_from"


class Layer(nn.Module):
    """Attention and a feed-forward part, each added to what came in and normed."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.heads = width // HEAD_WIDTH
        self.dropout = 0.0
        self.attention = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.attended_norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=NORM_EPSILON)

    def forward(self, hidden: Tensor, bias: Tensor | None) -> Tensor:
        """(batch, tokens, width) → the same; `bias`, (batch, 1, 1, tokens), is added to what attention compares."""
        rows = hidden.shape[0]
        parts = self.attention(hidden).view(rows, -1, 3, self.heads, HEAD_WIDTH).permute(2, 0, 3, 1, 4)
        query, key, value = parts[0], parts[1], parts[2]
        compared = torch.matmul(query, key.transpose(-1, -2)) * (1 / math.sqrt(HEAD_WIDTH))
        if bias is not None:
            compared = compared + bias  # in 32 bits
        shares = torch.softmax(compared, -1).to(value.dtype)
        gathered = torch.matmul(shares, value).transpose(1, 2).reshape(rows, -1, self.heads * HEAD_WIDTH)
        hidden = self.attended_norm(hidden + self._dropped(self.attended(gathered)))
        return cast(Tensor, self.norm(hidden + self._dropped(self.down(functional.gelu(self.up(hidden))))))

    def _dropped(self, hidden: Tensor) -> Tensor:
        return functional.dropout(hidden, self.dropout, self.training)


class ReaderModel(nn.Module):
    """Question and passage → does it answer, and a score for each token; a sentence's score is the mean of its own."""

    def __init__(self, vocabulary: int, positions: int, width: int, inner: int, layers: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(positions, width)
        self.types = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.layers = nn.ModuleList(Layer(width, inner) for _ in range(layers))
        self.pool = nn.Linear(width, width)
        self.answers = nn.Linear(width, 1)
        self.sentences = nn.Linear(width, 1)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`ids`, `types` and `mask` have shape (batch, tokens); `mask` is 1 where there is a token, 0 in the padding.

        Gives log-odds that the passage answers, (batch,), and a score for each token, (batch, tokens), both float32.
        """
        bias = None if mask is None else ((1 - mask.float()) * MASKED)[:, None, None, :]
        hidden = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]] + self.types(types))
        for layer in self.layers:
            hidden = layer(hidden, bias)
        pooled = torch.tanh(self.pool(hidden[:, 0]))
        return self.answers(pooled)[:, 0].float(), self.sentences(hidden)[:, :, 0].float()

    def set_dropout(self, rate: float) -> None:
        """Leaves out a share of `rate`, in [0, 1), of what each part adds, while training."""
        for layer in self.layers:
            cast(Layer, layer).dropout = rate


def sentence_scores(token_scores: Tensor, owners: Tensor, sentences: int) -> tuple[Tensor, Tensor]:
    """The mean over the tokens of each sentence, (batch, sentences), and whether any token of it was read.

    `token_scores` and `owners` have shape (batch, tokens).
    """
    owned = (owners[:, None, :] == torch.arange(sentences)[None, :, None]).float()
    sizes = owned.sum(-1)
    return (owned * token_scores[:, None, :]).sum(-1) / sizes.clamp(min=1), sizes > 0


def from_cross_encoder(path: Path) -> ReaderModel:
    """The model that starts from a cross-encoder's tensors, an .npz under BERT's own names; the sentences' head is new.

    Its one logit is halved: it was trained to rank, and is too sure. Raises InvalidRequest when a tensor is missing.
    """
    with np.load(path, allow_pickle=False) as file:
        tensors = {name: torch.from_numpy(file[name].copy()) for name in file.files}
    try:
        words = tensors["bert.embeddings.word_embeddings.weight"]
        positions = tensors["bert.embeddings.position_embeddings.weight"]
        inner = tensors["bert.encoder.layer.0.intermediate.dense.weight"]
        layers = sum(name.endswith(".intermediate.dense.weight") for name in tensors)
        model = ReaderModel(len(words), len(positions), words.shape[1], len(inner), layers)
        model.load_state_dict({**model.state_dict(), **_renamed(tensors, layers)})
    except KeyError as error:
        raise InvalidRequest(f"{path.name} lacks the tensor {error}.", "Make it with its script again.") from None
    return model


def save_checkpoint(model: ReaderModel, path: Path, made_from: str) -> None:
    """Writes the weights with the digest of what they were made from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), path, metadata={MADE_FROM: made_from})


def load_checkpoint(model: ReaderModel, path: Path, made_from: str) -> bool:
    """Takes up the weights in `path`; false, and nothing changes, when there are none or they were made otherwise."""
    if not path.exists():
        return False
    with safe_open(path, framework="pt") as file:
        known = (file.metadata() or {}).get(MADE_FROM)
    if known != made_from:
        return False
    model.load_state_dict(load_file(path))
    return True


def _renamed(tensors: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    embeddings = "bert.embeddings"
    state = {
        "words.weight": tensors[f"{embeddings}.word_embeddings.weight"],
        "positions.weight": tensors[f"{embeddings}.position_embeddings.weight"],
        "types.weight": tensors[f"{embeddings}.token_type_embeddings.weight"],
    }
    for part in ("weight", "bias"):
        state[f"norm.{part}"] = tensors[f"{embeddings}.LayerNorm.{part}"]
        state[f"pool.{part}"] = tensors[f"bert.pooler.dense.{part}"]
        state[f"answers.{part}"] = tensors[f"classifier.{part}"] / 2
        for number in range(layers):
            old, new = f"bert.encoder.layer.{number}", f"layers.{number}"
            compared = [tensors[f"{old}.attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            state[f"{new}.attention.{part}"] = torch.cat(compared)
            state[f"{new}.attended.{part}"] = tensors[f"{old}.attention.output.dense.{part}"]
            state[f"{new}.attended_norm.{part}"] = tensors[f"{old}.attention.output.LayerNorm.{part}"]
            state[f"{new}.up.{part}"] = tensors[f"{old}.intermediate.dense.{part}"]
            state[f"{new}.down.{part}"] = tensors[f"{old}.output.dense.{part}"]
            state[f"{new}.norm.{part}"] = tensors[f"{old}.output.LayerNorm.{part}"]
    return state
