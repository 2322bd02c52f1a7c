"""F as a searcher: photos and sketches to the embeddings that an index holds and is asked with."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from fgsbir.data.pixels import sketch_rasters, sketch_tensor
from fgsbir.data.records import DataError
from fgsbir.retrieval.embedding import embed_photos
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import CONFIG, load_model, read_config

BATCH = 64


def model_folder(folder: Path, part: str) -> Path:
    """``folder`` itself, or the model ``part`` of a folder of several, as models/joint has "retrieval"."""
    folder = Path(folder)
    return folder / part if not (folder / CONFIG).exists() and (folder / part).is_dir() else folder


class Encoder:
    """A trained F with what it needs to draw a sketch as it has learned them.

    ``size`` is the side of its square pictures in pixels, ``line_width`` that of lines, in pixels of the 256 canvas.
    """

    def __init__(self, model: RetrievalModel, line_width: float) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        # In this order of memory the convolutions of a single picture take three quarters of the time.
        self.model = model.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self.line_width, self.size = line_width, model.image_size

    @classmethod
    def load(cls, folder: Path) -> "Encoder":
        """F from its folder, or from one that holds it as ``retrieval``, as models/joint does. Raises DataError."""
        folder = model_folder(folder, "retrieval")
        model = load_model(folder, RetrievalModel)
        return cls(model, line_width_of(folder))

    @property
    def dimensions(self) -> int:
        """Of the embeddings."""
        return self.model.head.out_features

    def photos(self, pixels: np.ndarray) -> np.ndarray:
        """Embed photos, uint8 (n, size, size, 3): float32 (n, d) of length 1."""
        return photo_rows(self.model, pixels, self.device)

    def sketch(self, strokes: np.ndarray) -> np.ndarray:
        """Embed one canonical sketch (n, 3), wherever on the canvas it lies: float32 (d,) of length 1."""
        rasters = torch.from_numpy(sketch_rasters([strokes], self.size, self.line_width)).to(self.device)
        # Not by embed_sketches: to set the model's mode and back again takes a tenth as long as the model does.
        with torch.inference_mode():
            picture = sketch_tensor(rasters).contiguous(memory_format=torch.channels_last)
            return self.model(picture)[0].cpu().numpy()


def photo_rows(model: nn.Module, pixels: np.ndarray, device: torch.device) -> np.ndarray:
    """What ``model`` makes of photos, uint8 (n, s, s, 3): float32 (n, …)."""
    return embed_photos(model, pixels, batch=BATCH, device=device, precision="float32")


def line_width_of(folder: Path) -> float:
    """The width of the lines that the model in ``folder`` has learned sketches from. Raises DataError without one."""
    width = read_config(folder)["details"].get("line_width")
    if not isinstance(width, int | float) or not 0 < width < 256:
        raise DataError(f"{folder / CONFIG}: expected details.line_width in canvas pixels, found {width!r:.40}")
    return float(width)
