"""`qa evaluate`: the content editor's regression suite."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa.cli.options import AudienceOption, IndexOption, JsonOption
from qa.cli.output import print_json, print_table, print_text
from qa.errors import CheckFailed, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.evaluation.judging import Evaluation, Figures, JudgedQuestion, LabelledQuestion

EXCERPT_CHARACTERS = 80


def add_commands(app: typer.Typer) -> None:
    app.command(
        "evaluate",
        epilog="Example: qa evaluate questions.jsonl --html report.html --min-hit3 0.95 --max-false-answers 0.1",
    )(evaluate)


def evaluate(
    questions: Annotated[
        Path,
        typer.Argument(
            metavar="QUESTIONS.jsonl",
            help="A JSON object a line: id, question, answer (a regular expression that the quote must match, or null "
            "if no approved text answers) and, if wanted, kind and document.",
        ),
    ],
    audience: AudienceOption = "patient",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a report with plots and misses.")
    ] = None,
    min_hit3: Annotated[
        float | None, typer.Option("--min-hit3", metavar="X", help="Fail if hit@3 is under X (0 to 1).")
    ] = None,
    max_false_answers: Annotated[
        float | None,
        typer.Option("--max-false-answers", metavar="X", help="Fail if the share of false answers is over X (0 to 1)."),
    ] = None,
    index: IndexOption = None,
    json: JsonOption = False,
) -> None:
    """Asks labelled questions and says how well they were answered; exit code 1 if a limit is not kept."""
    from qa import open_engine
    from qa.evaluation.judging import RANKS, load_questions
    from qa.evaluation.judging import evaluate as evaluate_questions
    from qa.evaluation.report import render_report
    from qa.records import checked_audience
    from qa.settings import load_settings

    asked_as = checked_audience(audience)
    labelled = load_questions(questions)
    _check_limits(labelled, min_hit3, max_false_answers)
    engine = open_engine(load_settings(index=index))
    evaluation = evaluate_questions(lambda question: engine.ask(question, asked_as, RANKS), labelled)
    if html is not None:
        html.write_bytes(render_report(evaluation, questions.name, asked_as).encode("utf-8", "replace"))
    if json:
        print_json(evaluation.as_json())
    else:
        _print_evaluation(evaluation)
    _check(evaluation.figures, min_hit3, max_false_answers)


def _check_limits(
    labelled: "Sequence[LabelledQuestion]", min_hit3: float | None, max_false_answers: float | None
) -> None:
    """Raises InvalidRequest when a limit is not a share, or no question of the file could break it."""
    limits = (
        ("--min-hit3", min_hit3, any(item.answer is not None for item in labelled), "with an answer"),
        ("--max-false-answers", max_false_answers, any(item.answer is None for item in labelled), "without an answer"),
    )
    for name, limit, is_measured, sort in limits:
        if limit is not None and not 0 <= limit <= 1:
            raise InvalidRequest(f"{name} {limit:g} is no share.", "Give a number from 0 to 1.")
        if limit is not None and not is_measured:
            raise InvalidRequest(f"{name} needs questions {sort}; the file has none.", "Add some, or leave it out.")


def _check(figures: "Figures", min_hit3: float | None, max_false_answers: float | None) -> None:
    """Raises CheckFailed, naming them, when figures don't keep their limits."""
    broken: list[str] = []
    hit3, false_answers = figures.hit_at_3, figures.false_answers
    if min_hit3 is not None and hit3 is not None and hit3 < min_hit3:
        broken.append(f"hit@3 is {_share(hit3)} ({figures.found} of {figures.answerable}), under {min_hit3:g}")
    if max_false_answers is not None and false_answers is not None and false_answers > max_false_answers:
        falsely = f"{figures.answered_falsely} of {figures.unanswerable}"
        broken.append(f"false answers are {_share(false_answers)} ({falsely}), over {max_false_answers:g}")
    if broken:
        raise CheckFailed(f"{'; '.join(broken)}.", "The failures name the questions.")


def _print_evaluation(evaluation: "Evaluation") -> None:
    kinds = (("all", evaluation.figures), *evaluation.per_kind.items())
    print_table(
        ("kind", "questions", "hit@1", "hit@3", "mrr", "answered", "false answers"),
        [_row(kind, figures) for kind, figures in kinds],
    )
    print_text(f"AUROC {_share(evaluation.auroc)}, expected calibration error {_share(evaluation.ece)}.")
    if evaluation.failures:
        print_text("")
        titles = ("id", "what went wrong", "question", "confidence", "rank", "closest", "score", "its text")
        print_table(titles, [_failure_row(judged) for judged in evaluation.failures])
    print_text(f"{len(evaluation.failures)} of {evaluation.figures.questions} questions went wrong.")


def _row(kind: str, figures: "Figures") -> tuple[str, ...]:
    shares = (figures.hit_at_1, figures.hit_at_3, figures.mrr, figures.answered_share, figures.false_answers)
    return kind, str(figures.questions), *map(_share, shares)


def _failure_row(judged: "JudgedQuestion") -> tuple[str, ...]:
    labelled, first = judged.labelled, judged.first
    shown = (first.citation.document_id, f"{first.score:.2f}", _excerpt(first.text)) if first else ("", "", "")
    return (
        labelled.id,
        f"{judged.problem}{' but answered' if judged.problem == 'missed' and judged.answered else ''}",
        _excerpt(labelled.question),
        f"{judged.confidence:.2f}",
        str(judged.rank or "–"),
        *shown,
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _excerpt(text: str) -> str:
    """The beginning of a text on one line, without control characters, which a terminal would obey."""
    line = "".join(character if character.isprintable() else " " for character in text[: EXCERPT_CHARACTERS + 1])
    return f"{line[:EXCERPT_CHARACTERS]}…" if len(line) > EXCERPT_CHARACTERS else line
