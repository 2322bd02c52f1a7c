"""Why a run stops early. Kept apart from torch, so that naming a fault imports nothing heavy."""

import errno


class TrainingDiverged(RuntimeError):
    """A loss became NaN or infinite; the message names the step, the photos and the last good checkpoint."""


class TrainingInterrupted(KeyboardInterrupt):
    """The run was asked to stop; the step was finished and saved."""


def disk_is_full(error: BaseException | None) -> bool:
    """Whether an error, or what it was raised from, says so; safetensors, torch and faiss only pass the text on."""
    while error is not None:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or "No space left on device" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
