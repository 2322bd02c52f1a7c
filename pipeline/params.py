"""The strict reading of params.yaml, before anything heavy is imported.

``load()`` gives a frozen object (``params.joint.k_r``) or raises a ParamsError that names every
wrong key with its value and what is allowed there. The keys themselves are in
:mod:`pipeline.sections`.
"""

import difflib
import types
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pipeline.sections import Params

Place = tuple[int | str, ...]
NOUNS = {int: "a whole number", float: "a number", bool: "true or false", str: "a string", Path: "a path"}
BOUNDS = {
    "gt": "> {}",
    "ge": ">= {}",
    "lt": "< {}",
    "le": "<= {}",
    "multiple_of": "a multiple of {}",
    "pattern": "of the form {}",
    "min_length": "of length >= {}",
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
        raise ParamsError("\n".join(f"{path}: {line}" for line in dict.fromkeys(lines))) from None


class _Loader(yaml.SafeLoader):
    """Refuses what YAML lets pass: a key that stands twice, of which the last would win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "expected a word as key", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _explain(problem: ErrorDetails) -> str:
    """One line for one of pydantic's findings."""
    kind, place, found = problem["type"], problem["loc"], problem["input"]
    if kind == "extra_forbidden":
        return f"{_dotted(place)}: unknown key{_nearest(place)}"
    # Of a key that allows several types, pydantic tells each type's finding under that type's name, as in
    # "tune_blocks.literal['all']": the user wrote one value, and _allowed() names all types.
    place = tuple(part for part in place if isinstance(part, int) or "[" not in part)
    key, field = _dotted(place), _field(place)
    if field is None or (kind == "value_error" and isinstance(found, dict)):
        # A whole section was checked: its validator's message says all.
        return f"{key}: {problem['msg'].removeprefix('Value error, ')}"
    allowed = _allowed(field.annotation, field.metadata)
    if kind == "missing":
        return f"{key}: missing; allowed: {allowed}"
    hint = " (YAML reads an unquoted on, off, yes or no as a truth value: quote it)" if isinstance(found, bool) else ""
    return f"{key}: found {found!r}, allowed: {allowed}{hint}"


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))


def _field(place: Place) -> FieldInfo | None:
    """The declaration of the key at ``place``, or of the list that the place lies in."""
    model: type[BaseModel] = Params
    field: FieldInfo | None = None
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            field = model.model_fields[part]
            model = _section(field.annotation) or model
    return field


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section that an annotation is, or is a list of."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _nearest(place: Place) -> str:
    field = _field(place[:-1])
    section = _section(field.annotation) if field else None
    known = list((section or Params).model_fields)
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"


def _allowed(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """What a declaration allows, in words: "a number > 0 and <= 1"."""
    section, kind, parts = _section(annotation), get_origin(annotation), get_args(annotation)
    if section is not None:
        what = "a section" if section is annotation else "a list of entries"
        return f"{what} with the keys {', '.join(section.model_fields)}"
    if kind is Literal:
        return "one of " + ", ".join(map(str, parts))
    if kind in (Union, types.UnionType):
        return ", or ".join("none" if part is type(None) else _allowed(part, metadata) for part in parts)
    if kind is Annotated:
        return _allowed(parts[0], parts[1:])
    if kind is tuple:
        return f"a list, each {_allowed(parts[0])}"
    # A Field in an Annotated type carries its rules inside.
    rules = [rule for entry in metadata for rule in (entry.metadata if isinstance(entry, FieldInfo) else [entry])]
    bounds = [
        sign.format(getattr(rule, name)) for rule in rules for name, sign in BOUNDS.items() if hasattr(rule, name)
    ]
    if any("0-9a-f]{64}" in bound for bound in bounds):
        return "a SHA-256, 64 hexadecimal digits"
    return " ".join([NOUNS[annotation], " and ".join(bounds)]).strip()
