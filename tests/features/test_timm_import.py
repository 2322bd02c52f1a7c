"""timm without torch's compiler, which loads as ever where it is asked for."""

import subprocess
import sys


def test_timm_loads_without_the_compiler_and_the_compiler_after_it() -> None:
    code = """import sys
from fgsbir.features.timm_import import COMPILER, import_timm
timm = import_timm()
assert COMPILER not in sys.modules and import_timm() is timm
import torch
model = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
seen = torch.zeros(1, 3, 64, 64)
compiled = torch.compile(model, backend="eager")(seen)
assert COMPILER in sys.modules and torch.equal(compiled, model(seen))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
