"""The session as the API shows it."""

from cloud.access.model import Role
from cloud.http.views import View


class SessionView(View, frozen=True):
    """The user who is logged in."""

    username: str
    role: Role
