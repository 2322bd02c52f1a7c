"""What a table was measured on."""

import os
import platform

import numpy as np
import torch

from fgsbir.evaluation.protocol import processor
from fgsbir.runtime.precision import working_precision


def machine(precision: str) -> str:
    """Processor, memory, accelerator, threads, the CPU's precision, versions and load: one line of Markdown each."""
    facts = {
        "processor": f"{processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "threads": f"{torch.get_num_threads()} of torch",
        "precision on the CPU": working_precision(precision, torch.device("cpu")),
        "software": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}, "
        f"{platform.system()}",
        "load": f"{os.getloadavg()[0]:.1f} processes",
    }
    return "".join(f"* {name}: {value}\n" for name, value in facts.items())
