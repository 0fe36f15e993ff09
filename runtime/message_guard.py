"""Keep a message that cannot be handled from ending the process that received it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from structlog.typing import FilteringBoundLogger

# Our choice: a client may publish on any number of topics, so what is kept about them needs a bound.
_MOST_TOPICS: Final = 1_000


class MessageGuard:
    """Around the handling of each message of one subscriber: an error in it costs that message only.

    Documented errors are handled where they arise; what arrives here is a fault of this program that some
    message reveals. It is logged with its traceback once a topic and counted each time.
    """

    def __init__(
        self,
        log: FilteringBoundLogger,
        count: Callable[[], object] = lambda: None,
        *,
        pass_on: tuple[type[Exception], ...] = (),
        **context: object,
    ) -> None:
        """`count` is called at each failure; `pass_on` are errors that are meant to end the subscriber."""
        self._log = log
        self._count = count
        self._pass_on = pass_on
        self._context = context
        self._reported: set[str] = set()

    @contextmanager
    def message(self, topic: str) -> Iterator[None]:
        """Handle one message in this context; no `Exception` leaves it but those to pass on."""
        try:
            yield
        except Exception as error:
            if isinstance(error, self._pass_on):
                raise
            self._count()
            self._report(topic, error)

    def _report(self, topic: str, error: Exception) -> None:
        if topic in self._reported:
            return
        if len(self._reported) >= _MOST_TOPICS:
            self._reported.clear()
        self._reported.add(topic)
        self._log.error(
            "message_failed",
            **self._context,
            topic=topic,
            error=f"{type(error).__name__}: {error}",
            exc_info=error,
        )
