"""F, the retrieval model: photo or sketch raster to a point on the unit sphere (paper 1, section 3.1)."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from fgsbir.models.attention import SpatialAttention
from fgsbir.models.backbones import build_backbone


class RetrievalModel(nn.Module):
    """Siamese embedding: the same weights see photos and sketches.

    ``attention`` False pools the map evenly. ``image_size`` is the side of the square images that the
    model is trained on, in pixels.
    """

    def __init__(
        self,
        *,
        backbone: str,
        embedding_dim: int,
        attention: bool,
        image_size: int,
        weights: Path | None = None,
        weights_sha256: str | None = None,
    ) -> None:
        super().__init__()
        self._config = {
            "backbone": backbone,
            "embedding_dim": embedding_dim,
            "attention": attention,
            "image_size": image_size,
        }
        self.image_size = image_size
        self.backbone = build_backbone(backbone, weights=weights, weights_sha256=weights_sha256)
        self.attention = SpatialAttention(self.backbone.channels) if attention else None
        self.head = nn.Linear(self.backbone.channels, embedding_dim)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, without the initial weights: what :mod:`fgsbir.models.store` rebuilds from."""
        return dict(self._config)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images, float32 (n, 3, s, s) in [0, 1]: float32 (n, d) of length 1, under autocast too."""
        features = self.backbone(images)
        with torch.autocast(images.device.type, enabled=False):
            pooled = self.attention(features.float()) if self.attention else features.float().mean((2, 3))
            return functional.normalize(self.head(pooled), dim=1)

    def attention_map(self, images: Tensor) -> Tensor:
        """Where the model looks: float32 (n, h', w'), summing to 1 over the positions of the feature map."""
        features = self.backbone(images)
        if self.attention is None:
            n, _, height, width = features.shape
            return torch.full((n, height, width), 1 / (height * width), device=images.device)
        with torch.autocast(images.device.type, enabled=False):
            return self.attention.weights(features.float())
