// Standard input: [{"latex": "x^2", "display": false}, …].  Standard output: for each, KaTeX's error message, or null.
import { readFileSync } from "node:fs";
import katex from "katex";

function error({ latex, display }) {
  try {
    katex.renderToString(latex, { displayMode: display, throwOnError: true, strict: "error" });
    return null;
  } catch (problem) {
    return String(problem.message);
  }
}

const formulas = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(formulas.map(error)));
