"""Whatever comes in, the answer is no 5xx, is as described, and the next question gets its answer."""

import io
import json
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fgsbir.search.searcher import Searcher
from fgsbir.web.limits import MAX_COORDINATE, MAX_POINTS, MAX_STROKES

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 10

DRAWING = [[[60, 40], [60, 200]]]


OPERATIONS = [
    ("POST", "/search"),
    ("POST", "/sketches"),
    ("POST", "/adapt"),
    ("GET", "/photos/{id}"),
    ("GET", "/photos/{id}/thumbnail"),
    ("GET", "/photos/{id}/similar"),
    ("GET", "/photos/{id}/sketch"),
    ("GET", "/health"),
]
ANY = ("/health", "/sketches")


@pytest.fixture(scope="module")
def schema(app: FastAPI) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", app, headers={"Host": "localhost"})


def test_all_that_is_described_is_fuzzed(schema: Any) -> None:
    described = [operation.ok() for operation in schema.get_all_operations()]
    assert sorted((one.method.upper(), one.path) for one in described) == sorted(OPERATIONS)


@pytest.mark.parametrize(
    "method, path, mode",
    [
        *((*operation, GenerationMode.POSITIVE) for operation in OPERATIONS),
        # The others take anything.
        *((*operation, GenerationMode.NEGATIVE) for operation in OPERATIONS if operation[1] not in ANY),
    ],
)
def test_the_api_is_as_described_whatever_is_asked(
    schema: Any, searcher: Searcher, method: str, path: str, mode: GenerationMode
) -> None:
    ids = [searcher.gallery.id(row) for row in range(2)]

    @settings(suppress_health_check=list(HealthCheck), max_examples=EXAMPLES)
    @given(case=schema[path][method].as_strategy(generation_mode=mode), known=st.sampled_from([None, *ids]))
    def ask(case: Any, known: str | None) -> None:
        if known and mode is GenerationMode.POSITIVE and "{id}" in path:
            case.path_parameters["id"] = known
        case.call_and_validate(base_url="http://localhost", checks=CHECKS)

    ask()


def asked(client: Any, body: bytes, path: str = "/search") -> tuple[int, str]:
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    return answer.status_code, "" if answer.status_code == 200 else answer.json()["message"]


@pytest.mark.parametrize(
    "strokes",
    [
        "[[[NaN,1],[2,3]]]",
        "[[[Infinity,1],[2,3]]]",
        "[[[-Infinity,1],[2,3]]]",
        "[[[1e999,1],[2,3]]]",
        f"[[[{10**400},1],[2,3]]]",
        f"[[[{'9' * 5000},1],[2,3]]]",
        f"[[[{MAX_COORDINATE + 1},1],[2,3]]]",
        "[[[true,1],[2,3]]]",
        '[[["1",1],[2,3]]]',
        "[[[null,1],[2,3]]]",
        "[[[1],[2]]]",
        "[[[1,2,3],[1,2,3]]]",
        "[[[]]]",
        "[[]]",
        "[]",
        "{}",
        "null",
        '"strokes"',
        "[[[1,1]]]",
        "[" * 100_000,
        "[" * 900 + "]" * 900,
        json.dumps([[[1, 2], [3, 4]]] * (MAX_STROKES + 1)),
        json.dumps([[[1, 2]] * (MAX_POINTS + 1)]),
        json.dumps([[[1, 2]] * (MAX_POINTS // 2 + 1)] * 2),
    ],
)
def test_strokes_that_are_none(client: Any, strokes: str) -> None:
    status, message = asked(client, b'{"strokes":' + strokes.encode() + b"}")
    assert status in (400, 422) and 0 < len(message) <= 400
    status, message = asked(
        client, b'{"corrections":[{"photo":"0123456789abcdef","strokes":' + strokes.encode() + b"}]}", "/adapt"
    )
    assert status in (400, 404, 422)
    assert asked(client, json.dumps({"strokes": DRAWING}).encode())[0] == 200


@pytest.mark.parametrize(
    "strokes",
    [
        [[[1, 1], [1, 1]]],  # a dot
        [[[MAX_COORDINATE, -MAX_COORDINATE], [-MAX_COORDINATE, MAX_COORDINATE]]],
        [[[1e-300, 5e-324], [0, 0]]],
        [[[1, 2]] * MAX_POINTS],
        [[[number % 7, number]] for number in range(MAX_STROKES)],
        [[[MAX_COORDINATE, 0], [MAX_COORDINATE - 1e-9, 0]]],
    ],
)
def test_strange_drawings_are_drawings(client: Any, strokes: Any) -> None:
    answer = client.post("/search", json={"strokes": strokes})
    assert answer.status_code == 200 and np.isfinite([photo["distance"] for photo in answer.json()["photos"]]).all()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b"{",
        b'{"strokes":[[[1,2],[3,4]]],"\\ud800":1}',
        b'{"strokes":[[[1,2],[3,4]]],"adapted":"\\ud800"}',
        b'{"strokes":[[[1,2],[3,4]]],"adapted":"../../../../../etc/p"}',
        b'{"strokes":[[[1,2],[3,4]]],"k":0}',
        b'{"strokes":[[[1,2],[3,4]]],"k":1e9}',
        b'{"strokes":[[[1,2],[3,4]]],"k":"3"}',
        b'{"strokes":[[[1,2],[3,4]]],"k":-' + b"9" * 4000 + b"}",
        b'{"strokes":[[[1,2],[3,4]]],"more":1}',
    ],
)
def test_bodies_that_are_none(client: Any, body: bytes) -> None:
    status, message = asked(client, body)
    assert status in (400, 422) and message
    assert client.post("/search", content=body).status_code == 422  # and without its type


@pytest.mark.parametrize("body", [b"{", b"null", b"strokes=1"])
def test_what_is_no_object_in_json_is_told_so(client: Any, body: bytes) -> None:
    for headers in ({"Content-Type": "application/json"}, {}):
        told = client.post("/search", content=body, headers=headers).json()["message"]
        assert told == "expected a JSON object, sent as Content-Type: application/json"


@pytest.mark.parametrize("id", ["0" * 16, "..%2f..%2fetc%2fpasswd", "0" * 15 + "%00", "F" * 16, "0" * 4000, "%20" * 16])
@pytest.mark.parametrize("part", ["", "/thumbnail", "/similar", "/sketch"])
def test_photos_by_what_is_no_id(client: Any, id: str, part: str) -> None:
    answer = client.get(f"/photos/{id}{part}")
    assert answer.status_code in (404, 422) and answer.json()["message"]


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


def noise() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (150, 150), np.uint8)).save(file, "PNG")
    return file.getvalue()


HEAD = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">'
ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + HEAD + b"<text>&b;</text></svg>"
DRAWINGS = {
    "bomb": bomb(60_000, 60_000),
    "long bomb": bomb(2**31 - 1, 1),
    "truncated": bomb(1000, 1000),
    "entities": ENTITIES,
    "utf-16 entities": ENTITIES.decode().encode("utf-16"),
    "file": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + HEAD + b"<text>&a;</text></svg>",
    "image": HEAD + b'<image href="file:///etc/passwd"/></svg>',
    "use": HEAD + b'<use href="http://evil.example/x.svg#a"/></svg>',
    "deep": HEAD + b"<g>" * 50_000,
    "NaN": HEAD + b'<path d="M NaN NaN L 1 1"/></svg>',
    "infinite": HEAD + b'<path d="M 1e999 0 L 1 1"/></svg>',
    "huge": HEAD + b'<path d="M 1e38 0 L 1 1"/></svg>',
    "transform": HEAD + b'<path transform="scale(1e30)" d="M 1 0 L 1 1"/></svg>',
    "empty": HEAD + b"</svg>",
    "no view": b'<svg viewBox="0 0 0 0"><path d="M1 1L2 2"/></svg>',
    "noise": noise(),
    "white": noise()[:40],
}


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("type", ["image/svg+xml", "image/png"])
def test_uploads_that_are_no_drawings(client: Any, name: str, type: str) -> None:
    answer = client.post("/sketches", content=DRAWINGS[name], headers={"Content-Type": type})
    assert answer.status_code == 422 or (name == "noise" and answer.status_code == 200)
    assert "root:" not in answer.text


@settings(suppress_health_check=list(HealthCheck), max_examples=60)
@given(
    data=st.binary(max_size=300)
    | st.binary(max_size=100).map(lambda tail: b"\x89PNG\r\n\x1a\n" + tail)
    | st.text(alphabet="<>/svgpathd=\"'MLCAZz0123456789.-e, #&;!\n", max_size=200).map(
        lambda text: HEAD + f'<path d="{text}"/></svg>'.encode()
    )
)
def test_random_uploads(client: Any, data: bytes) -> None:
    answer = client.post("/sketches", content=data, headers={"Content-Type": "image/svg+xml"})
    assert answer.status_code in (200, 422, 429)
