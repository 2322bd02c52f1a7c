"""G at work on anyone's photos: sketches of them, and how far D_C trusts each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fgsbir.certainty.certainty import certainties
from fgsbir.certainty.discriminator import Discriminator
from fgsbir.data.photos import read_pixels
from fgsbir.data.pixels import photo_tensor
from fgsbir.features.extraction import Reader
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.model import Generator
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.model_folder import CONFIG, load_model
from fgsbir.search.searcher import model_folder

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


@dataclass(frozen=True, slots=True)
class Given:
    """Inputs that are there already, float32 (n, ...), each in one form."""

    values: Tensor

    def __len__(self) -> int:
        return len(self.values)

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> Tensor:
        return self.values[torch.from_numpy(np.asarray(rows, np.int64))]


class PhotoSketcher:
    """G, and D_C if there is one."""

    def __init__(self, generator: Generator, discriminator: Discriminator | None, compute: Compute) -> None:
        self._generator, self._discriminator, self._compute = generator, discriminator, compute
        for model in (generator, discriminator):
            if model is not None:
                compute.place(model)

    @classmethod
    def load(cls, folder: Path) -> "PhotoSketcher":
        """G from its folder, or from one that holds it as ``generator``, as models/joint does.

        D_C is the model in the folder ``discriminator`` beside it, if there is one. Raises DataError.
        """
        folder = model_folder(folder, "generator")
        generator = load_model(folder, Generator)
        beside = folder.resolve().parent / "discriminator"
        discriminator = load_model(beside, Discriminator) if (beside / CONFIG).exists() else None
        return cls(generator, discriminator, Compute.alone("float32"))

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
        if not photos:
            return []
        names = names or [f"photo {number}" for number in range(1, len(photos) + 1)]
        drawn = draw_sketches(
            self._generator,
            Given(self._read(self._generator, photos, names)),
            np.arange(len(photos)),
            0,
            temperature=temperature,
            seed=seed,
            compute=self._compute,
            batch=BATCH,
        )
        trusted: list[float | None] = [None] * len(photos)
        if self._discriminator is not None:
            seen = Given(self._read(self._discriminator, photos, names))
            rows = np.arange(len(photos))
            trusted = certainties(self._discriminator, seen, rows, drawn.strokes, compute=self._compute).tolist()
        return [
            Drawn(strokes, omega, bool(ended))
            for strokes, omega, ended in zip(drawn.strokes, trusted, drawn.ended, strict=True)
        ]

    def _read(self, model: Generator | Discriminator, photos: Sequence[bytes], names: Sequence[str]) -> Tensor:
        """What ``model`` reads of photos, on the CPU: maps, pooled taps or images."""
        reader = Reader(model.trunk, model.spec, self._compute)
        parts = []
        for start in range(0, len(photos), BATCH):
            part = slice(start, start + BATCH)
            encoded = zip(photos[part], names[part], strict=True)
            pixels = np.stack([read_pixels(data, name, model.spec.image_size) for data, name in encoded])
            if model.level == "pixels":
                parts.append(photo_tensor(torch.from_numpy(pixels)))
            else:
                read = reader.photos(pixels)
                parts.append((read.map if model.level == "map" else read.taps).cpu())
        return torch.cat(parts)
