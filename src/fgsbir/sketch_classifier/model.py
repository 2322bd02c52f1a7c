"""A small classifier of sketch rasters: its features and its guesses judge generated sketches (FID, recognition)."""

from itertools import pairwise

from torch import Tensor, nn

from fgsbir.runtime.model_folder import StoredModel

CHANNELS = (1, 32, 64, 128, 128)


class SketchClassifier(StoredModel):
    """Four strided convolutions and a linear layer; ``classes`` are what it tells apart (categories, or photos)."""

    kind = "sketch_classifier"

    def __init__(self, *, image_size: int, classes: int) -> None:
        super().__init__(image_size=image_size, classes=classes)
        self.image_size = image_size
        blocks: list[nn.Module] = []
        for channels, width in pairwise(CHANNELS):
            blocks += [nn.Conv2d(channels, width, 3, 2, 1, bias=False), nn.GroupNorm(8, width), nn.ReLU()]
        self.layers = nn.Sequential(*blocks)
        self.classify = nn.Linear(CHANNELS[-1], classes)

    def features(self, sketches: Tensor) -> Tensor:
        """Pooled features of sketch rasters, float32 (n, 1, s, s) in [0, 1] with ink 0: float32 (n, 128)."""
        return self.layers(1 - sketches).float().mean((2, 3))

    def forward(self, sketches: Tensor) -> Tensor:
        """Logits, (n, classes), of sketch rasters (n, 1, s, s)."""
        return self.classify(self.features(sketches))
