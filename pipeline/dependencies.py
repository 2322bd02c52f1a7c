"""Writes into dvc.yaml which source files each stage depends on: ``python -m pipeline.dependencies``.

DVC follows no imports, so a stage must list every file whose change can change what it writes. Here
they are found by walking the imports from the stage's file, nested ones included. Files and not
folders are listed, so that a change to the evaluation retrains nothing.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
# Which keys there are and what they may hold, told by this file and what it alone imports, changes nothing that a
# stage makes of their values, and those DVC tracks by themselves. Were it listed, a new key of one stage would run
# all stages again.
BOUNDS = "pipeline/sections.py"
STAGE = re.compile(r"  (\w+):\s*")
CODE = re.compile(r"      - (src|pipeline)/\S+\s*")


def main() -> None:
    """Rewrite the code lines of every stage's ``deps`` in dvc.yaml; all other lines stay as they are."""
    path = ROOT / "dvc.yaml"
    stages = yaml.safe_load(path.read_text())["stages"]
    lines: list[str] = []
    stage = None
    for line in path.read_text().splitlines(keepends=True):
        if (match := STAGE.fullmatch(line)) and match[1] in stages:
            stage = match[1]
        if CODE.fullmatch(line):
            continue
        lines.append(line)
        if stage and line.strip() == "deps:":
            lines += [f"      - {file}\n" for file in source_files(ROOT, f"pipeline/{stage}.py")]
    path.write_text("".join(lines))


def source_files(root: Path, start: str) -> list[str]:
    """The project's files that ``start`` imports, directly or not, itself first; paths relative to ``root``.

    The project is ``root/pipeline`` and ``root/src``. Empty ``__init__.py`` files and ``BOUNDS`` are left out.
    """
    found: dict[Path, None] = {}
    bounds, open_files = root / BOUNDS, [root / start]
    while open_files:
        file = open_files.pop()
        if file in found or file == bounds:
            continue
        found[file] = None
        open_files += [imported for name in _imported(root, file) for imported in _modules(root, name)]
    first, *others = (str(file.relative_to(root)) for file in found if file.stat().st_size)
    return [first, *sorted(others)]


def _imported(root: Path, file: Path) -> Iterator[str]:
    """Dotted names of all that a file imports, anywhere in it; ``from a import b`` gives a and a.b."""
    package = _dotted(root, file.parent)
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _dotted(root: Path, folder: Path) -> list[str]:
    source = root / "src"
    return list(folder.relative_to(source if folder.is_relative_to(source) else root).parts)


def _modules(root: Path, name: str) -> Iterator[Path]:
    """The project's files that importing a dotted name runs: its packages and, if it is one, the module."""
    parts = name.split(".")
    for base in (root / "src", root):
        if not (base / parts[0]).is_dir():
            continue
        for length in range(1, len(parts) + 1):
            path = base.joinpath(*parts[:length])
            yield from (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file())


if __name__ == "__main__":
    main()
