"""An exam of every kind of question, and its papers, made once."""

from __future__ import annotations

import pytest

from derive.exams.manifest import Manifest, manifest, read_manifest
from derive.exams.papers import Papers, papers
from derive.exams.roster import Student
from derive.exams.source import Exam, read_exam

TEXT = """---
title: {en: "Trial", fr: "Essai"}
lang: [en, fr]
---

## Product

```derive define product
f = (u + v)*w
```

```derive question product
vary: u=2..9, v=-3..3, w=-4|-2|3
ask: value f, gradient w, gradient u, graph f
marks: 1, 1, 2, 3
```

Here $u = {{ product.u }}$.

## Neuron

```derive define neuron
z = w*x + b
p = sigmoid(z)
L = (p - y)**2
```

```derive question neuron
vary: w=-2..2 step 0.5, x=1..3, b=-1..1
at: y=1
ask: value z, value p, gradient z, gradient w, formula w, order w, wrong-line z
```

## Layer

```derive define layer
W: [m, n]
h: [n]
y: [m]
a = W @ h
L = sum((a - y)**2)
```

```derive question layer
vary: W=[2, 3] of -2..2, h=[3] of -2..2, y=[2] of -2..2
ask: matrix W, shape W, gradient h
difficulty: hard
```

## One side or the other

```derive define above
f = w*max(0, x - 1)
```

```derive define below
f = w*max(0, 1 - x)
```

```derive question kink
graphs: above, below
vary: w=2..5, x=-3..5 step 0.5
ask: gradient x, check w
zero: yes
choices: yes
```
"""


@pytest.fixture(scope="session")
def exam() -> Exam:
    return read_exam(TEXT, "trial.md")


@pytest.fixture(scope="session")
def made(exam: Exam) -> Papers:
    return papers(exam, b"a key of a teacher", [Student(f"student {k}") for k in range(12)])


@pytest.fixture(scope="session")
def kept(made: Papers) -> Manifest:
    return read_manifest(manifest(made))
