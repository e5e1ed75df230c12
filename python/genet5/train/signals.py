"""Ctrl-C and termination as a wish that the loop grants after the step it is in."""

import signal
import time

# torchrun passes on a signal that the terminal has sent to all processes already
ECHO_SECONDS = 2.0


class Stop:
    """While this context is open, SIGINT and SIGTERM set `asked`; a second one, later, interrupts at once."""

    def __init__(self):
        self.asked = False
        self.since = 0.0
        self.old   = {}

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.old[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *failure):
        for number, handler in self.old.items():
            signal.signal(number, handler)

    def _ask(self, number, frame):
        if self.asked and time.monotonic() - self.since > ECHO_SECONDS:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked, self.since = True, time.monotonic()
