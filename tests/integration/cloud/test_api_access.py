"""Who is let in, over HTTP."""

import time
from datetime import timedelta

import httpx
import pytest

from cloud.access.administration import (
    create_one_time_login,
    create_token,
    create_user,
    list_users,
    remove_user,
    revoke_token,
    revoke_tokens,
    set_password,
)
from cloud.access.model import AccessError, secret_digest
from cloud.access.store import AccessStore
from tests.support.api import EVENING, Api

PASSWORD = "terang bulan 17"


@pytest.fixture
def ana(api: Api) -> str:
    """A user with a password."""
    create_user(api.services.engine, "ana", password=PASSWORD, role="operator", now=EVENING)
    return "ana"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/lamps"),
        ("GET", "/lamps/SOR-1"),
        ("GET", "/lamps/SOR-1/telemetry"),
        ("GET", "/areas"),
        ("GET", "/roads"),
        ("GET", "/summary"),
        ("GET", "/night"),
        ("GET", "/programs"),
        ("GET", "/alarms"),
        ("GET", "/live"),
        ("GET", "/session"),
        ("GET", "/commands/x"),
        ("POST", "/commands"),
        ("POST", "/alarms/1/acknowledge"),
    ],
)
async def test_nothing_is_shown_without_a_login(api: Api, method: str, path: str) -> None:
    """Every route of the API asks who is there."""
    async with api.client(role=None) as client:
        answer = await client.request(method, f"/api/v1{path}", json={})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["title"] == "Unauthorized"


async def test_a_password_opens_a_session(api: Api, ana: str) -> None:
    """The cookie is for this site and no script; it works until logging out."""
    async with api.client(role=None) as client:
        answer = await client.post("/api/v1/session", json={"username": ana, "password": PASSWORD})
        assert answer.json() == {"username": "ana", "role": "operator"}
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert (await client.get("/api/v1/session")).json()["username"] == "ana"
        kept = client.cookies["lentera_session"]
        assert (await client.delete("/api/v1/session")).status_code == 204
        client.cookies.set("lentera_session", kept)
        assert (await client.get("/api/v1/session")).status_code == 401


@pytest.mark.parametrize(
    "credentials",
    [
        {"username": "ana", "password": "wrong"},
        {"username": "unknown", "password": PASSWORD},
        {"username": "viewer", "password": ""},  # exists, but has no password
        {"token": "never issued"},
    ],
)
async def test_wrong_credentials_open_nothing(api: Api, ana: str, credentials: dict[str, str]) -> None:
    """The answer is the same whatever was wrong."""
    assert ana
    async with api.client(role=None) as client:
        answer = await client.post("/api/v1/session", json=credentials)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_guessing_is_slowed_down(api: Api, ana: str) -> None:
    """After ten wrong passwords even the right one has to wait."""
    async with api.client(role=None) as client:
        for _ in range(10):
            await client.post("/api/v1/session", json={"username": ana, "password": "wrong"})
        answer = await client.post("/api/v1/session", json={"username": ana, "password": PASSWORD})
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60


async def test_guessing_names_is_slowed_down_too(api: Api) -> None:
    """A list of names with one password each comes from one address, which has to wait."""
    for _ in range(50):
        api.services.access._by_address.failed("127.0.0.1")
    async with api.client(role=None) as client:
        answer = await client.post("/api/v1/session", json={"username": "n51", "password": "wrong"})
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)


@pytest.mark.parametrize(
    "body", [{}, {"username": "ana"}, {"username": "a", "password": "b", "token": "c"}, {"user": "a"}]
)
async def test_a_login_says_what_it_expects(api: Api, body: dict[str, str]) -> None:
    """Neither half of the credentials nor both kinds."""
    async with api.client(role=None) as client:
        answer = await client.post("/api/v1/session", json=body)
    assert answer.status_code == 422


async def test_a_link_logs_in_once(api: Api) -> None:
    """The first to open it lands on the map; the second gets a page that says to request a new one."""
    token = create_one_time_login(api.services.engine, "operator", now=EVENING)
    async with api.client(role=None) as client:
        answer = await client.get("/login", params={"token": token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert (await client.get("/api/v1/session")).json() == {"username": "operator", "role": "operator"}
        assert (await client.get("/login", params={"token": token})).status_code == 303
    async with api.client(role=None) as stranger:
        assert (await stranger.get("/login", params={"token": token})).status_code == 401


async def test_an_api_token_is_no_link(api: Api) -> None:
    """Links end up in histories and logs, so only what works once may be in one."""
    async with api.client(role=None) as client:
        answer = await client.get("/login", params={"token": api.tokens["admin"]})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_a_token_can_be_typed_into_the_login(api: Api) -> None:
    """A one-time token and an API token both open a session."""
    once = create_one_time_login(api.services.engine, "viewer", now=EVENING)
    for token in (once, api.tokens["viewer"]):
        async with api.client(role=None) as client:
            answer = await client.post("/api/v1/session", json={"token": token})
            assert answer.json() == {"username": "viewer", "role": "viewer"}


async def test_tokens_end(api: Api) -> None:
    """What has expired opens nothing."""
    engine = api.services.engine
    ended = create_token(engine, "operator", now=EVENING, lifetime=timedelta(seconds=-1))
    old_link = create_one_time_login(engine, "operator", now=EVENING, lifetime=timedelta(seconds=-1))
    async with api.client(role=None) as client:
        answer = await client.get("/api/v1/session", headers={"Authorization": f"Bearer {ended}"})
        assert answer.status_code == 401
        assert (await client.get("/login", params={"token": old_link})).status_code == 401


async def test_viewers_only_look(api: Api) -> None:
    """A command from a viewer is refused, and none is stored."""
    async with api.client("viewer") as client:
        answer: httpx.Response = await client.post(
            "/api/v1/commands", json={"lampIds": ["SOR-1"], "level": 10}
        )
        assert answer.status_code == 403
        assert "expected operator" in answer.json()["detail"]
        alarm = api.alarm("SOR-1", "lampFailure")
        assert (await client.post(f"/api/v1/alarms/{alarm}/acknowledge")).status_code == 403


@pytest.mark.parametrize(
    ("username", "password", "role", "message"),
    [
        ("ana lampu", PASSWORD, "viewer", "username: 'ana lampu', expected"),
        ("ana", "short", "viewer", "password: 5 characters, expected at least 10"),
        ("ana", "aaaaaaaaaaaa", "viewer", "too easily guessed"),
        ("anaanaanaana", "AnaAnaAnaAna", "viewer", "too easily guessed"),
        ("ana", PASSWORD, "boss", "role: 'boss', expected one of viewer, operator, admin"),
        ("viewer", PASSWORD, "viewer", "'viewer' is taken"),
    ],
)
def test_bad_users_are_refused(api: Api, username: str, password: str, role: str, message: str) -> None:
    """The message names what is wrong, never the password."""
    with pytest.raises(AccessError, match=message) as raised:
        create_user(api.services.engine, username, password=password, role=role, now=EVENING)
    assert password not in str(raised.value)


def test_tokens_need_a_user(api: Api) -> None:
    """A token speaks for someone who exists."""
    with pytest.raises(AccessError, match="no user 'unknown'"):
        create_token(api.services.engine, "unknown", now=EVENING)
    with pytest.raises(AccessError, match="no user 'unknown'"):
        create_one_time_login(api.services.engine, "unknown", now=EVENING)


async def _status(api: Api, token: str) -> int:
    async with api.client(role=None) as client:
        headers = {"Authorization": f"Bearer {token}"}
        return (await client.get("/api/v1/session", headers=headers)).status_code


async def test_a_user_who_is_removed_is_out_at_once(api: Api) -> None:
    """Their tokens and sessions end with them."""
    engine = api.services.engine
    login = api.services.access.login_with_token(api.tokens["operator"], from_link=False)
    assert login is not None
    assert await _status(api, api.tokens["operator"]) == 200
    remove_user(engine, "operator")
    assert await _status(api, api.tokens["operator"]) == 401
    assert api.services.access.of_session(login.secret) is None
    assert [user.principal.name for user in list_users(engine)] == ["admin", "viewer"]
    with pytest.raises(AccessError, match="no user 'operator'"):
        remove_user(engine, "operator")


async def test_a_new_password_logs_everyone_out(api: Api, ana: str) -> None:
    """The sessions of the old password end."""
    access, engine = api.services.access, api.services.engine
    login = access.login_with_password(ana, PASSWORD, "127.0.0.1")
    assert login is not None
    set_password(engine, ana, "purnama di atas")
    assert access.of_session(login.secret) is None
    assert access.login_with_password(ana, PASSWORD, "127.0.0.1") is None
    assert access.login_with_password(ana, "purnama di atas", "127.0.0.1") is not None
    with pytest.raises(AccessError, match="at least 10"):
        set_password(engine, ana, "short")


async def test_tokens_can_be_revoked(api: Api) -> None:
    """One by itself, or all of a user; those of others stay."""
    engine = api.services.engine
    second = create_token(engine, "viewer", now=EVENING)
    assert [user.tokens for user in list_users(engine)] == [1, 1, 2]
    revoke_token(engine, second)
    assert (await _status(api, second), await _status(api, api.tokens["viewer"])) == (401, 200)
    assert revoke_tokens(engine, "viewer") == 1
    assert (await _status(api, api.tokens["viewer"]), await _status(api, api.tokens["admin"])) == (401, 200)
    with pytest.raises(AccessError, match="not known here"):
        revoke_token(engine, second)


def test_tokens_last_a_year(api: Api) -> None:
    """Without a wish of their own they end, so that a forgotten one does not stay open for ever."""
    digest, year_ms = secret_digest(api.tokens["viewer"]), 365 * 24 * 3600 * 1000
    store, now_ms = AccessStore(api.services.engine), int(time.time() * 1000)
    assert store.token(digest, now_ms + year_ms - 60_000) is not None
    assert store.token(digest, now_ms + year_ms + 60_000) is None


@pytest.mark.parametrize(
    ("site", "secure"),
    [("http://127.0.0.1:8080", False), ("http://localhost", False), ("http://lampu.test", True),
     ("https://127.0.0.1", True)],
)  # fmt: skip
async def test_cookies_travel_over_tls_only(api: Api, site: str, secure: bool) -> None:
    """Except where browser and server are one machine and nothing travels."""
    once = create_one_time_login(api.services.engine, "viewer", now=EVENING)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api.app), base_url=site) as client:
        answer = await client.get("/login", params={"token": once})
    assert ("Secure" in answer.headers["set-cookie"]) is secure


async def test_metrics_are_not_for_strangers(api: Api) -> None:
    """Prometheus on this machine needs nothing, on another an API token."""
    headers = {"Authorization": f"Bearer {api.tokens['viewer']}"}
    for client_host, given, status in (
        ("127.0.0.1", {}, 200), ("10.0.0.9", {}, 401), ("10.0.0.9", headers, 200),
    ):  # fmt: skip
        transport = httpx.ASGITransport(api.app, client=(client_host, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://lentera.test") as client:
            answer = await client.get("/metrics", headers=given)
        assert answer.status_code == status
        assert "script-src 'self'" in answer.headers["content-security-policy"]
