from __future__ import annotations

import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.chain import init_worker, judge_in_worker, walk
from filters.language import LanguageJudge
from languages.loader import load_pack
from schemas.conversation import Draft, Gate
from schemas.errors import LanguageError
from schemas.filters import Filters, LanguageFilter
from schemas.verdict import Drop
from tests.support.filters_drafts import draft, judge_last, reason

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
        ("ሰላም እንዴት ነህ ዛሬ ጓደኛዬ ሆይ ደህና ነኝ", "am"),
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


def test_a_script_that_no_detector_knows_is_foreign_too() -> None:
    assert reason(judge_last(LANGUAGE, "ᎣᏏᏲ ᏙᎯᏧ ᎣᏍᏓ ᏙᏓᏓᎪᎲᎢ ᏩᏙ ᎤᏙᎯᏳᎯ ᎠᏂ ᎡᎭ")) == "language.foreign"


@pytest.mark.parametrize("text", ["Bai, noski", "alarma kendu", "Babes maximoa"])
def test_a_few_words_that_the_corpus_knows_are_kept(text: str) -> None:
    found = LANGUAGE.tongue("eu")._detector.detect(text)
    assert found is not None
    assert found.language != "eu"
    assert reason(walk([LANGUAGE], draft(text))) is None


@pytest.mark.parametrize("text", ["Muchas gracias.", "See you soon", "Bienvenidos.", "Merci beaucoup"])
def test_a_few_words_of_another_language_are_not(text: str) -> None:
    assert reason(walk([LANGUAGE], draft(text))) == "language.foreign"


def test_a_short_turn_that_is_plainly_foreign_is_dropped_at_once() -> None:
    verdict = judge_last(LANGUAGE, QUESTION, "No tengo ningún comentario.")
    assert reason(verdict) == "language.foreign"
    assert "No tengo ningún comentario" in verdict.evidence  # type: ignore[union-attr]


def test_short_turns_go_with_the_conversation() -> None:
    assert reason(judge_last(LANGUAGE, "Wellington, Washington?")) is None
    assert reason(walk([LANGUAGE], draft(QUESTION, REPLY, "Wellington?", "Ez."))) is None
    assert reason(walk([LANGUAGE], draft("Kaixo!", "Kaixo, zer moduz?"))) is None


def test_short_turns_that_are_foreign_together_are_dropped_at_the_conversation() -> None:
    made = draft("Hong Kong!", "Cape Town?", "Los Angeles!", "Buenos Aires.")
    assert all(reason(LANGUAGE.judge(_cut(made, count), Gate.REPLY)) is None for count in (2, 4))
    verdict = walk([LANGUAGE], made)
    assert reason(verdict) == "language.foreign"
    assert verdict.turn == 0  # type: ignore[union-attr]


def test_of_short_turns_the_one_at_fault_is_named() -> None:
    verdict = walk([LANGUAGE], draft("Kaixo, zer moduz?", "你好，我是一个人工智能助手。"))
    assert reason(verdict) == "language.foreign"
    assert verdict.turn == 1  # type: ignore[union-attr]


def test_ordinals_are_no_foreign_grammar() -> None:
    text = "Luis XIV.a Frantzian, Filipe II.a Espainian eta Henrike VIII.a Ingalaterran."
    assert reason(judge_last(LANGUAGE, "Nor zen errege garai hartan?", text)) is None


def test_a_turn_is_judged_by_the_language_it_is_meant_to_be_in() -> None:
    made = draft(SPANISH, language="es")
    assert reason(LANGUAGE.judge(made, Gate.USER_TURN)) is None
    assert reason(LANGUAGE.judge(draft(QUESTION, language="es"), Gate.USER_TURN)) == "language.foreign"
    assert reason(LANGUAGE.judge(draft(SPANISH, language="gl"), Gate.USER_TURN)) == "language.foreign"
    with pytest.raises(LanguageError, match="does not know the language 'xx'"):
        LANGUAGE.judge(draft(SPANISH, language="xx"), Gate.USER_TURN)


@pytest.mark.parametrize(
    "text", ["Non jaio zen Arvydas Romas Sabonis?", "zein da tenperatura jacksonvillen ( florida ) ?"]
)
def test_function_words_save_short_sentences_full_of_names(text: str) -> None:
    bare = LanguageJudge.open(LanguageFilter(), PACK.model_copy(update={"function_words": ("hori",)}))
    assert reason(walk([bare], draft(text))) == "language.foreign"
    assert reason(walk([LANGUAGE], draft(text))) is None


@pytest.mark.parametrize(
    "text",
    [
        "Horregatik erosi zuten etxe handi hura pero ahora no saben qué hacer con ella.",
        f"{REPLY} {REPLY} Leaves are falling from the trees in this season. {QUESTION} {REPLY}",
    ],
)
def test_mixed_turns_are_dropped_with_the_words(text: str) -> None:
    verdict = judge_last(LANGUAGE, text)
    assert isinstance(verdict, Drop)
    assert verdict.reason == "language.mixed"
    assert "pero ahora no saben" in verdict.evidence or "falling from the trees" in verdict.evidence


def test_a_quotation_may_be_foreign_but_not_most_of_the_turn() -> None:
    quoting = f'{REPLY} Hemingwayk honela idatzi zuen behin: "{ENGLISH[:40]}". {QUESTION}'
    assert reason(judge_last(LANGUAGE, quoting)) is None
    assert reason(judge_last(LANGUAGE, f'Honela idatzi zuen: "{ENGLISH}"')) in ("language.foreign", "language.mixed")


@pytest.mark.parametrize(
    "text",
    [
        "txoxa rrego tzutsi xabekotze gaxitzu kotzarri zutxebe",
        "kerte maskil ondrupa lasteki burnodia zemparo gildusko",
        "asdfg hjkle qwert yuiop zxcvb asdkj qpwoe",
    ],
)
def test_word_like_noise_is_dropped(text: str) -> None:
    assert reason(judge_last(LANGUAGE, text)) in ("language.gibberish", "language.foreign", "language.mixed")


@pytest.mark.parametrize(
    "text",
    [
        "Momento zehatzatan jendien erantzune da konpromisue argi ikusten da.",
        "Bidxok 60 urte eitziar gauzela, lehen ikusten ez genduzan gauza askori kasu eitzen hasi gara.",
        "Udaberri hontan xoriak zuhaitzetan kantari ari dira goiz guziez.",
        "1. Patatak zuritu\n2. Atuna txikitu\n3. Dena ordu erdiz egosi",
        "| Hiria | Biztanleak |\n|---|---|\n| Bilbo | 345.000 |\n| Donostia | 187.000 |\n| Gasteiz | 250.000 |",
        "2024an 3.512 lagun, 2023an 2.871; hau da, % 22 gehiago. 🎉🎉",
        "Uruguai, Brasil, Paraguai, Bolivia eta Argentinan bizi dira.",
    ],
)
def test_dialects_lists_tables_figures_and_names_are_kept(text: str) -> None:
    assert reason(judge_last(LANGUAGE, text)) is None


def test_a_drop_says_which_segment() -> None:
    verdict = judge_last(LANGUAGE, f"{REPLY} {SPANISH} {SPANISH}")
    assert isinstance(verdict, Drop)
    assert verdict.reason == "language.foreign"
    assert verdict.evidence.startswith("segment 2: es (")


def test_turns_of_a_translation_task_are_held_to_their_own_languages() -> None:
    task = draft("Itzuli gaztelaniara esaldi hau, mesedez: egunak laburragoak dira.", SPANISH)
    bilingual = task.model_copy(update={"turns": (task.turns[0], task.turns[1].model_copy(update={"language": "es"}))})
    assert reason(walk([LANGUAGE], task)) == "language.foreign"
    assert reason(walk([LANGUAGE], bilingual)) is None
    wrong = bilingual.model_copy(
        update={"turns": (bilingual.turns[0], bilingual.turns[1].model_copy(update={"content": REPLY}))}
    )
    verdict = walk([LANGUAGE], wrong)
    assert reason(verdict) == "language.foreign"
    assert verdict.turn == 1  # type: ignore[union-attr]


def test_the_same_text_gets_the_same_answer_also_after_pickling() -> None:
    again: LanguageJudge = pickle.loads(pickle.dumps(LANGUAGE))  # noqa: S301
    assert again == LANGUAGE
    assert len(pickle.dumps(LANGUAGE)) < 4_000
    for text in (QUESTION, SPANISH, "Kaixo mundua, hello world and good bye"):
        assert len({judge_last(judge, text).model_dump_json() for judge in (LANGUAGE, again, LANGUAGE)}) == 1


@settings(max_examples=60)
@given(st.lists(st.text(max_size=120), min_size=1, max_size=6))
def test_no_text_raises_and_order_does_not_matter(contents: list[str]) -> None:
    conversations = [draft(content) for content in contents] + [draft(*contents)]
    answers = [walk([LANGUAGE], one) for one in conversations]
    assert [walk([LANGUAGE], one) for one in reversed(conversations)] == answers[::-1]


def test_the_answer_is_the_same_in_any_thread_and_process() -> None:
    batch = [(draft(text), Gate.USER_TURN) for text in (QUESTION, SPANISH, f"{REPLY} {ENGLISH}", "Bai", "😀") * 4]
    here = [LANGUAGE.judge(*one) for one in batch]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda one: LANGUAGE.judge(*one), batch)) == here
    alone = {name: {"enabled": False} for name in ("shape", "repetition", "duplicates")}
    with ProcessPoolExecutor(
        2,
        multiprocessing.get_context("spawn"),
        initializer=init_worker,
        initargs=(Filters.model_validate(alone), PACK),
    ) as processes:
        assert list(processes.map(judge_in_worker, [[one] for one in batch])) == [[verdict] for verdict in here]


@pytest.mark.parametrize(
    "unit", ["a", "1\n", "kaixo ", "<!--", "```a\n", "😀", "\0", "\x07a ", "漢字", "a@", "$a ", '"a" ', "Kaixo Ane. "]
)
def test_a_megabyte_gets_an_answer(unit: str) -> None:
    judge_last(LANGUAGE, unit * (1_000_000 // len(unit)))


def test_a_hundred_thousand_turns_get_an_answer() -> None:
    assert reason(LANGUAGE.judge(draft(*(["Kaixo, zer moduz?", "Ondo nago."] * 50_000)), Gate.CONVERSATION)) is None


FILMS = (
    "The Lord of the Rings",
    "The Good, the Bad and the Ugly",
    "One Flew Over the Cuckoo's Nest",
    "Gone with the Wind",
)
ENOUGH = " ".join([REPLY, "Horregatik gustatzen zaizkit film horiek, eta nik denei gomendatzen dizkiet beti."] * 12)


@pytest.mark.parametrize(
    "films",
    [
        "\n".join(f"- {film} (1975)" for film in FILMS),
        "\n".join(f"{number}. **{film}**" for number, film in enumerate(FILMS, 1)),
        "\n".join(("| Izena |", "|---|", *(f"| {film} |" for film in FILMS))),
        ", ".join(f'"{film}"' for film in FILMS),
        ", ".join(f"*{film}*" for film in FILMS),
    ],
    ids=["list", "numbered", "table", "quoted", "emphasised"],
)
def test_a_list_of_names_is_no_reason_to_stop_a_reply(films: str) -> None:
    reply = f"Hona hemen zerrenda:\n\n{films}\n\n{ENOUGH}"
    assert reason(judge_last(LANGUAGE, QUESTION, reply)) is None
    for end in range(0, len(reply) - len(ENOUGH) + 400, 10):
        assert reason(LANGUAGE.judge(draft(QUESTION, reply[:end]), Gate.SAMPLING)) is None, reply[:end]


@pytest.mark.parametrize("text", [ENGLISH, SPANISH, f"- Bai.\n\n{ENGLISH}", f"«Bai.» {SPANISH}"])
def test_sentences_in_another_language_stop_a_turn(text: str) -> None:
    assert reason(LANGUAGE.judge(draft(QUESTION, text), Gate.SAMPLING)) == "language.foreign"


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
    assert kept_right / (kept_right + kept_wrong) >= 0.98
    assert kept_right / (kept_right + dropped_wrong) >= 0.985


def _conversation(turns: list[dict[str, str]]) -> Draft:
    """The rows alternate roles, starting with the user."""
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * (len(turns) // 2) + ["user"] * (len(turns) % 2)
    return draft(*(turn["content"] for turn in turns))
