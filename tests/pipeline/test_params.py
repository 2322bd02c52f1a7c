"""The strict reading of params.yaml: every wrong key is told, with its value and what is allowed."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from pipeline.params import ParamsError, load
from pipeline.sections import Params

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "params.yaml").read_text()
SHA256 = "0" * 64

Values = dict[str, Any]
Change = Callable[[Values], object]


def written(folder: Path, change: Change) -> Path:
    """The committed params with a change, as a file."""
    values = yaml.safe_load(TEXT)
    change(values)
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def rewritten(folder: Path, key: str, text: str) -> Path:
    """The committed params with other text behind the first key of that name, as a file."""
    changed, count = re.subn(rf"(?m)^( *{key}): .*$", rf"\1: {text}", TEXT, count=1)
    assert count == 1
    path = folder / "params.yaml"
    path.write_text(changed)
    return path


def leaves(values: Values, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key)


def put(values: Values, path: str, value: Any) -> None:
    *sections, key = path.split(".")
    for section in sections:
        values = values[section]
    values[key] = value


def test_the_committed_file_is_read() -> None:
    params = load(ROOT / "params.yaml")
    assert params.labelled_frac == 1.0
    assert params.features.taps == (12, 15)
    assert params.pretrain_retrieval.tune_blocks == 0
    assert params.dataset.root == Path("data/raw/synthetic")


def test_nothing_can_be_changed_after_reading() -> None:
    params = load(ROOT / "params.yaml")
    with pytest.raises(ValidationError):
        params.joint.k_r = 3  # type: ignore[misc]


@pytest.mark.parametrize("text", ["1e-4", "1E-04", "1.0e-4", "0.0001", ".0001", "'1e-4'"])
def test_numbers_are_read_by_their_declared_type(tmp_path: Path, text: str) -> None:
    # PyYAML takes 1e-4 for a string; DVC writes such numbers.
    path = rewritten(tmp_path, "learning_rate", text)
    assert load(path).pretrain_retrieval.learning_rate == pytest.approx(1e-4, rel=1e-12)


def test_a_whole_number_may_be_written_as_a_power(tmp_path: Path) -> None:
    steps = load(rewritten(tmp_path, "steps", "2e3")).pretrain_retrieval.steps
    assert steps == 2000
    assert isinstance(steps, int)


def test_a_whole_number_serves_as_a_fraction(tmp_path: Path) -> None:
    value = load(written(tmp_path, lambda v: put(v, "unlabelled_frac", 0))).unlabelled_frac
    assert value == 0
    assert isinstance(value, float)


@pytest.mark.parametrize("word", [None, "none"])
def test_none_and_null_are_both_no_value(tmp_path: Path, word: str | None) -> None:
    assert load(written(tmp_path, lambda v: put(v, "dataset.category", word))).dataset.category is None


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("labelled_frac", 0, "a number > 0 and <= 1"),
        ("labelled_frac", 1.01, "a number > 0 and <= 1"),
        ("unlabelled_frac", -0.1, "a number >= 0 and <= 1"),
        ("seed", 1.5, "a whole number >= 0"),
        ("seed", -1, "a whole number >= 0"),
        ("precision", "fp16", "one of bf16, float32"),
        ("precision", True, "one of bf16, float32"),
        ("runtime.devices", True, "a whole number >= 1"),
        ("runtime.devices", 0, "a whole number >= 1"),
        ("dataset.layout", "imagenet", "one of synthetic, sketchx, qmul, qmul_v1, sketchy, folder"),
        ("dataset.name", True, "a string"),
        ("dataset.name", "", "a string"),
        ("dataset.root", 5, "a path"),
        ("dataset.unseen_categories", "chair", "a list, each a string"),
        ("pretrain_retrieval.tune_blocks", "some", "one of all, or a whole number"),
        ("features.image_size", 100, "a whole number >= 32 and <= 1024 and a multiple of 8"),
        ("pretrain_retrieval.standardise", 1, "true or false"),
        ("pretrain_retrieval.standardise", "yes", "true or false"),
        ("pretrain_retrieval.margin", float("nan"), "a number > 0 and <= 2"),
        ("pretrain_retrieval.steps", "many", "a whole number >= 1"),
        ("pretrain_retrieval.steps", "1_000", "a whole number >= 1"),
        ("pretrain_retrieval.steps", "0x10", "a whole number >= 1"),
        ("pretrain_retrieval.batch_size", [32], "a whole number >= 2"),
        ("pretrain_generator.kl_weight", float("inf"), "a number >= 0 and <= 1000"),
        ("pretrain_generator.weights_sha256", "abc", "a SHA-256, 64 hexadecimal digits, or none"),
        ("joint", 3, "a section with the keys joint_training, "),
        ("joint.teacher", None, "one of none, relative, absolute"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, key: str, value: Any, allowed: str) -> None:
    with pytest.raises(ParamsError) as caught:
        load(written(tmp_path, lambda v: put(v, key, value)))
    (line,) = str(caught.value).splitlines()
    assert f"params.yaml: {key}: found {value!r}, allowed: {allowed}" in line


def test_a_truth_value_that_was_meant_as_a_word_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"joint\.teacher: found True.*YAML reads an unquoted on"):
        load(rewritten(tmp_path, "teacher", "on"))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    def change(values: Values) -> None:
        values["labelled_frac"] = 2
        values["joint"]["k_r"] = 0
        del values["pseudo"]["temperature"]
        values["evaluate"]["picture"] = 3

    with pytest.raises(ParamsError) as caught:
        load(written(tmp_path, change))
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    for part in ("labelled_frac: found 2", "joint.k_r: found 0", "pseudo.temperature: missing", "evaluate.picture"):
        assert any(part in line for line in lines), part


def test_an_unknown_key_is_named_with_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"joint\.lamda_kd: unknown key; did you mean lambda_kd\?"):
        load(written(tmp_path, lambda v: put(v, "joint.lamda_kd", 1)))
    with pytest.raises(ParamsError, match=r"evaluate\.zzz: unknown key; known here: bootstrap, "):
        load(written(tmp_path, lambda v: put(v, "evaluate.zzz", 1)))


@pytest.mark.parametrize("path", list(leaves(yaml.safe_load(TEXT))), ids=".".join)
def test_no_key_may_be_missing(tmp_path: Path, path: tuple[str, ...]) -> None:
    def drop(values: Values) -> None:
        for section in path[:-1]:
            values = values[section]
        del values[path[-1]]

    with pytest.raises(ParamsError, match=re.escape(f"{'.'.join(path)}: missing; allowed: ")):
        load(written(tmp_path, drop))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: put(v, "features.taps", [15, 12]), r"features: taps \[15, 12\]: expected numbers of blocks"),
        (lambda v: put(v, "dataset.user_table", "users.csv"), "dataset: user_table and user_table_sha256 go together"),
        (lambda v: put(v, "pretrain_generator.weights_sha256", SHA256), "pretrain_generator: weights and weights_sha2"),
        (
            lambda v: (put(v, "synthesise.users", 9), put(v, "synthesise.unseen_users", 9)),
            r"synthesise: unseen_users \(9\) must be fewer than users \(9\)",
        ),
        (
            lambda v: (put(v, "dataset.category", "shoe"), put(v, "dataset.unseen_categories", ["shoe"])),
            "dataset: category 'shoe' stands in unseen_categories too",
        ),
        (lambda v: put(v, "pretrain_generator.sketch_steps", 9), "sketch_steps is 9, but sketch_files is empty"),
        (
            lambda v: (put(v, "pseudo.sketches", "another"), put(v, "pseudo.edges", 1)),
            "with sketches 'another' edges must be 0",
        ),
        (
            lambda v: put(v, "pretrain_generator.sketch_files", [{"path": "a.npz", "sha256": 1}]),
            r"pretrain_generator\.sketch_files\.0\.sha256: found 1, allowed: a SHA-256",
        ),
        (
            lambda v: put(v, "pretrain_generator.sketch_files", [{"path": "a.npz"}]),
            r"pretrain_generator\.sketch_files\.0\.sha256: missing",
        ),
    ],
)
def test_values_that_do_not_go_together(tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        load(written(tmp_path, change))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT + "\nseed: 1\n", "the key seed stands twice"),
        (TEXT.replace("\njoint:\n", "\njoint:\n  k_r: 5\n"), "the key k_r stands twice"),
        ("seed: [", "not readable as YAML"),
        ("", "expected a mapping of sections, found None"),
        ("- 1", "expected a mapping of sections"),
        ("seed: !!python/object/apply:os.system ['true']", "not readable as YAML"),
        ("[1]: 2", "not readable as YAML"),
    ],
)
def test_a_file_that_is_no_params_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=message):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"nowhere\.yaml: no such file"):
        load(tmp_path / "nowhere.yaml")


STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


@pytest.mark.parametrize("stage", sorted(name for name, declared in STAGES.items() if declared["params"]))
def test_a_stage_tells_of_wrong_params_before_it_loads_torch(tmp_path: Path, stage: str) -> None:
    written(tmp_path, lambda v: put(v, "labelled_frac", 7))
    program = f"""
import runpy, sys
try:
    runpy.run_module("pipeline.{stage}", run_name="__main__")
finally:
    assert "torch" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "error: params.yaml: labelled_frac: found 7, allowed: a number > 0 and <= 1\n"


# The file is the manual: what stands over a key is its documentation.

KEY = re.compile(r"( *)([a-z_0-9]+):")


def test_every_key_is_explained_above_it() -> None:
    lines = TEXT.splitlines()
    undocumented = []
    for number, line in enumerate(lines):
        match = KEY.match(line)
        if match and line.strip() != f"{match[2]}:":
            above = []
            for earlier in reversed(lines[:number]):
                if not earlier.startswith(match[1] + "#"):
                    break
                above.insert(0, earlier.strip(" #"))
            comment = " ".join(above)
            # Prose that ends with what is allowed, in brackets.
            if not re.fullmatch(r".*\w.*[.?] \[.+\]", comment):
                undocumented.append(match[2])
    assert not undocumented


def test_every_section_has_a_rule_over_it() -> None:
    for section in (key for key, value in yaml.safe_load(TEXT).items() if isinstance(value, dict)):
        assert re.search(rf"^# ==== {section}\b.* =+\n(#.*\n)*{section}:$", TEXT, re.MULTILINE), section


def test_the_documented_choices_are_those_that_are_checked() -> None:
    lines = TEXT.splitlines()
    models: dict[str, type[BaseModel]] = {"": Params}
    models |= {
        name: field.annotation
        for name, field in Params.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    section, compared = "", 0
    for number, line in enumerate(lines):
        match = KEY.match(line)
        if not match:
            continue
        if not match[1]:
            section = match[2] if match[2] in models else ""
        choices = getattr(models[section].model_fields.get(match[2]), "annotation", None)
        values = getattr(choices, "__args__", ())
        if values and all(isinstance(value, str) for value in values):
            compared += 1
            assert lines[number - 1].rstrip().endswith(f"[{', '.join(values)}]"), match[2]
    assert compared >= 6
