// A GPT's parameters by part, operations a token and bytes, while its shape changes. See model_budget.py.

import BARS from "./bars.css";
import { h, put, select, slider, widget } from "./base.js";
import STYLES from "./model_budget.css";

/** GPT-2's parameters by part and what its last token costs: model_budget.budget, in JavaScript. */
export function budget(d, layers, vocabulary, places) {
  return {
    "token embedding": vocabulary * d,
    positions: places * d,
    attention: layers * (4 * d * d + 4 * d),
    "feed-forward": layers * (8 * d * d + 5 * d),
    norms: (2 * layers + 1) * 2 * d,
    matrices: 2 * (layers * 12 * d * d + vocabulary * d),
    "looking back": 4 * layers * places * d,
    cache: 2 * layers * places * d,
  };
}

/** A large count in three digits: "124 M". */
export function short(count) {
  const rounded = Number(count.toExponential(2));
  for (const [unit, size] of [
    ["T", 1e12],
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ])
    if (rounded >= size) {
      const value = Number((count / size).toExponential(2));
      const digits = Math.max(0, 2 - Math.floor(Math.log10(value)));
      const places = { minimumFractionDigits: digits, maximumFractionDigits: digits };
      return `${value.toLocaleString("en-US", places)} ${unit}`;
    }
  return String(count);
}

export const percent = (share) => `${Math.floor(100 * share + 0.5)} %`;
const whole = (n) => n.toLocaleString("en-US");

export default widget(BARS + STYLES, (view) => {
  const [parts, names, sizes, steps] = ["parts", "names", "sizes", "steps"].map((name) => view.get(name));
  const dial = (trait, label) => {
    const values = steps[trait];
    const made = slider(label, { min: 0, max: values.length - 1 }, (at) => view.set({ [trait]: values[at] }));
    return {
      element: made.element,
      show: () => made.show(values.indexOf(view.get(trait)), whole(view.get(trait))),
    };
  };
  const dials = [
    dial("d_model", "width d_model"),
    dial("n_layers", "layers"),
    dial("context_length", "places T"),
  ];
  const options = names.map((name, i) => [String(i), `${name} (${whole(sizes[i])})`]);
  const vocabulary = select("vocabulary", options, (value) => view.set({ chosen: Number(value) }));

  const rows = parts.map((part) => {
    const [bar, count, share] = [h("span", { class: "bar" }), h("td"), h("td")];
    const track = h("td", { class: "track" }, bar);
    return { bar, count, share, element: h("tr", {}, h("th", { scope: "row" }, part), count, share, track) };
  });
  const heads = ["part", "parameters", "share", "of all"].map((name) => h("th", { scope: "col" }, name));
  const [total, operations, bytes] = [h("p", { class: "total" }), h("p"), h("p")];
  view.body.append(
    h("div", { class: "row" }, ...dials.map((d) => d.element), vocabulary.element),
    total,
    h("table", {}, h("tr", {}, ...heads), ...rows.map((row) => row.element)),
    operations,
    bytes,
  );
  view.watch("d_model", "n_layers", "context_length", "chosen");
  return () => {
    const [d, layers, places, at] = ["d_model", "n_layers", "context_length", "chosen"].map((t) =>
      view.get(t),
    );
    const found = budget(d, layers, sizes[at], places);
    const sum = parts.reduce((before, part) => before + found[part], 0);
    for (const made of dials) made.show();
    vocabulary.show(String(at));
    parts.forEach((part, i) => {
      put(rows[i].count, short(found[part]));
      put(rows[i].share, percent(found[part] / sum));
      rows[i].bar.style.width = `${(100 * found[part]) / sum}%`;
    });
    const all = found.matrices + found["looking back"];
    const back = percent(found["looking back"] / all);
    const sentence =
      `Width ${whole(d)}, ${layers} layer${layers === 1 ? "" : "s"}, ${names[at]} vocabulary ` +
      `(${whole(sizes[at])}), ${whole(places)} places: ${short(sum)} parameters.`;
    put(total, `${short(sum)} parameters`);
    put(operations, `operations for the last token: ${short(all)}, of them looking back ${back}`);
    put(
      bytes,
      `bytes in float32: ${short(4 * sum)} to run, ${short(16 * sum)} to train (activations apart), ` +
        `${short(4 * found.cache)} of cache`,
    );
    return sentence;
  };
});
