"""What the server takes from anyone, and no more: a browser's other pages reach it as well as its own does."""

from dataclasses import dataclass

# A drawing. People draw some twenty strokes; a traced scan has hundreds.
MAX_STROKES = 2000
MAX_POINTS = 20_000
MAX_COORDINATE = 1e5
MAX_RESULTS = 200
MAX_CORRECTIONS = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one server.

    ``body_bytes`` is of a request's body in JSON, ``upload_bytes`` of a drawing as a file, ``seconds`` the time that a
    body may take to arrive. Each client has ``burst`` requests at once and ``rate`` more a second; a picture counts as
    a twentieth. ``waiting`` is of requests behind those being worked on, before more are turned away. ``adapted`` is
    how many adaptations are remembered, ``thumbnails`` and ``drawings`` how many of those.
    """

    body_bytes: int = 2 << 20
    upload_bytes: int = 16 << 20
    seconds: float = 30.0
    rate: float = 60.0
    burst: float = 240.0
    waiting: int = 128
    adapted: int = 8
    thumbnails: int = 4096
    drawings: int = 256
