"""Loading timm without torch's compiler, which nothing here uses and which takes longer to load than all of timm."""

import importlib
import sys
from types import ModuleType
from typing import Any

COMPILER = "torch._dynamo"


def import_timm() -> Any:
    """The module ``timm``.

    timm and torchvision load the compiler only to mark what it shall leave alone. While they load, a module without
    marks is in its place; who needs the compiler later loads the real one.
    """
    if COMPILER in sys.modules or "timm" in sys.modules:
        return importlib.import_module("timm")
    compiler, utils = ModuleType(COMPILER), ModuleType(f"{COMPILER}.utils")
    vars(compiler).update(disable=lambda function, *_, **__: function, utils=utils)
    vars(utils).update(is_compile_supported=lambda _: False)
    sys.modules |= {COMPILER: compiler, utils.__name__: utils}
    try:
        return importlib.import_module("timm")
    finally:
        del sys.modules[COMPILER], sys.modules[utils.__name__]
