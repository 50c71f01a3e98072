"""Flight code as it is frozen into an image: constants of other modules become numbers where they are used.

MicroPython's compiler puts a `const` into the bytecode only within its own module; imported, it costs a look-up at
every use and two words of RAM in every importer. Here each use of an imported integer constant is replaced by its
value, and, for the flight image, the definitions go too. Imports that serve annotations alone are left out. Line
numbers stay, so tracebacks mean the files in the repository.

The mission's modules, which import from the flight package, are treated the same way; their own definitions stay. The
flight image has only those apps and device drivers that its mission names, and what they import; and names of the
dictionary (`ids.NAME`) are numbers there, so that only those stay that are asked for by names put together.

Run by the firmware's build: ``python -m perilune.frozen SOURCE TARGET [--strip] [--mission FOLDER]``.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from perilune.dictionary.generate import ASKED

PACKAGE = "flight"
# The board has the C module of this name; the twin has the same constants and stays out of images.
C_CODEC = "perilune_codec"
TWIN = "flight.codec.twin"
LEFT_OUT = {TWIN}
# Folders of the package whose modules are for missions that name them, and the workstation's hardware, for nobody.
BY_MISSION = (f"{PACKAGE}.app.", f"{PACKAGE}.device.", f"{PACKAGE}.hal.host")

Constants = dict[str, dict[str, int]]  # module -> name -> value
IDS = "mission_ids.py"
FILES_KEPT = 512  # more than a package and a mission have


@lru_cache(FILES_KEPT)
def _parsed(text: str) -> ast.Module:
    """The tree of a file; nobody changes it."""
    return ast.parse(text)


@lru_cache(FILES_KEPT)
def _nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """All of its nodes; each rule looks at them."""
    return tuple(ast.walk(tree))


def module_name(path: Path, root: Path) -> str:
    """Dotted name of the file *path*; *root* is the folder of the package."""
    parts = (root.name, *path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def source_of(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    """Dotted name of the module that *node* imports from."""
    if not node.level:
        return node.module or ""
    base = module.split(".")
    base = base[: len(base) - node.level + (1 if is_package else 0)]
    return ".".join([*base, *([node.module] if node.module else [])])


def _definitions(tree: ast.Module) -> Iterator[ast.Assign]:
    """Assignments at the top of a module whose one target is a name in capitals."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id.lstrip("_").isupper() and not target.id.startswith("_"):
                yield node


def _bound(tree: ast.Module) -> set[str]:
    """Names that something else than an import or one assignment at the top binds: these are no constants."""
    stores = [node.id for node in _nodes(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)]
    arguments = {node.arg for node in _nodes(tree) if isinstance(node, ast.arg)}
    once = {node.targets[0].id for node in _definitions(tree) if isinstance(node.targets[0], ast.Name)}
    return arguments | {name for name in stores if stores.count(name) > 1 or name not in once}


def constants_of(trees: dict[str, tuple[ast.Module, bool]]) -> Constants:
    """Every public integer constant of every module. The modules are imported to know the values."""
    found: Constants = {}
    for module, (tree, _) in trees.items():
        names = [node.targets[0].id for node in _definitions(tree) if isinstance(node.targets[0], ast.Name)]
        if not names:
            continue
        values = vars(importlib.import_module(module))
        bound = _bound(tree)
        # By type and not isinstance: True is no number here.
        found[module] = {name: values[name] for name in names if type(values[name]) is int and name not in bound}
    found[f"{PACKAGE}.codec"] = found[C_CODEC] = found.get(TWIN, {})
    # What a module imports can be had from it too; two rounds reach what is handed on twice.
    for _ in range(2):
        for module, (tree, is_package) in trees.items():
            for node in _nodes(tree):
                if isinstance(node, ast.ImportFrom):
                    known = found.get(source_of(node, module, is_package), {})
                    handed_on = {
                        alias.asname or alias.name: known[alias.name] for alias in node.names if alias.name in known
                    }
                    found[module] = handed_on | found.get(module, {})
    return found


def _for_annotations_alone(tree: ast.Module) -> set[str]:
    """Names that stand in annotations and nowhere else; the board does not evaluate annotations."""
    annotations = [node.annotation for node in _nodes(tree) if isinstance(node, (ast.arg, ast.AnnAssign))]
    annotations += [node.returns for node in _nodes(tree) if isinstance(node, ast.FunctionDef)]
    inside = [node for root in annotations if root is not None for node in ast.walk(root) if isinstance(node, ast.Name)]
    everywhere = [node.id for node in _nodes(tree) if isinstance(node, ast.Name)]
    names = [node.id for node in inside]
    return {name for name in names if everywhere.count(name) == names.count(name)}


def _is_ids(node: ast.expr) -> bool:
    """Are these the names of the dictionary: `ids`, `core.ids`?"""
    return (isinstance(node, ast.Name) and node.id == "ids") or (isinstance(node, ast.Attribute) and node.attr == "ids")


def _names(text: str) -> dict[str, int]:
    """Names and numbers of mission_ids.py."""
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in _parsed(text).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


class Inliner:
    """Rewrites one module. ids: names of the dictionary that become numbers."""

    def __init__(
        self,
        module: str,
        is_package: bool,
        text: str,
        constants: Constants,
        strip: bool,
        ids: dict[str, int] | None = None,
    ) -> None:
        self._ids = ids or {}
        self._module = module
        self._is_package = is_package
        self._tree = _parsed(text)
        self._annotations = _for_annotations_alone(self._tree)
        self._lines = text.encode().splitlines(keepends=True)
        self._constants = constants
        self._strip = strip
        self._edits: list[tuple[int, int, int, int, bytes]] = []

    def run(self) -> str:
        """The text with the constants in it, line by line where it was."""
        values: dict[str, int] = {}
        bound = _bound(self._tree)
        for node in _nodes(self._tree):
            # The codec's names are looked up in flight.codec by tests on a board: there they stay in the dev image.
            if isinstance(node, ast.ImportFrom) and (self._strip or self._module != f"{PACKAGE}.codec"):
                values |= self._import(node, bound)
        if self._strip:
            own = self._constants.get(self._module, {})
            values |= own
            for definition in _definitions(self._tree):
                if isinstance(definition.targets[0], ast.Name) and definition.targets[0].id in own:
                    self._replace(definition, "")
        statements = list(self._edits)
        for node in _nodes(self._tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in values:
                number = values[node.id]
                if not any(self._inside(node, edit) for edit in statements):
                    self._replace(node, str(number) if number >= 0 else f"({number})")
            elif isinstance(node, ast.Attribute) and _is_ids(node.value) and node.attr in self._ids:
                self._replace(node, str(self._ids[node.attr]))
        return self._apply()

    def _inside(self, node: ast.expr, edit: tuple[int, int, int, int, bytes]) -> bool:
        return (edit[0], edit[1]) <= (node.lineno, node.col_offset) < (edit[2], edit[3])

    def _import(self, node: ast.ImportFrom, bound: set[str]) -> dict[str, int]:
        """Take the constants out of an import; their local names and values."""
        known = self._constants.get(source_of(node, self._module, self._is_package), {})
        taken: dict[str, int] = {}
        kept = []
        for alias in node.names:
            local = alias.asname or alias.name
            if alias.name in known and local not in bound:
                taken[local] = known[alias.name]
            elif local not in self._annotations:
                kept.append(f"{alias.name} as {alias.asname}" if alias.asname else alias.name)
        if len(kept) < len(node.names):
            dots = "." * node.level + (node.module or "")
            self._replace(node, f"from {dots} import {', '.join(kept)}" if kept else "pass")
        return taken

    def _replace(self, node: ast.stmt | ast.expr, text: str) -> None:
        assert node.end_lineno is not None and node.end_col_offset is not None
        self._edits.append((node.lineno, node.col_offset, node.end_lineno, node.end_col_offset, text.encode()))

    def _apply(self) -> str:
        lines = list(self._lines)
        for first, start, last, end, text in sorted(self._edits, reverse=True):
            tail = lines[last - 1][end:]
            lines[first - 1] = lines[first - 1][:start] + text + (tail if first == last else b"\n")
            for number in range(first, last):
                # What stood behind the statement on its last line (a comment) goes with it.
                lines[number] = b"\n"
        return b"".join(lines).decode()


def _imported(module: str, is_package: bool, tree: ast.Module) -> Iterator[str]:
    """Every module that *module* may import, and the packages around them."""
    for node in _nodes(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = source_of(node, module, is_package)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[: n + 1]) for n in range(len(parts)))


def unnamed(texts: dict[str, tuple[Path, str]], mission: Iterable[str]) -> set[str]:
    """Apps and drivers among the modules *texts* that neither the program nor the texts of the *mission* import."""
    imports = {
        module: set(_imported(module, path.name == "__init__.py", _parsed(text)))
        for module, (path, text) in texts.items()
    }
    optional = {module for module in texts if module.startswith(BY_MISSION)}
    wanted: set[str] = set()
    found = {name for module in texts.keys() - optional for name in imports[module]}
    found |= {name for text in mission for name in _imported("", False, _parsed(text))}
    while found - wanted:
        wanted |= found
        found = {name for module in wanted & imports.keys() for name in imports[module]}
    return optional - wanted


def freeze(source: Path, target: Path, strip: bool, mission: Path | None = None) -> list[Path]:
    """Write the package *source* as it is frozen into *target*, and the modules in the folder *mission* beside it.

    Returns what was written; files that are as they were stay.
    """
    paths = sorted(source.rglob("*.py"))
    texts = {module_name(path, source): (path, path.read_text(encoding="utf-8")) for path in paths}
    # main and hal/board exist on the board only; nobody imports their constants.
    trees = {
        module: (_parsed(text), path.name == "__init__.py")
        for module, (path, text) in texts.items()
        if module not in {f"{PACKAGE}.main", f"{PACKAGE}.hal.board"}
    }
    constants = constants_of(trees)
    written = []
    left_out = set(LEFT_OUT)
    ids: dict[str, int] = {}
    if strip and mission is not None:
        ids = _names((mission / IDS).read_text(encoding="utf-8"))
        left_out |= unnamed(texts, [path.read_text(encoding="utf-8") for path in sorted(mission.rglob("*.py"))])
    for module, (path, text) in texts.items():
        if module in left_out:
            continue
        frozen = Inliner(module, path.name == "__init__.py", text, constants, strip, ids).run()
        out = target / path.relative_to(source)
        if _write(out, frozen):
            written.append(out)
    expected = {target / path.relative_to(source) for module, (path, _) in texts.items() if module not in left_out}
    for stale in set(target.rglob("*.py")) - expected:
        stale.unlink()
    if mission is not None:
        written += _freeze_mission(mission, target.parent, constants, ids)
    return written


def _freeze_mission(source: Path, target: Path, constants: Constants, ids: dict[str, int]) -> list[Path]:
    """Write the mission's modules in *source* to *target*, with the constants of the flight package in them.

    ids: names of the dictionary that have become numbers; those that are asked for otherwise stay.
    """
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(source.glob("*.py"))}
    if ids and (source / ASKED).exists():
        asked = (source / ASKED).read_text(encoding="utf-8").split()
        texts[IDS] = "".join(f"{name} = {ids[name]}\n" for name in asked)
    written = []
    for name, text in texts.items():
        if _write(target / name, Inliner(name.removesuffix(".py"), False, text, constants, False, ids).run()):
            written.append(target / name)
    for stale in {path.name for path in target.glob("*.py")} - set(texts):
        (target / stale).unlink()
    return written


def _write(path: Path, text: str) -> bool:
    """Write *text* to *path* unless it stands there already."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
    return True


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m perilune.frozen", description="Flight code as it is frozen.")
    parser.add_argument("source", type=Path, help="folder of the flight package")
    parser.add_argument("target", type=Path, help="folder to write it to")
    parser.add_argument("--strip", action="store_true", help="leave out the definitions too: for the flight image")
    parser.add_argument("--mission", type=Path, help="folder of the mission's modules, which go beside the package")
    options = parser.parse_args(arguments)
    freeze(options.source, options.target, options.strip, options.mission)
    return 0


if __name__ == "__main__":
    sys.exit(main())
