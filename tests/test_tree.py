"""House rules for the whole tree: which way imports point, what no file may do, and what the lock may hold."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imports import imported, parsed

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "fgsbir"
MODULES = sorted(path for folder in ("src", "pipeline", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
LOCK = (ROOT / "requirements.lock").read_text()

# Arrows point one way: what the files of a package may import besides its own.
MAY_IMPORT = {
    "data": "",
    "synthetic": "data",
    "runtime": "data",
    "features": "runtime data",
    "retrieval": "features runtime data",
    "ready": "retrieval features runtime data",
    "generator": "retrieval features runtime data",
    "certainty": "generator retrieval features runtime data",
    "joint": "certainty generator retrieval features runtime data",
    "adaptation": "retrieval features runtime data",
    "sketch_classifier": "runtime data",
    "evaluation": "sketch_classifier adaptation joint certainty generator retrieval features runtime data",
    "search": "evaluation adaptation certainty generator retrieval features runtime data",
    "web": "adaptation search evaluation generator retrieval runtime data",
    "commands": "ready web search adaptation generator retrieval runtime data",
    "__main__.py": "commands runtime data",
}


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_module_is_too_long_or_named_after_nothing() -> None:
    lengths = {shown(path): path.read_text().count("\n") for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}
    assert not {path.stem for path in MODULES} & {"utils", "util", "helpers", "common", "misc"}


def test_arrows_point_one_way() -> None:
    against = []
    for path in SOURCE.rglob("*.py"):
        package = path.relative_to(SOURCE).parts[0]
        for name in imported(path):
            head, *rest = name.split(".")
            allowed = [package, *MAY_IMPORT[package].split()] if package in MAY_IMPORT else rest
            wrong_package = head == "fgsbir" and rest[0] not in allowed
            if head in {"pipeline", "dvc", "benchmarks", "tests"} or wrong_package or rest[-1:] == ["*"]:
                against.append(f"{shown(path)} imports {name}")
    assert against == []


def folders(path: Path) -> set[str]:
    return {child.name for child in path.iterdir() if child.is_dir() and child.name != "__pycache__"}


def test_the_packages_are_known_and_tests_mirror_them() -> None:
    assert folders(SOURCE) | {"__main__.py"} == set(MAY_IMPORT)
    assert folders(ROOT / "tests") >= {*MAY_IMPORT, "pipeline"} - {"__main__.py"}


@pytest.mark.parametrize("module", ["fgsbir.retrieval.ranking", "fgsbir.evaluation.bootstrap", "fgsbir.data.shards"])
def test_what_needs_no_torch_does_not_load_it(module: str) -> None:
    program = f"import sys, {module}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT / "src")}, check=True)


UNPICKLING = re.compile(
    r"((c?pickle|dill|joblib|shelve|marshal|cloudpickle)\.(loads?|open|Unpickler)|.*\bread_pickle|eval|exec|os\.system"
    r"|yaml\.(unsafe_load|full_load|unsafe_load_all))"
)


def dangers(path: Path) -> Iterator[str]:
    """What in a file could run code that stands in its input."""
    for node in ast.walk(parsed(path)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        options = {option.arg: ast.unparse(option.value) for option in node.keywords}
        if (
            UNPICKLING.fullmatch(name)
            or options.get("allow_pickle", "False") != "False"
            or options.get("shell", "False") != "False"
            or (name == "torch.load" and options.get("weights_only") != "True")
        ):
            yield ast.unparse(node)
    yield from (name for name in imported(path) if UNPICKLING.fullmatch(name))


def test_no_general_unpickler() -> None:
    found = [f"{shown(path)}: {danger}" for path in MODULES for danger in dangers(path)]
    assert found == []


def test_an_unpickler_would_be_found(tmp_path: Path) -> None:
    bad = ["pickle.load(file)", "from pickle import loads", "torch.load(path)", "torch.load(path, weights_only=False)"]
    bad += ["np.load(path, allow_pickle=True)", "subprocess.run(command, shell=True)", "eval(text)"]
    good = ["torch.load(path, weights_only=True)", "np.load(path, allow_pickle=False)", "model.eval()"]
    for number, line in enumerate(bad + good):
        path = tmp_path / f"{number}.py"
        path.write_text(line)
        assert bool(list(dangers(path))) == (line in bad), line


def test_what_is_public_is_documented() -> None:
    silent = []
    for path in MODULES:
        module = parsed(path)
        if module.body and not ast.get_docstring(module):
            silent.append(shown(path))
        for node in module.body:
            # The keys of params are documented in params.yaml, main() by its module, and one line by its name.
            one_line = isinstance(node, ast.FunctionDef) and isinstance(node.body[0], ast.Return)
            exempt = path.name.endswith("sections.py") or getattr(node, "name", "_") == "main" or one_line
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_") and not exempt:
                silent += [] if ast.get_docstring(node) else [f"{shown(path)}: {node.name}"]
    assert silent == []


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_only_the_ci_script_names_a_folder_outside() -> None:
    # Nor any folder of the machine that it was written on, nor a package host.
    outside = re.compile(r"\.\./shared|shared/data|/(?:work|root)/|/tmp/\w|py(?:pi|thonhosted|torch)\.org")
    for path in tracked():
        if path.suffix in {".py", ".md", ".yaml", ".toml", ".lock", ""} and path != Path(__file__).resolve():
            found = outside.search(path.read_text(errors="ignore"))
            assert found is None or path == ROOT / ".ci" / "run", f"{path}: {found}"


def test_no_data_is_committed() -> None:
    for path in tracked():
        folder = path.relative_to(ROOT).parts[0]
        if path.name != ".gitignore":
            assert folder not in {"data", "models"} or path.suffix == ".dvc", path
            assert folder != "metrics" or path.suffix in {".json", ".csv"}, path


def test_the_lock_pins_and_hashes_everything_and_names_no_host_or_special_build() -> None:
    for forbidden in ("://", "--index", "--extra-index", "--find-links", "+cpu", "+cu", "file:"):
        assert forbidden not in LOCK
    for entry in re.split(r"\n(?=\S)", LOCK.strip()):
        first = entry.splitlines()[0]
        assert re.match(r"[\w.-]+(\[[\w,.-]+\])?==[^\s;]+( ;.*)? \\$", first), first
        assert "--hash=sha256:" in entry, first
        # Other distributions of the same project were once malicious.
        assert not first.startswith(("lightning==", "pytorch-lightning==")), first
