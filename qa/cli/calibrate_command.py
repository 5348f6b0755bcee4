"""`qa calibrate`: the confidence fitted to the clinic's own labelled questions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa.cli.options import AudienceOption, CorpusOption, IndexOption, JsonOption, RegisterOption
from qa.cli.output import print_json, print_table, print_text
from qa.errors import CheckFailed, InvalidRequest

if TYPE_CHECKING:
    from qa.evaluation.calibrate import Fitted, Recalibrated
    from qa.evaluation.cross_fitting import Mean, Standing
    from qa.evaluation.metrics import Rate

MORE = "Write more questions of both sorts, and look through their labels."


def add_commands(app: typer.Typer) -> None:
    app.command("calibrate", epilog="Example: qa calibrate questions.jsonl")(calibrate)


def calibrate(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="Labelled questions, as for `qa evaluate`.")],
    audience: AudienceOption = "patient",
    max_false_answer_rate: Annotated[
        float | None,
        typer.Option(
            "--max-false-answer-rate",
            metavar="X",
            help="The share of questions without an answer that may be answered all the same (0 to 1) "
            "[QA_MAX_FALSE_ANSWER_RATE].",
        ),
    ] = None,
    corpus: CorpusOption = None,
    register_file: RegisterOption = None,
    index: IndexOption = None,
    json: JsonOption = False,
) -> None:
    """Fits confidence and threshold to labelled questions, and writes CORPUS/calibration.json for the next build.

    Nothing is written, and the exit code is 1, where that would be no better on questions apart.
    """
    from qa import open_engine
    from qa.cli.locations import corpus_settings
    from qa.evaluation.calibrate import calibrate as calibrate_to
    from qa.evaluation.judging import load_questions
    from qa.records import checked_audience
    from qa.settings import today

    settings = corpus_settings(corpus, register_file, index)
    rate = settings.max_false_answer_rate if max_false_answer_rate is None else max_false_answer_rate
    if not 0 <= rate <= 1:
        raise InvalidRequest(f"--max-false-answer-rate {rate:g} is no share.", "Give a number from 0 to 1.")
    asked_as = checked_audience(audience)
    labelled = load_questions(questions)
    fitted = calibrate_to(open_engine(settings), labelled, asked_as, settings.corpus, today(), rate)
    if json:
        print_json(_as_json(fitted))
    else:
        _print_fitted(fitted)
    if fitted.file is None:
        raise CheckFailed("Nothing is written: on questions apart, nothing better was found than what is live.", MORE)


def _print_fitted(fitted: "Fitted") -> None:
    from qa.evaluation.cross_fitting import FOLDS

    result = fitted.result
    print_table(
        ("", "now", "fitted" if fitted.file else "tried"),
        [
            ("log loss", _mean(result.now.log_loss), _mean(result.fitted.log_loss)),
            ("expected calibration error", _rough(result.now.ece), _rough(result.fitted.ece)),
            ("answered, of the answerable", str(result.now.answered), str(result.fitted.answered)),
            ("answered falsely, of the others", str(result.now.false_answers), str(result.fitted.false_answers)),
        ],
    )
    print_text(
        "In brackets: 95 % intervals. On the right, no question is judged by a fit to itself: it is fitted to "
        f"{FOLDS - 1} folds of {FOLDS}, and judged on the other."
    )
    print_text(_about_the_scale(result))
    print_text(_about_the_threshold(result))
    print_text(_about_the_rate(result))
    if fitted.file:
        print_text(f"Wrote {fitted.file} from {fitted.questions} questions. Next: `qa build`.")


def _about_the_scale(result: "Recalibrated") -> str:
    scaling = result.scaling
    if scaling.scale == 1 and scaling.offset == 0:
        return "Scale and offset of the confidence stay: those that were fitted do no better."
    return f"The confidence's log-odds are scaled by {scaling.scale:g} and moved by {scaling.offset:+g}."


def _about_the_threshold(result: "Recalibrated") -> str:
    quoted = f"Text is quoted from a confidence of {result.threshold:.2f} on"
    was = f"the live threshold would be {result.same_as_now:.2f}"
    return {
        "certified": f"{quoted} ({was}).",
        "raised": f"{quoted} ({was}: the questions show that it lets through more than {_percent(result.rate)}).",
        "kept": f"{quoted}, which answers the same questions as now.",
    }[result.evidence]


def _about_the_rate(result: "Recalibrated") -> str:
    from qa.evaluation.metrics import trials_needed

    count, trials = result.false_answers
    shown = (
        f"of {trials} questions without an answer it answers {count}, so with 95 % confidence at most "
        f"{_percent(result.at_most)} of others."
    )
    if result.is_certified:
        return f"Certified at {_percent(result.rate)}: {shown}"
    needed = trials_needed(result.rate)
    if needed is None:
        return f"Not certified at 0 %, which no sample can show: {shown}"
    return (
        f"NOT certified at {_percent(result.rate)}: {shown} {needed} questions without an answer would certify it, if "
        "it answers none of them."
    )


def _as_json(fitted: "Fitted") -> dict[str, object]:
    from qa.evaluation.metrics import trials_needed

    result = fitted.result
    return result.calibration.as_json() | {
        "file": str(fitted.file) if fitted.file else None,
        "questions": fitted.questions,
        "scale": result.scaling.scale,
        "offset": result.scaling.offset,
        "max_false_answer_rate": result.rate,
        "threshold": result.threshold,
        "threshold_is": result.evidence,
        "certified": result.is_certified,
        "false_answers_at_most": result.at_most,
        "unanswerable_needed": trials_needed(result.rate),
        "before": _standing_json(result.now),
        "after": _standing_json(result.fitted),
    }


def _standing_json(standing: "Standing") -> dict[str, object]:
    return {
        "log_loss": _mean_json(standing.log_loss),
        "ece": _mean_json(standing.ece),
        "answered": _rate_json(standing.answered),
        "false_answers": _rate_json(standing.false_answers),
    }


def _mean_json(mean: "Mean") -> dict[str, object]:
    return {"value": mean.value, "n": mean.n, "low": mean.interval.low, "high": mean.interval.high}


def _rate_json(rate: "Rate") -> dict[str, object]:
    from qa.evaluation.metrics import interval

    low, high = interval(*rate)
    return {"value": rate.share, "count": rate.successes, "n": rate.trials, "low": low, "high": high}


def _mean(mean: "Mean") -> str:
    return f"{mean.value:.3f} ({mean.interval.low:.3f}–{mean.interval.high:.3f}), of {mean.n}"


def _rough(mean: "Mean") -> str:
    """A mean that says where it is of too few questions to be taken at its word."""
    from qa.evaluation.metrics import ROUGH_BELOW

    return f"{_mean(mean)}{', rough' if mean.n < ROUGH_BELOW else ''}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
