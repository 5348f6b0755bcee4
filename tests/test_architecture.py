"""The promises that the shape of the code makes: what may be where, how large, and called what.

The import contracts are in pyproject.toml and checked by lint-imports, which scripts/test runs.
"""

import ast
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qa import errors

ROOT = Path(__file__).resolve().parent.parent
QA = ROOT / "qa"
MODULES = sorted([*QA.rglob("*.py"), *(ROOT / "scripts").rglob("*.py")])
LAYOUT = {"qa", "corpus", "index", "scripts", "tests", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}

MODULE_LINES = 400
FUNCTION_LINES = 60
PARAMETERS = 6

NAMES_THAT_EXPLAIN_NOTHING = {"util", "utils", "helper", "helpers", "manager", "base", "common", "misc", "core"}
PICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
REGISTRY_HOST = re.compile(r"pypi\.org|pythonhosted\.org|pytorch\.org|anaconda\.org|npmjs\.(com|org)", re.IGNORECASE)
MACHINE_PATH = re.compile(r"(?<![\w.:/~-])(/(root|home|work|opt|Users)/\w|[A-Z]:\\Users\\)")

every_module = pytest.mark.parametrize("module", MODULES, ids=[str(module.relative_to(ROOT)) for module in MODULES])

Function = ast.FunctionDef | ast.AsyncFunctionDef


def nodes(module: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(module.read_text(encoding="utf-8"), module))


def lines_with(module: Path, *kinds: type[ast.stmt]) -> list[int]:
    return [node.lineno for node in nodes(module) if isinstance(node, kinds)]


def parameters(function: Function) -> list[str]:
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return [name for name in names if name not in {"self", "cls"}]


def tracked_files() -> list[Path]:
    """What is in git or about to be; without git, what is not hidden."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True) if (ROOT / ".git").exists() else None
    if listing is not None and listing.returncode == 0:
        found = (ROOT / name for name in listing.stdout.decode().split("\0") if name)
    else:
        found = (path for path in ROOT.rglob("*") if not hidden(path.relative_to(ROOT)))
    return sorted(path for path in found if path.is_file())


def hidden(path: Path) -> bool:
    """True for what tools leave behind and for the index that was built here."""
    if path.parts[0] == "index" and path != Path("index/README.md"):
        return True
    return any(part.startswith(".") or part == "__pycache__" or part.endswith(".egg-info") for part in path.parts)


@every_module
def test_a_module_fits_in_the_head(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES


@every_module
def test_a_function_fits_on_a_screen(module: Path) -> None:
    functions = [node for node in nodes(module) if isinstance(node, Function)]
    long = [f"{f.name}, line {f.lineno}" for f in functions if (f.end_lineno or 0) - f.lineno + 1 > FUNCTION_LINES]
    assert long == []


@every_module
def test_a_function_takes_at_most_six_parameters(module: Path) -> None:
    if module.is_relative_to(QA / "cli"):
        pytest.skip("a command has as many parameters as options")
    functions = [node for node in nodes(module) if isinstance(node, Function)]
    wide = [f"{f.name}, line {f.lineno}" for f in functions if len(parameters(f)) > PARAMETERS]
    assert wide == []


@every_module
def test_nothing_is_pickled(module: Path) -> None:
    found = []
    for node in nodes(module):
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").split(".")[0]}
        else:
            names = set()
        loads_torch = isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.load"
        allows = isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False"
        if names & PICKLES or loads_torch or allows:
            found.append(ast.unparse(node))
    assert found == []


@every_module
def test_an_invariant_is_not_left_to_assert_which_python_may_switch_off(module: Path) -> None:
    assert lines_with(module, ast.Assert) == []


@every_module
def test_no_except_catches_without_saying_what(module: Path) -> None:
    assert [n.lineno for n in nodes(module) if isinstance(n, ast.ExceptHandler) and n.type is None] == []


def test_a_module_is_named_after_what_it_is() -> None:
    named = {*MODULES, *(module.parent for module in MODULES)}
    assert [path for path in named if path.stem.lower().strip("_") in NAMES_THAT_EXPLAIN_NOTHING] == []


def test_the_top_level_holds_only_the_fixed_layout() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert {name for name in top if not name.startswith(".")} <= LAYOUT


def test_the_table_of_errors_is_true() -> None:
    row = re.compile(r"^([ │├└─]*)(\w+) +(\w+) +exit +(\d+) +HTTP (\d+)$", re.MULTILINE)
    documented = []
    ancestors: list[str] = []
    for branch, name, code, exit_code, status in row.findall(errors.__doc__ or ""):
        ancestors[len(branch) // 4 :] = [name]
        documented.append((tuple(ancestors), code, int(exit_code), int(status)))

    actual = [
        (tuple(c.__name__ for c in reversed(kind.__mro__) if issubclass(c, errors.ClinicQAError)), *facts(kind))
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ClinicQAError)
    ]
    assert sorted(documented) == sorted(actual)


def facts(kind: type[errors.ClinicQAError]) -> tuple[str, int, int]:
    return kind.code, kind.exit_code, kind.http_status


def test_no_two_errors_share_a_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert max(Counter(kind.__dict__["code"] for kind in kinds).values()) == 1


def test_no_file_names_a_registry_or_a_place_on_one_machine() -> None:
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if REGISTRY_HOST.search(line) or MACHINE_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []


def test_the_architecture_page_names_every_module() -> None:
    page = (QA / "ARCHITECTURE.md").read_text(encoding="utf-8")
    modules = [module.relative_to(QA) for module in QA.rglob("*.py") if module.name != "__init__.py"]
    shared = Counter(module.name for module in modules)
    names = [module.name if shared[module.name] == 1 else module.as_posix() for module in modules]
    assert [name for name in names if not re.search(rf"(?<![\w.-]){re.escape(name)}", page)] == []


def architecture_rows(first_cell: str) -> list[list[str]]:
    """The cells of those rows of the page's tables whose first cell is of this form."""
    page = (QA / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    return [row for row in rows if re.fullmatch(first_cell, row[0])]


def contract(identifier: str) -> dict[str, Any]:
    """An import contract of pyproject.toml."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    found: list[dict[str, Any]] = [each for each in tools["importlinter"]["contracts"] if each["id"] == identifier]
    return found[0]


def code_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_table_of_packages_is_the_import_contract() -> None:
    layers: dict[str, set[str]] = {}
    for layer, package, *_ in architecture_rows(r"\d+"):
        layers.setdefault(layer, set()).add(code_in(package)[0].split("/")[0].removesuffix(".py"))
    assert list(layers) == [str(number) for number in range(len(layers), 0, -1)], "from the top to the bottom"
    contracted = [{name.strip() for name in layer.split("|")} for layer in contract("layers")["layers"]]
    assert list(layers.values()) == contracted


def test_each_row_of_the_table_names_the_modules_of_its_package_once() -> None:
    documented: dict[Path, list[str]] = {}
    for _, package, _, modules in architecture_rows(r"\d+"):
        place = code_in(package)[0]
        folder = QA if place.endswith(".py") else QA / place
        names = [place] if place.endswith(".py") else [Path(name).name for name in code_in(modules)]
        documented.setdefault(folder, []).extend(names)
    actual: dict[Path, list[str]] = {}
    for module in QA.rglob("*.py"):
        if module.name != "__init__.py":
            actual.setdefault(module.parent, []).append(module.name)
    assert {folder: sorted(names) for folder, names in documented.items()} == {
        folder: sorted(names) for folder, names in actual.items()
    }


def test_the_table_of_libraries_is_the_import_contract() -> None:
    documented = set()
    for place, libraries in architecture_rows(r"`[\w/]+(/|\.py)`"):
        path = code_in(place)[0]
        name = f"{path}**" if path.endswith("/") else path.removesuffix(".py")
        documented |= {f"qa.{name.replace('/', '.')} -> {library}" for library in libraries.split(", ")}
    known = contract("libraries")
    assert documented == set(known["ignore_imports"])
    assert {entry.split(" -> ")[1] for entry in documented} == set(known["forbidden_modules"])
