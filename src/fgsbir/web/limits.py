"""What the server takes from anyone, and no more: a browser's other pages reach it as well as its own does."""

from dataclasses import dataclass

from fgsbir.data.stroke_files import MAX_FILE_BYTES

# A drawing. People draw some twenty strokes; a traced scan has hundreds.
MAX_STROKES = 2000
MAX_POINTS = 20_000
MAX_COORDINATE = 1e5
MAX_RESULTS = 200
MAX_BEFORE = 500  # photos that a copy is looked for among
MAX_CORRECTIONS = 32
MAX_CORRECTIONS_BYTES = 64 << 20  # of the file that keeps them
MAX_SKIPPED = 10**9


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one server."""

    body_bytes: int = 2 << 20  # of a request's body in JSON
    upload_bytes: int = MAX_FILE_BYTES  # of a drawing or a photo as a file: what commands read, too
    bodies_bytes: int = 256 << 20  # of all requests that are being answered
    seconds: float = 60.0  # in which a body arrives
    header_seconds: float = 10.0  # until a request's header has arrived
    begun: int = 128  # connections without a header; beyond these the oldest is closed
    rate: float = 60.0  # requests a second of a client; a picture counts as a twentieth
    burst: float = 240.0  # and at once
    waiting: int = 128  # requests behind those being worked on, before more are turned away
    # How many are remembered.
    thumbnails: int = 4096
    drawings: int = 256
    uploads: int = 16
    uploads_bytes: int = 128 << 20


USUAL = Limits()
