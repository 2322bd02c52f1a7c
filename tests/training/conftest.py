"""A set of a dozen drawn shapes and networks as small as they get, for every training procedure."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fgsbir.data.pairs import PairSet, PairStream, at_size, labelled_pairs, photo_set, sketch_only_pairs
from lightning_fabric import Fabric
from PIL import Image, ImageDraw

from fgsbir.certainty.discriminator import Discriminator
from fgsbir.certainty.training import train_discriminator
from fgsbir.data.augmentation import change_sketches_jointly
from fgsbir.data.records import Photo, Sketch, Source
from fgsbir.data.selection import TrainingSplit, training_split
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.data.strokes import join_strokes
from fgsbir.evaluation.classifier_training import train_sketch_classifier
from fgsbir.evaluation.sketch_classifier import SketchClassifier
from fgsbir.generator.model import Generator
from fgsbir.generator.sequences import offset_scale, sequence_pairs
from fgsbir.generator.training import Phase, train_generator
from fgsbir.joint.drawn_photos import labelled_to_draw, pseudo_pairs
from fgsbir.joint.policy_gradient import RewardForm
from fgsbir.joint.pseudo_sketches import PseudoSketches
from fgsbir.joint.training import JointModels, JointSettings, train_joint
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.retrieval.training import train_retrieval
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.run import Row

SIZE, POINTS, LINE = 32, 12, 6.0
SPLITS = ["train"] * 6 + ["val"] * 3 + ["unlabelled"] * 5


def shape(number: int, hand: int = 0) -> np.ndarray:
    """Canonical strokes of product ``number`` as drawn by a hand: a polygon and a line through it."""
    rng = np.random.default_rng(number)
    corners, shaky = int(rng.integers(3, 6)), np.random.default_rng([number, hand]).normal(0, 4, (7, 2))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    outline = 128 + rng.uniform(40, 100, (corners, 1)) * np.stack([np.cos(angles), np.sin(angles)], 1)
    line = rng.uniform(40, 216, (2, 2))
    return join_strokes([part + shaky[: len(part)] for part in (outline, line)])


def draw_photo(path: Path, number: int) -> None:
    image = Image.new("RGB", (SIZE, SIZE), (235, 240, 230))
    pen, scale = ImageDraw.Draw(image), SIZE / 256
    outline, line = np.split(shape(number)[:, :2] * scale, [len(shape(number)) - 2])
    pen.polygon(outline.ravel().tolist(), fill=tuple(np.random.default_rng(number).integers(40, 160, 3).tolist()))
    pen.line(line.ravel().tolist(), fill=(20, 20, 20), width=2)
    image.save(path)


def write_toy_shards(folder: Path) -> None:
    """Six labelled photos with two sketches each, three for validation, five unlabelled: all of one category."""
    folder.mkdir()
    source = Source()
    for number, split in enumerate(SPLITS):
        path = folder / f"{number}.png"
        draw_photo(path, number)
        source.photos.append(Photo(f"{split}-{number:02d}", "shape", split, path))
        for hand in range(2 if split in ("train", "val") else 0):
            source.sketches.append(
                Sketch(f"{split}-{number:02d}-{hand}", source.photos[-1].id, None, shape(number, hand))
            )
    write_shards(source, folder / "shards", name="toy", layout="folder", category="shape", photos_per_shard=100)


@dataclass
class Trained:
    """What a training left: its models by name, with the curve."""

    models: dict[str, torch.nn.Module]
    rows: list[Row]

    def weights(self) -> dict[str, torch.Tensor]:
        """Copies of all tensors of all models."""
        return {
            f"{name}.{key}": value.clone()
            for name, model in self.models.items()
            for key, value in model.state_dict().items()
        }


class Toy:
    """Builds pairs, models and streams anew for every use, always the same ones."""

    def __init__(self, fabric: Fabric, shards: Path) -> None:
        self.fabric = fabric
        self.store = ShardStore(shards)
        self.split: TrainingSplit = training_split(self.store.index, 1.0)
        self.objective = RetrievalObjective("info_nce", 0.3, 0.1)
        self.precision = "float32"

    def labelled(self) -> PairSet:
        return labelled_pairs(self.store, self.split.labelled, SIZE, 1.0)

    def as_sequences(self, pairs: PairSet) -> PairSet:
        return sequence_pairs(pairs, tolerance=2.0, max_points=POINTS, reorder=True)

    def validation_pairs(self) -> PairSet:
        return labelled_pairs(self.store, self.split.validation, SIZE, 1.0)

    def unlabelled(self, samples: int = 2) -> tuple[PairSet, PairSet, PseudoSketches]:
        """The unlabelled photos for F and for G, and stored sketches of them: other products' shapes."""
        photos = photo_set(self.store, self.split.unlabelled, SIZE, 1.0)
        stored = PseudoSketches(
            {name: [shape(50 + row, hand) for hand in range(samples)] for row, name in enumerate(photos.photo_ids)},
            {
                name: np.linspace(0.1, 0.9, samples, dtype=np.float32) * (row + 1) / 5
                for row, name in enumerate(photos.photo_ids)
            },
        )
        return photos, at_size(photos, self.store, self.split.unlabelled, SIZE, 1.0), stored

    def validation(self) -> RetrievalValidation:
        return RetrievalValidation(
            self.validation_pairs(), line_width=LINE, device=self.fabric.device, precision=self.precision
        )

    def retrieval(self, seed: int = 0) -> RetrievalModel:
        torch.manual_seed(seed)
        return RetrievalModel(backbone="small", embedding_dim=8, attention=True, image_size=SIZE)

    def generator(self, seed: int = 1, hidden: int = 16) -> Generator:
        torch.manual_seed(seed)
        model = Generator(
            backbone="small",
            latent=4,
            hidden=hidden,
            mixtures=2,
            attention=True,
            attention_width=8,
            pen_position=True,
            max_points=POINTS,
            image_size=SIZE,
        )
        sketches = [strokes for choice in self.as_sequences(self.labelled()).sketches for strokes in choice]
        model.offset_scale = torch.tensor(offset_scale(sketches))
        # Untrained it would end half of its drawings at once.
        model.output_layer.bias.data[-3:] = torch.tensor([2.0, 0.0, -2.0])
        return model

    def discriminator(self, seed: int = 2) -> Discriminator:
        torch.manual_seed(seed)
        return Discriminator(image_size=SIZE, width=8, layers=2)

    def stream(self, pairs: PairSet, batch_size: int = 4, **changes: Any) -> PairStream:
        stream = PairStream(
            pairs,
            batch_size=batch_size,
            seed=5,
            salt=1,
            strength=1.0,
            line_width=LINE,
            rank=self.fabric.global_rank,
            world=self.fabric.world_size,
        )
        return replace(stream, **changes)

    def train_retrieval(self, scratch: Scratch, **changes: Any) -> Trained:
        model = self.retrieval()
        numbers = {"steps": 7, "learning_rate": 1e-3, "weight_decay": 0.01, "validate_every": 3, "log_interval": 2}
        stream = self.stream(self.labelled(), strength=changes.pop("strength", 1.0))
        rows = train_retrieval(
            self.fabric,
            model,
            stream,
            self.validation(),
            self.objective,
            scratch=scratch,
            **(numbers | changes),
        )
        return Trained({"retrieval": model}, rows)

    def train_generator(self, scratch: Scratch, **changes: Any) -> Trained:
        model, judge = self.generator(), self.retrieval()
        alone = self.as_sequences(sketch_only_pairs([shape(number) for number in range(70, 75)], SIZE, LINE))
        stream = self.stream(self.as_sequences(self.labelled()), change=change_sketches_jointly)
        numbers = {
            "jitter": 1.0,
            "learning_rate": 1e-3,
            "kl_weight": 1.0,
            "kl_floor": 0.2,
            "kl_anneal_steps": 4,
            "grad_clip": 1.0,
            "select": "likelihood",
            "validate_every": 3,
            "log_interval": 2,
        }
        rows = train_generator(
            self.fabric,
            model,
            [Phase(replace(stream, pairs=alone, salt=7), 3), Phase(stream, 4)],
            self.validation(),
            self.as_sequences(self.validation_pairs()),
            judge,
            scratch=scratch,
            **(numbers | changes),
        )
        return Trained({"generator": model}, rows)

    def train_discriminator(self, scratch: Scratch, **changes: Any) -> Trained:
        model = self.discriminator()
        photos, _, stored = self.unlabelled()
        photos.sketches = list(stored.strokes.values())
        redrawn = replace(self.labelled(), sketches=[[shape(90 + row)] for row in range(6)])
        numbers = {"steps": 7, "learning_rate": 1e-3, "validate_every": 3, "log_interval": 2, "fakes": "both"}
        rows = train_discriminator(
            self.fabric,
            model,
            self.stream(self.labelled(), change=change_sketches_jointly),
            [photos, redrawn],
            scratch=scratch,
            **(numbers | changes),
        )
        return Trained({"discriminator": model}, rows)

    def train_sketch_classifier(self, scratch: Scratch, **changes: Any) -> Trained:
        torch.manual_seed(3)
        model = SketchClassifier(image_size=SIZE, classes=3)
        sketches, classes = [shape(number) for number in range(9)], np.arange(9, dtype=np.int64) % 3
        numbers = {"steps": 7, "learning_rate": 1e-3, "validate_every": 3, "log_interval": 2}
        rows = train_sketch_classifier(
            self.fabric,
            model,
            self.stream(sketch_only_pairs(sketches, SIZE, LINE, classes)),
            ([shape(number, 1) for number in range(9)], classes),
            precision=self.precision,
            scratch=scratch,
            **(numbers | changes),
        )
        return Trained({"sketch_classifier": model}, rows)

    def joint_settings(self, **changes: Any) -> JointSettings:
        settings = JointSettings(
            joint_training=True,
            instance_weighting=True,
            relative_weights=False,
            threshold=0.0,
            fakes="generated",
            teacher="relative",
            steps=8,
            k_r=2,
            k_d=2,
            k_g=1,
            learning_rate=1e-3,
            generator_learning_rate=1e-3,
            discriminator_learning_rate=1e-3,
            weight_decay=0.01,
            generator_augment=1.0,
            lambda_kd=0.1,
            lambda_g=10.0,
            judge="retrieval",
            temperature=0.4,
            kl_weight=1.0,
            kl_floor=0.2,
            point_jitter=1.0,
            grad_clip=1.0,
            validate_every=4,
            log_interval=2,
        )
        return replace(settings, **changes)

    def joint_models(self, settings: JointSettings) -> JointModels:
        retrieval = self.retrieval()
        return JointModels(
            retrieval, self.generator(), self.discriminator(), teacher=copy.deepcopy(retrieval), settings=settings
        )

    def train_joint(
        self, scratch: Scratch, *, control: bool = False, models: JointModels | None = None, **changes: Any
    ) -> Trained:
        baseline = changes.pop("baseline", "mean")
        settings = self.joint_settings(**changes)
        models = models or self.joint_models(settings)
        labelled = self.labelled()
        drawn = at_size(labelled, self.store, self.split.labelled, SIZE, 1.0)
        rows = train_joint(
            self.fabric,
            models,
            self.stream(labelled),
            self.as_sequences(drawn),
            labelled_to_draw(labelled, drawn),
            None if control else pseudo_pairs(*self.unlabelled()),
            self.validation(),
            self.objective,
            RewardForm(1.0, 1.0, baseline),
            settings,
            scratch=scratch,
        )
        names = ("retrieval", "generator", "discriminator", "teacher")
        return Trained({name: getattr(models, name) for name in names}, rows)

    def training(self, name: str) -> Callable[..., Trained]:
        """The training procedure of that name: called with a Scratch and changes of its numbers."""
        return getattr(self, f"train_{name}")


@pytest.fixture(scope="session")
def toy_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy") / "set"
    write_toy_shards(folder)
    return folder / "shards"


@pytest.fixture(scope="session")
def toy(toy_shards: Path) -> Iterator[Toy]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    fabric.launch()
    yield Toy(fabric, toy_shards)
    torch.set_num_threads(before)


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "scratch")
