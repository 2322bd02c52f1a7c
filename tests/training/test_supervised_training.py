"""Training of F, D_C and the sketch classifier: that they learn, and what is kept."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from fgsbir.data.pairs import sketch_only_pairs
from fgsbir.runtime.processes import step_generator

from fgsbir.certainty.certainty import certainties, pair_images
from fgsbir.certainty.loss import discriminator_loss
from fgsbir.certainty.training import (
    batch_logits,
    discriminator_step,
    fake_batches,
    mismatched,
)
from fgsbir.data.augmentation import change_photos, change_sketches_jointly
from fgsbir.evaluation.classifier_training import train_sketch_classifier
from fgsbir.evaluation.sketch_classifier import SketchClassifier
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.retrieval.ranking import ranks
from fgsbir.retrieval.training import retrieval_loss
from fgsbir.retrieval.validation import rank_scores
from fgsbir.runtime.checkpoint import Scratch

CPU = torch.device("cpu")


def test_f_learns(toy: Any, scratch: Scratch) -> None:
    rows = toy.train_retrieval(scratch, steps=60, validate_every=20, strength=0.0).rows
    assert rows[-1]["retrieval_loss"] < 0.1 < rows[0]["retrieval_loss"]
    assert rows[0].keys() == {"step", "retrieval_loss", "acc@1", "acc@10", "mean_reciprocal_rank"}


@pytest.mark.parametrize("name", ["triplet", "hardest", "semi_hard", "info_nce"])
def test_every_objective_gives_f_a_gradient(toy: Any, name: Any) -> None:
    model = toy.retrieval()
    batch = toy.stream(toy.labelled(), 6).batch(0)
    loss = retrieval_loss(toy.fabric, model, batch, RetrievalObjective(name, 0.3, 0.1), generator=step_generator(0, 0))
    loss.backward()
    assert loss.dtype == torch.float32 and loss > 0
    assert all(float(weights.grad.abs().sum()) > 0 for weights in (model.head.weight, model.backbone.trunk[0].weight))


def test_validation_searches_with_every_sketch(toy: Any) -> None:
    model, pairs = toy.retrieval().eval(), toy.validation_pairs()
    with torch.no_grad():
        photos = model(torch.from_numpy(pairs.pixels[np.arange(3)]).permute(0, 3, 1, 2).float() / 255)
        sketches = [strokes for choice in pairs.sketches for strokes in choice]
        rasters = pair_images(pairs.pixels[np.zeros(6, int)], sketches, 32, 6.0, CPU)[1].expand(-1, 3, -1, -1)
        found = ranks(model(rasters).numpy(), photos.numpy(), np.repeat(np.arange(3), 2))
    validation = toy.validation()
    assert validation.scores(model) == pytest.approx(rank_scores(found))
    first, second = ([choice[place] for choice in pairs.sketches] for place in (0, 1))
    assert validation.generated_scores(model, first) == pytest.approx(rank_scores(found[::2]))
    assert validation.generated_scores(model, first + second) == pytest.approx(rank_scores(found))


def test_scores_of_ranks() -> None:
    scores = rank_scores(np.array([1, 2, 4, 20]))
    assert scores == {"acc@1": 25.0, "acc@10": 75.0, "mean_reciprocal_rank": pytest.approx(100 * (1.8 / 4))}


def test_mismatched_pairs_show_the_sketch_of_another_photo_of_the_category(toy: Any) -> None:
    batch = toy.stream(toy.labelled(), 6).batch(0)
    batch = replace(batch, categories=np.array([0, 1, 0, 1, 0, 1]))
    found = mismatched(batch)
    assert np.array_equal(found.photos, batch.photos) and np.array_equal(found.rows, batch.rows)
    places = [next(row for row in range(6) if found.strokes[k] is batch.strokes[row]) for k in range(6)]
    assert sorted(places) == list(range(6)) and all(place != k for k, place in enumerate(places))
    # One of each category gets the other's last: the turn goes through the categories, one after the other.
    assert sum(batch.categories[k] == batch.categories[place] for k, place in enumerate(places)) == 4
    for k, place in enumerate(places):
        assert np.array_equal(found.rasters[k], batch.rasters[place]) and found.choices[k] == batch.choices[place]


def test_the_fakes_are_the_generated_pairs_the_mismatched_ones_or_both(toy: Any) -> None:
    stream = toy.stream(toy.labelled(), 6)
    real, drawn = stream.batch(3), stream.batch(2)
    shown = {fakes: fake_batches(fakes, real, [stream, stream], 2) for fakes in ("generated", "mismatched", "both")}
    of = {fakes: [batch.rasters.tobytes() for batch in batches] for fakes, batches in shown.items()}
    generated, apart = drawn.rasters.tobytes(), mismatched(real).rasters.tobytes()
    assert of == {"generated": [generated] * 2, "mismatched": [apart], "both": [generated, generated, apart]}


def test_d_c_sees_photo_and_sketch_changed_alike(toy: Any) -> None:
    model, batch = toy.discriminator(), toy.stream(toy.labelled(), change=change_sketches_jointly).batch(0)
    photos, rasters = pair_images(batch.photos, batch.strokes, 32, 6.0, CPU)
    assert photos.shape == (4, 3, 32, 32) and rasters.shape == (4, 1, 32, 32)
    expected = model(change_photos(photos, batch.changes), rasters)
    torch.testing.assert_close(batch_logits(toy.fabric, model, batch.photo_images(toy.fabric.device), batch), expected)


def test_a_step_of_d_c_is_eq_5(toy: Any) -> None:
    model = toy.discriminator()
    labelled = toy.labelled()
    real, fake, other = (toy.stream(labelled, salt=salt, change=change_sketches_jointly).batch(0) for salt in range(3))
    with torch.no_grad():
        logits = [
            batch_logits(toy.fabric, model, batch.photo_images(toy.fabric.device), batch)
            for batch in (real, fake, other)
        ]
    expected = discriminator_loss(logits[0], torch.cat(logits[1:]))
    before = model.layers[0].weight.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = discriminator_step(toy.fabric, model, optimizer, real, [fake, other])
    torch.testing.assert_close(loss.detach(), expected)
    assert not torch.equal(before, model.layers[0].weight)


def test_d_c_learns_to_tell_drawn_from_generated(toy: Any) -> None:
    model, labelled, rows = toy.discriminator(), toy.labelled(), np.arange(6)
    real = toy.stream(labelled, change=change_sketches_jointly)
    fake = replace(real, pairs=replace(labelled, sketches=[[toy_line(row)] for row in rows]))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, betas=(0.5, 0.999))
    for step in range(80):
        discriminator_step(toy.fabric, model, optimizer, real.batch(step), [fake.batch(step)])
    human, generated = (
        certainties(model, labelled.pixels, rows, drawn, line_width=6.0, device=CPU, precision="float32")
        for drawn in ([choice[0] for choice in labelled.sketches], [toy_line(row) for row in rows])
    )
    assert human.dtype == np.float32 and ((human >= 0) & (human <= 1)).all()
    assert human.mean() > generated.mean() + 0.2


def toy_line(number: int) -> np.ndarray:
    """What no human drew of any photo: one short stroke, stretched to the page."""
    return np.array([[20 + number, 40, 0], [200, 60 + 9 * number, 1]], np.float32)


def test_the_classifier_learns_and_keeps_its_best_epoch(toy: Any, scratch: Scratch) -> None:
    rows = toy.train_sketch_classifier(scratch, steps=60, validate_every=30, learning_rate=3e-3).rows
    assert rows[-1]["classification_loss"] < rows[0]["classification_loss"]
    assert all(0 <= row["validation_accuracy"] <= 100 for row in rows)


def test_without_held_out_sketches_the_last_epoch_is_kept(toy: Any, scratch: Scratch) -> None:
    torch.manual_seed(0)
    model = SketchClassifier(image_size=32, classes=2)
    sketches = [toy_line(number) for number in range(4)]
    stream = toy.stream(sketch_only_pairs(sketches, 32, 6.0, np.arange(4) % 2))
    rows = train_sketch_classifier(
        toy.fabric,
        model,
        replace(stream, batch_size=2),
        ([], np.zeros(0, np.int64)),
        steps=4,
        learning_rate=1e-3,
        validate_every=2,
        log_interval=2,
        precision="float32",
        scratch=scratch,
    )
    assert [set(row) for row in rows] == [{"step", "classification_loss"}] * 2
    kept = scratch.load()
    assert kept is not None and kept["best_score"] == 3.0
    assert all(torch.equal(value, kept["parts"]["model"][key]) for key, value in model.state_dict().items())
