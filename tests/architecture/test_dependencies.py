"""The dependency rule: who may import whom, read from the source without running it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "layers" / "lead_scoring" / "lead_scoring"
FOUNDATION = {
    "errors",
    "settings",
    "entities",
    "alerting",
    "embedded_metrics",
    "hashing",
    "experiments",
    "garbage",
    "ports",
    "time_zones",
}
# What each of the outer rings may load besides the foundation and the standard library.
LIBRARIES = {
    "api": {"chalice", "pydantic"},
    "adapters": {"botocore", "numpy", "pynamodb", "scipy", "sklearn", "xgboost"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(module: Path) -> str:
    return ".".join(module.relative_to(PACKAGE).with_suffix("").parts)


def imports(source: Path) -> Iterator[str]:
    """Every import at run time as an absolute name, those inside functions too."""
    inside = source.is_relative_to(PACKAGE)
    package = ["lead_scoring", *source.relative_to(PACKAGE).parent.parts] if inside else []
    for node in running(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield stem
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from running(child)


def own(module: Path) -> set[str]:
    """The modules of this package that a module imports, without the package's name."""
    names = {name.removeprefix("lead_scoring.") for name in imports(module)}
    return {name for name in names if is_module(name)}


def is_module(name: str) -> bool:
    path = PACKAGE.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def libraries(module: Path) -> set[str]:
    roots = {name.partition(".")[0] for name in imports(module)}
    return roots - {"lead_scoring"} - set(sys.stdlib_module_names)


def ring(module: Path) -> str:
    first = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if first in LIBRARIES or first in FOUNDATION or first in ("bootstrap", "__init__"):
        return "foundation" if first in FOUNDATION else first
    return "domain"


@pytest.mark.parametrize("module", modules(), ids=name_of)
def test_a_module_imports_only_what_its_ring_may(module: Path) -> None:
    imported, kind = {name.partition(".")[0] for name in own(module)}, ring(module)

    if kind in ("foundation", "__init__"):
        assert imported <= FOUNDATION
        assert libraries(module) == set()
    elif kind in LIBRARIES:
        assert imported <= FOUNDATION | {kind}
        assert libraries(module) <= LIBRARIES[kind]
    elif kind == "domain":
        assert not imported & {"api", "adapters", "bootstrap"}
        assert libraries(module) <= {"numpy"}
    else:
        assert libraries(module) == set()


def test_no_two_modules_import_each_other() -> None:
    graph = {name_of(module): own(module) for module in modules()}
    graph = {name.removesuffix(".__init__"): imported for name, imported in graph.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a cycle: {' -> '.join((*path, name))}"
        if name in done:
            return
        for imported in graph.get(name, set()) - {name}:
            visit(imported, (*path, name))
        done.add(name)

    for name in graph:
        visit(name, ())

    assert done >= set(graph)


@pytest.mark.parametrize(
    "app", sorted(PROJECT.glob("functions/*/app.py")), ids=lambda app: app.parent.name
)
def test_a_function_imports_chalice_the_api_and_bootstrap_only(app: Path) -> None:
    allowed = ("chalice.", "lead_scoring.api.", "lead_scoring.bootstrap")

    strangers = {
        name
        for name in imports(app)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not f"{name}.".startswith(allowed)
    }

    assert strangers <= {"lead_scoring"}


def test_each_library_of_a_layer_is_imported_and_each_import_is_in_a_layer() -> None:
    declared = {
        line.partition("==")[0].lower()
        for layer in ("runtime", "training")
        for line in (PROJECT / "layers" / layer / "requirements.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    imported = set().union(*(libraries(module) for module in modules()))
    distribution = {"sklearn": "scikit-learn", "xgboost": "xgboost-cpu", "botocore": "boto3"}

    # chalice is added to the layer by its Makefile, without its dependencies.
    assert {distribution.get(name, name) for name in imported} - {"chalice"} == declared
