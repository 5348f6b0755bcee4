"""The command line as its users meet it, with the real model."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qa.cli.application import application, run
from tests.support.clinic import BY_COSINE, CEMENT, RISKS
from tests.support.encoders import lend_encoder, packaged_encoder

Run = Callable[..., tuple[int, str, str]]
APPROVAL = ("--by", "The committee", "--audience", "patient", "--review-by", "2099-01-01")


@pytest.fixture
def folder(tmp_path: Path, exported: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a corpus of two files that nobody approved, and an index with an encoder only."""
    monkeypatch.chdir(tmp_path)
    lend_encoder(exported, tmp_path / "index")
    for name in [name for name in os.environ if name.startswith("QA_")]:
        monkeypatch.delenv(name)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "risks.md").write_text(RISKS, "utf-8")
    (corpus / "cement.md").write_text(CEMENT, "utf-8")
    (corpus / "calibration.json").write_text(json.dumps(BY_COSINE), "utf-8")
    return tmp_path


@pytest.fixture
def qa(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in the folder: (exit code, standard output, standard error)."""

    def run_command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run_command


def one_line(error: str) -> str:
    """The error, which must be a single line that names the command and is no traceback."""
    assert error.startswith("qa: "), error
    assert error.count("\n") == 1, error
    assert "Traceback" not in error
    return error


def test_from_files_to_a_cited_answer(qa: Run, folder: Path) -> None:
    code, out, _ = qa("approve", "corpus/risks.md", "corpus/cement.md", *APPROVAL)
    assert code == 0
    assert "Risks of kyphoplasty" in out
    assert "passages" in out
    assert "| Every procedure has risks." in out
    assert qa("status")[0] == 0
    code, out, err = qa("build")
    assert code == 0
    assert "2 documents, 0 left out" in out
    assert "embedding" in err

    code, out, _ = qa("ask", "how long until the cement hardens?", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["outcome"] == "answered"
    quote = answer["quotes"][0]
    start, end = quote["highlights"][0]
    assert quote["text"][start:end] == "The bone cement hardens in about 10 minutes."
    citation = quote["citation"]
    code, out, _ = qa("show", citation["document_id"], "--at", f"{citation['start']}-{citation['end']}")
    assert out == quote["text"] + "\n"

    code, out, _ = qa("ask", "how long until the cement hardens?")
    assert "»The bone cement hardens in about 10 minutes.«" in out
    assert "The bone cement" in out
    assert "approved by The committee on" in out
    assert f"/documents/cement#p-{citation['start']}-{citation['end']}" in out
    code, out, _ = qa("verify")
    assert code == 0
    assert re.search(r"Encoder [0-9a-f]{16} is whole: 4 files", out)


def test_what_turns_a_quote_is_printed_before_it_like_what_answers(qa: Run, folder: Path) -> None:
    (folder / "corpus" / "mole.md").write_text("# Mole\n\n## Don't\n\n- swim in the sea\n- scrub the skin\n", "utf-8")
    qa("approve", "corpus/mole.md", *APPROVAL)
    qa("build")
    code, out, _ = qa("ask", "may I scrub the skin?", "--limit", "1")
    assert code == 0
    assert "»Don't«\n• swim in the sea\n»• scrub the skin«\n" in out


def test_what_nothing_covers_is_said_and_named(qa: Run) -> None:
    qa("approve", "corpus/risks.md", *APPROVAL)
    qa("build")
    code, out, _ = qa("ask", "Who won the world cup?")
    assert code == 0
    assert "No approved text answers this" in out
    assert "No approved text mentions: won, world, cup." in out
    assert "Related, not an answer:" in out


def test_a_changed_file_is_left_out_by_name_and_shown_on_reapproval(qa: Run, folder: Path) -> None:
    qa("approve", "corpus/risks.md", "corpus/cement.md", *APPROVAL)
    qa("build")
    file = folder / "corpus" / "cement.md"
    file.write_text(CEMENT.replace("10 minutes", "20 minutes"), "utf-8")
    code, out, err = qa("status")
    assert code == 1
    assert "changed since approval" in out
    assert "cement.md" in one_line(err)
    code, out, _ = qa("build")
    assert code == 0
    assert "left out  cement.md: changed" in out
    code, out, _ = qa("rollback")
    assert code == 0, "the older generation still quotes approved text"
    code, out, _ = qa("approve", "corpus/cement.md", *APPROVAL)
    assert "-The bone cement hardens in about 10 minutes." in out
    assert "+The bone cement hardens in about 20 minutes." in out


def test_a_withdrawn_document_leaves_the_index_and_rollback_refuses_it(qa: Run) -> None:
    qa("approve", "corpus/risks.md", "corpus/cement.md", *APPROVAL)
    qa("build")
    code, out, _ = qa("withdraw", "corpus/cement.md", "--why", "wrong time")
    assert code == 0
    assert "run `qa build`" in out
    assert qa("status")[0] == 0
    assert "left out  cement.md: withdrawn" in qa("build")[1]
    code, _, err = qa("rollback")
    assert code == 2
    assert "no longer approved: cement" in one_line(err)
    assert qa("rollback", "--allow-withdrawn")[0] == 0
    generations = json.loads(qa("generations", "--json")[1])
    assert [generation["live"] for generation in generations] == [False, True]


def test_a_register_apart_from_its_corpus_remembers_the_folder(qa: Run, folder: Path) -> None:
    lend_encoder(folder / "index", folder / "elsewhere" / "index")
    (folder / "corpus").rename(folder / "pages")
    code, _, _ = qa("approve", "pages/risks.md", "pages/cement.md", *APPROVAL, "--register", "elsewhere/r.toml")
    assert code == 0
    code, out, _ = qa("status", "--register", "elsewhere/r.toml", "--json")
    assert code == 0
    assert [item["status"] for item in json.loads(out)] == ["approved", "approved"]
    assert qa("build", "--register", "elsewhere/r.toml", "--index", "elsewhere/index")[0] == 0
    assert sorted(path.name for path in (folder / "pages").iterdir()) == [
        "calibration.json",
        "cement.md",
        "risks.md",
    ]


def test_a_broken_file_is_named_and_the_others_are_approved(qa: Run, folder: Path) -> None:
    (folder / "corpus" / "broken.md").write_bytes(b"\x00\x01\x02")
    (folder / "corpus" / "leaflet.pdf").write_bytes(b"%PDF-1.7")
    code, out, err = qa("approve", "corpus/broken.md", "corpus/leaflet.pdf", "corpus/risks.md", *APPROVAL)
    assert code == 4
    assert "Approved 1 file(s)" in out
    assert "broken.md" in one_line(err)
    assert "leaflet.pdf" in err
    code, out, _ = qa("status")
    assert code == 0, "what nobody approved is no failure"
    assert "no reader yet" in out
    assert "unreadable" in out


def test_a_dry_run_records_nothing(qa: Run, folder: Path) -> None:
    code, out, _ = qa("approve", "corpus/risks.md", *APPROVAL, "--dry-run")
    assert code == 0
    assert "Nothing recorded" in out
    assert not (folder / "corpus" / "register.toml").exists()


def test_a_damaged_encoder_is_named_by_whatever_needs_it(qa: Run, folder: Path) -> None:
    qa("approve", "corpus/cement.md", *APPROVAL)
    qa("build")
    qa("approve", "corpus/risks.md", *APPROVAL)
    qa("build")
    graph = folder / "index" / "encoders" / packaged_encoder().id / "model.onnx"
    graph.unlink()  # a link: what it points to serves other tests
    graph.write_bytes(b"no graph")
    for command in (("ask", "What is PMMA?"), ("verify",), ("rollback",)):
        code, out, err = qa(*command)
        assert (code, out) == (5, ""), command
        assert re.search(r"model\.onnx is damaged.*`qa build`", one_line(err)), command
    assert qa("generations")[0] == 0


def test_a_build_on_a_full_disk_ends_with_code_7_and_loses_nothing(qa: Run, folder: Path) -> None:
    qa("approve", "corpus/cement.md", *APPROVAL)
    qa("build")
    _, before, _ = qa("verify", "--json")
    long = "".join(f"Sentence {number} says that the cement hardens. " for number in range(60))
    (folder / "corpus" / "long.md").write_text(f"# A long page\n\n{long}\n", "utf-8")
    qa("approve", "corpus/long.md", *APPROVAL)
    code = "from resource import *; setrlimit(RLIMIT_FSIZE, (30_000,) * 2); from qa.cli import main; main()"
    result = subprocess.run([sys.executable, "-c", code, "build"], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 7, result.stderr
    last = result.stderr.splitlines()[-1]
    assert re.fullmatch(r"qa: .* cannot be (written|copied to .*): File too large\. Free .*space.*", last)
    assert qa("verify", "--json")[1] == before
    assert sorted(path.name for path in (folder / "index" / "generations").iterdir()) == [
        json.loads(before)["generation"]
    ]
    assert qa("build")[0] == 0
    assert json.loads(qa("verify", "--json")[1])["documents"] == 2


def test_a_build_whose_model_cannot_be_exported_ends_with_code_6_and_loses_nothing(
    qa: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untraceable(transformer: object, folder: Path) -> None:
        raise ValueError("unsupported operator")

    qa("approve", "corpus/cement.md", *APPROVAL)
    qa("build")
    before = qa("verify", "--json")[1], qa("ask", "What is PMMA?")[1]
    qa("approve", "corpus/risks.md", *APPROVAL)
    with monkeypatch.context() as patch:
        patch.setattr("qa.encoder.export._version", lambda package: "99")
        patch.setattr("qa.encoder.torch_runtime._export_graph", untraceable)
        code, out, err = qa("build")
    assert (code, out) == (6, "")
    assert re.search(r"cannot be exported: ValueError: unsupported operator\. Point QA_MODEL", one_line(err))
    assert (qa("verify", "--json")[1], qa("ask", "What is PMMA?")[1]) == before
    assert qa("build")[0] == 0
    assert json.loads(qa("verify", "--json")[1])["documents"] == 2


def test_a_build_says_which_generations_it_removed(qa: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_KEEP_GENERATIONS", "1")
    qa("approve", "corpus/cement.md", *APPROVAL)
    first = json.loads(qa("build", "--json")[1])
    assert first["pruned"] == {"generations": [], "problem": ""}
    qa("approve", "corpus/risks.md", *APPROVAL)
    code, out, _ = qa("build")
    assert code == 0
    assert f"Removed older generations: {first['generation']}." in out
    assert len(json.loads(qa("generations", "--json")[1])) == 1
    code, _, err = qa("rollback")
    assert (code, "no other generation" in one_line(err)) == (3, True)


def test_when_nothing_may_be_quoted_any_more_the_index_goes_out_of_service(qa: Run) -> None:
    qa("approve", "corpus/cement.md", *APPROVAL)
    qa("build")
    qa("withdraw", "corpus/cement.md", "--why", "wrong time")
    code, _, err = qa("build")
    assert code == 4
    assert "The index index was taken out of service." in one_line(err)
    code, out, err = qa("ask", "how long until the cement hardens?")
    assert (code, out) == (5, "")
    assert "out of service" in one_line(err)
    code, _, err = qa("build")
    assert (code, "is out of service already." in one_line(err)) == (4, True)


def test_when_only_headings_are_left_to_quote_the_index_goes_out_of_service_too(qa: Run, folder: Path) -> None:
    qa("approve", "corpus/cement.md", *APPROVAL)
    qa("build")
    (folder / "corpus" / "cement.md").write_text("# The bone cement\n", "utf-8")
    qa("approve", "corpus/cement.md", *APPROVAL)
    code, _, err = qa("build")
    assert code == 4
    assert re.search(r"headings only\. The index index was taken out of service\. Approve text\.", one_line(err))


def test_a_build_of_nothing_says_what_becomes_of_the_live_index(qa: Run, folder: Path) -> None:
    code, _, err = qa("build")
    assert (code, "No index is live in index." in one_line(err)) == (4, True)
    qa("approve", "corpus/cement.md", *APPROVAL)
    qa("build")
    (manifest,) = folder.glob("index/generations/*/manifest.json")
    manifest.write_bytes(b"damaged")
    qa("withdraw", "corpus/cement.md", "--why", "wrong time")
    code, _, err = qa("build")
    assert code == 4
    assert "was left as it is, and a server that has it open serves on" in one_line(err)
    assert "manifest.json is damaged" in err


def test_an_index_of_another_corpus_is_not_taken_out_of_service(qa: Run, folder: Path) -> None:
    qa("approve", "corpus/cement.md", *APPROVAL)
    qa("build")
    (folder / "other").mkdir()
    (folder / "other" / "page.md").write_text(RISKS, "utf-8")
    code, _, err = qa("build", "--corpus", "other")
    assert (code, "keeps serving: this register knows none of its documents." in one_line(err)) == (4, True)
    assert qa("verify")[0] == 0


def test_rollback_refuses_text_that_expires_by_now(qa: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    qa("approve", "corpus/risks.md", "corpus/cement.md", *APPROVAL)
    qa("build")
    qa("approve", "corpus/cement.md", *APPROVAL, "--expires-on", "2098-01-01")
    qa("build")
    code, _, err = qa("rollback")
    assert code == 2, "the older generation knows of no expiry and would quote the text for ever"
    assert "cement" in one_line(err)


def test_a_question_is_in_no_usage_error(qa: Run) -> None:
    for arguments in (("--my mother Jane Doe",), ("risk", "Jane Doe"), ("x", "--limit", "Jane Doe")):
        code, out, err = qa("ask", *arguments)
        assert code == 2
        assert "Jane" not in one_line(err) + out


def test_a_question_can_be_piped_in(qa: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    qa("approve", "corpus/cement.md", *APPROVAL)
    qa("build")
    monkeypatch.setattr("sys.stdin", io.StringIO("how long until the cement hardens?\n"))
    assert "10 minutes" in qa("ask", "-")[1]


def test_a_dry_run_shows_the_whole_text_when_asked(qa: Run, folder: Path) -> None:
    _, out, _ = qa("approve", "corpus/risks.md", *APPROVAL, "--dry-run", "--full")
    assert "| • Bone cement leaking out of place" in out
    assert [path.name for path in (folder / "corpus").iterdir() if path.name.startswith(".")] == []


def test_names_with_control_characters_and_hidden_files_are_refused(qa: Run, folder: Path) -> None:
    (folder / "corpus" / ".hidden.md").write_text(RISKS, "utf-8")
    assert qa("approve", "corpus/.hidden.md", *APPROVAL)[0] == 4
    assert qa("approve", "corpus/risks.md", *APPROVAL, "--title", "Risks\x1b[2J")[0] == 2


def test_a_linked_folder_is_named(qa: Run, folder: Path) -> None:
    (folder / "outside").mkdir()
    (folder / "corpus" / "linked").symlink_to(folder / "outside")
    assert "it is a folder that is linked" in qa("status")[1]


def test_a_reader_that_leaves_early_is_no_failure(folder: Path) -> None:
    code = "import sys; from qa.cli import main; sys.argv = ['qa', 'status', '--json']; main()"
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("nonsense",), 2, "qa --help"),
        (("ask", "x", "--nonsense"), 2, "qa ask --help"),
        (("ask",), 2, "qa ask --help"),
        (("ask", "x", "--limit", "many"), 2, "qa ask --help"),
        (("ask", "x"), 5, "qa build"),
        (("ask", ""), 2, "question"),
        (("ask", "x", "--audience", "everyone"), 2, "patient or staff"),
        (("approve", "corpus/risks.md", "--by", "x", "--audience", "patient", "--review-by", "soon"), 2, "YYYY-MM-DD"),
        (
            ("approve", "corpus/risks.md", "--by", "x", "--audience", "patient", "--review-by", "20991120"),
            2,
            "YYYY-MM-DD",
        ),
        (("approve", "corpus/risks.md", "--by", "x", "--audience", "patient", "--review-by", "2001-01-01"), 2, "past"),
        (("approve", "corpus/none.md", *APPROVAL), 4, "none.md"),
        (("approve", "corpus", *APPROVAL), 4, "corpus"),
        (("withdraw", "corpus/risks.md", "--why", "x"), 3, "qa status"),
        (("status", "--corpus", "nowhere"), 4, "--corpus"),
        (("status", "--register", "nowhere.toml"), 4, "qa approve"),
        (("build",), 4, "qa approve"),
        (("build", "--corpus", "nowhere"), 4, "--corpus"),
        (("show", "risks"), 5, "qa build"),
        (("verify",), 5, "qa build"),
        (("verify", "../../etc"), 3, "qa generations"),
        (("rollback",), 5, "qa build"),
        (("rollback", "0123456789abcdef"), 3, "qa generations"),
        (("serve", "--port", "99999"), 2, "port"),
        (("serve", "--host", "nowhere.invalid"), 2, "--host"),
    ],
)
def test_what_goes_wrong_is_one_line_that_says_what_to_do(
    qa: Run, arguments: tuple[str, ...], code: int, hint: str
) -> None:
    found, out, err = qa(*arguments)
    assert found == code
    assert hint in one_line(err)
    assert out == ""


def test_a_wrong_setting_is_named(qa: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_PASSAGE_WORDS", "many")
    code, _, err = qa("status")
    assert code == 2
    assert "passage_words" in one_line(err)


def test_every_command_explains_itself_with_an_example(qa: Run) -> None:
    names = [command.name for command in application().registered_commands]
    assert len(names) > 10
    for name in names:
        code, out, _ = qa(str(name), "--help")
        assert code == 0
        assert re.search(rf"Example: qa {name}\b", out), name
    assert qa() == qa("--help")


def test_help_loads_nothing_heavy() -> None:
    """Start-up time is that of what is imported."""
    heavy = {
        "torch",
        "faiss",
        "numpy",
        "pydantic_settings",
        "fastapi",
        "sentence_transformers",
        "onnxruntime",
        "tokenizers",
        "tantivy",
        "rich.table",
    }
    code = (
        "import sys; from qa.cli.application import run; run(['--help']); run(['ask', '--help']); run(['ask', '-x']);"
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def libraries_after(folder: Path, *commands: str) -> set[str]:
    """The libraries that run or export a model, and what these bring along, that commands loaded in one process."""
    watched = {
        "torch",
        "transformers",
        "sentence_transformers",
        "onnx",
        "scipy",
        "sklearn",
        "onnxruntime",
        "tokenizers",
    }
    code = (
        "import sys; from qa.cli.application import run; codes = [run(line.split()) for line in sys.argv[1:]];"
        f"print(*({watched!r} & set(sys.modules)), file=sys.stderr); sys.exit(max(codes))"
    )
    done = subprocess.run([sys.executable, "-c", code, *commands], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_building_and_asking_with_an_export_load_only_what_runs_it(qa: Run, folder: Path) -> None:
    qa("approve", "corpus/cement.md", *APPROVAL)
    assert libraries_after(folder, "build", "ask PMMA") == {"onnxruntime", "tokenizers"}


def test_commands_that_encode_nothing_load_no_model(qa: Run, folder: Path) -> None:
    qa("approve", "corpus/cement.md", *APPROVAL)
    qa("build")
    assert libraries_after(folder, "build", "verify", "generations", "status", "show cement") == set()


SERVED = """
import sys
from starlette.testclient import TestClient
from qa.api.app import create_app
from qa.search.engine import new_engine
from qa.settings import load_settings

settings = load_settings()
with TestClient(create_app(new_engine(settings), settings)) as client:
    answer = client.post("/v1/ask", json={"question": "What is PMMA?"})
    ready = client.get("/readyz").json()
print(answer.json()["outcome"], ready["status"])
print(*{"torch", "transformers", "sentence_transformers", "onnx", "scipy", "sklearn"} & set(sys.modules))
"""


def test_serving_an_index_and_answering_a_question_load_no_torch(qa: Run, folder: Path) -> None:
    qa("approve", "corpus/cement.md", *APPROVAL)
    qa("build")
    done = subprocess.run([sys.executable, "-c", SERVED], cwd=folder, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["answered ready", ""], done.stderr
