"""What F, G and D_C share: a stored model that reads pictures through a frozen trunk."""

from collections.abc import Mapping
from typing import Any

from fgsbir.features.spec import FeatureSpec
from fgsbir.features.trunk import Trunk, build_trunk, depth_of, is_packaged, packaged_trunk
from fgsbir.runtime.model_folder import StoredModel


class ReadingModel(StoredModel):
    """A model whose inputs are what the trunk of ``spec`` says of pictures.

    Where a data package has the trunk's weights, all models of a process share one trunk, and none of their folders
    holds it; else it is part of each of them, and :meth:`take_trunk` gives a new model its weights.
    """

    def __init__(self, *, spec: Mapping[str, Any], **config: Any) -> None:
        self.spec = FeatureSpec(**spec)
        super().__init__(spec=self.spec.as_json(), **config)
        self._own_trunk = not is_packaged(self.spec)
        if self._own_trunk:
            self.carried_trunk = build_trunk(self.spec.trunk, depth_of(self.spec), "nothing")

    @property
    def trunk(self) -> Trunk:
        """The frozen network that reads pictures for this model."""
        return self.carried_trunk if self._own_trunk else packaged_trunk(self.spec)

    @property
    def base_model(self) -> str | None:
        """timm's name of the packaged trunk. Weights of the user's own may be anything."""
        return None if self._own_trunk else f"timm/{self.spec.trunk}.in1k"

    def take_trunk(self, trunk: Trunk) -> None:
        """Start from the weights of ``trunk``, where this model carries its own."""
        if self._own_trunk:
            self.carried_trunk.load_state_dict(trunk.state_dict())
