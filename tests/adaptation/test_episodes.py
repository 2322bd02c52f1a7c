"""Episodes: which pairs a step of meta-training sees, and by whose hand."""

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
import torch

from fgsbir.adaptation.episodes import EpisodeStream, TaskPictures, as_of_one_hand
from fgsbir.data.augmentation import draw_changes
from fgsbir.data.records import DataError

SIZE = 32
CPU = torch.device("cpu")
Pictures = Callable[..., TaskPictures]
StreamOf = Callable[..., EpisodeStream]


def test_a_batch_is_a_function_of_its_step(pictures: Pictures, stream_of: StreamOf) -> None:
    stream = stream_of(pictures("category", "train"))
    one, again, other = stream.batch(3, CPU), stream.batch(3, CPU), stream.batch(4, CPU)
    assert one.images.shape == (2 * (2 + 3) * 3, 3, SIZE, SIZE)
    assert one.support_negatives.shape == (2, 2, 4) and one.query_negatives.shape == (2, 3, 6)
    assert torch.equal(one.images, again.images) and torch.equal(one.task, again.task)
    assert not torch.equal(one.images, other.images)
    assert [stream.pictures.tasks.tasks[task].name for task in one.task] == stream.task_names(3)


def test_processes_share_the_tasks_of_a_step(pictures: Pictures, stream_of: StreamOf) -> None:
    learning = pictures("category", "train", held_out=0)
    whole = stream_of(learning).batch(0, CPU)
    parts = [stream_of(learning, rank=rank, world=2).batch(0, CPU) for rank in range(2)]
    assert torch.equal(torch.cat([part.images for part in parts]), whole.images)
    with pytest.raises(DataError, match="2 tasks a step cannot be shared evenly by 3 processes"):
        stream_of(learning, world=3)


def test_one_hand_draws_all_sketches_of_a_task() -> None:
    """What is another hand's is shared; where the pair stands, and what the photo looks like, is not."""
    rng = np.random.default_rng(0)
    changes, hand = draw_changes(rng, 5, 1.0), draw_changes(rng, 1, 1.0)
    found = as_of_one_hand(changes, hand)
    for field in fields(found):
        value, own, shared = (getattr(part, field.name) for part in (found, changes, hand))
        if field.name in ("sketch", "sketch_scale", "warp", "dropout_rate"):
            assert np.array_equal(value, np.repeat(shared, 5, axis=0)), field.name
        else:
            assert np.array_equal(value, own), field.name
