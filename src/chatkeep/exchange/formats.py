"""The formats by name. The module of one is loaded when it is asked for."""

import importlib

from chatkeep.errors import ConfigError
from chatkeep.exchange.model import Format

# name -> (module with a `FORMAT`, one line for people). A new format is a module and a line here.
FORMATS: dict[str, tuple[str, str]] = {
    "open-assistant": ("chatkeep.exchange.open_assistant", "Open Assistant trees, JSON Lines"),
    "chatgpt": ("chatkeep.exchange.chatgpt", "ChatGPT's export, conversations.json or the zip"),
    "fine-tuning": ("chatkeep.exchange.fine_tuning", "OpenAI fine-tuning examples, JSON Lines"),
    "markdown": ("chatkeep.exchange.markdown", "one chat as a document; export only"),
    "vercel": ("chatkeep.exchange.vercel", "a database of vercel/chatbot"),
    "open-webui": (
        "chatkeep.exchange.open_webui",
        "a database of open-webui, PostgreSQL or SQLite",
    ),
}


def find_format(name: str) -> Format:
    """Give a format by its name.

    Raises:
        ConfigError: There is none of this name.
    """
    if name not in FORMATS:
        raise ConfigError(f"There is no format {name!r}.", hint=f"There are: {', '.join(FORMATS)}.")
    found: Format = importlib.import_module(FORMATS[name][0]).FORMAT
    return found


def check_account(form: Format, account: str | None) -> None:
    """Refuse an account where a source or target holds one person's conversations.

    Raises:
        ConfigError: One was named.
    """
    if account is not None and form.accounts is None:
        raise ConfigError(
            f"The format {form.name!r} has no accounts.",
            hint="`--account` is for databases of other products, which hold those of many.",
        )
