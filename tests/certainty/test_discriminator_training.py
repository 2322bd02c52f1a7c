"""Training of D_C: Eq. 5, what is real, what is fake, and that it learns to tell them apart."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from fgsbir.certainty.discriminator import batch_certainty
from fgsbir.certainty.training import (
    discriminator_loss,
    discriminator_step,
    fake_batches,
    mismatched,
    train_discriminator,
)
from fgsbir.retrieval.pairs import PairStream, human_pairs
from fgsbir.runtime.checkpoint import Scratch
from tests.joint.toy_joint import discriminator
from tests.toy import Toy


def stream(toy: Toy, name: str = "real") -> PairStream:
    return PairStream(human_pairs(toy.pictures, toy.split.labelled, "taps"), 6, 0, name)


def test_the_loss_is_a_binary_cross_entropy_of_each_kind() -> None:
    real, fake = torch.randn(4, 3, 3), torch.randn(6, 3, 3)
    expected = functional.binary_cross_entropy(real.sigmoid(), torch.ones_like(real))
    expected = expected + functional.binary_cross_entropy(fake.sigmoid(), torch.zeros_like(fake))
    torch.testing.assert_close(discriminator_loss(real, fake), expected)


@pytest.mark.parametrize(("logit", "loss"), [(0.0, 2 * math.log(2)), (50.0, 0.0), (-50.0, 100.0)])
def test_undecided_costs_two_log_two_and_the_right_answer_nothing(logit: float, loss: float) -> None:
    logits = torch.full((2, 4), logit)
    assert discriminator_loss(logits, -logits).item() == pytest.approx(loss)


def test_mismatched_pairs_show_the_sketch_of_another_photo_of_the_category(toy: Toy) -> None:
    batch = stream(toy).batch(0)._replace(categories=np.array([0, 1, 0, 1, 0, 1]))
    found = mismatched(batch)
    assert torch.equal(found.photo, batch.photo) and np.array_equal(found.rows, batch.rows)
    places = [next(row for row in range(6) if torch.equal(found.sketch[k], batch.sketch[row])) for k in range(6)]
    assert sorted(places) == list(range(6)) and all(place != k for k, place in enumerate(places))
    # One of each category gets the other's last: the turn goes through the categories, one after the other.
    assert sum(batch.categories[k] == batch.categories[place] for k, place in enumerate(places)) == 4
    assert np.array_equal(found.drawn, batch.drawn[places])


@pytest.mark.parametrize("shown", [[7, 7, 3, 8, 7, 3], [7, 7, 7, 7, 7, 3]])
def test_a_photo_that_a_batch_shows_more_than_once_is_not_another(toy: Toy, shown: list[int]) -> None:
    batch = stream(toy).batch(0)._replace(rows=np.array(shown), categories=np.array(shown) % 2)
    found = mismatched(batch)
    places = [np.flatnonzero(batch.drawn == drawn)[0] for drawn in found.drawn]
    assert (batch.rows[places] != found.rows).all()
    assert all(torch.equal(found.sketch[k], batch.sketch[place]) for k, place in enumerate(places))


def test_the_fakes_are_the_generated_pairs_the_mismatched_ones_or_both(toy: Toy) -> None:
    pairs = stream(toy)
    real, drawn = pairs.batch(3), pairs.batch(2)
    apart = mismatched(real)
    for fakes, expected in {"generated": [drawn] * 2, "mismatched": [apart], "both": [drawn, drawn, apart]}.items():
        found = fake_batches(fakes, real, [pairs, pairs], 2)  # type: ignore[arg-type]
        assert len(found) == len(expected)
        assert all(torch.equal(one.sketch, other.sketch) for one, other in zip(found, expected, strict=True))


def test_a_step_is_eq_5(toy: Toy) -> None:
    model, (real, fake, other) = discriminator(toy), (stream(toy, name).batch(0) for name in ("real", "a", "b"))
    on_real, *on_fakes = (model(batch.photo, batch.sketch).detach() for batch in (real, fake, other))
    before = model.of_photo.weight.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = discriminator_step(toy.compute, model, optimizer, real, [fake, other], torch.Generator())
    torch.testing.assert_close(loss.detach(), discriminator_loss(on_real, torch.cat(on_fakes)))
    assert not torch.equal(before, model.of_photo.weight)


def test_d_c_learns_whose_sketch_it_is(toy: Toy, tmp_path: Path) -> None:
    model, real = discriminator(toy), stream(toy)
    rows = train_discriminator(
        toy.compute, model, real, [stream(toy, "generated")], fakes="mismatched", steps=60, learning_rate=3e-3,
        validate_every=20, log_interval=10, scratch=Scratch(tmp_path),
    )  # fmt: skip
    assert [row["step"] for row in rows] == [20, 40, 60]
    batch = real.batch(1000)
    own = batch_certainty(model, batch.photo, batch.sketch, toy.compute)
    other = batch_certainty(model, batch.photo, mismatched(batch).sketch, toy.compute)
    assert own.dtype == torch.float32 and float(own.mean()) > float(other.mean()) + 0.3
