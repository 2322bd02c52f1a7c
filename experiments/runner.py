"""Runs stages of the pipeline for many settings of its params, each once for all rows that share it.

A task is a stage with its params, code and inputs. It runs in a folder of its own, which holds params.yaml, links to
what earlier tasks wrote, and its own outputs. `dvc repro` keeps the same files in one folder. So a row gives the
figures of its `dvc exp run`, to the last bit.
"""

import contextlib
import hashlib
import importlib
import itertools
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml

from experiments.rows import Row, Settings, laid_over

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[1]
TRUE_SKETCHES = "true_sketches"
DONE = "done.json"


@dataclass(frozen=True)
class Task:
    """One stage, run in a folder of its own.

    ``inputs`` maps each path that the stage reads to the place where it lies; the tasks ``after`` make these.
    """

    stage: str
    folder: Path
    params: Mapping[str, Any]
    inputs: Mapping[str, Path]
    after: tuple["Task", ...] = ()

    @property
    def done(self) -> bool:
        """Whether it ran, now or before."""
        return (self.folder / DONE).exists()

    def prepare(self) -> None:
        """Make the folder anew; what an interrupted run left in .scratch is kept, so that the stage goes on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.iterdir():
            if path.name not in (".scratch", "log.txt"):
                path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
        for name, source in self.inputs.items():
            link = self.folder / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source.resolve())
        (self.folder / "params.yaml").write_text(yaml.safe_dump(dict(self.params), sort_keys=False))


@dataclass
class Planner:
    """The tasks of runs, one for all that share it; ``data`` maps a dataset.root to the folder that lies there."""

    store: Path
    params: Mapping[str, Any]
    data: Mapping[str, Path]

    def __post_init__(self) -> None:
        self.stages: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
        # Pseudo sketches from a file are made by a command, before the pipeline and for it.
        self.stages[TRUE_SKETCHES] = {
            "deps": ["data/shards", "src/fgsbir/synthetic", f"pipeline/{TRUE_SKETCHES}.py"],
            "params": ["labelled_frac", "synthesise"],
            "outs": [f"data/{TRUE_SKETCHES}.ndjson"],
        }
        self.makers = {out: stage for stage, declared in self.stages.items() for out in declared.get("outs", [])}

    def task(self, stage: str, settings: Settings) -> Task:
        """The stage with ``settings``, and all before it."""
        return self._task(stage, laid_over(self.params, settings), {})

    def _task(self, stage: str, params: Mapping[str, Any], known: dict[str, Task]) -> Task:
        if stage in known:
            return known[stage]
        declared = self.stages[stage]
        digest = hashlib.sha256(json.dumps([stage, {name: params[name] for name in declared["params"]}]).encode())
        inputs, after = {}, []
        asked = [dependency.replace("${dataset.root}", params["dataset"]["root"]) for dependency in declared["deps"]]
        if stage == "pseudo" and params["pseudo"]["file"] != "none":
            asked.append(params["pseudo"]["file"])
        for name in asked:
            if name in self.makers:
                maker = self._task(self.makers[name], params, known)
                after.append(maker)
                inputs[name] = maker.folder / name
                digest.update(maker.folder.name.encode())
            else:
                if name in self.data:
                    inputs[name] = self.data[name]
                _add_files(digest, self.data.get(name, ROOT / name))
        folder = self.store / f"{stage}-{digest.hexdigest()[:16]}"
        runtime = {"runtime": params["runtime"] | {"threads": 1, "workers": 1}}
        known[stage] = Task(stage, folder, dict(params) | runtime, inputs, tuple(after))
        return known[stage]


def _add_files(digest: Any, path: Path) -> None:
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file() and file.suffix != ".pyc":
            digest.update(str(file.relative_to(path)).encode() + file.read_bytes())


def run_rows(rows: Sequence[Row], planner: Planner, jobs: int) -> tuple[list[Row], list[list[Path]]]:
    """Run every row with every seed, ``jobs`` stages at a time.

    Returns the rows, with the params of the true sketches that were made for them, and for each the folders of its
    seeds' last stage.
    """
    made = {row.place: planner.task(TRUE_SKETCHES, row.settings) for row in rows if row.true_sketches}
    run_tasks(made.values(), jobs)
    rows = [row.with_settings(_printed(made[row.place])) if row.true_sketches else row for row in rows]
    asked = [[planner.task(row.stage, row.run(seed)) for seed in range(row.seeds)] for row in rows]
    run_tasks(itertools.chain.from_iterable(asked), jobs)
    return rows, [[task.folder for task in tasks] for tasks in asked]


def _printed(task: Task) -> Settings:
    """The params that :mod:`pipeline.true_sketches` printed."""
    printed = re.findall(r"-S (\S+)=(\S+)", (task.folder / "log.txt").read_text())
    return {name: yaml.safe_load(value) for name, value in printed}


def run_tasks(asked: Iterable[Task], jobs: int) -> None:
    """Run tasks and all before them that did not run yet. Raises RuntimeError, when the others ended, if one fails."""
    waiting: dict[Path, Task] = {}

    def collect(task: Task) -> None:
        if not task.done and task.folder not in waiting:
            for before in task.after:
                collect(before)
            waiting[task.folder] = task

    for task in asked:
        collect(task)
    running: dict[Future[float], Task] = {}
    failed: list[Task] = []
    total = len(waiting)
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes; two threads that wait for a busy core are slow
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch", "timm", "matplotlib.figure", "scipy.ndimage", "skimage.feature"])
    with ProcessPoolExecutor(jobs, context, max_tasks_per_child=1) as pool:
        while waiting or running:
            for folder, task in list(waiting.items()):
                if len(running) < jobs and all(before.done for before in task.after):
                    del waiting[folder]
                    task.prepare()
                    running[pool.submit(_run_stage, task.stage, task.folder)] = task
            if not running:
                break  # what waits needs what failed
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                if future.exception():
                    failed.append(task)
                    logger.error("%s failed: %s; see %s", task.stage, future.exception(), task.folder / "log.txt")
                else:
                    (task.folder / DONE).write_text(json.dumps({"seconds": round(future.result(), 1)}))
                    left = len(waiting) + len(running)
                    logger.info("%d of %d: %s, %.0f s", total - left, total, task.folder.name, future.result())
    if failed:
        raise RuntimeError(f"{len(failed)} of {total} stages failed, the first in {failed[0].folder}")


def _run_stage(stage: str, folder: Path) -> float:
    """Run a stage in this process, which runs nothing else; its words go to log.txt. Returns the seconds."""
    began = time.monotonic()
    os.chdir(folder)
    os.environ["DVC_ROOT"] = str(folder)
    with (folder / "log.txt").open("a") as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        logging.basicConfig(level=logging.INFO, stream=log, format="%(asctime)s %(name)s: %(message)s", force=True)
        importlib.import_module("fgsbir.runtime.memory").keep_freed_memory()
        importlib.import_module(f"pipeline.{stage}").main()
    return time.monotonic() - began
