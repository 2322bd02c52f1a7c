"""A support set from a user's own folder: k drawings, each with its photo, to adapt a model to."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fgsbir.adaptation.triplets import Triplets, negatives_of
from fgsbir.data.photos import MAX_MEGAPIXELS, decode_photo, read_photo
from fgsbir.data.pixels import photo_tensor, sketch_tensor
from fgsbir.data.rasterise import rasterise_batch
from fgsbir.data.readers.folder import read_folder
from fgsbir.data.records import DataError
from fgsbir.data.strokes import centre

# Pixels of the 256 canvas: how closely the line of a raster drawing is followed.
TRACE_TOLERANCE = 1.0


@dataclass(frozen=True, slots=True)
class SupportSet:
    """k sketches, canonical and centred, and the row of each one's photo, int64 (k,), among ``photos`` (files)."""

    sketches: list[np.ndarray]
    photo: np.ndarray
    photos: list[bytes]

    def triplets(self, size: int, line_width: float, *, pool: bool) -> Triplets:
        """Pictures of sketch, photo and another photo, float32 (k, 3, 3, size, size), and what is whose negative."""
        other = in_turn(self.photo, len(self.photos))
        pixels = np.stack([decode_photo(data, size) for data in self.photos])
        shown = photo_tensor(torch.from_numpy(pixels))
        rasters = sketch_tensor(torch.from_numpy(rasterise_batch(self.sketches, size, line_width)))
        rows = torch.from_numpy(self.photo), torch.from_numpy(other)
        return Triplets(torch.stack([rasters, *(shown[row] for row in rows)], 1), negatives_of(*rows, pool=pool))


def in_turn(photo: np.ndarray, count: int) -> np.ndarray:
    """Another photo for each of the rows ``photo``, int64 (k,), among ``count`` photos, at least 2: int64 (k,).

    They take turns, so that all of them are seen where there are no more than sketches.
    """
    return (photo + 1 + np.arange(len(photo)) % (count - 1)) % count


def read_support(root: Path) -> SupportSet:
    """Read the pairs of a folder: ``root/photos/<name>.jpg`` and ``root/sketches/<name>.svg``, or .json, .png, ...

    Raises DataError for anything that cannot be used: an unpaired file, an unreadable one, no pair, or fewer than
    two photos, of which none could be told from another.
    """
    if not (root / "photos").is_dir():
        raise DataError(f"{root / 'photos'}: expected a folder of photos, found none")
    source = read_folder(root, TRACE_TOLERANCE)
    for skipped in source.skipped:
        raise DataError(f"{skipped.path}: {skipped.reason}")
    drawn = {sketch.photo_id for sketch in source.sketches}
    for photo in source.photos:
        if photo.id not in drawn:
            raise DataError(f"{photo.path}: expected a sketch sketches/{photo.id}.svg of it, found none")
    if len(source.photos) < 2:
        raise DataError(
            f"{root}: expected pairs of at least 2 photos to tell from each other, found {len(source.photos)}"
        )
    rows = {photo.id: row for row, photo in enumerate(source.photos)}
    return SupportSet(
        [centre(sketch.strokes) for sketch in source.sketches],
        np.array([rows[sketch.photo_id] for sketch in source.sketches], np.int64),
        [read_photo(photo.path, MAX_MEGAPIXELS)[0] for photo in source.photos],
    )
