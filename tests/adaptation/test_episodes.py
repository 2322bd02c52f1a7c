"""Episodes: which pairs a step of meta-training sees, and in which forms."""

import numpy as np
import pytest
import torch

from fgsbir.data.records import DataError
from fgsbir.features.pictures import Level
from tests.adaptation.conftest import MakePictures, stream_of
from tests.toy import Toy


def test_a_batch_is_a_function_of_its_step(pictures: MakePictures) -> None:
    stream = stream_of(pictures("category", "train"))
    one, again, other = stream.batch(3), stream.batch(3), stream.batch(4)
    assert one.taps.shape[:3] == (2, 2 + 3, 3)
    assert one.support_negatives.shape == (2, 2, 4) and one.query_negatives.shape == (2, 3, 6)
    assert torch.equal(one.taps, again.taps) and torch.equal(one.task, again.task)
    assert not torch.equal(one.taps, other.taps)
    assert [stream.pictures.known.tasks[task].name for task in one.task] == stream.task_names(3)


def test_processes_share_the_tasks_of_a_step(pictures: MakePictures) -> None:
    learning = pictures("category", "train", held_out=0)
    whole = stream_of(learning).batch(0)
    parts = [stream_of(learning, rank=rank, world=2).batch(0) for rank in range(2)]
    assert torch.equal(torch.cat([part.taps for part in parts]), whole.taps)
    with pytest.raises(DataError, match="2 tasks a step cannot be shared evenly by 3 processes"):
        stream_of(learning, world=3)


def test_the_pictures_of_a_task_are_mirrored_alike(pictures: MakePictures) -> None:
    """All photos of an episode are stored in one of two forms, and both come up."""
    learning = pictures("category", "train", held_out=0)
    photos = torch.stack([learning.photos(np.arange(len(learning.photos)), form) for form in range(2)])
    seen = set()
    for step in range(6):
        for taps in stream_of(learning).batch(step).taps:
            shown = taps[:, 1:].flatten(0, 1)
            alike = [all((form == row).all(1).any() for row in shown) for form in photos]
            assert sum(alike) == 1
            seen.add(alike.index(True))
    assert seen == {0, 1}


@pytest.mark.parametrize("level", ["map", "pixels"])
def test_an_f_with_blocks_of_its_own_is_read_once_and_then_as_pooled_taps(
    level: Level, stored: Toy, pictures: MakePictures
) -> None:
    plain, own = (pictures("category", "train", f=stored.retrieval(level=one)) for one in ("taps", level))
    rows = np.array([0, 3])
    assert own.mirrors == (2 if level == "map" else 1)
    # Its blocks are still the trunk's; stored maps are rounded.
    torch.testing.assert_close(own.photos(rows), plain.photos(rows), atol=0.05, rtol=0.05)
    if level == "map":
        torch.testing.assert_close(own.sketches(rows, 3), plain.sketches(rows, 3), atol=0.05, rtol=0.05)
