from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from filters.detector import open_detector
from filters.language import SEGMENT_CHARACTERS, LanguageJudge, segments
from languages.loader import load_pack
from schemas.conversation import Draft, Gate
from schemas.errors import LanguageError
from schemas.recipe import LanguageFilter
from schemas.verdict import Drop
from tests.support.filters_drafts import draft, judge_last, reason, walk

PACK = load_pack("eu")
LANGUAGE = LanguageJudge.open(LanguageFilter(), PACK)
QUESTION = "Zergatik aldatzen dute kolorea hostoek udazkenean, eta zergatik erortzen dira gero?"
REPLY = "Udazkenean egunak laburragoak dira eta zuhaitzek klorofila gutxiago sortzen dute; hortik koloreak."
SPANISH = "En otoño los días son más cortos y los árboles dejan de producir clorofila, por eso vemos otros colores."
ENGLISH = "In autumn the days are shorter and the trees make less chlorophyll, so we see other colours."
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "lid"


@pytest.mark.parametrize(
    "text",
    [
        QUESTION,
        REPLY,
        QUESTION.upper(),
        f"Hona hemen kodea:\n```python\n{ENGLISH}\n```\nKode horrek zenbakiak batzen ditu eta emaitza erakusten du.",
        f"Ikusi azalpen luzeagoa webgune honetan, mesedez: https://example.com/{ENGLISH.replace(' ', '-')}",
        "Zein da $\\sqrt{a^2+b^2} = c$ adierazpenaren balioa a eta b ezagutzen baditugu?",
        "😀 Oso pozik nago gaur, azkenean oporretara joango garelako! 🎉🎉",
        "# Zerrenda\n\n- **Ura** edatea oso ona da osasunerako\n- Egunero ordu erdiz ibiltzea komeni da",
        "Nork idatzi zuen Don Quijote de la Mancha eta noiz argitaratu zen lehen aldiz?",
        "gaur goizean euria egin du eta ez dut aterkirik eraman lanera",
    ],
)
def test_basque_is_kept(text: str) -> None:
    assert reason(judge_last(LANGUAGE, text)) is None


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (SPANISH, "es"),
        (ENGLISH, "en"),
        ("En Donostia, Ane Etxeberria y Mikel Agirre compraron una casa en la calle Urbieta.", "es"),
        (f"Kaixo, lagun. {SPANISH} {SPANISH} Agur.", "es"),
        ("ሰላም እንዴት ነህ ዛሬ ጓደኛዬ ሆይ ደህና ነኝ", "unknown"),
    ],
)
def test_other_languages_are_dropped_with_what_was_seen(text: str, seen: str) -> None:
    verdict = judge_last(LANGUAGE, text)
    assert reason(verdict) == "language.foreign"
    assert isinstance(verdict, Drop)
    assert verdict.evidence.startswith(f"{seen} (")
    assert verdict.turn == 0


@pytest.mark.parametrize("text", ["😂😂🎉", "?!?!", "https://example.com/a", "1 + 1 = 2", "```\nx = 1\n```", "..."])
def test_a_user_turn_without_language_asks_for_nothing(text: str) -> None:
    assert reason(judge_last(LANGUAGE, text)) == "language.none"


def test_a_reply_may_be_a_number_or_code_but_not_an_emoji() -> None:
    assert reason(walk([LANGUAGE], draft("Zenbat dira bi gehi bi eta hiru?", "7"))) is None
    assert reason(walk([LANGUAGE], draft("Idatzi Python programa labur bat niretzat.", "```\nprint(1)\n```"))) is None
    assert reason(walk([LANGUAGE], draft("Zenbat dira bi gehi bi eta hiru?", "🤷"))) == "language.none"


def test_every_turn_is_judged_on_its_own() -> None:
    verdict = walk([LANGUAGE], draft(QUESTION, f"{REPLY} {REPLY}", "Eta zein kolore dira ohikoenak orduan?", SPANISH))
    assert reason(verdict) == "language.foreign"
    assert verdict.turn == 3  # type: ignore[union-attr]


def test_the_end_of_a_long_turn_counts() -> None:
    long = " ".join([REPLY] * 120)
    assert len(long) > 10_000
    assert reason(judge_last(LANGUAGE, QUESTION, f"{long} {' '.join([SPANISH] * 60)}")) == "language.foreign"


def test_short_turns_go_with_the_conversation() -> None:
    assert reason(judge_last(LANGUAGE, "Gracias, muy amable.")) is None
    assert reason(walk([LANGUAGE], draft(QUESTION, REPLY, "Wellington?", "Ez."))) is None
    assert reason(walk([LANGUAGE], draft("Kaixo!", "Kaixo, zer moduz?"))) is None


def test_short_turns_that_are_foreign_together_are_dropped_at_the_conversation() -> None:
    made = draft("Hello there!", "How are you?", "Very well thanks.", "See you soon!")
    assert all(reason(LANGUAGE.judge(_cut(made, count), Gate.REPLY)) is None for count in (2, 4))
    verdict = walk([LANGUAGE], made)
    assert reason(verdict) == "language.foreign"
    assert verdict.turn == 0  # type: ignore[union-attr]


def test_a_turn_is_judged_by_the_language_it_is_meant_to_be_in() -> None:
    made = draft(SPANISH, language="es")
    assert reason(LANGUAGE.judge(made, Gate.USER_TURN)) is None
    assert reason(LANGUAGE.judge(draft(QUESTION, language="es"), Gate.USER_TURN)) == "language.foreign"
    with pytest.raises(LanguageError, match="'gl'"):
        LANGUAGE.judge(draft(SPANISH, language="gl"), Gate.USER_TURN)


def test_function_words_save_short_sentences_full_of_names() -> None:
    text = "Nor da Mariano Rajoy eta non bizi da?"
    bare = LanguageJudge(PACK.code, PACK.profile, frozenset(), 6)
    detected = bare.detector().detect("Hong Kong da Bernie Sanders ez du Clinton")
    assert reason(judge_last(LANGUAGE, text)) is None
    assert detected is not None
    assert detected.language != "eu"
    assert reason(judge_last(bare, "Hong Kong da Bernie Sanders ez du Clinton")) == "language.foreign"
    assert reason(judge_last(LANGUAGE, "Hong Kong da Bernie Sanders ez du Clinton")) is None


def test_the_same_text_gets_the_same_answer_also_after_pickling() -> None:
    again: LanguageJudge = pickle.loads(pickle.dumps(LANGUAGE))  # noqa: S301
    assert again == LANGUAGE
    assert len(pickle.dumps(LANGUAGE)) < 4_000
    for text in (QUESTION, SPANISH, "Kaixo mundua, hello world and good bye"):
        assert len({judge_last(judge, text).model_dump_json() for judge in (LANGUAGE, again, LANGUAGE)}) == 1


def test_segments_lose_nothing_and_are_bounded() -> None:
    text = f"Bai. {REPLY}\n\n{'luzea ' * 1000}. Ez."
    made = list(segments(text))
    assert "".join("".join(made).split()) == "".join(text.split())
    assert all(len(segment) <= 2 * SEGMENT_CHARACTERS for segment in made)
    assert list(segments("")) == []


def test_a_broken_profile_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    with pytest.raises(LanguageError, match="'eu'"):
        open_detector("eu", broken)
    assert PACK.profile is not None
    with pytest.raises(LanguageError, match="not the profile of 'xx'"):
        open_detector("xx", PACK.profile)


def test_a_pack_may_bring_a_better_profile_for_a_language_that_has_one(tmp_path: Path) -> None:
    assert PACK.profile is not None
    profile = json.loads(PACK.profile.read_text(encoding="utf-8"))
    path = tmp_path / "profile.json"
    path.write_text(json.dumps({**profile, "name": "es"}), encoding="utf-8")
    found = open_detector("es", path).detect(QUESTION)
    assert found is not None
    assert found.language == "es"


def _cut(made: Draft, count: int) -> Draft:
    return made.model_copy(update={"turns": made.turns[:count]})


@pytest.mark.skipif(not DATA.is_dir(), reason="the development sets for language identification are not here")
def test_hard_conversations() -> None:
    kept_right = kept_wrong = dropped_wrong = 0
    with (DATA / "lid_hard.jsonl").open(encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if not row["policy_dependent"]]
    assert rows
    for row in rows:
        kept = reason(walk([LANGUAGE], _conversation(row["turns"]))) is None
        kept_right += kept and row["label"] == "keep"
        kept_wrong += kept and row["label"] == "drop"
        dropped_wrong += not kept and row["label"] == "keep"
    assert kept_right / (kept_right + kept_wrong) >= 0.85
    assert kept_right / (kept_right + dropped_wrong) >= 0.985


def _conversation(turns: list[dict[str, str]]) -> Draft:
    """The rows alternate roles, starting with the user."""
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * (len(turns) // 2) + ["user"] * (len(turns) % 2)
    return draft(*(turn["content"] for turn in turns))
