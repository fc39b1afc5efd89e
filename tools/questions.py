"""The questions of the banks in `exams/` by topic: `python -m tools.questions` prints the table of docs/questions.md."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent

NAMES = "networks losses gates layers saturation softmax checks vectorisation training recurrent"
BANKS = tuple(ROOT / "exams" / f"{name}.md" for name in NAMES.split())
"""The files in the order of the course."""

TOPICS = (
    "feedforward composition as an acyclic graph",
    "output functions",
    "multiclass hinge loss",
    "cross-entropy",
    "the computational graph of (u + v) w",
    "gate rules",
    "a neuron with ReLU",
    "sigmoid gate and saturation",
    "inputs of one sign",
    "Jacobian of the softmax",
    "softmax and cross-entropy",
    "a layer of a network",
    "gradient check",
    "recurrent cell",
    "vectorisation",
    "loss landscape",
    "why gradients",
    "batch normalization",
    "chain rule",
    "the graph as lazy evaluation",
)

QUESTION = re.compile(r"<!-- topics: ([0-9, ]+) -->.*?```derive question (\w+)\n(.*?)```", re.DOTALL)


def questions() -> dict[int, list[tuple[str, str]]]:
    """For each topic its questions, and the file of each."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for path in BANKS:
        for topics, graph, options in QUESTION.findall(path.read_text("utf-8")):
            name = re.search(r"^name: (\w+)$", options, re.MULTILINE)
            for topic in topics.split(","):
                found[int(topic)].append((name[1] if name else graph, path.stem))
    return found


def table() -> str:
    """The table of topics."""
    asked = questions()
    lines = ["| # | topic | questions |", "|--:|:--|:--|"]
    for number, topic in enumerate(TOPICS, 1):
        by_file: dict[str, list[str]] = defaultdict(list)
        for name, file in asked[number]:
            by_file[file].append(f"`{name}`")
        told = "; ".join(f"[{file}](../exams/{file}.md): {', '.join(names)}" for file, names in by_file.items())
        lines.append(f"| {number} | {topic} | {told} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
