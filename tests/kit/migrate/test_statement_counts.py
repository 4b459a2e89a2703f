"""How many requests to the server a migration costs: with 1,000 of them it counts."""

import pytest

from chatkeep.kit.folder.reading import MARKER, Folder
from chatkeep.kit.migrate import migrate
from chatkeep.kit.status import status
from fixtures.boundaries import boundaries


async def requests(pg18, url: str, work) -> int:
    async with boundaries(pg18.socket_dir) as proxy:
        await work(proxy.url(url.split("@/")[1].split("?", maxsplit=1)[0]))
    return proxy.requests


async def test_migration_costs_three_requests_beside_its_pieces(folder_of, pg18, fresh_database):
    databases = fresh_database(pg18)
    counts = []
    for number in (1, 11):
        texts = ["select 1"] * number
        folder = Folder.read(folder_of(*texts))
        counts.append(await requests(pg18, await databases(), lambda u, f=folder: migrate(f, u)))
    assert counts[1] - counts[0] == 10 * 4  # begin, the piece, the look at the lock, the end
    pieces = Folder.read(folder_of(MARKER.join(["select 1\n"] * 11)))
    more = await requests(pg18, await databases(), lambda u: migrate(pieces, u))
    assert more - counts[0] == 10


@pytest.mark.parametrize("number", [1, 50])
async def test_status_costs_the_same_for_any_number(folder_of, pg18, database_url, number):
    folder = Folder.read(folder_of(*["select 1"] * number))
    await migrate(folder, database_url)
    assert await requests(pg18, database_url, lambda u: status(folder, u)) == 4
