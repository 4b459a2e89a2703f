"""The schemas that come with this project."""

import importlib
from collections.abc import Callable

from fixtures.seeds import hardened_schema, seed_schema

SCHEMAS: dict[str, Callable[[], object]] = {
    "deepsearch": lambda: hardened_schema("deepsearch"),
    "deepsearch-seed": lambda: seed_schema("deepsearch"),
    "deepsearch-writers": lambda: hardened_schema("deepsearch", seed_writers=True),
    "maps": lambda: hardened_schema("maps"),
    "maps-seed": lambda: seed_schema("maps"),
    "maps-writers": lambda: hardened_schema("maps", seed_writers=True),
    "extending": lambda: importlib.import_module("examples.extending.app_schema").schema,
}
