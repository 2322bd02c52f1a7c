"""The folder of features: what the trunk says of every photo and sketch of the shards, mapped and not read.

======================================  =======================================================================
``features.json``                       format, how pictures were read, the layout, shards with their counts
``<shard>/photo_taps.npy``              float16 (photos, forms, D), in the order of the ids
``<shard>/photo_maps.npy``              float16 (photos, forms, c, h, w), the map that G reads
``<shard>/sketch_taps.npy``             float16 (sketches, forms, D), by photo and then in the photo's order
``<shard>/sketch_maps.npy``             float16 (sketches, forms, c, h, w), where upper blocks are tuned
``trunk.safetensors``                   the trunk, where no data package has its weights
======================================  =======================================================================

A form of a photo is 0, the photo, or 1, its mirror image. A training sketch has V forms, 0 as it is and the others
changed as if drawn again, and then the mirror image of each; other sketches are not changed, and have two forms.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from fgsbir.data.atomic import new_array, write_json
from fgsbir.data.index import Index, PhotoEntry, by_shard
from fgsbir.data.records import DataError
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.trunk import (
    Trunk,
    build_trunk,
    depth_of,
    is_packaged,
    map_shape,
    packaged_trunk,
    tap_channels,
    trunk_bytes,
)
from fgsbir.features.weights import load_strictly, read_weights

FORMAT = 1
ABOUT, TRUNK, DONE = "features.json", "trunk.safetensors", "done"
# The arrays by side and by the level of the models that read them.
FILES = {
    (side, level): f"{side}_{name}.npy"
    for side in ("photo", "sketch")
    for level, name in (("taps", "taps"), ("map", "maps"))
}
FEATURES_OF_TRAINING = ("train", "unlabelled")
PHOTO_FORMS = 2
# As a form: the mirror image of form 0, whichever number it has.
MIRRORED = -1
# float16 holds no more; a map of a network without normalisation could exceed it.
LARGEST = 6e4


@dataclass(frozen=True, slots=True)
class Layout:
    """The shapes in a folder of features: ``dimensions`` D of taps, ``map_shape`` (c, h, w), ``variants`` V of each
    training sketch, and whether sketches have maps.
    """

    dimensions: int
    map_shape: tuple[int, int, int]
    variants: int
    sketch_maps: bool

    def variants_of(self, split: str) -> int:
        """In how many forms, before they are mirrored, the sketches of a split are stored."""
        return self.variants if split in FEATURES_OF_TRAINING else 1


def layout_of(trunk: Trunk, spec: FeatureSpec, *, variants: int, sketch_maps: bool) -> Layout:
    """The shapes of what ``trunk`` says of pictures, read as ``spec`` says."""
    dimensions = sum(tap_channels(trunk, spec)) * spec.places**2
    return Layout(dimensions, map_shape(trunk, spec), variants, sketch_maps)


Arrays = dict[tuple[str, str], np.memmap]


def open_shard(folder: Path, layout: Layout, entries: Sequence[PhotoEntry], *, write: bool) -> Arrays:
    """The arrays of one shard's photos and sketches by side and level, mapped, to be written or to be read.

    Raises DataError naming the file for one to be read that is missing, damaged, or of another shape.
    """
    rows = {
        "photo": (len(entries), PHOTO_FORMS),
        "sketch": (sum(len(entry.sketches) for entry in entries), 2 * layout.variants_of(entries[0].split)),
    }
    shapes = {"taps": (layout.dimensions,), "map": layout.map_shape}
    opened, arrays = _created if write else _mapped, {}
    for (side, level), file in FILES.items():
        if layout.sketch_maps or (side, level) != ("sketch", "map"):
            arrays[side, level] = opened(folder / file, (*rows[side], *shapes[level]))
    return arrays


def _created(path: Path, shape: tuple[int, ...]) -> np.memmap:
    return new_array(path, np.float16, shape)


def _mapped(path: Path, shape: tuple[int, ...]) -> np.memmap:
    try:
        array = npy.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; run the stage features again") from None
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path}: expected an array of features, found damage ({error})") from None
    if array.dtype != np.float16 or array.shape != shape:
        raise DataError(f"{path}: expected float16 {shape}, found {array.dtype} {array.shape}")
    return array


def half(values: Tensor) -> np.ndarray:
    """float16, what is too large cut to the largest that it holds."""
    return values.float().clamp(-LARGEST, LARGEST).half().cpu().numpy()


def write_about(
    folder: Path, spec: FeatureSpec, layout: Layout, trunk: Trunk, entries: Mapping[str, Sequence[PhotoEntry]]
) -> None:
    """Write ``features.json`` and, where no data package has it, the trunk."""
    trunk_sha256 = None
    if not is_packaged(spec):
        data = trunk_bytes(trunk)
        (folder / TRUNK).write_bytes(data)
        trunk_sha256 = hashlib.sha256(data).hexdigest()
    counts = {
        name: {"photos": len(rows), "sketches": sum(len(row.sketches) for row in rows)}
        for name, rows in entries.items()
    }
    about = {"format": FORMAT, "spec": spec.as_json(), **asdict(layout), "trunk_sha256": trunk_sha256, "shards": counts}
    write_json(folder / ABOUT, about)


class FeatureStore:
    """An opened folder of features of the shards in ``index``.

    Raises DataError naming the file for a folder that is none, or whose files are truncated or of other shards.
    """

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder, path = folder, folder / ABOUT
        entries = by_shard(index.photos)
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            found, shards = about["format"], set(about["shards"])
            self.spec, self._trunk_sha256 = FeatureSpec(**about["spec"]), str(about["trunk_sha256"])
            self.layout = Layout(
                int(about["dimensions"]), tuple(about["map_shape"]), int(about["variants"]), bool(about["sketch_maps"])
            )
        except FileNotFoundError:
            raise DataError(f"{path}: no such file; expected the output of the stage features") from None
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: expected what the stage features writes, found damage ({error})") from None
        if found != FORMAT:
            raise DataError(f"{path}: expected format {FORMAT}, found {found!r}; run the stage features again")
        if entries.keys() != shards:
            raise DataError(f"{path}: is of other shards than the data set's; run the stage features again")
        self._shards: list[Arrays] = []
        # Photo id to the number of its shard, its row there, and the row of its first sketch.
        self._place: dict[str, tuple[int, int, int]] = {}
        for name, rows in entries.items():
            first = 0
            for row, entry in enumerate(rows):
                self._place[entry.id] = (len(self._shards), row, first)
                first += len(entry.sketches)
            self._shards.append(open_shard(folder / name, self.layout, rows, write=False))

    def trunk(self) -> Trunk:
        """The trunk that made these features."""
        if is_packaged(self.spec):
            return packaged_trunk(self.spec)
        trunk = build_trunk(self.spec.trunk, depth_of(self.spec), "nothing")
        load_strictly(trunk, read_weights(self.folder / TRUNK, self._trunk_sha256), str(self.folder / TRUNK))
        return trunk

    def photos(self, entries: Sequence[PhotoEntry], level: str) -> "StoredInputs":
        """What the trunk said of photos, in this order: their "taps" or "map"."""
        places = [(*self._place[entry.id][:2], 1) for entry in entries]
        return self._inputs("photo", level, places)

    def sketches(self, entries: Sequence[PhotoEntry], places: Sequence[Sequence[int]], level: str) -> "StoredInputs":
        """The same of the sketches at ``places`` of each photo, photo by photo.

        Raises DataError where maps of sketches were not kept.
        """
        found = []
        for entry, chosen in zip(entries, places, strict=True):
            shard, _, first = self._place[entry.id]
            found += [(shard, first + place, self.layout.variants_of(entry.split)) for place in chosen]
        return self._inputs("sketch", level, found)

    def _inputs(self, side: str, level: str, places: Sequence[tuple[int, int, int]]) -> "StoredInputs":
        if any((side, level) not in arrays for arrays in self._shards):
            raise DataError("these features hold no maps of sketches; set features.sketch_maps: true")
        arrays = [arrays[side, level] for arrays in self._shards]
        return StoredInputs(arrays, np.array(places, np.int64).reshape(-1, 3))


@dataclass(frozen=True, slots=True)
class StoredInputs:
    """What the trunk said of some photos or sketches, by row.

    ``arrays`` are the shards'; ``places`` int64 (n, 3) of each its shard, its row there, the form of its mirror image.
    """

    arrays: Sequence[np.memmap]
    places: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> Tensor:
        """Pooled taps (n, D) or maps (n, c, h, w), float32, of ``rows`` in ``forms``, each int64 (n,) or one number."""
        shard, row, mirror = self.places[np.asarray(rows, np.int64)].T
        form = np.where(np.equal(forms, MIRRORED), mirror, forms)
        out = np.empty((len(row), *self.arrays[0].shape[2:]), np.float16)
        for number in np.unique(shard):
            mine = shard == number
            out[mine] = self.arrays[number][row[mine], form[mine]]
        return torch.from_numpy(out).float()
