"""The strict reading of params.yaml, before anything heavy is imported.

``load()`` gives a frozen object (``params.joint.k_r``) or raises a ParamsError that names every wrong key with its
value and what is expected there. The keys themselves are in :mod:`pipeline.sections` and
:mod:`pipeline.data_sections`.
"""

import difflib
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline.sections import Params

# Words of pydantic that a reader of params.yaml would not use.
WORDS = {
    "^Value error, | for <class .*": "",
    "^Field required": "missing",
    "^Input": "it",
    "a valid tuple": "a list",
    r"a valid dictionary or instance of \w+": "a section",
}


class ParamsError(ValueError):
    """params.yaml holds something that cannot be used; the message has one line for every problem."""


def load(path: Path = Path("params.yaml")) -> Params:
    """Read and check params.yaml. Raises ParamsError, which names every problem at once."""
    try:
        values = yaml.load(path.read_bytes(), _Loader)
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file; run from the project's root") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise ParamsError(f"{path}: expected a mapping of sections, found {values!r}")
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        lines = map(_explain, error.errors())
        raise ParamsError("\n".join(f"{path}: {line}" for line in lines)) from None


class _Loader(yaml.SafeLoader):
    """Refuses what YAML lets pass: a key that occurs twice, of which the last would win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "expected a word as key", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} occurs twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _explain(problem: ErrorDetails) -> str:
    """One line for one of pydantic's findings."""
    kind, found, said = problem["type"], problem["input"], problem["msg"]
    for pythonic, plain in WORDS.items():
        said = re.sub(pythonic, plain, said)
    # Of a key that allows several types, pydantic adds each type to its place, as in "tune_blocks.literal['all']".
    key = ".".join(str(part) for part in problem["loc"] if isinstance(part, int) or "[" not in part)
    if kind == "extra_forbidden":
        sections = (field.annotation for field in Params.model_fields.values())
        known = set(Params.model_fields).union(*(getattr(section, "model_fields", ()) for section in sections))
        close = difflib.get_close_matches(str(problem["loc"][-1]), sorted(known), n=1)
        return f"{key}: unknown key" + (f"; did you mean {close[0]}?" if close else "")
    if kind == "missing" or (kind == "value_error" and isinstance(found, dict)):
        return f"{key}: {said}"
    hint = " (YAML reads an unquoted on, off, yes or no as a truth value: quote it)" if isinstance(found, bool) else ""
    return f"{key}: found {found!r}; {said}{hint}"
