"""Signals become a confidence by the weights of a file, and a false-answer rate the confidence that keeps it."""

import json
import math
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import InvalidSetting, InvalidSynonyms
from qa.index.calibration import PACKAGED, Calibration, read_calibration
from qa.index.manifest import CALIBRATION
from qa.index.publication import live_id
from qa.records import Signals
from tests.support.clinic import ALWAYS_ANSWERS, Clinic
from tests.support.clinic import CALIBRATION as TEST_CALIBRATION

NAMES = [field.name for field in fields(Signals)]
SIGNALS = Signals(**dict.fromkeys(NAMES, 0.5))
WHOLE = {"weights": {"topic": 2.0, "cosine": 1.0}, "bias": -1.5, "thresholds": [[0.05, 0.6], [0.1, 0.4]], "source": "x"}

cosines = st.floats(-1, 1)
signals = st.builds(Signals, *[cosines for _ in NAMES])


def written(folder: Path, content: object) -> Path:
    path = folder / "calibration.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_the_confidence_is_the_logistic_of_the_weighed_signals(tmp_path: Path) -> None:
    calibration = read_calibration(written(tmp_path, WHOLE))
    assert calibration.confidence(SIGNALS) == 0.5
    better = replace(SIGNALS, topic=1.0, cosine=0.7)
    assert calibration.confidence(better) == pytest.approx(1 / (1 + math.exp(-(2.0 + 0.7 - 1.5))))


@given(signals, st.sampled_from(NAMES), cosines)
def test_the_confidence_rises_with_every_signal_that_is_weighed(one: Signals, name: str, value: float) -> None:
    calibration = Calibration({name: 3.0}, -1.0, (), "")
    other = replace(one, **{name: value})
    rises = calibration.confidence(other) - calibration.confidence(one)
    assert rises * (value - getattr(one, name)) >= 0


@given(signals, st.dictionaries(st.sampled_from(NAMES), st.floats(-1e4, 1e4)), st.floats(-1e4, 1e4))
def test_a_confidence_lies_between_0_and_1_whatever_the_weights(
    one: Signals, weights: dict[str, float], bias: float
) -> None:
    assert 0.0 <= Calibration(weights, bias, (), "").confidence(one) <= 1.0


def test_the_packaged_calibration_can_be_read_and_does_not_reward_less_coverage() -> None:
    calibration = read_calibration(PACKAGED)
    worst, best = (Signals(**dict.fromkeys(NAMES, value)) for value in (0.0, 1.0))
    assert calibration.confidence(worst) < 0.5 < calibration.confidence(best)
    assert 0 < calibration.threshold(0.05) < 1


def test_the_threshold_is_the_least_that_keeps_the_rate(tmp_path: Path) -> None:
    calibration = read_calibration(written(tmp_path, WHOLE))
    assert calibration.threshold(0.05) == calibration.threshold(0.09) == 0.6
    assert calibration.threshold(0.1) == calibration.threshold(1.0) == 0.4
    assert calibration.threshold(0.04) == 1.0, "no rate as low was measured"


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1))), st.floats(0, 1), st.floats(0, 1))
def test_a_stricter_rate_never_has_a_lower_threshold(
    thresholds: list[tuple[float, float]], one: float, other: float
) -> None:
    calibration = Calibration({}, 0.0, tuple(thresholds), "")
    assert calibration.threshold(min(one, other)) >= calibration.threshold(max(one, other))


BROKEN: dict[str, object] = {
    "no JSON": "{",
    "nothing": "",
    "a list": [1],
    "null": None,
    "weights missing": {name: value for name, value in WHOLE.items() if name != "weights"},
    "bias missing": {name: value for name, value in WHOLE.items() if name != "bias"},
    "source missing": {name: value for name, value in WHOLE.items() if name != "source"},
    "weights as a list": WHOLE | {"weights": [1.0]},
    "a weight in words": WHOLE | {"weights": {"topic": "much"}},
    "a threshold alone": WHOLE | {"thresholds": [0.05]},
    "a threshold of three": WHOLE | {"thresholds": [[0.05, 0.5, 0.1]]},
    "a bias of null": WHOLE | {"bias": None},
    "an unknown signal": WHOLE | {"weights": {"mood": 1.0}},
    "a number too many digits": '{"bias": ' + "9" * 10_000 + "}",
    "a weight that is no number": '{"weights": {"topic": NaN}, "bias": 0, "thresholds": [], "source": "x"}',
    "an infinite bias": '{"weights": {}, "bias": Infinity, "thresholds": [], "source": "x"}',
    "too deep": "[" * 100_000,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_is_no_calibration_is_refused_by_name(tmp_path: Path, content: object) -> None:
    with pytest.raises(InvalidSetting, match=r"calibration\.json"):
        read_calibration(written(tmp_path, content))


def test_a_file_that_is_not_there_or_not_text_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"calibration\.json"):
        read_calibration(tmp_path / "calibration.json")
    (tmp_path / "calibration.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidSetting, match=r"calibration\.json"):
        read_calibration(tmp_path / "calibration.json")


def test_the_corpuss_own_calibration_goes_into_the_generation_as_it_is(clinic: Clinic) -> None:
    own = clinic.settings.corpus / CALIBRATION
    built = clinic.settings.index / "generations" / live_id(clinic.settings.index) / CALIBRATION
    assert built.read_bytes() == own.read_bytes() == json.dumps(TEST_CALIBRATION).encode()
    own.unlink()
    report = clinic.build()
    assert report.embedded == 0, "only the passages' texts and the model decide their vectors"
    assert (built.parent.parent / report.generation / CALIBRATION).read_bytes() == PACKAGED.read_bytes()


def test_another_calibration_is_another_generation_and_another_confidence(clinic: Clinic) -> None:
    question = "Which football team won?"
    before = clinic.engine().ask(question)
    assert before.outcome == "not_covered"
    written(clinic.settings.corpus, ALWAYS_ANSWERS)
    assert clinic.build().published
    after = clinic.engine().ask(question)
    assert after.outcome == "answered"
    assert after.generation != before.generation


def test_a_broken_calibration_or_file_of_synonyms_stops_the_build_and_leaves_the_live_generation(
    clinic: Clinic,
) -> None:
    before = live_id(clinic.settings.index)
    clinic.write("calibration.json", "{")
    with pytest.raises(InvalidSetting):
        clinic.build()
    clinic.write("calibration.json", json.dumps(ALWAYS_ANSWERS))
    clinic.write("synonyms.toml", "[[same]]\nwords = 3\n")
    with pytest.raises(InvalidSynonyms):
        clinic.build()
    assert live_id(clinic.settings.index) == before


@pytest.mark.parametrize(
    "change", [{"weights": {}}, {"thresholds": [[0.2, -5]]}, {"thresholds": [[2, 0.5]]}, {"bias": 10**400}]
)
def test_a_calibration_that_makes_no_sense_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    (tmp_path / "calibration.json").write_text(json.dumps(WHOLE | change), "utf-8")
    with pytest.raises(InvalidSetting):
        read_calibration(tmp_path / "calibration.json")
