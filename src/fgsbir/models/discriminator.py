"""D_C, which tells real pairs of photo and sketch from pseudo pairs (paper 1, section 3.3)."""

from typing import Any

import torch
from torch import Tensor, nn

from fgsbir.data.records import DataError


class Discriminator(nn.Module):
    """Patch discriminator of pix2pix: photo and sketch raster, stacked, to one logit a patch.

    ``layers`` counts the strided convolutions; three give the 70 x 70 patches of the paper. ``width`` is
    the first one's channels, a multiple of 8. GroupNorm in place of pix2pix's batch normalisation: the
    score of a pair weighs its loss, so it must not depend on which pairs it is scored with.
    """

    def __init__(self, *, image_size: int, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        if image_size >> layers < 3:
            raise DataError(f"discriminator: {layers} layers leave no patch of a {image_size} pixel image")
        self._config = {"image_size": image_size, "width": width, "layers": layers}
        self.image_size = image_size
        widths = [width * min(2**level, 8) for level in range(layers + 1)]
        blocks: list[nn.Module] = [nn.Conv2d(4, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for level in range(1, layers + 1):
            stride = 2 if level < layers else 1
            blocks += [
                nn.Conv2d(widths[level - 1], widths[level], 4, stride, 1, bias=False),
                nn.GroupNorm(8, widths[level]),
                nn.LeakyReLU(0.2),
            ]
        blocks.append(nn.Conv2d(widths[-1], 1, 4, 1, 1))
        self.layers = nn.Sequential(*blocks)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return dict(self._config)

    def forward(self, photos: Tensor, sketches: Tensor) -> Tensor:
        """Photos (n, 3, s, s) and sketch rasters (n, 1, s, s), both in [0, 1]: float32 patch logits (n, h, w)."""
        pairs = torch.cat([photos, sketches], 1) * 2 - 1
        return self.layers(pairs).squeeze(1).float()


def certainty(logits: Tensor) -> Tensor:
    """How real each pair looks: patch logits (n, h, w) to float32 (n,) in [0, 1], detached.

    The mean of the patches' probabilities. It weighs the triplet loss of a pseudo pair and is a reward
    (paper 1, Eqs. 7 and 8), and no gradient may flow through it to D_C.
    """
    return logits.detach().float().sigmoid().flatten(1).mean(1)
