"""D_C, which tells real pairs of photo and sketch from pseudo pairs (paper 1, section 3.3)."""

import torch
from torch import Tensor, nn

from fgsbir.data.records import DataError
from fgsbir.features.backbones import Backbone, build_backbone
from fgsbir.runtime.model_folder import StoredModel


class Discriminator(StoredModel):
    """Photo and sketch raster to one logit a patch: how much they look like a photo and a person's sketch of it.

    Without ``backbone`` it is pix2pix's patch discriminator on the stacked pixels, as in the paper: ``layers``
    counts the strided convolutions, three of which give its 70 x 70 patches, and ``width`` is the first one's
    channels. With one, a frozen network of that name reads both (:meth:`read_as`), and two convolutions
    ``width`` wide judge their maps place by place: what the supervised F has learned to compare need not be
    learned again from a few hundred pairs. ``width`` is a multiple of 8. GroupNorm in place of pix2pix's batch
    normalisation: the score of a pair weighs its loss, so it must not depend on which pairs it is scored with.
    """

    kind = "discriminator"

    def __init__(self, *, image_size: int, width: int = 64, layers: int = 3, backbone: str | None = None) -> None:
        super().__init__(image_size=image_size, width=width, layers=layers, backbone=backbone)
        self.image_size = image_size
        self.features = build_backbone(backbone).requires_grad_(False) if backbone else None
        if self.features is not None:
            self.of_photo, self.of_sketch = (nn.Conv2d(self.features.channels, width, 1) for _ in range(2))
            self.layers = nn.Sequential(
                nn.Conv2d(3 * width, width, 3, 1, 1, bias=False),
                nn.GroupNorm(8, width),
                nn.LeakyReLU(0.2),
                nn.Conv2d(width, 1, 3, 1, 1),
            )
            return
        if image_size >> layers < 3:
            raise DataError(f"discriminator: {layers} layers leave no patch of a {image_size} pixel image")
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

    def read_as(self, backbone: Backbone) -> None:
        """Give the frozen network the weights of ``backbone``, of the same name."""
        assert self.features is not None, "this discriminator reads pixels"
        self.features.load_state_dict(backbone.state_dict())

    def train(self, mode: bool = True) -> "Discriminator":
        """As any module, but the frozen network stays as it is in evaluation."""
        super().train(mode)
        if self.features is not None:
            self.features.eval()
        return self

    def forward(self, photos: Tensor, sketches: Tensor) -> Tensor:
        """Photos (n, 3, s, s) and sketch rasters (n, 1, s, s), both in [0, 1]: float32 patch logits (n, h, w)."""
        if self.features is None:
            pairs = torch.cat([photos, sketches], 1) * 2 - 1
        else:
            with torch.no_grad():
                maps = self.features(photos), self.features(sketches.expand(-1, 3, -1, -1))
            photo, sketch = self.of_photo(maps[0]), self.of_sketch(maps[1])
            pairs = torch.cat([photo, sketch, photo * sketch], 1)
        return self.layers(pairs).squeeze(1).float()


def certainty(logits: Tensor) -> Tensor:
    """How real each pair looks: patch logits (n, h, w) to float32 (n,) in [0, 1], detached.

    The mean of the patches' probabilities. It weighs the triplet loss of a pseudo pair and is a reward
    (paper 1, Eqs. 7 and 8), and no gradient may flow through it to D_C.
    """
    return logits.detach().float().sigmoid().flatten(1).mean(1)
