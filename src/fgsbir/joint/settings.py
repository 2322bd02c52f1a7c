"""What joint training is given: its numbers, and the models that it changes."""

from dataclasses import dataclass
from typing import Literal

import torch

from fgsbir.certainty.discriminator import Discriminator
from fgsbir.certainty.training import Fakes, discriminator_optimizer
from fgsbir.generator.kinds import AnyGenerator
from fgsbir.joint.noise_tolerance import Teacher
from fgsbir.joint.policy_gradient import Baseline
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.training import parameter_groups
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.model_folder import StoredModel
from fgsbir.runtime.run import Stateful


@dataclass(frozen=True, slots=True)
class JointSettings:
    """Numbers of Algorithm 1; params.yaml says what each means and what the paper gives."""

    instance_weighting: bool
    relative_weights: bool
    threshold: float
    teacher: Teacher
    steps: int
    k_r: int
    k_d: int
    k_g: int
    redrawn: int
    learning_rate: float
    blocks_learning_rate: float
    generator_learning_rate: float
    discriminator_learning_rate: float
    weight_decay: float
    dropout: float
    lambda_kd: float
    lambda_r1: float
    lambda_r2: float
    lambda_g: float
    judge: Literal["retrieval", "teacher"]
    gradient: Literal["reward", "pixels"]
    baseline: Baseline
    temperature: float
    kl_weight: float
    kl_floor: float
    point_jitter: float
    fakes: Fakes
    grad_clip: float
    validate_every: int
    log_interval: int


class JointModels:
    """F, G and D_C, their optimisers, and F_T, the supervised F, which is frozen here."""

    def __init__(
        self,
        retrieval: RetrievalModel,
        generator: AnyGenerator,
        discriminator: Discriminator,
        teacher: RetrievalModel,
        settings: JointSettings,
        compute: Compute,
    ) -> None:
        for model in (retrieval, generator, discriminator, teacher):
            compute.place(model)
        self.retrieval, self.generator, self.discriminator = retrieval, generator, discriminator
        self.teacher = teacher.eval().requires_grad_(False)
        self.trained: dict[str, StoredModel] = {
            "retrieval": retrieval, "generator": generator, "discriminator": discriminator
        }  # fmt: skip
        of_generator = [weights for weights in generator.parameters() if weights.requires_grad]
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "retrieval": torch.optim.AdamW(
                parameter_groups(retrieval), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
            ),
            "generator": torch.optim.Adam(of_generator, lr=settings.generator_learning_rate, fused=True),
            "discriminator": discriminator_optimizer(discriminator, settings.discriminator_learning_rate),
        }

    def state(self) -> dict[str, Stateful]:
        """All that training changes."""
        return self.trained | {f"{name}_optimizer": optimizer for name, optimizer in self.optimizers.items()}
