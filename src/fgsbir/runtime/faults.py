"""Why a training run stops early. Kept apart from torch, so that naming a fault imports nothing heavy."""


class TrainingDiverged(RuntimeError):
    """A loss became NaN or infinite; the message names the step, the photos and the last good checkpoint."""


class TrainingInterrupted(KeyboardInterrupt):
    """The run was asked to stop; the step was finished and saved."""
