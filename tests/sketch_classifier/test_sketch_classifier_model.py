"""The sketch classifier: shapes, and that it can learn to tell two drawings apart."""

import torch

from fgsbir.sketch_classifier.model import SketchClassifier


def test_shapes_and_types() -> None:
    model, sketches = SketchClassifier(image_size=32, classes=5), torch.rand(3, 1, 32, 32)
    assert model(sketches).shape == (3, 5)
    with torch.autocast("cpu", torch.bfloat16):
        features = model.features(sketches)
    assert features.shape == (3, 128) and features.dtype == torch.float32


def test_features_do_not_depend_on_the_batch() -> None:
    model, sketches = SketchClassifier(image_size=32, classes=5).train(), torch.rand(3, 1, 32, 32)
    torch.testing.assert_close(model.features(sketches)[:1], model.features(sketches[:1]), rtol=1e-4, atol=1e-5)


def test_learns_lines_from_their_direction() -> None:
    torch.manual_seed(0)
    model = SketchClassifier(image_size=32, classes=2)
    sketches = torch.ones(16, 1, 32, 32)
    for row in range(8):
        sketches[row, 0, 4 + 3 * row, 4:28] = 0
        sketches[8 + row, 0, 4:28, 4 + 3 * row] = 0
    truth = torch.arange(16) // 8
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(30):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(sketches), truth).backward()
        optimizer.step()
    assert (model(sketches).argmax(1) == truth).all()
