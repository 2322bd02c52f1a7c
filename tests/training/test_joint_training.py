"""Algorithm 1: who is trained on what, when, and with which weights."""

from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.certainty.certainty import certainties
from fgsbir.data.augmentation import change_sketches, change_sketches_jointly
from fgsbir.joint import training as module
from fgsbir.joint.drawn_photos import DrawnPhotos
from fgsbir.joint.noise_tolerance import semi_supervised_losses
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch

VANILLA = {"joint_training": False, "instance_weighting": False, "teacher": "none"}
LOSSES = {
    "labelled_loss",
    "pseudo_loss",
    "teacher_loss",
    "discriminator_loss",
    "reconstruction_loss",
    "divergence_loss",
}
SCORES = {"step", "validation_acc@1", "validation_acc@10", "validation_mean_reciprocal_rank"}


def weights_of(models: Any) -> dict[str, dict[str, torch.Tensor]]:
    names = ("retrieval", "generator", "discriminator", "teacher")
    return {name: {key: value.clone() for key, value in getattr(models, name).state_dict().items()} for name in names}


def changed(before: dict[str, dict[str, torch.Tensor]], models: Any) -> set[str]:
    """The models of which any tensor is another one than before."""
    after = weights_of(models)
    return {
        name for name in before if any(not torch.equal(before[name][key], after[name][key]) for key in before[name])
    }


class Watch:
    """Notes what the terms of Eq. 7 were computed from, step by step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[list[Any]] = []
        self.omegas: list[np.ndarray | None] = []
        self.teachers: list[Any] = []
        monkeypatch.setattr(module, "semi_supervised_losses", self._note)

    def _note(self, fabric: Any, model: Any, teacher: Any, batches: Any, omega: Any, *given: Any, **named: Any) -> Any:
        self.batches.append(batches)
        self.omegas.append(None if omega is None else omega.numpy().copy())
        self.teachers.append(teacher)
        return semi_supervised_losses(fabric, model, teacher, batches, omega, *given, **named)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


def forbid(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make every use of these functions of the training a failure."""
    for name in names:
        owner = DrawnPhotos if hasattr(DrawnPhotos, name) else module

        def refuse(*given: Any, name: str = name, **named: Any) -> None:
            pytest.fail(f"{name} was called")

        monkeypatch.setattr(owner, name, refuse)


def test_all_three_learn_and_the_teacher_does_not(toy: Any, scratch: Scratch, watch: Watch) -> None:
    models = toy.joint_models(toy.joint_settings())
    before = weights_of(models)
    trained = toy.train_joint(scratch, models=models)
    assert changed(before, models) == {"retrieval", "generator", "discriminator"}
    # F_T is the supervised F for good: another model than F, frozen, in evaluation mode, in no optimiser.
    teacher = models.teacher
    assert teacher is not models.retrieval and all(one is teacher for one in watch.teachers)
    assert not teacher.training and not any(weights.requires_grad for weights in teacher.parameters())
    owned = {id(weights) for weights in teacher.parameters()}
    for optimizer in (models.retrieval_optimizer, models.generator_optimizer, models.discriminator_optimizer):
        assert not owned & {id(weights) for group in optimizer.param_groups for weights in group["params"]}
    assert before["teacher"].keys() == before["retrieval"].keys()
    # F leaves its teacher behind, so the teacher's loss is not nothing.
    assert all(row["teacher_loss"] > 1e-4 for row in trained.rows)


def test_the_curve(toy: Any, scratch: Scratch) -> None:
    rows = toy.train_joint(scratch).rows
    bins = {f"certainty_{edge / 20:.2f}" for edge in range(20)}
    for row in rows:
        assert row.keys() == LOSSES | SCORES | bins | {"reward"}
        assert sum(row[name] for name in bins) == pytest.approx(100, abs=1e-3)
        assert all(np.isfinite(list(row.values())))
    assert [row["step"] for row in rows] == [4, 8]


def test_the_last_step_is_kept_whatever_validation_says(
    toy: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = []
    for signs in ((1, -1), (-1, 1)):
        given = iter(signs)

        def scores(*_: Any, given: Any = given) -> dict[str, float]:
            return dict.fromkeys(("acc@1", "acc@10", "mean_reciprocal_rank"), float(next(given)))

        monkeypatch.setattr(RetrievalValidation, "scores", scores)
        trained = toy.train_joint(Scratch(tmp_path / str(signs[0])))
        assert [row["validation_mean_reciprocal_rank"] for row in trained.rows] == list(signs)
        ends.append(trained.weights())
    assert ends[0].keys() == ends[1].keys() and all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_the_curve_is_of_all_steps(toy: Any, scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rounds of two steps of F: a row holds the mean over all four."""
    steps: list[dict[str, float]] = []

    def noted(*given: Any, **named: Any) -> dict[str, torch.Tensor]:
        terms = semi_supervised_losses(*given, **named)
        steps.append({name: term.item() for name, term in terms.items()})
        return terms

    monkeypatch.setattr(module, "semi_supervised_losses", noted)
    row = toy.train_joint(scratch, k_r=2, steps=4, validate_every=4).rows[0]
    assert len(steps) == 4
    for name in ("labelled", "pseudo", "teacher"):
        assert row[f"{name}_loss"] == pytest.approx(np.mean([step[name] for step in steps]), rel=1e-5)


def test_each_teacher_has_its_loss(toy: Any, tmp_path: Any) -> None:
    ends = {}
    for teacher in ("relative", "absolute", "none"):
        trained = toy.train_joint(Scratch(tmp_path / teacher), teacher=teacher, joint_training=False, steps=4)
        assert ("teacher_loss" in trained.rows[0]) == (teacher != "none")
        ends[teacher] = trained.weights()["retrieval.head.weight"]
    assert not torch.equal(ends["relative"], ends["absolute"])
    assert not torch.equal(ends["relative"], ends["none"])


def test_the_teacher_pulls_as_hard_as_lambda_says(toy: Any, tmp_path: Any) -> None:
    def drift(lambda_kd: float) -> float:
        scratch = Scratch(tmp_path / str(lambda_kd))
        rows = toy.train_joint(
            scratch, lambda_kd=lambda_kd, joint_training=False, steps=48, k_r=8, validate_every=16, teacher="absolute"
        ).rows
        return rows[-1]["teacher_loss"]

    assert drift(100.0) < 0.75 * drift(0.0)


def test_the_control_trains_f_alone_on_twice_as_many_labelled_pairs(
    toy: Any, scratch: Scratch, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, "discriminator_step", "generator_losses", "policy_gradient", "redraw", "weigh")
    models = toy.joint_models(toy.joint_settings())
    before = weights_of(models)
    trained = toy.train_joint(scratch, control=True, models=models)
    assert changed(before, models) == {"retrieval"}
    assert len(watch.batches) == 8  # as many steps as with pseudo pairs
    assert all(len(batches) == 1 and len(batches[0].rows) == 8 for batches in watch.batches)
    assert all(omega is None for omega in watch.omegas)
    assert trained.rows[0].keys() == SCORES | {"labelled_loss", "teacher_loss"}


def test_vanilla_draws_nothing_and_trains_f_alone(
    toy: Any, scratch: Scratch, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, "discriminator_step", "generator_losses", "policy_gradient", "redraw", "weigh")
    settings = toy.joint_settings(**VANILLA)
    models = toy.joint_models(settings)
    for model in (models.generator, models.discriminator, models.teacher):
        model.register_forward_pre_hook(lambda model, given: pytest.fail(f"{type(model).__name__} was used"))
    before = weights_of(models)
    trained = toy.train_joint(scratch, models=models, **VANILLA)
    assert changed(before, models) == {"retrieval"}
    assert all(np.array_equal(omega, np.ones(4, np.float32)) for omega in watch.omegas)
    assert LOSSES & trained.rows[0].keys() == {"labelled_loss", "pseudo_loss"}
    assert_stored_sketches(toy, [batches[1] for batches in watch.batches])


def assert_stored_sketches(toy: Any, batches: list[Any]) -> None:
    photos, _, stored = toy.unlabelled()
    assert batches
    for batch in batches:
        shown = zip(batch.rows, batch.choices, strict=True)
        kept = [stored.strokes[photos.photo_ids[row]][choice] for row, choice in shown]
        for strokes, expected in zip(batch.strokes, change_sketches(kept, batch.changes), strict=True):
            np.testing.assert_allclose(strokes, expected, atol=1e-3)


def stored_certainty(toy: Any, batch: Any) -> np.ndarray:
    photos, _, stored = toy.unlabelled()
    return np.array([stored.certainty[photos.photo_ids[r]][c] for r, c in zip(batch.rows, batch.choices, strict=True)])


def test_labelled_and_pseudo_pairs_are_as_many(toy: Any, scratch: Scratch, watch: Watch) -> None:
    toy.train_joint(scratch)
    assert [[len(batch.rows) for batch in batches] for batches in watch.batches] == [[4, 4]] * 8


def test_without_joint_training_the_stored_sketches_and_certainties_are_used_throughout(
    toy: Any, scratch: Scratch, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, "discriminator_step", "generator_losses", "policy_gradient", "redraw", "weigh")
    toy.train_joint(scratch, joint_training=False)
    assert_stored_sketches(toy, [batches[1] for batches in watch.batches])
    for batches, omega in zip(watch.batches, watch.omegas, strict=True):
        assert np.array_equal(omega, stored_certainty(toy, batches[1]))
        assert omega is not None and omega.max() < 1


def test_round_0_takes_the_stored_sketches_and_later_rounds_draw(
    toy: Any, scratch: Scratch, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later, a photo's newest sketch is a drawing of the current G, weighed by the current D_C."""
    weighed: list[dict[int, np.ndarray]] = []
    weigh = DrawnPhotos.weigh

    def checked(self: DrawnPhotos, discriminator: Any, rows: np.ndarray, **named: Any) -> None:
        weigh(self, discriminator, rows, **named)
        expected = certainties(
            discriminator,
            self.drawn.pixels,
            rows,
            [self.pairs.sketches[row][-1] for row in rows],
            line_width=6.0,
            device=torch.device("cpu"),
            precision="float32",
        )
        assert [self.certainty[row][-1] for row in rows] == pytest.approx(expected.tolist())
        assert len(set(expected.tolist())) == len(expected)  # not one weight for all
        weighed.append({int(row): self.certainty[row].copy() for row in rows})

    monkeypatch.setattr(DrawnPhotos, "weigh", checked)
    toy.train_joint(scratch, k_r=1, steps=3, validate_every=3)
    assert_stored_sketches(toy, [watch.batches[0][1]])
    assert np.array_equal(watch.omegas[0], stored_certainty(toy, watch.batches[0][1]))
    assert len(weighed) == 2
    for of_row, batches, omega in zip(weighed, watch.batches[1:], watch.omegas[1:], strict=True):
        batch = batches[1]
        assert set(batch.rows.tolist()) == of_row.keys()
        chosen = zip(batch.rows, batch.choices, strict=True)
        assert omega == pytest.approx([of_row[row][choice] for row, choice in chosen])
        if 1 in batch.choices:
            with pytest.raises(AssertionError):
                assert_stored_sketches(toy, [batch])
    assert any(1 in batches[1].choices for batches in watch.batches[1:])


def test_without_weighting_every_pair_weighs_1(toy: Any, scratch: Scratch, watch: Watch) -> None:
    rows = toy.train_joint(scratch, instance_weighting=False, steps=4).rows
    assert all(np.array_equal(omega, np.ones(4, np.float32)) for omega in watch.omegas)
    # The histogram still shows what D_C says.
    assert rows[0]["certainty_0.95"] < 50


def test_a_round_trains_f_then_d_c_then_g(toy: Any, scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    letters = {
        "semi_supervised_losses": "F",
        "discriminator_step": "D",
        "generator_losses": "G",
        "policy_gradient": "R",
    }
    for name, letter in letters.items():
        function = getattr(module, name)

        def noting(*given: Any, function: Any = function, letter: str = letter, **named: Any) -> Any:
            order.append(letter)
            return function(*given, **named)

        monkeypatch.setattr(module, name, noting)
    toy.train_joint(scratch, steps=8, k_r=4, k_d=3, k_g=2)
    assert "".join(order) == "FFFFDDDGRGR" * 2


def test_steps_are_rounded_up_to_whole_rounds(toy: Any, scratch: Scratch, watch: Watch) -> None:
    rows = toy.train_joint(scratch, steps=5, k_r=3, validate_every=1, joint_training=False).rows
    assert [row["step"] for row in rows] == [3, 6] and len(watch.batches) == 6


def test_d_c_sees_human_pairs_as_real_and_drawings_as_fakes(
    toy: Any, scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fakes are drawings of the unlabelled and of the labelled photos, never a human sketch."""
    seen: list[tuple[Any, Any]] = []
    step = module.discriminator_step

    def noting(fabric: Any, model: Any, optimizer: Any, real: Any, fakes: Any, **named: Any) -> Any:
        seen.append((real, fakes))
        return step(fabric, model, optimizer, real, fakes, **named)

    monkeypatch.setattr(module, "discriminator_step", noting)
    toy.train_joint(scratch)
    labelled, unlabelled = toy.as_sequences(toy.labelled()), toy.unlabelled()[0]

    def is_human(batch: Any) -> list[bool]:
        return [
            any(
                strokes.shape == sketch.shape
                and np.allclose(
                    strokes, change_sketches_jointly([sketch], batch.changes[place : place + 1])[0], atol=1e-3
                )
                for sketch in labelled.sketches[row]
            )
            for place, (strokes, row) in enumerate(zip(batch.strokes, batch.rows, strict=True))
        ]

    assert len(seen) == 8
    for real, (of_unlabelled, of_labelled) in seen:
        assert all(is_human(real)) and not any(is_human(of_labelled))
        assert np.array_equal(real.photos, labelled.pixels[real.rows])
        assert np.array_equal(of_labelled.photos, labelled.pixels[of_labelled.rows])
        assert np.array_equal(of_unlabelled.photos, unlabelled.pixels[of_unlabelled.rows])
        # The photos of real pairs and of the fakes on labelled photos are the same: only the sketch tells.
        assert np.array_equal(real.rows, of_labelled.rows)


def test_labelled_photos_are_not_drawn_for_a_d_c_that_sees_no_drawings(
    toy: Any, scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    redraw = DrawnPhotos.redraw

    def noted(self: DrawnPhotos, *given: Any, **named: Any) -> None:
        drawn.append(len(self.pairs))
        redraw(self, *given, **named)

    monkeypatch.setattr(DrawnPhotos, "redraw", noted)
    toy.train_joint(scratch, fakes="mismatched")
    assert set(drawn) == {len(toy.unlabelled()[0])} and len(toy.labelled()) not in drawn


def test_g_and_d_c_see_photos_changed_as_much_as_g_has_learned_with(
    toy: Any, scratch: Scratch, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_others: list[Any] = []
    step, losses = module.discriminator_step, module.generator_losses

    def judged(fabric: Any, model: Any, optimizer: Any, real: Any, fakes: Any) -> Any:
        of_others.extend([real, *fakes])
        return step(fabric, model, optimizer, real, fakes)

    def learned(fabric: Any, model: Any, batch: Any, **named: Any) -> Any:
        of_others.append(batch)
        return losses(fabric, model, batch, **named)

    monkeypatch.setattr(module, "discriminator_step", judged)
    monkeypatch.setattr(module, "generator_losses", learned)
    toy.train_joint(scratch, generator_augment=0.0)
    assert len(of_others) == 8 * 3 + 4
    for batch in of_others:
        assert np.array_equal(batch.changes.photo, np.broadcast_to(np.eye(2), (len(batch.rows), 2, 2)))
        assert not batch.changes.colour.any()
    for batch in (batch for pair in watch.batches for batch in pair):
        assert batch.changes.colour.any(1).all()


@pytest.mark.parametrize("baseline", ["none", "greedy"])
def test_every_baseline_trains(toy: Any, scratch: Scratch, baseline: str) -> None:
    rows = toy.train_joint(scratch, baseline=baseline, steps=2).rows
    assert np.isfinite(rows[-1]["reward"])


@pytest.mark.parametrize("judge", ["retrieval", "teacher"])
def test_the_judge_is_f_or_its_teacher(toy: Any, scratch: Scratch, judge: str, monkeypatch: pytest.MonkeyPatch) -> None:
    models, seen = toy.joint_models(toy.joint_settings()), []
    policy_gradient = module.policy_gradient

    def noted(fabric: Any, generator: Any, judges: Any, *given: Any, **named: Any) -> Any:
        seen.append(judges)
        return policy_gradient(fabric, generator, judges, *given, **named)

    monkeypatch.setattr(module, "policy_gradient", noted)
    toy.train_joint(scratch, models=models, judge=judge)
    assert seen and all(judges.retrieval is getattr(models, judge) for judges in seen)
    assert all(judges.discriminator is models.discriminator for judges in seen) and not models.teacher.training


def test_without_policy_gradient_weight_g_learns_from_human_sketches_alone(toy: Any, tmp_path: Any) -> None:
    ends = [
        toy.train_joint(Scratch(tmp_path / str(weight)), lambda_g=weight, steps=2).weights() for weight in (0.0, 10.0)
    ]
    assert not torch.equal(ends[0]["generator.output_layer.weight"], ends[1]["generator.output_layer.weight"])
    assert torch.equal(ends[0]["discriminator.layers.0.weight"], ends[1]["discriminator.layers.0.weight"])
