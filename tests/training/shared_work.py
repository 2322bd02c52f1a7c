"""One step of every loss and two short trainings, on as many processes as the command line says.

``python shared_work.py DEVICES SHARDS FOLDER``: each process writes what it computed to FOLDER/<rank>.pt.
"""

import importlib.util
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fgsbir.runtime.processes import launch, step_generator, sum_gradients
from lightning_fabric import Fabric
from torch import nn

from fgsbir.adaptation.episodes import EpisodeBatch
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.training import Regularisers, RegulariserWeights, episode_losses
from fgsbir.adaptation.triplets import negatives_of
from fgsbir.certainty.training import discriminator_step
from fgsbir.generator.training import generator_losses
from fgsbir.joint.drawn_photos import labelled_to_draw, photo_batch, pseudo_pairs
from fgsbir.joint.noise_tolerance import freeze, semi_supervised_losses, weighted_sum
from fgsbir.joint.policy_gradient import Judges, RewardForm, drawing_rewards
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.retrieval.training import retrieval_loss
from fgsbir.runtime.checkpoint import Scratch

LINE = 6.0
OBJECTIVES = ("triplet", "hardest", "semi_hard", "info_nce")
OMEGA = torch.tensor([0.1, 0.9, 0.3, 0.6])

Found = dict[str, torch.Tensor]


def toy_module() -> Any:
    """The folder's conftest.py, for its toy set."""
    spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("conftest.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy"] = module
    spec.loader.exec_module(module)
    return module


def stepped(fabric: Fabric, model: nn.Module, loss: torch.Tensor) -> torch.Tensor:
    """The model's weights after one plain gradient step, all in one vector."""
    loss.backward()
    sum_gradients(fabric, model)
    with torch.no_grad():
        parts = [
            weights - (0 if weights.grad is None else 0.1 * weights.grad) for _, weights in model.named_parameters()
        ]
    return torch.cat([part.flatten() for part in parts])


def steps(toy: Any) -> Found:
    """Loss and stepped weights of every loss, whose global batch is the same however many processes share it."""
    fabric, found = toy.fabric, {}
    labelled = toy.labelled()
    photos, _, stored = toy.unlabelled()
    photos.sketches = list(stored.strokes.values())
    batch = toy.stream(labelled).batch(0)
    pseudo = toy.stream(photos, salt=2).batch(0)
    share = slice(fabric.global_rank * 4 // fabric.world_size, (fabric.global_rank + 1) * 4 // fabric.world_size)

    for name in OBJECTIVES:
        objective = RetrievalObjective(name, 0.3, 0.1)  # type: ignore[arg-type]
        model = toy.retrieval()
        loss = retrieval_loss(fabric, model, batch, objective, generator=step_generator(0, 0))
        found[f"retrieval {name}"], found[f"retrieval {name} weights"] = loss, stepped(fabric, model, loss)
        model = toy.retrieval()
        terms = semi_supervised_losses(
            fabric,
            model,
            freeze(toy.retrieval(seed=9)),
            [batch, pseudo],
            OMEGA[share],
            objective,
            "relative",
            generator=step_generator(0, 0),
        )
        found |= {f"eq. 7 {name} {term}": value for term, value in terms.items()}
        found[f"eq. 7 {name} weights"] = stepped(fabric, model, weighted_sum(terms, 0.1))

    model = toy.discriminator()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    found["eq. 5"] = discriminator_step(fabric, model, optimizer, batch, [pseudo])
    found["eq. 5 weights"] = torch.cat([weights.flatten() for weights in model.parameters()])

    model = toy.generator()
    stream = toy.stream(toy.as_sequences(labelled))
    reconstruction, divergence = generator_losses(
        fabric, model, stream.batch(1), jitter=2.0, kl_floor=0.0, seed=0, step=1
    )
    found["eq. 3 reconstruction"], found["eq. 3 divergence"] = reconstruction, divergence
    found["eq. 3 weights"] = stepped(fabric, model, reconstruction + divergence)

    judges = Judges(toy.retrieval(), toy.discriminator(), toy.objective, LINE, "float32")
    drawn = photo_batch(
        [
            (labelled_to_draw(labelled, labelled), batch.rows),
            (pseudo_pairs(*toy.unlabelled()), pseudo.rows),
        ]
    )
    sketches = [*(labelled.sketches[row][0] for row in batch.rows), *(photos.sketches[row][0] for row in pseudo.rows)]
    form = RewardForm(1.0, 1.0, "mean")
    earned = drawing_rewards(fabric, judges, drawn, sketches, form, step_generator(0, 0))
    found["eq. 8"] = fabric.all_reduce(earned.mean(), reduce_op="mean")

    # Two tasks of two pairs of support and three of query.
    retrieval = toy.retrieval().config()
    shape = (2, 2 + 3, 3, 3, retrieval["image_size"], retrieval["image_size"])
    images, photo = torch.rand(shape, generator=torch.Generator().manual_seed(3)), torch.arange(10).view(2, 5)
    mine = torch.arange(fabric.global_rank, 2, fabric.world_size)
    negatives = [negatives_of(rows[mine], rows[mine] + 20, pool=True) for rows in (photo[:, :2], photo[:, 2:])]
    torch.manual_seed(0)
    model = AdaptiveModel(
        retrieval=retrieval,
        scope="head",
        steps=1,
        first_order=False,
        sign=False,
        rate=0.2,
        margin=0.3,
        margin_width=8,
        sharpness=0.1,
    )
    regularisers = Regularisers(
        model.retrieval.head.in_features, 2, None, RegulariserWeights(domain=0.1, category=0.1), 0.3
    )
    losses = episode_losses(
        fabric, model, regularisers, EpisodeBatch(images[mine].flatten(0, 2), mine, *negatives), k=2, margin=0.3
    )
    for name, loss in losses.items():
        found[f"adaptation {name}"] = fabric.all_reduce(loss.detach(), reduce_op="sum")
    found["adaptation weights"] = stepped(fabric, model, torch.stack(list(losses.values())).sum())
    found["adaptation centre"] = model.centre
    return {name: value.detach() for name, value in found.items()}


def trainings(toy: Any, folder: Path) -> Found:
    """Weights and curves of a short supervised and a short joint training."""
    found = {}
    for name in ("retrieval", "joint"):
        trained = toy.training(name)(Scratch(folder / name), steps=4, validate_every=2)
        found |= {f"trained {name} {key}": value for key, value in trained.weights().items()}
        for row in trained.rows:
            found[f"curve {name} {row['step']}"] = torch.tensor(list(row.values()), dtype=torch.float64)
    return found


@dataclass(frozen=True)
class Runtime:
    accelerator: str
    devices: int
    threads: int


def main() -> None:
    devices, shards, folder = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    fabric = launch(Runtime("cpu", devices, 1), "float32")
    assert fabric.world_size == devices
    toy = toy_module().Toy(fabric, shards)
    found = steps(toy) | trainings(toy, folder)
    # A set that no process shares evenly is refused on every one of them.
    try:
        replace(toy.stream(toy.labelled()), batch_size=devices + 1)
    except ValueError as error:
        found["refused"] = torch.from_numpy(np.frombuffer(str(error).encode(), np.uint8).copy())
    torch.save(found, folder / f"{fabric.global_rank}.pt")


if __name__ == "__main__":
    main()
