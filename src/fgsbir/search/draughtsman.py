"""G at work on anyone's photos: sketches of them, and how far D_C trusts each."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from fgsbir.certainty.certainty import certainties
from fgsbir.certainty.discriminator import Discriminator
from fgsbir.data.photos import read_pixels
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.model import Generator
from fgsbir.runtime.model_folder import CONFIG, load_model
from fgsbir.search.encoder import line_width_of, model_folder

# Low, since one good drawing is wanted and not variety; G's drawings are evaluated at it as well.
TEMPERATURE = 0.4
BATCH = 32


class Drawn(NamedTuple):
    """A sketch of a photo: canonical ``strokes`` (n, 3), centred, and whether G ``ended`` it by itself.

    ``certainty`` is D_C's, 0 to 1, that photo and sketch are a real pair; None where there is no D_C.
    """

    strokes: np.ndarray
    certainty: float | None
    ended: bool


class Draughtsman:
    """G, and D_C if there is one; ``line_width`` is of the lines, in canvas pixels, that D_C has learned from."""

    def __init__(self, generator: Generator, discriminator: Discriminator | None = None, line_width: float = 3) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._generator = generator.to(self.device).eval()
        self._discriminator = discriminator.to(self.device).eval() if discriminator else None
        self._line_width = line_width

    @classmethod
    def load(cls, folder: Path) -> "Draughtsman":
        """G from its folder, or from one that holds it as ``generator``, as models/joint does.

        D_C is the model in the folder ``discriminator`` beside it, if there is one. Raises DataError.
        """
        folder = model_folder(folder, "generator")
        generator = load_model(folder, Generator)
        beside = folder.resolve().parent / "discriminator"
        if not (beside / CONFIG).exists():
            return cls(generator)
        return cls(generator, load_model(beside, Discriminator), line_width_of(beside))

    def draw(
        self,
        photos: Sequence[bytes],
        *,
        seed: int = 0,
        temperature: float = TEMPERATURE,
        names: Sequence[str] | None = None,
    ) -> list[Drawn]:
        """Sketch encoded photos, one sketch each, in their order; the same ``seed`` draws the same.

        What is random in a drawing depends on its photo's place in ``photos``. ``temperature`` 0 draws greedily, 1 as
        variedly as G has learned. Raises DataError naming the photo, by ``names`` if given, that cannot be read.
        """
        names = names or [f"photo {number}" for number in range(1, len(photos) + 1)]
        pictures = [
            np.stack([read_pixels(data, name, size) for data, name in zip(photos, names, strict=True)])
            if photos
            else np.zeros((0, size, size, 3), np.uint8)
            for size in self._sizes()
        ]
        drawn = draw_sketches(
            self._generator,
            pictures[0],
            temperature=temperature,
            seed=seed,
            batch=BATCH,
            device=self.device,
            precision="float32",
        )
        trusted: list[float | None] = [None] * len(photos)
        if self._discriminator:
            trusted = certainties(
                self._discriminator,
                pictures[-1],
                np.arange(len(photos)),
                drawn.strokes,
                line_width=self._line_width,
                device=self.device,
                precision="float32",
            ).tolist()
        return [
            Drawn(strokes, omega, bool(ended))
            for strokes, omega, ended in zip(drawn.strokes, trusted, drawn.ended, strict=True)
        ]

    def _sizes(self) -> list[int]:
        """The sides of the pictures that G and D_C see, one if it is the same."""
        sizes = [self._generator.image_size]
        if self._discriminator and self._discriminator.image_size != sizes[0]:
            sizes.append(self._discriminator.image_size)
        return sizes
