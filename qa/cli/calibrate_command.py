"""`qa calibrate`: the confidence fitted to the clinic's own labelled questions."""

from pathlib import Path
from typing import Annotated

import typer

from qa.cli.options import CorpusOption, IndexOption, JsonOption, RegisterOption
from qa.cli.output import print_json, print_text


def add_commands(app: typer.Typer) -> None:
    app.command("calibrate", epilog="Example: qa calibrate questions.jsonl")(calibrate)


def calibrate(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="Labelled questions, as for `qa evaluate`.")],
    audience: Annotated[str, typer.Option("--audience", metavar="patient|staff", help="Who is asking.")] = "patient",
    corpus: CorpusOption = None,
    register_file: RegisterOption = None,
    index: IndexOption = None,
    json: JsonOption = False,
) -> None:
    """Fits confidence and thresholds to labelled questions, and writes CORPUS/calibration.json for the next build."""
    from qa import open_engine
    from qa.cli.locations import corpus_settings
    from qa.evaluation.calibrate import calibrate as calibrate_to
    from qa.evaluation.judging import load_questions
    from qa.records import checked_audience
    from qa.settings import today

    settings = corpus_settings(corpus, register_file, index)
    labelled = load_questions(questions)
    engine = open_engine(settings)
    fitted = calibrate_to(engine, labelled, checked_audience(audience), settings.corpus, today())
    threshold = fitted.calibration.threshold(settings.max_false_answer_rate)
    if json:
        print_json(fitted.calibration.as_json() | {"file": str(fitted.file)})
    else:
        print_text(
            f"Wrote {fitted.file} from {fitted.questions} questions: text is quoted from a confidence of "
            f"{threshold:.2f} on. Next: `qa build`."
        )
