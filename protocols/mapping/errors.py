"""What is wrong with metrics that Lentera cannot take."""


class InvalidMetrics(ValueError):  # noqa: N818 - named for the condition
    """Metrics that say nothing Lentera understands: names metric, value and what was expected."""


class InvalidReading(InvalidMetrics):
    """A lamp's data that is no reading."""


class InvalidCommand(InvalidMetrics):
    """A command that cannot be carried out as it stands; nothing is changed by it."""


class InvalidRecord(InvalidMetrics):
    """An event, result, position or acknowledgement that cannot be read."""
