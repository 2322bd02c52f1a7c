"""What a table of ratios was measured on."""

import os
import platform

import numpy as np
import torch

from fgsbir.evaluation.protocol import processor
from fgsbir.runtime.precision import working_precision


def machine(precision: str) -> dict[str, str]:
    """Processor, cores, memory, load, accelerator, threads, the CPU's precision and versions, as lines of text."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": f"{processor()}, {cores} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "threads": f"{torch.get_num_threads()} of torch",
        "precision on the CPU": working_precision(precision, torch.device("cpu")),
        "software": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}, "
        f"{platform.system()}",
        "load before": f"{os.getloadavg()[0]:.1f} processes",
    }
