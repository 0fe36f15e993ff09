"""Log a failure when it begins and again when it ends, however often it is seen in between."""

from typing import Literal

from structlog.typing import FilteringBoundLogger

Level = Literal["warning", "error"]


class FailureReporter:
    """One thing that may fail, such as a disk or a connection.

    `failed_event` is logged with the key `error` when it begins to fail, `recovered_event` as information
    when it works again. Both are snake_case names; `context` is part of both lines. `is_failing` is whether
    it failed the last time.
    """

    def __init__(
        self,
        log: FilteringBoundLogger,
        failed_event: str,
        recovered_event: str,
        *,
        level: Level = "error",
        **context: object,
    ) -> None:
        self._log = log
        self._failed_event = failed_event
        self._recovered_event = recovered_event
        self._level: Level = level
        self._context = context
        self.is_failing = False

    def failed(self, error: object, **details: object) -> bool:
        """Report `error` unless it fails already; returns whether it was reported now."""
        if self.is_failing:
            return False
        self.is_failing = True
        # Not through `log.bind`: a bound logger would keep the configuration of the moment it is made.
        report = self._log.error if self._level == "error" else self._log.warning
        report(self._failed_event, **self._context, error=str(error), **details)
        return True

    def recovered(self, **details: object) -> bool:
        """Report that it works again unless it did before; returns whether it was reported now."""
        if not self.is_failing:
            return False
        self.is_failing = False
        self._log.info(self._recovered_event, **self._context, **details)
        return True


class KeyedFailureReporter:
    """Many things of one kind, each of which fails and recovers by itself, such as the devices of a gateway.

    `key` is the name under which the log lines say which of them it was: `device`, `gateway`.
    """

    def __init__(
        self,
        log: FilteringBoundLogger,
        failed_event: str,
        recovered_event: str,
        *,
        key: str,
        level: Level = "error",
    ) -> None:
        self._log = log
        self._events = (failed_event, recovered_event)
        self._key = key
        self._level: Level = level
        self._failing: dict[str, FailureReporter] = {}

    @property
    def failing(self) -> frozenset[str]:
        """Which of them failed the last time."""
        return frozenset(self._failing)

    def failed(self, name: str, error: object, **details: object) -> bool:
        """Report `error` of `name` unless that fails already; returns whether it was reported now."""
        if name in self._failing:
            return False
        reporter = FailureReporter(self._log, *self._events, level=self._level, **{self._key: name})
        self._failing[name] = reporter
        return reporter.failed(error, **details)

    def recovered(self, name: str, **details: object) -> bool:
        """Report that `name` works again unless it did before; returns whether it was reported now."""
        reporter = self._failing.pop(name, None)
        return reporter is not None and reporter.recovered(**details)
