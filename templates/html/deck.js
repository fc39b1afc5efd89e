"use strict";
// Turns the slides of one page: where we are is a slide and how many of its steps are shown; everything else is drawn from that.
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const slides = [...document.querySelectorAll(".slide")];
  const steps = slides.map((slide) => [...slide.querySelectorAll(".step")]);
  const opened = Date.now();
  const presenting = location.search === "?presenter";
  let at = 0, shown = 0, partner = presenting ? window.opener : null;

  // ---- where we are

  const is = (mode) => root.classList.contains(mode);
  const clamp = (number, most) => Math.min(Math.max(number, 0), most);

  function go(slide, step, told = false) {
    const before = [at, shown];
    at = clamp(slide, slides.length - 1);
    shown = clamp(step, steps[at].length);
    draw();
    if (at === before[0] && shown === before[1] + 1) byId("where").textContent = words(steps[at][shown - 1]);
    if (!told && partner && !partner.closed) partner.postMessage({ slide: at, step: shown, all: is("all") }, "*");
  }

  const on = () => (is("all") || is("overview") || shown >= steps[at].length ? next() : go(at, shown + 1));
  const back = () => (is("all") || is("overview") || shown === 0 ? previous() : go(at, shown - 1));
  const next = () => at < slides.length - 1 && go(at + 1, 0);
  const previous = () => at > 0 && go(at - 1, is("all") ? 0 : Infinity);

  // ---- what is seen

  function draw() {
    slides.forEach((slide, k) => {
      slide.classList.toggle("current", k === at);
      slide.classList.toggle("upcoming", k === at + 1);
    });
    steps[at].forEach((step, k) => {
      step.classList.toggle("shown", k < shown);
      if (step.tagName === "DETAILS") step.open = k < shown;
    });
    const said = byId("where"), title = slides[at].querySelector("h2").textContent.trim();
    const place = said.dataset.place.replace("{number}", at + 1).replace("{count}", slides.length);
    said.textContent = `${place}: ${title}`;
    root.style.setProperty("--done", (at + 1) / slides.length);
    if (location.hash !== `#${at + 1}`) history.replaceState(null, "", `${location.search}#${at + 1}`);
    if (is("overview") || is("reading")) slides[at].scrollIntoView({ block: "nearest" });
    if (is("presenter")) desk();
  }

  // What an element says to who cannot see it: formulas and figures by their names.
  function words(node) {
    if (node.ariaLabel) return ` ${node.ariaLabel} `;
    return node.nodeType === Node.TEXT_NODE ? node.data : [...node.childNodes].map(words).join("");
  }

  // The slides are cut by estimates: a line that turned out too wide is set smaller, and a page that turned out too full.
  function fit(slide) {
    const body = slide.querySelector(".body");
    if (!body || is("reading")) return;
    const size = (element) => parseFloat(getComputedStyle(element).fontSize);
    const room = body.getBoundingClientRect(), blocks = [...body.children];
    for (const holder of [body, ...body.querySelectorAll(".column")]) {
      const within = holder.getBoundingClientRect();
      for (const block of holder.children) {
        if (block.matches(".columns")) continue;
        const parts = [...(block.matches("table") ? [block] : []), ...block.querySelectorAll("math, code, table")];
        const margin = block.tagName === "PRE" ? 0.95 : 1;
        const boxes = parts.map((part) => part.getBoundingClientRect());
        const wide = Math.max(0, ...boxes.map((box) => Math.max(box.width / margin, box.right - within.left))) / within.width;
        if (wide > 1.001) block.style.fontSize = `${(0.98 / wide) * (size(block) / size(holder))}em`;
      }
    }
    const full = () => Math.max(...blocks.map((block) => block.getBoundingClientRect().bottom)) > room.bottom + 1;
    for (let share = 0.97; share > 0.5 && full(); share -= 0.03) body.style.setProperty("--fit", share.toFixed(2));
  }

  function fitAll() {
    for (const slide of [slides[at], ...slides]) {
      const seen = slide.classList.contains("current");
      slide.classList.add("current");  // what is not laid out has no size
      fit(slide);
      slide.classList.toggle("current", seen);
    }
  }

  function desk() {
    const clock = (seconds) => [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((n) => String(Math.floor(n)).padStart(2, "0")).join(":");
    const notes = slides[at].querySelectorAll(".notes");
    byId("notes").replaceChildren(...[...notes].flatMap((note) => [...note.cloneNode(true).childNodes]));
    byId("place").textContent = `${at + 1} / ${slides.length}`;
    byId("elapsed").textContent = clock((Date.now() - opened) / 1000);
    byId("time").textContent = new Date().toLocaleTimeString(document.documentElement.lang);
  }

  // ---- what can be done

  function mode(name) {
    const had = is(name);
    root.classList.remove("overview", "reading");
    root.classList.toggle(name, !had);
    slides.forEach((slide) => (slide.tabIndex = is("overview") ? 0 : -1));
    draw();
    if (is("overview")) slides[at].focus({ preventScroll: true });
    if (is("reading")) slides[at].scrollIntoView();
  }

  function present() {
    if (partner && !partner.closed) return partner.focus();
    const address = location.href.split(/[?#]/)[0];
    partner = presenting ? null : window.open(`${address}?presenter#${at + 1}`, "_blank", "width=1280,height=720");
    if (!partner) desked(!is("presenter"));  // no second window is allowed: this one is the desk
  }

  function desked(wanted) {
    root.classList.toggle("presenter", wanted);
    byId("desk").hidden = !wanted;
    draw();
  }

  function scheme() {
    const night = is("dark") || (!is("light") && matchMedia("(prefers-color-scheme: dark)").matches);
    root.classList.remove("dark", "light");
    root.classList.add(night ? "light" : "dark");
  }

  function all() {
    root.classList.toggle("all");
    go(at, is("all") ? Infinity : 0);
  }

  const full = () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen().catch(() => {}));
  const keys = () => (byId("keys").open ? byId("keys").close() : byId("keys").showModal());
  const overview = () => mode("overview"), reading = () => mode("reading");
  const escape = () => (is("overview") ? overview() : is("reading") && reading());

  const KEYS = {
    ArrowRight: on, ArrowDown: on, PageDown: on, " ": on, ArrowLeft: back, ArrowUp: back, PageUp: back,
    Home: () => go(0, 0), End: () => go(slides.length - 1, Infinity),
    n: next, a: all, o: overview, p: present, r: reading, d: scheme, f: full, "?": keys, Escape: escape,
  };
  const SCROLLS = new Set(["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "PageDown", "PageUp", " ", "Home", "End", "n"]);
  const TOOLS = { on, back, overview, presenter: present, reading, scheme, keys, live: alive };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    if (is("reading") && SCROLLS.has(event.key)) return;
    const control = event.target.closest?.("button, summary, a, #notes");
    if (control && (event.key === " " || (control.id === "notes" && SCROLLS.has(event.key)))) return;
    if (event.key === "Enter" && is("overview") && event.target.classList.contains("slide")) return choose(event.target);
    if (/^[a-z?]$/.test(event.key) && !byId("letters").checked) return;
    const does = KEYS[event.key === " " && event.shiftKey ? "PageUp" : event.key];
    if (does) (event.preventDefault(), does());
  });

  function choose(slide) {
    root.classList.remove("overview");
    slides.forEach((other) => (other.tabIndex = -1));
    go(slides.indexOf(slide), 0);
  }

  addEventListener("click", (event) => {
    const tool = event.target.closest("[data-do]"), slide = event.target.closest(".slide");
    if (tool) TOOLS[tool.dataset.do](tool);
    else if (slide && is("overview")) (event.preventDefault(), choose(slide));
  });

  // ---- a figure whose numbers a reader changes: its state is the inputs and how many steps are taken

  // Numbers forward, then gradients backward: what comes back along an edge is the slope times what comes back into its gate.
  function computed(figure, given) {
    const v = [...given];
    for (const gate of figure.gates) v.push(gate.value(v));
    const back = v.map(() => 0);
    for (const output of figure.outputs) back[output.source] += output.seed;
    const flows = figure.gates.map(() => []);
    for (let k = figure.gates.length - 1; k >= 0; k--) {
      const reached = back[given.length + k];
      flows[k] = figure.gates[k].uses.map((use) => ({ slope: use.slope(v), reached, flow: reached * use.slope(v) }));
      figure.gates[k].uses.forEach((use, j) => (back[use.source] += flows[k][j].flow));
    }
    return { v, flows };
  }

  function drawn(kind, attributes, parent, words = "") {
    const node = document.createElementNS("http://www.w3.org/2000/svg", kind);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = words;
    return parent.appendChild(node);
  }

  function alive(button) {
    const figure = LIVE[button.dataset.live], all = byId("formulas").content.children, formulas = figure.formulas.map((k) => all[k]);
    const count = figure.gates.length, start = figure.given.length, last = 2 * count + 1;
    const given = [...figure.given], svg = button.closest(".living").querySelector("svg").cloneNode(true);
    const form = new Intl.NumberFormat(root.lang, { maximumSignificantDigits: figure.digits });
    const written = (number) => (Number.isFinite(number) ? form.format(Math.abs(number) < 1e-12 ? 0 : number).replace("-", "−") : "?");
    let step = last, place = start;
    for (const node of svg.querySelectorAll("[id]")) node.removeAttribute("id");

    // A label over that of the figure, or under it where it is a gradient's.
    function label(frame, role) {
      if (!frame) return { show() {} };
      const [left, top, right, bottom] = frame, group = drawn("g", {}, svg), middle = (left + right) / 2;
      const cover = drawn("rect", { class: "hide", x: left - 1, y: top - 1, width: right - left + 2, height: bottom - top + 2 }, group);
      const shown = drawn("g", {}, group);
      const tint = role === "backward" ? drawn("rect", { class: "tint", rx: 2, y: top, height: bottom - top }, shown) : null;
      const text = drawn("text", { class: role, x: middle, y: (top + bottom) / 2 }, shown);
      return { show(number, reached) {
        shown.setAttribute("class", reached ? "" : "later");
        text.textContent = written(number);
        text.dataset.value = number;
        const wide = Math.max(text.getComputedTextLength() + 8, cover ? right - left : 0);
        if (tint) (tint.setAttribute("x", middle - wide / 2), tint.setAttribute("width", wide));
      } };
    }
    const labels = (use) => ({ ...use, above: label(use.forward, "forward"), below: label(use.backward, "backward") });
    const gates = figure.gates.map((gate) => {
      const [left, top, right, bottom] = gate.frame;
      const now = drawn("rect", { class: "now", rx: 6, x: left - 3, y: top - 3, width: right - left + 6, height: bottom - top + 6 }, svg);
      const made = { definition: formulas[place++], uses: gate.uses.map((use) => ({ ...labels(use), rule: formulas[place++] })), now };
      return made;
    });
    const outputs = figure.outputs.map((output) => ({ ...labels(output), rule: formulas[place++] }));

    function show() {
      const { v, flows } = computed(figure, given), known = (source) => source < start + Math.min(step, count);
      const passed = (k) => step > 2 * count - k;  // the gates from the last one back
      gates.forEach((gate, k) => {
        gate.now.classList.toggle("later", step === last || (step <= count ? step !== k + 1 : step !== 2 * count - k + 1));
        gate.uses.forEach((use, j) => {
          use.above.show(v[use.source], known(use.source));
          use.below.show(flows[k][j].flow, passed(k));
        });
      });
      outputs.forEach((output) => {
        output.above.show(v[output.source], known(output.source));
        output.below.show(output.seed, step > count);
      });
      const said = [];
      const say = (formula, words) => said.push([formula.cloneNode(true), words]);
      if (step > 0 && step <= count) say(gates[step - 1].definition, ` = ${written(v[start + step - 1])}`);
      else if (step === count + 1) outputs.forEach((output) => say(output.rule, ` = ${written(output.seed)}`));
      else if (step > count) {
        const k = 2 * count + 1 - step;
        gates[k].uses.forEach((use, j) => {
          const { slope, reached, flow } = flows[k][j];
          const number = /v\[/.test(figure.gates[k].uses[j].slope) ? ` = ${written(slope)}` : "";  // a slope that moves with nothing is one
          say(use.rule, `${number};\u2003${written(reached)} × ${written(slope)} = ${written(flow)}`);
        });
      }
      byId("live-said").replaceChildren(...said.map((parts) => {
        const line = document.createElement("span");
        line.append(...parts);
        return line;
      }));
    }

    byId("live-figure").replaceChildren(svg);
    const fields = given.map((number, k) => {
      const row = document.createElement("label"), field = document.createElement("input");
      Object.assign(field, { type: "number", step: "any", value: number });
      field.addEventListener("input", () => ((given[k] = field.valueAsNumber), show()));
      row.append(formulas[k].cloneNode(true), " = ", field);
      return [row, field];
    });
    byId("live-given").replaceChildren(...fields.map(([row]) => row));
    const does = {
      first: () => (step = 0), on: () => (step = Math.min(step + 1, last)), back: () => (step = Math.max(step - 1, 0)),
      reset: () => fields.forEach(([, field], k) => (field.value = given[k] = figure.given[k])),
    };
    byId("live").onclick = (event) => {
      const name = event.target.closest("[data-live-do]")?.dataset.liveDo;
      if (name) (does[name](), show());
    };
    byId("live").onkeydown = (event) => {
      const name = { ArrowRight: "on", ArrowLeft: "back", Home: "first" }[event.key];
      if (name && event.target.tagName !== "INPUT") (event.preventDefault(), does[name](), show());
    };
    byId("live").showModal();
    show();
  }

  let touch = null;
  addEventListener("touchstart", (event) => (touch = event.touches.length === 1 ? event.touches[0] : null), { passive: true });
  addEventListener("touchend", (event) => {
    if (!touch || is("reading") || is("overview")) return;
    const end = event.changedTouches[0], across = end.clientX - touch.clientX, down = end.clientY - touch.clientY;
    if (Math.abs(across) > 50 && Math.abs(across) > 2 * Math.abs(down)) (across < 0 ? on : back)();
    touch = null;
  });

  let still = 0;
  addEventListener("pointermove", () => {
    root.classList.add("pointing");
    clearTimeout(still);
    still = setTimeout(() => root.classList.remove("pointing"), 2000);
  });

  addEventListener("message", (event) => {
    if (event.source !== partner || !partner) return;
    root.classList.toggle("all", event.data.all === true);
    go(Number(event.data.slide), Number(event.data.step), true);
  });

  const named = () => slides.indexOf(document.getElementById(location.hash.slice(1))?.closest(".slide"));  // a slide, or a place on one
  const there = () => Math.max(named(), 0);
  addEventListener("hashchange", () => there() !== at && go(there(), 0));
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((answer) => (answer.open = true)));

  root.classList.add("deck");
  for (const id of ["tools"]) byId(id).hidden = false;
  at = there();
  if (presenting) (desked(true), setInterval(desk, 1000));
  draw();
  Promise.all([...document.fonts].map((font) => font.load())).then(fitAll);  // a hidden slide would ask for its own too late
})();
