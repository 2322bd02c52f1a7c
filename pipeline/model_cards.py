"""Stage model_cards: beside every trained model, what it is and is not good for. Run by ``dvc repro``."""

import json
from pathlib import Path

from pipeline.stage import run

MODELS, METRICS = Path("models"), Path("metrics")
JOINT = ("retrieval", "generator", "discriminator")


def main() -> None:
    from fgsbir.data.atomic import write_text
    from fgsbir.evaluation.model_card import (
        discriminator_card,
        generator_card,
        joint_card,
        retrieval_card,
        sketch_classifier_card,
    )
    from fgsbir.models.store import read_config

    evaluation = json.loads((METRICS / "evaluate.json").read_text())
    drawings = json.loads((METRICS / "generator.json").read_text())
    joint = {name: read_config(MODELS / "joint" / name) for name in JOINT}
    config = {name: read_config(MODELS / name) for name in (*JOINT, "sketch_classifier")}
    write_text(MODELS / "retrieval.md", retrieval_card(config["retrieval"], evaluation))
    write_text(MODELS / "generator.md", generator_card(config["generator"], evaluation, drawings))
    write_text(MODELS / "discriminator.md", discriminator_card(config["discriminator"]))
    classifier = sketch_classifier_card(config["sketch_classifier"], evaluation, drawings)
    write_text(MODELS / "sketch_classifier.md", classifier)
    write_text(MODELS / "joint.md", joint_card(joint, evaluation, drawings))


if __name__ == "__main__":
    run(main)
