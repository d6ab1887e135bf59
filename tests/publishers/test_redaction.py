"""What a publication does not tell about the machine that made it."""

from __future__ import annotations

import pytest

from publishers.redaction import redacted, without_folders, without_secrets
from tests.support.publishers_builds import manifest, recipe_fields


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "repeats row 3 of /home/ane/data/bench.parquet; this one: Kaixo",
            "repeats row 3 of bench.parquet; this one: Kaixo",
        ),
        ("'/srv/a/b'", "'b'"),
        ("https://example.org/a/b stays", "https://example.org/a/b stays"),
        ("1/2/3 and either/or stay", "1/2/3 and either/or stay"),
        ("<b>bai</b> stays", "<b>bai</b> stays"),
    ],
)
def test_folders_are_left_out_of_a_text(text: str, told: str) -> None:
    assert without_folders(text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "could not reach http://ane:hitza@proxy:8080/a?x=1 (refused)",
            "could not reach http://proxy:8080/a (refused)",
        ),
        ("PUT 'https://store/a?X-Amz-Signature=abc' failed", "PUT 'https://store/a' failed"),
        ("see https://huggingface.co/settings/tokens", "see https://huggingface.co/settings/tokens"),
    ],
)
def test_addresses_are_quoted_without_their_secrets(text: str, told: str) -> None:
    assert without_secrets(text) == told


def test_what_passes_through_to_the_engine_tells_no_place_and_no_secret() -> None:
    arguments = {
        "dtype": "bfloat16",
        "max_model_len": 4096,
        "enforce_eager": True,
        "otlp_traces_endpoint": "http://10.1.2.3:4317",
        "kv_transfer_config": {"kv_ip": "10.1.2.3", "kv_rank": 0},
        "compilation_config": '{"cache_dir": "/home/ane/cache"}',
        "extra": ["--download-dir=/home/ane/x", 3],
        "HF_TOKEN": "hf_x",
        "hf-token": "hf_x",
        "apiKey": "x",
    }
    recipe = recipe_fields() | {"backbone": {"kind": "vllm", "model": "org/eredua", "engine_args": arguments}}
    told = redacted(manifest((), recipe)).provenance.recipe["backbone"]
    assert told == {
        "kind": "vllm",
        "model": "org/eredua",
        "engine_args": {
            "dtype": "bfloat16",
            "max_model_len": 4096,
            "enforce_eager": True,
            "kv_transfer_config": {"kv_rank": 0},
            "extra": [3],
        },
    }
