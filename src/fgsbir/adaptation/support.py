"""A support set of one's own: k drawings, and the photos of them if they are known, to adapt a model to."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fgsbir.adaptation.losses import Triplets, negatives_of
from fgsbir.adaptation.model import AdaptiveModel, statistics_alone
from fgsbir.data.files import list_files
from fgsbir.data.photos import check_photo, decode_photo, photo_bytes
from fgsbir.data.readers.folder import read_folder
from fgsbir.data.records import DataError
from fgsbir.data.sketch_files import SKETCH_SUFFIXES, read_sketch_files
from fgsbir.data.strokes import centre
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import load_model, read_config

# Pixels of the 256 canvas: how closely the line of a raster drawing is followed.
TRACE_TOLERANCE = 1.0


@dataclass(frozen=True, slots=True)
class SupportSet:
    """k sketches, canonical and centred, and, if known, the row of each one's photo, int64 (k,), among ``photos``."""

    sketches: list[np.ndarray]
    photo: np.ndarray
    photos: list[bytes]

    def sha256(self) -> str:
        """Of all that is in it."""
        digest = hashlib.sha256(self.photo.tobytes())
        for part in (*(np.ascontiguousarray(sketch).tobytes() for sketch in self.sketches), *self.photos):
            digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()


def load_adaptive(folder: Path) -> tuple[AdaptiveModel, bool]:
    """A model that adapts, and whether every photo of a support is a negative of the others' sketches.

    A plain retrieval model adapts its statistics alone. Raises DataError for any other, and one that adapts nothing.
    """
    config = read_config(folder)
    if config["kind"] == RetrievalModel.kind:
        model = statistics_alone(load_model(folder, RetrievalModel))
    else:
        model = load_model(folder, AdaptiveModel)
    if not model.adapts:
        raise DataError(f"{folder}: was trained without adaptation, and has nothing to adapt by")
    return model, config["details"].get("negatives") == "pool"


def adapt_to(model: AdaptiveModel, encoder: Encoder, support: SupportSet, *, pool: bool) -> RetrievalModel:
    """``model`` adapted to a support set, whose pictures ``encoder`` reads by the model's own F."""
    sketches = pooled_sketches(encoder, support.sketches)
    size = encoder.spec.image_size
    photos = [encoder.pooled_photos(decode_photo(data, size)[None])[:, 0] for data in support.photos]
    pairs = pooled_triplets(sketches, torch.cat(photos), support.photo, pool) if photos else None
    return model.with_weights(*model.meet(sketches, pairs))


def pooled_sketches(encoder: Encoder, sketches: Sequence[np.ndarray]) -> Tensor:
    """Pooled taps of canonical sketches (n_i, 3), n > 0, wherever on the canvas they lie: float32 (n, D)."""
    with encoder.compute.scoring(encoder.model):
        return encoder.model.pooled(encoder.sketch_inputs(sketches)).float()


def pooled_triplets(sketches: Tensor, photos: Tensor, photo: np.ndarray, pool: bool) -> Triplets | None:
    """Triplets of sketches (k, D), photos (n, D) and each sketch's photo, int64 (k,); None for fewer than 2 photos."""
    if len(photos) < 2:
        return None
    # The others take turns, so that all of them are seen where there are no more than sketches.
    turns = (photo + 1 + np.arange(len(photo)) % (len(photos) - 1)) % len(photos)
    own, other = torch.from_numpy(photo), torch.from_numpy(turns)
    negatives = negatives_of(own, other, pool=pool).to(photos.device)
    return Triplets(torch.stack([sketches, photos[own], photos[other]], 1), negatives)


def read_support(root: Path) -> SupportSet:
    """Read the pairs of a folder: ``root/photos/<name>.jpg`` and ``root/sketches/<name>.svg``, or .json, .png, ...

    Without ``photos`` in it there are sketches alone. Raises DataError for an unpaired or unreadable file, or none.
    """
    if not (root / "photos").is_dir():
        return _sketches_alone(root / "sketches" if (root / "sketches").is_dir() else root)
    source = read_folder(root, TRACE_TOLERANCE)
    for skipped in source.skipped:
        raise DataError(f"{skipped.path}: {skipped.reason}")
    drawn = {sketch.photo_id for sketch in source.sketches}
    for photo in source.photos:
        if photo.id not in drawn:
            raise DataError(f"{photo.path}: expected a sketch sketches/{photo.id}.svg of it, found none")
    rows = {photo.id: row for row, photo in enumerate(source.photos)}
    return SupportSet(
        [centre(sketch.strokes) for sketch in source.sketches],
        np.array([rows[sketch.photo_id] for sketch in source.sketches], np.int64),
        [_photo(photo.path) for photo in source.photos],
    )


def _photo(path: Path) -> bytes:
    data = photo_bytes(path)
    check_photo(data, str(path))
    return data


def _sketches_alone(folder: Path) -> SupportSet:
    listing = list_files([folder], follow=True)
    for skipped in listing.skipped:
        raise DataError(f"{skipped.path}: {skipped.reason}")
    for path in listing.files:
        if path.suffix.lower() not in SKETCH_SUFFIXES:
            raise DataError(f"{path}: expected a sketch with a suffix of {', '.join(SKETCH_SUFFIXES)}")
    if not listing.files:
        raise DataError(f"{folder}: expected sketches, found none")
    sketches = []
    for found in read_sketch_files(listing.files, TRACE_TOLERANCE):
        if isinstance(found, DataError):
            raise found
        sketches.append(centre(found.strokes))
    return SupportSet(sketches, np.zeros(0, np.int64), [])
