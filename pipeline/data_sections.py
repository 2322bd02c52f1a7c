"""The keys of params.yaml that say where and on what: the machine, the data set, what is stored of it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool, model_validator

from pipeline.values import Count, NameOrNone, PathOrNone, Real, Section, Seed, Sha256, Sha256OrNone, Text, Whole


class Runtime(Section):
    accelerator: Literal["auto", "cpu", "cuda"]
    devices: Whole = Field(ge=1, le=4096)
    threads: Whole = Field(ge=0, le=1024)
    workers: Whole = Field(ge=1, le=256)
    photo_cache_gib: Real = Field(ge=0)
    shards_from: NameOrNone
    log_interval: Count


class Dataset(Section):
    name: Text
    layout: Literal["synthetic", "sketchx", "qmul", "qmul_v1", "sketchy", "folder"]
    root: Path
    category: NameOrNone
    val_frac: Real = Field(gt=0, lt=1)
    unseen_categories: tuple[Text, ...]
    unseen_users: tuple[Text, ...]
    user_table: PathOrNone
    user_table_sha256: Sha256OrNone
    max_megapixels: Real = Field(gt=0, le=1000)

    @model_validator(mode="after")
    def _main_category_is_seen(self) -> "Dataset":
        if self.category in self.unseen_categories:
            raise ValueError(f"category {self.category!r} is in unseen_categories too: nothing could be trained")
        return self


class Synthesise(Section):
    seed: Seed
    size: Whole = Field(ge=32, le=1024, multiple_of=8)
    labelled: Whole = Field(ge=2, le=1_000_000)
    sketches_per_photo: Whole = Field(ge=1, le=100)
    unlabelled: Whole = Field(ge=0, le=10_000_000)
    val: Whole = Field(ge=1, le=1_000_000)
    test: Whole = Field(ge=2, le=1_000_000)
    seen_categories: Whole = Field(ge=0, le=100)
    seen_photos: Whole = Field(ge=2, le=100_000)
    unseen_categories: Whole = Field(ge=0, le=100)
    unseen_train: Whole = Field(ge=2, le=100_000)
    unseen_test: Whole = Field(ge=2, le=100_000)
    users: Whole = Field(ge=3, le=1000)
    unseen_users: Whole = Field(ge=0, le=1000)
    unseen_user_train: Whole = Field(ge=1, le=100_000)
    unseen_user_test: Whole = Field(ge=1, le=100_000)
    jpeg_quality: Whole = Field(ge=30, le=100)


class Shard(Section):
    photos_per_shard: Whole = Field(ge=1, le=1_000_000)
    trace_tolerance: Real = Field(gt=0, le=10)
    duplicate_hash_bits: Whole = Field(ge=0, le=32)
    duplicate_correlation: Real = Field(gt=0, le=1)


class Features(Section):
    trunk: str = Field(pattern="^[a-z][a-z0-9_]*$")
    weights: Text
    weights_sha256: Sha256
    image_size: Whole = Field(ge=32, le=1024, multiple_of=8)
    line_width: Real = Field(gt=0, le=32)
    taps: tuple[Annotated[Whole, Field(ge=0, le=1000)], ...] = Field(min_length=1)
    places: Whole = Field(ge=1, le=32)
    map_block: Whole = Field(ge=0, le=1000)
    variants: Whole = Field(ge=1, le=64)
    strength: Real = Field(ge=0, le=2)
    sketch_maps: StrictBool

    @model_validator(mode="after")
    def _taps_rise(self) -> "Features":
        if list(self.taps) != sorted(set(self.taps)):
            raise ValueError(f"taps {list(self.taps)}: expected numbers of blocks that rise")
        return self


class Edges(Section):
    tolerance: Real = Field(gt=0, le=32)
