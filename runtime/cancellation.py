"""A cancellation that must not get lost."""

import asyncio


def raise_if_cancelled() -> None:
    """Raise CancelledError where the current task has been cancelled in the meantime.

    Before Python 3.12 a cancellation is lost in two cases: in `wait_for`, which libraries use, when the
    result comes at the same moment; and in a task group that fails at the same moment, which raises only its
    failure. Call this after both. The body of such a group must wait for its end, or cancellations are
    miscounted.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
