"""Answers come back as they were written, whatever version wrote them."""

from effsearch.results.kinds.baseline import BaselineAnswer
from effsearch.results.kinds.family import FamilyAnswer


def test_an_answer_comes_back_as_it_was_written() -> None:
    document = {"kind": "family", "run": "family/001", "family": "published", "members": []}
    written = FamilyAnswer.from_dict(document | {"flops_convention": "", "versions": {}}).to_dict()
    assert FamilyAnswer.from_dict(written).to_dict() == written
    assert "baseline" not in written


def test_what_another_version_wrote_or_did_not_write_is_no_hindrance() -> None:
    answer = BaselineAnswer.from_dict({"accuracy": 0.5, "of_a_later_version": 1})
    assert (answer.accuracy, answer.chosen_by, answer.costs) == (0.5, None, {})


def test_costs_of_this_search_alone_stand_beside_the_others() -> None:
    answer = BaselineAnswer.from_dict({"macs": 5, "costs": {"macs": 4, "total_memory_bytes": 9}})
    document = answer.to_dict()
    assert (document["macs"], document["total_memory_bytes"]) == (5, 9)
    assert "costs" not in document
