"""What a person at the command line can put right."""


class UsageError(ValueError):
    """An option or file that cannot be used; the message names it, its value and what was expected."""
