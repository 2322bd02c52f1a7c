"""One step of every loss, and a short joint training, on as many processes as the command line says.

``python shared_work.py DEVICES TOY JOINT OUT``: each process writes what it computed to OUT/<rank>.pt.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from fgsbir.certainty.training import discriminator_step
from fgsbir.features.extraction import Reader
from fgsbir.generator.training import generator_losses
from fgsbir.joint.noise_tolerance import freeze, semi_supervised_losses, weighted_sum
from fgsbir.joint.policy_gradient import Judges, PhotoPool, RewardForm, drawing_rewards
from fgsbir.retrieval.training import retrieval_loss
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute, launch
from fgsbir.runtime.streams import torch_stream
from tests.joint.toy_joint import OBJECTIVE, JointToy, discriminator, generator
from tests.toy import SPEC, Toy, shape

OMEGA = torch.tensor([0.1, 0.9, 0.3, 0.6])
Found = dict[str, torch.Tensor]


def stepped(compute: Compute, model: nn.Module, loss: torch.Tensor) -> torch.Tensor:
    """The model's weights after one plain gradient step, all in one vector."""
    loss.backward()
    compute.sum_gradients(model)
    with torch.no_grad():
        parts = [weights - (0 if weights.grad is None else 0.1 * weights.grad) for weights in model.parameters()]
    return torch.cat([part.flatten() for part in parts])


def steps(toy: Toy, joint: JointToy) -> Found:
    """Loss and stepped weights of every loss, whose global batch is the same however many processes share it."""
    compute, trainer = toy.compute, joint.trainer(fakes="both")
    assert trainer.rivals is not None
    labelled, pseudo, found = trainer.labelled.batch(0), trainer.pseudo.batch(0), Found()
    each = 4 // compute.world
    share = slice(compute.rank * each, (compute.rank + 1) * each)

    model = toy.retrieval()
    loss = retrieval_loss(compute, model, labelled, OBJECTIVE, None, torch_stream(0, "step"))
    found["eq. 4"], found["eq. 4 weights"] = loss, stepped(compute, model, loss)

    model = toy.retrieval()
    numbers = [batch.rows + 100 * place for place, batch in enumerate((labelled, pseudo))]
    terms = semi_supervised_losses(
        compute,
        model,
        freeze(toy.retrieval(seed=9)),
        labelled,
        pseudo,
        numbers,
        OMEGA[share],
        OBJECTIVE,
        "relative",
        keep=None,
        generator=torch_stream(0, "step"),
    )
    found |= {f"eq. 7 {name}": value for name, value in terms.items()}
    found["eq. 7 weights"] = stepped(compute, model, weighted_sum(terms, 0.1))

    judge = discriminator(toy)
    fakes = [feed.batch(0) for feed in trainer.rivals.generated]
    optimizer = torch.optim.SGD(judge.parameters(), lr=0.1)
    found["eq. 5"] = discriminator_step(compute, judge, optimizer, trainer.rivals.real.batch(0), fakes)
    found["eq. 5 weights"] = torch.cat([weights.flatten() for weights in judge.parameters()])

    drawer = generator()
    batch = trainer.rivals.sequences.batch(0)
    reconstruction, divergence = generator_losses(compute, drawer, batch, jitter=2.0, kl_floor=0.0, seed=0, step=1)
    found["eq. 3"] = reconstruction
    found["eq. 3 weights"] = stepped(compute, drawer, reconstruction + divergence)

    reader = Reader(toy.pictures.features.trunk(), SPEC, compute)
    judges = Judges(toy.retrieval(), discriminator(toy), OBJECTIVE, reader, lambda taps: taps)
    photos = PhotoPool.of(toy.pictures, toy.split.labelled, toy.split.unlabelled, {"taps"}).batch(4, 0, 0, compute)
    sketches = [shape(number, 1) for number in photos.numbers]
    earned = drawing_rewards(compute, judges, photos, sketches, RewardForm(1.0, 1.0, "mean"), torch_stream(0, "n"))
    found["eq. 8"] = compute.reduce(earned.mean(), "mean")
    return {name: value.detach() for name, value in found.items()}


def training(joint: JointToy, folder: Path) -> Found:
    """Weights and curve of a short joint training."""
    trainer = joint.trainer(steps=4)
    rows = trainer.run(Scratch(folder / "joint"))
    found = {f"curve {row['step']}": torch.tensor(list(row.values()), dtype=torch.float64) for row in rows}
    for name, model in trainer.models.trained.items():
        found |= {f"{name} {key}": value for key, value in model.state_dict().items()}
    return found


@dataclass(frozen=True)
class Runtime:
    accelerator: str
    devices: int
    threads: int


def main() -> None:
    devices, folders = int(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    compute = launch(Runtime("cpu", devices, 1), "float32")
    assert compute.world == devices
    toy = Toy(folders[0], compute)
    # Built here, once for all models: it takes numbers from the generator that seeds them.
    toy.pictures.features.trunk()
    joint = JointToy(toy, folders[1])
    torch.save(steps(toy, joint) | training(joint, folders[2]), folders[2] / f"{compute.rank}.pt")


if __name__ == "__main__":
    main()
