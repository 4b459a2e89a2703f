"""The `chatkeep` command: one group, each command loaded only when it is called."""

import importlib
import json

import click

from chatkeep.errors import ChatkeepError

# name -> (module, attribute, one line for --help). The line stands here so that --help loads none
# of the commands; a test compares it with the command's own.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("chatkeep.cli.demo", "demo", "Show the whole database layer at work on real data."),
    "db": ("chatkeep.cli.db", "db", "Start, stop and look into the embedded PostgreSQL."),
    "generate": ("chatkeep.cli.generate", "generate", "Write the next migration."),
    "review": (
        "chatkeep.cli.review",
        "review",
        "Say what pending migrations do to a live database: locks, rewrites, lost rows.",
    ),
    "migrate": ("chatkeep.cli.migrate", "migrate", "Apply the pending migrations."),
    "rollback": (
        "chatkeep.cli.rollback",
        "rollback",
        "Take applied migrations back by their reverses.",
    ),
    "status": ("chatkeep.cli.status", "status", "Show what is applied and what is pending."),
    "check": ("chatkeep.cli.check", "check", "Compare schema, folder and database."),
    "baseline": (
        "chatkeep.cli.baseline",
        "baseline",
        "Note migrations as applied that the database has already.",
    ),
    "squash": (
        "chatkeep.cli.squash",
        "squash",
        "Fold the first migrations into one that makes the same database.",
    ),
    "rebase": (
        "chatkeep.cli.rebase",
        "rebase",
        "Put this branch's migrations behind those of a branch merged with it.",
    ),
    "diff": ("chatkeep.cli.diff", "diff", "Print the SQL from one state to another."),
    "pull": (
        "chatkeep.cli.pull",
        "pull",
        "Write a schema module and first migration from a database.",
    ),
    "push": (
        "chatkeep.cli.push",
        "push",
        "Change a development database to the schema, without migrations.",
    ),
    "schema": (
        "chatkeep.cli.schema",
        "schema",
        "Print the schema as documentation, SQL or TypeScript.",
    ),
    "studio": (
        "chatkeep.cli.studio",
        "studio",
        "Look at the database, the conversations and the migrations in a browser.",
    ),
    "import": (
        "chatkeep.cli.import_",
        "import_",
        "Bring conversations of another product into one user's account, or into everybody's.",
    ),
    "export": (
        "chatkeep.cli.export",
        "export",
        "Write chats in another product's format, or all that is stored about a person.",
    ),
    "erase": (
        "chatkeep.cli.erase",
        "erase",
        "Erase a person from the database, and prove it; shows first what would go.",
    ),
    "sweep": (
        "chatkeep.cli.sweep",
        "sweep",
        "Remove what has expired or is older than the retention policies allow.",
    ),
    "cache": (
        "chatkeep.cli.cache",
        "cache",
        "Look into the cache of web searches.",
    ),
    "auth": (
        "chatkeep.cli.auth",
        "auth",
        "Fit the front end's sign-in library to the tables, and look after what it stores.",
    ),
    "doctor": (
        "chatkeep.cli.doctor",
        "doctor",
        "Say what is wrong with a database, and the command that mends it.",
    ),
}

_AS_JSON = "chatkeep.json"


class LazyGroup(click.Group):
    """A group that imports a command when it is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give the names in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """Load the named command; None when there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether the command is to report as JSON: an error must then be JSON as well."""
        ctx.meta[_AS_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error of ours becomes one line on stderr and exit 1.

        With `--json` it stands on stdout besides, where the report would be.
        """
        try:
            return super().invoke(ctx)
        except ChatkeepError as error:
            if ctx.params["debug"]:
                raise
            click.echo(f"chatkeep: {error}", err=True)
            if ctx.meta[_AS_JSON]:
                said = {"error": str(error.args[0]), "hint": error.hint, "code": error.code}
                click.echo(json.dumps(said, indent=2, ensure_ascii=False))
            ctx.exit(1)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chatkeep")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(*, debug: bool) -> None:
    """Keep AI chats in PostgreSQL: schema, migrations, typed access."""


def main() -> None:
    """Run the command line. Exit 0: done or clean; 1: refused or found something; 2: wrong usage."""
    cli.main()
