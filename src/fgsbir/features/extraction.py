"""Every picture through the trunk, once: the folder of features, written shard by shard.

Processes take shards in turn, each writes its own files beside them, and a small merge ends it: the same bytes
whoever did which. A shard that is whole is not done again, whenever a process is killed.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from fgsbir.data.atomic import link_or_copy, write_folder
from fgsbir.data.augmentation import sketch_variant
from fgsbir.data.index import PhotoEntry, by_shard
from fgsbir.data.pixels import photo_tensor, sketch_tensor
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import centre, mirrored
from fgsbir.features.pictures import Level, PhotoImages
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.store import DONE, Layout, half, open_shard, write_about
from fgsbir.features.trunk import Features, Trunk
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.prefetch import prefetch
from fgsbir.runtime.streams import stream

# Pictures that pass the trunk together. It is fixed: another number would round some sums differently.
BATCH = 32


class Reader:
    """A trunk that reads pictures as ``spec`` says, in evaluation, without gradients."""

    def __init__(self, trunk: Trunk, spec: FeatureSpec, compute: Compute) -> None:
        self.trunk, self.spec, self.compute = trunk, spec, compute
        compute.place(trunk)

    def photos(self, pixels: np.ndarray) -> Features:
        """Read photos, uint8 (n, s, s, 3)."""
        return self._read(photo_tensor(torch.from_numpy(pixels).to(self.compute.device)))

    def sketches(self, sketches: Sequence[np.ndarray]) -> Features:
        """Centre, draw and read canonical sketches (n_i, 3)."""
        parts = [self._read(self.images(sketches[rows])) for rows in _batches(len(sketches)) or [slice(0)]]
        return Features(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def photos_as(self, level: Level, pixels: np.ndarray) -> Tensor:
        """Photos, uint8 (n, s, s, 3), as a model of ``level`` reads them."""
        if level == "pixels":
            return photo_tensor(torch.from_numpy(pixels).to(self.compute.device))
        return self.photos(pixels).at(level)

    def sketches_as(self, level: Level, sketches: Sequence[np.ndarray]) -> Tensor:
        """Canonical sketches (n_i, 3) as a model of ``level`` reads them."""
        return self.images(sketches) if level == "pixels" else self.sketches(sketches).at(level)

    def images(self, sketches: Sequence[np.ndarray]) -> Tensor:
        """Canonical sketches, centred and drawn: float32 (n, 3, s, s) in [0, 1]."""
        return sketch_tensor(torch.from_numpy(self.spec.rasterise(sketches)).to(self.compute.device))

    def read(self, images: Tensor) -> Features:
        """Read images, float32 (n, 3, s, s), all at once, with gradients where the caller wants them."""
        return self.trunk(images.contiguous(memory_format=torch.channels_last), self.spec)

    def _read(self, images: Tensor) -> Features:
        with self.compute.scoring():
            return self.read(images)


def write_features(
    reader: Reader, store: ShardStore, layout: Layout, *, strength: float, scratch: Path, out: Path
) -> None:
    """Write the features of all pictures in ``store`` to the folder ``out``.

    The forms of a training sketch but the first are changed with ``strength``. Shards are finished in ``scratch`` one
    by one, by all processes of the reader's compute together, and moved to ``out`` at the end.
    """
    compute = reader.compute
    entries = by_shard(store.index.photos)
    names = sorted(entries)
    compute.wait_for_all()  # a run that may not work here has told so by now
    turns = compute.in_turn(names, "features")
    for name in tqdm(turns, "features", len(names), unit="shard", disable=None):
        if not (scratch / name / DONE).exists():
            with write_folder(scratch / name) as partial:
                _write_shard(reader, store, entries[name], layout, strength, partial)
                (partial / DONE).touch()
    compute.wait_for_all()
    if compute.is_main:
        with write_folder(out) as partial:
            for name in names:
                without = shutil.ignore_patterns(DONE)
                shutil.copytree(scratch / name, partial / name, copy_function=link_or_copy, ignore=without)
            write_about(partial, reader.spec, layout, reader.trunk, entries)
        shutil.rmtree(scratch, ignore_errors=True)
    compute.wait_for_all()


def _write_shard(
    reader: Reader, store: ShardStore, entries: Sequence[PhotoEntry], layout: Layout, strength: float, folder: Path
) -> None:
    """The features of one shard's photos and sketches."""
    arrays = open_shard(folder, layout, entries, write=True)
    # Forms of sketches come one after the other.
    flat = {level: array.reshape(-1, *array.shape[2:]) for (side, level), array in arrays.items() if side == "sketch"}
    images = PhotoImages(store, entries, reader.spec.image_size, 0.0)
    parts = _batches(len(entries))
    for number, pixels in prefetch(lambda number: images.pixels(range(len(entries))[parts[number]]), 0, len(parts)):
        for form, shown in enumerate((pixels, np.ascontiguousarray(pixels[:, :, ::-1]))):
            read = reader.photos(shown)
            for level in ("taps", "map"):
                arrays["photo", level][parts[number], form] = half(read.at(level))

    variants = layout.variants_of(entries[0].split)
    drawn = [
        form
        for entry in entries
        for sketch, strokes in zip(entry.sketches, store.read_strokes(entry), strict=True)
        for form in _forms(centre(strokes), sketch.id, variants, strength)
    ]
    for part in _batches(len(drawn)):
        read = reader.sketches(drawn[part])
        for level, array in flat.items():
            array[part] = half(read.at(level))
    for stored in arrays.values():
        stored.flush()


def _forms(strokes: np.ndarray, name: str, variants: int, strength: float) -> list[np.ndarray]:
    """The forms of a sketch that are stored: its variants, then their mirror images."""
    forms = [strokes]
    for number in range(1, variants):
        forms.append(sketch_variant(strokes, stream(0, "features/variant", name, number), strength))
    return [*forms, *(mirrored(form) for form in forms)]


def _batches(count: int) -> list[slice]:
    return [slice(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]
