"""The tables of every concern in one metadata: what the migrations lead to."""

import sqlalchemy as sa

import cloud.access.store
import cloud.alarms.store
import cloud.commands.store
import cloud.ingest.dead_letters
import cloud.inventory.store
import cloud.plans.store
import cloud.state.cabinets
import cloud.state.store  # noqa: F401 - importing a model puts its table into the metadata
from cloud.database import Base

METADATA: sa.MetaData = Base.metadata
