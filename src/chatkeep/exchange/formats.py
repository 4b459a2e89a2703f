"""The formats by name. The module of one is loaded when it is asked for."""

import importlib

from chatkeep.errors import ConfigError
from chatkeep.exchange.model import Format

# name -> (module with a `FORMAT`, one line for people). A new format is a module and a line here.
FORMATS: dict[str, tuple[str, str]] = {}


def find_format(name: str) -> Format:
    """Give a format by its name.

    Raises:
        ConfigError: There is none of this name.
    """
    if name not in FORMATS:
        raise ConfigError(f"There is no format {name!r}.", hint=f"There are: {', '.join(FORMATS)}.")
    found: Format = importlib.import_module(FORMATS[name][0]).FORMAT
    return found
