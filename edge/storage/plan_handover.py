"""What is kept of plans beside the one in force: when the newest was given, and why one was refused.

A file carried by hand needs that: an older answer must not undo a newer one, and the cloud wants to know.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from edge.storage.state_tables import bring_plan, one, put_one
from protocols.lighting.plan import PlanError, decode_plan, plan_hash
from protocols.transfer.bundle import FollowedPlan

_TABLES = (
    "CREATE TABLE IF NOT EXISTS issued (time_ms INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refused (problem TEXT NOT NULL)",
)
_LONGEST_PROBLEM = 500


def bring(database: sqlite3.Connection, document: bytes, issued_ms: int, *, older_too: bool = False) -> bool:
    """Lay a plan before a gateway, which may be running; False where it was given a newer one before."""
    _prepare(database)
    if not older_too and issued_ms < (one(database, "issued", "time_ms") or 0):
        return False
    bring_plan(database, document)
    put_one(database, "issued", "time_ms", issued_ms)
    return True


def note(database: sqlite3.Connection, problem: str, issued_ms: int) -> None:
    """Keep why the newest plan was refused, if it was; `issued_ms` is of when one is that was taken, or 0."""
    _prepare(database)
    put_one(database, "refused", "problem", problem[:_LONGEST_PROBLEM] or None)
    if issued_ms > (one(database, "issued", "time_ms") or 0):
        put_one(database, "issued", "time_ms", issued_ms)


def followed(path: Path) -> FollowedPlan:
    """The plan that the gateway with this memory follows; raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        document = one(database, "plan", "document") if "plan" in tables else None
        problem = one(database, "refused", "problem") if "refused" in tables else None
    if document is None:
        return FollowedPlan("", problem or "")
    try:
        decode_plan(document, "the stored plan")
    except PlanError as error:  # which the gateway does not follow either
        return FollowedPlan("", str(error)[:_LONGEST_PROBLEM])
    return FollowedPlan(plan_hash(document), problem or "")


def _prepare(database: sqlite3.Connection) -> None:
    for table in _TABLES:
        database.execute(table)
