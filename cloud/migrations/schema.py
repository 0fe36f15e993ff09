"""Every concern's tables in one place: what the migrations lead to."""

import sqlalchemy as sa

from cloud.database import Base

METADATA: sa.MetaData = Base.metadata
