"""A cancellation that must not get lost."""

import asyncio


def raise_if_cancelled() -> None:
    """End the present task if it was asked to end meanwhile.

    A task group that fails at the moment it is cancelled reports its failure alone (Python before 3.13), so
    whoever handles the failure and goes on has to look. The body of that group must wait until it ends, or
    the count of cancellations is wrong (Python before 3.12).
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
