"""The sketch classifier learns to tell two kinds of drawings apart."""

from pathlib import Path

import numpy as np
import torch

from fgsbir.data.strokes import centre
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.sketch_classifier.classes import SketchClasses
from fgsbir.sketch_classifier.model import SketchClassifier
from fgsbir.sketch_classifier.training import train_sketch_classifier
from tests.toy import cpu, shape


def test_it_learns_which_of_two_products_a_new_hand_has_drawn(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = SketchClassifier(image_size=32, classes=2)
    drawn, held_out = (
        [centre(shape(number, hand)) for hand in hands for number in (0, 1)] for hands in (range(8), [8, 9])
    )
    data = SketchClasses("photos", ["0", "1"], drawn, np.tile([0, 1], 8), held_out, np.tile([0, 1], 2))
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
