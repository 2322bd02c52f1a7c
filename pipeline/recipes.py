"""Runs the pipeline for many settings, every stage once for all runs that share its params, code and inputs.

``dvc exp run`` runs one experiment at a time in a copy of the project. Here a stage's result is kept in a
folder named after its recipe, a hash over what dvc.yaml says it depends on, and as many stages run side
by side as there are jobs. A stage that was killed goes on from its checkpoint.

A folder belongs to one stage at a time: a second runner waits for it, also where the first one was killed and left
its stage behind.
"""

import ast
import fcntl
import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.stage import INTERRUPTED

DONE = "done.json"
LOCK = "lock"
# The seconds that a step has taken so far, with those of attempts that were stopped.
SPENT = "seconds"
# The status of a step that was not run, since what its key names is no longer there.
CHANGED = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One stage under one recipe: ``inputs`` maps each path that it reads to the step that writes it."""

    stage: str
    command: str
    key: str
    values: Mapping[str, Any]
    inputs: Mapping[str, "Step"]

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.stage}-{self.key}"


class Recipes:
    """The stages of ``root``'s dvc.yaml, and the folder ``kept`` that holds their results."""

    def __init__(self, root: Path, kept: Path) -> None:
        self.root, self.kept = root, kept
        self._stages: dict[str, dict[str, Any]] = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
        self._hashes: dict[Path, str] = {}
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._stopped = threading.Event()

    def steps(self, values: Mapping[str, Any], target: str) -> dict[str, Step]:
        """The steps that lead to the stage ``target`` under params ``values``, by stage, in an order that works."""
        found: dict[str, Step] = {}
        self._add(values, target, found)
        return found

    def code(self, steps: Iterable[Step]) -> list[str]:
        """Every source file that the stages of ``steps`` depend on, relative to ``root``."""
        listed = {path for step in steps for path in self._stages[step.stage]["deps"]}
        return sorted(path for path in listed if path.startswith(("src/", "pipeline/")))

    def folder(self, step: Step) -> Path:
        """Where the results of a step lie, at the paths that dvc.yaml gives them."""
        return self.kept / step.name

    def is_done(self, step: Step) -> bool:
        """Whether the step's results are there."""
        return (self.folder(step) / DONE).is_file()

    def run(self, steps: Iterable[Step], *, jobs: int, report: Any = print) -> list[Step]:
        """Run what is not done, at most ``jobs`` steps at a time; returns the steps that failed.

        What needs a failed step is not run, and counts as failed. ``report`` is told of every step that ends.
        SIGINT and SIGTERM ask the running steps to stop, and KeyboardInterrupt is raised when they have; for that it
        must be called from the main thread.
        """
        waiting = {step.name: step for step in steps if not self.is_done(step)}
        failed: dict[str, Step] = {}
        running: dict[Future[int], Step] = {}
        with ThreadPoolExecutor(jobs) as pool, self._stoppable():
            while waiting or running:
                for step in list(waiting.values()):
                    needed = {before.name for before in step.inputs.values()}
                    if needed & failed.keys():
                        failed[step.name] = waiting.pop(step.name)
                    elif len(running) < jobs and not needed & (waiting.keys() | {s.name for s in running.values()}):
                        running[pool.submit(self._execute, step)] = waiting.pop(step.name)
                if not running:
                    continue
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    step = running.pop(future)
                    status = future.result()
                    if status:
                        failed[step.name] = step
                    report(f"{step.name}: {f'failed, see {self.folder(step)}/log' if status else 'done'}")
        return list(failed.values())

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """SIGTERM is a KeyboardInterrupt inside, and on that the running steps are asked to stop."""
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        self._stopped.clear()
        try:
            yield
        except KeyboardInterrupt:
            self._stopped.set()
            for process in list(self._processes):
                process.terminate()
            raise
        finally:
            signal.signal(signal.SIGTERM, before)

    def _add(self, values: Mapping[str, Any], stage: str, found: dict[str, Step]) -> Step:
        if stage in found:
            return found[stage]
        declared = self._stages[stage]
        recipe: list[Any] = [declared["cmd"], {name: _value(values, name) for name in declared.get("params", [])}]
        inputs: dict[str, Step] = {}
        for dependency in declared["deps"]:
            path = dependency.replace("${dataset.root}", str(_value(values, "dataset.root")))
            made = self._maker(path)
            if made is not None:
                inputs[made[1]] = self._add(values, made[0], found)
                recipe.append([path, inputs[made[1]].key])
            else:
                recipe.append([path, self._content(self.root / path)])
        key = hashlib.sha256(json.dumps(recipe, sort_keys=True, default=str).encode()).hexdigest()[:16]
        found[stage] = Step(stage, declared["cmd"], key, values, inputs)
        return found[stage]

    def _maker(self, path: str) -> tuple[str, str] | None:
        """The stage that writes ``path``, and the output that it is or lies in; None of what no stage writes."""
        for name, declared in self._stages.items():
            for output in outputs(declared):
                if path == output or path.startswith(f"{output}/"):
                    return name, output
        return None

    def _content(self, path: Path) -> str:
        """A hash of a file, of a module's :func:`bare_code`, or of the names and sizes of what a folder holds."""
        if path not in self._hashes:
            if path.is_dir():
                files = sorted(file for file in path.rglob("*") if file.is_file())
                text = "\n".join(f"{file.relative_to(path)} {file.stat().st_size}" for file in files).encode()
            else:
                text = bare_code(path) if path.suffix == ".py" else path.read_bytes()
            self._hashes[path] = hashlib.sha256(text).hexdigest()
        return self._hashes[path]

    def _execute(self, step: Step) -> int:
        """Run a step in its folder as soon as no other runner's stage works there; returns the status.

        Its inputs are links there. The stage has the lock from us and keeps it as long as it runs. With one thread,
        however many jobs there are: with another number the arithmetic rounds differently.
        """
        folder = self.folder(step)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("wb") as lock:
            while not self._stopped.is_set():
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    time.sleep(1)
                    continue
                if self.is_done(step):
                    return 0
                # The keys are of the code as it was when the run began; what has changed since would get their name.
                if Recipes(self.root, self.kept).steps(step.values, step.stage)[step.stage].key != step.key:
                    with (folder / "log").open("a") as log:
                        log.write("error: code or data have changed since this run began; give the command again\n")
                    return CHANGED
                return self._execute_alone(step, folder, lock.fileno())
        return INTERRUPTED

    def _execute_alone(self, step: Step, folder: Path, lock: int) -> int:
        """Run a step in its ``folder``, which is ours: the stage gets the open file ``lock``. Returns the status."""
        (folder / "params.yaml").write_text(yaml.safe_dump(dict(step.values), sort_keys=False))
        (folder / "dvc.yaml").write_bytes((self.root / "dvc.yaml").read_bytes())
        for path, before in step.inputs.items():
            link = folder / path
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to((self.folder(before) / path).resolve())
        for output in outputs(self._stages[step.stage]):
            (folder / output).parent.mkdir(parents=True, exist_ok=True)
        paths = os.pathsep.join([str(self.root), str(self.root / "src")])
        started, spent = time.monotonic(), folder / SPENT
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *shlex.split(step.command)[1:]],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "DVC_ROOT": ""},
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[lock],
            )
            self._processes.add(process)
            # Asked to stop after the lock was ours and before the process was known.
            if self._stopped.is_set():
                process.terminate()
            status = process.wait()
            self._processes.discard(process)
        stopped = float(spent.read_text()) if spent.is_file() else 0.0
        seconds = round(stopped + time.monotonic() - started, 1)
        spent.write_text(f"{seconds}\n")
        if status == 0:
            (folder / DONE).write_text(json.dumps({"stage": step.stage, "key": step.key, "seconds": seconds}) + "\n")
        return status


def bare_code(path: Path) -> bytes:
    """A module without comments and docstrings: a better word in them is no reason to run anything for hours."""
    tree = ast.parse(path.read_bytes(), str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = node.body[ast.get_docstring(node) is not None :]
    return ast.unparse(tree).encode()


def outputs(declared: Mapping[str, Any]) -> Sequence[str]:
    """Every path that a stage of dvc.yaml writes."""
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in declared.get(kind, [])]
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of params with ``changes``, by dotted name. Raises KeyError for a name that is none."""
    copy: dict[str, Any] = {name: dict(part) if isinstance(part, Mapping) else part for name, part in values.items()}
    for name, value in changes.items():
        *sections, last = name.split(".")
        place = copy
        for section in sections:
            place = place[section]
        if last not in place:
            raise KeyError(name)
        place[last] = value
    return copy


def _value(values: Mapping[str, Any], name: str) -> Any:
    place: Any = values
    for part in name.split("."):
        place = place[part]
    return place
