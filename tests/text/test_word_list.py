"""What is a word is known to be one, and which of them are names of medicines."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.word_list import ENGLISH, MEDICINES, has_medicine_stem, one_slip_from, packaged_word_list
from qa.text.words import singular
from tests.support.lexicons import word_list_of

ROOT = Path(__file__).resolve().parents[2]
FEW = word_list_of(["catheter", "bowel", "vowel", "café"], ["lisinopril", "cilazapril"])
PACKAGED = packaged_word_list()

words = st.text(st.characters(codec="utf-8"), max_size=40)


def test_a_word_is_held_as_it_is_and_in_the_plural() -> None:
    assert all(map(FEW.holds, ["catheter", "catheters", "bowels", "café", "lisinopril"]))
    assert not any(map(FEW.holds, ["cathetre", "Catheter", "cath", "catheter\n", "catheter\0", ""]))


def test_names_of_medicines_are_told_from_other_words() -> None:
    assert FEW.is_medicine("cilazapril")
    assert not FEW.is_medicine("catheter")
    assert FEW.medicine_names == ("cilazapril", "lisinopril")


def test_words_one_slip_away_are_found_in_both_files() -> None:
    assert FEW.one_slip_from("owel") == ("bowel", "vowel")
    assert FEW.one_slip_from("cathteer") == ("catheter",)
    assert FEW.one_slip_from("lisinopill") == ()
    assert FEW.one_slip_from("lisinoprill") == ("lisinopril",)


@pytest.mark.parametrize(
    ("typed", "slip"), [("ab", "b"), ("ab", "ba"), ("ab", "ax"), ("ab", "abc"), ("ab", "cab"), ("", "a")]
)
def test_one_slip_leaves_out_exchanges_replaces_or_puts_in(typed: str, slip: str) -> None:
    assert slip in one_slip_from(typed)
    assert typed not in one_slip_from(typed)


@pytest.mark.parametrize("word", ["bisoprolol", "enalaprils", "ketoconazole", "rituximab", "articaine"])
def test_an_international_name_of_a_medicine_is_known_by_its_end(word: str) -> None:
    assert has_medicine_stem(word)
    assert not has_medicine_stem("bandage")


@pytest.mark.parametrize(
    "word", ["ureteral", "urethral", "palpation", "haemorrhage", "hemorrhage", "laminectomy", "kidneys"]
)
def test_the_package_knows_everyday_and_medical_words_in_both_spellings(word: str) -> None:
    assert PACKAGED.holds(word)
    assert not PACKAGED.is_medicine(word)


@pytest.mark.parametrize("word", ["ramipril", "perindopril", "glimepiride", "xarelto", "humira"])
def test_the_package_knows_medicines_by_official_and_brand_names(word: str) -> None:
    assert PACKAGED.is_medicine(word)


@pytest.mark.parametrize("word", ["recieve", "seperate", "infecton", "bleding", "kyfoplasty", "mutiple"])
def test_common_misspellings_are_no_words(word: str) -> None:
    assert not PACKAGED.holds(word)


@given(words)
def test_any_text_may_be_looked_up(word: str) -> None:
    known = {"catheter", "bowel", "vowel", "café", "lisinopril", "cilazapril"}
    assert FEW.holds(word) == (not known.isdisjoint({word, singular(word)}))


def test_the_packaged_files_are_sorted_and_small() -> None:
    for name, least in ((ENGLISH, 120_000), (MEDICINES, 20_000)):
        data = (ROOT / "qa" / "text" / name).read_bytes()
        lines = gzip.decompress(data).split(b"\n")
        assert lines == sorted(set(lines))
        assert len(lines) > least
        assert len(data) < 500_000


def test_the_script_makes_the_same_files_from_the_same_sources(tmp_path: Path) -> None:
    counts = {"bowel": 900, "spine": 500, "volunteer": 200, "the": 9_999}
    (tmp_path / "en.json.gz").write_bytes(gzip.compress(json.dumps(counts).encode()))
    texts = ["The bowel, spine and duodenum. " * 250, "A duodenum, a spinee, a spinee, an ileum."]
    rows = [json.dumps({"_id": str(number), "title": "Gut", "text": text}) for number, text in enumerate(texts)]
    (tmp_path / "corpus.jsonl").write_text("\n".join(["", *rows]).strip(), "utf-8")
    table = ["Name\tTYPE\tUNII\tDisplay Name"]
    table += [
        f"{name}\t{kind}\tX\tX" for name, kind in [("ZOLPIDEM", "of"), ("VOLUNTEER", "bn"), ("AMBIEN [VANDF]", "bn")]
    ]
    table += ["ZOLPIDEM TARTRATE\tof\tX\tX", "SL-80.0750\tcd\tX\tX", "SOMNO\tcn\tX\tX"]
    (tmp_path / "names.txt").write_text("\n".join(table), "utf-8")
    made = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        command = [sys.executable, "-m", "scripts.make_word_list", "--english", str(tmp_path / "en.json.gz")]
        command += ["--medquad", str(tmp_path / "corpus.jsonl"), "--unii", str(tmp_path / "names.txt")]
        subprocess.run([*command, "--to", str(tmp_path / folder)], cwd=ROOT, check=True, capture_output=True)
        made.append([(tmp_path / folder / name).read_bytes() for name in (ENGLISH, MEDICINES)])
    assert made[0] == made[1]
    english, medicines = (gzip.decompress(data).decode().split("\n") for data in made[0])
    assert english == ["bowel", "duodenum", "spine", "volunteer"]
    assert medicines == ["ambien", "zolpidem"]
