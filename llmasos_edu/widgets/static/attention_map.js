// The attention map: scale, temperature and mask under the finger; the softmax runs here.

import { cellAt, drawHand, drawNames, drawWeights, layout } from "./attention_draw.js";
import STYLES from "./attention_map.css";
import {
  entropy,
  mayLook,
  percent,
  scoresOf,
  sentenceOf,
  sinkOf,
  topK,
  weightsOf,
} from "./attention_math.js";
import {
  canvas,
  checkbox,
  floats,
  h,
  listbox,
  nextIndex,
  put,
  select,
  slider,
  visible,
  widget,
} from "./base.js";
import { colours, PALETTES, tint } from "./palette.js";

const painted = new WeakMap(); // to ask an element's style costs as much as to set it

/** Colour an element, if it is not coloured so already. */
function paint(element, paper, ink = "") {
  const colour = paper + ink;
  if (painted.get(element) === colour) return;
  painted.set(element, colour);
  element.style.backgroundColor = paper;
  element.style.color = ink;
}

const round = (x) => Number(x.toPrecision(3)).toString();

/** The scores of one head and what its rows add up to: from q and k, or from the weights that were given. */
function headScores(data, T, D, head, scale) {
  if (D > 0) {
    const size = T * D;
    const half = data.length / 2;
    const part = (start) => data.subarray(start + head * size, start + (head + 1) * size);
    return { scores: scoresOf(part(0), part(half), T, D, scale), sums: null };
  }
  const weights = data.subarray(head * T * T, (head + 1) * T * T);
  const sums = Array.from({ length: T }, (_, i) =>
    weights.subarray(i * T, i * T + T).reduce((a, w) => a + w, 0),
  );
  return { scores: Float64Array.from(weights, Math.log), sums };
}

/** Weights and names for the state now; computed again only when something that matters changed. */
function makeState(view) {
  let [key, data, names, state] = ["", null, null, null];
  view.on("seq", () => {
    key = "";
    data = null;
  });
  return () => {
    const get = (name) => view.get(name);
    const wanted = JSON.stringify(["head", "scale", "temperature", "mask", "hide_first"].map(get));
    if (wanted === key) return state;
    if (data === null) [data, names] = [floats(get("data")), get("tokens").map(visible)];
    const T = names.length;
    const rules = { mask: get("mask"), hideFirst: get("hide_first") };
    const { scores, sums } = headScores(data, T, get("d_head"), get("head"), get("scale"));
    const softmax = (more) =>
      weightsOf(scores, T, { temperature: get("temperature"), sums, ...rules, ...more });
    const weights = softmax({});
    const sink = sinkOf(rules.hideFirst ? softmax({ hideFirst: false }) : weights, T);
    key = wanted;
    state = { T, names, rules, weights, sink, row: (i) => weights.subarray(i * T, i * T + T) };
    return state;
  };
}

/** Sliders, choices and switches; returns the element and what shows the state on them. */
function makeControls(view) {
  const natural = () => 1 / Math.sqrt(view.get("d_head"));
  const head = select("head", [], (value) => view.follow({ head: Number(value) }));
  const scale = slider("scale", { min: -4, max: 4, step: 0.25 }, (x) =>
    view.follow({ scale: natural() * 2 ** x }),
  );
  const heat = slider("temperature", { min: -3, max: 3, step: 0.25 }, (x) =>
    view.follow({ temperature: 2 ** x }),
  );
  const mask = select(
    "mask",
    [
      ["causal", "causal"],
      ["none", "none"],
    ],
    (value) => view.follow({ mask: value }),
  );
  const first = checkbox("hide token 0, renormalise", (on) => view.follow({ hide_first: on }));
  const palette = select(
    "colours",
    PALETTES.map((p) => [p, p]),
    (value) => view.follow({ palette: value }),
  );
  const all = [head, scale, heat, mask, first, palette];
  return {
    element: h("div", { class: "row" }, ...all.map((control) => control.element)),
    show() {
      const heads = view.get("heads");
      if (head.input.options.length !== heads) {
        head.input.replaceChildren(
          ...Array.from({ length: heads }, (_, i) => h("option", { value: i }, String(i))),
        );
      }
      head.element.hidden = heads === 1;
      scale.element.hidden = view.get("d_head") === 0;
      head.show(view.get("head"));
      if (view.get("d_head") > 0) {
        const times = view.get("scale") / natural();
        scale.show(Math.log2(times), `${round(view.get("scale"))} = ${round(times)} / √d_head`);
      }
      heat.show(Math.log2(view.get("temperature")), round(view.get("temperature")));
      mask.show(view.get("mask"));
      first.show(view.get("hide_first"));
      palette.show(view.get("palette"));
    },
  };
}

/** The row in hand as a plain table: where it looks, and who looks at it. */
function makeTable() {
  const caption = h("caption");
  const heading = (text) => h("th", { scope: "col" }, text);
  const body = h("tbody");
  const head = h("thead", {}, h("tr", {}, heading("token"), heading("looked at"), heading("looks back")));
  const element = h("div", {
    class: "scroll",
    tabindex: 0,
    role: "region",
    "aria-label": "the row as a table",
  });
  element.append(h("table", {}, caption, head, body));
  const line = () => {
    const [swatch, name, to, from] = [h("span", { class: "swatch" }), h("span"), h("td"), h("td")];
    return { tr: h("tr", {}, h("th", { scope: "row" }, swatch, name), to, from), swatch, name, to, from };
  };
  let lines = [];
  return {
    element,
    show({ T, names, weights, rules, row }, i, pinned, table) {
      if (lines.length !== T) {
        lines = Array.from({ length: T }, line);
        body.replaceChildren(...lines.map((l) => l.tr));
      }
      const [most] = topK(row(i), 1);
      put(caption, `'${names[i]}' (${i}), ${pinned ? "pinned" : "under the pointer"}`);
      lines.forEach((l, j) => {
        put(l.name, `${j} ${names[j]}`);
        put(l.to, mayLook(i, j, rules) ? percent(weights[i * T + j]) : "may not");
        put(l.from, mayLook(j, i, rules) ? percent(weights[j * T + i]) : "may not");
        paint(l.swatch, tint(table, weights[i * T + j]).paper);
        l.tr.toggleAttribute("data-top", j === most && row(i)[most] > 0);
      });
    },
  };
}

/** Keeps a picture until one of `parts` is another: what stands still is drawn once. */
function makeCache() {
  const picture = new OffscreenCanvas(1, 1);
  const inner = picture.getContext("2d");
  let parts = [];
  return (newParts, context, draw) => {
    if (newParts.length !== parts.length || newParts.some((part, i) => part !== parts[i])) {
      [picture.width, picture.height] = [context.canvas.width, context.canvas.height]; // which also clears it
      inner.setTransform(context.getTransform());
      draw(inner);
      parts = newParts;
    }
    context.save();
    context.resetTransform();
    context.drawImage(picture, 0, 0);
    context.restore();
  };
}

/** The map itself, with its pointer and its cell cursor. `hand` is the cell in hand: the browser's own state. */
function makeMap(view, state, hand) {
  const label =
    "Attention map. Arrow keys move the cell, Home and End go to the ends of the row, Enter pins the row, Escape releases it.";
  const [atRest, names] = [makeCache(), makeCache()];
  let place = null;
  const surface = canvas(view, (context) => {
    const now = state();
    const theme = { ink: view.color("--ink"), line: view.color("--line"), accent: view.color("--accent") };
    const table = colours(view.get("palette"));
    const size = [context.canvas.width, context.canvas.height];
    const still = [now.names, place.cell, ...size, ...Object.values(theme)];
    const scene = { ...now, place, theme, table };
    atRest([now, table, ...still], context, (inner) => {
      names(still, inner, (innermost) => drawNames(innermost, scene));
      drawWeights(inner, scene);
    });
    drawHand(context, { ...now, ...hand, place, theme, pinned: view.get("row") });
  });
  const { element } = surface;
  element.classList.add("map");
  for (const [name, value] of Object.entries({ role: "application", tabindex: 0, "aria-label": label })) {
    element.setAttribute(name, value);
  }
  const move = (cell) => {
    const [row, column] = cell ?? [-1, -1];
    if (row === hand.row && column === hand.column) return;
    [hand.row, hand.column] = [row, column];
    view.redraw();
  };
  const under = (event) => place && cellAt(place, ...surface.place(event));
  element.addEventListener("pointermove", (event) => move(under(event)));
  element.addEventListener("pointerleave", () => move(null));
  element.addEventListener("click", (event) => under(event) && view.set({ row: under(event)[0] }));
  element.addEventListener("keydown", (event) => {
    const { T, names, weights } = state();
    const [row, column] = hand.row < 0 ? [view.get("row"), 0] : [hand.row, Math.max(0, hand.column)];
    const upright = /Up|Down/.test(event.key);
    const to = nextIndex(event.key, upright ? row : column, T);
    if (to !== undefined) move(upright ? [to, column] : [row, to]);
    else if (event.key === "Enter") view.set({ row });
    else if (event.key === "Escape") move(null);
    else return;
    event.preventDefault();
    const { row: i, column: j } = hand;
    if (i >= 0) view.say(`'${names[i]}' looks at '${names[j]}': ${percent(weights[i * T + j])}`);
  });
  return {
    element,
    show() {
      const { names, T } = state();
      if (surface.width() === 0) return;
      place = layout(T, surface.width(), Math.max(...names.map((name) => name.length)));
      element.style.height = `${place.top + place.side + 2}px`;
      surface.paint();
    },
  };
}

export default widget(STYLES, (view) => {
  const state = makeState(view);
  const hand = { row: -1, column: -1 };
  const controls = makeControls(view);
  const table = makeTable();
  const map = makeMap(view, state, hand);
  const pick = (i) => {
    hand.row = -1;
    view.set({ row: i });
  };
  const peek = (i) => {
    [hand.row, hand.column] = [i, -1];
    view.redraw();
  };
  const tokens = listbox("The token that looks (query)", { onmove: peek, onpick: pick });
  const sentence = h("p", { class: "sentence" });
  const cell = h("p", { class: "hint" });
  const axes = h("p", { class: "hint axes" });
  for (const words of ["looks (query) ↓", "is looked at (key) →", "hatched: may not be looked at"]) {
    axes.append(h("span", {}, words));
  }
  view.body.append(controls.element, tokens.element, sentence);
  view.body.append(
    h("div", { class: "views" }, h("div", { class: "picture" }, axes, map.element, cell), table.element),
  );
  view.watch("seq", "head", "scale", "temperature", "mask", "hide_first", "palette", "row");

  const describe = ({ T, names, weights, sink, row }, i) => {
    if (hand.column >= 0)
      return `'${names[i]}' looks at '${names[hand.column]}': ${percent(weights[i * T + hand.column])}`;
    const spread = `the row's entropy is ${round(entropy(row(i)))} nats`;
    return sink > 0.5
      ? `${spread}; token 0, '${names[0]}', is a sink: it takes ${percent(sink)} of this head`
      : spread;
  };
  const showRow = (now, i, pinned, palette) => {
    tokens.options.forEach((option, j) => {
      const { paper, ink } = mayLook(i, j, now.rules) ? tint(palette, now.row(i)[j]) : { paper: "", ink: "" };
      paint(option, paper, ink);
    });
    table.show(now, i, i === pinned, palette);
    put(cell, describe(now, i));
  };
  return () => {
    const now = state();
    const pinned = view.get("row");
    if (Math.max(hand.row, hand.column) >= now.T) [hand.row, hand.column] = [-1, -1]; // fewer tokens than before
    const i = hand.row >= 0 ? hand.row : pinned;
    const said = sentenceOf(now.row(i), now.names, i);
    controls.show();
    tokens.show(now.names, pinned);
    map.show();
    put(sentence, said);
    const rest = () => showRow(now, i, pinned, colours(view.get("palette")));
    if (now.T > 64)
      view.later("row", 60, rest); // the picture follows the hand, hundreds of words a moment later
    else rest();
    if (hand.row < 0) view.say(said);
    return sentenceOf(now.row(pinned), now.names, pinned);
  };
});
