"""What a recipe can be made of on this server: recipes to start from, languages, backbones."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter

from languages.completeness import gaps
from languages.loader import PACK_FILE, load_pack, pack_folders
from schemas.errors import LanguageError
from schemas.server import Languages, ListedBackbone, ListedBackbones, ListedLanguage, Recipes
from service.access import Reader
from service.problems import documented
from service.recipe_shelf import listed_recipes
from service.state import TheService

router = APIRouter(prefix="/v1", tags=["recipes"], responses=documented(401, 403, 429, 503))


@router.get("/recipes", summary="List recipes to start from")
async def recipes(service: TheService, _: Reader) -> Recipes:
    """The recipes of the server's folder as they can be posted here; `problem` says why one cannot."""
    found = await asyncio.to_thread(listed_recipes, service.settings, service.backbones.names)
    return Recipes(items=found)


@router.get("/languages", summary="List languages")
async def languages(service: TheService, _: Reader) -> Languages:
    """The languages that recipes can be in: those that come with Iturri, and those of the server's own folder."""
    return Languages(items=await asyncio.to_thread(_languages, service.settings.languages))


@router.get("/backbones", summary="List backbones")
async def backbones(service: TheService, _: Reader) -> ListedBackbones:
    """The backbones that recipes can name, whether they run, and how fast they are."""
    problems, speeds = service.backbones.problems(), await service.speeds.all()
    return ListedBackbones(
        items=tuple(
            ListedBackbone(
                name=name, ready=name not in problems, problem=problems.get(name), tokens_per_second=speeds.get(name)
            )
            for name in service.backbones.names
        )
    )


def _languages(own: Path | None) -> tuple[ListedLanguage, ...]:
    folders = sorted(pack_folders(own).items())
    return tuple(_language(code, own, (folder / PACK_FILE).stat().st_mtime_ns) for code, folder in folders)


@lru_cache(maxsize=256)
def _language(code: str, own: Path | None, _modified: int) -> ListedLanguage:
    """One pack; it is read again when it has changed."""
    try:
        pack = load_pack(code, own)
    except LanguageError:  # half made; `iturri language check` says what is wrong with it
        return ListedLanguage(code=code, name=code, autonym=None, complete=False)
    return ListedLanguage(code=code, name=pack.name, autonym=pack.native_name, complete=not gaps(pack))
