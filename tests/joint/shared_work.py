"""A round of Algorithm 1 by plain gradient steps, on as many processes as the command line says.

``python shared_work.py DEVICES TOY JOINT OUT``: each process writes what it computed to OUT/<rank>.pt.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor

from fgsbir.joint.policy_gradient import PhotoPool
from fgsbir.retrieval.training import retrieval_loss
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import launch
from fgsbir.runtime.streams import torch_stream
from tests.joint.toy_joint import OBJECTIVE, JointToy, judges
from tests.toy import Toy, shape


def work(toy: Toy, joint: JointToy, scratch: Path) -> dict[str, Tensor]:
    """Losses and weights that must not depend on how many processes share a global batch."""
    compute = toy.compute
    # Each process draws numbers of its own for the policy, and mismatches its own pairs: both are left out.
    trainer = joint.trainer(
        fakes="generated", lambda_r1=0.0, lambda_r2=0.0, steps=2, learning_rate=0.1, generator_learning_rate=0.1
    )
    for name, model in trainer.models.trained.items():
        trainer.models.optimizers[name] = torch.optim.SGD(model.parameters(), lr=0.1)
    (row,) = trainer.run(Scratch(scratch))
    found = {name: torch.tensor(value) for name, value in row.items()}
    for name, model in trainer.models.trained.items():
        found |= {f"{name} {key}": value for key, value in model.state_dict().items()}

    model = toy.retrieval()
    found["eq. 4"] = loss = retrieval_loss(
        compute, model, trainer.labelled.batch(0), OBJECTIVE, None, torch_stream(0, "n")
    )
    loss.backward()
    compute.sum_gradients(model)
    found["eq. 4 gradient"] = model.head.weight.grad
    photos = PhotoPool(toy.pictures, toy.split.labelled, toy.split.unlabelled, {"taps"}).batch(4, 0, 0, compute)
    images = judges(toy).reader.images([shape(number, 1) for number in photos.numbers.tolist()])
    earned = judges(toy).rewards(photos, images, torch_stream(0, "n"))
    found["eq. 8"] = compute.gather(earned)
    return {name: value.detach() for name, value in found.items()}


def main() -> None:
    devices, (toy_folder, joint_folder, out) = int(sys.argv[1]), map(Path, sys.argv[2:])
    compute = launch(SimpleNamespace(accelerator="cpu", devices=devices, threads=1), "float32")
    assert compute.world == devices
    toy = Toy(toy_folder, compute)
    # Built here, once for all models: it takes numbers from the generator that seeds them.
    toy.pictures.features.trunk()
    torch.save(work(toy, JointToy(toy, joint_folder), out / "joint"), out / f"{compute.rank}.pt")


if __name__ == "__main__":
    main()
