"""`qa evaluate`: the content editor's regression suite."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from qa.cli.options import AudienceOption, IndexOption, JsonOption
from qa.cli.output import print_json, print_table, print_text
from qa.errors import CheckFailed, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.evaluation.judging import Evaluation, Figures, JudgedQuestion, LabelledQuestion

EXCERPT_CHARACTERS = 80


class Limits(NamedTuple):
    """Shares in [0, 1] that must be kept, None where any will do; `certify` asks for 95 % confidence in the second."""

    min_hit3: float | None
    max_false_answers: float | None
    certify: bool


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
    certify: Annotated[
        bool,
        typer.Option("--certify", help="Hold --max-false-answers against what the share may be, with 95 % confidence."),
    ] = False,
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
    limits = Limits(min_hit3, max_false_answers, certify)
    _check_limits(labelled, limits)
    engine = open_engine(load_settings(index=index))
    evaluation = evaluate_questions(lambda question: engine.ask(question, asked_as, RANKS), labelled)
    if html is not None:
        html.write_bytes(render_report(evaluation, questions.name, asked_as).encode("utf-8", "replace"))
    if json:
        print_json(evaluation.as_json())
    else:
        _print_evaluation(evaluation)
    _check(evaluation.figures, limits)


def _check_limits(labelled: "Sequence[LabelledQuestion]", limits: Limits) -> None:
    """Raises InvalidRequest when a limit is not a share, or no question of the file could break it."""
    if limits.certify and limits.max_false_answers is None:
        raise InvalidRequest("--certify needs a limit.", "Pass --max-false-answers too, or leave it out.")
    answerable, unanswerable = (any((item.answer is None) is none for item in labelled) for none in (False, True))
    checked = (
        ("--min-hit3", limits.min_hit3, answerable, "with an answer"),
        ("--max-false-answers", limits.max_false_answers, unanswerable, "without an answer"),
    )
    for name, limit, is_measured, sort in checked:
        if limit is not None and not 0 <= limit <= 1:
            raise InvalidRequest(f"{name} {limit:g} is no share.", "Give a number from 0 to 1.")
        if limit is not None and not is_measured:
            raise InvalidRequest(f"{name} needs questions {sort}; the file has none.", "Add some, or leave it out.")


def _check(figures: "Figures", limits: Limits) -> None:
    """Raises CheckFailed, naming them, when figures don't keep their limits."""
    broken: list[str] = []
    hit3, false_answers = figures.hit_at_3, figures.false_answers
    if limits.min_hit3 is not None and hit3 is not None and hit3 < limits.min_hit3:
        broken.append(f"hit@3 is {_share(hit3)} ({figures.found} of {figures.answerable}), under {limits.min_hit3:g}")
    limit = limits.max_false_answers
    if limit is not None and false_answers is not None:
        falsely = f"false answers are {_share(false_answers)} ({figures.answered_falsely} of {figures.unanswerable})"
        if false_answers > limit:
            broken.append(f"{falsely}, over {limit:g}")
        elif limits.certify:
            broken += _uncertified(figures, limit, falsely)
    if broken:
        raise CheckFailed(f"{'; '.join(broken)}.", "The failures name the questions.")


def _uncertified(figures: "Figures", limit: float, falsely: str) -> list[str]:
    """Why a share of false answers that keeps its limit doesn't show that others will; nothing where it does."""
    from qa.evaluation.metrics import at_most, trials_needed

    bound = at_most(figures.answered_falsely, figures.unanswerable)
    if bound <= limit:
        return []
    needed = trials_needed(limit)
    more = f"with none false, {needed} questions without an answer show {limit:g}" if needed else "no sample shows 0"
    return [f"{falsely}, which may be up to {_share(bound)} with 95 % confidence, over {limit:g}: {more}"]


def _print_evaluation(evaluation: "Evaluation") -> None:
    from qa.evaluation.metrics import ROUGH_BELOW

    figures = evaluation.figures
    print_table(
        ("kind", "questions", "hit@1", "hit@3", "mrr", "answered", "false answers"),
        [_row(kind, counted) for kind, counted in (("all", figures), *evaluation.per_kind.items())],
    )
    print_text("In brackets: where the rate lies with 95 % confidence (Clopper–Pearson).")
    rough = ", so a rough figure" if figures.questions < ROUGH_BELOW else ""
    print_text(
        f"AUROC {_share(evaluation.auroc)} ({figures.answerable} answerable, {figures.unanswerable} unanswerable), "
        f"expected calibration error {_share(evaluation.ece)} (of {figures.questions}{rough})."
    )
    if evaluation.failures:
        print_text("")
        titles = ("id", "what went wrong", "question", "confidence", "rank", "closest", "score", "its text")
        print_table(titles, [_failure_row(judged) for judged in evaluation.failures])
    print_text(f"{len(evaluation.failures)} of {figures.questions} questions went wrong.")


def _row(kind: str, figures: "Figures") -> tuple[str, ...]:
    first, third, answered, falsely = map(str, figures.rates.values())
    return kind, str(figures.questions), first, third, _share(figures.mrr), answered, falsely


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
