"""How the command line starts and ends: the commands, and one line and one exit code for each error."""

import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer
from typer.exceptions import Abort, Exit, TyperException

from qa.cli import ask_commands, calibrate_command, corpus_commands, evaluate_command, index_commands, serve_command
from qa.errors import ClinicQAError, StorageFailed

INTERRUPTED = 130


def application() -> typer.Typer:
    """The command tree. Shell completion is left out: it would write into the user's files."""
    app = typer.Typer(
        name="qa",
        help="Answers questions by quoting text that the clinic approved, with a citation that can be checked.",
        epilog='Example: qa ask "how long until the cement hardens?"',
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    for commands in (corpus_commands, index_commands, ask_commands, evaluate_command, calibrate_command, serve_command):
        commands.add_commands(app)
    return app


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code; what went wrong is one line on standard error."""
    try:
        command = typer.main.get_command(application())
        result = command.main(list(arguments) or ["--help"], prog_name="qa", standalone_mode=False)
        sys.stdout.flush()
    except ClinicQAError as error:
        return _fail(str(error), error.exit_code)
    except TyperException as error:
        return _fail(f"{_usage_problem(error, arguments)} See `qa {_command(arguments)}--help`.", error.exit_code)
    except Exit as error:
        return error.exit_code
    except (Abort, KeyboardInterrupt):
        return _fail("Stopped.", INTERRUPTED)
    except (BrokenPipeError, SystemExit):
        # The reader left; typer and rich make a SystemExit of that. The flush at exit must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = error.filename or "A file"
        return _fail(f"{place}: {error.strerror}. Check it, then try again.", StorageFailed.exit_code)
    except Exception as error:
        if os.environ.get("QA_DEBUG"):
            raise
        return _fail(f"Fault {_place(error)}. Report it; QA_DEBUG=1 shows the traceback.", ClinicQAError.exit_code)
    return result if isinstance(result, int) else 0


def main() -> None:
    """The entry point of `qa`."""
    # Read when numpy, FAISS and torch are loaded, which is later. One question has no work for several threads: waiting
    # for each other, they would spin, at four times the processor time. Texts are embedded side by side instead.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character shows its code
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - closed by `>&-`
    sys.exit(run(sys.argv[1:]))


def _usage_problem(error: TyperException, arguments: Sequence[str]) -> str:
    """What is wrong with a command line. That of `ask` is not repeated: a part of it may be the question."""
    if arguments and arguments[0] == "ask":
        return "The options of `qa ask` are wrong: put the question in quotes, or write `-` and pipe it in."
    return error.format_message()


def _place(error: Exception) -> str:
    """Kind and place of an unforeseen error; its message could hold a question."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {Path(frames[-1].filename).name}:{frames[-1].lineno}"


def _fail(message: str, exit_code: int) -> int:
    line = " ".join(message.split())
    if line:
        print(f"qa: {line}", file=sys.stderr)
    return exit_code


def _command(arguments: Sequence[str]) -> str:
    """The command's name with a space, for the hint; empty when the first argument is not a command."""
    names = {command.name for command in application().registered_commands}
    return f"{arguments[0]} " if arguments and arguments[0] in names else ""
