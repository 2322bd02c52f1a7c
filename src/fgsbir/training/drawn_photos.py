"""Photos with the sketches that G has drawn of them, stored or redrawn, and how far each is to be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from lightning_fabric import Fabric

from fgsbir.data.pairs import PairSet
from fgsbir.data.pseudo import PseudoSketches
from fgsbir.data.records import DataError
from fgsbir.models.certainty import certainties
from fgsbir.models.discriminator import Discriminator
from fgsbir.models.drawing import draw_sketches
from fgsbir.models.generator import Generator
from fgsbir.training.consistency import Consistency, chance_among
from fgsbir.training.policy_gradient import PhotoBatch

BINS = 20
Trust = Literal["discriminator", "consistency", "both"]


@dataclass(slots=True)
class DrawnPhotos:
    """Photos that G draws, with their current sketches: ``pairs`` at F's image size, ``drawn`` at G's and D_C's.

    Both hold the same sketches. ``certainty[i]`` holds D_C's certainty, float32, of each of the sketches of
    photo i, and ``consistency[i]`` how well the frozen teacher finds the photo from each; both are 1 for
    the sketches of labelled photos, which nothing weighs.
    """

    pairs: PairSet
    drawn: PairSet
    certainty: list[np.ndarray]
    consistency: list[np.ndarray]

    def redraw(
        self,
        generator: Generator,
        rows: np.ndarray,
        *,
        temperature: float,
        seed: int,
        fabric: Fabric,
        precision: str,
        consistency: Consistency | None = None,
    ) -> None:
        """Draw the photos ``rows`` once each with the current G.

        The drawing replaces all sketches of its photo or, given ``consistency``, the least consistent one, and
        that only where it is more consistent itself.
        """
        sketches = draw_sketches(
            generator,
            self.drawn.pixels[rows],
            temperature=temperature,
            seed=seed,
            batch=256,
            device=fabric.device,
            precision=precision,
        ).strokes
        percentiles = np.ones(len(rows), np.float32) if consistency is None else consistency.percentiles(rows, sketches)
        for row, strokes, percentile in zip(rows, sketches, percentiles, strict=True):
            if consistency is None:
                self.pairs.sketches[row] = self.drawn.sketches[row] = [strokes]
                self.certainty[row], self.consistency[row] = np.ones(1, np.float32), np.ones(1, np.float32)
                continue
            worst = int(self.consistency[row].argmin())
            if percentile > self.consistency[row][worst]:
                self.pairs.sketches[row][worst] = self.drawn.sketches[row][worst] = strokes
                self.consistency[row][worst] = percentile

    def weigh(
        self, discriminator: Discriminator, rows: np.ndarray, *, line_width: float, fabric: Fabric, precision: str
    ) -> None:
        """Give every sketch of the photos ``rows`` the certainty of the current D_C."""
        counts = [len(self.drawn.sketches[row]) for row in rows]
        certainty = certainties(
            discriminator,
            self.drawn.pixels,
            np.repeat(rows, counts),
            [strokes for row in rows for strokes in self.drawn.sketches[row]],
            line_width=line_width,
            device=fabric.device,
            precision=precision,
        )
        for row, values in zip(rows, np.split(certainty, np.cumsum(counts)[:-1]), strict=True):
            self.certainty[row] = values

    def omega(self, rows: np.ndarray, choices: np.ndarray, trust: Trust, rivals: int) -> np.ndarray:
        """What weighs sketch ``choices[i]`` of photo ``rows[i]`` in Eq. 7: float32 (n,) in [0, 1].

        ``discriminator``: D_C's certainty, as in the paper. ``consistency``: the chance that F_T finds the photo
        first among itself and ``rivals`` others. ``both``: the product.
        """
        certainty, consistency = (
            np.array([values[row][choice] for row, choice in zip(rows, choices, strict=True)], np.float32)
            for values in (self.certainty, self.consistency)
        )
        if trust == "discriminator":
            return certainty
        chance = chance_among(consistency, rivals)
        return chance if trust == "consistency" else certainty * chance

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The current sketches and how far each is trusted, for a checkpoint."""
        sketches = [strokes for choice in self.pairs.sketches for strokes in choice]
        state = {
            "points": np.concatenate(sketches),
            "points_of_sketch": np.array([len(strokes) for strokes in sketches]),
            "sketches_of_photo": np.array([len(choice) for choice in self.pairs.sketches]),
            "certainty": np.concatenate(self.certainty),
            "consistency": np.concatenate(self.consistency),
        }
        return {name: torch.from_numpy(values) for name, values in state.items()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on with the sketches of a checkpoint."""
        values = {name: tensor.numpy() for name, tensor in state.items()}
        sketches = np.split(values["points"], np.cumsum(values["points_of_sketch"])[:-1])
        places = np.cumsum(values["sketches_of_photo"])[:-1]
        for row, part in enumerate(np.split(np.arange(len(sketches)), places)):
            self.pairs.sketches[row] = [sketches[place] for place in part]
            self.drawn.sketches[row] = list(self.pairs.sketches[row])
        self.certainty = [part.copy() for part in np.split(values["certainty"], places)]
        self.consistency = [part.copy() for part in np.split(values["consistency"], places)]


def pseudo_pairs(pairs: PairSet, drawn: PairSet, stored: PseudoSketches) -> DrawnPhotos:
    """Give unlabelled photos their stored sketches. Raises DataError naming a photo that has none."""
    missing = [name for name in pairs.photo_ids if not stored.strokes.get(name)]
    if missing:
        raise DataError(f"pseudo sketches: expected some of every unlabelled photo, found none of {missing[0]}")
    return DrawnPhotos(
        replace(pairs, sketches=[list(stored.strokes[name]) for name in pairs.photo_ids]),
        replace(drawn, sketches=[list(stored.strokes[name]) for name in pairs.photo_ids]),
        [stored.certainty[name].copy() for name in pairs.photo_ids],
        [stored.consistency[name].copy() for name in pairs.photo_ids],
    )


def labelled_to_draw(pairs: PairSet, drawn: PairSet) -> DrawnPhotos:
    """Labelled photos for G to draw. They keep their human sketches until they are redrawn."""
    trusted = [np.ones(len(choice), np.float32) for choice in pairs.sketches]
    return DrawnPhotos(
        replace(pairs, sketches=list(pairs.sketches)),
        replace(drawn, sketches=list(drawn.sketches)),
        list(trusted),
        list(trusted),
    )


def pair_weights(omega: np.ndarray, *, weighting: bool, threshold: float) -> np.ndarray:
    """What each pseudo pair's loss is multiplied with, float32 (n,): its omega, or 1 without ``weighting``.

    A ``threshold`` above 0 makes it 1 from there on, and 0 below.
    """
    if not weighting:
        return np.ones_like(omega)
    return (omega >= threshold).astype(np.float32) if threshold else omega


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
