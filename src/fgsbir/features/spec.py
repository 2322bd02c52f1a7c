"""How a picture is read: the preprocessing and the taps that every model of a run shares."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fgsbir.data.pixels import sketch_rasters
from fgsbir.data.rasterise import rasterise_batch


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """The one way from a photo or strokes to numbers.

    A photo is padded to a square with white and resized to ``image_size`` pixels; strokes are centred, their longest
    side 190 of 256, and drawn with lines ``line_width`` pixels of the 256 canvas wide. The network ``trunk`` (a timm
    name, its weights known by ``weights_sha256``) is read after the blocks ``taps``, counted from 0, each map averaged
    to ``places`` x ``places``. Its map after the block ``map_block`` is what G reads, and what tuned blocks start from.
    """

    trunk: str
    weights_sha256: str
    image_size: int
    line_width: float
    taps: tuple[int, ...]
    places: int
    map_block: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "taps", tuple(self.taps))  # JSON has lists

    def as_json(self) -> dict[str, Any]:
        """JSON values: the constructor's arguments."""
        return asdict(self) | {"taps": list(self.taps)}

    def draw(self, sketches: Sequence[np.ndarray]) -> np.ndarray:
        """Draw canonical sketches where they stand on the canvas: uint8 (n, s, s)."""
        return rasterise_batch(list(sketches), self.image_size, self.line_width)

    def rasterise(self, sketches: Sequence[np.ndarray]) -> np.ndarray:
        """Centre canonical sketches (n_i, 3) and draw them: uint8 (n, s, s)."""
        return sketch_rasters(sketches, self.image_size, self.line_width)
