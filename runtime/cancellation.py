"""A cancellation that must not get lost."""

import asyncio


def raise_if_cancelled() -> None:
    """Raise CancelledError where the current task has been cancelled meanwhile.

    Two things lose a cancellation before Python 3.12: `wait_for`, which libraries use, when what it waits for
    comes true at that moment; and a task group that fails at that moment, which reports its failure alone. So
    look after both. The body of such a group must wait until it ends, or cancellations are miscounted.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
