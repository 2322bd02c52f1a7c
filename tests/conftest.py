"""What all tests share: settings, the toy set with its features, and photos that take no time."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from tests.toy import Toy, write_toy_edges, write_toy_features, write_toy_shards
from tests.trained import save_joint

# A busy machine is no failure, and a run that fails fails again: no deadlines, the same examples every time.
settings.register_profile("project", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

# A shell makes its background jobs deaf to SIGINT, and so would be the processes that tests start to interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy set as ``shards``, ``features`` and ``edges``, to be read alone."""
    folder = tmp_path_factory.mktemp("toy")
    shards = write_toy_shards(folder)
    write_toy_features(shards, folder / "features")
    write_toy_edges(shards, folder / "edges")
    return folder


@pytest.fixture(autouse=True, scope="session")
def searching_in_float32() -> Iterator[None]:
    """What is found is compared with float32's, on processors that multiply bf16 as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fgsbir.search.searcher.working_precision", lambda *_: "float32")
        yield


@pytest.fixture
def toy(toy_folder: Path) -> Toy:
    """The toy set, opened."""
    return Toy(toy_folder)


@pytest.fixture(scope="session")
def joint_model(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Path:
    """F, G and D_C, to be read alone."""
    return save_joint(tmp_path_factory.mktemp("models") / "joint", Toy(toy_folder))


@pytest.fixture(scope="session")
def make_photo() -> Callable[[Path, int], Path]:
    """Write a photo that no other number has: (path, number) to the path."""

    def make(path: Path, number: int) -> Path:
        rng = np.random.default_rng(number)
        pixels = np.full((40, 50, 3), 255, np.uint8)
        top, left = rng.integers(0, 20, 2)
        pixels[top : top + 15, left : left + 25] = rng.integers(0, 200, 3)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return path

    return make


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Any Chromium that is installed; without one its tests are skipped, or fail where CI=true."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        message = f"no browser: expected one of {', '.join(BROWSERS)}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=BROWSER_OPTIONS)
        yield launched
        launched.close()
