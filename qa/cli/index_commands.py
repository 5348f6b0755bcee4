"""`qa build`, `qa verify`, `qa generations`, `qa rollback`: what the IT person runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa.cli.options import CorpusOption, IndexOption, JsonOption, RegisterOption
from qa.cli.output import embedding_progress, print_json, print_table, print_text

if TYPE_CHECKING:
    from qa.indexer.build import BuildReport


def add_commands(app: typer.Typer) -> None:
    app.command("build", epilog="Example: qa build --corpus corpus --index index")(build)
    app.command("verify", epilog="Example: qa verify")(verify)
    app.command("generations", epilog="Example: qa generations --json")(generations)
    app.command("rollback", epilog="Example: qa rollback 0f3a5c7e9b1d2f40")(rollback)


def build(
    corpus: CorpusOption = None,
    register_file: RegisterOption = None,
    index: IndexOption = None,
    json: JsonOption = False,
) -> None:
    """Builds the approved documents into a new generation and publishes it, embedding only what changed."""
    from qa.cli.locations import corpus_settings
    from qa.encoder.export import ExportingEncoders
    from qa.indexer.build import build_index
    from qa.settings import today

    settings = corpus_settings(corpus, register_file, index)
    encoders = ExportingEncoders(settings.index, settings.model)
    with embedding_progress() as progress:
        report = build_index(settings, encoders, today(), progress)
    if json:
        print_json(report)
    else:
        _print_report(report, settings.index)


def verify(
    generation: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A generation; the live one unless given.")
    ] = None,
    index: IndexOption = None,
    json: JsonOption = False,
) -> None:
    """Checks every checksum of a generation, and that each passage is a slice of text as it was approved."""
    from qa.encoder.store import verify_encoder
    from qa.index.generation import open_generation
    from qa.index.publication import live_id
    from qa.settings import load_settings

    settings = load_settings(index=index)
    opened = open_generation(settings.index, generation or live_id(settings.index))
    encoder = opened.manifest.recipe.encoder
    record = verify_encoder(settings.index, encoder)
    staff = opened.audiences["staff"]
    checked = {
        "generation": opened.id,
        "files": len(opened.manifest.files),
        "encoder": {"id": encoder.id, "files": len(record.files)},
        "documents": len(staff.documents),
        "passages": {name: len(audience.passages) for name, audience in opened.audiences.items()},
        "whole": True,
    }
    if json:
        print_json(checked)
    else:
        print_text(
            f"Generation {opened.id} is whole: {len(opened.manifest.files)} files match their checksums, "
            f"{len(staff.passages)} passages of {len(staff.documents)} documents are slices of approved text."
        )
        print_text(f"Encoder {encoder.id} is whole: {len(record.files)} files match their checksums.")


def generations(index: IndexOption = None, json: JsonOption = False) -> None:
    """Lists the generations on the disk, newest first, and which one is live."""
    from qa.indexer.rollback import list_generations
    from qa.settings import load_settings

    settings = load_settings(index=index)
    found = list_generations(settings.index)
    if json:
        print_json(found)
    elif not found:
        print_text(f"There is no generation in {settings.index}. Run `qa build`.")
    else:
        rows = [
            (
                item.id,
                "live" if item.live else "",
                item.built_at.isoformat() if item.built_at else "",
                str(item.documents),
                str(item.passages),
                item.problem or item.model,
            )
            for item in found
        ]
        print_table(("id", "", "built at", "documents", "passages", "model"), rows)


def rollback(
    generation: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The generation to publish; the previous one unless given.")
    ] = None,
    allow_withdrawn: Annotated[
        bool, typer.Option("--allow-withdrawn", help="Even if it quotes text that is no longer approved.")
    ] = False,
    corpus: CorpusOption = None,
    register_file: RegisterOption = None,
    index: IndexOption = None,
    json: JsonOption = False,
) -> None:
    """Publishes an older generation again, after checking that it is whole and still approved."""
    from qa.cli.locations import corpus_settings
    from qa.corpus.register import load_register
    from qa.indexer.rollback import roll_back
    from qa.settings import today

    settings = corpus_settings(corpus, register_file, index)
    entries = load_register(settings.register_path)
    opened = roll_back(settings.index, generation, entries, today(), allow_withdrawn=allow_withdrawn)
    if json:
        print_json({"generation": opened.id, "built_at": opened.manifest.built_at})
    else:
        print_text(f"Generation {opened.id}, built at {opened.manifest.built_at.isoformat()}, is live.")


def _print_report(report: "BuildReport", index: Path) -> None:
    for status in report.left_out:
        print_text(f"left out  {status.path}: {status.status.replace('_', ' ')}; {status.explanation}")
    state = "is live" if report.published else "was live already: nothing changed"
    print_text(
        f"{report.documents} documents, {len(report.left_out)} left out; {report.passages:,} passages and "
        f"{report.sentences:,} sentences ({report.embedded:,} texts embedded, {report.reused:,} reused); "
        f"{report.seconds:.1f} seconds."
    )
    print_text(f"Generation {report.generation} in {index} {state}.")
    if report.pruned.generations:
        print_text(f"Removed older generations: {', '.join(report.pruned.generations)}.")
    if report.pruned.problem:
        print_text(f"Older generations could not all be removed, the next build tries again: {report.pruned.problem}")
