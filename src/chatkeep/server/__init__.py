"""The embedded PostgreSQL: binaries, data folder, ownership."""

from chatkeep.server.binaries import Binaries, find_binaries
from chatkeep.server.embedded import EmbeddedServer, ServerStatus
from chatkeep.server.lease import Lease

__all__ = ["Binaries", "EmbeddedServer", "Lease", "ServerStatus", "find_binaries"]
