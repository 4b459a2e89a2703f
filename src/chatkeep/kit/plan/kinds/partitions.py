"""Partitions, and which index does what for its table."""

from chatkeep.kit.catalog.tables import Cluster, Partition, ReplicaIdentity
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.writer import Context, Writer, replaced


def attach_index(whole: tuple[str, str], schema: str, name: str) -> str:
    """Give the statement that makes an index a part of the partitioned table's."""
    return f"ALTER INDEX {ident(*whole)} ATTACH PARTITION {ident(schema, name)}"


def _attach(fact: Partition) -> list[str]:
    whole = ident(*fact.whole.path)
    return [f"ALTER TABLE ONLY {whole} ATTACH PARTITION {ident(*fact.path)} {fact.bound}"]


def _identity(fact: ReplicaIdentity) -> list[str]:
    words = f"USING INDEX {ident(fact.index)}" if fact.index else fact.identity.upper()
    return [f"ALTER TABLE {ident(*fact.path[:2])} REPLICA IDENTITY {words}"]


def _identity_anew(
    before: ReplicaIdentity, after: ReplicaIdentity, context: Context
) -> list[str] | None:
    del before, context
    return _identity(after)


def _cluster(fact: Cluster) -> list[str]:
    return [f"ALTER TABLE {ident(*fact.path[:2])} CLUSTER ON {ident(fact.index)}"]


def _cluster_anew(before: Cluster, after: Cluster, context: Context) -> list[str] | None:
    del before, context
    return _cluster(after)


PARTITION = Writer[Partition](
    _attach,
    lambda f: f"ALTER TABLE {ident(*f.whole.path)} DETACH PARTITION {ident(*f.path)}",
    replaced,
)
REPLICA_IDENTITY = Writer[ReplicaIdentity](
    _identity,
    lambda f: f"ALTER TABLE {ident(*f.path[:2])} REPLICA IDENTITY DEFAULT",
    _identity_anew,
)
CLUSTER = Writer[Cluster](
    _cluster,
    lambda f: f"ALTER TABLE {ident(*f.path[:2])} SET WITHOUT CLUSTER",
    _cluster_anew,
)
