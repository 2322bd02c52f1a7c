"""One short file per DVC stage.

The sibling ``src`` goes first on the import path, so that a queued or temporary run uses the code
of its own snapshot and not that of an editable install (which points at the workspace).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
