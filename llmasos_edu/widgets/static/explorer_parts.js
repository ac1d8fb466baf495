// What several of the Explorer's views share.
import { h } from "./base.js";

/** A number with three significant digits: it stays a number that an input takes. */
export const three = (x) => String(Number(x.toPrecision(3)));

/** What a designed probe says of a head, "induction 0.93" ("" where there was none), and whether it is off. */
export function roleOf(now, layer, head) {
  const [role, score] = now.label(layer, head) ?? [];
  return (role ? `${role} ${score.toFixed(2)}` : "") + (now.off.has(`${layer}.${head}`) ? " (off)" : "");
}

/** A table with these headings; `add` appends a line and returns its cells, the first of them its heading. */
export function tableOf(...titles) {
  const body = h("tbody");
  const heading = (title) => (title ? h("th", { scope: "col" }, title) : h("td"));
  return {
    body,
    element: h("table", {}, h("thead", {}, h("tr", {}, ...titles.map(heading))), body),
    add(...contents) {
      const cells = contents.map((content, n) => h(n ? "td" : "th", n ? {} : { scope: "row" }, content));
      body.append(h("tr", {}, ...cells));
      return cells;
    },
  };
}
