"""Settings that all tests share."""

import signal

from hypothesis import HealthCheck, settings

# A busy machine is no failure, and a run that fails fails again: no deadlines, the same examples every time.
settings.register_profile("project", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

# A shell makes its background jobs deaf to SIGINT, and so would be the processes that tests start to interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
