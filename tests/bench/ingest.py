"""stub"""

from tests.bench.results import Result


async def ingest_rate() -> list[Result]:
    return []
