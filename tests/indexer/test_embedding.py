"""A build encodes what the live generation does not hold, and what it takes over is the same to the bit."""

from pathlib import Path

from qa.encoder.export import ExportingEncoders
from qa.index.generation import open_generation
from qa.index.publication import live_id
from tests.support.clinic import CEMENT, Clinic

CHANGED = CEMENT.replace("about 10 minutes", "about 11 minutes")


def array_files(clinic: Clinic) -> dict[str, bytes]:
    folder = clinic.settings.index / "generations" / live_id(clinic.settings.index)
    suffixes = (".faiss", ".npy")
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.suffix in suffixes}


def test_one_changed_sentence_encodes_its_passage_and_nothing_else(clinic: Clinic) -> None:
    clinic.add("cement.md", CHANGED)
    clinic.encoder.encoded.clear()
    seen: list[tuple[int, int]] = []
    report = clinic.build(lambda done, total: seen.append((done, total)))
    assert (report.embedded, report.reused) == (1, report.passages - 1)
    assert seen == [(0, 1), (1, 1)]
    assert clinic.encoder.encoded == [
        "The bone cement. The bone cement hardens in about 11 minutes. You lie face down until then.",
    ]


def test_what_is_taken_over_is_bit_for_bit_what_a_fresh_build_makes(clinic: Clinic) -> None:
    clinic.add("cement.md", CHANGED)
    clinic.add("a-first.md", "# First\n\nThis page comes first. It moves all the others.\n")
    assert clinic.build().reused > 0
    fresh = clinic.elsewhere("fresh")
    assert fresh.build().reused == 0
    assert array_files(fresh) == array_files(clinic)
    assert len(array_files(clinic)) == 8


def test_a_passage_that_stands_in_two_documents_of_one_title_is_encoded_once(empty_clinic: Clinic) -> None:
    empty_clinic.add("one.md", CEMENT)
    empty_clinic.add("other.md", CEMENT)
    report = empty_clinic.build()
    assert (report.passages, report.embedded) == (4, 2)
    staff = open_generation(empty_clinic.settings.index, report.generation).audiences["staff"]
    assert staff.vectors.vectors_of([0]).tobytes() == staff.vectors.vectors_of([2]).tobytes()
    first, again = (staff.tokens.of(number, staff.sentence_numbers(number)) for number in (0, 2))
    assert (first.rows.tobytes(), first.sentence_starts) == (again.rows.tobytes(), again.sentence_starts)


def test_a_passage_that_moves_to_another_audience_is_not_encoded_again(clinic: Clinic) -> None:
    clinic.approve("cement.md", "staff")
    assert clinic.build().embedded == 0
    clinic.approve("cement.md", "patient")
    assert clinic.build().embedded == 0


def test_new_synonyms_or_another_calibration_encode_nothing(clinic: Clinic) -> None:
    before = array_files(clinic)
    clinic.write("synonyms.toml", '[[same]]\nwords = ["PMMA", "bone glue"]\n')
    report = clinic.build()
    assert (report.embedded, report.published) == (0, True)
    (clinic.settings.corpus / "calibration.json").unlink()
    assert clinic.build().embedded == 0
    assert array_files(clinic) == before


def test_a_passage_without_any_token_is_kept_in_its_place(empty_clinic: Clinic) -> None:
    empty_clinic.add("odd.md", "# Signs\n\n👍 ‼\n\n## Words\n\nThe cement hardens.\n")
    report = empty_clinic.build()
    staff = open_generation(empty_clinic.settings.index, report.generation).audiences["staff"]
    assert len(staff.tokens) == len(staff.passages) == 2
    (quote, *_) = empty_clinic.engine().ask("The cement hardens").quotes
    assert quote.text == "The cement hardens."


def test_with_the_real_model_too_step_by_step_or_at_once_is_the_same_to_the_bit(
    empty_clinic: Clinic, exported: Path
) -> None:
    empty_clinic.encoder = ExportingEncoders(exported, None)  # type: ignore[assignment]
    empty_clinic.add("cement.md", CEMENT)
    empty_clinic.build()
    empty_clinic.add("cement.md", CHANGED)
    empty_clinic.add("a-first.md", "# First\n\nThis page comes first, and is longer than the others on purpose.\n")
    assert empty_clinic.build().reused == 1
    fresh = empty_clinic.elsewhere("fresh")
    assert fresh.build().reused == 0
    assert array_files(fresh) == array_files(empty_clinic)
