"""The picture sheets: same bytes again, small files, and what has to stand out stands out."""

import numpy as np
import pytest
from PIL import Image

from fgsbir.data import sheet as sheets
from fgsbir.data.records import DataError
from fgsbir.data.sheet import LARGEST_FILE, Sheet
from fgsbir.data.strokes import to_sequence
from fgsbir.evaluation.charts import certainty_chart, curves_chart, histogram_chart, read_curve
from fgsbir.evaluation.figures import Retrieved, before_after_sheet, drawing_sheet, retrieval_sheet
from fgsbir.joint.pseudo_sheet import pseudo_sheet


def photos(n, size=32, seed=0):
    """Coarse noise: as colourful as photos, and not much harder to compress."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, size // 8, size // 8, 3), np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def sketch(seed=0, points=12):
    rng = np.random.default_rng(seed)
    strokes = np.zeros((points, 3), np.float32)
    strokes[:, :2] = rng.uniform(40, 216, (points, 2))
    strokes[[points // 2, -1], 2] = 1
    return strokes


def draw_retrieval(path):
    queries = [
        Retrieved(
            f"kind {i}",
            sketch(i),
            truth=i,
            ranks={"supervised": 3, "joint": 1},
            nearest={"supervised": np.array([4, 5, i, -1]), "joint": np.array([i, 4, 5, -1])},
        )
        for i in range(3)
    ]
    retrieval_sheet(path, queries, dict(enumerate(photos(6))))


def draw_stages(path, attention=True):
    sequences = [to_sequence(sketch(i))[:-1] for i in range(3)] + [np.zeros((0, 5), np.float32)]
    maps = [np.random.default_rng(i).random((len(sequence), 4, 4)) for i, sequence in enumerate(sequences)]
    drawing_sheet(path, photos(4), sequences, maps if attention else None)


def draw_before_after(path):
    drawn = {"before joint": [sketch(i) for i in range(3)], "after joint": [sketch(i + 5) for i in range(3)]}
    ranks = {name: np.array([1, 20, 3]) for name in drawn}
    before_after_sheet(path, photos(3), [sketch(9), None, sketch(8)], drawn, ranks)


def draw_pseudo(path, n=5):
    pixels, sketches = photos(n), [[sketch(i)] * 2 for i in range(n)]
    pseudo_sheet(path, lambda rows: pixels[rows], sketches, [np.array([i / 5, 0.3], np.float32) for i in range(n)])


def draw_certainty(path):
    rng = np.random.default_rng(0)
    certainty_chart(path, rng.random(60), 100 * rng.random(60), rng.random(90))


def draw_curves(path):
    step = np.arange(10.0)
    curves_chart(path, {"F": {"step": step, "x_loss": step, "acc@1": step}, "G": {"step": step, "y_loss": step}})


def draw_histogram(path):
    histogram_chart(
        path, {"step": np.arange(3.0), "certainty_0.00": np.ones(3) * 60, "certainty_0.50": np.ones(3) * 40}
    )


DRAWN = {
    "retrieval.jpg": draw_retrieval,
    "drawing.jpg": draw_stages,
    "before_after.jpg": draw_before_after,
    "pseudo.png": draw_pseudo,
    "certainty.png": draw_certainty,
    "curves.png": draw_curves,
    "certainty_training.png": draw_histogram,
}


@pytest.mark.parametrize("name", DRAWN)
def test_same_bytes_again_and_a_readable_small_file(name, tmp_path):
    DRAWN[name](tmp_path / "a" / name)
    DRAWN[name](tmp_path / "b" / name)
    data = (tmp_path / "a" / name).read_bytes()
    assert data == (tmp_path / "b" / name).read_bytes()
    assert len(data) < LARGEST_FILE
    with Image.open(tmp_path / "a" / name) as picture:
        picture.load()
        assert picture.format == {".jpg": "JPEG", ".png": "PNG"}[name[-4:]]


def test_true_photos_are_framed_once_a_model(monkeypatch, tmp_path):
    frames = []
    original = Sheet.frame

    def frame(self, x, y, width, height, colour, line=3.0):
        if colour == sheets.RIGHT:
            frames.append((x, y))
        original(self, x, y, width, height, colour, line)

    monkeypatch.setattr(Sheet, "frame", frame)
    draw_retrieval(tmp_path / "retrieval.png")
    assert len(set(frames)) == len(frames) == 6
    # Third place under the supervised model, first under the joint one, in the line below.
    (supervised, joint) = frames[:2]
    assert supervised[0] > joint[0]
    assert supervised[1] < joint[1]


def test_images_are_pixel_exact(tmp_path):
    sheet = Sheet(50, 40)
    picture = photos(1)[0]
    sheet.image(7, 3, picture, border=False)
    sheet.save(tmp_path / "sheet.png")
    saved = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert saved.shape == (40, 50, 3)
    assert (saved[3:35, 7:39] == picture).all()


def test_a_jpeg_loses_quality_before_it_grows_large(monkeypatch, tmp_path):
    monkeypatch.setattr(sheets, "LARGEST_FILE", 60_000)
    sheet = Sheet(300, 300)
    sheet.image(0, 0, np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))
    sheet.save(tmp_path / "noise.jpg")
    assert (tmp_path / "noise.jpg").stat().st_size <= 60_000


def test_without_attention_unlabelled_photos_or_pseudo_pairs(tmp_path):
    draw_stages(tmp_path / "a.png", attention=False)
    draw_pseudo(tmp_path / "b.png", n=0)
    histogram_chart(tmp_path / "c.png", {"step": np.arange(3.0)})
    assert len(list(tmp_path.iterdir())) == 3


def test_curves_are_read_strictly(tmp_path):
    path = tmp_path / "curve.csv"
    path.write_text("step,loss\n1,0.5\n2,0.25\n")
    assert {name: values.tolist() for name, values in read_curve(path).items()} == {"step": [1, 2], "loss": [0.5, 0.25]}
    for text, message in (
        ("", "empty file"),
        ("step,loss\n1\n", "line 2: expected 2 columns"),
        ("step\nx\n", "numbers"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            read_curve(path)
    with pytest.raises(DataError, match="no such file"):
        read_curve(tmp_path / "none.csv")


def test_a_group_of_pseudo_pairs_shows_a_photo_once(monkeypatch, tmp_path):
    """Three photos with thirty sketches each: three pairs in each of the three groups, two pictures a pair."""
    shown = []
    monkeypatch.setattr(Sheet, "image", lambda self, x, y, pixels: shown.append(pixels))
    pixels, sketches = photos(3), [[sketch(i)] * 30 for i in range(3)]
    certainty = np.random.default_rng(0).random((3, 30)).astype(np.float32)
    pseudo_sheet(tmp_path / "sheet.png", lambda rows: pixels[rows], sketches, list(certainty))
    assert len(shown) == 3 * 3 * 2
