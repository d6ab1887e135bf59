"""What the modes have in common that work with the texts of a language pack."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from generators.sanitising import Sanitiser
from generators.steering import Choices, Preference
from languages.pack import LanguagePack
from schemas.modes import ModeSpec

Spec = TypeVar("Spec", bound=ModeSpec)


class PackMode(Generic[Spec]):
    """A mode of a recipe: its settings, the pack of its conversations' language, and whence its choices derive."""

    name: ClassVar[str]

    def __init__(self, spec: Spec, pack: LanguagePack, seed: int, id_prefix: str) -> None:
        self._spec = spec
        self._pack = pack
        self._sanitiser = Sanitiser.open(pack.markers)
        self._seed = seed
        self._id_prefix = id_prefix

    @property
    def language(self) -> str:
        return self._pack.code

    def _id(self, index: int) -> str:
        return f"{self._id_prefix}-{index:08d}"

    def _source_of_chance(self, index: int) -> str:
        """Of all that is drawn for a draft: a function of the recipe's seed and the draft's index alone."""
        return f"{self._seed}/{index}/{self.name}"

    def _choices(self, index: int, preference: Preference) -> Choices:
        return Choices(self._source_of_chance(index), preference)
