"""A support set of one's own to adapt a model to: k drawings, the photos of them, photos alone, or all of these."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fgsbir.adaptation.edge_side import pooled_edges, ready_edges
from fgsbir.adaptation.losses import Triplets, negatives_of
from fgsbir.adaptation.model import AdaptiveModel, statistics_alone
from fgsbir.adaptation.scribbles import scribbles
from fgsbir.data.files import NO_UTF_8, list_files
from fgsbir.data.photos import check_photo, decode_photo, photo_bytes
from fgsbir.data.readers.folder import read_folder
from fgsbir.data.records import DataError, Skipped
from fgsbir.data.sketch_files import SKETCH_SUFFIXES, read_sketch_files
from fgsbir.data.strokes import centre
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import load_model, read_config

# Pixels of the 256 canvas: how closely the line of a raster drawing is followed.
TRACE_TOLERANCE = 1.0
# Times the similarity that scribbles have to the nearest photo. Under the ready model sketches of drawn products have
# 2.6 to 4 times that among their own kind, 0.2 to 1.8 times among others; people's of real chairs have 1.9 times.
FAR = 1.25


@dataclass(frozen=True, slots=True)
class SupportSet:
    """k >= 0 sketches, canonical and centred, and, if known, the row of each one's photo, int64 (k,), among ``photos``.

    ``searched`` are some of the photos that will be searched; where there are none, ``photos`` are. ``skipped`` are
    files that have no name in UTF-8.
    """

    sketches: list[np.ndarray] = field(default_factory=list)
    photo: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    photos: list[bytes] = field(default_factory=list)
    searched: list[bytes] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def sha256(self) -> str:
        """Of all that is in it."""
        digest = hashlib.sha256(self.photo.tobytes())
        drawn = (np.ascontiguousarray(sketch).tobytes() for sketch in self.sketches)
        for part in (*drawn, *self.photos, *self.searched):
            digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()


def load_adaptive(folder: Path) -> tuple[AdaptiveModel, bool]:
    """A model that adapts, and whether every photo of a support is a negative of the others' sketches.

    A plain retrieval model adapts its statistics alone. Raises DataError for any other, and one that adapts nothing.
    """
    config = read_config(folder)
    if config["kind"] == RetrievalModel.kind:
        model = statistics_alone(load_model(folder, RetrievalModel), ready_edges(config["sha256"]))
    else:
        model = load_model(folder, AdaptiveModel)
    if not model.adapts:
        raise DataError(
            f"{folder}: this model cannot adapt: it was trained with adapt's method none, or without standardise"
        )
    return model, config["details"].get("negatives") == "pool"


def adapt_to(model: AdaptiveModel, encoder: Encoder, support: SupportSet, *, pool: bool) -> RetrievalModel:
    """``model`` adapted to a support set, whose pictures ``encoder`` reads by the model's own F."""
    sketches = pooled_sketches(encoder, support.sketches)
    size = encoder.spec.image_size
    photos = [encoder.pooled_photos(decode_photo(data, size)[None])[:, 0] for data in support.photos]
    pairs = triplets_of(sketches, torch.cat(photos), support.photo, pool) if len(photos) > 1 else None
    edges = pooled_edges(encoder, support.searched or support.photos) if model.form.edges else None
    return model.with_weights(*model.meet(sketches, pairs, edges))


def far_from_photos(encoder: Encoder, support: SupportSet) -> bool:
    """Whether sketches lie about as far from the known photos as scribbles do: they are of other things, then."""
    shown = [decode_photo(data, encoder.spec.image_size) for data in support.searched or support.photos]
    if not shown or not support.sketches:
        return False
    photos = np.concatenate([encoder.photos(one[None]) for one in shown])
    drawn, scribbled = (encoder.sketches(these) for these in (support.sketches, scribbles()))
    near, chance = (np.median((these @ photos.T).max(1)) for these in (drawn, scribbled))
    return bool(near <= FAR * chance)


def pooled_sketches(encoder: Encoder, sketches: Sequence[np.ndarray]) -> Tensor:
    """Pooled taps of canonical sketches (n_i, 3), n >= 0, wherever on the canvas they lie: float32 (n, D)."""
    if not sketches:
        return torch.zeros(0, encoder.model.dimensions, device=encoder.compute.device)
    with encoder.compute.scoring(encoder.model):
        return encoder.model.pooled(encoder.sketch_inputs(sketches)).float()


def triplets_of(sketches: Tensor, photos: Tensor, photo: np.ndarray, pool: bool) -> Triplets:
    """Triplets of sketches (k, D), at least two photos (n, D), and the row of each sketch's photo, int64 (k,)."""
    # The others take turns, so that all of them are seen where there are no more than sketches.
    turns = (photo + 1 + np.arange(len(photo)) % (len(photos) - 1)) % len(photos)
    own, other = torch.from_numpy(photo), torch.from_numpy(turns)
    negatives = negatives_of(own, other, pool=pool).to(photos.device)
    return Triplets(torch.stack([sketches, photos[own], photos[other]], 1), negatives)


def read_support(root: Path) -> SupportSet:
    """Read the pairs of a folder: ``root/photos/<name>.jpg`` and ``root/sketches/<name>.svg``, or .json, .png, ...

    Without ``photos`` in it there are sketches alone. A name that is no UTF-8 is skipped. Raises DataError for an
    unpaired or unreadable file, for two that hold the same drawing, or none.
    """
    if not (root / "photos").is_dir():
        return _sketches_alone(root / "sketches" if (root / "sketches").is_dir() else root)
    source = read_folder(root, TRACE_TOLERANCE)
    _require_usable(source.skipped)
    drawn = {sketch.photo_id for sketch in source.sketches}
    for photo in source.photos:
        if photo.id not in drawn:
            raise DataError(f"{photo.path}: expected a sketch sketches/{photo.id}.svg of it, found none")
    rows = {photo.id: row for row, photo in enumerate(source.photos)}
    drawings = [centre(sketch.strokes) for sketch in source.sketches]
    _require_different([sketch.id for sketch in source.sketches], drawings)
    numbers = np.array([rows[sketch.photo_id] for sketch in source.sketches], np.int64)
    photos = read_photos([photo.path for photo in source.photos])
    return SupportSet(drawings, numbers, photos, skipped=source.skipped)


def read_photos(paths: Sequence[Path]) -> list[bytes]:
    """Photos, as their files are. Raises DataError for one that is none."""
    found = []
    for path in paths:
        found.append(photo_bytes(path))
        check_photo(found[-1], str(path))
    return found


def _require_usable(skipped: Sequence[Skipped]) -> None:
    """A name that is no UTF-8 is passed over in every command; any other fault is the user's to mend first."""
    for each in skipped:
        if each.reason != NO_UTF_8:
            raise DataError(f"{each.path}: {each.reason}")


def _require_different(names: Sequence[str], sketches: Sequence[np.ndarray]) -> None:
    first = dict[bytes, str]()
    for name, sketch in zip(names, sketches, strict=True):
        same = first.setdefault(sketch.tobytes(), name)
        if same != name:
            raise DataError(f"{name}: holds the same drawing as {same}; expected different ones")


def _sketches_alone(folder: Path) -> SupportSet:
    listing = list_files([folder], follow=True)
    _require_usable(listing.skipped)
    for path in listing.files:
        if path.suffix.lower() not in SKETCH_SUFFIXES:
            raise DataError(f"{path}: expected a sketch with a suffix of {', '.join(SKETCH_SUFFIXES)}")
    if not listing.files:
        why = f" that can be used ({listing.skipped[0].path}: {listing.skipped[0].reason})" if listing.skipped else ""
        raise DataError(f"{folder}: expected sketches, found none{why}")
    sketches = []
    for found in read_sketch_files(listing.files, TRACE_TOLERANCE):
        if isinstance(found, DataError):
            raise found
        sketches.append(centre(found.strokes))
    _require_different(list(map(str, listing.files)), sketches)
    return SupportSet(sketches, skipped=listing.skipped)
