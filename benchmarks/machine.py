"""What a table of ratios was measured on."""

import os
import platform
from pathlib import Path

import numpy as np
import torch

from fgsbir.models.precision import working_precision


def machine(precision: str) -> dict[str, str]:
    """Processor, cores, memory, load, accelerator, threads, the CPU's precision and versions, as lines of text."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": f"{_processor()}, {cores} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "threads": f"{torch.get_num_threads()} of torch",
        "precision on the CPU": working_precision(precision, torch.device("cpu")),
        "software": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}, "
        f"{platform.system()}",
        "load before": f"{os.getloadavg()[0]:.1f} processes",
    }


def _processor() -> str:
    """The model name and, since clouds shorten it, what bf16 needs of it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    name = fields.get("model name", platform.machine())
    flags = fields.get("flags", "").split()
    known = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    family = f"family {fields['cpu family']}, model {fields['model']}" if "cpu family" in fields else ""
    return ", ".join(part for part in (name, family, " ".join(known)) if part)
