"""Roles and what is kept of secrets."""

import pytest

from cloud.access.model import Role, secret_digest


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.VIEWER, {Role.VIEWER}),
        (Role.OPERATOR, {Role.VIEWER, Role.OPERATOR}),
        (Role.ADMIN, set(Role)),
    ],
)
def test_a_role_includes_those_below(role: Role, may: set[Role]) -> None:
    """Each may do what the roles before it may."""
    assert {needed for needed in Role if role.may_act_as(needed)} == may


def test_digests_differ_and_hide() -> None:
    """Equal secrets have equal digests, others don't, and the secret isn't in it."""
    assert secret_digest("a") == secret_digest("a") != secret_digest("b")
    assert len(secret_digest("a")) == 64
