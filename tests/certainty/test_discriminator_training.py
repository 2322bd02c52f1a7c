"""Training of D_C: what is real, what is fake, and that it learns to tell them apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.certainty.certainty import batch_certainty
from fgsbir.certainty.discriminator import Discriminator
from fgsbir.certainty.loss import discriminator_loss
from fgsbir.certainty.training import (
    batch_logits,
    discriminator_step,
    fake_batches,
    mismatched,
    train_discriminator,
)
from fgsbir.retrieval.pairs import PairStream, human_pairs
from fgsbir.runtime.checkpoint import Scratch
from tests.joint.toy_joint import discriminator
from tests.toy import Toy


def stream(toy: Toy, name: str = "real", batch_size: int = 6) -> PairStream:
    return PairStream(human_pairs(toy.pictures, toy.split.labelled, "taps"), batch_size, 0, name)


def test_mismatched_pairs_show_the_sketch_of_another_photo_of_the_category(toy: Toy) -> None:
    batch = stream(toy).batch(0)._replace(categories=np.array([0, 1, 0, 1, 0, 1]))
    found = mismatched(batch)
    assert torch.equal(found.photo, batch.photo) and np.array_equal(found.rows, batch.rows)
    places = [next(row for row in range(6) if torch.equal(found.sketch[k], batch.sketch[row])) for k in range(6)]
    assert sorted(places) == list(range(6)) and all(place != k for k, place in enumerate(places))
    # One of each category gets the other's last: the turn goes through the categories, one after the other.
    assert sum(batch.categories[k] == batch.categories[place] for k, place in enumerate(places)) == 4
    assert np.array_equal(found.choices, batch.choices[places])


def test_the_fakes_are_the_generated_pairs_the_mismatched_ones_or_both(toy: Toy) -> None:
    pairs = stream(toy)
    real, drawn = pairs.batch(3), pairs.batch(2)
    apart = mismatched(real)
    for fakes, expected in {"generated": [drawn] * 2, "mismatched": [apart], "both": [drawn, drawn, apart]}.items():
        found = fake_batches(fakes, real, [pairs, pairs], 2)  # type: ignore[arg-type]
        assert [batch.sketch.numpy().tobytes() for batch in found] == [
            batch.sketch.numpy().tobytes() for batch in expected
        ]


def test_a_step_is_eq_5(toy: Toy) -> None:
    model, (real, fake, other) = discriminator(toy), (stream(toy, name).batch(0) for name in ("real", "a", "b"))
    with torch.no_grad():
        logits = [batch_logits(toy.compute, model, batch) for batch in (real, fake, other)]
    before = model.of_photo.weight.detach().clone()
    loss = discriminator_step(toy.compute, model, torch.optim.SGD(model.parameters(), lr=0.1), real, [fake, other])
    torch.testing.assert_close(loss.detach(), discriminator_loss(logits[0], torch.cat(logits[1:])))
    assert not torch.equal(before, model.of_photo.weight)


def train(toy: Toy, scratch: Path, steps: int = 60, learning_rate: float = 3e-3) -> Discriminator:
    model, real = discriminator(toy), stream(toy)
    train_discriminator(
        toy.compute,
        model,
        real,
        [replace(real, name="generated")],
        fakes="mismatched",
        steps=steps,
        learning_rate=learning_rate,
        validate_every=20,
        log_interval=10,
        scratch=Scratch(scratch),
    )
    return model


def test_d_c_learns_whose_sketch_it_is(toy: Toy, tmp_path: Path) -> None:
    model, batch = train(toy, tmp_path), stream(toy).batch(1000)
    own = batch_certainty(model, batch.photo, batch.sketch, toy.compute)
    other = batch_certainty(model, batch.photo, mismatched(batch).sketch, toy.compute)
    assert own.dtype == torch.float32 and float(own.mean()) > float(other.mean()) + 0.3


def test_a_finished_training_is_not_run_again(toy: Toy, tmp_path: Path) -> None:
    first = train(toy, tmp_path, steps=4)
    # The rate would tell.
    again = train(toy, tmp_path, steps=4, learning_rate=1.0)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in first.state_dict().items())


def test_a_rate_that_is_too_high_is_told(toy: Toy, tmp_path: Path) -> None:
    from fgsbir.runtime.faults import TrainingDiverged

    with pytest.raises(TrainingDiverged, match=r"discriminator: .* at step \d+ \(photos train-0"):
        train(toy, tmp_path, learning_rate=1e38)
