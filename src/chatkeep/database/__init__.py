"""The front of chatkeep: `Database` and what its methods give."""

from chatkeep.database.facade import Database
from chatkeep.database.prepared import Prepared
from chatkeep.database.running import run
from chatkeep.database.streaming import Stream
from chatkeep.database.surface import Surface, Transaction

__all__ = ["Database", "Prepared", "Stream", "Surface", "Transaction", "run"]
