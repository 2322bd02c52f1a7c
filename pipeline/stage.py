"""What stages share: their frame (logging, clear errors, exit codes), the data set, and the folder to resume from.

A stage file ends with ``run(main)``. Its imports of :mod:`fgsbir` stand inside ``main``, after
``load()``, so that a mistake in params.yaml is reported at once, before torch is imported.
"""

import hashlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import yaml

from fgsbir.data.atomic import hold
from fgsbir.data.records import DataError
from fgsbir.runtime.faults import TrainingDiverged, disk_is_full
from fgsbir.runtime.memory import keep_freed_memory
from pipeline.data_sections import Runtime
from pipeline.params import ParamsError, load
from pipeline.values import Precision

if TYPE_CHECKING:
    from fgsbir.features.pictures import Pictures
    from fgsbir.runtime.checkpoint import Scratch
    from fgsbir.runtime.compute import Compute
    from fgsbir.runtime.model_folder import StoredModel
    from fgsbir.runtime.run import Row

logger = logging.getLogger("pipeline")

ROOT = Path(__file__).resolve().parent.parent
INTERRUPTED = 130
# The scratch folders that this process holds, until it ends, and the files that say so.
_held: dict[Path, IO[bytes]] = {}


def run(main: Callable[[], None]) -> None:
    """Run a stage and leave the process: status 0, 1 after an error, 130 after SIGINT or SIGTERM.

    What a user can mend (params, data, a diverged training, a full disk, a missing file) is reported
    without a traceback; anything else is a fault of the program and keeps it.
    """
    keep_freed_memory()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    warn_of_path(ROOT)
    try:
        main()
    except KeyboardInterrupt:
        _leave("interrupted; the same command goes on from where it stopped", INTERRUPTED)
    except (ParamsError, DataError, TrainingDiverged) as error:
        _leave(str(error), 1)
    except Exception as error:
        if disk_is_full(error):
            _leave(f"the disk is full ({error}); free some space and run the same command again", 1)
        if isinstance(error, OSError) and error.filename is not None:
            _leave(f"{error.filename}: {error.strerror}", 1)
        raise


def warn_of_path(root: Path) -> None:
    """Say what DVC cannot do in a project at ``root``, before DVC fails with an error that does not name the reason."""
    if not str(root).isascii():
        logger.warning(
            "%s: this path has letters that are not ASCII, and DVC cannot write them into its settings. "
            "dvc repro works here; dvc exp run --temp and the queue fail, and so does dvc remote add of a folder "
            "in such a path. Move the project to a path of plain letters to use them.",
            root,
        )


def _leave(message: str, status: int) -> NoReturn:
    print(f"error: {message}" if status == 1 else message, file=sys.stderr, flush=True)
    sys.exit(status)


def open_data(
    runtime: Runtime, precision: Precision, shards: str, features: str, edges: str | None = None
) -> "tuple[Compute, Pictures]":
    """This process's device, and the data set in the folders ``shards``, ``features`` and ``edges``."""
    from fgsbir.data.shards import ShardStore
    from fgsbir.features.pictures import Pictures
    from fgsbir.features.store import FeatureStore
    from fgsbir.runtime.compute import launch

    compute, store = launch(runtime, precision), ShardStore(Path(shards), runtime.shards_from)
    read = FeatureStore(Path(features), store.index)
    return compute, Pictures(store, read, runtime.photo_cache_gib, Path(edges) if edges else None)


def save_trained(
    folder: Path, model: "StoredModel", curve: "list[Row]", details: dict[str, Any], scratch: "Scratch"
) -> None:
    """Write the model and the curve of a training that is done; its checkpoint goes."""
    from fgsbir.runtime.model_folder import save_model
    from fgsbir.runtime.run import write_curve

    save_model(folder, model, details=details)
    write_curve(folder / "curve.csv", curve)
    scratch.clear()


def scratch_folder(stage: str) -> Path:
    """The folder that ``stage`` keeps its checkpoint in: ``.scratch/<stage>/<fingerprint>``.

    It lies in DVC's repository and not in the working folder, since temporary and queued runs
    erase theirs even after a crash. The fingerprint changes with all that DVC would run the stage
    again for (its params, its code, its inputs), so that no run goes on from another's checkpoint. Two runs must not
    share one either: DataError while another holds it. A killed run holds nothing.
    """
    folder = Path(os.environ.get("DVC_ROOT", "")).resolve() / ".scratch" / stage / fingerprint(stage)
    hold_stage(stage, folder)
    return folder


def hold_stage(stage: str, folder: Path) -> None:
    """Keep other runs of ``stage`` from writing into ``folder`` until this process ends, by a file beside it."""
    # Of the processes of one run, the first holds it for all.
    if int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", 0))) == 0 and folder not in _held:
        _held[folder] = hold(folder.with_suffix(".held"), f"another run of the stage {stage}")


# Of these folders one file tells what all the others hold; other folders are read whole.
TELLS = {"data/shards": "index.json", "data/features": "features.json"}


def fingerprint(stage: str) -> str:
    """16 hexadecimal digits over what dvc.yaml lists as the stage's params and dependencies."""
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]
    values = load().model_dump(mode="json")
    tracked = {name: values[name] for name in declared["params"]}
    if "data/features" in declared["deps"]:  # features.json does not say how strongly sketches were changed
        tracked["features"] = values["features"]
    digest = hashlib.sha256(json.dumps(tracked, sort_keys=True).encode())
    for dependency in declared["deps"]:
        # Code is that of this file's own project; data lies in the working folder.
        code = dependency.startswith(("src/", "pipeline/"))
        for file in _files((ROOT if code else Path()) / dependency, TELLS.get(dependency)):
            digest.update(f"{dependency} {file.name} ".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(path: Path, tells: str | None) -> Iterator[Path]:
    about = path / tells if tells else path
    if about.is_file():
        yield about
    elif path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    else:
        raise DataError(f"{path}: no such file or folder; it is an input of this stage")
