"""The trained network as files for ONNX Runtime: in 32 bits, and with weights of 8 bits as the product ships it."""

import logging
import os
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import GraphProto, TensorProto, helper, numpy_helper

from qa.reader.onnx_runtime import GRAPH, TOKENIZER, OnnxReader
from qa.storage.files import sha256_of_bytes
from scripts.reader.model import ReaderModel
from scripts.reader.rows import Row

OPSET = 17
LARGEST_BYTE = 127


@dataclass(frozen=True, slots=True)
class Exported:
    """A reader's files in a folder, opened; `bits` are those of its weights.

    `difference` is the mean distance of its log-odds from those in 32 bits, over the rows that it was tried on.
    """

    folder: Path
    reader: OnnxReader
    bits: int
    difference: float = 0.0


def export_plain(model: ReaderModel, tokenizer: Path, folder: Path, threads: int) -> Exported:
    """Writes the reader in 32 bits. The graph reads one row at a time, of any length."""
    folder.mkdir(parents=True, exist_ok=True)
    example = torch.ones(1, 9, dtype=torch.long)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of what is constant here
        torch.onnx.export(
            model.eval(),
            (example, torch.zeros_like(example)),
            str(folder / GRAPH),
            input_names=["ids", "types"],
            output_names=["answers", "sentences"],
            dynamic_axes={name: {1: "tokens"} for name in ("ids", "types", "sentences")},
            opset_version=OPSET,
            dynamo=False,
        )
    return _opened(folder, tokenizer, threads, 32)


def export_small(plain: Exported, rows: Sequence[Row], folder: Path, threads: int) -> Exported:
    """Writes the reader with weights of a byte each: in the range of 7 bits or of 8, whichever is truer on the rows.

    Where a processor adds products in 16 bits, those of 8 overflow; 7 bits are coarser, and right everywhere.
    """
    tokenizer = plain.folder / TOKENIZER
    wanted = _log_odds(plain.reader, rows)
    tried = []
    for bits in (7, 8):
        place = folder / f"{bits}-bits"
        place.mkdir(parents=True, exist_ok=True)
        _quantise(plain.folder / GRAPH, place / GRAPH, reduce_range=bits == 7)
        exported = _opened(place, tokenizer, threads, bits)
        difference = float(np.abs(_log_odds(exported.reader, rows) - wanted).mean())
        tried.append(Exported(place, exported.reader, bits, difference))
    return min(tried, key=lambda each: each.difference)


def _opened(folder: Path, tokenizer: Path, threads: int, bits: int) -> Exported:
    shutil.copyfile(tokenizer, folder / TOKENIZER)
    sha256 = sha256_of_bytes((folder / GRAPH).read_bytes() + (folder / TOKENIZER).read_bytes())
    return Exported(folder, OnnxReader(folder, sha256, threads), bits)


def _log_odds(reader: OnnxReader, rows: Sequence[Row]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([reader.read(row.question, row.passage.readable).answers for row in rows])


def _quantise(source: Path, target: Path, *, reduce_range: bool) -> None:
    """Rounds the matrices, a scale for each column, and the words' vectors, a scale for each word."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when it is imported: without, it looks up its maker's address
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.disable(logging.WARNING)  # it recommends a preparation that changes nothing here
    try:
        quantize_dynamic(
            source,
            target,
            per_channel=True,
            reduce_range=reduce_range,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul"],
            extra_options={"MatMulConstBOnly": True},
        )
    finally:
        logging.disable(logging.NOTSET)
    model = onnx.load_model(str(target))
    _quantise_words(model.graph)
    onnx.save_model(model, str(target))


def _quantise_words(graph: GraphProto) -> None:
    """Replaces the look-up of the words' vectors by one of bytes and one of scales, and their product."""
    place, look_up = next(
        (place, node) for place, node in enumerate(graph.node) if node.op_type == "Gather" and node.input[1] == "ids"
    )
    name, ids, output = look_up.input[0], look_up.input[1], look_up.output[0]
    stored = next(tensor for tensor in graph.initializer if tensor.name == name)
    vectors = numpy_helper.to_array(stored)
    scales = np.abs(vectors).max(axis=1, keepdims=True) / LARGEST_BYTE
    scales[scales == 0] = 1
    rounded = np.rint(vectors / scales).astype(np.int8)
    graph.initializer.remove(stored)
    graph.initializer.append(numpy_helper.from_array(rounded, f"{name}_bytes"))
    graph.initializer.append(numpy_helper.from_array(scales.astype(np.float32), f"{name}_scales"))
    graph.node.remove(look_up)
    steps = [
        helper.make_node("Gather", [f"{name}_bytes", ids], [f"{output}_bytes"]),
        helper.make_node("Cast", [f"{output}_bytes"], [f"{output}_plain"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [f"{name}_scales", ids], [f"{output}_scales"]),
        helper.make_node("Mul", [f"{output}_plain", f"{output}_scales"], [output]),
    ]
    for offset, step in enumerate(steps):
        graph.node.insert(place + offset, step)
