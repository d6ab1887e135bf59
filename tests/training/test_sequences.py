"""Sequences on disk: what was written is read, and what a kill has left is not."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from training.loss_mask import IGNORED, Encoded
from training.packs import dataset
from training.sequences import Sequences, SequenceWriter

FIRST = Encoded([5, 6, 7], [IGNORED, 6, 7])
SECOND = Encoded([0, 70_000], [IGNORED, IGNORED])
THIRD = Encoded([9, 8, 7, 6], [IGNORED, IGNORED, IGNORED, 6])


@pytest.fixture
def sequences(tmp_path: Path) -> Sequences:
    with SequenceWriter(tmp_path / "data") as writer:
        assert [writer.append(sequence) for sequence in (FIRST, SECOND, THIRD)] == [0, 1, 2]
        assert writer.lengths.tolist() == [3, 2, 4]
        assert writer.learnt.tolist() == [2, 0, 1]
    return Sequences(tmp_path / "data")


def test_joined_sequences_stand_in_the_order_asked_for_and_may_repeat(sequences: Sequences) -> None:
    assert sequences.joined([2, 0, 0]) == {
        "input_ids": [*THIRD.ids, *FIRST.ids, *FIRST.ids],
        "labels": [*THIRD.labels, *FIRST.labels, *FIRST.labels],
        "seq_lengths": [4, 3, 3],
    }


def test_a_token_of_id_zero_is_learnt_where_it_is_one(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path) as writer:
        writer.append(Encoded([3, 0], [IGNORED, 0]))
    assert Sequences(tmp_path).joined([0])["labels"] == [IGNORED, 0]


def test_nothing_written_is_nothing_read(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path):
        pass
    assert len(Sequences(tmp_path)) == 0


def test_a_writer_that_fails_leaves_nothing_to_be_read(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), SequenceWriter(tmp_path) as writer:
        writer.append(FIRST)
        raise KeyboardInterrupt
    with pytest.raises(FileNotFoundError):
        Sequences(tmp_path)


def test_another_process_gets_the_place_and_not_the_tokens(sequences: Sequences) -> None:
    sent = pickle.dumps(sequences)
    assert len(sent) < 500
    assert pickle.loads(sent).joined([1]) == sequences.joined([1])  # noqa: S301 - our own


def test_a_dataset_of_packs_joins_a_pack_when_it_is_asked_for(sequences: Sequences) -> None:
    packs = dataset(sequences, [[0, 2], [1]])
    assert packs[0] == sequences.joined([0, 2])
    assert packs[1]["labels"] == [IGNORED, IGNORED]
    assert packs[:]["seq_lengths"] == [[3, 4], [2]]
