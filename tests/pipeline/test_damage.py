"""A build directory that lost a part: said in one line, and nothing sealed is written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.reader import BuildReader
from schemas.errors import BuildDirectoryError, LedgerError, StorageError
from tests.support.builds import recipe, run


@pytest.mark.parametrize("emptied", [True, False])
async def test_sealed_shards_are_not_overwritten_when_the_ledger_is_lost(tmp_path: Path, emptied: bool) -> None:
    result = await run(recipe(), tmp_path)
    before = {shard.path: (tmp_path / shard.path).read_bytes() for shard in result.manifest.shards}
    (tmp_path / "ledger.sqlite").unlink()
    if emptied:
        (tmp_path / "ledger.sqlite").touch()
    for _ in range(2):
        with pytest.raises(BuildDirectoryError, match=r"put ledger\.sqlite back"):
            await run(recipe(), tmp_path)
    assert {path: (tmp_path / path).read_bytes() for path in before} == before


async def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    await run(recipe(), tmp_path)
    path = tmp_path / "ledger.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xa5" * (len(content) - 8192))
    with pytest.raises(LedgerError, match=r"ledger\.sqlite is damaged"):
        await run(recipe(target={"conversations": 40}), tmp_path)
    path.write_bytes(b"\xa5" * 8192)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite is damaged"):
        await run(recipe(), tmp_path)


async def test_a_build_does_not_go_on_without_its_sealed_shards(tmp_path: Path) -> None:
    result = await run(recipe(), tmp_path)
    shard = tmp_path / result.manifest.shards[1].path
    content = shard.read_bytes()
    shard.write_bytes(content[:-1])
    with pytest.raises(StorageError, match="put the sealed file back"):
        await run(recipe(target={"conversations": 40}), tmp_path)
    shard.unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        await run(recipe(target={"conversations": 40}), tmp_path)
    shard.write_bytes(content)
    assert (await run(recipe(target={"conversations": 40}), tmp_path)).manifest.complete


async def test_a_recipe_with_a_licence_that_is_none_says_how_to_go_on(tmp_path: Path) -> None:
    await run(recipe(), tmp_path)
    path = tmp_path / "recipe.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"cc0-1.0"', '"CC0 gutxi gorabehera"'), encoding="utf-8")
    said = r"recipe\.json: publish\.licence: 'CC0 gutxi gorabehera' .* set it in the recipe and run `iturri build`"
    with pytest.raises(BuildDirectoryError, match=said):
        BuildReader(tmp_path).recipe()
    await run(recipe(), tmp_path)
    assert BuildReader(tmp_path).recipe().publish.licence == "cc0-1.0"


async def test_a_damaged_recipe_is_named_and_written_anew(tmp_path: Path) -> None:
    await run(recipe(), tmp_path)
    path = tmp_path / "recipe.json"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(BuildDirectoryError, match=r"recipe\.json is damaged"):
        BuildReader(tmp_path).funnel()
    await run(recipe(), tmp_path)
    assert BuildReader(tmp_path).funnel().accepted == 20
