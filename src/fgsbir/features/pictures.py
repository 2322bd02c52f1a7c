"""The pictures of a data set as what a model reads: stored taps, stored maps, maps with contours, or pixels."""

import functools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from fgsbir.data.augmentation import change_photos, change_sketches, drawn_separately
from fgsbir.data.contours import Contours, mirrored_contours
from fgsbir.data.edges import Edges, read_edges
from fgsbir.data.index import PhotoEntry
from fgsbir.data.photos import decode_photo
from fgsbir.data.pixels import photo_tensor, sketch_tensor
from fgsbir.data.records import DataError
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import centre, mirrored
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.store import MIRRORED, FeatureStore

# What a model's inputs are: pooled taps (n, D), maps (n, c, h, w), images (n, 3, s, s) in [0, 1], all float32; or, of
# photos alone, maps with the contours (ContourBatch).
Level = Literal["taps", "map", "pixels", "contours"]

# Threads that decode photos: Pillow leaves the interpreter to the others meanwhile.
DECODERS = min(8, os.cpu_count() or 1)


class Inputs(Protocol):
    """Pictures of one side by row, as a tensor or a batch of tensors that :attr:`Level` names.

    ``forms`` picks among the forms of a picture: 0 is the picture as it is, ``MIRRORED`` its mirror image.
    """

    def __len__(self) -> int: ...

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> Any: ...


@dataclass(frozen=True, slots=True)
class KeptInputs:
    """Inputs of n pictures in memory, (forms, n, ...); a form's number counts modulo their number."""

    kept: Tensor

    def __len__(self) -> int:
        return self.kept.shape[1]

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> Tensor:
        numbers = np.broadcast_to(np.asarray(forms) % len(self.kept), np.shape(rows))
        return self.kept[torch.from_numpy(numbers.copy()), torch.from_numpy(np.asarray(rows))].float()


class ContourBatch(NamedTuple):
    """n photos with at most S pieces of contour each.

    ``map`` (n, c, h, w); ``points`` (n, S, P, 2), x and y of the 256 canvas, along each piece; ``strength`` (n, S) and
    ``contour`` int64 (n, S), see :class:`Contours`; ``mask`` bool (n, S), which pieces there are.
    """

    map: Tensor
    points: Tensor
    strength: Tensor
    contour: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> "ContourBatch":
        """The same on ``device``."""
        return ContourBatch(*(values.to(device) for values in self))


@dataclass(frozen=True, slots=True)
class ContourInputs:
    """Photos by row, with their contours; form 1 is the mirror image."""

    maps: Inputs
    contours: Sequence[Contours]

    def __len__(self) -> int:
        return len(self.contours)

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> ContourBatch:
        forms = np.broadcast_to(np.asarray(forms, np.int64), np.shape(rows))
        contours = [self.contours[row] for row in rows]
        most = max(1, *(len(each.contour) for each in contours))
        points = np.zeros((len(contours), most, *contours[0].points.shape[1:]), np.float32)
        strength, contour = np.zeros(points.shape[:2], np.float32), np.zeros(points.shape[:2], np.int64)
        mask = np.zeros(points.shape[:2], bool)
        for row, (each, form) in enumerate(zip(contours, forms, strict=True)):
            count = len(each.contour)
            points[row, :count] = mirrored_contours(each.points) if form else each.points
            strength[row, :count], contour[row, :count], mask[row, :count] = each.strength, each.contour, True
        return ContourBatch(self.maps(rows, forms), *map(torch.from_numpy, (points, strength, contour, mask)))


class PhotoImages:
    """Photos as images, kept as far as they fit into ``limit_gib``. A form above 0 numbers a change of ``strength``."""

    def __init__(
        self, store: ShardStore, entries: Sequence[PhotoEntry], size: int, limit_gib: float, strength: float = 0.0
    ) -> None:
        self.entries, self.size, self.strength = entries, size, strength

        @functools.lru_cache(maxsize=int(limit_gib * 2**30 / (size * size * 3)))
        def decoded(row: int) -> np.ndarray:
            return decode_photo(store.read_photo(entries[row]), size)

        self._decoded, self._decoders = decoded, ThreadPoolExecutor(DECODERS)

    def __len__(self) -> int:
        return len(self.entries)

    def pixels(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Photos ``rows``, uint8 (n, size, size, 3)."""
        found = list(self._decoders.map(self._decoded, map(int, rows)))
        return np.array(found, np.uint8).reshape(-1, self.size, self.size, 3)

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> Tensor:
        images = photo_tensor(torch.from_numpy(self.pixels(rows)))
        forms = np.broadcast_to(np.asarray(forms), np.shape(rows))
        mirror, changed = np.flatnonzero(forms == MIRRORED), np.flatnonzero(forms > 0)
        images[mirror] = images[mirror].flip(3)
        if len(changed):
            images[changed] = change_photos(images[changed], drawn_separately(forms[changed], self.strength))
        return images


class SketchImages:
    """Sketches as images. A form above 0 is the number of a random change, of ``strength``."""

    def __init__(self, sketches: Sequence[np.ndarray], spec: FeatureSpec, strength: float = 0.0) -> None:
        self._sketches, self._spec, self.strength = sketches, spec, strength

    def __len__(self) -> int:
        return len(self._sketches)

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> Tensor:
        numbers = np.broadcast_to(np.asarray(forms), np.shape(rows))
        sketches = [centre(self._sketches[row]) for row in rows]
        sketches = [mirrored(one) if form == MIRRORED else one for one, form in zip(sketches, numbers, strict=True)]
        # A changed sketch stands where the change put it, and is not centred again.
        changed = np.flatnonzero(numbers > 0)
        if len(changed):
            changes = drawn_separately(numbers[changed], self.strength)
            new = iter(change_sketches([sketches[place] for place in changed], changes))
            sketches = [next(new) if form > 0 else one for one, form in zip(sketches, numbers, strict=True)]
        return sketch_tensor(torch.from_numpy(self._spec.draw(sketches)))


@dataclass(frozen=True, slots=True)
class Pictures:
    """A data set's pictures: shards, stored features, how much memory photos may take, the folder of their edges."""

    shards: ShardStore
    features: FeatureStore
    limit_gib: float = 1.0
    edges: Path | None = None

    @property
    def spec(self) -> FeatureSpec:
        """How they are read."""
        return self.features.spec

    def photos(self, entries: Sequence[PhotoEntry], level: Level, strength: float = 0.0) -> Inputs:
        """Photos as inputs of ``level``; images can be changed with ``strength``."""
        if level == "pixels":
            return PhotoImages(self.shards, entries, self.spec.image_size, self.limit_gib, strength)
        if level == "contours":
            return ContourInputs(self.photos(entries, "map"), [edges.contours for edges in self.edges_of(entries)])
        return self.features.photos(entries, level)

    def edges_of(self, entries: Sequence[PhotoEntry]) -> list[Edges]:
        """The edges in photos. Raises DataError without their folder."""
        if self.edges is None:
            raise DataError("the edges in photos are wanted, and no folder of them was given")
        return read_edges(self.edges, self.shards, entries)

    def sketches(
        self, entries: Sequence[PhotoEntry], places: Sequence[Sequence[int]], level: Level, strength: float = 0.0
    ) -> Inputs:
        """The sketches at ``places`` of each photo, photo by photo, as inputs of ``level``."""
        if level == "pixels":
            drawn = [strokes for choice in self.strokes(entries, places) for strokes in choice]
            return SketchImages(drawn, self.spec, strength)
        return self.features.sketches(entries, places, level)

    def strokes(self, entries: Sequence[PhotoEntry], places: Sequence[Sequence[int]]) -> list[list[np.ndarray]]:
        """The sketches at ``places`` of each photo as canonical strokes, centred."""
        wanted = list(zip(entries, places, strict=True))
        strokes = self.shards.strokes_of(entry for entry, chosen in wanted if chosen)
        return [[centre(strokes[entry.id][place]) for place in chosen] for entry, chosen in wanted]
