"""One endpoint: how it is reached, and what its answers are taken for."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.completions import Asked, read_completion
from generators.endpoint import ContextFullError, Endpoint, RefusedError, open_session
from generators.json_answer import json_object
from generators.retries import BusyError, LostError, Retry
from tests.support.generators_server import Answer, faulty_server

nan, infinity = float("nan"), float("inf")
values = st.sampled_from(
    [
        None,
        True,
        False,
        -1,
        0,
        1,
        2,
        1.5,
        10**12,
        10**20,
        nan,
        infinity,
        "",
        "a",
        "stop",
        "\ud83d",
        [],
        [1, 2],
        ["a"],
        [True],
        {},
        {"a": 1},
    ]
)
choices = st.fixed_dictionaries(
    {}, optional={"text": values, "finish_reason": values, "token_ids": values, "logprobs": values}
)
answers = st.fixed_dictionaries(
    {},
    optional={
        "choices": st.lists(choices, max_size=2) | values,
        "usage": st.fixed_dictionaries({}, optional={"completion_tokens": values, "prompt_tokens": values}) | values,
    },
)


@given(answers)
def test_an_answer_is_a_sound_completion_or_none(answer: dict[str, Any]) -> None:
    try:
        got = read_completion(json_object(json.dumps(answer).encode()), Asked(3, 2))
    except Retry:
        return
    got.text.encode()
    assert got.finish_reason in {"stop", "length"}
    assert type(got.completion_tokens) is int
    assert 0 <= got.completion_tokens <= 10, "8 more than were asked for, at most"
    assert got.prompt_tokens == 3
    assert got.token_ids is None or len(got.token_ids) == got.completion_tokens


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_none(text: bytes) -> None:
    with contextlib.suppress(Retry):
        assert isinstance(json_object(text), dict)


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, "bad", RefusedError),
        (400, "This model's maximum context length is 2 tokens.", ContextFullError),
        (401, "who are you?", RefusedError),
        (307, "elsewhere", RefusedError),
        (408, "late", Retry),
        (429, "slower", BusyError),
        (500, "broken", Retry),
        (0, "", LostError),
    ],
)
async def test_what_is_no_answer(status: int, said: str, kind: type[Exception]) -> None:
    answer = Answer(status, {"error": {"message": said}}, {"Location": "http://127.0.0.1:9/"})
    async with faulty_server(answer) as server, open_session({}) as session:
        with pytest.raises(kind) as raised:
            await Endpoint(server.url, session).answer("completions", {"max_tokens": 2})
    assert said in str(raised.value)


async def test_the_environment_s_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with faulty_server() as proxy, open_session({}) as session:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        await Endpoint("http://eredua.invalid/v1", session).look_up("proba")
        assert proxy.looks == 1
        await Endpoint(proxy.url, session).look_up("proba")
        assert proxy.looks == 2
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        await Endpoint(proxy.url, session).look_up("proba")
        with pytest.raises(LostError):
            await Endpoint("http://eredua.invalid/v1", session).look_up("proba")
