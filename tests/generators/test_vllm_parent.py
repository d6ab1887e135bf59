"""An engine ends with its parent, and a start that fails is one line. Real vLLM, each time in a process of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from generators.engine_guard import engine_processes
from tests.support.generators_models import save_model
from tests.support.generators_processes import parent, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

PARENT = """
import asyncio, sys
from generators.backbone import SampleRequest
from generators.vllm_backbone import VllmBackbone
from schemas.errors import IturriError
from schemas.backbones import VllmBackbone as Spec
from schemas.sampling import Sampling

async def main():
    backbone = VllmBackbone(Spec(model=sys.argv[1], engine_args={"max_model_len": 512}), "probakoa")
    try:
        async with backbone:
            print(backbone._host._token, backbone._host.log, flush=True)
            endless = Sampling(max_tokens=400, ignore_eos=True)
            while True:
                calls = (backbone.sample(SampleRequest(f"0.{n}", [5], endless, (), "user")) for n in range(64))
                await asyncio.gather(*calls)
    except IturriError as error:
        print(f"{type(error).__name__}: {error}")

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "parent.py"
    path.write_text(PARENT)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_model(tmp_path / "eredua", "gemma")


def test_a_busy_engine_ends_within_ten_seconds_of_a_killed_parent(script: Path, folder: Path) -> None:
    with parent(script, str(folder)) as process:
        assert process.stdout is not None
        token, log = process.stdout.readline().split()
        engine = engine_processes(token)
        assert len(engine) >= 2  # the engine core and its worker
        assert all(Path(f"/proc/{number}").exists() for number in engine)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_until(lambda: not engine_processes(token), 10)
    Path(log).unlink()


def test_an_engine_that_cannot_load_its_weights_is_one_line(script: Path, folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with parent(script, str(folder)) as process:
        said, _ = process.communicate()
    assert said.startswith("BackboneError: backbone probakoa: vLLM does not start: SafetensorError: ")
    assert len(said.splitlines()) == 1
    Path(said.split("its log is ")[1].strip()).unlink()
