"""A small benchmark of questions with choices, and files of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.dataset_rows import write_jsonl, write_parquet

FIRST = "Zein mendi igo zuen lehen aldiz 1786. urtean Jacques Balmat frantziarrak bere lagunarekin batera?"
_TEXTS = (
    (FIRST, "Mont Blanc izeneko mendi garaia, Alpeetan, gaur egungo Frantzia eta Italia artean"),
    (
        "Zein urtetan eraiki zuten Bizkaiko zubi zintzilikaria, Portugalete eta Areeta lotzen dituena, itsasadarrean?",
        "Mila zortziehun eta laurogeita hamahiruan bukatu zuten, Alberto Palaciok zuzenduta eta diseinatuta",
    ),
    (
        "Nork idatzi zuen euskaraz inprimatutako lehen liburua, Linguae Vasconum Primitiae izenekoa?",
        "Bernat Etxepare apaizak, Nafarroa Beherekoak, mila bostehun eta berrogeita bostean atera baitzuen",
    ),
    (
        "Zein da landareek argia energia kimiko bihurtzeko erabiltzen duten prozesuaren izena, hostoetan?",
        "Fotosintesia, klorofilari esker eguzkiaren argia hartu eta azukreak egiteko bide naturala da",
    ),
)
QUESTIONS: tuple[dict[str, Any], ...] = tuple(
    {
        "id": f"q{number}",
        "question": question,
        "choices": {"label": ["A", "B"], "text": ["Ez dakit", right]},
        "answer": 1,
    }
    for number, (question, right) in enumerate(_TEXTS)
)


def write_benchmark(path: Path) -> Path:
    """As Parquet or as JSONL, as the name says."""
    if path.suffix == ".parquet":
        return write_parquet(path, list(QUESTIONS))
    return write_jsonl(path, QUESTIONS)
