"""`qa calibrate`: the confidence fitted to the clinic's own labelled questions."""

import json as json_format
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
    from qa.evaluation.judging import load_questions
    from qa.index.calibration import recalibrated
    from qa.index.manifest import CALIBRATION
    from qa.records import checked_audience
    from qa.settings import today
    from qa.storage.files import write_durably

    settings = corpus_settings(corpus, register_file, index)
    labelled = load_questions(questions)
    asking = checked_audience(audience)
    engine = open_engine(settings)
    rows = []
    for row in labelled:
        signals = engine.consider(row.question, asking).signals
        if signals:
            rows.append((signals, row.answer is not None))
    fitted = recalibrated(
        engine.searcher().generation.calibration, rows, f"qa calibrate, {len(rows)} questions, {today()}"
    )
    target = settings.corpus / CALIBRATION
    write_durably(target, (json_format.dumps(fitted.as_json(), indent=2) + "\n").encode("utf-8"))
    threshold = fitted.threshold(settings.max_false_answer_rate)
    if json:
        print_json(fitted.as_json() | {"file": str(target)})
    else:
        print_text(
            f"Wrote {target} from {len(rows)} questions: text is quoted from a confidence of {threshold:.2f} on. "
            "Next: `qa build`."
        )
