"""Losses of F against naive loops, pytorch-metric-learning, finite differences and worked values."""

import math

import pytest
import torch
from pytorch_metric_learning.losses import NTXentLoss
from torch.nn import functional

from fgsbir.retrieval.losses import RetrievalObjective, negative_mask, random_negative, triplet_loss

MARGIN, TEMPERATURE = 0.7, 0.2
every_loss = pytest.mark.parametrize("name", ["triplet", "hardest", "semi_hard", "info_nce"])


def batch(n=9, d=5, seed=0):
    """Pairs of two categories; the last row shows the photo of the first once more."""
    generator = torch.Generator().manual_seed(seed)
    sketch, photo = (
        functional.normalize(torch.randn(n, d, generator=generator, dtype=torch.float64), dim=1) for _ in range(2)
    )
    photo_index, category = torch.arange(100, 100 + n), torch.arange(n) % 2
    photo_index[-1], category[-1] = photo_index[0], category[0]
    return sketch, photo, photo_index, category


def loss_of(name, sketch, photo, photo_index, category, temperature=TEMPERATURE, seed=3):
    objective = RetrievalObjective(name, MARGIN, temperature)
    return objective(sketch, photo, photo_index, category, torch.Generator().manual_seed(seed))


def naive_negatives(i, photo_index, category):
    return [j for j in range(len(category)) if photo_index[j] != photo_index[i] and category[j] == category[i]]


def naive_distance(a, b):
    return math.sqrt(sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True)))


def test_triplet_loss_worked_values():
    sketch = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    positive = torch.tensor([[3.0, 4.0], [1.0, 0.0], [1.0, 1.0]])
    negative = torch.tensor([[0.0, 1.0], [0.0, 2.0], [1.0, 1.2]])
    # 0.3 + 5 - 1; 0.3 + 1 - 2 < 0; 0.3 + 0 - 0.2
    torch.testing.assert_close(triplet_loss(sketch, positive, negative, 0.3), torch.tensor([4.3, 0.0, 0.1]))


def test_gradient_of_identical_embeddings_is_finite_and_zero():
    sketch = torch.ones(2, 4, requires_grad=True)
    triplet_loss(sketch, torch.ones(2, 4), torch.ones(2, 4), 0.3).sum().backward()
    assert torch.equal(sketch.grad, torch.zeros(2, 4))


@every_loss
def test_finite_differences(name):
    sketch, photo, *shown = batch()
    assert torch.autograd.gradcheck(
        lambda s, p: loss_of(name, s, p, *shown), (sketch.requires_grad_(), photo.requires_grad_())
    )


@every_loss
def test_without_any_negative_the_loss_and_its_gradient_are_zero(name):
    """One photo in two rows, and one photo alone in its category: nothing to learn, and no NaN."""
    sketch, photo, *_ = batch(n=3)
    sketch.requires_grad_()
    loss = loss_of(name, sketch, photo, torch.tensor([5, 5, 6]), torch.tensor([0, 0, 1]))
    loss.sum().backward()
    assert torch.equal(loss, torch.zeros(3, dtype=loss.dtype))
    assert torch.equal(sketch.grad, torch.zeros_like(sketch))


@pytest.mark.parametrize("name", ["hardest", "semi_hard", "info_nce"])
def test_against_naive_loops(name):
    some_farther = set()
    for seed in range(5):
        sketch, photo, photo_index, category = data = batch(seed=seed, n=11)
        expected = []
        for i in range(len(sketch)):
            near = naive_distance(sketch[i], photo[i])
            others = naive_negatives(i, photo_index, category)
            away = [naive_distance(sketch[i], photo[j]) for j in others]
            farther = [far for far in away if far > near]
            some_farther.add(bool(farther))
            if name == "hardest":
                expected.append(max(0.0, MARGIN + near - min(away)))
            elif name == "semi_hard":
                expected.append(max(0.0, MARGIN + near - (min(farther) if farther else max(away))))
            else:
                score = lambda a, b: math.exp(float(a @ b) / TEMPERATURE)  # noqa: E731
                own = score(sketch[i], photo[i])
                photos = sum(score(sketch[i], photo[j]) for j in others)
                sketches = sum(score(sketch[j], photo[i]) for j in others)
                expected.append(-0.5 * (math.log(own / (own + photos)) + math.log(own / (own + sketches))))
        torch.testing.assert_close(loss_of(name, *data), torch.tensor(expected, dtype=torch.float64))
    assert some_farther == {True, False}, "both branches of the semi-hard rule occur"


def test_info_nce_equals_the_reference_implementation():
    """One category, all photos distinct: the mean of NTXent taken both ways."""
    sketch, photo, *_ = batch(n=6)
    rows, category = torch.arange(6), torch.zeros(6, dtype=torch.long)
    reference = NTXentLoss(temperature=TEMPERATURE)
    there = reference(sketch, rows, ref_emb=photo, ref_labels=rows.clone())
    back = reference(photo, rows, ref_emb=sketch, ref_labels=rows.clone())
    torch.testing.assert_close(loss_of("info_nce", sketch, photo, rows, category).mean(), (there + back) / 2)
    cold = loss_of("info_nce", sketch.float(), photo.float(), rows, category, temperature=0.001)
    assert torch.isfinite(cold).all()


def test_random_negatives_are_uniform_over_the_legal_rows():
    *_, photo_index, category = batch(n=8)
    negatives, generator = negative_mask(photo_index, category), torch.Generator().manual_seed(1)
    counts = torch.zeros(8, 8)
    for _ in range(3000):
        counts[torch.arange(8), random_negative(negatives, generator)] += 1
    for i in range(8):
        legal = naive_negatives(i, photo_index, category)
        assert set(counts[i].nonzero().flatten().tolist()) == set(legal)
        expected = 3000 / len(legal)
        assert (counts[i, legal] - expected).abs().max() < 5 * math.sqrt(expected)


@every_loss
def test_only_the_papers_loss_draws_its_negatives(name):
    one, again, other = (loss_of(name, *batch(n=12), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one, again) and torch.equal(one, other) == (name != "triplet")
