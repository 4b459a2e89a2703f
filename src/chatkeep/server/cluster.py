"""The data folder: made whole or not at all, checked, configured."""

import re
import secrets
import shutil
import sys
from pathlib import Path

from chatkeep.errors import ServerError, ServerStartError, ServerVersionError
from chatkeep.server.binaries import Binaries
from chatkeep.server.place import Place, write_private

_INCLUDE = "include = 'chatkeep.conf'"
# What the server writes to its log must not hold what users wrote: no statement texts, no rows.
_SETTINGS = {
    "password_encryption": "'scram-sha-256'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "logging_collector": "off",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}


def data_version(place: Place) -> int | None:
    """Major version of the data folder, or None when there is none yet.

    Raises:
        ServerError: Something is there, but it is no whole data folder.
    """
    if not place.data.exists():
        return None
    try:
        text = (place.data / "PG_VERSION").read_text(encoding="ascii").strip()
        whole = (place.data / "global" / "pg_control").exists()
    except PermissionError as exc:
        raise ServerError(
            f"{place.data} belongs to another user.", hint="Run chatkeep as that user, or as root."
        ) from exc
    except (OSError, UnicodeDecodeError):
        text, whole = "", False
    if not whole or not re.fullmatch(r"\d+", text):
        raise ServerError(
            f"{place.data} is no whole data folder of PostgreSQL (PG_VERSION or pg_control is missing).",
            hint="Put it back from a backup, or begin anew with `chatkeep db reset`.",
        )
    return int(text)


def check_version(place: Place, binaries: Binaries) -> None:
    """Refuse a data folder that these programs cannot read.

    Raises:
        ServerVersionError: It belongs to another major version.
        ServerError: It is no whole data folder.
    """
    found = data_version(place)
    if found is not None and found != binaries.major:
        raise ServerVersionError(
            f"{place.data} was made by PostgreSQL {found}, but the programs in {binaries.folder} "
            f"are {binaries.version}.",
            hint=f"Set PG_BIN to a PostgreSQL {found} and save the data with pg_dump; then unset "
            "it, run `chatkeep db reset`, and load the dump.",
        )


def prepare_data(place: Place, binaries: Binaries) -> None:
    """Make the data folder unless there is one, and write our settings.

    It is built beside and renamed when it is whole and on disk, so a crash leaves only a
    `building-*` folder, which the next start removes. The supervisor's lock must be held.

    Raises:
        ServerStartError: initdb failed; the hint holds its last line.
    """
    sweep(place)
    if data_version(place) is None:
        _build(place, binaries)
    _configure(place, binaries)


def sweep(place: Place) -> None:
    """Remove what a killed start left behind.

    Its initdb may still be writing there: moved away, it fails at its next step; files that it
    adds under our hands stay until the next sweep.
    """
    for leftover in place.home.glob("building-*"):
        leftover.rename(leftover.with_name(f"trash-{secrets.token_hex(4)}"))
    for trash in place.home.glob("trash-*"):
        shutil.rmtree(trash, ignore_errors=True)


def _build(place: Place, binaries: Binaries) -> None:
    account, building = place.account, place.home / f"building-{secrets.token_hex(4)}"
    place.make_password()
    account.make_folder(building)
    secret, data = building / "secret", building / "data"
    secret.touch(mode=0o600)
    secret.write_text(place.password(), encoding="ascii")
    _give(secret, place)
    # The builtin provider sorts alike on every machine; before 17 the C library's C.UTF-8 does.
    builtin = ["--locale-provider=builtin"] if binaries.major >= 17 else []
    command = [
        binaries.program("initdb"),
        *("-D", data, "-U", "postgres", "-E", "UTF8", "--auth=scram-sha-256"),
        *(f"--pwfile={secret}", "--no-sync", *builtin, "--locale=C.UTF-8"),
    ]
    code, output = account.run(command)
    if code == 0:
        with (data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write(f"\n# Written by chatkeep at each start:\n{_INCLUDE}\n")
        _write_settings(data, place, binaries)
        # One call for a whole file system where there is one, instead of one for each file: on a
        # busy disk 0.1 s instead of 1.7 s.
        quick = binaries.major >= 17 and sys.platform == "linux"
        method = ["--sync-method=syncfs"] if quick else []
        code, output = account.run([command[0], "-D", data, "--sync-only", *method])
    if code != 0:
        shutil.rmtree(building)
        lines = [line for line in output.strip().splitlines() if "error" in line.lower()]
        raise ServerStartError(
            f"initdb could not make {place.data}: {(lines or ['exit code ' + str(code)])[0]}.",
            hint="Look at the free space and the rights of that folder.",
        )
    data.rename(place.data)
    shutil.rmtree(building)


def _configure(place: Place, binaries: Binaries) -> None:
    conf = place.data / "chatkeep.conf"
    if not conf.exists() or conf.read_text(encoding="utf-8") != _settings(binaries):
        _write_settings(place.data, place, binaries)


def _settings(binaries: Binaries) -> str:
    wanted = dict(_SETTINGS)
    if binaries.has_library("pg_stat_statements"):
        wanted["shared_preload_libraries"] = "'pg_stat_statements'"
    lines = [f"{name} = {value}" for name, value in wanted.items()]
    return "\n".join(
        ["# Generated at each start; put yours in postgresql.conf, after the include.", *lines, ""]
    )


def _write_settings(data: Path, place: Place, binaries: Binaries) -> None:
    write_private(data / "chatkeep.conf", _settings(binaries))
    _give(data / "chatkeep.conf", place)


def _give(path: Path, place: Place) -> None:
    if place.account.switched:
        shutil.chown(path, place.account.uid, place.account.gid)
