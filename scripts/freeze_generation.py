"""Makes the small index that is kept under tests/frozen/format-N, N being the format that this version writes.

Run it once more whenever what a generation holds changes before a format is released, and never after. Its encoder is a
transformer of two narrow layers with random weights: it is exported and run like the real one.
"""

import argparse
import datetime
import json
import shutil
import tempfile
from pathlib import Path

from qa.corpus.approval import Terms, propose
from qa.corpus.loader import Rules, load_corpus
from qa.corpus.register import load_register, save_approvals
from qa.encoder.export import ExportingEncoders
from qa.index.manifest import CALIBRATION, FORMAT_VERSION, SYNONYMS
from qa.indexer.build import build
from qa.indexer.plan import plan_build
from qa.records import Audience
from qa.settings import Settings

FROZEN = Path(__file__).resolve().parent.parent / "tests" / "frozen"
APPROVED_ON = datetime.date(2026, 11, 20)
DOCUMENTS = {
    "cement.md": (
        "# The bone cement\n\nThe bone cement hardens in about 10 minutes. You lie face down until then.\n\n"
        "## What it is made of\n\nDoctors use a cement called PMMA (polymethyl methacrylate). It stays for good.\n"
    ),
    "risks.md": "# Risks\n\nThe risks include:\n\n- Infection where the needle went in\n- Bleeding\n- A leak\n",
    "staff/call-guide.md": "# Call guide\n\nRead the quoted sentence as it stands. Never add advice of your own.\n",
}
WORDS = (
    "the bone cement hardens in about minutes you lie face down what is it made of risk include bleed how long until"
)
HIDDEN_SIZE = 16
MAX_TOKENS = 64


def write_model(folder: Path) -> None:
    """A sentence-transformers model that knows a few words and every letter."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,?!()'-:"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {piece: number for number, piece in enumerate([*pieces, *WORDS.split()])}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    ends = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        max_position_embeddings=MAX_TOKENS,
        hidden_size=HIDDEN_SIZE,
        intermediate_size=2 * HIDDEN_SIZE,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    base = folder / "transformer"
    BertModel(config).save_pretrained(base)
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=MAX_TOKENS,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(base)
    SentenceTransformer(modules=[Transformer(str(base)), Pooling(HIDDEN_SIZE)]).save(str(folder / "model"))


def write_corpus(corpus: Path) -> None:
    calibration = {"weights": {"cosine": 1.0}, "bias": 0.0, "thresholds": [[0.0, 0.0]], "source": "answers always"}
    settings = Settings(corpus=corpus)
    for name, text in DOCUMENTS.items():
        path = corpus / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        audience: Audience = "staff" if name.startswith("staff/") else "patient"
        review_by = APPROVED_ON.replace(year=2099)
        terms = Terms("The committee", audience, APPROVED_ON, review_by, None)
        proposal = propose(path, terms, load_register(settings.register_path), settings, {})
        save_approvals(settings.register_path, (proposal.approval,), None)
    (corpus / CALIBRATION).write_text(json.dumps(calibration), encoding="utf-8")
    (corpus / SYNONYMS).write_text('[[same]]\nwords = ["PMMA", "bone glue"]\n', encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    target = FROZEN / f"format-{FORMAT_VERSION}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder)
        write_corpus(folder / "corpus")
        settings = Settings(corpus=folder / "corpus", index=folder / "index", model=folder / "model")
        register = load_register(settings.register_path)
        rules = Rules(APPROVED_ON, settings.review_due_days, settings.max_file_bytes)
        encoders = ExportingEncoders(settings.index, settings.model)
        plan = plan_build(load_corpus(settings.corpus, register, rules), settings, encoders.planned())
        report = build(plan, register.sha256, settings.index, encoders, lambda *_: None)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(settings.index, target, ignore=shutil.ignore_patterns(".lock"))
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"{target.name}: generation {report.generation}, {report.passages} passages, {size:,} bytes.")


if __name__ == "__main__":
    main()
