"""F as an ONNX file, for programs without torch, checked number by number against the model that it came from."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from fgsbir.data.atomic import write_file
from fgsbir.data.records import DataError
from fgsbir.retrieval.model import RetrievalModel

IMAGES, EMBEDDINGS = "images", "embeddings"
TOLERANCE = 1e-4


def export_onnx(model: RetrievalModel, path: Path, metadata: Mapping[str, str]) -> float:
    """Write ``model`` to ``path``; returns the largest difference of an embedding's number from torch's.

    The file's input ``images`` is float32 (n, 3, s, s) in [0, 1] with any n, its output ``embeddings`` float32 (n, d)
    of length 1. ``metadata`` is kept in it. Raises DataError, and leaves no file, where the packages of the extra
    ``export`` are missing, or a difference exceeds ``TOLERANCE``.
    """
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  (torch's exporter needs it)
    except ImportError as error:
        raise DataError(f"export needs the package {error.name}: pip install 'fgsbir[export]'") from None

    model = model.cpu().eval()
    pictures = checked_pictures(model.image_size)
    with torch.no_grad():
        # Tried with several photos, since an exporter takes a batch of one for a constant.
        program = torch.onnx.export(
            model,
            (torch.from_numpy(pictures[:2]),),
            input_names=[IMAGES],
            output_names=[EMBEDDINGS],
            dynamic_shapes=({0: torch.export.Dim("n")},),
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
        for batch in (pictures, pictures[:1]):
            with torch.no_grad():
                expected = model(torch.from_numpy(batch)).numpy()
            found = session.run([EMBEDDINGS], {IMAGES: batch})[0]
            difference = max(difference, float(np.abs(found - expected).max()))
        if not difference <= TOLERANCE:  # true for NaN as well
            raise DataError(
                f"{path}: expected torch's embeddings to {TOLERANCE:g}, found a difference of {difference:g}"
            )
    return difference


def checked_pictures(size: int) -> np.ndarray:
    """What the two are compared on, float32 (9, 3, size, size) in [0, 1]: noise, and the edges of what pictures are."""
    noise = np.random.default_rng(0).random((4, 3, size, size), np.float32)
    black, white, grey = (np.full((1, 3, size, size), value, np.float32) for value in (0, 1, 0.5))
    dot, half = white.copy(), white.copy()
    dot[..., size // 2, size // 2] = 0
    half[..., : size // 2] = 0
    return np.concatenate([noise, black, white, grey, dot, half])
