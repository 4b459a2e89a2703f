"""The migrations folder on disk: read, judged, and written to."""

from chatkeep.kit.folder.reading import Folder, Migration

__all__ = ["Folder", "Migration"]
