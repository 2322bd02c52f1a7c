"""Photos with the sketches that G has drawn of them, stored or redrawn, and how far D_C trusts each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from lightning_fabric import Fabric

from fgsbir.data.pairs import PairSet
from fgsbir.data.pseudo import PseudoSketches
from fgsbir.data.records import DataError
from fgsbir.models.discriminator import Discriminator
from fgsbir.models.drawing import draw_sketches
from fgsbir.models.generator import Generator
from fgsbir.training.discriminator import certainties
from fgsbir.training.policy_gradient import PhotoBatch

BINS = 20


@dataclass(slots=True)
class DrawnPhotos:
    """Photos that G draws, with their current sketches: ``pairs`` at F's image size, ``drawn`` at G's and D_C's.

    Both hold the same sketches. ``certainty[i]`` holds omega, float32, of each of the sketches of photo
    i; 1 for the sketches of labelled photos, which nothing weighs.
    """

    pairs: PairSet
    drawn: PairSet
    certainty: list[np.ndarray]

    def redraw(
        self, generator: Generator, rows: np.ndarray, *, temperature: float, seed: int, fabric: Fabric, precision: str
    ) -> None:
        """Replace the sketches of the photos ``rows`` by one drawing each of the current G, its certainty by 1."""
        drawn = draw_sketches(
            generator,
            self.drawn.pixels[rows],
            temperature=temperature,
            seed=seed,
            batch=256,
            device=fabric.device,
            precision=precision,
        )
        for row, strokes in zip(rows, drawn.strokes, strict=True):
            self.pairs.sketches[row] = self.drawn.sketches[row] = [strokes]
            self.certainty[row] = np.ones(1, np.float32)

    def weigh(
        self, discriminator: Discriminator, rows: np.ndarray, *, line_width: float, fabric: Fabric, precision: str
    ) -> None:
        """Give the one sketch of each of the photos ``rows`` the certainty of the current D_C."""
        omega = certainties(
            discriminator,
            self.drawn.pixels,
            rows,
            [self.drawn.sketches[row][0] for row in rows],
            line_width=line_width,
            device=fabric.device,
            precision=precision,
        )
        for row, value in zip(rows, omega, strict=True):
            self.certainty[row] = np.array([value], np.float32)

    def certainty_of(self, rows: np.ndarray, choices: np.ndarray) -> np.ndarray:
        """Omega of sketch ``choices[i]`` of photo ``rows[i]``, float32 (n,)."""
        return np.array([self.certainty[row][choice] for row, choice in zip(rows, choices, strict=True)], np.float32)


def pseudo_pairs(pairs: PairSet, drawn: PairSet, stored: PseudoSketches) -> DrawnPhotos:
    """Give unlabelled photos their stored sketches. Raises DataError naming a photo that has none."""
    missing = [name for name in pairs.photo_ids if not stored.strokes.get(name)]
    if missing:
        raise DataError(f"pseudo sketches: expected some of every unlabelled photo, found none of {missing[0]}")
    sketches = [stored.strokes[name] for name in pairs.photo_ids]
    return DrawnPhotos(
        replace(pairs, sketches=list(sketches)),
        replace(drawn, sketches=list(sketches)),
        [stored.certainty[name] for name in pairs.photo_ids],
    )


def labelled_to_draw(pairs: PairSet, drawn: PairSet) -> DrawnPhotos:
    """Labelled photos for G to draw. They keep their human sketches until they are redrawn."""
    return DrawnPhotos(
        replace(pairs, sketches=list(pairs.sketches)),
        replace(drawn, sketches=list(drawn.sketches)),
        [np.ones(len(choice), np.float32) for choice in pairs.sketches],
    )


def photo_batch(parts: Sequence[tuple[DrawnPhotos, np.ndarray]]) -> PhotoBatch:
    """Gather rows of several sets of photos, to be drawn in one batch."""
    return PhotoBatch(
        for_generator=np.concatenate([photos.drawn.pixels[rows] for photos, rows in parts]),
        for_retrieval=np.concatenate([photos.pairs.pixels[rows] for photos, rows in parts]),
        numbers=np.concatenate([rows * len(parts) + place for place, (_, rows) in enumerate(parts)]),
        categories=np.concatenate([photos.pairs.categories[rows] for photos, rows in parts]),
    )


def certainty_histogram(certainty: torch.Tensor) -> dict[str, torch.Tensor]:
    """Percent of pseudo pairs in each twentieth of [0, 1], named ``certainty_`` and its lower edge; scalars."""
    shares = 100 * torch.histc(certainty, BINS, 0, 1) / len(certainty)
    return {f"certainty_{place / BINS:.2f}": share for place, share in enumerate(shares)}
