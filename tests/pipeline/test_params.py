"""The strict reading of params.yaml: every wrong key is named, with its value and what is expected."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from pipeline.params import ParamsError, load
from pipeline.sections import Params

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "params.yaml").read_text()
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
LEFT_OUT = object()

Values = dict[str, Any]


def written(folder: Path, changes: Values) -> Path:
    """The committed params as a file, with other values for keys such as "joint.k_r"; LEFT_OUT leaves a key out."""
    values = yaml.safe_load(TEXT)
    for place, value in changes.items():
        *sections, key = place.split(".")
        section = values
        for name in sections:
            section = section[name]
        section[key] = value
        if value is LEFT_OUT:
            del section[key]
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def refused(path: Path) -> str:
    with pytest.raises(ParamsError) as caught:
        load(path)
    return str(caught.value).replace(str(path), "params.yaml")


def leaves(values: Values, above: str = "") -> Iterator[str]:
    for key, value in values.items():
        yield from leaves(value, f"{above}{key}.") if isinstance(value, dict) else [f"{above}{key}"]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        # PyYAML takes 1e-4 for a string; DVC writes such numbers.
        *(("learning_rate", text, 1e-4) for text in ("1e-4", "1E-04", "1.0e-4", "0.0001", ".0001", "'1e-4'")),
        ("steps", "2e3", 2000),
        ("whitening", "0", 0.0),
        ("tune_blocks", "all", "all"),
    ],
)
def test_values_are_read_by_their_declared_type(tmp_path: Path, key: str, text: str, value: object) -> None:
    changed, count = re.subn(rf"(?m)^( *{key}): .*$", rf"\1: {text}", TEXT, count=1)
    assert count == 1
    (tmp_path / "params.yaml").write_text(changed)
    params = load(tmp_path / "params.yaml")
    found = getattr(params.pretrain_retrieval, key)
    assert found == value and type(found) is type(value)
    with pytest.raises(ValidationError):
        params.joint.k_r = 3  # type: ignore[misc]


@pytest.mark.parametrize("word", [None, "none"])
def test_none_and_null_are_both_no_value(tmp_path: Path, word: str | None) -> None:
    assert load(written(tmp_path, {"dataset.category": word})).dataset.category is None


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("labelled_frac", 0, "it should be greater than 0"),
        ("labelled_frac", 1.01, "it should be less than or equal to 1"),
        ("seed", 1.5, "it should be a valid integer"),
        ("precision", "fp16", "it should be 'bf16' or 'float32'"),
        ("precision", True, "it should be 'bf16' or 'float32' (YAML reads an unquoted on, off"),
        ("runtime.devices", True, "expected a number (YAML reads"),
        ("dataset.name", "", "String should have at least 1 character"),
        ("dataset.root", 5, "it is not a valid path"),
        ("dataset.unseen_categories", "chair", "it should be a list"),
        ("features.image_size", 100, "it should be a multiple of 8"),
        ("pretrain_retrieval.standardise", 1, "it should be a valid boolean"),
        ("pretrain_retrieval.standardise", "yes", "it should be a valid boolean"),
        ("edges.tolerance", float("nan"), "it should be less than or equal to 32"),
        *(("pretrain_retrieval.steps", word, "expected a number") for word in ("many", "1_000", "0x10")),
        ("pretrain_retrieval.batch_size", [32], "it should be a valid integer"),
        ("pretrain_generator.kl_weight", float("inf"), "it should be a finite number"),
        ("pretrain_generator.weights_sha256", "abc", "String should match pattern '^[0-9a-f]{64}$'"),
        ("joint", 3, "it should be a section"),
        ("joint.teacher", None, "it should be 'none', 'relative' or 'absolute'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(tmp_path: Path, key: str, value: Any, expected: str) -> None:
    (line,) = refused(written(tmp_path, {key: value})).splitlines()
    assert line.startswith(f"params.yaml: {key}: found {value!r}; {expected}")


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    missing = dict.fromkeys(leaves(yaml.safe_load(TEXT)), LEFT_OUT)
    lines = refused(written(tmp_path, missing)).splitlines()
    assert set(lines) == {f"params.yaml: {key}: missing" for key in missing}
    changes = {"labelled_frac": 2, "pretrain_retrieval.tune_blocks": "some", "evaluate.picture": 3}
    found = refused(written(tmp_path, changes))
    for part in ("labelled_frac: found 2", "it should be 'all'", "expected a number", "did you mean pictures?"):
        assert part in found, part


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("joint.lamda_kd: 1", "joint.lamda_kd: unknown key; did you mean lambda_kd?"),
        ("features.taps: [15, 12]", "features: taps [15, 12]: expected numbers of blocks"),
        ("dataset.user_table: users.csv", "dataset: user_table and user_table_sha256 go together"),
        (f"pretrain_generator.weights_sha256: '{'0' * 64}'", "pretrain_generator: weights and weights_sha256 go toge"),
        ("{dataset.category: a, dataset.unseen_categories: [a]}", "dataset: category 'a' is in unseen_categories"),
        ("pretrain_retrieval.standardise: false", "head: found square; with standardise: false it must be whole"),
        ("adapt.first_order: true", "predict_margin: found true; with first_order: true it must be false"),
        ("pretrain_generator.edge_steps: 9", "edge_steps: found 9; with decoder: contours it must be 0"),
        (
            "{pretrain_generator.decoder: points, pretrain_generator.sketch_steps: 9}",
            "sketch_steps is 9, but sketch_files is empty",
        ),
        ("{pseudo.sketches: another, pseudo.edges: 1}", "edges: found 1; with sketches: another it must be 0"),
        (
            "{pseudo.sketches: edges, pseudo.discriminator_fakes: both}",
            "discriminator_fakes: found both; with sketches: edges it must be mismatched",
        ),
        (
            "pseudo.discriminator_input: pixels",
            "discriminator_dropout: found 0.8; with discriminator_input: pixels it must be 0",
        ),
        ("{pseudo.sketches: file, pseudo.edges: 0}", "sketches: file needs a path in file"),
        ("pretrain_generator.sketch_files: [{path: a.npz}]", "pretrain_generator.sketch_files.0.sha256: missing"),
    ],
)
def test_unknown_keys_and_values_that_do_not_go_together(tmp_path: Path, changes: str, message: str) -> None:
    assert message in refused(written(tmp_path, yaml.safe_load(changes)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT + "\nseed: 1\n", "the key seed occurs twice"),
        (TEXT.replace("\njoint:\n", "\njoint:\n  k_r: 5\n"), "the key k_r occurs twice"),
        ("seed: [", "not readable as YAML"),
        ("", "expected a mapping of sections, found None"),
        ("seed: !!python/object/apply:os.system ['true']", "not readable as YAML"),
        ("[1]: 2", "not readable as YAML"),
        (None, "params.yaml: no such file"),
    ],
)
def test_a_file_that_is_no_params_file(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "params.yaml").write_text(text)
    assert message in refused(tmp_path / "params.yaml")


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_refuses_wrong_params_before_it_loads_torch(tmp_path: Path, stage: str) -> None:
    written(tmp_path, {"labelled_frac": 7})
    run = "import atexit, runpy, sys; atexit.register(lambda: print('torch' in sys.modules)); runpy.run_module("
    command = [sys.executable, "-c", f"{run}'pipeline.{stage}', run_name='__main__')"]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "False\n")
    assert done.stderr == "error: params.yaml: labelled_frac: found 7; it should be less than or equal to 1\n"


def test_the_file_is_the_manual() -> None:
    """Over every key stands prose that ends with what is allowed, in brackets; choices are those that are checked."""
    section: type[BaseModel] = Params
    compared = 0
    for comment, indent, key, value in re.findall(r"(?m)((?:^ *#.*\n)*)^( *)([a-z_0-9]+):(.*)$", TEXT):
        field = (section if indent else Params).model_fields[key]
        if not value:
            assert isinstance(field.annotation, type)
            section = field.annotation
            continue
        explained = " ".join(line.strip(" #") for line in comment.splitlines())
        assert re.fullmatch(r".*\w.*[.?] \[.+\]", explained), key
        choices = getattr(field.annotation, "__args__", ())
        if choices and all(isinstance(choice, str) for choice in choices):
            compared += 1
            assert explained.endswith(f"[{', '.join(choices)}]"), key
    assert compared >= 6
