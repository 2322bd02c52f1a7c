"""Photos as what a chooser of contours reads: the trunk's map, and the pieces of contour in the photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fgsbir.data.contours import Contours, mirrored_contours

if TYPE_CHECKING:
    from fgsbir.features.pictures import Inputs


class ContourBatch(NamedTuple):
    """n photos with at most S pieces of contour each.

    ``map`` float32 (n, c, h, w); ``points`` float32 (n, S, P, 2), x and y of the 256 canvas, along each piece;
    ``strength`` float32 (n, S) and ``contour`` int64 (n, S), see :class:`Contours`; ``mask`` bool (n, S), which pieces
    there are.
    """

    map: Tensor
    points: Tensor
    strength: Tensor
    contour: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> "ContourBatch":
        """The same on ``device``."""
        return ContourBatch(*(values.to(device) for values in self))


def contour_batch(maps: Tensor, contours: Sequence[Contours], forms: np.ndarray) -> ContourBatch:
    """Maps (n, c, h, w) and the contours of n photos, mirrored where ``forms`` int64 (n,) is not 0, as the maps are."""
    most = max(1, *(len(each.contour) for each in contours))
    points = np.zeros((len(contours), most, *contours[0].points.shape[1:]), np.float32)
    strength, contour = np.zeros(points.shape[:2], np.float32), np.zeros(points.shape[:2], np.int64)
    mask = np.zeros(points.shape[:2], bool)
    for row, (each, form) in enumerate(zip(contours, forms, strict=True)):
        count = len(each.contour)
        points[row, :count] = mirrored_contours(each.points) if form else each.points
        strength[row, :count], contour[row, :count], mask[row, :count] = each.strength, each.contour, True
    return ContourBatch(maps, *map(torch.from_numpy, (points, strength, contour, mask)))


@dataclass(frozen=True, slots=True)
class ContourInputs:
    """Photos by row, with their contours; form 1 is the mirror image."""

    maps: "Inputs"
    contours: Sequence[Contours]

    def __len__(self) -> int:
        return len(self.contours)

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> ContourBatch:
        forms = np.broadcast_to(np.asarray(forms, np.int64), np.shape(rows))
        return contour_batch(self.maps(rows, forms), [self.contours[row] for row in rows], forms)
