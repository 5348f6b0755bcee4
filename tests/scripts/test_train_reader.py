"""Training a reader: a tiny one on twenty made-up rows, from files to what the product's own reader loads."""

import gzip
import json
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from qa.errors import InvalidRequest
from qa.reader.onnx_runtime import GRAPH, TOKENIZER, UNREAD, OnnxReader
from qa.reader.protocol import Verdict
from qa.storage.files import sha256_of_bytes
from scripts.reader.card import CARD
from scripts.reader.export import export_plain
from scripts.reader.figures import marked, measure
from scripts.reader.model import from_cross_encoder, sentence_scores
from scripts.reader.names import read_groups, renamed, swapped
from scripts.reader.negatives import retrieved
from scripts.reader.recipe import Inputs, Recipe, make_reader
from scripts.reader.rows import OUTSIDE, Passage, Row, open_tokenizer, read_public, read_written, tokenised
from scripts.reader.training import Stage, batch_of, repeatable, train
from tests.support.encoders import BagOfWordsEncoder

WIDTH, INNER, LAYERS, POSITIONS = 32, 64, 2, 224
PASSAGES: list[tuple[str, list[str], dict[str, list[int]]]] = [
    (
        "Warfarin",
        ["Take warfarin at six each evening.", "Keep a note of the dose.", "Eat greens as usual."],
        {"when do I take warfarin": [0], "may I eat greens": [2], "can I drink beer": [], "is there a lower dose": []},
    ),
    (
        "Parking",
        ["Park behind the house.", "The first hour is free.", "Pay at the gate."],
        {"where do I park": [0], "what does parking cost": [1, 2], "is there a bus": [], "may bikes be left": []},
    ),
    (
        "Stitches",
        ["Keep the stitches dry for two days.", "They dissolve by themselves."],
        {"who removes the stitches": [1], "may stitches get wet": [0], "do stitches itch": [], "will a scar stay": []},
    ),
    (
        "Results",
        ["A nurse phones with your results.", "That takes five days.", "Urgent results come sooner."],
        {"who phones me": [0], "how long do results take": [1], "can my son get them": [], "are letters sent": []},
    ),
    (
        "Visiting",
        ["Visitors may come after two.", "Children are welcome.", "Please bring no flowers."],
        {"when may visitors come": [0], "may children visit": [1], "may dogs visit": [], "is there a cafe": []},
    ),
]
"""Title, sentences, and questions with the numbers of the sentences that answer: twenty rows."""

QUICK = Recipe(Stage(1.0, 5e-3, 0.0), Stage(3.0, 5e-3, 0.1), repeated=4)


@dataclass(frozen=True)
class Made:
    """What a run wrote, by name, and what it was made of."""

    inputs: Inputs
    files: Mapping[str, bytes]
    folder: Path


def written_line(number: int) -> dict[str, object]:
    title, sentences, questions = PASSAGES[number]
    asked = [
        {"q": question, "a": needed, "kind": "direct" if needed else "near"} for question, needed in questions.items()
    ]
    return {"id": f"w-{number}", "title": title, "heading": "", "sentences": sentences, "questions": asked}


def write_lines(path: Path, lines: list[dict[str, object]]) -> Path:
    data = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def public_line(number: int, **more: object) -> dict[str, object]:
    sentences = [f"River {number} is long.", f"Hill {number} is high."]
    line = {
        "q": f"how long is river {number}",
        "title": "Rivers",
        "heading": "",
        "sentences": sentences,
        "src": "squad2",
    }
    return {**line, "a": [0], **more}


def write_tokenizer(path: Path) -> int:
    """A WordPiece tokenizer that knows every word of the passages; gives the size of its vocabulary."""
    text = json.dumps([written_line(number) for number in range(len(PASSAGES))]) + json.dumps(public_line(1))
    words = {word for word, _ in BertPreTokenizer().pre_tokenize_str(text.lower())}
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted(words)]
    tokenizer = Tokenizer(WordPiece({name: number for number, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(path))
    return len(names)


def write_start(path: Path, vocabulary: int) -> None:
    """A cross-encoder's tensors, drawn at random, under the names that BERT gives them."""
    draw = np.random.default_rng(3)
    tensors = {}

    def linear(name: str, outputs: int, inputs: int) -> None:
        tensors[f"{name}.weight"] = draw.normal(0, 0.2, (outputs, inputs)).astype(np.float32)
        tensors[f"{name}.bias"] = np.zeros(outputs, np.float32)

    def norm(name: str) -> None:
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    for name, size in (("word", vocabulary), ("position", POSITIONS), ("token_type", 2)):
        vectors = draw.normal(0, 1, (size, WIDTH)).astype(np.float32)
        tensors[f"bert.embeddings.{name}_embeddings.weight"] = vectors
    norm("bert.embeddings.LayerNorm")
    for number in range(LAYERS):
        layer = f"bert.encoder.layer.{number}"
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            linear(f"{layer}.{part}", WIDTH, WIDTH)
        linear(f"{layer}.intermediate.dense", INNER, WIDTH)
        linear(f"{layer}.output.dense", WIDTH, INNER)
        norm(f"{layer}.attention.output.LayerNorm")
        norm(f"{layer}.output.LayerNorm")
    linear("bert.pooler.dense", WIDTH, WIDTH)
    linear("classifier", 1, WIDTH)
    np.savez(path, allow_pickle=False, **tensors)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Twenty written rows in two files, a few public ones, and the tensors and tokenizer of a tiny cross-encoder."""
    folder = tmp_path_factory.mktemp("inputs")
    lines = [written_line(number) for number in range(len(PASSAGES))]
    public = [public_line(number) for number in range(6)]
    yes_or_no = public_line(6, src="condaqa", a=[], noev=True, y=1)
    write_start(folder / "start.npz", write_tokenizer(folder / "tokenizer.json"))
    return Inputs(
        start=folder / "start.npz",
        public=write_lines(folder / "public.jsonl.gz", [*public, yes_or_no, public_line(7, split="held")]),
        rows=[write_lines(folder / "one.jsonl", lines[:2]), write_lines(folder / "two.jsonl", lines[2:4])],
        held=write_lines(folder / "held.jsonl", lines[4:]),
        tokenizer=folder / "tokenizer.json",
        checkpoints=folder / "checkpoints",
    )


def made_in(folder: Path, inputs: Inputs) -> Made:
    make_reader(inputs, QUICK, BagOfWordsEncoder(), folder)
    return Made(inputs, {path.name: path.read_bytes() for path in folder.iterdir()}, folder)


@pytest.fixture(scope="module")
def made(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_in(tmp_path_factory.mktemp("made"), inputs)


def all_rows(inputs: Inputs) -> list[Row]:
    return [row for path in (*inputs.rows, inputs.held) for row in read_written(path)]


def test_what_is_written_is_read_by_the_products_reader_with_a_score_for_each_sentence(made: Made) -> None:
    assert set(made.files) == {GRAPH, TOKENIZER, CARD}
    reader = OnnxReader(made.folder, sha256_of_bytes(made.files[GRAPH] + made.files[TOKENIZER]))
    verdicts = [reader.read(row.question, row.passage.readable) for row in all_rows(made.inputs)]
    assert len(verdicts) == 20
    assert len({verdict.answers for verdict in verdicts}) == 20
    for verdict, row in zip(verdicts, all_rows(made.inputs), strict=True):
        assert np.isfinite([verdict.answers, *verdict.sentences]).all()
        assert len(verdict.sentences) == len(row.passage.sentences)


def test_two_runs_give_the_same_bytes(made: Made, tmp_path: Path) -> None:
    assert made_in(tmp_path, replace(made.inputs, checkpoints=None)).files == made.files


def test_a_training_is_taken_up_where_it_was_kept_and_ends_the_same(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made_in(tmp_path, made.inputs).files == made.files
    assert capsys.readouterr().out.count("taken up") == 2


def test_weights_that_were_kept_of_another_recipe_are_not_taken_up(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_reader(made.inputs, replace(QUICK, seed=1), BagOfWordsEncoder(), tmp_path)
    assert "taken up" not in capsys.readouterr().out
    assert (tmp_path / GRAPH).read_bytes() != made.files[GRAPH]


def test_the_card_names_each_file_with_its_hash_the_licences_and_the_figures(made: Made) -> None:
    card = made.files[CARD].decode()
    inputs = made.inputs
    for path in (inputs.start, inputs.public, *inputs.rows, inputs.held):
        assert f"`{path.name}`" in card
        assert sha256_of_bytes(path.read_bytes()) in card
    assert sha256_of_bytes(made.files[GRAPH]) in card
    assert sha256_of_bytes(made.files[GRAPH] + made.files[TOKENIZER]) in card
    for said in (
        "ms-marco-MiniLM-L-12-v2 (Apache-2.0)",
        "| 6 | CC BY-SA 4.0 |",
        "Open Government Licence v3.0",
        "AUROC",
    ):
        assert said in card


def run_script(monkeypatch: pytest.MonkeyPatch, inputs: Inputs, output: Path, *more: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # which the script sets otherwise, for this whole process
    from scripts import train_reader

    monkeypatch.setattr(train_reader, "_encoder", lambda index, threads: BagOfWordsEncoder())
    files = {"--start": inputs.start, "--public": inputs.public, "--held": inputs.held, "--tokenizer": inputs.tokenizer}
    options = [str(part) for pair in files.items() for part in pair]
    rows = [str(path) for path in inputs.rows]
    options += ["--rows", *rows, "--encoder", "index", "--output", str(output), *more]
    monkeypatch.setattr(sys, "argv", ["train_reader", *options])
    train_reader.main()


def test_the_script_trains_by_its_options_and_prints_the_card(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_script(monkeypatch, inputs, tmp_path, "--epochs", "2.5", "--seed", "3")
    card = (tmp_path / CARD).read_text("utf-8")
    assert card in capsys.readouterr().out
    assert "These 2.5 times over" in card
    assert "Seed 3, threads 1" in card


def test_the_script_says_in_one_line_what_is_wrong_with_the_rows(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match=r"^held\.jsonl is held back and trained on\. Leave it out of --rows\.$"):
        run_script(monkeypatch, replace(inputs, rows=[inputs.held]), tmp_path)


def test_the_loss_falls(inputs: Inputs) -> None:
    with repeatable(1):
        rows = tokenised(open_tokenizer(inputs.tokenizer), all_rows(inputs))
        losses = train(from_cross_encoder(inputs.start), rows, Stage(30.0, 5e-3, 0.0), 0)
    assert len(losses) == 30
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_padded_beside_others_a_row_scores_as_the_graph_reads_it_alone(inputs: Inputs, tmp_path: Path) -> None:
    rows = all_rows(inputs)[:8]
    model = from_cross_encoder(inputs.start).eval()
    plain = export_plain(model, inputs.tokenizer, tmp_path, 1)
    batch = batch_of(tokenised(open_tokenizer(inputs.tokenizer), rows))
    answers, token_scores = model(batch.ids, batch.types, batch.mask)
    scores, read = sentence_scores(token_scores, batch.owners, 3)
    for number, row in enumerate(rows):
        verdict = plain.reader.read(row.question, row.passage.readable)
        count = len(row.passage.sentences)
        assert verdict.answers == pytest.approx(answers[number].item(), abs=1e-4)
        assert verdict.sentences == pytest.approx(scores[number, :count].tolist(), abs=1e-4)
        assert read[number].tolist() == [True] * count + [False] * (3 - count)


def test_tokens_belong_to_the_sentence_they_stand_in_and_those_of_question_and_title_to_none(inputs: Inputs) -> None:
    row = Row("where do I park", Passage("Parking", "", ("Pay at the gate.", "Park behind.")), (1,), True, "direct")
    (tokens,) = tokenised(open_tokenizer(inputs.tokenizer), [row])
    # [CLS] where do i park [SEP] parking . | pay at the gate . | park behind . [SEP]
    assert tokens.owners == (*[OUTSIDE] * 8, *[0] * 5, *[1] * 3, OUTSIDE)


def test_of_the_public_rows_those_held_back_are_left_out_and_a_bare_yes_marks_no_sentence(inputs: Inputs) -> None:
    rows = read_public(inputs.public)
    assert [row.question for row in rows] == [f"how long is river {number}" for number in range(7)]
    assert [(row.answered, row.marked, row.needed) for row in rows[-2:]] == [(True, True, (0,)), (True, False, ())]


@pytest.mark.parametrize("numbers", [[3], [-1], [0, 0], ["0"], [True]])
def test_rows_with_wrong_sentence_numbers_are_refused_by_name(
    inputs: Inputs, tmp_path: Path, numbers: list[object]
) -> None:
    line = written_line(0)
    questions = [{"q": "when", "a": [0], "kind": "direct"}, {"q": "why", "a": numbers, "kind": "direct"}]
    wrong = write_lines(tmp_path / "wrong.jsonl", [written_line(1), {**line, "questions": questions}])
    with pytest.raises(InvalidRequest, match=r"^wrong\.jsonl, passage w-0, question 2: ") as refused:
        make_reader(replace(inputs, rows=[wrong]), QUICK, BagOfWordsEncoder(), tmp_path / "output")
    assert str(numbers) in refused.value.message
    assert not (tmp_path / "output").exists()


def test_public_rows_with_wrong_sentence_numbers_are_refused_by_line(tmp_path: Path) -> None:
    wrong = write_lines(tmp_path / "wrong.jsonl.gz", [public_line(0), public_line(1, a=[2])])
    with pytest.raises(InvalidRequest, match=r"^wrong\.jsonl\.gz, line 2: sentences \[2\]"):
        read_public(wrong)


def test_a_file_that_is_no_json_is_refused_by_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text("\n{\n", "utf-8")
    with pytest.raises(InvalidRequest, match=r"^broken\.jsonl, line 2: no JSON object"):
        read_written(broken)


def test_what_is_held_back_cannot_be_trained_on(inputs: Inputs, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"^held\.jsonl is held back and trained on"):
        make_reader(replace(inputs, rows=[inputs.held]), QUICK, BagOfWordsEncoder(), tmp_path)


def test_starting_weights_without_a_tensor_are_refused_by_its_name(inputs: Inputs, tmp_path: Path) -> None:
    with np.load(inputs.start, allow_pickle=False) as file:
        np.savez(tmp_path / "part.npz", allow_pickle=False, **{name: file[name] for name in file.files[:-1]})
        missing = file.files[-1]
    with pytest.raises(InvalidRequest, match=rf"^part\.npz lacks the tensor '{missing}'"):
        from_cross_encoder(tmp_path / "part.npz")


def test_another_medicine_in_the_question_makes_a_near_miss_and_in_the_passage_too_an_answer() -> None:
    row = all_of(0)[0]
    groups = read_groups()
    rows = swapped([row] * 40, groups, random.Random(0))
    near, answered = ([each for each in rows if each.answered is wanted] for wanted in (False, True))
    assert near
    assert answered
    for each in rows:
        name = each.question.split()[-1]
        assert name != "warfarin"
        assert name in groups["warfarin"]
        assert (name in each.passage.readable.text) == each.answered
    assert {each.passage for each in near} == {row.passage}
    assert {(each.needed, each.passage.title.islower()) for each in answered} == {((0,), False)}


def test_a_question_that_names_nothing_that_its_passage_names_is_not_swapped() -> None:
    assert swapped(all_of(1) * 10, read_groups(), random.Random(0)) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("Warfarin", "Heparin"), ("WARFARIN", "HEPARIN"), ("warfarins and warfarin", "warfarins and heparin")],
)
def test_a_name_is_replaced_as_a_whole_word_in_the_case_it_had(text: str, wanted: str) -> None:
    assert renamed(text, "warfarin", "heparin") == wanted


def test_a_retrieved_passage_is_of_another_title_and_lacks_a_word_of_the_subject(inputs: Inputs) -> None:
    rows = all_rows(inputs) * 4
    found = retrieved(rows, BagOfWordsEncoder(), random.Random(0))
    assert found
    own = {row.question: row.passage for row in rows}
    for row in found:
        assert not row.answered
        assert row.needed == ()
        assert row.passage.title != own[row.question].title
        assert not set(row.question.split()) <= set(row.passage.readable.text.lower().split())


class FixedReader:
    """Gives the verdicts that it was handed, by question."""

    sha256 = "0" * 64

    def __init__(self, verdicts: Mapping[str, Verdict]) -> None:
        self._verdicts = verdicts

    def load(self) -> None:
        pass

    def read(self, question: str, passage: object) -> Verdict:
        return self._verdicts[question]


def test_figures_are_those_of_answers_against_near_misses_and_of_marked_sentences() -> None:
    rows = all_of(1)
    verdicts = [Verdict(2.0, (1.0, -1.0, -2.0)), Verdict(0.0, (1.0, 2.0, UNREAD)), Verdict(1.0, (0.0,) * 3)]
    verdicts.append(Verdict(-1.0, (0.0,) * 3))
    reader = FixedReader({row.question: verdict for row, verdict in zip(rows, verdicts, strict=True)})
    figures = measure(reader, rows)
    assert figures.auroc == 0.75
    assert figures.answered == {0.05: 0.5, 0.1: 0.5, 0.15: 0.5, 0.2: 0.5}
    # marked 0 of (0), and 0 and 1 of (1, 2): two right, of three marked and three needed
    assert figures.sentence_f1 == pytest.approx(2 * 2 / (3 + 3))
    assert figures.best_right == 1.0


def test_where_no_sentence_is_likely_the_likeliest_is_marked() -> None:
    assert marked(Verdict(0.0, (-3.0, -1.0, UNREAD))) == {1}


def all_of(number: int) -> list[Row]:
    """The rows of one of the passages."""
    title, sentences, questions = PASSAGES[number]
    passage = Passage(title, "", tuple(sentences))
    return [Row(question, passage, tuple(needed), bool(needed), "") for question, needed in questions.items()]
