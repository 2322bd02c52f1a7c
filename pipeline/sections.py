"""The keys of params.yaml, their types and their bounds; params.yaml says what each means."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, model_validator

from pipeline.data_sections import Dataset, Edges, Features, Runtime, Shard, Synthesise
from pipeline.values import (
    Count,
    NameOrNone,
    PathOrNone,
    Precision,
    Real,
    Section,
    Seed,
    Sha256,
    Sha256OrNone,
    Whole,
)

Rate = Annotated[Real, Field(gt=0, le=1)]
Weight = Annotated[Real, Field(ge=0, le=1000)]


class Training(Section):
    steps: Count
    learning_rate: Rate
    validate_every: Count


class PretrainRetrieval(Training):
    embedding_dim: Whole = Field(ge=2, le=4096)
    tune_blocks: Annotated[Literal["all"] | Whole, Field(union_mode="left_to_right")]
    pooling: Literal["places", "attention"]
    standardise: StrictBool
    mirror: StrictBool
    start: Literal["axes", "ready"]
    whitening: Real = Field(ge=0, le=1)
    loss: Literal["triplet", "hardest", "semi_hard", "info_nce"]
    margin: Real = Field(gt=0, le=2)
    temperature: Real = Field(gt=0, le=10)
    head: Literal["square", "whole"]
    dropout: Real = Field(ge=0, lt=1)
    batch_size: Whole = Field(ge=2, le=65_536)
    blocks_learning_rate: Rate
    weight_decay: Real = Field(ge=0, le=10)
    augment: Real = Field(ge=0, le=2)

    @model_validator(mode="after")
    def _a_head_by_chance_is_trained_whole(self) -> "PretrainRetrieval":
        if not self.standardise:
            self.must_have("standardise: false", head="whole", start="axes")
        return self


class SketchFile(Section):
    path: Path
    sha256: Sha256


class PretrainGenerator(Training):
    decoder: Literal["contours", "points"]
    weights: PathOrNone
    weights_sha256: Sha256OrNone
    encoder: NameOrNone
    encoder_block: Whole = Field(ge=0, le=1000)
    encoder_width: Whole = Field(ge=1, le=4096)
    attention: StrictBool
    attention_width: Whole = Field(ge=1, le=4096)
    latent: Whole = Field(ge=1, le=4096)
    hidden: Whole = Field(ge=1, le=8192)
    mixtures: Whole = Field(ge=1, le=100)
    pen_position: StrictBool
    max_points: Whole = Field(ge=2, le=2000)
    simplify: Real = Field(ge=0, le=32)
    reorder: StrictBool
    point_jitter: Real = Field(ge=0, le=32)
    kl_weight: Weight
    kl_floor: Weight
    kl_anneal_steps: Whole = Field(ge=0)
    batch_size: Whole = Field(ge=1, le=65_536)
    grad_clip: Real = Field(gt=0)
    select: Literal["retrieval", "likelihood"]
    sketch_files: tuple[SketchFile, ...]
    sketch_steps: Whole = Field(ge=0)
    edge_steps: Whole = Field(ge=0)
    category_steps: Whole = Field(ge=0)
    augment: Real = Field(ge=0, le=2)

    @model_validator(mode="after")
    def _sketches_to_train_on(self) -> "PretrainGenerator":
        if self.decoder == "contours":
            self.must_have("decoder: contours", encoder=None, sketch_steps=0, edge_steps=0, category_steps=0)
        if self.sketch_steps and not self.sketch_files:
            raise ValueError(f"sketch_steps is {self.sketch_steps}, but sketch_files is empty")
        return self


class SketchClassifier(Training):
    image_size: Whole = Field(ge=32, le=512, multiple_of=8)
    batch_size: Whole = Field(ge=1, le=65_536)
    line_width: Real = Field(gt=0, le=32)
    augment: Real = Field(ge=0, le=2)


class Pseudo(Section):
    sketches: Literal["generator", "edges", "another", "file"]
    file: PathOrNone
    file_sha256: Sha256OrNone
    photos: Count
    temperature: Real = Field(ge=0, le=2)
    samples: Whole = Field(ge=1, le=100)
    edges: Whole = Field(ge=0, le=100)
    own_statistics: StrictBool
    discriminator_input: Literal["pixels", "features"]
    discriminator_fakes: Literal["generated", "mismatched", "both"]
    discriminator_steps: Count
    discriminator_learning_rate: Rate
    discriminator_width: Whole = Field(ge=8, le=1024, multiple_of=8)
    discriminator_dropout: Real = Field(ge=0, lt=1)
    batch_size: Whole = Field(ge=1, le=65_536)
    validate_every: Count

    @model_validator(mode="after")
    def _sketches_are_there(self) -> "Pseudo":
        if self.discriminator_input == "pixels":
            self.must_have("discriminator_input: pixels", discriminator_dropout=0)
        if self.sketches == "file" and self.file is None:
            raise ValueError("sketches: file needs a path in file, and its SHA-256 in file_sha256")
        needed: dict[str, dict[str, Any]] = {
            "generator": {"file": None},
            "edges": {"file": None, "discriminator_fakes": "mismatched"},
            "another": {"file": None, "edges": 0},
            "file": {"edges": 0, "discriminator_fakes": "mismatched"},
        }
        self.must_have(f"sketches: {self.sketches}", **needed[self.sketches])
        return self


class Joint(Training):
    joint_training: StrictBool
    instance_weighting: StrictBool
    relative_weights: StrictBool
    threshold: Real = Field(ge=0, le=1)
    teacher: Literal["none", "relative", "absolute"]
    k_r: Count
    k_d: Count
    k_g: Count
    redrawn: Whole = Field(ge=0)
    batch_size: Whole = Field(ge=2, le=65_536)
    blocks_learning_rate: Rate
    generator_learning_rate: Rate
    discriminator_learning_rate: Rate
    lambda_kd: Weight
    lambda_r1: Weight
    lambda_r2: Weight
    lambda_g: Weight
    judge: Literal["retrieval", "teacher"]
    gradient: Literal["reward", "pixels"]
    baseline: Literal["none", "mean", "greedy"]
    grad_clip: Real = Field(gt=0)
    temperature: Real = Field(gt=0, le=2)


class Evaluate(Section):
    bootstrap: Whole = Field(ge=100, le=1_000_000)
    drawings: Whole = Field(ge=0, le=100)
    temperature: Real = Field(ge=0, le=2)
    top_k: Whole = Field(ge=1, le=100)
    pictures: Whole = Field(ge=1, le=100)


FewShotMethod = Literal[
    "none", "photos", "statistics", "ridge", "baseline", "baseline_regularised", "fine_tuning", "maml", "sign_maml",
    "anil", "adaptive", "adaptive_together", "upper_bound",
]  # fmt: skip


class Adapt(Training):
    start: Literal["supervised", "ready"]
    tasks: tuple[Literal["category", "user", "set"], ...]
    methods: tuple[FewShotMethod, ...] = Field(min_length=1)
    shots: tuple[Annotated[Whole, Field(ge=0, le=1000)], ...] = Field(min_length=1)
    draws: Whole = Field(ge=1, le=1000)
    held_out: Real = Field(ge=0, lt=1)
    support: Whole = Field(ge=1, le=1000)
    queries: Whole = Field(ge=1, le=1000)
    negatives: Literal["own", "pool"]
    tasks_per_step: Whole = Field(ge=1, le=1000)
    user_learning_rate: Rate
    new_learning_rate: Rate
    weight_decay: Real = Field(ge=0, le=10)
    embedding_dim: Whole = Field(ge=2, le=4096)
    margin: Real = Field(gt=0, le=2)
    predict_margin: StrictBool
    margin_width: Whole = Field(ge=1, le=4096)
    sharpness: Real = Field(gt=0, le=2)
    inner_steps: Whole = Field(ge=0, le=100)
    inner_rate: Real = Field(gt=0, le=1000)
    all_rate: Real = Field(gt=0, le=1000)
    sign_rate: Rate
    first_order: StrictBool
    ridge: Real = Field(gt=0, le=10_000)
    lambda_domain: Weight
    lambda_category: Weight
    lambda_user: Weight
    lambda_semantic: Weight
    word_vectors: PathOrNone
    word_vectors_sha256: Sha256OrNone
    fine_tuning_rates: tuple[Annotated[Real, Field(gt=0, le=100)], ...] = Field(min_length=1)
    fine_tuning_steps: tuple[Annotated[Whole, Field(ge=1, le=1000)], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _the_margin_is_learned_or_given(self) -> "Adapt":
        if self.first_order:
            self.must_have("first_order: true", predict_margin=False)
        return self


class EvaluateAdaptation(Section):
    bootstrap: Whole = Field(ge=100, le=1_000_000)


class Params(Section):
    seed: Seed
    precision: Precision
    labelled_frac: Real = Field(gt=0, le=1)
    unlabelled_frac: Real = Field(ge=0, le=1)
    runtime: Runtime
    dataset: Dataset
    synthesise: Synthesise
    shard: Shard
    features: Features
    edges: Edges
    pretrain_retrieval: PretrainRetrieval
    pretrain_generator: PretrainGenerator
    sketch_classifier: SketchClassifier
    pseudo: Pseudo
    joint: Joint
    evaluate: Evaluate
    adapt: Adapt
    evaluate_adaptation: EvaluateAdaptation
