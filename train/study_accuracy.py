"""How often each system of the study is right, with what evidence, and what an update does to the rest."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from merchant_classifier.classifier import MerchantClassifier
from merchant_classifier.decision import NOT_A_MERCHANT
from merchant_classifier.memory import Memory
from merchant_classifier.prediction import Prediction
from merchant_classifier.rules import Kind, NewRule, Rule
from merchant_classifier.spelling import Spellings
from merchant_classifier.text import normalize
from train import metrics, runs
from train.config import Config
from train.retrieval import Found, Index, best_share, distribution, majority, mixed
from train.study_sets import Lines, Sets

UPDATED = ("new", "changed")
SHOWN = ("seen", "unseen", *UPDATED)

NETWORK = "network alone"
FROZEN = "frozen retrieval"
SMALL = "tuned retrieval, small"
LARGE = "tuned retrieval"
NEAREST = "tuned retrieval, nearest"
MIXED = "network + retrieval"
MEMORY = "network + memory"
RETRAINED = "network, trained again"
SYSTEMS = (NETWORK, FROZEN, SMALL, LARGE, NEAREST, MIXED, MEMORY, RETRAINED)

_LIKENESSES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
_MAX_TOKENS = 24
_ROWS = 50_000

Answers = NDArray[np.int64]
Represent = Callable[[list[str]], NDArray[np.float32]]
Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Training rows for the indexes: normalised words and label number of each."""

    words: list[str]
    labels: NDArray[np.int64]


class Comparison:
    """The systems, before and after they were told of new and changed merchants.

    Args:
        large: rows of the fine-tuned encoder's index, at most.
        frozen: rows of the frozen encoder's, at most; 0 leaves that system out.
    """

    def __init__(self, config: Config, classifier: MerchantClassifier, sets: Sets, large: int, frozen: int) -> None:
        self.classifier, self.sets = classifier, sets
        self._names = [label.name for label in classifier.decider.labels]
        self._number = {name: number for number, name in enumerate(self._names)}
        self._base = config.teacher.base
        rows = _training_rows(config, self._number, large)
        self.index = Index(classifier.represent(rows.words), rows.labels, rows.words)
        self._frozen = None
        if frozen:
            self._frozen = Index(self._embed(rows.words[:frozen]), rows.labels[:frozen], rows.words[:frozen])
        self.merchants = [*sets.new, *sets.changed]

    @property
    def sizes(self) -> dict[str, int]:
        """Rows of the indexes."""
        return {"large": len(self.index.labels), "small": len(self._frozen.labels) if self._frozen else 0}

    # --- accuracy -------------------------------------------------------------------------------

    def accuracy(
        self, lines: Mapping[str, Lines], with_memory: MerchantClassifier, retrained: MerchantClassifier | None
    ) -> Facts:
        """Share of right MCCs of every system on every set: after the update, and before it where it matters.

        And how far the network is ahead of retrieval with its own vectors, line by line.
        """
        share = self._tuned_share(lines["tuning"])
        before: dict[str, Facts] = {}
        after: dict[str, Facts] = {}
        ahead: Facts = {}
        for name in SHOWN:
            part, truth = lines[name], self._truth(lines[name])
            right: dict[str, NDArray[np.float64]] = {}
            for system, old, new in self._answers(part, share, with_memory, retrained):
                right[system] = (new == truth).astype(np.float64)
                if name in UPDATED:
                    before.setdefault(system, {})[name] = metrics.interval(old == truth, part.keys)
                after.setdefault(system, {})[name] = metrics.interval(new == truth, part.keys)
            ahead[name] = metrics.interval(right[NETWORK] - right[LARGE], part.keys)
        return {"accuracy": after, "accuracy_before": before, "network_ahead": ahead, "neighbours_share": share}

    def _answers(
        self, part: Lines, share: float, with_memory: MerchantClassifier, retrained: MerchantClassifier | None
    ) -> Iterator[tuple[str, Answers, Answers]]:
        """Each system's answers before and after the update."""
        network = self._probabilities(self.classifier, part)
        alone = network.argmax(axis=1)
        yield NETWORK, alone, alone
        if self._frozen:
            yield FROZEN, *self._retrieved(self._frozen, self._embed(_words(part)), self._embed)
            small = self.index.first(len(self._frozen.labels))
            yield SMALL, *self._retrieved(small, self.classifier.represent(part.texts), self.classifier.represent)
        queries = self.classifier.represent(part.texts)
        found = [index.find(queries) for index in (self.index, self.updated(self.index, self.classifier.represent))]
        yield LARGE, majority(found[0]), majority(found[1])
        yield NEAREST, majority(found[0], 1), majority(found[1], 1)
        yield MIXED, self._mixed(network, found[0], share), self._mixed(network, found[1], share)
        yield MEMORY, alone, self._with_memory(alone, part, with_memory)
        if retrained is not None:
            yield RETRAINED, alone, self._probabilities(retrained, part).argmax(axis=1)

    def _retrieved(self, index: Index, queries: NDArray[np.float32], represent: Represent) -> tuple[Answers, Answers]:
        return majority(index.find(queries)), majority(self.updated(index, represent).find(queries))

    def updated(self, index: Index, represent: Represent) -> Index:
        """An index that was told of the new and changed merchants."""
        words = [normalize(merchant.name).text for merchant in self.merchants]
        labels = np.array([self._number[merchant.label] for merchant in self.merchants])
        return index.changed(np.asarray(represent(words), np.float32), labels, words)

    def _mixed(self, network: NDArray[np.float64], found: Found, share: float) -> Answers:
        return mixed(network, distribution(found, len(self._names)), share)

    def _tuned_share(self, part: Lines) -> float:
        found = self.index.find(self.classifier.represent(part.texts))
        network = self._probabilities(self.classifier, part)
        return best_share(network, distribution(found, len(self._names)), self._truth(part))

    def _with_memory(self, alone: Answers, part: Lines, with_memory: MerchantClassifier) -> Answers:
        answers = with_memory.predict_many(part.texts)
        pairs = zip(answers, alone.tolist(), strict=True)
        return np.array([number if a.decided_by == "model" else self._of(a) for a, number in pairs], np.int64)

    def _of(self, answer: Prediction) -> int:
        # What is no merchant has a category of its own and no label of a trade.
        return self._number[answer.mcc or answer.category or NOT_A_MERCHANT]

    # --- evidence -------------------------------------------------------------------------------

    def evidence(self, lines: Mapping[str, Lines], with_memory: MerchantClassifier) -> Facts:
        """How often the network is right where its neighbours agree and where not, and answers come with a source."""
        part = lines["unseen"]
        explained = [self.classifier.explain(text) for text in part.texts]
        agree = np.array([bool(evidence.agree) for evidence in explained])
        best = self._probabilities(self.classifier, part).argmax(axis=1)
        right = best == self._truth(part)
        shown = [
            any(neighbour.label == self._names[answer] for neighbour in evidence.neighbours)
            for evidence, answer in zip(explained, best.tolist(), strict=True)
        ]
        keys = np.array(part.keys)
        return {
            "agree": metrics.interval(agree, part.keys),
            "right_where_they_agree": metrics.interval(right[agree], keys[agree].tolist()),
            "right_where_they_disagree": metrics.interval(right[~agree], keys[~agree].tolist()),
            "right_with_a_source_of_that_label": metrics.interval(right & np.array(shown), part.keys),
            "right": metrics.interval(right, part.keys),
            **{f"{name}_right_by_a_named_rule": self._by_rule(lines[name], with_memory) for name in UPDATED},
        }

    def _by_rule(self, part: Lines, with_memory: MerchantClassifier) -> dict[str, float]:
        answers = with_memory.predict_many(part.texts)
        named = [
            a.decided_by != "model" and self._of(a) == t
            for a, t in zip(answers, self._truth(part).tolist(), strict=True)
        ]
        return metrics.interval(np.array(named), part.keys)

    # --- what an update does elsewhere ----------------------------------------------------------

    def elsewhere(self, lines: Mapping[str, Lines], with_memory: MerchantClassifier) -> Facts:
        """Answers about merchants that are not in the memory, without it and with it."""
        part = _joined(lines["seen"], lines["unseen"])
        truth, alone = self._truth(part), self._probabilities(self.classifier, part).argmax(axis=1)
        after = self._with_memory(alone, part, with_memory)
        gain = (after == truth).astype(np.float64) - (alone == truth)
        low, high = np.quantile(metrics.resampled_means(gain, part.keys), [0.025, 0.975])
        return {
            "lines": len(truth),
            "merchants_in_memory": len(self.merchants),
            "answers_changed": int((after != alone).sum()),
            "changed_for_the_worse": int(((alone == truth) & (after != truth)).sum()),
            "gain": {"value": round(float(gain.mean()), 5), "low": round(float(low), 5), "high": round(float(high), 5)},
        }

    # --- how a spelling is recognised -----------------------------------------------------------

    def spelling(self, lines: Mapping[str, Lines], with_memory: MerchantClassifier) -> Facts:
        """Lines of confirmed merchants that are recognised, and other merchants' lines taken for them, by method."""
        own, others = _joined(lines["new"], lines["changed"]), _joined(lines["seen"], lines["unseen"])
        return {
            "nearness": self._by_nearness(own, others),
            "letters": self._by_letters(own, others),
            "as_shipped": self._as_shipped(own, others, with_memory),
        }

    def _by_nearness(self, own: Lines, others: Lines) -> list[dict[str, float]]:
        """The nearest confirmed merchant decides when its similarity reaches a threshold."""
        vectors = self.classifier.represent([merchant.name for merchant in self.merchants])
        keys = np.array([merchant.key for merchant in self.merchants])
        similarity = self.classifier.represent(own.texts) @ vectors.T
        nearest, highest = keys[similarity.argmax(axis=1)], similarity.max(axis=1)
        elsewhere = (self.classifier.represent(others.texts) @ vectors.T).max(axis=1)
        return [
            {
                "likeness": likeness,
                "recognised": round(float(((nearest == own.keys) & (highest >= likeness)).mean()), 4),
                "mistaken": round(float((elsewhere >= likeness).mean()), 5),
            }
            for likeness in _LIKENESSES
        ]

    def _by_letters(self, own: Lines, others: Lines) -> dict[str, float]:
        """What letters alone recognise, without the representation's veto."""
        rules = [
            NewRule(Kind.MERCHANT, merchant.name, merchant.label).numbered(number)
            for number, merchant in enumerate(self.merchants)
        ]
        spellings = Spellings(rules)
        first = [next(iter(spellings.find(normalize(text).words)), None) for text in own.texts]
        right = [f is not None and self._key(f.rule, 0) == key for f, key in zip(first, own.keys, strict=True)]
        mistaken = [bool(spellings.find(normalize(text).words)) for text in others.texts]
        return _rates(right, mistaken)

    def _as_shipped(self, own: Lines, others: Lines, with_memory: MerchantClassifier) -> dict[str, float]:
        memory = with_memory.memory
        assert memory is not None  # the study loaded it
        decisions = [memory.decide(text) for text in own.texts]
        right = [d is not None and self._key(d.rule, 1) == key for d, key in zip(decisions, own.keys, strict=True)]
        spelt = [r for r, d in zip(right, decisions, strict=True) if d and d.confidence < 1]
        elsewhere = [memory.decide(text) for text in others.texts]
        rates = _rates(right, [d is not None for d in elsewhere])
        mistaken = float(np.mean(self._taken_for_another(memory)))
        recognised = float(np.mean(spelt)) * len(spelt) / len(right)
        return {
            **rates,
            "training_rows_mistaken": round(mistaken, 6),
            "right_at_one_percent": round(recognised / (recognised + 99 * mistaken), 4) if spelt else float("nan"),
        }

    def _taken_for_another(self, memory: Memory) -> list[bool]:
        """Whether each training row, of any source, is taken for a merchant that was trained under another label."""
        taken = []
        for words, label in zip(self.index.names[:_ROWS], self.index.labels[:_ROWS].tolist(), strict=True):
            decision = memory.decide(words)
            another = decision is not None and self._trained_label(decision.rule) != self._names[label]
            taken.append(another and decision is not None and decision.confidence < 1)
        return taken

    def _trained_label(self, rule: Rule) -> str:
        """What the merchant of a rule of the study's memory was, or would have been, trained as."""
        merchant = self.merchants[rule.id - 1]
        return merchant.old or merchant.label

    def _key(self, rule: Rule, first: int) -> str:
        return self.merchants[rule.id - first].key

    # --- shared ---------------------------------------------------------------------------------

    def _probabilities(self, classifier: MerchantClassifier, part: Lines) -> NDArray[np.float64]:
        return classifier.decider.probabilities(classifier.logits(part.texts))

    def _truth(self, part: Lines) -> Answers:
        return np.array([self._number[label] for label in part.labels])

    def _embed(self, words: list[str]) -> NDArray[np.float32]:
        from train.base_model import embed

        vectors: NDArray[np.float32] = embed(self._base, words, _MAX_TOKENS).numpy()
        return vectors


def _rates(right: list[bool], mistaken: list[bool]) -> dict[str, float]:
    return {"recognised": round(float(np.mean(right)), 4), "mistaken": round(float(np.mean(mistaken)), 5)}


def _words(part: Lines) -> list[str]:
    return [normalize(text).text for text in part.texts]


def _joined(first: Lines, second: Lines) -> Lines:
    return Lines(first.texts + second.texts, first.labels + second.labels, first.keys + second.keys)


def _training_rows(config: Config, number: Mapping[str, int], most: int) -> _Rows:
    """Distinct training rows in random order."""
    table = runs.read_table(config.build / runs.SPLIT, ["words", "label", "part"]).to_pydict()
    rows = dict.fromkeys(
        (words, label)
        for words, label, part in zip(table["words"], table["label"], table["part"], strict=True)
        if part == runs.TRAIN and words and label in number
    )
    drawn = random.Random(config.seed).sample(sorted(rows), min(most, len(rows)))
    return _Rows([words for words, _ in drawn], np.array([number[label] for _, label in drawn], np.int64))
