"""docs/how-to/big-tables.md, run as it stands."""

from fixtures.console import Console


async def test_page(tmp_path, pg18, database_url):
    console = Console(tmp_path, database_url, pg18.admin_url)
    assert await console.page("how-to/big-tables.md") == 9
