"""${message}."""

# Until the versions before this one are gone it may only add (docs/adr/0010-schemas-only-grow.md). Beside the
# four names below it may say: needs_stop = True, where former versions cannot work on what it makes;
# concurrently = True, where it makes indexes of tables that grow (monitor.storage.ddl).

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
