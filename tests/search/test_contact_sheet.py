"""The contact sheet of an answer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.photos import photo_bytes
from fgsbir.data.records import DataError
from fgsbir.data.sketch_files import Drawing
from fgsbir.data.strokes import join_strokes
from fgsbir.search.contact_sheet import save_contact_sheet
from fgsbir.search.searcher import Match

SKETCH = join_strokes([np.array([[60.0, 60], [180, 70], [180, 200]])])


@pytest.mark.parametrize("number", [0, 1, 3, 10, 37])
def test_any_number_of_photos_and_any_names(
    tmp_path: Path, make_photo: Callable[[Path, int], Path], number: int
) -> None:
    names = ["$x_$.png", "a\nb\x1b[0m.png", "n" * 200 + ".png", "udc\udcff.png", *(f"{row}.png" for row in range(40))]
    paths = [make_photo(tmp_path / "photos" / name, row) for row, name in enumerate(names[:number])]
    matches = [Match(f"{row:016x}", path, row + 1, row / 100) for row, path in enumerate(paths)]
    for path in paths[4:5]:
        path.unlink()
    for path in paths[5:6]:
        path.write_bytes(b"no photo any more")
    save_contact_sheet(
        tmp_path / "new" / "sheet.png", Drawing(SKETCH), matches, lambda id: photo_bytes(paths[int(id, 16)])
    )
    pixels = np.asarray(Image.open(tmp_path / "new" / "sheet.png").convert("L"))
    assert (pixels[:180, :180] < 100).any()  # the sketch
    assert pixels.shape[1] > 180 * min(number, 5)


def test_only_pictures_are_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"sheet\.pdf: expected a name that ends in \.png or \.jpg"):
        save_contact_sheet(tmp_path / "sheet.pdf", Drawing(SKETCH), [], lambda _: b"")
    assert not any(tmp_path.iterdir())
