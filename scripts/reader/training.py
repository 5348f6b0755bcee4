"""How the network learns: a copy in 16 bits (bfloat16) reads the rows, and what it learns is added up in 32 bits.

On two cores that takes less than half the time of 32 bits throughout (Micikevicius et al., ICLR 2018).
"""

import copy
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn import functional

from scripts.reader.model import ReaderModel, sentence_scores
from scripts.reader.rows import OUTSIDE, TokenRow

BATCH = 32
SORTED_TOGETHER = 40
"""Batches whose rows are sorted by length, so that little is padding."""
WARM_UP = 0.06
"""The share of the steps over which the rate rises, before it falls to zero."""
WEIGHT_DECAY = 0.01
LARGEST_GRADIENT = 1.0
FROZEN = 3
"""Of the layers, the lowest one in so many stays as it was, with the embeddings: four of twelve."""
STEPS_A_LINE = 50


@dataclass(frozen=True, slots=True)
class Stage:
    """So many passes over some rows, with the highest rate of learning and the dropout."""

    epochs: float
    rate: float
    dropout: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows side by side. Shape (batch, tokens): `ids`, `types`, `mask` (1 for a token, 0 for padding), `owners`.

    Shape (batch,): `answered` and `marked`, 0 or 1, and `weights`. Shape (batch, sentences): `needed`, 0 or 1.
    """

    ids: Tensor
    types: Tensor
    mask: Tensor
    owners: Tensor
    answered: Tensor
    marked: Tensor
    weights: Tensor
    needed: Tensor


@contextmanager
def repeatable(threads: int) -> Iterator[None]:
    """Within it, the same work on the same threads gives the same bits; torch is left as it was found."""
    found = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(found[0])
        torch.use_deterministic_algorithms(found[1])
        torch.set_rng_state(found[2])


def train(model: ReaderModel, rows: Sequence[TokenRow], stage: Stage, seed: int) -> list[float]:
    """Trains the model in place; gives the loss of each step. To be called within `repeatable`."""
    torch.manual_seed(seed)
    steps = int(math.ceil(len(rows) / BATCH) * stage.epochs)
    names = _trained(model)
    reading = copy.deepcopy(model).bfloat16().train()
    reading.set_dropout(stage.dropout)
    copies, originals = dict(reading.named_parameters()), dict(model.named_parameters())
    for name, parameter in copies.items():
        parameter.requires_grad = name in names
    optimiser = _optimiser([originals[name] for name in names])
    losses = []
    for step, batch in enumerate(islice(_batches(rows, random.Random(seed)), steps)):  # noqa: S311 - no secret
        for group in optimiser.param_groups:
            group["lr"] = stage.rate * _share_of_rate(step / steps)
        loss = loss_of(reading, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        _hand_over([copies[name] for name in names], [originals[name] for name in names])
        optimiser.step()
        with torch.no_grad():
            for name in names:
                copies[name].copy_(originals[name])
        losses.append(loss.item())
        if (step + 1) % STEPS_A_LINE == 0:
            print(f"step {step + 1} of {steps}: loss {sum(losses[-STEPS_A_LINE:]) / STEPS_A_LINE:.3f}", flush=True)
    return losses


def loss_of(model: ReaderModel, batch: Batch) -> Tensor:
    """Binary cross entropy of whether each passage answers, plus that of whether each of its sentences is needed."""
    answers, token_scores = model(batch.ids, batch.types, batch.mask)
    scores, read = sentence_scores(token_scores, batch.owners, batch.needed.shape[1])
    entropy = functional.binary_cross_entropy_with_logits
    whole = (entropy(answers, batch.answered, reduction="none") * batch.weights).mean()
    counted = read.float() * batch.marked[:, None]
    parts = (entropy(scores, batch.needed, reduction="none") * counted).sum() / counted.sum().clamp(min=1)
    return whole + parts


def batch_of(rows: Sequence[TokenRow]) -> Batch:
    """The rows side by side, padded to the longest."""
    tokens = max(len(row.ids) for row in rows)
    sentences = max(len(row.row.passage.sentences) for row in rows)

    def padded(values: Sequence[Sequence[int]], filler: int) -> Tensor:
        return torch.tensor([[*each, *[filler] * (tokens - len(each))] for each in values])

    return Batch(
        ids=padded([row.ids for row in rows], 0),
        types=padded([row.types for row in rows], 0),
        mask=padded([[1] * len(row.ids) for row in rows], 0),
        owners=padded([row.owners for row in rows], OUTSIDE),
        answered=torch.tensor([float(row.row.answered) for row in rows]),
        marked=torch.tensor([float(row.row.marked) for row in rows]),
        weights=torch.tensor([row.row.weight for row in rows]),
        needed=torch.tensor([[float(number in row.row.needed) for number in range(sentences)] for row in rows]),
    )


def _trained(model: ReaderModel) -> list[str]:
    """The names of the parameters that learn."""
    frozen = ["words.", "positions.", "types.", "norm."]
    frozen += [f"layers.{number}." for number in range(len(model.layers) // FROZEN)]
    return [name for name, _ in model.named_parameters() if not name.startswith(tuple(frozen))]


def _optimiser(parameters: Sequence[nn.Parameter]) -> torch.optim.AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019); biases and norms don't decay."""
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    others = [parameter for parameter in parameters if parameter.ndim <= 1]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}], fused=True
    )


def _share_of_rate(done: float) -> float:
    return done / WARM_UP if done < WARM_UP else (1 - done) / (1 - WARM_UP)


def _batches(rows: Sequence[TokenRow], chance: random.Random) -> Iterator[Batch]:
    """Batches without end: rows of like length, in another order at each pass."""
    while True:
        order = list(range(len(rows)))
        chance.shuffle(order)
        batches = []
        for start in range(0, len(order), BATCH * SORTED_TOGETHER):
            together = sorted(order[start : start + BATCH * SORTED_TOGETHER], key=lambda number: len(rows[number].ids))
            batches += [together[first : first + BATCH] for first in range(0, len(together), BATCH)]
        chance.shuffle(batches)
        for numbers in batches:
            yield batch_of([rows[number] for number in numbers])


def _hand_over(copies: Sequence[nn.Parameter], originals: Sequence[nn.Parameter]) -> None:
    """Gives the originals the gradients of the copies, in 32 bits and shortened to the largest length."""
    gradients = [torch.zeros_like(each) if each.grad is None else each.grad.float() for each in copies]
    length = torch.sqrt(torch.stack([(each * each).sum() for each in gradients]).sum()).item()
    scale = min(1.0, LARGEST_GRADIENT / (length + 1e-6))
    for each, original, gradient in zip(copies, originals, gradients, strict=True):
        original.grad = (gradient * scale).to(original.dtype)
        each.grad = None
