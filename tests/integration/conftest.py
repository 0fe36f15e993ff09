"""Real databases, and a cloud API over each of them."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cloud.database import create_engine, upgrade
from tests.conftest import Broker, require_program, wait_until
from tests.support.api import Api, open_api

_BINARIES = "/usr/lib/postgresql"
_UNSAFE_AND_FAST = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")


class Postgres:
    """A throwaway PostgreSQL cluster that only a socket in its own folder leads to."""

    def __init__(self, folder: Path, user: str) -> None:
        self._folder = folder
        self._user = user
        self._numbers = itertools.count(1)

    def url(self, database: str) -> str:
        """Where SQLAlchemy finds one of its databases."""
        return f"postgresql://{self._user}@/{database}?host={self._folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection as the cluster's owner."""
        return psycopg.connect(
            host=str(self._folder), dbname=database, user=self._user, autocommit=True, connect_timeout=5
        )

    def new_database(self, template: str = "template0") -> str:
        """The URL of a database of its own: empty, or a copy of another without connections."""
        name = f"test_{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running cluster; PostgreSQL refuses root, so as root it runs as Debian's user postgres."""
    elsewhere = [str(path / "bin") for path in sorted(Path(_BINARIES).glob("*"), reverse=True)]
    initdb = require_program("initdb", *(f"{folder}/initdb" for folder in elsewhere))
    server = require_program("postgres", *(f"{folder}/postgres" for folder in elsewhere))
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    run_as = user if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="lentera-postgres-"))
    if run_as is not None:
        shutil.chown(folder, run_as)
    data = folder / "data"
    subprocess.run(
        [initdb, "-D", str(data), "-U", user, "--auth", "trust", "--no-sync", "--encoding", "UTF8"],
        user=run_as, check=True, stdout=subprocess.DEVNULL, cwd=folder,
    )  # fmt: skip
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [server, "-D", str(data), "-k", str(folder), "-c", "listen_addresses=", *_UNSAFE_AND_FAST],
            user=run_as, stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
    cluster = Postgres(folder, user)
    try:
        wait_until(cluster.answers, what="PostgreSQL")
        yield cluster
    finally:
        process.send_signal(signal.SIGQUIT)  # ends at once, without writing what is deleted anyway
        process.wait(30)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once on each kind of server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'cloud.db'}"
    cluster: Postgres = request.getfixturevalue("postgres")
    return cluster.new_database()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """The name of a database with the newest schema, to copy from."""
    url = postgres.new_database()
    _migrate(url)
    return url.partition("@/")[2].partition("?")[0]


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema, to copy from."""
    path = tmp_path_factory.mktemp("schema") / "cloud.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with the newest schema, once on each kind of server."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "cloud.db")
        return f"sqlite:///{tmp_path / 'cloud.db'}"
    cluster: Postgres = request.getfixturevalue("postgres")
    return cluster.new_database(request.getfixturevalue("migrated_postgres"))


def _migrate(url: str) -> None:
    engine = create_engine(url)
    upgrade(engine)
    engine.dispose()


@pytest.fixture
def online_api(database_url: str, tmp_path: Path, mosquitto: Broker) -> Iterator[Api]:
    """As `api`, with a real broker for its feed."""
    with open_api(database_url, tmp_path, mosquitto.port) as opened:
        yield opened


@pytest.fixture
def api(database_url: str, tmp_path: Path) -> Iterator[Api]:
    """The API over a small town at night, once on each kind of server."""
    with open_api(database_url, tmp_path) as opened:
        yield opened
