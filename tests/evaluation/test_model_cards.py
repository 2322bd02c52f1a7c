"""Model cards: they say what the metrics say, whatever the data set, and how to load them works."""

import re
from pathlib import Path
from typing import Any

import pytest

from fgsbir.evaluation.adaptive_card import adaptive_card
from fgsbir.evaluation.model_card import (
    discriminator_card,
    generator_card,
    joint_card,
    retrieval_card,
    sketch_classifier_card,
)

SECTIONS = ["Purpose", "Data", "Protocol", "Numbers", "Limits", "Loading", "Licence"]


def scores(start: float) -> dict[str, float]:
    """Every score of retrieval, each with its interval, all numbers different."""
    found: dict[str, float] = {}
    for place, name in enumerate(("acc@1", "acc@5", "acc@10", "mean_rank")):
        value = start + 7 * place
        found |= {name: value, f"{name}_low": value - 1.5, f"{name}_high": value + 2.25}
    return found


def config(layout: str = "synthetic", category: str | None = "chair", **details: Any) -> dict[str, Any]:
    data = {
        "name": "mine",
        "layout": layout,
        "category": category,
        "split_hash": "abc123",
        "labelled_frac": 0.5,
        "labelled_photos": 1234,
    }
    common = {"data": data, "seed": 3, "commit": "f00d", "torch": "2.0", "image_size": 64, "line_width": 3.0}
    return {"kind": "x", "architecture": {}, "sha256": "5" * 64, "details": common | details}


EVALUATION: dict[str, Any] = {
    "supervised": scores(30),
    "joint": scores(40),
    "joint_minus_supervised": scores(-4),
    "n_query": 1200,
    "n_gallery": 400,
    "protocol": {
        "category": "chair",
        "gallery": "each photo once",
        "queries": "every sketch",
        "tie_rule": "ties count against",
        "selection": "best epoch",
        "interval": "95 % bootstrap",
        "seed": 3,
        "precision": "bf16",
        "device": "cpu",
    },
}
OF_DRAWING = {"points": 50.25, "strokes": 18.5, "recognition": 98.75}
DRAWINGS: dict[str, Any] = {
    "before_joint": scores(5) | OF_DRAWING | {"fid": 0.961, "ended": 99.5},
    "after_joint": scores(6)
    | OF_DRAWING
    | {"fid": 0.783, "ended": 100.0, "certainty": {"spearman_bins": 0.988, "spearman_photos": 0.682}},
    "human": scores(30) | OF_DRAWING,
    "n_photos": 400,
    "n_drawings": 4,
    "n_human": 1200,
}
JOINT = {name: config(unlabelled_photos=1500, unlabelled_frac=1.0) for name in ("retrieval", "generator")}


def cards(**options: Any) -> dict[str, str]:
    made = config(**options)
    return {
        "retrieval": retrieval_card(made, EVALUATION),
        "generator": generator_card(made, EVALUATION, DRAWINGS),
        "discriminator": discriminator_card(made),
        "sketch_classifier": sketch_classifier_card(
            made | {"details": made["details"] | {"classes": ["cup"]}}, EVALUATION, DRAWINGS
        ),
        "joint": joint_card(JOINT, EVALUATION, DRAWINGS),
    }


@pytest.mark.parametrize("name", cards())
def test_a_card_has_its_sections_and_where_its_model_comes_from(name: str) -> None:
    card = cards()[name]
    assert [section for section in SECTIONS if f"\n## {section}\n" in card] == [
        section for section in SECTIONS if section != "Numbers" or name != "discriminator"
    ]
    for fact in (
        "set: mine, layout synthetic, category chair",
        "1,234 (labelled_frac 0.5)",
        "abc123",
        "f00d",
        "5" * 64,
    ):
        assert fact in card
    assert "None" not in card and "A program drew the set's photos and sketches." in card


def test_the_numbers_are_those_of_the_metrics() -> None:
    made = cards()
    assert (
        "| F, supervised | 30.0 [28.5, 32.2] | 37.0 [35.5, 39.2] | 44.0 [42.5, 46.2] | 51.0 [49.5, 53.2] |"
        in made["joint"]
    )
    assert "| joint - supervised | -4.0 [-5.5, -1.8] |" in made["joint"]
    assert "| G after it | 6.0 [4.5, 8.2] | 20.0 [18.5, 22.2] | 0.78 | 98.8 | 100.0 | 50.2 | 18.5 |" in made["joint"]
    assert "Spearman 0.99 over bins, 0.68 over photos" in made["joint"] and "unlabelled photos: 1,500" in made["joint"]
    assert (
        "| sketches of the set | 30.0 [28.5, 32.2] | 44.0 [42.5, 46.2] |  | 98.8 |  | 50.2 | 18.5 |"
        in made["generator"]
    )
    assert "F, joint" not in made["retrieval"] and "unlabelled photos" not in made["retrieval"]
    assert "98.8 % of them" in made["sketch_classifier"]


def test_a_classifier_of_photos_names_no_test_sketch() -> None:
    # Of a set of one category, where recognition cannot be measured on test photos.
    drawings = DRAWINGS | {"human": {name: value for name, value in DRAWINGS["human"].items() if name != "recognition"}}
    card = sketch_classifier_card(config(classes=["red-chair", "stool"]), EVALUATION, drawings)
    assert "one of 2 classes" in card and "named rightly" not in card and "## Numbers" not in card


def test_a_card_of_another_set_does_not_speak_of_a_program() -> None:
    card = retrieval_card(config(layout="qmul", category=None, commit=None), EVALUATION)
    assert "program" not in card and "Trained and measured on mine alone" in card
    assert "category all seen ones" in card and "seen categories; nothing is known" in card and "commit unknown" in card


ENTRY = {"acc@1": 24.2188, "acc@5": 56.0, "low": 15.625, "high": 33.59, "sd": 1.0}
ADAPTED: dict[str, Any] = {
    "user": {
        "ours": {"1": ENTRY, "10": ENTRY, "5": ENTRY | {"acc@1": 30.0}},
        "sign_maml": {"5": ENTRY},
        "ours_minus_baseline": {"difference": -4.79, "low": -10.1, "high": 0.73},
    }
}


def test_the_card_of_adaptation() -> None:
    card = adaptive_card({"user/baseline": config(), "user/ours": config()}, ADAPTED)
    assert "| acc@1 after | 1 pair | 5 pairs | 10 pairs |" in card
    assert "| adaptive | 24.2 [15.6, 33.6] | 30.0 [15.6, 33.6] | 24.2 [15.6, 33.6] |" in card
    assert "| sign-MAML |  | 24.2 [15.6, 33.6] |  |" in card
    assert "- ours - baseline, after 5 pairs: -4.8 [-10.1, 0.7] points" in card
    assert 'Path("models/adaptive/user/ours")' in card


def test_without_adaptation_its_card_says_so() -> None:
    assert "None was trained" in adaptive_card({}, {}) and "## Numbers" not in adaptive_card({}, {})


@pytest.mark.parametrize("name", ["retrieval", "generator", "discriminator", "joint"])
def test_a_model_loads_as_its_card_says(name: str, joint_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = joint_model.parent / "models"
    models.mkdir()
    for part in ("retrieval", "generator", "discriminator"):
        (models / part).symlink_to(joint_model / part)
    (models / "joint").symlink_to(joint_model)
    monkeypatch.chdir(joint_model.parent)
    (snippet,) = re.findall(r"```python\n(.*?)```", cards()[name], re.DOTALL)
    scope: dict[str, Any] = {}
    code = compile(snippet, f"{name}.md", "exec")
    exec(code, scope)
    assert {"encoder", "draughtsman", "discriminator"} & scope.keys()
