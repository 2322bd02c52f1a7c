"""Models of the toy set in folders, an index, and the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fgsbir.__main__ import main
from fgsbir.search.indexing import index_photos

Run = Callable[..., int]


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory, joint_model: Path, make_photo: Callable[[Path, int], Path]) -> Path:
    """An index of three photos, to be read alone."""
    folder = tmp_path_factory.mktemp("indexed")
    for number in range(3):
        make_photo(folder / "photos" / f"{number}.png", number)
    index_photos([folder / "photos"], joint_model, folder / "index")
    return folder / "index"


@pytest.fixture
def fgsbir() -> Run:
    """Run a command: of its arguments, the exit status."""

    def run(*arguments: object) -> int:
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as left:
            return int(left.code or 0)
        return 0

    return run


@pytest.fixture
def refusal(fgsbir: Run, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that cannot be met: of its arguments, the one line that says why."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        assert fgsbir(*arguments) == 1
        answer, told = capsys.readouterr()
        assert answer == "" and told.startswith("error: ") and told.count("\n") == 1
        return told

    return run
