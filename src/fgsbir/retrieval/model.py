"""F, the retrieval model: a photo or a sketch to a point on the unit sphere (paper 1, section 3.1)."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from fgsbir.data.records import DataError
from fgsbir.features.pictures import Level
from fgsbir.features.reading_model import ReadingModel
from fgsbir.features.statistics import Standardise
from fgsbir.features.trunk import Trunk, build_trunk, depth_of, pool_taps, run_blocks
from fgsbir.runtime.model_folder import given

Side = Literal["photo", "sketch"]


class SpatialAttention(nn.Module):
    """Soft spatial attention, then global average pooling: the mean over positions of F' + F' * f_attn(F').

    ``forward`` takes a map (n, c, h, w) and gives float32 (n, c). f_attn is a 1x1 convolution with a softmax over the
    h * w positions.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(channels, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        scores = self.score(features).float().squeeze(1)
        attention = scores.flatten(1).softmax(1).view_as(scores)
        # F' (1 + attention), averaged, is one weighted sum: the attended map is never written out.
        return torch.einsum("nchw,nhw->nc", features.float(), (1 + attention) / features.shape[2:].numel())


class RetrievalModel(ReadingModel):
    """The trunk's taps, each side standardised by itself, a linear head, and length 1.

    ``tuned_blocks`` says where training begins. 0: at the head; inputs are pooled taps. k: at the last k blocks, of
    which this model has its own; inputs are the map of ``spec.map_block``, and blocks between it and them are frozen.
    "all": at the first block, as in the paper; inputs are images. ``level`` names these inputs.

    ``channels`` are those of the taps. ``pooling`` is "places" (each tap averaged to places x places) or "attention"
    (the paper's soft spatial attention, which needs maps or images as inputs). ``standardise`` False leaves both sides
    to one set of weights alone, as the paper does. ``mirror`` searches with pictures and their mirror images: the two
    embeddings stand one after the other (:mod:`fgsbir.retrieval.encoder`), so that a similarity is the mean of both.
    """

    kind = "retrieval"

    def __init__(
        self,
        *,
        spec: Mapping[str, Any],
        channels: Sequence[int],
        embedding_dim: int,
        tuned_blocks: int | Literal["all"] = 0,
        pooling: Literal["places", "attention"] = "places",
        standardise: bool = True,
        mirror: bool = False,
    ) -> None:
        super().__init__(**given(locals()))
        last = max(self.spec.taps)
        if tuned_blocks == 0 and pooling == "attention":
            raise DataError("pretrain_retrieval.pooling: attention needs pretrain_retrieval.tune_blocks above 0")
        if tuned_blocks != "all" and tuned_blocks:
            most = min(*self.spec.taps, last - tuned_blocks)
            if self.spec.map_block > most:
                raise DataError(
                    f"pretrain_retrieval.tune_blocks: {tuned_blocks} blocks start from the stored map; with taps "
                    f"{list(self.spec.taps)} they need features.map_block <= {most}, found {self.spec.map_block}"
                )
        self.level: Level = "pixels" if tuned_blocks == "all" else "map" if tuned_blocks else "taps"
        self.standardised, self.mirror = standardise, mirror
        self.network: Trunk | None = None
        self.upper: nn.ModuleList | None = None
        if tuned_blocks == "all":
            self.network = build_trunk(self.spec.trunk, depth_of(self.spec), "nothing").requires_grad_(True)
        elif tuned_blocks:
            self._own = slice(last - tuned_blocks + 1, last + 1)
            self.upper = nn.ModuleList(copy.deepcopy(block) for block in self.trunk.blocks[self._own])
            self.upper.requires_grad_(True)
        self.attention = nn.ModuleList(map(SpatialAttention, channels)) if pooling == "attention" else None
        self.dimensions = sum(channels) * (1 if self.attention else self.spec.places**2)
        self.sides = nn.ModuleDict({side: Standardise(self.dimensions) for side in ("photo", "sketch")})
        self.head = nn.Linear(self.dimensions, embedding_dim)

    def take_trunk(self, trunk: Trunk) -> None:
        """Start from the weights of ``trunk``: those blocks that this model has of its own."""
        super().take_trunk(trunk)
        if self.network is not None:
            self.network.load_state_dict(trunk.state_dict())
        if self.upper is not None:
            self.upper.load_state_dict(trunk.blocks[self._own].state_dict())

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "RetrievalModel":
        """As any module; a shared trunk is no part of this one, and its frozen blocks move along where they are run."""
        if self.upper is not None:
            self.trunk._apply(fn, recurse)
        super()._apply(fn, recurse)
        return self

    def train(self, mode: bool = True) -> "RetrievalModel":
        """As any module, but batch normalisation keeps the statistics that the trunk came with."""
        super().train(mode)
        if self.upper is not None:
            self.upper.eval()
        return self

    def pooled(self, inputs: Tensor) -> Tensor:
        """Pooled taps of inputs of :attr:`level`: float32 (n, D)."""
        if self.level == "taps":
            return inputs.float()
        maps = self.network.maps(inputs, self.spec.taps) if self.network else self.maps_above(inputs)
        if self.attention is None:
            return pool_taps(maps, self.spec.places)
        with torch.autocast(inputs.device.type, enabled=False):
            return torch.cat([pool(each.float()) for pool, each in zip(self.attention, maps, strict=True)], 1)

    def maps_above(self, x: Tensor) -> list[Tensor]:
        """The taps' maps from the map of ``spec.map_block``: through frozen blocks, then through this model's own."""
        assert self.upper is not None
        first = self.spec.map_block + 1
        frozen = self.trunk.blocks[first : self._own.start]
        with torch.no_grad():
            below = [x, *run_blocks(frozen, x, range(len(frozen)))]
        above = run_blocks(self.upper, below[-1], range(len(self.upper)))
        maps = dict(enumerate([*below, *above], self.spec.map_block))
        return [maps[tap] for tap in self.spec.taps]

    def side(self, side: Side) -> Standardise:
        """The statistics of one side's pooled taps."""
        found = self.sides[side]
        assert isinstance(found, Standardise)  # the type of a dictionary of modules says less
        return found

    def standardise(self, pooled: Tensor, side: Side) -> Tensor:
        """Pooled taps (n, D) of one side, freed of what all pictures of that side have in common."""
        return self.sides[side](pooled) if self.standardised else pooled

    def embed(self, inputs: Tensor, side: Side, keep: Tensor | None = None) -> Tensor:
        """Embed inputs of :attr:`level`: float32 (n, d) of length 1, under autocast too.

        ``keep`` (D,) is a dropout mask, whose zeros are numbers that photos and sketches lose alike.
        """
        return self.embed_pooled(self.pooled(inputs), side, keep)

    def embed_pooled(self, pooled: Tensor, side: Side, keep: Tensor | None = None) -> Tensor:
        """:meth:`embed` from pooled taps (n, D)."""
        with torch.autocast(pooled.device.type, enabled=False):
            x = self.standardise(pooled, side)
            return functional.normalize(self.head(x if keep is None else x * keep), dim=-1)
