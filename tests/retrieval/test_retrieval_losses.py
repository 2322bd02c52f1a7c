"""Losses of F against naive loops, pytorch-metric-learning, finite differences and worked values."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import NTXentLoss
from torch.nn import functional

from fgsbir.retrieval import losses as retrieval


def batch(n=7, m=9, d=5, categories=2, shared=True, seed=0, dtype=torch.float64):
    """Sketches, photos, positives, photo indices and categories; with ``shared`` two rows show one photo."""
    generator = torch.Generator().manual_seed(seed)
    sketch = functional.normalize(torch.randn(n, d, generator=generator, dtype=dtype), dim=1)
    photo = functional.normalize(torch.randn(m, d, generator=generator, dtype=dtype), dim=1)
    positive = torch.randint(m, (n,), generator=generator)
    photo_index = torch.arange(100, 100 + m)
    if shared:
        photo_index[m - 1] = photo_index[0]
    category = torch.arange(m) % categories
    category[m - 1] = category[0]
    return sketch, photo, positive, photo_index, category


def negatives_of(i, positive, photo_index, category):
    """Naive: rows of other photos of the same category."""
    p = int(positive[i])
    return [j for j in range(len(photo_index)) if photo_index[j] != photo_index[p] and category[j] == category[p]]


def naive_distance(a, b):
    return math.sqrt(sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True)))


def test_triplet_loss_worked_values():
    sketch = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    positive = torch.tensor([[3.0, 4.0], [1.0, 0.0], [1.0, 1.0]])
    negative = torch.tensor([[0.0, 1.0], [0.0, 2.0], [1.0, 1.2]])
    # 0.3 + 5 - 1; 0.3 + 1 - 2 < 0; 0.3 + 0 - 0.2
    torch.testing.assert_close(retrieval.triplet_loss(sketch, positive, negative, 0.3), torch.tensor([4.3, 0.0, 0.1]))


def test_distance_is_plain_l2_not_squared():
    a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 0.5]])
    torch.testing.assert_close(retrieval.distance(a, b), torch.tensor([0.5]))


def test_gradient_of_identical_embeddings_is_finite_and_zero():
    sketch = torch.ones(2, 4, requires_grad=True)
    retrieval.triplet_loss(sketch, torch.ones(2, 4), torch.ones(2, 4), 0.3).sum().backward()
    assert sketch.grad is not None
    assert torch.equal(sketch.grad, torch.zeros(2, 4))


def losses(margin=0.7, temperature=0.2):
    generator = torch.Generator().manual_seed(3)
    return {
        "random": lambda *b: retrieval.random_negative_triplet_loss(*b, margin, generator.manual_seed(3)),
        "hardest": lambda *b: retrieval.hardest_negative_triplet_loss(*b, margin),
        "semi_hard": lambda *b: retrieval.semi_hard_negative_triplet_loss(*b, margin),
        "info_nce": lambda *b: retrieval.info_nce_loss(*b, temperature),
    }


@pytest.mark.parametrize("name", losses())
def test_finite_differences(name):
    sketch, photo, positive, photo_index, category = batch()
    loss = losses()[name]
    sketch.requires_grad_()
    photo.requires_grad_()
    assert torch.autograd.gradcheck(lambda s, p: loss(s, p, positive, photo_index, category), (sketch, photo))


@pytest.mark.parametrize("name", losses())
def test_without_any_negative_the_loss_and_its_gradient_are_zero(name):
    """One photo in two rows, and one photo alone in its category: nothing to learn, and no NaN."""
    sketch, photo, _, _, _ = batch(n=3, m=3)
    sketch.requires_grad_()
    positive = torch.tensor([0, 1, 2])
    loss = losses()[name](sketch, photo, positive, torch.tensor([5, 5, 6]), torch.tensor([0, 0, 1]))
    loss.sum().backward()
    assert torch.equal(loss, torch.zeros(3, dtype=loss.dtype))
    assert torch.equal(sketch.grad, torch.zeros_like(sketch))


@pytest.mark.parametrize("name", ["hardest", "semi_hard", "info_nce"])
@pytest.mark.parametrize("seed", range(5))
def test_against_naive_loops(name, seed):
    sketch, photo, positive, photo_index, category = data = batch(seed=seed, n=8, m=11, categories=2)
    margin, temperature = 0.7, 0.2
    expected = []
    for i in range(len(sketch)):
        p = int(positive[i])
        near = naive_distance(sketch[i], photo[p])
        others = {j: naive_distance(sketch[i], photo[j]) for j in negatives_of(i, positive, photo_index, category)}
        if name == "hardest":
            expected.append(max(0.0, margin + near - min(others.values())))
        elif name == "semi_hard":
            farther = [far for far in others.values() if far > near]
            expected.append(max(0.0, margin + near - (min(farther) if farther else max(others.values()))))
        else:
            score = lambda a, b: math.exp(float(a @ b) / temperature)  # noqa: E731
            own = score(sketch[i], photo[p])
            photos = sum(score(sketch[i], photo[j]) for j in others)
            sketches = sum(
                score(sketch[k], photo[p])
                for k in range(len(sketch))
                if p in negatives_of(k, positive, photo_index, category)
            )
            expected.append(-0.5 * (math.log(own / (own + photos)) + math.log(own / (own + sketches))))
    torch.testing.assert_close(losses()[name](*data), torch.tensor(expected, dtype=torch.float64))


def test_semi_hard_takes_both_branches_in_the_oracle():
    """The naive comparison above means little unless both of its branches occur."""
    taken = set()
    for seed in range(5):
        sketch, photo, positive, photo_index, category = batch(seed=seed, n=8, m=11)
        for i in range(len(sketch)):
            near = naive_distance(sketch[i], photo[positive[i]])
            others = negatives_of(i, positive, photo_index, category)
            taken.add(any(naive_distance(sketch[i], photo[j]) > near for j in others))
    assert taken == {True, False}


def test_info_nce_equals_the_reference_implementation():
    """One category, all photos distinct, one sketch each: the mean of NTXent taken both ways."""
    sketch, photo, *_ = batch(n=6, m=6, shared=False, categories=1)
    rows = torch.arange(6)
    ours = retrieval.info_nce_loss(sketch, photo, rows, rows, torch.zeros(6, dtype=torch.long), 0.1)
    reference = NTXentLoss(temperature=0.1)
    there = reference(sketch, rows, ref_emb=photo, ref_labels=rows.clone())
    back = reference(photo, rows, ref_emb=sketch, ref_labels=rows.clone())
    torch.testing.assert_close(ours.mean(), (there + back) / 2)


def test_info_nce_at_low_temperature_stays_finite():
    sketch, photo, positive, photo_index, category = batch(dtype=torch.float32)
    assert torch.isfinite(retrieval.info_nce_loss(sketch, photo, positive, photo_index, category, 0.001)).all()


def test_random_negatives_are_uniform_over_the_legal_rows():
    _, _, positive, photo_index, category = batch(n=5, m=8)
    generator = torch.Generator().manual_seed(1)
    counts = torch.zeros(5, 8)
    for _ in range(3000):
        counts[torch.arange(5), retrieval.random_negative(positive, photo_index, category, generator)] += 1
    for i in range(5):
        legal = negatives_of(i, positive, photo_index, category)
        assert set(counts[i].nonzero().flatten().tolist()) == set(legal)
        expected = 3000 / len(legal)
        assert (counts[i, legal] - expected).abs().max() < 5 * math.sqrt(expected)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 8), st.integers(2, 8), st.integers(1, 3), st.integers(0, 10_000))
def test_negative_mask_never_allows_the_same_photo_or_another_category(n, m, categories, seed):
    generator = torch.Generator().manual_seed(seed)
    positive = torch.randint(m, (n,), generator=generator)
    photo_index = torch.randint(4, (m,), generator=generator)
    category = photo_index % categories
    mask = retrieval.negative_mask(positive, photo_index, category)
    for i in range(n):
        assert mask[i].nonzero().flatten().tolist() == negatives_of(i, positive, photo_index, category)


def test_weights_apply_to_one_sample_each():
    """Losses are per sample: the certainty of one pair must not touch the gradient of another."""
    sketch, photo, *_ = batch(n=4, m=4, shared=False, categories=1)
    sketch.requires_grad_()
    rows = torch.arange(4)
    loss = retrieval.hardest_negative_triplet_loss(sketch, photo, rows, rows, torch.zeros_like(rows), 5.0)
    (loss * torch.tensor([1.0, 0.0, 0.5, 0.0])).sum().backward()
    assert torch.equal(sketch.grad[1], torch.zeros(5, dtype=sketch.dtype))
    assert sketch.grad[0].abs().sum() > 0
