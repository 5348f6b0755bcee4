"""What the pages say is true of the code: commands, settings, routes, errors, files, and every link between pages."""

import itertools
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import typer
from markdown_it import MarkdownIt
from markdown_it.token import Token

from qa import errors
from qa.api.app import create_app
from qa.cli.application import INTERRUPTED, application
from qa.corpus.formats import SUFFIXES
from qa.index import manifest
from qa.search.engine import new_engine
from qa.settings import NO_SETTINGS, PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
QA = ROOT / "qa"
HISTORY = {ROOT / "CHANGELOG.md", QA / "DECISIONS.md"}
"""Pages that may name what is gone."""
TERMINATED = 143
"""128 and the number of SIGTERM, which the shell makes of it."""
IS_OURS = re.compile(r"(qa|scripts|tests|\.github)/[\w./-]+")
IS_PYTHON = re.compile(r"[\w./-]+\.py")


def own_pages() -> list[Path]:
    """Every page in Markdown but those of the sample corpus, which are documents to be quoted."""
    found = [
        *ROOT.glob("*.md"),
        *(ROOT / ".github").rglob("*.md"),
        *QA.rglob("*.md"),
        *(ROOT / "scripts").rglob("*.md"),
    ]
    return sorted([*found, ROOT / "index" / "README.md"])


PAGES = own_pages()


def parametrized(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=[str(page.relative_to(ROOT)) for page in pages])


every_page = parametrized(PAGES)
every_page_of_today = parametrized([page for page in PAGES if page.name != "CHANGELOG.md"])


def text_of(*place: str) -> str:
    return ROOT.joinpath(*place).read_text("utf-8")


def tokens_of(page: Path) -> list[Token]:
    """The tokens of a page, with those of its lines among them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))
    return [each for token in tokens for each in (token, *(token.children or ()))]


def links_of(page: Path) -> Iterator[str]:
    """Where the links and pictures of a page lead, also those written as HTML."""
    for token in tokens_of(page):
        for name in ("href", "src"):
            target = token.attrs.get(name)
            if isinstance(target, str):
                yield target
        if token.type in {"html_inline", "html_block"}:
            yield from re.findall(r'(?:href|src)="([^"]+)"', token.content)


def anchors_of(page: Path) -> set[str]:
    """The ids of a page's headings, as GitHub makes them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))
    anchors: set[str] = set()
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            title = "".join(child.content for child in inline.children or () if child.type in {"text", "code_inline"})
            anchor = re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
            copies = (f"{anchor}-{number}" if number else anchor for number in range(len(tokens)))
            anchors.add(next(each for each in copies if each not in anchors))
    return anchors


def code_of(page: Path) -> list[str]:
    """What a page writes as code, within its lines or as lines of their own."""
    tokens = [token for token in tokens_of(page) if token.type in {"code_inline", "fence"}]
    return [line for token in tokens for line in token.content.splitlines()]


def rows_under(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    lines = text.splitlines()
    below = itertools.dropwhile(lambda line: not line.startswith("|"), lines[lines.index(heading) :])
    table = list(itertools.takewhile(lambda line: line.startswith("|"), below))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def in_code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@every_page
def test_every_link_to_a_file_or_a_heading_leads_there(page: Path) -> None:
    broken = []
    for link in links_of(page):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        lies_here = target.is_relative_to(ROOT) and target.exists()
        if not lies_here or (parts.fragment and parts.fragment not in anchors_of(target)):
            broken.append(link)
    assert broken == []


@every_page_of_today
def test_a_page_names_only_files_that_are_there(page: Path) -> None:
    words = [word.rstrip("…") for line in code_of(page) for word in line.split() if "format-N" not in word]
    paths = [word for word in words if IS_OURS.fullmatch(word) or IS_PYTHON.fullmatch(word)]
    modules = re.findall(r"python -m (scripts[\w.]*)", page.read_text("utf-8"))
    assert [path for path in paths if not is_there(path, page)] == []
    assert [module for module in modules if find_spec(module) is None] == []


def is_there(path: str, page: Path) -> bool:
    """A file is named from the project's folder, `qa/` or `scripts/`; one in the page's own folder by its name."""
    if any((place / path).exists() for place in (ROOT, QA, ROOT / "scripts")):
        return True
    return "/" not in path and any(page.parent.rglob(path))


@every_page
def test_a_page_names_only_commands_and_settings_that_are_there(page: Path) -> None:
    text = page.read_text("utf-8")
    commands = {name for code in code_of(page) for name in re.findall(r"^qa ([a-z]+)\b", code)}
    assert commands <= set(registered())
    if page not in HISTORY:
        variables = set(re.findall(r"\bQA_[A-Z0-9_]*[A-Z0-9]\b", text))
        assert variables <= {*NO_SETTINGS, *(PREFIX + name.upper() for name in Settings.model_fields)}


def registered() -> dict[str, Any]:
    """The commands by name, as the command line knows them."""
    group: Any = typer.main.get_command(application())
    found: dict[str, Any] = group.commands
    return found


def test_the_page_of_the_commands_lists_each_once() -> None:
    listed = [
        code for row in rows_under(text_of("qa", "cli", "README.md"), "# The command `qa`") for code in in_code(row[0])
    ]
    assert sorted(listed) == sorted(f"qa {name}" for name in registered())


@pytest.mark.parametrize("name", sorted(registered()))
def test_the_section_of_a_command_shows_its_arguments_and_options(name: str) -> None:
    shown = re.search(rf"^### qa {name}\n```\n(.*?)```", text_of("qa", "cli", "README.md"), re.DOTALL | re.MULTILINE)
    assert shown is not None
    command = registered()[name]
    options = [option for each in command.params for option in each.opts if option.startswith("--")]
    assert sorted(re.findall(r"--[\w-]+", shown[1])) == sorted(set(options) - {"--help"})
    required = {option for each in command.params if each.required for option in each.opts if option.startswith("--")}
    optional = re.findall(r"\[[^\]]*?(--[\w-]+)", shown[1])
    assert set(optional) == set(options) - required - {"--help"}
    arguments = [each for each in command.params if not any(option.startswith("-") for option in each.opts)]
    in_place = re.match(rf"qa {name}((?: (?!\[?--)\S+)*)", shown[1])
    assert in_place is not None
    assert len(in_place[1].split()) == len(arguments)


def test_the_exit_codes_are_those_of_the_errors() -> None:
    rows = rows_under(text_of("qa", "cli", "README.md"), "## Exit codes")
    documented = [int(code) for row in rows for code in row[0].split(", ")]
    assert documented == sorted({0, *(kind.exit_code for kind in error_kinds()), INTERRUPTED, TERMINATED})


def error_kinds() -> list[type[errors.ClinicQAError]]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, errors.ClinicQAError)]


def test_the_settings_are_those_of_the_code_with_their_defaults() -> None:
    documented = {}
    for variable, default, _ in rows_under(text_of("qa", "cli", "README.md"), "## Settings"):
        documented[in_code(variable)[0]] = "".join(in_code(default))
    assert documented == {
        f"{PREFIX}{name.upper()}": written(field.default) for name, field in Settings.model_fields.items()
    }


def written(default: object) -> str:
    """A default as one would write it in the environment; nothing where there is none."""
    if default is None:
        return ""
    return str(default) if isinstance(default, str | Path) else json.dumps(default)


def addresses(routes: Any) -> Iterator[str]:
    """The routes as "GET /path", those of included routers too; HEAD goes without saying."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            yield from addresses(router.routes)
        else:
            yield from (f"{method} {route.path}" for method in route.methods - {"HEAD"})


def test_the_routes_are_those_of_the_service(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path)
    app = create_app(new_engine(settings), settings)
    rows = rows_under(text_of("qa", "api", "README.md"), "# The HTTP service")
    documented = [address for row in rows for address in in_code(row[0])]
    assert sorted(documented) == sorted(addresses(app.routes))
    described = app.openapi()["paths"].values()
    responses = [response for path in described for method in path.values() for response in method["responses"].items()]
    codes = {
        (int(status), code)
        for status, response in responses
        if int(status) >= 400
        for code in response["content"]["application/json"]["examples"]
    }
    assert codes <= documented_errors()


def documented_errors() -> set[tuple[int, str]]:
    """Status and code of each error that the page of the service names."""
    rows = rows_under(text_of("qa", "api", "README.md"), "## Errors")
    return {(int(status), code) for status, codes, _ in rows for code in in_code(codes)}


def test_the_errors_of_the_service_have_the_statuses_of_the_tree() -> None:
    assert documented_errors() <= {(kind.http_status, kind.code) for kind in error_kinds()}


def test_the_formats_are_those_with_a_reader() -> None:
    rows = rows_under(text_of("qa", "corpus", "README.md"), "## Formats")
    assert {suffix for row in rows for suffix in in_code(row[0])} == SUFFIXES


def test_the_files_of_a_generation_are_those_that_a_build_writes() -> None:
    page = text_of("qa", "index", "README.md")
    rows = rows_under(page, "## Layout")
    files = vars_of(manifest.AudienceFiles.of("patient"))
    assert {name for row in rows for name in in_code(row[0])} == {
        manifest.MANIFEST,
        manifest.SYNONYMS,
        manifest.CALIBRATION,
        *files,
    }
    formats = [int(row[0]) for row in rows_under(page, "## Formats")]
    assert formats == list(range(manifest.FORMAT_VERSION, 0, -1))


def vars_of(files: manifest.AudienceFiles) -> list[str]:
    return [getattr(files, name) for name in files.__slots__]


def test_the_changelog_names_every_command_and_every_setting() -> None:
    changelog = text_of("CHANGELOG.md")
    wanted = [f"`qa {name}`" for name in registered()]
    wanted += [f"`{PREFIX}{name.upper()}`" for name in Settings.model_fields]
    assert [name for name in wanted if name not in changelog] == []
