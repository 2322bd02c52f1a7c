"""How the ready model is made: statistics of both sides, principal axes, and a short training on drawn pairs.

Whoever searches photos with it has other kinds of products, another camera and another hand. So every category counts
alike in the statistics, whatever its number of photos; the negatives of a sketch are of all categories; each pair is
changed in several ways before the trunk reads it; and the edges in a photo are one more drawing of it.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from fgsbir.data.edges import photo_edges
from fgsbir.data.index import Index, PhotoEntry
from fgsbir.data.selection import seen_sketches, training_split
from fgsbir.features.pictures import Inputs, KeptInputs, Pictures, SketchImages
from fgsbir.features.statistics import Standardise, principal_axes
from fgsbir.features.trunk import tap_channels
from fgsbir.retrieval.losses import RetrievalObjective
from fgsbir.retrieval.model import RetrievalModel, Side
from fgsbir.retrieval.pairs import HumanPairs, PairBatch, human_pairs
from fgsbir.retrieval.training import dropout_mask, retrieval_loss
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.schedule import set_rate, warmup_cosine
from fgsbir.runtime.streams import seed_weights, stream, torch_stream

logger = logging.getLogger(__name__)

BATCH = 32
# In place of edges where a photo has none: a dot.
NOTHING = np.array([[128, 128, 0], [128, 128, 1]], np.float32)


@dataclass(frozen=True, slots=True)
class ReadyRecipe:
    """The numbers behind the ready model, chosen on ChairV2's training sketches.

    The head has ``dimensions`` outputs. It starts at the principal axes of at most ``of_category`` photos and as many
    sketches of each category, whitened by ``whitening``. Every pair is read as it is, with ``changes`` random changes
    of ``strength``, and with the edges in the photo, to ``edge_tolerance`` canvas pixels, in place of the sketch. The
    rest as in params.yaml, section pretrain_retrieval.
    """

    dimensions: int = 512
    of_category: int = 120
    whitening: float = 0.5
    changes: int = 3
    strength: float = 1.0
    edge_tolerance: float = 4.0
    steps: int = 500
    batch_size: int = 128
    learning_rate: float = 3e-4
    weight_decay: float = 0.05
    dropout: float = 0.4
    temperature: float = 0.05
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def learned_photos(index: Index) -> list[PhotoEntry]:
    """The training and validation photos of every seen category that seen users drew."""
    split = training_split(replace(index, category=None), 1.0)
    return [*split.labelled, *split.validation]


def make_ready_model(pictures: Pictures, compute: Compute, recipe: ReadyRecipe) -> RetrievalModel:
    """Make the ready model of :func:`learned_photos`, and of the unlabelled ones, which statistics use too."""
    drawn = learned_photos(pictures.shards.index)
    unlabelled = training_split(replace(pictures.shards.index, category=None), 1.0).unlabelled
    seed_weights(recipe.seed, "retrieval")
    channels = tap_channels(pictures.features.trunk(), pictures.spec)
    model = RetrievalModel(spec=pictures.spec.as_json(), channels=channels, embedding_dim=recipe.dimensions)
    start_ready(model, pictures, [*drawn, *unlabelled], recipe)
    compute.place(model)
    compute.place(model.trunk)
    train_ready(model, changed_pairs(model, pictures, drawn, recipe, compute), recipe, compute)
    return model


def start_ready(model: RetrievalModel, pictures: Pictures, entries: Sequence[PhotoEntry], recipe: ReadyRecipe) -> None:
    """Give ``model`` the statistics of both sides and the principal axes, every category counting alike."""
    places = [seen_sketches(entry) for entry in entries]
    categories = np.array([entry.category for entry in entries])
    standardised = []
    sides: tuple[tuple[Side, Inputs, np.ndarray], ...] = (
        ("photo", pictures.photos(entries, "taps"), categories),
        ("sketch", pictures.sketches(entries, places, "taps"), np.repeat(categories, [len(each) for each in places])),
    )
    for side, inputs, of_side in sides:
        rows = inputs(np.arange(len(inputs)))
        model.side(side).set(*balanced_statistics(rows, of_side))
        chosen = few_of_each(of_side, recipe.of_category, stream(recipe.seed, "ready/axes", side))
        standardised.append(model.standardise(rows[torch.from_numpy(chosen)], side))
    with torch.no_grad():
        model.head.weight.copy_(principal_axes(torch.cat(standardised), recipe.dimensions, recipe.whitening))
        model.head.bias.zero_()


def changed_pairs(
    model: RetrievalModel, pictures: Pictures, entries: Sequence[PhotoEntry], recipe: ReadyRecipe, compute: Compute
) -> HumanPairs:
    """The pairs of photos ``entries`` as they are, changed alike, and with the photo's edges, read by the trunk."""
    known = human_pairs(pictures, entries, "taps")
    images = human_pairs(pictures, entries, "pixels", recipe.strength)
    photos, sketches = [known.photos(np.arange(len(known.photos)))], [known.sketches(np.arange(len(known.sketches)))]
    for change in range(recipe.changes):
        numbers = stream(recipe.seed, "ready/change", change).integers(1, 2**31, len(images))
        photos.append(read_taps(model, images.photos, numbers, compute))
        sketches.append(read_taps(model, images.sketches, numbers[images.truth], compute))
    edges = [
        photo_edges(pictures.shards.read_photo(entry), tolerance=recipe.edge_tolerance).drawing for entry in entries
    ]
    drawings = SketchImages([strokes if len(strokes) > 1 else NOTHING for strokes in edges], model.spec)
    of_edges = read_taps(model, drawings, np.zeros(len(edges), np.int64), compute)
    photos.append(photos[0])
    sketches.append(as_sketches(model, of_edges, known.categories)[known.truth])
    return replace(
        images,
        photos=KeptInputs(torch.stack([each.half() for each in photos])),
        sketches=KeptInputs(torch.stack([each.half() for each in sketches])),
    )


def read_taps(model: RetrievalModel, images: Inputs, forms: np.ndarray, compute: Compute) -> Tensor:
    """What the trunk says of ``images``, one of ``forms`` (n,) each: float32 (n, D) on the CPU."""
    parts = []
    with compute.scoring(model.trunk):
        for start in tqdm(range(0, len(images), BATCH), "reading", unit="batch", disable=None):
            rows = np.arange(start, min(start + BATCH, len(images)))
            parts.append(model.trunk(images(rows, forms[rows]).to(compute.device), model.spec).taps.cpu())
    return torch.cat(parts)


def as_sketches(model: RetrievalModel, taps: Tensor, categories: np.ndarray) -> Tensor:
    """Taps (n, D) of drawings of another kind with the mean and deviation of people's sketches."""
    own, of_people = Standardise(taps.shape[1]), model.side("sketch")
    own.set(*balanced_statistics(taps, categories))
    return own(taps) * of_people.deviation.to(taps.device) + of_people.mean.to(taps.device)


def train_ready(model: RetrievalModel, pairs: HumanPairs, recipe: ReadyRecipe, compute: Compute) -> None:
    """Train the head of ``model`` for all steps of ``recipe``; the last one counts."""
    objective = RetrievalObjective("info_nce", 0.0, recipe.temperature)
    optimizer = torch.optim.AdamW(model.head.parameters(), weight_decay=recipe.weight_decay)
    model.train()
    for step in tqdm(range(recipe.steps), "training", unit="step", disable=None):
        set_rate(optimizer, warmup_cosine(step, recipe.steps, recipe.learning_rate))
        numbers = torch_stream(recipe.seed, "ready/step", step)
        keep = dropout_mask(model, recipe.dropout, numbers, compute.device)
        loss = retrieval_loss(compute, model, ready_batch(pairs, recipe, step), objective, keep, numbers)
        compute.descend(optimizer, model, loss)
    model.eval()
    logger.info("loss of the last step: %.3f", float(loss.detach()))


def ready_batch(pairs: HumanPairs, recipe: ReadyRecipe, step: int) -> PairBatch:
    """The pairs of ``step``, all of different photos; each category's share grows with the root of its photos.

    The batch says that they are of one category: the negatives of a sketch are then all other photos.
    """
    rng = stream(recipe.seed, "ready/batch", step)
    chance = np.bincount(pairs.categories)[pairs.categories] ** -0.5
    rows = rng.choice(len(pairs), recipe.batch_size, replace=False, p=chance / chance.sum())
    counts = pairs.first[rows + 1] - pairs.first[rows]
    drawn = pairs.first[rows] + (rng.random(len(rows)) * counts).astype(np.int64)
    return PairBatch(*pairs.pair(rows, drawn, pairs.random_forms(rng, len(rows))), rows, drawn, np.zeros_like(rows))


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
