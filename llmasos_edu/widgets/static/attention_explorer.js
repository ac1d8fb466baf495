// The Attention Explorer: views of one text's attention, all linked. What follows the hand is computed here.

import STYLES from "./attention_explorer.css";
import { entropy, mayLook, percent, sentenceOf, sinkOf } from "./attention_math.js";
import { h, listbox, put, widget } from "./base.js";
import { makeControls } from "./explorer_controls.js";
import { makeGlance } from "./explorer_glance.js";
import { makeHeads } from "./explorer_heads.js";
import { makeLines } from "./explorer_lines.js";
import { makeMap, pairWords } from "./explorer_map.js";
import { makeNext } from "./explorer_next.js";
import { makeState } from "./explorer_state.js";
import { makeTable, paint } from "./explorer_table.js";
import MORE_STYLES from "./explorer_views.css";
import { makeWhy } from "./explorer_why.js";
import { tint } from "./palette.js";

const WATCHED = [
  ...["seq", "layer", "head", "row", "column", "scale", "temperature", "mask", "window", "hide_first"],
  ...["edits", "difference", "views", "measure", "palette", "off", "typed", "error"],
];

/** What a reader does, in whichever view. `hand` is the cell in hand: the browser's own business. */
function makeActions(view, hand) {
  return {
    hand,
    head: (layer, head) => view.follow({ layer, head }),
    row: (row) => {
      [hand.i, hand.j] = [-1, -1];
      view.set({ row, column: -1 });
    },
    pin: (row, column) => {
      [hand.i, hand.j] = [-1, -1];
      view.set({ row, column });
    },
    cell(i, j) {
      if (i === hand.i && j === hand.j) return;
      [hand.i, hand.j] = [i, j];
      view.redraw();
    },
    edit(which, position, d, value) {
      const place = [view.get("layer"), view.get("head"), which, position, d];
      const others = view.get("edits").filter((edit) => place.some((part, n) => part !== edit[n]));
      view.follow({ edits: value === null ? others : [...others, [...place, value]] });
    },
    off(l, head, on) {
      const others = view.get("off").filter(([a, b]) => a !== l || b !== head);
      view.set({ off: on ? [...others, [l, head]] : others });
    },
    sort: (measure) => view.follow({ measure }),
    reset() {
      const { scale, mask } = view.get("meta");
      view.set({ scale, mask, temperature: 1, hide_first: false, edits: [], off: [], difference: false });
    },
  };
}

/** The map with the sentence under it, on white or the theme's paper, as a PNG file. */
function save(view, picture, sentence) {
  const [ratio, margin] = [window.devicePixelRatio || 1, 26];
  const paper = new OffscreenCanvas(picture.width, picture.height + margin * ratio);
  const context = paper.getContext("2d");
  context.fillStyle = getComputedStyle(view.host).backgroundColor;
  context.fillRect(0, 0, paper.width, paper.height);
  context.drawImage(picture, 0, 0);
  context.scale(ratio, ratio);
  context.fillStyle = view.color("--ink");
  context.font = "13px system-ui, sans-serif";
  context.fillText(sentence, 8, picture.height / ratio + 18);
  paper.convertToBlob().then((blob) => {
    const link = h("a", { href: URL.createObjectURL(blob), download: "attention.png" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

/** What the row in hand is like, in a line: its entropy, whether token 0 is a sink, what the head does. */
function describe(now) {
  const { i, j, keys, label, layer, head, rules } = now;
  if (now.waiting && !now.exact) return "on its way from the kernel …";
  if (j >= 0) return pairWords(now, i, j);
  const told = [`the row's entropy is ${Number(entropy(now.at(i)).toPrecision(3))} nats`];
  const sink = now.same ? sinkOf(rules.hideFirst ? now.original : now.weights, now.Tk) : 0;
  if (sink > 0.5) told.push(`token 0, '${keys[0]}', is a sink: it takes ${percent(sink)} of this head`);
  const found = label(layer, head);
  if (found) told.push(`by the probe: ${found[0]} ${found[1].toFixed(2)}`);
  return told.join("; ");
}

/** The views besides the map: what opens each, and for what it has something to show. */
function makeViews(view, act) {
  const always = () => true;
  return {
    next: { title: "next word", fits: (now) => now.next.length > 0, ...makeNext(view, act) },
    table: { title: "row as a table", fits: always, ...makeTable(view, act) },
    why: { title: "why this weight", fits: always, ...makeWhy(view, act) },
    heads: { title: "heads side by side", fits: (now) => now.heads > 1, ...makeHeads(view, act) },
    glance: { title: "layers × heads", fits: (now) => now.layers * now.heads > 1, ...makeGlance(view, act) },
    lines: { title: "lines", fits: always, ...makeLines(view, act) },
  };
}

export default widget(STYLES + MORE_STYLES, (view) => {
  const hand = { i: -1, j: -1 };
  const state = makeState(view, hand);
  const act = makeActions(view, hand);
  const views = makeViews(view, act);
  const map = makeMap(view, act);
  const sentence = h("p", { class: "sentence" });
  act.save = () => save(view, map.surface, sentence.textContent);
  const controls = makeControls(view, views, act);
  const tokens = listbox("The token that looks (query)", { onmove: (i) => act.cell(i, -1), onpick: act.row });
  tokens.element.classList.add("tokens"); // a long text's are many rows: they scroll
  const [cell, left] = [h("p", { class: "hint" }), h("p", { class: "hint" })];
  const axes = h("p", { class: "hint axes" });
  const picture = h("div", { class: "picture" }, axes, map.element, cell, left);
  const side = h("div", { class: "side" }, views.next.element, views.table.element);
  const below = ["why", "heads", "glance", "lines"].map((name) => views[name].element);
  view.body.append(
    controls.element,
    tokens.element,
    sentence,
    h("div", { class: "views" }, picture, side),
    ...below,
  );
  view.watch(...WATCHED);

  const legend = (now) => {
    const words = ["looks (query) ↓", "is looked at (key) →", "hatched: may not be looked at"];
    if (now.next.length > 0) words.push("→ the next word that the position predicts");
    if (now.difference) words.push("orange: more than the original, blue: less");
    if (axes.childElementCount !== words.length)
      axes.replaceChildren(...words.map((text) => h("span", {}, text)));
  };
  const showRow = (now) => {
    if (now.same) {
      tokens.options.forEach((option, j) => {
        paint(option, mayLook(now.i, j, now.rules) ? tint(now.palette, now.at(now.i)[j]) : {});
      });
    }
    for (const name in views) {
      const { element, show, fits } = views[name];
      element.hidden = !(view.get("views").includes(name) && fits(now));
      if (!element.hidden) show(now);
    }
    put(cell, describe(now));
  };
  const said = (now, i) => sentenceOf(now.at(i), now.names[i], now.keys, now.same ? i : -1);
  return () => {
    const now = state();
    controls.show(now);
    tokens.show(now.names, now.pinned);
    legend(now);
    map.show(now);
    put(left, now.leftOut);
    put(sentence, said(now, now.i));
    if (now.Tk > 32)
      view.later("row", 60, () => showRow(now)); // the picture follows the hand, lines of words after it
    else showRow(now);
    if (hand.i < 0) view.say(said(now, now.pinned));
    return said(now, now.pinned);
  };
});
