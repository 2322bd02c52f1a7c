"""F as an ONNX file, for programs without torch, checked number by number against the model that it came from."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fgsbir.data.atomic import write_file
from fgsbir.data.records import DataError
from fgsbir.retrieval.encoder import beside
from fgsbir.retrieval.model import RetrievalModel

IMAGES, SKETCH, EMBEDDINGS = "images", "sketch", "embeddings"
TOLERANCE = 1e-4


class WholeModel(nn.Module):
    """F from images to embeddings, the trunk inside, in operations that ONNX has."""

    def __init__(self, model: RetrievalModel) -> None:
        super().__init__()
        # The trunk that all models of a process share is no part of any of them.
        self.model, self.trunk = model, model.network or model.trunk

    def forward(self, images: Tensor, sketch: Tensor) -> Tensor:
        """Images (n, 3, s, s) in [0, 1], and which of them are sketches, bool (n,): float32 (n, e) of length 1.

        As in search: where F searches with mirror images, the embeddings of both stand one after the other.
        """
        return beside([self._embed(form, sketch) for form in _forms(self.model, images)])

    def _embed(self, images: Tensor, sketch: Tensor) -> Tensor:
        model = self.model
        if model.level == "map":
            maps = model.maps_above(self.trunk.maps(images, [model.spec.map_block])[0])
        else:
            maps = self.trunk.maps(images, model.spec.taps)
        if model.attention is not None:
            pooled = torch.cat([pool(each) for pool, each in zip(model.attention, maps, strict=True)], 1)
        else:
            pooled = torch.cat([average_places(each, model.spec.places) for each in maps], 1)
        photo, drawn = model.standardise(pooled, "photo"), model.standardise(pooled, "sketch")
        return functional.normalize(model.head(torch.where(sketch[:, None], drawn, photo)), dim=-1)


def average_places(maps: Tensor, places: int) -> Tensor:
    """:func:`fgsbir.features.trunk.pool_taps` of one map, as two matrix products: (n, c * places * places).

    ONNX has no adaptive pooling, and the exporter knows only that of sides which ``places`` divides.
    """

    def averages(side: int) -> Tensor:
        """What each of ``side`` numbers counts in each of ``places`` averages: (places, side)."""
        weights = torch.zeros(places, side)
        for place in range(places):
            first, last = place * side // places, math.ceil((place + 1) * side / places)
            weights[place, first:last] = 1 / (last - first)
        return weights.to(maps.device)

    return (averages(maps.shape[2]) @ maps @ averages(maps.shape[3]).T).flatten(1)


def export_onnx(model: RetrievalModel, path: Path, metadata: Mapping[str, str]) -> float:
    """Write ``model`` to ``path``; returns the largest difference of an embedding's number from torch's.

    The file's inputs are ``images`` float32 (n, 3, s, s) in [0, 1] and ``sketch`` bool (n,), with any n, its output is
    ``embeddings`` float32 (n, e) of length 1, as search compares them. ``metadata`` is kept in it. Raises DataError,
    and leaves no file, where the packages of the extra ``export`` are missing, or a difference exceeds ``TOLERANCE``.
    """
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  (torch's exporter needs it)
    except ImportError as error:
        raise DataError(f"export needs the package {error.name}: pip install 'fgsbir[export]'") from None

    whole = WholeModel(model.cpu()).eval()
    pictures = _checked_pictures(model.spec.image_size)
    sides = np.arange(len(pictures)) % 2 == 1
    with torch.no_grad():
        # Tried with several photos, since an exporter takes a batch of one for a constant.
        count = torch.export.Dim("n")
        program = torch.onnx.export(
            whole,
            (torch.from_numpy(pictures[:2]), torch.from_numpy(sides[:2])),
            input_names=[IMAGES, SKETCH],
            output_names=[EMBEDDINGS],
            dynamic_shapes=({0: count}, {0: count}),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    exported = program.model_proto
    onnx.helper.set_model_props(exported, dict(metadata))
    with write_file(path) as partial:
        onnx.save(exported, str(partial))
        session = onnxruntime.InferenceSession(str(partial), providers=["CPUExecutionProvider"])
        differences = []
        for images, sketch in ((pictures, sides), (pictures, ~sides), (pictures[:1], sides[:1])):
            found = session.run([EMBEDDINGS], {IMAGES: images, SKETCH: sketch})[0]
            differences.append(np.abs(found - _embeddings_by_torch(model, images, sketch)).max())
        difference = float(np.max(differences))
        if not difference <= TOLERANCE:  # true for NaN as well
            raise DataError(
                f"{path}: not written: the ONNX model's embeddings differ from torch's by {difference:g}, "
                f"more than {TOLERANCE:g}"
            )
    return difference


def _forms(model: RetrievalModel, images: Tensor) -> list[Tensor]:
    return [images, images.flip(3)] if model.mirror else [images]


@torch.no_grad()
def _embeddings_by_torch(model: RetrievalModel, images: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    """What ``model`` itself makes of the same inputs, its trunk read as everywhere else: float32 (n, e)."""
    forms = _forms(model, torch.from_numpy(images))
    read = forms if model.level == "pixels" else [model.trunk(form, model.spec).at(model.level) for form in forms]
    photo = beside([model.embed(inputs, "photo") for inputs in read])
    drawn = beside([model.embed(inputs, "sketch") for inputs in read])
    return np.where(sketch[:, None], drawn, photo)


def _checked_pictures(size: int) -> np.ndarray:
    """What the two are compared on, float32 (8, 3, size, size) in [0, 1]: noise, and the edges of what pictures are."""
    pictures = np.random.default_rng(0).random((8, 3, size, size), np.float32)
    pictures[4:] = 1
    pictures[5], pictures[6, :, size // 2, size // 2], pictures[7, :, : size // 2] = 0, 0, 0
    return pictures
