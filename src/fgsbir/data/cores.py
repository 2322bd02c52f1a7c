"""How many cores of the processor this process may use."""

import os


def available_cores() -> int:
    """At least 1. Where the system does not say what a process may use, as macOS, all cores count."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
