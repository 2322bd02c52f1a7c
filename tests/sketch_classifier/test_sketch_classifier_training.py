"""The sketch classifier learns to tell two kinds of drawings apart."""

from pathlib import Path

import numpy as np
import torch

from fgsbir.data.strokes import join_strokes
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.sketch_classifier.classes import SketchClasses
from fgsbir.sketch_classifier.model import SketchClassifier
from fgsbir.sketch_classifier.training import train_sketch_classifier
from tests.toy import cpu


def lines(count: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Pairs of lines that lie (class 0) or stand (class 1)."""
    rng, classes = np.random.default_rng(seed), np.arange(count) % 2
    lying = [[np.array([[20, y], [230, y]], np.float32) for y in rng.uniform(30, 220, 2)] for _ in classes]
    return [
        join_strokes([part[:, ::-1] if upright else part for part in parts])
        for parts, upright in zip(lying, classes, strict=True)
    ], classes


def test_it_learns_lines_from_their_direction(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = SketchClassifier(image_size=32, classes=2)
    data = SketchClasses("categories", ["lying", "standing"], *lines(16, 0), *lines(10, 1))
    rows = train_sketch_classifier(
        cpu(),
        model,
        data,
        batch_size=16,
        steps=40,
        learning_rate=2e-3,
        line_width=16.0,
        augment=0.0,
        seed=0,
        validate_every=20,
        log_interval=10,
        scratch=Scratch(tmp_path),
    )
    assert [row["step"] for row in rows] == [20, 40] and rows[-1]["validation_accuracy"] == 100
    with torch.autocast("cpu", torch.bfloat16):
        features = model.features(torch.rand(3, 1, 32, 32))
    assert features.shape == (3, 128) and features.dtype == torch.float32
