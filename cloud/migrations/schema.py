"""Every concern's tables in one place: what the migrations lead to."""

import sqlalchemy as sa

import cloud.access.store
import cloud.alarms.store
import cloud.control.planstore
import cloud.control.store
import cloud.ingest.cabinets
import cloud.ingest.rejected
import cloud.ingest.store
import cloud.inventory.store  # noqa: F401 - importing a store declares its tables
from cloud.database import Base

METADATA: sa.MetaData = Base.metadata
