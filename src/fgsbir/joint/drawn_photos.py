"""Photos with sketches that no person drew, G's and the edges in them, and how far each is to be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from lightning_fabric import Fabric

from fgsbir.certainty.certainty import certainties
from fgsbir.certainty.discriminator import Discriminator
from fgsbir.data.pairs import PairSet
from fgsbir.data.records import DataError
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.model import Generator
from fgsbir.joint.policy_gradient import PhotoBatch
from fgsbir.joint.pseudo_sketches import PseudoSketches
from fgsbir.runtime.processes import gather_live

BINS = 20


@dataclass(slots=True)
class DrawnPhotos:
    """Photos that G draws, with their current sketches: ``pairs`` at F's image size, ``drawn`` at G's and D_C's.

    ``drawn`` holds G's drawings, at most ``kept`` a photo, the oldest first, and ``pairs`` the same ones behind the
    drawing of the photo's edges, which stands there ``edges`` times. ``certainty[i]`` is D_C's certainty, float32, of
    each of the sketches of photo i in ``pairs``, from when it was drawn, and ``typical[i]`` the mean certainty of G's
    drawings that D_C weighed then, of whichever photo: D_C grows stricter as it learns, so sketches of several rounds,
    edges among them, are compared by how far each stands above the drawings of its own. Both are 1 for sketches of
    labelled photos, which nothing weighs.
    """

    pairs: PairSet
    drawn: PairSet
    certainty: list[np.ndarray]
    typical: list[np.ndarray]
    kept: int
    edges: int = 0

    def redraw(
        self,
        generator: Generator,
        rows: np.ndarray,
        *,
        temperature: float,
        seed: int,
        fabric: Fabric,
        precision: str,
    ) -> None:
        """Draw the photos ``rows`` once each with the current G; beyond ``kept`` the oldest sketch of a photo goes.

        A new drawing counts as certain until it is weighed.
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
        for row, strokes in zip(rows, sketches, strict=True):
            self.drawn.sketches[row] = [*self.drawn.sketches[row], strokes][-self.kept :]
            self.pairs.sketches[row] = [*self.pairs.sketches[row][: self.edges], *self.drawn.sketches[row]]
            self.certainty[row], self.typical[row] = (
                np.concatenate([values[: self.edges], np.append(values[self.edges :], np.float32(1))[-self.kept :]])
                for values in (self.certainty[row], self.typical[row])
            )

    def weigh(
        self, discriminator: Discriminator, rows: np.ndarray, *, line_width: float, fabric: Fabric, precision: str
    ) -> None:
        """Give the newest sketch of each of the photos ``rows`` the certainty of the current D_C.

        What is typical is the mean over the photos of all processes.
        """
        certainty = certainties(
            discriminator,
            self.drawn.pixels,
            rows,
            [self.drawn.sketches[row][-1] for row in rows],
            line_width=line_width,
            device=fabric.device,
            precision=precision,
        )
        total = torch.tensor([[certainty.sum(), len(rows)]], device=fabric.device)
        of_all, photos = gather_live(fabric, total).sum(0).tolist()
        for row, value in zip(rows, certainty, strict=True):
            self.certainty[row][-1], self.typical[row][-1] = value, of_all / photos

    def omega(self, rows: np.ndarray, choices: np.ndarray) -> np.ndarray:
        """D_C's certainty of sketch ``choices[i]`` of photo ``rows[i]``, omega in Eq. 7: float32 (n,) in [0, 1]."""
        return np.array([self.certainty[row][choice] for row, choice in zip(rows, choices, strict=True)], np.float32)

    def relative_omega(self, rows: np.ndarray, choices: np.ndarray) -> np.ndarray:
        """omega, in proportion to what was typical when it was given, over the mean of that of the photo's sketches.

        Float32 (n,), 1 on the mean of each photo's sketches.
        """
        chosen = []
        for row, choice in zip(rows, choices, strict=True):
            above = self.certainty[row] / self.typical[row]
            chosen.append(above[choice] / above.mean())
        return np.array(chosen, np.float32)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The current sketches and how far each is trusted, for a checkpoint."""
        sketches = [strokes for choice in self.pairs.sketches for strokes in choice]
        state = {
            "points": np.concatenate(sketches),
            "points_of_sketch": np.array([len(strokes) for strokes in sketches]),
            "sketches_of_photo": np.array([len(choice) for choice in self.pairs.sketches]),
            "certainty": np.concatenate(self.certainty),
            "typical": np.concatenate(self.typical),
        }
        return {name: torch.from_numpy(values) for name, values in state.items()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on with the sketches of a checkpoint."""
        values = {name: tensor.numpy() for name, tensor in state.items()}
        sketches = np.split(values["points"], np.cumsum(values["points_of_sketch"])[:-1])
        places = np.cumsum(values["sketches_of_photo"])[:-1]
        for row, part in enumerate(np.split(np.arange(len(sketches)), places)):
            self.pairs.sketches[row] = [sketches[place] for place in part]
            self.drawn.sketches[row] = self.pairs.sketches[row][self.edges :]
        self.certainty, self.typical = (
            [part.copy() for part in np.split(values[name], places)] for name in ("certainty", "typical")
        )


def pseudo_pairs(pairs: PairSet, drawn: PairSet, stored: PseudoSketches) -> DrawnPhotos:
    """Give unlabelled photos their stored sketches, the edges ``stored.edges`` times, all weighed by one D_C.

    Raises DataError naming a photo without a drawing by G.
    """
    first = 1 if stored.edges else 0
    missing = [name for name in pairs.photo_ids if len(stored.strokes.get(name, [])) <= first]
    if missing:
        raise DataError(f"pseudo sketches: expected some of every unlabelled photo, found none of {missing[0]}")
    by_photo = [stored.strokes[name] for name in pairs.photo_ids]
    certainty = [
        np.concatenate([np.repeat(values[:first], stored.edges), values[first:]])
        for values in (stored.certainty[name] for name in pairs.photo_ids)
    ]
    typical = np.concatenate([values[stored.edges :] for values in certainty]).mean()
    return DrawnPhotos(
        replace(pairs, sketches=[[*sketches[:first] * stored.edges, *sketches[first:]] for sketches in by_photo]),
        replace(drawn, sketches=[sketches[first:] for sketches in by_photo]),
        certainty=certainty,
        typical=[np.full_like(values, typical) for values in certainty],
        kept=max(map(len, stored.strokes.values())) - first,
        edges=stored.edges,
    )


def labelled_to_draw(pairs: PairSet, drawn: PairSet) -> DrawnPhotos:
    """Labelled photos for G to draw. They keep their human sketches until they are redrawn."""
    return DrawnPhotos(
        replace(pairs, sketches=list(pairs.sketches)),
        replace(drawn, sketches=list(drawn.sketches)),
        certainty=[np.ones(len(choice), np.float32) for choice in pairs.sketches],
        typical=[np.ones(len(choice), np.float32) for choice in pairs.sketches],
        kept=1,
    )


def pair_weights(omega: np.ndarray, relative: np.ndarray | None, *, weighting: bool, threshold: float) -> np.ndarray:
    """What each pseudo pair's loss is multiplied with, float32 (n,): its omega, or 1 without ``weighting``.

    Given ``relative`` (n,), from :meth:`DrawnPhotos.relative_omega`, it is that: it then decides between drawings of a
    photo, and not between photos. A ``threshold`` above 0 makes the weight 1 from that omega on, and 0 below.
    """
    if not weighting:
        return np.ones_like(omega)
    if threshold:
        return (omega >= threshold).astype(np.float32)
    return omega if relative is None else relative


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
