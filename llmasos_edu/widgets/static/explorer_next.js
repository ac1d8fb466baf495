// The next word that a position predicts, and what it predicted before heads were switched off.
import { percent } from "./attention_math.js";
import { h, put, visible } from "./base.js";
import { tableOf } from "./explorer_parts.js";

/** `[token, now, before]` for all that either list names, likeliest now first; undefined: not in that list. */
export function beforeAfter(next, next0) {
  const find = (list, token) => list.find(([name]) => name === token)?.[1];
  const gone = next0.filter(([token]) => find(next, token) === undefined);
  return [...next, ...gone].map(([token]) => [token, find(next, token), find(next0, token)]);
}

export function makeNext() {
  const title = h("p", { class: "sentence" });
  const table = tableOf("next token", "now", "", "before", "points");
  const share = (p, list) => (p >= 0 ? percent(p) : `< ${percent(list.at(-1)?.[1] ?? 1).replace("< ", "")}`);
  const bar = (name, p = 0) => h("div", { class: name, style: `width:${100 * p}%` });
  let shown = [];
  return {
    element: h("div", { class: "next" }, title, table.element),
    show({ i, names, next, next0 }) {
      const [list, list0] = [next[i] ?? [], next0[i] ?? []];
      const then = i + 1 < names.length ? `; the text goes on with '${names[i + 1]}'` : "";
      const said = `Position ${i}, '${names[i]}', predicts${then}:`;
      put(title, list.length ? said : "Arrays alone say nothing about the next word.");
      table.element.hidden = !list.length;
      table.element.classList.toggle("short", list === list0);
      if (shown[0] === list && shown[1] === list0) return;
      shown = [list, list0];
      table.body.replaceChildren();
      for (const [token, is, was] of beforeAfter(list, list0)) {
        const bars = h("div", {}, bar("is", is), bar("was", was));
        const points = (100 * (is - was)).toFixed(1).replace(/^-(0\.0)$/, "$1");
        table.add(visible(token), share(is, list), bars, share(was, list0), points === "NaN" ? "" : points);
      }
    },
  };
}
