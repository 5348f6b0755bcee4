"""The model as it was published, run by sentence-transformers, and its export: the only module that knows torch.

Only a build needs it, to make an export and to try it.
"""

import copy
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from qa.encoder.model import TAKE_ANOTHER, Model
from qa.encoder.protocol import (
    GRAPH,
    HIDDEN,
    PROJECTION,
    TOKENIZER,
    WEIGHTS,
    Encoding,
    Vectors,
    rows_of_tokens,
    spans_of_tokens,
    unit,
)
from qa.errors import ModelUnavailable
from qa.settings import available_cores

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedTokenizerBase

OPSET = 17
LEAST_MAPPED_BYTES = 1024
"""Smaller arrays stay in the graph."""


class SentenceTransformerEncoder:
    """A sentence-transformers model in a folder; torch is loaded at the first use, which takes seconds."""

    def __init__(self, model: Model) -> None:
        self._source = model
        self._projection: Vectors | None = (
            None if model.projection is None else np.load(model.projection, allow_pickle=False)
        )
        self._model: _Model | None = None

    def encode(self, texts: Sequence[str]) -> Iterator[Encoding]:
        """The encodings of texts, in order, as they are made; each depends on its text alone, to the bit.

        Raises ModelUnavailable when the model cannot be loaded.
        """
        encode_one = partial(_encode, self._ready(), self._projection)
        if len(texts) == 1:
            yield encode_one(texts[0])
            return
        executor = ThreadPoolExecutor(available_cores())
        try:
            yield from executor.map(encode_one, texts)
        finally:
            executor.shutdown(cancel_futures=True)

    def _ready(self) -> "_Model":
        if self._model is None:
            model = _load(self._source.folder)
            self._model = _Model(model, copy.deepcopy(model.tokenizer))
        return self._model

    def export(self, folder: Path) -> int:
        """Writes the model's graph, tokenizer and projection as `OnnxEncoder` reads them; returns its limit of tokens.

        Raises ModelUnavailable, saying why, when the model cannot be loaded or exported, and OSError when the disk
        refuses.
        """
        model = self._ready()
        tokenizer = getattr(model.tokenizer, "backend_tokenizer", None)
        limit = model.transformer.max_seq_length
        if tokenizer is None or limit is None:
            raise ModelUnavailable(
                f"The model in {self._source.folder} cannot be exported: it states no tokenizer.json or no limit of "
                "tokens.",
                TAKE_ANOTHER,
            )
        (folder / TOKENIZER).write_text(tokenizer.to_str(), encoding="utf-8")
        if self._source.projection is not None:
            shutil.copyfile(self._source.projection, folder / PROJECTION)
        try:
            _export_graph(_load(self._source.folder), folder)
        except OSError:
            raise
        except Exception as error:
            # What torch raises for a model that it cannot trace is of any kind.
            reason = f"The model in {self._source.folder} cannot be exported: {type(error).__name__}: {error}."
            raise ModelUnavailable(" ".join(reason.split()), TAKE_ANOTHER) from error
        return limit


@dataclass(frozen=True)
class _Model:
    """The model, and a tokenizer apart to find tokens with: one that two callers set up differently is not safe."""

    transformer: "SentenceTransformer"
    tokenizer: "PreTrainedTokenizerBase"


def _encode(model: _Model, projection: Vectors | None, text: str) -> Encoding:
    (row,) = cast(
        "list[dict[str, torch.Tensor]]", model.transformer.encode([text], output_value=None, show_progress_bar=False)
    )
    limit = model.transformer.max_seq_length
    spans = model.tokenizer(text, return_offsets_mapping=True, truncation=limit is not None, max_length=limit)[
        "offset_mapping"
    ]
    hidden = row["token_embeddings"].numpy().astype(np.float32, copy=False)
    vector = row["sentence_embedding"].numpy().astype(np.float32, copy=False)
    return Encoding(unit(vector), rows_of_tokens(hidden, spans, projection), spans_of_tokens(spans))


def _export_graph(transformer: "SentenceTransformer", folder: Path) -> None:
    """Writes the graph from tokens to hidden states, with attention spelt out: other forms of it run slower."""
    import onnx
    import torch

    network: Any = transformer[0].auto_model
    network.config._attn_implementation = "eager"  # noqa: SLF001 - the library's own switch
    accepted = ("input_ids", "attention_mask", "token_type_ids")
    names = [name for name in accepted if name in transformer.tokenizer.model_input_names]

    class HiddenStates(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            hidden: torch.Tensor = self.network(**dict(zip(names, tensors, strict=True))).last_hidden_state
            return hidden

    example = torch.ones(2, 8, dtype=torch.long)
    examples = tuple(torch.zeros_like(example) if name == "token_type_ids" else example for name in names)
    path = folder / GRAPH
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of what is constant here
        torch.onnx.export(
            HiddenStates().eval(),
            examples,
            str(path),
            input_names=names,
            output_names=[HIDDEN],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in (*names, HIDDEN)},
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load_model(str(path))
    onnx.save_model(graph, str(path), save_as_external_data=True, location=WEIGHTS, size_threshold=LEAST_MAPPED_BYTES)
    shutil.copymode(path, folder / WEIGHTS)  # for its owner alone, as the library writes it


def _load(folder: Path) -> "SentenceTransformer":
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when the libraries are imported: nothing is fetched at run time
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise ModelUnavailable(f"sentence-transformers cannot be imported: {error}.", "Reinstall Clinic QA.") from None
    torch.set_num_threads(1)  # texts side by side, a core each: 44/s on two cores, against 35/s with both on one text
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        return SentenceTransformer(
            str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
        )
    except Exception as error:
        # The libraries raise errors of their own for damaged files, some of them plain Exceptions.
        raise ModelUnavailable(
            f"The model in {folder} cannot be loaded: {error}.", "Point QA_MODEL at a sentence-transformers model."
        ) from error
