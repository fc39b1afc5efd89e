"""What a user holds: graphs, runs and derivations, with what can be made of each.

Inside the house these are data (`graphs.graph.Graph`, `values.run.Run`, `derivation.derivation.Derivation`) and functions are
called; nothing below imports this module.  `derive.graph` gives a `Graph` of this module, and all that comes of it by a method
is of this module, too; what a function of the house gives is data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, overload

from derive.derivation import derivation, second_order
from derive.derivation.choice import chosen
from derive.derivation.derivation import fields_of
from derive.derivation.sweep import expanded
from derive.errors import DeriveError, said
from derive.graphs import graph
from derive.graphs.graph import gradient_name, remembered
from derive.language.batching import batch
from derive.language.sources import open_graph
from derive.notation import matrices
from derive.notation.context import context_of
from derive.notation.definitions import definition
from derive.notation.layout import latex
from derive.notation.numpy_code import numpy_code
from derive.proof import proof
from derive.proof.proof import prove
from derive.values import run

if TYPE_CHECKING:
    from os import PathLike

    from derive.kernels.kernel import Kernel
    from derive.teaching.document import Block, Slide
    from derive.teaching.page import Page


def _never_raising(show: Callable[[Any], str]) -> Callable[[Any], str | None]:
    """What a notebook asks for: it takes None to mean that there is no such form."""

    @wraps(show)
    def shown(what: Any) -> str | None:
        try:
            return show(what)
        except DeriveError:
            return None

    return shown


T = TypeVar("T")

_SHOWN = {"lang": "en"}
"""How views are shown, for the whole process: a notebook runs each cell in a context of its own."""


def set_language(lang: str) -> None:
    """See `derive.set_language`."""
    from derive.teaching.translation import translator

    translator(_text("The language", lang))
    _SHOWN["lang"] = lang


def _page() -> Page:
    """The page that views are written for."""
    from derive.teaching.page import Page

    return Page(_SHOWN["lang"])


class _Shown:
    """What is printed as `derive explain` says it, 100 characters wide, and of what cannot be shown, why."""

    def _slides(self) -> Sequence[Slide]:
        """What is said.  Raises DeriveError where that cannot be shown."""
        raise NotImplementedError

    def __str__(self) -> str:
        from derive.teaching.document import Document
        from derive.teaching.formats.terminal import render_text

        try:
            return render_text(Document("", tuple(self._slides()))).rstrip("\n")
        except DeriveError as error:
            return f"{self!r}\n{error}"


class _Paged(_Shown):
    """The same, as a page of a notebook."""

    @_never_raising
    def _repr_markdown_(self) -> str:
        return _markdown([block for slide in self._slides() for block in slide.blocks])


class Graph(_Shown, graph.Graph):
    """A definition: inputs and nodes in order of evaluation; the last node is the output."""

    def __repr__(self) -> str:
        return f"<Graph {self.output.name}: {', '.join(i.name for i in self.inputs)} -> {self.output.name}>"

    def _slides(self) -> Sequence[Slide]:
        from derive.teaching.pages.explain import definition_slide

        return [definition_slide(self, _page())]

    @overload
    def derive(
        self, of: str = "", wrt: str = "", upstream: bool = False, order: int = 1, *, expand: bool = False
    ) -> Derivation: ...

    @overload
    def derive(
        self,
        of: str = "",
        wrt: str | Sequence[str] = "",
        upstream: bool = False,
        order: int = 1,
        *,
        through: bool = False,
        expand: bool = False,
    ) -> Any: ...

    def derive(
        self,
        of: str = "",
        wrt: str | Sequence[str] = "",
        upstream: bool = False,
        order: int = 1,
        *,
        through: bool = False,
        expand: bool = False,
    ) -> Any:
        """The derivative of one tensor by another, with its steps; by default of the output, by the only input.

        A derivative of a tensor by a tensor is the Jacobian; with `upstream`, the gradient of a scalar loss that reaches
        the graph through its output (a vector-Jacobian product).

        By several names, wrt=("w", "b"), there is one for each; with `through`, also those on the way, from the tensor back:
        both are `Derivations`.  With `expand`, what a result names is put in until it names no other derivative.

        With order=2 it is the second derivative of a scalar: the Hessian by wrt="z", and with wrt=("z", "w") the block
        ∂²L/∂z∂w of the Hessian by both.  Raises DeriveError for unknown names and for what has no such derivative.

        >>> import derive
        >>> derive.graph("W: [m, n]; h: [n]; a = W @ h").derive(wrt="W", upstream=True).numpy
        'np.outer(g, h)'
        >>> found = derive.graph("z = w*x + b; p = sigmoid(z); L = -log(p)").derive(wrt=("w", "b"), expand=True)
        >>> [d.result for d in found]
        [(p - 1)*x, p - 1]
        """
        of, wrt, upstream, order = (
            _text("of", of),
            _texts("wrt", wrt),
            _typed("upstream", upstream, bool),
            _typed("order", order, int),
        )
        through, expand = _typed("through", through, bool), _typed("expand", expand, bool)
        if order == 1 and (through or not isinstance(wrt, str)):
            names = (wrt,) if isinstance(wrt, str) and wrt else tuple(wrt)
            found_all = chosen(self, of, names, upstream, through, expand)
            return Derivations(Derivation(**fields_of(found)) for found in found_all)
        found = second_order.derivation_of_order(self, of, wrt, upstream, order)
        if expand and order == 1:
            found = expanded(found)
        if isinstance(found, second_order.SecondDerivation):
            return SecondDerivation(**fields_of(found) | {"gradient": Derivation(**fields_of(found.gradient))})
        return Derivation(**fields_of(found))

    def at(self, **values: Any) -> Run:
        """The graph run forward and backward at given values (numbers, nested lists or arrays; labels from 0).

        >>> import derive
        >>> at = derive.graph("f = (u + v)*w").at(u=2, v=3, w=4)
        >>> at["f"], at.grad["w"]
        (20.0, 5.0)
        """
        return Run(**fields_of(run.run(self, values)))

    def batched(self, *inputs: str) -> Graph:
        """The same for N examples, which differ in these inputs: every tensor computed from them has one more axis, in front.

        Where the output is a number, the new output is its mean over the examples.  Raises DeriveError for unknown names.
        """
        return held(batch(self, [_text(said("An input of batched(…)"), name) for name in inputs]).graph)

    def kernel(
        self,
        target: str = "",
        batch: str | Sequence[str] = (),
        wrt: str | Sequence[str] = (),
        dtype: str = "float32",
        reduction: str = "mean",
        wrap: str = "",
        order: int = 1,
        outputs: str | Sequence[str] = (),
    ) -> Kernel:
        """The definition compiled: `kernel.value_and_grad(…)`, or `kernel.forward(…)` and `kernel.vjp(…)` for a tensor.

        `target` is what it runs on, a name in `derive.kernels.target`: "cpu", for arrays of numpy, which is meant where none
        is named, or "cuda", for arrays on a device (CuPy, PyTorch, Numba).  `dtype` is float32, float64 or, for arrays of 16
        bits around what is computed in float32, bfloat16 or float16.  `batch` names the inputs that differ between examples;
        of a number the mean over them is taken, or with reduction="none" nothing.  `wrt` names the inputs whose gradients are
        wanted (all).  `kernel.source` is the text of a module that stands on numpy and numba (or numba-cuda-mlir) alone; with
        wrap="torch" it has a `torch.autograd.Function`, too.  With order=2 a number also has `kernel.hessian(…)` and
        `kernel.hvp(…, v)`: its second derivatives by the one input of `wrt`, and those times v.  `outputs` names the tensors
        that are given, in this order (the last of the definition): where the last of them is a number, its gradients alone
        are given beside them; else `vjp` takes a gradient by each.  Raises DeriveError for unknown names, types and targets.
        """
        from derive.kernels.kernel import kernel

        return kernel(
            self,
            _text("target", target),
            _texts("batch", batch),
            _texts("wrt", wrt),
            _text("dtype", dtype),
            _text("reduction", reduction),
            wrap=_text("wrap", wrap),
            order=order,
            outputs=_texts("outputs", outputs),
        )

    def tikz(self) -> str:
        """The computational graph as TikZ code, for a document in LaTeX.  Raises DeriveError for one of too many boxes."""
        return _tikz(self)

    @_never_raising
    def _repr_svg_(self) -> str:
        """The computational graph, without numbers."""
        return _figure(self)

    @_never_raising
    def _repr_latex_(self) -> str:
        context = context_of(self)
        return r"$\begin{gathered}" + r" \\ ".join(latex(definition(node, context)) for node in self.nodes) + r"\end{gathered}$"


class Run(_Paged, run.Run):
    """A graph at a point: `run["f"]` is a value, `run.grad["w"]` the gradient of the output by w."""

    def __repr__(self) -> str:
        return f"<Run of {self.source.output.name} at given values of {', '.join(self.point.arrays)}>"

    def _slides(self) -> Sequence[Slide]:
        from derive.teaching.pages.explain import run_slides

        return run_slides(self, _page())

    def tikz(self) -> str:
        """The graph with its numbers as TikZ code, for a document in LaTeX.  Raises DeriveError for one of too many boxes."""
        return _tikz(self.source, self)

    @_never_raising
    def _repr_svg_(self) -> str:
        """The computational graph with values forward and gradients backward."""
        return _figure(self.source, self)


class Derivation(_Paged, derivation.Derivation):
    """The derivative of one tensor by another: `steps`, `result`, its matrix form, its proof."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {gradient_name(self.of, self.wrt)}: {len(self.steps)} lines>"

    def _slides(self) -> Sequence[Slide]:
        return _derivation_slides(prove(self))

    @property
    def matrix(self) -> str | None:
        """The matrix form in LaTeX, or None."""
        return None if self.form is None else latex(matrices.layout(self.form, context_of(self.graph)))

    @property
    def numpy(self) -> str | None:
        """The matrix form as a NumPy expression, or None."""
        return None if self.form is None else numpy_code(self.form)

    def latex(self, reasons: bool = True) -> str:
        """All lines as an `aligned` environment: the subject on the left, and why each line follows on the right."""
        from derive.teaching.blocks.gradient import lines_of
        from derive.teaching.formats.markdown import MarkdownPrinter

        subject, *lines = lines_of(self, _page(), "full")
        why = [MarkdownPrinter().words(line.reason) if reasons else "" for line in lines]
        rows = (f"&= {latex(line.body)}" + (f" && \\quad {told}" if told else "") for line, told in zip(lines, why, strict=True))
        return f"\\begin{{aligned}}\n{latex(subject.body)} " + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def prove(self) -> Proved:
        """Show every line equal to the one before it; raises ProofError on the first that is not."""
        return Proved(**fields_of(prove(self)))

    @_never_raising
    def _repr_latex_(self) -> str:
        prove(self)
        return f"$\\displaystyle {self.latex()}$"


class Derivations(_Paged, tuple[Derivation, ...]):
    """Several derivations, in the order in which they are shown."""

    __slots__ = ()

    def _slides(self) -> Sequence[Slide]:
        return [slide for found in self for slide in found._slides()]


class Proved(_Paged, proof.Proved):
    """A derivation of which every line was shown equal to the one before it, and how."""

    def __repr__(self) -> str:
        return f"<Proved {self.derivation!r}>"

    def _slides(self) -> Sequence[Slide]:
        from derive.teaching.document import Slide
        from derive.teaching.pages.report import proof_table

        return [*_derivation_slides(self), Slide((), (proof_table([self], _page()),))]


class SecondDerivation(Derivation, second_order.SecondDerivation):
    """A second derivative: the same of a gradient."""


def _typed(what: str, value: Any, kind: type[T]) -> T:
    """Raises DeriveError where an argument is of another kind."""
    if not isinstance(value, kind):
        wanted, given = kind.__name__, type(value).__name__
        raise DeriveError(said("{what} is of type {wanted}, and not {given}.", what=what, wanted=wanted, given=given))
    return value


def _text(what: str, value: Any) -> str:
    return _typed(what, value, str)


def _texts(what: str, value: Any) -> str | tuple[str, ...]:
    """A name, or several."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Sequence):
        given = type(value).__name__
        raise DeriveError(said("{what} is a name, or several in a list, and not of type {given}.", what=what, given=given))
    return tuple(_text(said("Each name in {what}", what=what), name) for name in value)


def open_held(source: str | PathLike[str]) -> Graph:
    """See `derive.graph`."""
    return held(open_graph(source))


def held(data: graph.Graph) -> Graph:
    """A graph as a user holds it: one for each, so that nothing is derived twice for who asks twice."""
    return data if isinstance(data, Graph) else remembered(data, "as a user holds it", lambda: Graph(**fields_of(data)))


def _derivation_slides(proved: proof.Proved) -> Sequence[Slide]:
    from derive.teaching.pages.explain import derivation_slide

    return [derivation_slide(proved, _page())]


def _figure(shown: graph.Graph, at: run.Run | None = None) -> str:
    from derive.teaching.blocks.pictures import diagram_of
    from derive.teaching.figure import draw

    return draw(diagram_of(shown, _page(), at), "svg").decode()


def _tikz(shown: graph.Graph, at: run.Run | None = None) -> str:
    from derive.teaching.blocks.pictures import diagram_of
    from derive.teaching.figure import as_tikz

    return as_tikz(diagram_of(shown, _page(), at), _page().lang)


def _markdown(blocks: Sequence[Block]) -> str:
    from derive.teaching.document import Document, Slide
    from derive.teaching.formats.render import render

    return render(Document("", (Slide((), tuple(blocks)),), _SHOWN["lang"]), "markdown").text
