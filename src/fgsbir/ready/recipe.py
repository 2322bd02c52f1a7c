"""How the ready model is made: statistics of both sides, principal axes, and a short training on drawn pairs.

Whoever searches photos with it has other kinds of products, another camera and another hand. So every category counts
alike in the statistics, whatever its number of photos; the negatives of a sketch are of all categories; and each pair
is changed in several ways before the trunk reads it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from fgsbir.data.index import PhotoEntry
from fgsbir.data.selection import seen_sketches, training_split
from fgsbir.features.pictures import Inputs, Pictures
from fgsbir.features.statistics import principal_axes
from fgsbir.features.trunk import tap_channels
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.retrieval.pairs import HumanPairs, PairStream, human_pairs
from fgsbir.retrieval.training import RetrievalSettings, train_retrieval
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.run import Row
from fgsbir.runtime.streams import seed_weights, stream

BATCH = 32


@dataclass(frozen=True, slots=True)
class ReadyRecipe:
    """The numbers behind the ready model, chosen on ChairV2's training sketches.

    The head has ``dimensions`` outputs. It starts at the principal axes of at most ``of_category`` photos and as many
    sketches of each category, whitened by ``whitening``. Every pair is read as it is and with ``changes`` random
    changes of ``strength``. The rest as in params.yaml, section pretrain_retrieval.
    """

    dimensions: int = 512
    of_category: int = 120
    whitening: float = 0.5
    changes: int = 3
    strength: float = 1.0
    steps: int = 500
    batch_size: int = 128
    learning_rate: float = 4e-4
    weight_decay: float = 0.05
    dropout: float = 0.4
    temperature: float = 0.05
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ReadTaps:
    """Pooled taps of n pictures in memory, float16 (forms, n, D); a form's number counts modulo their number."""

    taps: Tensor

    def __len__(self) -> int:
        return self.taps.shape[1]

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> Tensor:
        numbers = np.broadcast_to(np.asarray(forms) % len(self.taps), np.shape(rows))
        return self.taps[torch.from_numpy(numbers.copy()), torch.from_numpy(np.asarray(rows))].float()


def make_ready_model(
    pictures: Pictures, compute: Compute, recipe: ReadyRecipe, scratch: Path
) -> tuple[RetrievalModel, list[Row]]:
    """Make the ready model of the training photos and sketches of every seen category.

    Returns the model and its curve, one row, after the last step.
    """
    split = training_split(replace(pictures.shards.index, category=None), 1.0)
    seed_weights(recipe.seed, "retrieval")
    trunk = pictures.features.trunk()
    model = RetrievalModel(
        spec=pictures.spec.as_json(), channels=tap_channels(trunk, pictures.spec), embedding_dim=recipe.dimensions
    )
    compute.place(model)
    start_ready(model, pictures, [*split.labelled, *split.unlabelled], recipe)
    pairs = changed_pairs(model, pictures, split.labelled, recipe, compute)
    curve = train_retrieval(
        compute,
        model,
        PairStream(pairs, recipe.batch_size, recipe.seed, "ready/pairs", compute.rank, compute.world),
        RetrievalValidation(human_pairs(pictures, split.validation, model.level), compute),
        RetrievalObjective("info_nce", 0.0, recipe.temperature),
        RetrievalSettings(
            steps=recipe.steps,
            learning_rate=recipe.learning_rate,
            blocks_learning_rate=0.0,
            weight_decay=recipe.weight_decay,
            dropout=recipe.dropout,
            validate_every=recipe.steps,
            log_interval=recipe.steps,
        ),
        scratch=Scratch(scratch),
    )
    return model, curve


def start_ready(model: RetrievalModel, pictures: Pictures, entries: Sequence[PhotoEntry], recipe: ReadyRecipe) -> None:
    """Give ``model`` the statistics of both sides and the principal axes, every category counting alike."""
    places = [seen_sketches(entry) for entry in entries]
    categories = np.array([entry.category for entry in entries])
    standardised = []
    for side, inputs, of_side in (
        ("photo", pictures.photos(entries, "taps"), categories),
        ("sketch", pictures.sketches(entries, places, "taps"), np.repeat(categories, [len(each) for each in places])),
    ):
        rows = inputs(np.arange(len(inputs)))
        model.sides[side].set(*balanced_statistics(rows, of_side))
        chosen = few_of_each(of_side, recipe.of_category, stream(recipe.seed, "ready/axes", side))
        standardised.append(model.sides[side].cpu()(rows[torch.from_numpy(chosen)]))
    with torch.no_grad():
        model.head.weight.copy_(principal_axes(torch.cat(standardised), recipe.dimensions, recipe.whitening))
        model.head.bias.zero_()


def changed_pairs(
    model: RetrievalModel, pictures: Pictures, entries: Sequence[PhotoEntry], recipe: ReadyRecipe, compute: Compute
) -> HumanPairs:
    """The pairs of photos ``entries`` as they are and changed, read by the trunk, as if of one category.

    The negatives of a sketch are then all other photos. Photo and sketch of a pair are always changed alike.
    """
    known = human_pairs(pictures, entries, "taps")
    images = human_pairs(pictures, entries, "pixels", recipe.strength)
    photos, sketches = [known.photos(np.arange(len(known.photos)))], [known.sketches(np.arange(len(known.sketches)))]
    for change in range(recipe.changes):
        numbers = stream(recipe.seed, "ready/change", change).integers(1, 2**31, len(images))
        photos.append(read_taps(model, images.photos, numbers, compute))
        sketches.append(read_taps(model, images.sketches, numbers[images.truth], compute))
    return replace(
        images,
        categories=np.zeros_like(images.categories),
        photos=ReadTaps(torch.stack([each.half() for each in photos])),
        sketches=ReadTaps(torch.stack([each.half() for each in sketches])),
    )


def read_taps(model: RetrievalModel, images: Inputs, forms: np.ndarray, compute: Compute) -> Tensor:
    """What the trunk says of ``images``, one of ``forms`` (n,) each: float32 (n, D) on the CPU."""
    parts = []
    with compute.scoring(model.trunk):
        for start in tqdm(range(0, len(images), BATCH), "reading", unit="batch", disable=None):
            rows = np.arange(start, min(start + BATCH, len(images)))
            parts.append(model.trunk(images(rows, forms[rows]).to(compute.device), model.spec).taps.cpu())
    return torch.cat(parts)


def balanced_statistics(rows: Tensor, categories: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and deviation (D,), float64, of rows (n, D) in which each category of ``categories`` (n,) counts alike."""
    _, place, counts = np.unique(categories, return_inverse=True, return_counts=True)
    weight = torch.from_numpy(1 / (len(counts) * counts[place]))
    mean = weight @ rows.double()
    return mean, (weight @ (rows.double() - mean).square()).sqrt()


def few_of_each(categories: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """At most ``count`` random rows of each category, in rising order: int64."""
    chosen = [rng.permutation(np.flatnonzero(categories == each))[:count] for each in np.unique(categories)]
    return np.sort(np.concatenate(chosen))
