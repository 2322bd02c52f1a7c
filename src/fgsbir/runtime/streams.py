"""Random numbers by name: a stream is a function of the seed, what it is for, and where in it one stands.

Nothing has to be saved to resume a run in the middle, any number of processes draws the same numbers, and two names
share none. (G's losses use the same names before joint training and in it.)
"""

import hashlib

import numpy as np
import torch


def stream_seed(seed: int, name: str, *numbers: int | str) -> int:
    """The seed, below 2 ** 63, of the stream ``name`` (as ``joint/pseudo``) at ``numbers`` (a step, a process)."""
    key = "\0".join(map(str, (seed, name, *numbers)))
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


def stream(seed: int, name: str, *numbers: int | str) -> np.random.Generator:
    """numpy's generator of a stream."""
    return np.random.default_rng(stream_seed(seed, name, *numbers))


def torch_stream(seed: int, name: str, *numbers: int | str) -> torch.Generator:
    """torch's generator of a stream, on the CPU: the same numbers whatever device they are for."""
    return torch.Generator().manual_seed(stream_seed(seed, name, *numbers))


def seed_weights(seed: int, name: str) -> None:
    """Seed torch's global generator for the initial weights of the part ``name``, the same on every process."""
    torch.manual_seed(stream_seed(seed, f"weights/{name}"))
