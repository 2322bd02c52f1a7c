"""The two kinds of G: the paper's, which draws point by point, and the one that chooses among a photo's contours."""

from pathlib import Path

import torch

from fgsbir.generator.contour_model import ContourGenerator
from fgsbir.generator.model import Generator
from fgsbir.runtime.model_folder import load_model, read_config

AnyGenerator = Generator | ContourGenerator


def load_generator(folder: Path, map_location: str | torch.device = "cpu") -> AnyGenerator:
    """G of whichever kind from its folder, in eval mode. Raises DataError as :func:`load_model`."""
    if read_config(folder)["kind"] == ContourGenerator.kind:
        return load_model(folder, ContourGenerator, map_location=map_location)
    return load_model(folder, Generator, map_location=map_location)
