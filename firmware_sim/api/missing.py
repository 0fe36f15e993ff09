"""What the simulator's API says of things that are not there."""


class NotFoundError(LookupError):
    """Something asked for by an id that does not exist."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"{kind} {identifier!r} is not simulated here")
        self.kind = kind
        self.identifier = identifier
