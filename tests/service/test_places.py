"""Builds are taken out of the way whole, and come back whole when that was for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.places import build_of, removed_build
from tests.support.service_servers import settings


async def test_a_removal_that_fails_brings_back_its_own_only(tmp_path: Path) -> None:
    configured = settings(tmp_path, None)
    build = build_of("abc", configured)
    build.mkdir(parents=True)
    (build / "ledger.sqlite").touch()
    with pytest.raises(ZeroDivisionError):
        async with removed_build("abc", configured) as remove:
            await remove()
            assert not build.exists()
            raise ZeroDivisionError
    assert (build / "ledger.sqlite").exists()
    async with removed_build("abc", configured) as remove:
        await remove()
        with pytest.raises(ZeroDivisionError):  # another request for the same build, which has come too late
            async with removed_build("abc", configured):
                raise ZeroDivisionError
    assert list(configured.builds.iterdir()) == []
