"""The processor's name, from what Linux says of it, and where nothing says it."""

import platform
from pathlib import Path

import pytest

from pipeline.processor import processor


def test_a_processor_is_named_with_its_family_and_what_it_multiplies(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "\n".join(
        ("model name\t: Maker X1", "cpu family\t: 6", "model\t\t: 207", "flags\t\t: fpu avx2 avx512_bf16", "")
    )
    monkeypatch.setattr(Path, "read_text", lambda _: said)
    assert processor() == "Maker X1, family 6, model 207, avx2 avx512_bf16"


def test_without_linux_the_platform_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert processor() == "arm64"
