// The next word that a position predicts, and what it predicted before heads were switched off.
import { percent } from "./attention_math.js";
import { h, put, visible } from "./base.js";
import { tableOf, three } from "./explorer_parts.js";

/** `[token, now, before]` for all that either list names, likeliest now first; undefined: not in that list. */
export function beforeAfter(next, next0) {
  const find = (list, token) => list.find(([name]) => name === token)?.[1];
  const gone = next0.filter(([token]) => find(next, token) === undefined);
  return [...next, ...gone].map(([token]) => [token, find(next, token), find(next0, token)]);
}

export function makeNext() {
  const title = h("p", { class: "sentence" });
  const table = tableOf("next token", "now", "", "before", "points");
  const rows = [];
  const share = (p, list) => (p === undefined ? `< ${percent(list.at(-1)?.[1] ?? 1)}` : percent(p));
  return {
    element: h("div", {}, title, table.element),
    show({ i, names, next, next0 }) {
      const [list, list0] = [next[i] ?? [], next0[i] ?? []];
      const then = i + 1 < names.length ? `; the text goes on with '${names[i + 1]}'` : "";
      const said = `Position ${i}, '${names[i]}', predicts${then}:`;
      put(title, list.length ? said : "Arrays alone say nothing about the next word.");
      table.element.hidden = !list.length;
      table.element.classList.toggle("short", next === next0);
      const lines = beforeAfter(list, list0);
      while (rows.length < lines.length) {
        const bars = ["is", "was"].map((name) => h("div", { class: name }));
        rows.push([...table.add("", "", h("div", {}, ...bars), "", ""), ...bars]);
      }
      rows.forEach(([token, after, , before, points, ...bars], n) => {
        token.parentNode.hidden = n >= lines.length;
        if (token.parentNode.hidden) return;
        const [text, is, was] = lines[n];
        put(token, visible(text));
        put(after, share(is, list));
        put(before, share(was, list0));
        put(points, is === undefined || was === undefined ? "" : three(100 * (is - was)));
        bars.forEach((bar, b) => {
          bar.style.width = `${100 * ([is, was][b] ?? 0)}%`;
        });
      });
    },
  };
}
