"""Changes to places and to the roll. The roll is access data: it goes to the security log."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.communities import roll_reading, rules
from app.communities.models import (
    Building,
    Community,
    Estate,
    Household,
    Jurisdiction,
    Level,
    RollUpload,
)
from app.core import clock
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import open_log
from app.people.steps import security
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.core.actor import Actor
