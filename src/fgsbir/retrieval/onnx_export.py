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
from fgsbir.retrieval.encoder import beside, search_dimensions
from fgsbir.retrieval.model import RetrievalModel, Side

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
        forms = [images, images.flip(3)] if self.model.mirror else [images]
        return beside([self._embed(form, sketch) for form in forms])

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
        photo, drawn = (model.standardise(pooled, side) for side in ("photo", "sketch"))
        return functional.normalize(model.head(torch.where(sketch[:, None], drawn, photo)), dim=-1)


def average_places(maps: Tensor, places: int) -> Tensor:
    """:func:`fgsbir.features.trunk.pool_taps` of one map, as two matrix products: (n, c * places * places).

    ONNX has no adaptive pooling, and the exporter knows only that of sides which ``places`` divides.
    """
    down, across = (averages(side, places).to(maps.device) for side in maps.shape[2:])
    return (down @ maps @ across.T).flatten(1)


def averages(side: int, places: int) -> Tensor:
    """Which of ``side`` numbers make up each of ``places`` averages: (places, side), each row's sum 1."""
    weights = torch.zeros(places, side)
    for place in range(places):
        first, last = place * side // places, math.ceil((place + 1) * side / places)
        weights[place, first:last] = 1 / (last - first)
    return weights


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
    pictures = checked_pictures(model.spec.image_size)
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
        difference = 0.0
        for batch, sketch in ((pictures, sides), (pictures, ~sides), (pictures[:1], sides[:1])):
            found = session.run([EMBEDDINGS], {IMAGES: batch, SKETCH: sketch})[0]
            expected = embeddings_by_torch(model, batch, sketch)
            difference = max(difference, float(np.abs(found - expected).max()))
        if not difference <= TOLERANCE:  # true for NaN as well
            raise DataError(
                f"{path}: expected torch's embeddings to {TOLERANCE:g}, found a difference of {difference:g}"
            )
    return difference


def embeddings_by_torch(model: RetrievalModel, images: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    """What ``model`` itself makes of the same inputs, its trunk read as everywhere else: float32 (n, e)."""
    pictures = torch.from_numpy(images)
    found = np.empty((len(images), search_dimensions(model)), np.float32)
    sides: tuple[tuple[Side, np.ndarray], ...] = (("photo", ~sketch), ("sketch", sketch))
    with torch.no_grad():
        for side, rows in sides:
            if not rows.any():
                continue
            shown = pictures[torch.from_numpy(rows)]
            forms = [shown, shown.flip(3)] if model.mirror else [shown]
            read = forms if model.level == "pixels" else [model.inputs_of(model.trunk(x, model.spec)) for x in forms]
            found[rows] = beside([model.embed(inputs, side) for inputs in read]).numpy()
    return found


def checked_pictures(size: int) -> np.ndarray:
    """What the two are compared on, float32 (9, 3, size, size) in [0, 1]: noise, and the edges of what pictures are."""
    noise = np.random.default_rng(0).random((4, 3, size, size), np.float32)
    black, white, grey = (np.full((1, 3, size, size), value, np.float32) for value in (0, 1, 0.5))
    dot, half = white.copy(), white.copy()
    dot[..., size // 2, size // 2] = 0
    half[..., : size // 2] = 0
    return np.concatenate([noise, black, white, grey, dot, half])
