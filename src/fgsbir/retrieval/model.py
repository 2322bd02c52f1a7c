"""F, the retrieval model: photo or sketch raster to a point on the unit sphere (paper 1, section 3.1)."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from fgsbir.features.backbones import build_backbone
from fgsbir.retrieval.attention import SpatialAttention
from fgsbir.runtime.model_folder import StoredModel


class RetrievalModel(StoredModel):
    """Siamese embedding: the same weights see photos and sketches.

    ``attention`` False pools the map evenly. ``image_size`` is the side of the square images that the
    model is trained on, in pixels.
    """

    kind = "retrieval"

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
        super().__init__(backbone=backbone, embedding_dim=embedding_dim, attention=attention, image_size=image_size)
        self.image_size = image_size
        self.backbone = build_backbone(backbone, weights=weights, weights_sha256=weights_sha256)
        self.attention = SpatialAttention(self.backbone.channels) if attention else None
        self.head = nn.Linear(self.backbone.channels, embedding_dim)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images, float32 (n, 3, s, s) in [0, 1]: float32 (n, d) of length 1, under autocast too."""
        return self.embed(self.pooled(images))

    def pooled(self, images: Tensor) -> Tensor:
        """The map under the embedding, attended to and averaged over its positions: float32 (n, c)."""
        features = self.backbone(images)
        with torch.autocast(images.device.type, enabled=False):
            return self.attention(features.float()) if self.attention else features.float().mean((2, 3))

    def embed(self, pooled: Tensor) -> Tensor:
        """From :meth:`pooled`, float32 (..., c), to the embedding (..., d), of length 1, in float32."""
        with torch.autocast(pooled.device.type, enabled=False):
            return functional.normalize(self.head(pooled), dim=-1)

    def attention_map(self, images: Tensor) -> Tensor:
        """Where the model looks: float32 (n, h', w'), summing to 1 over the positions of the feature map."""
        features = self.backbone(images)
        if self.attention is None:
            n, _, height, width = features.shape
            return torch.full((n, height, width), 1 / (height * width), device=images.device)
        with torch.autocast(images.device.type, enabled=False):
            return self.attention.weights(features.float())
