"""The live memory: changes decide within a second, mistakes change nothing, and every decision is counted."""

from __future__ import annotations

import gc
import multiprocessing
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from merchant_classifier import MerchantClassifier, Reason
from merchant_classifier.errors import MemoryFileError
from merchant_classifier.memory import SPELLING_CONFIDENCE
from merchant_classifier.rules import Kind, NewRule
from tests.memory_files import add_lines, rule, write

TOMORROW = date.today() + timedelta(days=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "memory.csv", [rule(17, "exact", "qwertz", "5814")])


@pytest.fixture
def classifier(tiny_path: Path, path: Path) -> MerchantClassifier:
    return MerchantClassifier.load(tiny_path, memory=path)


def soon(condition: Callable[[], bool]) -> bool:
    """Whether it becomes true in ten seconds: a second for users, ten for a busy test machine."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_a_rule_overrules_the_network_and_says_so(classifier: MerchantClassifier, tiny: MerchantClassifier) -> None:
    answer, before = classifier.predict("QWERTZ"), tiny.predict("QWERTZ")
    assert (answer.mcc, answer.label, answer.category) == ("5814", "Fast food and coffee shops", "restaurants")
    assert (answer.reason, answer.decided_by, answer.confidence) == (Reason.MEMORY, "memory#17", 1.0)
    assert (answer.model_mcc, answer.candidates) == (before.model_mcc, before.candidates)


def test_other_descriptions_are_answered_as_without_memory(
    classifier: MerchantClassifier, tiny: MerchantClassifier
) -> None:
    texts = ["hotel hilton munich", "QWERTZ UIOP", "", "salary acme"]
    assert classifier.predict_many(texts) == tiny.predict_many(texts)


def test_a_rule_can_say_that_it_is_no_merchant(tiny_path: Path, path: Path) -> None:
    write(path, [rule(3, "exact", "hotel", "not_a_merchant")])
    answer = MerchantClassifier.load(tiny_path, memory=path).predict("hotel")
    assert (answer.mcc, answer.label, answer.category, answer.brand_mcc) == (None, None, "not_a_merchant", None)


def test_a_description_without_words_can_be_decided_by_how_it_came(tiny_path: Path, path: Path) -> None:
    write(path, [rule(3, "pattern", "*0815*")])
    assert MerchantClassifier.load(tiny_path, memory=path).predict("#0815").decided_by == "memory#3"


def test_a_memo_does_not_keep_a_rule_from_deciding(tiny_path: Path, path: Path) -> None:
    classifier = MerchantClassifier.load(tiny_path, memory=path, memo=10)
    assert classifier.predict("ASDF").decided_by == "model"
    assert classifier.memory is not None
    classifier.memory.add([NewRule(Kind.EXACT, "asdf", "5812")])
    assert classifier.predict("ASDF").mcc == "5812"


def test_a_line_added_to_the_file_decides_in_the_running_process(classifier: MerchantClassifier, path: Path) -> None:
    add_lines(path, "18,exact,asdf,5812,,ann,because,2026-01-01,")
    assert soon(lambda: classifier.predict("ASDF").decided_by == "memory#18")


def test_a_file_that_takes_its_place_decides(classifier: MerchantClassifier, path: Path, tmp_path: Path) -> None:
    write(tmp_path / "new.csv", [rule(5, "exact", "asdf", "5812")]).replace(path)
    assert soon(lambda: classifier.predict("ASDF").decided_by == "memory#5")
    assert classifier.predict("QWERTZ").decided_by == "model"


def test_a_wrong_line_keeps_the_old_rules_and_is_named(
    classifier: MerchantClassifier, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory = classifier.memory
    assert memory is not None
    add_lines(path, "18,exact,asdf,5812,,ann,because,yesterday,")
    assert soon(lambda: memory.error is not None)
    assert f"{path}:4: created: expected a date" in str(memory.error)
    assert f"{path}:4" in caplog.text
    assert classifier.predict("QWERTZ").decided_by == "memory#17"
    write(path, [rule(17, "exact", "qwertz"), rule(18, "exact", "asdf")])
    assert soon(lambda: memory.error is None)
    assert classifier.predict("ASDF").decided_by == "memory#18"


def test_a_file_that_vanishes_keeps_the_old_rules(classifier: MerchantClassifier, path: Path) -> None:
    memory = classifier.memory
    assert memory is not None
    path.unlink()
    assert soon(lambda: memory.error is not None)
    assert classifier.predict("QWERTZ").decided_by == "memory#17"


def test_no_call_fails_while_the_file_changes(classifier: MerchantClassifier, path: Path) -> None:
    failures: list[Exception] = []
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            try:
                assert classifier.predict("QWERTZ").decided_by == "memory#17"
            except Exception as error:
                failures.append(error)
                return

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    assert classifier.memory is not None
    for number in range(20, 60):
        add_lines(path, f"{number},exact,shop {'abcdefghij'[number % 10]},5812,,ann,because,2026-01-01,")
        classifier.memory.reload()
    stop.set()
    for caller in callers:
        caller.join()
    assert failures == []


def test_an_answer_the_model_does_not_know_is_refused_with_its_line(tiny_path: Path, path: Path) -> None:
    write(path, [rule(1, "exact", "a shop"), rule(2, "exact", "b shop", "1234")])
    with pytest.raises(MemoryFileError, match=r":4: mcc: expected one of the model's 30 labels, found '1234'"):
        MerchantClassifier.load(tiny_path, memory=path)


def test_adding_an_unknown_answer_writes_nothing(classifier: MerchantClassifier, path: Path) -> None:
    before = path.read_bytes()
    assert classifier.memory is not None
    with pytest.raises(MemoryFileError):
        classifier.memory.add([NewRule(Kind.EXACT, "a shop", "5812"), NewRule(Kind.EXACT, "b shop", "1234")])
    assert path.read_bytes() == before


def test_decisions_are_counted_across_reloads(classifier: MerchantClassifier) -> None:
    memory = classifier.memory
    assert memory is not None
    for _ in range(3):
        classifier.predict("QWERTZ")
    memory.reload()
    classifier.predict_many(["QWERTZ", "hotel"])
    assert memory.hits == {17: 4}


def test_a_confirmed_merchant_decides_about_its_spellings_at_once(classifier: MerchantClassifier) -> None:
    memory = classifier.memory
    assert memory is not None
    (added,) = memory.add([NewRule(Kind.MERCHANT, "Blue Bottle", "5813", author="ann", reason="visited")])
    for text, confidence in (("SQ *BLUE BOTTLE", 1.0), ("BLUEBOTTLE", SPELLING_CONFIDENCE), ("BLUE BOTT", 0.97)):
        answer = classifier.predict(text)
        assert (answer.mcc, answer.decided_by, answer.confidence) == ("5813", f"memory#{added.id}", confidence)
    assert classifier.predict("BLUE BAKERY").decided_by == "model"


def test_a_spelling_that_goes_on_must_look_alike_to_the_network(
    classifier: MerchantClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert classifier.memory is not None
    classifier.memory.add([NewRule(Kind.MERCHANT, "hotel", "5813")])
    alike = float(classifier.represent(["hotel"])[0] @ classifier.represent(["hotel salary"])[0])
    monkeypatch.setattr("merchant_classifier.memory.LIKENESS", alike + 0.05)
    assert classifier.predict("HOTEL SALARY").decided_by == "model"
    monkeypatch.setattr("merchant_classifier.memory.LIKENESS", alike - 0.05)
    assert classifier.predict("HOTEL SALARY").mcc == "5813"


def test_confirmed_merchants_are_evidence(classifier: MerchantClassifier) -> None:
    memory = classifier.memory
    assert memory is not None
    (added,) = memory.add([NewRule(Kind.MERCHANT, "Blue Bottle", "5813")])
    first = classifier.explain("blue bottle").neighbours[0]
    assert (first.name, first.label, first.source) == ("Blue Bottle", "5813", f"memory#{added.id}")


def test_an_expired_confirmed_merchant_is_no_evidence(tiny_path: Path, path: Path) -> None:
    write(path, [rule(1, "merchant", "blue", expires=date(2021, 1, 1)), rule(2, "merchant", "red", expires=TOMORROW)])
    classifier = MerchantClassifier.load(tiny_path, memory=path)
    sources = [neighbour.source for neighbour in classifier.explain("blue red", count=100).neighbours]
    assert "memory#2" in sources
    assert "memory#1" not in sources


def test_a_closed_memory_keeps_its_rules_and_reads_no_more(classifier: MerchantClassifier, path: Path) -> None:
    memory = classifier.memory
    assert memory is not None
    memory.close()
    add_lines(path, "18,exact,asdf,5812,,ann,because,2026-01-01,")
    time.sleep(0.6)
    assert classifier.predict("ASDF").decided_by == "model"
    assert classifier.predict("QWERTZ").decided_by == "memory#17"


def watching_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "merchant-memory"}


def test_the_watching_thread_ends_with_its_classifier(tiny_path: Path, path: Path) -> None:
    before = watching_threads()
    loaded = MerchantClassifier.load(tiny_path, memory=path)
    (own,) = watching_threads() - before
    del loaded
    gc.collect()
    assert soon(lambda: not own.is_alive())


def _answer_after_change(classifier: MerchantClassifier, path: Path, found: object) -> None:
    add_lines(path, "18,exact,asdf,5812,,ann,because,2026-01-01,")
    found.value = soon(lambda: classifier.predict("ASDF").mcc == "5812")  # type: ignore[attr-defined]


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="processes are not forked here")
def test_a_forked_child_follows_the_file_too(classifier: MerchantClassifier, path: Path) -> None:
    context = multiprocessing.get_context("fork")
    found = context.Value("b", False)
    child = context.Process(target=_answer_after_change, args=(classifier, path, found))
    child.start()
    child.join(30)
    assert found.value
