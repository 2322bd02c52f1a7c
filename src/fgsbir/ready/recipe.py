"""How the ready model is made: statistics of both sides, principal axes, and a short training on drawn pairs.

Whoever searches photos with it has other kinds of products, and another hand. So every category counts alike in the
statistics, whatever its number of photos, and the negatives of a sketch are of all categories.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fgsbir.data.selection import TrainingSplit, training_split
from fgsbir.features.pictures import Pictures
from fgsbir.features.statistics import principal_axes
from fgsbir.features.trunk import tap_channels
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.retrieval.pairs import HumanPairs, PairStream, category_numbers, human_pairs
from fgsbir.retrieval.training import RetrievalSettings, pooled_rows, train_retrieval
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.run import Row
from fgsbir.runtime.streams import seed_weights, stream


@dataclass(frozen=True, slots=True)
class ReadyRecipe:
    """The numbers behind the ready model, chosen on ChairV2's training sketches.

    The head has ``dimensions`` outputs. Its start are the principal axes of at most ``of_category`` photos and as
    many sketches of each category, whitened by ``whitening``; the rest as in params.yaml, section pretrain_retrieval.
    """

    dimensions: int = 256
    of_category: int = 120
    whitening: float = 0.5
    steps: int = 200
    batch_size: int = 64
    learning_rate: float = 4e-4
    weight_decay: float = 0.05
    dropout: float = 0.5
    temperature: float = 0.05
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def make_ready_model(
    pictures: Pictures, compute: Compute, recipe: ReadyRecipe, scratch: Path
) -> tuple[RetrievalModel, list[Row], TrainingSplit]:
    """Make the ready model of the training photos and sketches of every seen category.

    Returns the model, its curve (one row, after the last step), and the photos that it was made of.
    """
    split = training_split(replace(pictures.shards.index, category=None), 1.0)
    seed_weights(recipe.seed, "retrieval")
    trunk = pictures.features.trunk()
    model = RetrievalModel(
        spec=pictures.spec.as_json(), channels=tap_channels(trunk, pictures.spec), embedding_dim=recipe.dimensions
    )
    compute.place(model)
    pairs = human_pairs(pictures, split.labelled, model.level)
    start_ready(model, pictures, split, pairs, compute, recipe)
    curve = train_retrieval(
        compute,
        model,
        PairStream(of_one_category(pairs), recipe.batch_size, recipe.seed, "ready/pairs", compute.rank, compute.world),
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
    return model, curve, split


def start_ready(
    model: RetrievalModel,
    pictures: Pictures,
    split: TrainingSplit,
    pairs: HumanPairs,
    compute: Compute,
    recipe: ReadyRecipe,
) -> None:
    """Give ``model`` the statistics of both sides and the principal axes, every category counting alike."""
    entries = [*split.labelled, *split.unlabelled]
    photos = pooled_rows(model, pictures.photos(entries, model.level), compute, forms=2)
    sketches = pooled_rows(model, pairs.sketches, compute, forms=2 * pictures.features.layout.variants)
    of_photos, of_sketches = category_numbers(pictures, entries), pairs.categories[pairs.truth]
    model.sides["photo"].set(*balanced_statistics(photos, of_photos))
    model.sides["sketch"].set(*balanced_statistics(sketches, of_sketches))

    standardised = []
    rng = stream(recipe.seed, "ready/axes")
    for side, rows, categories in (("photo", photos, of_photos), ("sketch", sketches, of_sketches)):
        # The first form of each: the picture as it is.
        chosen = few_of_each(categories, recipe.of_category, rng)
        standardised.append(model.sides[side](rows[torch.from_numpy(chosen)].to(compute.device)).cpu())
    with torch.no_grad():
        model.head.weight.copy_(principal_axes(torch.cat(standardised), recipe.dimensions, recipe.whitening))
        model.head.bias.zero_()


def of_one_category(pairs: HumanPairs) -> HumanPairs:
    """The same pairs as if of one category: then the negatives of a sketch are all other photos."""
    return replace(pairs, categories=np.zeros_like(pairs.categories))


def balanced_statistics(rows: Tensor, categories: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and deviation (D,), float64, of rows (m * n, D) in which each category of ``categories`` (n,) counts alike.

    The rows are m forms of n pictures, one form of all pictures after the other.
    """
    repeated = np.tile(categories, len(rows) // len(categories))
    _, place, counts = np.unique(repeated, return_inverse=True, return_counts=True)
    weight = torch.from_numpy(1 / (len(counts) * counts[place]))
    mean = weight @ rows.double()
    return mean, (weight @ rows.double().sub_(mean).square_()).sqrt()


def few_of_each(categories: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """At most ``count`` random rows of each category, in rising order: int64."""
    chosen = [rng.permutation(np.flatnonzero(categories == each))[:count] for each in np.unique(categories)]
    return np.sort(np.concatenate(chosen))
