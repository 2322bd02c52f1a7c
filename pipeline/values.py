"""The kinds of values that params.yaml holds, as types that the loader checks."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def _number(value: Any) -> Any:
    # PyYAML reads 1e-4 and 2e3 as strings; DVC writes such numbers. True counts as 1 in Python.
    if isinstance(value, bool) or (isinstance(value, str) and not _NUMBER.fullmatch(value)):
        raise ValueError("expected a number")
    return float(value) if isinstance(value, str) else value


def _or_none(value: Any) -> Any:
    return None if value == "none" else value


Whole = Annotated[int, BeforeValidator(_number)]
Count = Annotated[int, BeforeValidator(_number), Field(ge=1)]
Real = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Seed = Annotated[int, BeforeValidator(_number), Field(ge=0, lt=2**31)]
Text = Annotated[str, Field(min_length=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
NameOrNone = Annotated[Text | None, BeforeValidator(_or_none)]
PathOrNone = Annotated[Path | None, BeforeValidator(_or_none)]
Sha256OrNone = Annotated[Sha256 | None, BeforeValidator(_or_none)]
Precision = Literal["bf16", "float32"]


def _as_written(value: Any) -> Any:
    """A value as params.yaml has it."""
    return {"None": "none", "True": "true", "False": "false"}.get(str(value), value)


class Section(BaseModel):
    """A mapping of params.yaml with exactly these keys; it cannot be changed after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def of(self, settings: type) -> dict[str, Any]:
        """The values of those keys that are fields of the dataclass ``settings``."""
        return self.model_dump(include={field.name for field in fields(settings)})

    def must_have(self, where: str, **expected: Any) -> None:
        """Raises ValueError for the first key that has not the value that the setting ``where`` needs."""
        for name, value in expected.items():
            if (found := getattr(self, name)) != value:
                raise ValueError(f"{name}: found {_as_written(found)}; with {where} it must be {_as_written(value)}")

    @model_validator(mode="after")
    def _file_and_its_hash(self) -> "Section":
        for hashed in (name for name in type(self).model_fields if name.endswith("_sha256")):
            name = hashed.removesuffix("_sha256")
            if (getattr(self, name) is None) != (getattr(self, hashed) is None):
                raise ValueError(f"{name} and {hashed} go together: give both, or none for both")
        return self
