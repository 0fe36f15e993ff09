"""Errors that the user of the command line can correct."""

from collections.abc import Iterator
from contextlib import contextmanager


class UsageError(ValueError):
    """An option, setting or file that cannot be used; the message names the value and what was expected."""


@contextmanager
def as_usage_errors(*kinds: type[Exception]) -> Iterator[None]:
    """Turn errors of these kinds, alone or in a group, into one UsageError with their messages."""
    try:
        yield
    except kinds as error:
        raise UsageError(str(error)) from error
    except ExceptionGroup as failures:
        _expected, others = failures.split(kinds)
        if others is not None:
            raise
        raise UsageError("\n".join(str(leaf) for leaf in _leaves(failures))) from failures


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
