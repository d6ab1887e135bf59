"""A Magpie job in distilabel, as its documentation has it. Runs in the peer's environment: its job is argument one.

Prints one line of JSON, `{"rows": N}`, when it has got its rows.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from distilabel.models import ClientvLLM
from distilabel.pipeline import Pipeline
from distilabel.steps.tasks import MagpieGenerator


def run(job: dict[str, Any]) -> int:
    """The rows that came out."""
    with Pipeline(name="magpie", cache_dir=str(Path(job["folder"]))) as pipeline:
        MagpieGenerator(
            llm=ClientvLLM(
                base_url=f"{job['url']}/v1",
                tokenizer=job["tokenizer"],
                timeout=600,
                use_magpie_template=True,
                magpie_pre_query_template="<|user|>",
                generation_kwargs={"max_new_tokens": job["max_tokens"], "temperature": 1.0},
            ),
            n_turns=2,
            num_rows=job["rows"],
            batch_size=job["batch"],
            system_prompt=job["system_prompts"],
        )
    made = pipeline.run(use_cache=False)
    rows = [row for row in made["default"]["train"] if len(row["conversation"]) == 4]
    return len(rows)


if __name__ == "__main__":
    rows = run(json.loads(sys.argv[1]))
    print(json.dumps({"rows": rows}))
