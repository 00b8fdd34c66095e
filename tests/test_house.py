"""The house: imports go one way by floor, no section imports another, counting stays light."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import funnel_lib

PACKAGE = Path(funnel_lib.__file__).parent
# Each room may import itself and the rooms named here, nothing else of the library.
FLOORS = {
    "core": set(),
    "stats": {"core"},
    "engine": set(),
    "datasets": {"core"},
    "reading": {"core"},
    "counting": {"core", "stats"},
    "comparing": {"core", "stats", "counting"},
    "drawing": {"core", "stats"},
    "sections": {
        "core",
        "reading",
        "stats",
        "engine",
        "counting",
        "comparing",
        "drawing",
        "settings",
    },
    "settings": {"core"},
    "audit": {"core", "reading", "counting", "sections", "settings"},
    "reporting": {"core", "drawing", "sections", "settings", "audit"},
    "cli": {"core", "reading", "sections", "datasets", "settings", "audit", "reporting"},
    "__main__": {"cli"},
}
MOST_MODULES = 12  # of a room


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path, top_only: bool = False) -> tuple[str, ...]:
    """What of the library a module imports, as dotted names with the imported name at the end."""
    tree = parse(path)
    nodes = tree.body if top_only else ast.walk(tree)
    return tuple(
        f"{node.module}.{name.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("funnel_lib")
        for name in node.names
    )


def all_modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "notebooks" not in p.parts)


def place(path: Path) -> tuple[str, ...]:
    return path.relative_to(PACKAGE).with_suffix("").parts


@pytest.mark.parametrize("path", all_modules(), ids=lambda p: "/".join(place(p)))
def test_imports_go_one_way(path):
    room, *inside = place(path)
    if room == "__init__":
        return
    for name in imports(path):
        to, *deeper = name.split(".")[1:]
        assert to == room or to in FLOORS[room], f"{path}: {name} stands above"
        if room == to == "sections" and len(inside) > 1:
            assert deeper[0] in (inside[0], "section", "acts"), f"{path}: {name} is another section"


def test_every_room_has_a_floor_and_a_sentence_and_few_modules():
    for room in [p for p in PACKAGE.rglob("__init__.py") if p.parent != PACKAGE]:
        modules = [p for p in room.parent.glob("*.py") if p.name != "__init__.py"]
        assert len(modules) <= MOST_MODULES, room
        assert ast.get_docstring(ast.parse(room.read_text(encoding="utf-8"))), room
    there = {place(p)[0] for p in all_modules()} - {"__init__"}
    assert there <= {*FLOORS}


def test_a_room_imports_only_what_is_done_before_it():
    """No circles inside the library, modules taken one by one."""
    done, stack = set(), []

    def visit(path: Path):
        assert path not in stack, [place(p) for p in stack]
        if path in done:
            return
        stack.append(path)
        for name in imports(path, top_only=True):
            for target in (name, name.rpartition(".")[0]):
                file = PACKAGE.joinpath(*target.split(".")[1:]).with_suffix(".py")
                if file.is_file() and file != PACKAGE.with_suffix(".py"):
                    visit(file)
        stack.pop()
        done.add(path)

    for path in all_modules():
        visit(path)


def reach(path: Path, seen: set[Path]) -> set[str]:
    """Every module outside the library that a module imports when it is imported."""
    found = set()
    seen.add(path)
    for node in parse(path).body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        found |= {name.split(".")[0] for name in names}
    for name in imports(path, top_only=True):
        for target in (name, name.rpartition(".")[0]):
            file = PACKAGE.joinpath(*target.split(".")[1:]).with_suffix(".py")
            if file.is_file() and file not in seen:
                found |= reach(file, seen)
    return found


COUNTING = [p for p in all_modules() if place(p)[0] in ("core", "counting", "comparing", "stats")
            or (place(p)[0] == "sections" and place(p)[-1] == "count")]  # fmt: skip


@pytest.mark.parametrize("path", COUNTING, ids=lambda p: "/".join(place(p)))
def test_counting_needs_no_clustering_and_no_figures(path):
    assert not reach(path, set()) & {"sklearn", "matplotlib", "seaborn"}
    assert not [n for n in imports(path) if n.split(".")[1] in ("engine", "drawing", "locale")]


def test_the_engine_knows_arrays_only():
    for path in (PACKAGE / "engine").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
        assert not {"pandas", "matplotlib"} & {*named}, path


def test_what_is_declared_is_imported(root):
    """A dependency that nothing imports goes. Names of distributions that import as others."""
    imported = set().union(*(outside(path) for path in all_modules()))
    named = {"scikit-learn": "sklearn", "pyyaml": "yaml", "python-calamine": "python_calamine"}
    run = {"ipykernel", "jupyterlab"}  # programs, never imported
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for line in project["dependencies"]:
        name = Requirement(line).name.lower()
        assert named.get(name, name) in imported | run, name


def outside(path: Path) -> set[str]:
    """Every module outside the library that a module imports, wherever it does."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [a.name for n in nodes if isinstance(n, ast.Import) for a in n.names]
    names += [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)]
    engines = re.findall(r"engine=\"(\w+)\"", path.read_text(encoding="utf-8"))
    return {name.split(".")[0] for name in names} | {*engines}
