// The row in hand as a plain table: where it looks, and who looks at it. Always in the page: the text equivalent.

import { mayLook, percent, topK } from "./attention_math.js";
import { h, put } from "./base.js";
import { tint } from "./palette.js";

const MOST = 128; // lines: of longer rows the largest weights

const painted = new WeakMap(); // to ask an element's style costs as much as to set it

/** Colour an element, if it is not coloured so already. */
export function paint(element, { paper = "", ink = "" } = {}) {
  if (painted.get(element) === paper + ink) return;
  painted.set(element, paper + ink);
  element.style.backgroundColor = paper;
  element.style.color = ink;
}

export function makeTable() {
  const heading = (text) => h("th", { scope: "col" }, text);
  const [caption, body, was, back] = [h("caption"), h("tbody"), heading("was"), heading("looks back")];
  const head = h("thead", {}, h("tr", {}, heading("token"), heading("looked at"), was, back));
  const element = h("div", {
    class: "scroll",
    tabindex: 0,
    role: "region",
    "aria-label": "the row as a table",
  });
  element.append(h("table", {}, caption, head, body));
  const line = () => {
    const [swatch, name, to, old, from] = [
      h("span", { class: "swatch" }),
      h("span"),
      h("td"),
      h("td"),
      h("td"),
    ];
    const tr = h("tr", {}, h("th", { scope: "row" }, swatch, name), to, old, from);
    return { tr, swatch, name, to, old, from };
  };
  let lines = [];
  return {
    element,
    show({ Tk, names, keys, weights, original, changed, rules, i, pinned, palette, same, at }) {
      const row = at(i);
      const shown = Tk > MOST ? topK(row, MOST).sort((a, b) => a - b) : Array.from(row, (_, j) => j);
      if (lines.length !== shown.length) {
        lines = shown.map(line);
        body.replaceChildren(...lines.map((l) => l.tr));
      }
      const [most] = topK(row, 1);
      const part = Tk > MOST ? `, the ${MOST} largest of ${Tk}` : "";
      put(caption, `'${names[i]}' (${i}), ${i === pinned ? "pinned" : "in hand"}${part}`);
      was.hidden = !changed;
      back.hidden = !same;
      lines.forEach((l, n) => {
        const j = shown[n];
        put(l.name, `${j} ${keys[j]}`);
        put(l.to, mayLook(i, j, rules) ? percent(row[j]) : "may not");
        l.old.hidden = !changed;
        if (changed) put(l.old, percent(original[i * Tk + j]));
        l.from.hidden = !same;
        if (same) put(l.from, mayLook(j, i, rules) ? percent(weights[j * Tk + i]) : "may not");
        paint(l.swatch, tint(palette, row[j]));
        l.tr.toggleAttribute("data-top", j === most && row[most] > 0);
      });
    },
  };
}
