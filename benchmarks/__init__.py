"""Speed as ratios: what the project does against the least that could do it, timed side by side in one run.

``python -m benchmarks.run`` measures them all; every other module here is one ratio, or what they share.
"""

import os
import sys
from pathlib import Path

# As in pipeline/: the code beside this folder, not that of an installed package.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
# Read when tqdm is imported: a training that is being timed shows no bar.
os.environ.setdefault("TQDM_DELAY", "1e9")
