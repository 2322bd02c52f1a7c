"""The strict reading of params.yaml, before anything heavy is imported.

``load()`` gives a frozen object (``params.joint.k_r``) or raises a ParamsError that names every
wrong key with its value and what is allowed there. The keys themselves are in
:mod:`pipeline.sections`.
"""

import difflib
import types
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from pipeline.sections import Params


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
        lines = [_explain(problem["type"], problem["loc"], problem) for problem in error.errors()]
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


def _explain(kind: str, place: Sequence[int | str], problem: Any) -> str:
    """One line for one of pydantic's findings."""
    if kind != "extra_forbidden":
        # Of a key that allows several types, pydantic tells each type's finding under that type's name, as in
        # "tune_blocks.literal['all']": the user wrote one value, and _allowed() names all types.
        place = [part for part in place if isinstance(part, int) or "[" not in part]
    key = ".".join(str(part) for part in place)
    if kind == "extra_forbidden":
        return f"{key}: unknown key{_nearest(place)}"
    field = _field(place)
    if field is None or (kind == "value_error" and isinstance(problem["input"], dict)):
        # A whole section was checked: its validator's message says all.
        return f"{key}: {problem['msg'].removeprefix('Value error, ')}"
    if kind == "missing":
        return f"{key}: missing; allowed: {_allowed(field.annotation, field.metadata)}"
    line = f"{key}: found {problem['input']!r}, allowed: {_allowed(field.annotation, field.metadata)}"
    if isinstance(problem["input"], bool):
        line += " (YAML reads an unquoted on, off, yes or no as a truth value: quote it)"
    return line


def _field(place: Sequence[int | str]) -> FieldInfo | None:
    """The declaration of the key at ``place``, or of the list that the place lies in."""
    model: type[BaseModel] = Params
    field: FieldInfo | None = None
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            field = model.model_fields[part]
            section = _section(field.annotation)
            if section is not None:
                model = section
    return field


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section that an annotation is, or is a list of."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _nearest(place: Sequence[int | str]) -> str:
    field = _field(place[:-1])
    section = _section(field.annotation) if field else None
    known = list((section or Params).model_fields)
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"


def _allowed(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """What a declaration allows, in words: "a number > 0 and <= 1"."""
    if _section(annotation) is not None:
        section = "a section" if isinstance(annotation, type) else "a list of entries"
        keys = _section(annotation).model_fields  # type: ignore[union-attr]
        return f"{section} with the keys {', '.join(keys)}"
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        choices = ["none" if part is type(None) else _allowed(part, metadata) for part in get_args(annotation)]
        return ", or ".join(choices)
    if get_origin(annotation) is Annotated:
        return _allowed(annotation.__origin__, annotation.__metadata__)
    if get_origin(annotation) is tuple:
        return f"a list, each {_allowed(get_args(annotation)[0])}"
    bounds = _bounds(metadata)
    if annotation is str and any("0-9a-f]{64}" in bound for bound in bounds):
        return "a SHA-256, 64 hexadecimal digits"
    nouns = {int: "a whole number", float: "a number", bool: "true or false", str: "a string", Path: "a path"}
    return " ".join([nouns.get(annotation, str(annotation)), " and ".join(bounds)]).strip()


def _bounds(metadata: Sequence[Any]) -> list[str]:
    signs = {
        "gt": "> {}",
        "ge": ">= {}",
        "lt": "< {}",
        "le": "<= {}",
        "multiple_of": "a multiple of {}",
        "pattern": "of the form {}",
        "min_length": "of length >= {}",
    }
    bounds = []
    for rule in _rules(metadata):
        for name, sign in signs.items():
            value = getattr(rule, name, None)
            if value is not None:
                bounds.append(sign.format(value))
    return bounds


def _rules(metadata: Sequence[Any]) -> Iterator[Any]:
    for entry in metadata:
        # A Field in an Annotated type carries its rules inside.
        yield from entry.metadata if isinstance(entry, FieldInfo) else [entry]
