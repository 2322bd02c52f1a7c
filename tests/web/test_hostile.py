"""Whatever comes in, the answer is no 5xx, is as described, and the next question gets its answer."""

import json
from typing import Any

import numpy as np
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
# Is what these take.
ANYTHING = ("GET /health", "GET /folders", "POST /uploads", "GET /corrections", "GET /corrections/model")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_api_is_as_described_whatever_is_asked(app: FastAPI, searcher: Searcher, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"Host": "localhost"})
    operations = [operation.ok() for operation in schema.get_all_operations()]
    assert len(operations) == 15
    for operation in operations:
        if mode is GenerationMode.POSITIVE or operation.label not in ANYTHING:
            ids = [searcher.gallery.id(row) for row in range(2)] if mode is GenerationMode.POSITIVE else []

            @settings(suppress_health_check=list(HealthCheck), max_examples=EXAMPLES)
            @given(case=operation.as_strategy(generation_mode=mode), known=st.sampled_from([None, *ids]))
            def ask(case: Any, known: str | None) -> None:
                if known and "{id}" in case.path:
                    case.path_parameters["id"] = known
                case.call_and_validate(base_url="http://localhost", checks=CHECKS)

            ask()


def asked(client: Any, body: bytes, path: str = "/search") -> tuple[int, str]:
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    return answer.status_code, "" if answer.status_code == 200 else answer.json()["message"]


@pytest.mark.parametrize(
    "strokes",
    [
        *(f"[[[{number},1],[2,3]]]" for number in ("NaN", "Infinity", "-Infinity", "1e999", 10**400, "9" * 5000)),
        *(f"[[[{number},1],[2,3]]]" for number in (MAX_COORDINATE + 1, "true", '"1"', "null")),
        *("[[[1],[2]]]", "[[[1,2,3],[1,2,3]]]", "[[[]]]", "[[]]", "[]", "{}", '"strokes"', "[[[1,1]]]"),
        *("[" * 100_000, "[" * 900 + "]" * 900),
        json.dumps([[[1, 2], [3, 4]]] * (MAX_STROKES + 1)),
        json.dumps([[[1, 2]] * (MAX_POINTS + 1)]),
        json.dumps([[[1, 2]] * (MAX_POINTS // 2 + 1)] * 2),
    ],
)
def test_strokes_that_are_none(client: Any, strokes: str) -> None:
    query = '"strokes":' + strokes
    status, message = asked(client, f"{{{query}}}".encode())
    assert status in (400, 422) and 0 < len(message) <= 400
    correction = f'{{"photo":"0123456789abcdef",{query}}}'
    assert asked(client, correction.encode(), "/corrections")[0] in (400, 404, 422)
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
        *(b"", b"\xff\xfe\x00", b"null", b"[]", b"{", b"strokes=1"),
        *(b'{"strokes":[[[1,2],[3,4]]],"adapted":%s}' % adapted for adapted in (b'"\\ud800"', b"1", b"null")),
        *(b'{"strokes":[[[1,2],[3,4]]],"k":%s}' % number for number in (b"0", b"1e9", b'"3"', b"-" + b"9" * 4000)),
        *(b'{"strokes":[[[1,2],[3,4]]],"%s":1}' % name for name in (b"\\ud800", b"more")),
    ],
)
def test_bodies_that_are_none(client: Any, body: bytes) -> None:
    status, message = asked(client, body)
    assert status in (400, 422) and message
    no_object = "expected a JSON object, sent as Content-Type: application/json"
    assert message == no_object or body.startswith((b'{"', b"\xff"))
    untyped = client.post("/search", content=body)
    assert untyped.status_code == 422 and untyped.json()["message"] == no_object


@pytest.mark.parametrize("id", ["0" * 16, "..%2f..%2fetc%2fpasswd", "0" * 15 + "%00", "F" * 16, "0" * 4000, "%20" * 16])
@pytest.mark.parametrize("part", ["", "/thumbnail", "/about", "/sketch"])
def test_photos_by_what_is_no_id(client: Any, id: str, part: str) -> None:
    answer = client.get(f"/photos/{id}{part}")
    assert answer.status_code in (404, 422) and answer.json()["message"]
