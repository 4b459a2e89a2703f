"""Conversations from and to other products: formats of files and databases."""

from chatkeep.exchange.everybody import EverybodyReport, import_everybody
from chatkeep.exchange.exporting import ExportOptions, ExportReport, export_conversations
from chatkeep.exchange.formats import FORMATS
from chatkeep.exchange.importing import (
    ImportOptions,
    ImportReport,
    Progress,
    find_user_id,
    import_conversations,
)
from chatkeep.exchange.model import BadRecord, Place

__all__ = [
    "FORMATS",
    "BadRecord",
    "EverybodyReport",
    "ExportOptions",
    "ExportReport",
    "ImportOptions",
    "ImportReport",
    "Place",
    "Progress",
    "export_conversations",
    "find_user_id",
    "import_conversations",
    "import_everybody",
]
