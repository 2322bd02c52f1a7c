"""D_C, which tells real pairs of photo and sketch from pseudo pairs (paper 1, section 3.3)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from fgsbir.data.records import DataError
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import Inputs, Level
from fgsbir.features.reading_model import ReadingModel
from fgsbir.features.statistics import Standardise
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.model_folder import given

BATCH = 128
# Of pix2pix: three strided convolutions give patches of 70 x 70 pixels.
STRIDED = 3


class Discriminator(ReadingModel):
    """Photo and sketch to one logit a patch: how much they look like a photo and a person's sketch of it.

    ``reads`` "pixels" is pix2pix's patch discriminator on the stacked images, as in the paper, ``width`` its first
    layer's channels. "features" compares the trunk's taps, whose ``channels`` are given, place by place with two
    convolutions ``width`` wide: what ImageNet knows need not be learned again from a few hundred pairs. ``width`` is a
    multiple of 8. ``level`` names the inputs. ``dropout`` in [0, 1) is the share of the taps' channels that a step of
    training hides, lest a few hundred pairs be learned by heart.
    """

    kind = "discriminator"

    def __init__(
        self,
        *,
        spec: Mapping[str, Any],
        channels: Sequence[int],
        reads: Literal["features", "pixels"],
        width: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(**given(locals()))
        self.level: Level = "taps" if reads == "features" else "pixels"
        self.dropout = dropout
        self._of_tap = [count * self.spec.places**2 for count in channels]
        if self.level == "taps":
            self.sides = nn.ModuleDict({side: Standardise(sum(self._of_tap)) for side in ("photo", "sketch")})
            # What G's drawings are multiplied by, and what is added, to have the statistics of people's sketches.
            self.drawing: Tensor
            self.register_buffer("drawing", torch.tensor([[1.0], [0.0]]).repeat(1, sum(self._of_tap)))
            self.of_photo, self.of_sketch = (nn.Conv2d(sum(channels), width, 1) for _ in range(2))
            self.layers = nn.Sequential(*_block(3 * width, width, 3, 1), nn.Conv2d(width, 1, 3, 1, 1))
            return
        if self.spec.image_size >> STRIDED < 3:
            raise DataError(f"discriminator: {STRIDED} layers leave no patch of a {self.spec.image_size} pixel image")
        blocks: list[nn.Module] = [nn.Conv2d(4, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for level in range(STRIDED):
            blocks += _block(width * 2**level, width * 2 ** (level + 1), 4, 2 if level < STRIDED - 1 else 1)
        self.layers = nn.Sequential(*blocks, nn.Conv2d(width * 2**STRIDED, 1, 4, 1, 1))

    def standardise_as(self, retrieval: RetrievalModel) -> None:
        """Take the statistics of both sides from F, where both read the taps at their places."""
        if self.level == "taps" and retrieval.standardised and retrieval.dimensions == sum(self._of_tap):
            self.sides.load_state_dict(retrieval.sides.state_dict())

    def kept_channels(self, generator: torch.Generator) -> Tensor | None:
        """What a step multiplies the channels of photos and sketches with, float32 (c, 1, 1) on the model's device.

        0 where one is hidden, 1 / (1 - dropout) elsewhere; None where nothing is hidden. ``generator`` is a CPU's.
        """
        if self.level == "pixels" or not self.dropout:
            return None
        kept = torch.rand(self.of_photo.in_channels, generator=generator) >= self.dropout
        return (kept.float() / (1 - self.dropout))[:, None, None].to(self.of_photo.weight.device)

    def forward(self, photos: Tensor, sketches: Tensor, keep: Tensor | None = None) -> Tensor:
        """Inputs of :attr:`level` of n photos and n sketches: patch logits float32 (n, h, w).

        Taps give one patch a place. Of a sketch's image, whose channels are equal, the first counts. ``keep`` is of
        :meth:`kept_channels`.
        """
        if self.level == "pixels":
            pairs = torch.cat([photos, sketches[:, :1]], 1) * 2 - 1
        else:
            photo, sketch = self._places(self.sides["photo"](photos)), self._places(self.sides["sketch"](sketches))
            if keep is not None:
                photo, sketch = photo * keep, sketch * keep
            photo, sketch = self.of_photo(photo), self.of_sketch(sketch)
            pairs = torch.cat([photo, sketch, photo * sketch], 1)
        return self.layers(pairs).squeeze(1).float()

    def _places(self, taps: Tensor) -> Tensor:
        """Pooled taps (n, D) as one map of all their channels (n, c, places, places)."""
        places = self.spec.places
        return torch.cat([tap.unflatten(1, (-1, places, places)) for tap in taps.split(self._of_tap, 1)], 1)


def _block(channels: int, width: int, kernel: int, stride: int) -> list[nn.Module]:
    # Not pix2pix's batch normalisation: the score of a pair must not depend on which pairs it is scored with.
    convolution = nn.Conv2d(channels, width, kernel, stride, 1, bias=False)
    return [convolution, nn.GroupNorm(8, width), nn.LeakyReLU(0.2)]


def certainty(logits: Tensor) -> Tensor:
    """How real each pair looks: patch logits (n, h, w) to float32 (n,) in [0, 1], the mean probability of the patches.

    It weighs the loss of a pseudo pair and is a reward (paper 1, Eqs. 7 and 8). Neither trains D_C.
    """
    return logits.float().sigmoid().flatten(1).mean(1)


def certainties(
    model: Discriminator,
    photos: Inputs,
    rows: np.ndarray,
    sketches: Sequence[np.ndarray],
    *,
    generated: bool,
    compute: Compute,
) -> np.ndarray:
    """omega = D_C(p, s), float32 (n,) in [0, 1], of the photos ``rows`` with canonical ``sketches``, both as they are.

    ``photos`` are inputs of the model's level; ``generated`` sketches are G's.
    """
    reader, scores = Reader(model.trunk, model.spec, compute), [torch.zeros(0)]
    for start in range(0, len(rows), BATCH):
        part = slice(start, start + BATCH)
        drawn = reader.sketches_as(model.level, sketches[part])
        if generated and model.level == "taps":
            drawn = drawn * model.drawing[0] + model.drawing[1]
        scores.append(batch_certainty(model, photos(rows[part]), drawn, compute))
    return torch.cat(scores).numpy()


def batch_certainty(model: Discriminator, photos: Tensor, sketches: Tensor, compute: Compute) -> Tensor:
    """omega of pairs given as inputs of the model's level: float32 (n,) on the CPU."""
    with compute.scoring(model):
        return certainty(model(photos.to(compute.device), sketches.to(compute.device))).cpu()
