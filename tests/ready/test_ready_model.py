"""The ready model as the package ships it."""

import os
from pathlib import Path

import numpy as np
import pytest

from fgsbir.data.strokes import join_strokes
from fgsbir.ready import READY_MODEL
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import load_model, read_config
from pipeline.params import load
from tests.toy import cpu

ROOT = Path(__file__).resolve().parents[2]
REAL_DATA = "FGSBIR_REAL_DATA"


def test_it_is_small_and_says_what_it_was_made_of() -> None:
    assert {path.name for path in READY_MODEL.iterdir()} == {"config.json", "model.safetensors"}
    assert sum(path.stat().st_size for path in READY_MODEL.iterdir()) <= 3_300_000
    details = read_config(READY_MODEL)["details"]
    assert details["data"]["name"] == "synthetic" and details["recipe"]["dimensions"] > 0


def test_it_reads_pictures_as_the_pipelines_features_do() -> None:
    spec, features = load_model(READY_MODEL, RetrievalModel).spec, load(ROOT / "params.yaml").features
    assert (spec.trunk, spec.weights_sha256, spec.taps) == (features.trunk, features.weights_sha256, features.taps)
    assert (spec.image_size, spec.line_width, spec.places) == (
        features.image_size,
        features.line_width,
        features.places,
    )


def test_it_embeds_any_picture() -> None:
    encoder = Encoder.load(READY_MODEL, cpu())
    size = encoder.spec.image_size
    photos = np.stack([np.full((size, size, 3), level, np.uint8) for level in (0, 255)])
    line = join_strokes([np.array([[20.0, 20], [200, 180]])])
    for rows in (encoder.photos(photos), encoder.sketches([line])):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(REAL_DATA not in os.environ, reason=f"{REAL_DATA} does not name the folder that holds ChairV2/")
def test_it_finds_real_chairs_from_real_sketches() -> None:
    """Of ChairV2's training photos and sketches: its test split is for results alone."""
    from benchmarks.ready_model import scores

    found = scores(Encoder.load(READY_MODEL, cpu()), Path(os.environ[REAL_DATA]), "train")
    assert found["alone"]["acc@1"] >= 30
