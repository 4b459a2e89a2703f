"""What `generate --safe` writes is what the review calls safe: two parts that know one thing."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.review import RULES, Severity, review
from chatkeep.kit.target import target_of


def before() -> MetaData:
    metadata = MetaData()
    Table("person", metadata, Column("id", BigInteger, primary_key=True))
    Table(
        "note",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("person_id", BigInteger),
        Column("body", String(9)),
    )
    return metadata


def after() -> MetaData:
    metadata = MetaData()
    Table("person", metadata, Column("id", BigInteger, primary_key=True))
    note = Table(
        "note",
        metadata,
        Column("id", BigInteger, primary_key=True),
        Column("person_id", BigInteger, ForeignKey("person.id", name="note_person")),
        Column("body", String(9), nullable=False),
        Column("token", String(40), server_default=text("gen_random_uuid()::text"), nullable=False),
        CheckConstraint("body <> ''", name="note_body_check"),
        UniqueConstraint("person_id", "body", name="note_key"),
    )
    Index("note_body", note.c.body)
    return metadata


async def dangers(root, scratch, safe: bool) -> list[str]:
    await generate(root, target_of(before()), scratch, Options("first"))
    made = await generate(root, target_of(after()), scratch, Options("second", safe=safe))
    folder = Folder.read(root)
    tags = [path.stem for path in made.paths if not path.stem.endswith(".down")]
    found = await review(folder, scratch, tags=tags)
    return [
        f"{f.file}:{f.line} {f.rule} {f.message}"
        for f in found.findings
        if f.severity is Severity.DANGER
        and f.source == "chatkeep"
        and RULES[f.rule].area == "locks"
    ]


async def test_the_safe_series_locks_nobody_out(tmp_path, scratch):
    plain = await dangers(tmp_path / "plain", scratch, safe=False)
    assert len(plain) >= 5
    assert await dangers(tmp_path / "safe", scratch, safe=True) == []
