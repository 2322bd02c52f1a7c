"""Models of the toy set in folders, photos, and an index of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fgsbir.search.indexing import index_photos
from tests.toy import Toy
from tests.trained import save_meta_trained

MakePhoto = Callable[[Path, int], Path]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def adaptive_model(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Path:
    """A model that adapts by a step of its head as well, to be read alone."""
    return save_meta_trained(tmp_path_factory.mktemp("models") / "adaptive", Toy(toy_folder))


@pytest.fixture
def photos(tmp_path: Path, make_photo: MakePhoto) -> Path:
    """A folder of five photos."""
    for number in range(5):
        make_photo(tmp_path / "photos" / f"{number}.png", number)
    return tmp_path / "photos"


@pytest.fixture
def index(tmp_path: Path, joint_model: Path, photos: Path) -> Path:
    """An index of them, that cannot be adapted by weights."""
    index_photos([photos], joint_model, tmp_path / "index")
    return tmp_path / "index"
