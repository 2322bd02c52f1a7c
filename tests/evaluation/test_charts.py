"""Charts and sheets: same bytes again, small files, and what has to be shown is."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fgsbir.data import sheet as sheets
from fgsbir.data.records import DataError
from fgsbir.data.sheet import LARGEST_FILE, Sheet
from fgsbir.evaluation.charts import certainty_chart, curves_chart, histogram_chart, read_curve
from fgsbir.joint.pseudo_sheet import pseudo_sheet
from tests.toy import shape

STEP = np.arange(10.0)
NOISE = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)


def draw_pseudo(path: Path, photos: int = 5, each: int = 2) -> None:
    certainty = np.random.default_rng(0).random((photos, each)).astype(np.float32)
    sketches = [[shape(row)] * each for row in range(photos)]
    pseudo_sheet(path, lambda rows: np.stack([NOISE[:32, row : row + 32] for row in rows]), sketches, list(certainty))


def draw_certainty(path: Path) -> None:
    rng = np.random.default_rng(0)
    certainty_chart(path, rng.random(60), 100 * rng.random(60), rng.random(90))


def draw_curves(path: Path) -> None:
    curves_chart(path, {"F": {"step": STEP, "x_loss": STEP, "acc@1": STEP}, "G": {"step": STEP, "y_loss": STEP}})


def draw_histogram(path: Path) -> None:
    histogram_chart(path, {"step": STEP, "certainty_0.00": STEP + 40, "certainty_0.50": 60 - STEP})


@pytest.mark.parametrize("draw", [draw_pseudo, draw_certainty, draw_curves, draw_histogram])
def test_same_bytes_again_and_a_readable_small_file(draw: Callable[[Path], None], tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw(tmp_path / name)
    data = (tmp_path / "a.png").read_bytes()
    assert data == (tmp_path / "b.png").read_bytes() and len(data) < LARGEST_FILE
    with Image.open(tmp_path / "a.png") as picture:
        picture.load()


def test_without_pseudo_pairs(tmp_path: Path) -> None:
    draw_pseudo(tmp_path / "a.png", photos=0)
    histogram_chart(tmp_path / "b.png", {"step": STEP})
    assert len(list(tmp_path.iterdir())) == 2


def test_images_are_pixel_exact(tmp_path: Path) -> None:
    sheet = Sheet(50, 40)
    sheet.image(7, 3, NOISE[:32, :32], border=False)
    sheet.save(tmp_path / "sheet.png")
    saved = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert saved.shape == (40, 50, 3) and (saved[3:35, 7:39] == NOISE[:32, :32]).all()


def test_a_jpeg_loses_quality_before_it_grows_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sheets, "LARGEST_FILE", 60_000)
    sheet = Sheet(300, 300)
    sheet.image(0, 0, NOISE)
    sheet.save(tmp_path / "noise.jpg")
    assert (tmp_path / "noise.jpg").stat().st_size <= 60_000


def test_curves_are_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text("step,loss\n1,0.5\n2,0.25\n")
    assert {name: values.tolist() for name, values in read_curve(path).items()} == {"step": [1, 2], "loss": [0.5, 0.25]}
    for text, message in (("", "empty"), ("step,loss\n1\n", "line 2: expected 2 columns"), ("step\nx\n", "numbers")):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            read_curve(path)
    with pytest.raises(DataError, match="no such file"):
        read_curve(tmp_path / "none.csv")
