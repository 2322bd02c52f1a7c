"""The sections of params.yaml for paper 2; the others are in :mod:`pipeline.sections`."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from pipeline.values import PathOrNone, Real, Section, Sha256OrNone, Whole

FewShotMethod = Literal[
    "baseline",
    "baseline_regularised",
    "statistics",
    "fine_tuning",
    "maml",
    "sign_maml",
    "anil",
    "ours",
    "ours_together",
    "upper_bound",
]


class Adapt(Section):
    """The section adapt."""

    tasks: tuple[Literal["category", "user"], ...]
    methods: tuple[FewShotMethod, ...] = Field(min_length=1)
    shots: tuple[Annotated[Whole, Field(ge=1, le=1000)], ...] = Field(min_length=1)
    draws: Whole = Field(ge=1, le=1000)
    held_out: Real = Field(ge=0, lt=1)
    support: Whole = Field(ge=1, le=1000)
    queries: Whole = Field(ge=1, le=1000)
    negatives: Literal["own", "pool"]
    tasks_per_step: Whole = Field(ge=1, le=1000)
    steps: Whole = Field(ge=1)
    learning_rate: Real = Field(gt=0, le=1)
    user_learning_rate: Real = Field(gt=0, le=1)
    new_learning_rate: Real = Field(gt=0, le=1)
    weight_decay: Real = Field(ge=0, le=10)
    validate_every: Whole = Field(ge=1)
    embedding_dim: Whole = Field(ge=2, le=4096)
    margin: Real = Field(gt=0, le=2)
    predict_margin: StrictBool
    margin_width: Whole = Field(ge=1, le=4096)
    sharpness: Real = Field(gt=0, le=2)
    inner_steps: Whole = Field(ge=0, le=100)
    inner_rate: Real = Field(gt=0, le=1000)
    all_rate: Real = Field(gt=0, le=1000)
    sign_rate: Real = Field(gt=0, le=1)
    first_order: StrictBool
    lambda_domain: Real = Field(ge=0, le=1000)
    lambda_category: Real = Field(ge=0, le=1000)
    lambda_user: Real = Field(ge=0, le=1000)
    lambda_semantic: Real = Field(ge=0, le=1000)
    word_vectors: PathOrNone
    word_vectors_sha256: Sha256OrNone
    fine_tuning_rates: tuple[Annotated[Real, Field(gt=0, le=100)], ...] = Field(min_length=1)
    fine_tuning_steps: tuple[Annotated[Whole, Field(ge=1, le=1000)], ...] = Field(min_length=1)


class EvaluateAdaptation(Section):
    """The section evaluate_adaptation."""

    bootstrap: Whole = Field(ge=100, le=1_000_000)
