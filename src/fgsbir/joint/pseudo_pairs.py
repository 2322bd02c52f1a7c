"""Pseudo pairs for photos without sketches, D'_U = {(p, phi(G(p)))}, and how far to trust each (paper 1, 3.3)."""

import numpy as np
import torch
from lightning_fabric import Fabric

from fgsbir.certainty.certainty import certainties
from fgsbir.certainty.discriminator import Discriminator
from fgsbir.data.pairs import PairSet
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.model import Generator


def draw_all(
    fabric: Fabric,
    generator: Generator,
    photos: PairSet,
    *,
    samples: int,
    temperature: float,
    seed: int,
    precision: str,
) -> list[list[np.ndarray]]:
    """Draw ``samples`` sketches of every photo, whose pixels are at G's image size."""
    drawn: list[list[np.ndarray]] = [[] for _ in range(len(photos))]
    for sample in range(samples):
        sketches = draw_sketches(
            generator,
            photos.pixels,
            temperature=temperature,
            seed=seed + 1000 * sample,
            batch=256,
            device=fabric.device,
            precision=precision,
        )
        for row, strokes in enumerate(sketches.strokes):
            drawn[row].append(strokes)
    return drawn


def of_another_photo(sketches: list[list[np.ndarray]], categories: np.ndarray) -> list[list[np.ndarray]]:
    """Give every photo the sketches of the next photo of its category: the control of what a match is worth."""
    given = list(sketches)
    for category in np.unique(categories):
        rows = np.flatnonzero(categories == category)
        for row, other in zip(rows, np.roll(rows, -1), strict=True):
            given[row] = sketches[other]
    return given


def score_all(
    discriminator: Discriminator, photos: PairSet, *, line_width: float, device: torch.device, precision: str
) -> list[np.ndarray]:
    """omega of every sketch of every photo, float32 (sketches of the photo,)."""
    counts = [len(choice) for choice in photos.sketches]
    scores = certainties(
        discriminator,
        photos.pixels,
        np.repeat(np.arange(len(photos)), counts),
        [strokes for choice in photos.sketches for strokes in choice],
        line_width=line_width,
        device=device,
        precision=precision,
    )
    return np.split(scores, np.cumsum(counts)[:-1]) if counts else []
