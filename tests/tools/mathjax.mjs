// Standard input: [{"latex": "x^2", "display": false}, …].  Standard output: for each, what is wrong in MathJax, or null:
// its error message, a minus sign that it takes for one between two terms where none stands before it, or a command in words.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const MathJax = await createRequire(import.meta.url)("mathjax").init({
  loader: { load: ["input/tex-base", "[tex]/ams", "[tex]/boldsymbol"] },
  tex: {
    packages: ["base", "ams", "boldsymbol"],
    formatError: (_, problem) => {
      throw problem;
    },
  },
});
const { BIN, OPEN, PUNCT, REL } = MathJax._.core.MmlTree.MmlNode.TEXCLASS;
const { STATE } = MathJax._.core.MathItem;

// The signs of a formula with their classes, in rows: what stands in a row, but for spaces; a script, a cell, a group has its own.
function rows(node, row, out) {
  if (node.isToken) {
    const text = node.childNodes.map((child) => child.getText?.() ?? "").join("");
    if (!node.isSpacelike || text.trim()) row.push({ text, kind: node.texClass, words: node.isKind("mtext") });
  } else if (/^(inferredMrow|mrow|mstyle|mpadded|math)$/.test(node.kind)) {
    for (const child of node.childNodes) rows(child, row, out);
  } else {
    row.push({ text: "", kind: node.texClass });
    for (const child of node.childNodes) if (child) out.push(...rows(child, [], [[]]));
  }
  out[0] = row;
  return out;
}

function misread(root) {
  root.setTeXclass(null);
  for (const row of rows(root, [], [[]])) {
    for (const [k, { text, kind, words }] of row.entries()) {
      if (text === "−" && kind === BIN && [OPEN, PUNCT, REL].includes(row[k - 1]?.kind)) return `a minus sign behind ${row[k - 1].text}`;
      if (words && /[~\\]/.test(text)) return `a command in the words ${text}`;
    }
  }
  return null;
}

function error({ latex, display }) {
  try {
    return misread(MathJax.startup.document.convert(latex, { display, end: STATE.CONVERT }));
  } catch (problem) {
    return String(problem.message);
  }
}

const formulas = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(formulas.map(error)));
