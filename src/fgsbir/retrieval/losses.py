"""Losses of the retrieval model F: paper 1's triplet (Eq. 4) and the stronger alternatives.

Every loss returns one value a sketch, so that pseudo pairs can be weighted by their certainty. The
in-batch losses share one way of naming what is in the batch:

* ``sketch`` (n, d) the anchors, ``photo`` (m, d) the gallery of the batch;
* ``positive`` int64 (n,): the row of ``photo`` that each sketch draws;
* ``photo_index`` int64 (m,): which photo a row shows. Two rows may show the same one, and neither is
  then a negative for the other's sketch;
* ``category`` int64 (m,): the category of each row. Negatives come from the anchor's category only,
  since a gallery never mixes categories.

A sketch without any negative in the batch contributes exactly 0, and no gradient.
"""

import torch
from torch.nn import functional

# Under the root, so that the gradient of a zero distance is 0 and not NaN.
DISTANCE_EPSILON = 1e-12


def distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Plain L2 distance between rows (n, d) and (n, d): (n,). The gradient at distance 0 is 0."""
    return ((a - b).square().sum(-1) + DISTANCE_EPSILON).sqrt()


def triplet_loss(sketch: torch.Tensor, positive: torch.Tensor, negative: torch.Tensor, margin: float) -> torch.Tensor:
    """max(0, margin + d(sketch, positive) - d(sketch, negative)), each (n, d): (n,). Paper 1, Eq. 4."""
    return functional.relu(margin + distance(sketch, positive) - distance(sketch, negative))


def negative_mask(positive: torch.Tensor, photo_index: torch.Tensor, category: torch.Tensor) -> torch.Tensor:
    """Which photo rows are negatives of which sketch: bool (n, m)."""
    same_category = category[positive][:, None] == category[None, :]
    other_photo = photo_index[positive][:, None] != photo_index[None, :]
    return same_category & other_photo


def random_negative(
    positive: torch.Tensor, photo_index: torch.Tensor, category: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """For each sketch the row of a negative drawn uniformly: int64 (n,); the positive itself where there is none.

    The draw happens on the generator's device, so that a CPU generator gives the same triplets on
    every accelerator.
    """
    mask = negative_mask(positive, photo_index, category)
    keys = torch.rand(mask.shape, generator=generator, device=generator.device).to(mask.device)
    row = keys.masked_fill(~mask, -1.0).argmax(1)
    return torch.where(mask.any(1), row, positive)


def random_negative_triplet_loss(
    sketch: torch.Tensor,
    photo: torch.Tensor,
    positive: torch.Tensor,
    photo_index: torch.Tensor,
    category: torch.Tensor,
    margin: float,
    generator: torch.Generator,
) -> torch.Tensor:
    """Eq. 4 with a random other photo of the batch as the negative, as in paper 1: (n,)."""
    row = random_negative(positive, photo_index, category, generator)
    return _mined_triplet_loss(sketch, photo, positive, row, margin)


def hardest_negative_triplet_loss(
    sketch: torch.Tensor,
    photo: torch.Tensor,
    positive: torch.Tensor,
    photo_index: torch.Tensor,
    category: torch.Tensor,
    margin: float,
) -> torch.Tensor:
    """Eq. 4 with the nearest negative of the batch: (n,)."""
    mask = negative_mask(positive, photo_index, category)
    with torch.no_grad():
        row = torch.cdist(sketch.float(), photo.float()).masked_fill(~mask, torch.inf).argmin(1)
        row = torch.where(mask.any(1), row, positive)
    return _mined_triplet_loss(sketch, photo, positive, row, margin)


def semi_hard_negative_triplet_loss(
    sketch: torch.Tensor,
    photo: torch.Tensor,
    positive: torch.Tensor,
    photo_index: torch.Tensor,
    category: torch.Tensor,
    margin: float,
) -> torch.Tensor:
    """Eq. 4 with the nearest negative that is farther than the positive: (n,).

    Where every negative is nearer than the positive, the farthest one is taken (FaceNet's rule as
    commonly implemented), which keeps a badly placed sketch from being skipped.
    """
    mask = negative_mask(positive, photo_index, category)
    with torch.no_grad():
        distances = torch.cdist(sketch.float(), photo.float())
        farther = mask & (distances > distances.gather(1, positive[:, None]))
        nearest_farther = distances.masked_fill(~farther, torch.inf).argmin(1)
        farthest = distances.masked_fill(~mask, -torch.inf).argmax(1)
        row = torch.where(farther.any(1), nearest_farther, farthest)
        row = torch.where(mask.any(1), row, positive)
    return _mined_triplet_loss(sketch, photo, positive, row, margin)


def info_nce_loss(
    sketch: torch.Tensor,
    photo: torch.Tensor,
    positive: torch.Tensor,
    photo_index: torch.Tensor,
    category: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Symmetric InfoNCE: the mean of both cross-entropies, sketch among photos and photo among sketches: (n,).

    Similarities are dot products over ``temperature``; the embeddings are L2-normalised already. Each
    softmax runs over the true partner and the negatives, so a second row of the same photo counts
    neither for nor against.
    """
    negatives = negative_mask(positive, photo_index, category)
    similarity = sketch @ photo.T / temperature
    own = torch.arange(len(sketch), device=sketch.device)
    photos = negatives.clone()
    photos[own, positive] = True
    # Row i: the photo of sketch i against every sketch of the batch.
    sketches = negatives[:, positive].T.clone()
    sketches[own, own] = True
    to_photos = similarity.masked_fill(~photos, -torch.inf)
    to_sketches = similarity[:, positive].T.masked_fill(~sketches, -torch.inf)
    true = similarity[own, positive]
    return 0.5 * (to_photos.logsumexp(1) + to_sketches.logsumexp(1)) - true


def _mined_triplet_loss(
    sketch: torch.Tensor, photo: torch.Tensor, positive: torch.Tensor, negative: torch.Tensor, margin: float
) -> torch.Tensor:
    """Eq. 4 on rows of the batch; 0 where ``negative`` is ``positive``, the mark of a sketch without negatives."""
    loss = triplet_loss(sketch, photo[positive], photo[negative], margin)
    return torch.where(negative == positive, torch.zeros_like(loss), loss)
