"""dvc.yaml against the code: what a stage depends on, reads and writes is what it declares."""

import ast
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.sections import Params
from tests.imports import imported, parsed

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES: dict[str, dict[str, Any]] = WRITTEN["stages"]

every_stage = pytest.mark.parametrize("name", STAGES)


def outputs(name: str) -> dict[str, dict[str, Any]]:
    """Every output of a stage with its settings, outs, metrics and plots alike."""
    found: dict[str, dict[str, Any]] = {}
    for kind in ("outs", "metrics", "plots"):
        for entry in STAGES[name].get(kind, []):
            path, settings = next(iter(entry.items())) if isinstance(entry, dict) else (entry, {})
            found[path] = {"kind": kind, **settings}
    return found


def inputs(name: str) -> list[str]:
    """The data that a stage depends on: all that is no code."""
    return [path for path in STAGES[name]["deps"] if not path.startswith(("src/", "pipeline/"))]


def nodes(name: str) -> list[ast.AST]:
    return list(ast.walk(parsed(ROOT / "pipeline" / f"{name}.py")))


def covers(declared: str, path: str) -> bool:
    return path == declared or path.startswith(declared + "/")


def folders_behind(stage_file: Path) -> set[str]:
    """Folders of code, as src/fgsbir/data, of all modules that a stage imports, and those import."""
    known, waiting = set[Path](), imported(stage_file)
    while waiting:
        # A module or a package, or something in one.
        path = ROOT / "src" / Path(*waiting.pop().split("."))
        places = [place for stem in (path, path.parent) for place in (stem.with_suffix(".py"), stem / "__init__.py")]
        found = {file for file in places if file.is_file() and file.parent.name != "fgsbir"} - known
        known |= found
        waiting |= set().union(*map(imported, found))
    return {"/".join(file.relative_to(ROOT).parts[:3]) for file in known}


@every_stage
def test_a_stage_depends_on_the_folders_of_code_that_it_imports(name: str) -> None:
    assert STAGES[name]["cmd"] == f"python -m pipeline.{name}"
    listed = [path for path in STAGES[name]["deps"] if path.startswith(("src/", "pipeline/"))]
    assert listed[0] == f"pipeline/{name}.py"
    # What all stages share, the frame and the reading of params, changes no result.
    needed = folders_behind(ROOT / "pipeline" / f"{name}.py")
    assert set(listed[1:]) == needed, f"missing {needed - set(listed)}, needless {set(listed[1:]) - needed}"


@every_stage
def test_a_stage_tracks_exactly_the_sections_that_it_reads(name: str) -> None:
    read = {
        node.attr
        for node in nodes(name)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "params"
    }
    # Whatever is not tracked must not change a result: runtime alone.
    assert read - {"runtime"} == {tracked.partition(".")[0] for tracked in STAGES[name]["params"]}


def test_every_key_is_read_by_a_stage_that_tracks_it() -> None:
    for section, field in Params.model_fields.items():
        readers = [name for name, stage in STAGES.items() if section in stage["params"]]
        if section == "runtime":
            assert not readers
            readers = list(STAGES)
        assert readers, f"{section} is tracked by no stage"
        files = [ROOT / "pipeline" / f"{name}.py" for name in ("stage", *readers)]
        for name in readers:
            folders = [ROOT / path for path in STAGES[name]["deps"] if path.startswith("src/")]
            files += [file for folder in folders for file in folder.rglob("*.py")]
        # Read by name, or handed over as a keyword of that name (by model_dump).
        names = {
            node.attr if isinstance(node, ast.Attribute) else node.arg
            for file in files
            for node in ast.walk(parsed(file))
            if isinstance(node, (ast.Attribute, ast.arg))
        }
        keys = set(getattr(field.annotation, "model_fields", {}))
        assert keys <= names, f"{section}: {keys - names} is never read"


@pytest.mark.parametrize(
    ("changed", "stages"),
    [
        ("src/fgsbir/synthetic", {"synthesise"}),
        ("src/fgsbir/evaluation", {"evaluate", "evaluate_adaptation"}),
        ("src/fgsbir/joint", {"pseudo", "joint"}),
        ("unlabelled_frac", {"joint"}),
    ],
)
def test_a_change_runs_no_more_than_it_must(changed: str, stages: set[str]) -> None:
    assert {name for name, stage in STAGES.items() if changed in [*stage["deps"], *stage["params"]]} == stages
    if changed == "unlabelled_frac":
        readers = {name for name in STAGES for path in inputs(name) for out in outputs("joint") if covers(out, path)}
        assert readers == {"evaluate"}
        assert not any(covers(out, path) for out in outputs("evaluate") for name in STAGES for path in inputs(name))


@every_stage
def test_every_path_in_the_code_is_declared(name: str) -> None:
    words = {node.value for node in nodes(name) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    declared = [*inputs(name), *outputs(name)]
    for path in words:
        if re.fullmatch(r"(data|models|metrics)(/[\w.]+)+", path):
            assert any(covers(entry, path) or covers(path, entry) for entry in declared), f"{path} is not declared"
    for entry in declared:
        named = any(Path(entry).stem in word.replace("/", " ").replace(".", " ").split() for word in words)
        assert named or "${" in entry, f"{entry} is declared, but not in the code"


@every_stage
def test_outputs_are_kept_by_git_or_by_dvc_and_not_by_both(name: str) -> None:
    for path, settings in outputs(name).items():
        cached = settings.get("cache", True)
        ignored = subprocess.run(["git", "check-ignore", "-q", "--no-index", path], cwd=ROOT, check=False).returncode
        if ignored not in (0, 1):
            pytest.skip("not a git repository")
        assert (ignored == 0) == cached, path
        # Any other uncached output would switch the run cache off. DVC sends only cached outputs to a remote: with
        # one that git keeps, a colleague would train again.
        measures = settings["kind"] in ("metrics", "plots") and name in ("shard", "evaluate", "evaluate_adaptation")
        assert cached or measures, path
        assert Path(path).suffix not in (".json", ".csv") or not cached, path
        assert "persist" not in settings
    assert set(STAGES[name]) <= {"desc", "cmd", "deps", "params", "outs", "metrics", "plots"}


def test_outputs_do_not_overlap_and_artifacts_and_plots_are_among_them() -> None:
    declared = [path for name in STAGES for path in outputs(name)]
    assert not {"data", "data/raw", "models", "metrics"} & set(declared)
    for path in declared:
        assert sum(covers(other, path) for other in declared) == 1, path
    for artifact in WRITTEN["artifacts"].values():
        assert artifact["type"] == "model" and any(covers(out, artifact["path"]) for out in declared)
    for entry in WRITTEN["plots"]:
        assert all(set(settings["y"]) <= set(declared) for settings in entry.values())
    # `dvc exp run -S` cannot edit a file that has anchors.
    for name in ("dvc.yaml", "params.yaml"):
        assert yaml.AliasEvent not in {type(event) for event in yaml.parse((ROOT / name).read_text())}, name
