"""G at work on anyone's photos: sketches of them, and how far D_C trusts each."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from fgsbir.certainty.discriminator import Discriminator, certainties
from fgsbir.data.contours import SIDE, photo_contours
from fgsbir.data.photos import read_pixels
from fgsbir.data.pixels import photo_tensor
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import ContourInputs, Inputs, KeptInputs
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.kinds import AnyGenerator, load_generator
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.model_folder import CONFIG, load_model
from fgsbir.search.searcher import model_folder

# Low, since one good drawing is wanted and not variety; G's drawings are evaluated at it as well.
TEMPERATURE = 0.4
FIRST = np.zeros(1, np.int64)


class Drawn(NamedTuple):
    """A sketch of a photo: canonical ``strokes`` (n, 3), centred, and whether G ``ended`` it by itself.

    ``certainty`` is D_C's, 0 to 1, that photo and sketch are a real pair; None where there is no D_C.
    """

    strokes: np.ndarray
    certainty: float | None
    ended: bool


class PhotoSketcher:
    """G, and D_C if there is one."""

    def __init__(self, generator: AnyGenerator, discriminator: Discriminator | None, compute: Compute) -> None:
        self._generator, self._discriminator, self._compute = generator, discriminator, compute
        for model in filter(None, (generator, discriminator)):
            compute.place(model)

    @classmethod
    def load(cls, folder: Path) -> "PhotoSketcher":
        """G from its folder, or from one that holds it as ``generator``, as models/joint does.

        D_C is the model in the folder ``discriminator`` beside it, if there is one. Raises DataError.
        """
        folder = model_folder(folder, "generator")
        generator = load_generator(folder)
        beside = folder.resolve().parent / "discriminator"
        discriminator = load_model(beside, Discriminator) if (beside / CONFIG).exists() else None
        return cls(generator, discriminator, Compute.alone("float32"))

    def draw(self, photo: bytes, name: str, *, seed: int = 0, temperature: float = TEMPERATURE) -> Drawn:
        """Sketch an encoded photo; the same ``seed`` draws the same.

        ``temperature`` 0 draws greedily, 1 as variedly as G has learned. Raises DataError with the ``name`` of a photo
        that cannot be read.
        """
        read, compute = self._read(self._generator, photo, name), self._compute
        drawn = draw_sketches(self._generator, read, FIRST, 0, temperature=temperature, seed=seed, compute=compute)
        certainty = None
        if self._discriminator is not None:
            seen = self._read(self._discriminator, photo, name)
            omega = certainties(self._discriminator, seen, FIRST, drawn.strokes, generated=True, compute=compute)
            certainty = float(omega[0])
        return Drawn(drawn.strokes[0], certainty, bool(drawn.ended[0]))

    def _read(self, model: AnyGenerator | Discriminator, photo: bytes, name: str) -> Inputs:
        """What ``model`` reads of a photo: one row in one form."""
        pixels = read_pixels(photo, name, model.spec.image_size)[None]
        if model.level == "pixels":
            return KeptInputs(photo_tensor(torch.from_numpy(pixels))[None])
        read = Reader(model.trunk, model.spec, self._compute).photos(pixels)
        if model.level == "taps":
            return KeptInputs(read.taps[None])
        maps = KeptInputs(read.map[None])
        if model.level == "map":
            return maps
        return ContourInputs(maps, [photo_contours(read_pixels(photo, name, SIDE))])
