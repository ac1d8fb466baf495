// Why this weight: q · k dimension by dimension → scale → mask → temperature → softmax → × v. Numbers can be edited.
import { mayLook, percent, topK } from "./attention_math.js";
import { button, h, put } from "./base.js";
import { tableOf, three } from "./explorer_parts.js";

/** The numbers on the way from q_i and k_j to the weight. `most`, the row's largest logit, cancels in the softmax. */
export function chainOf(now, i, j) {
  const { Tk, D, q, k, scores, temperature, rules } = now;
  const at = i * Tk + j;
  const products = Array.from({ length: q ? D : 0 }, (_, d) => q[i * D + d] * k[j * D + d]);
  const dot = products.reduce((sum, x) => sum + x, 0);
  const scaled = q ? now.scale * dot : scores[at]; // a masked score need not have been computed
  const logit = scaled / temperature;
  const row = Array.from(scores.slice(i * Tk, i * Tk + Tk), (s) => s / temperature);
  const open = row.filter((_, n) => mayLook(i, n, rules));
  const most = Math.max(...open);
  const sum = open.reduce((total, x) => total + Math.exp(x - most), 0);
  const power = Math.exp(logit - most);
  const [weight, before] = [now.weights[at], now.original[at]];
  return { products, dot, scaled, logit, most, power, sum, weight, before, allowed: mayLook(i, j, rules) };
}

/** The head's output at i: Σ_j w_ij v_j, for d = 0 … D − 1. */
export function outputOf(weights, v, i, Tk, D) {
  const output = new Float64Array(D);
  for (let n = 0; n < Tk * D; n++) output[n % D] += weights[i * Tk + Math.floor(n / D)] * v[n];
  return output;
}

/** The chain in words, a step each. */
export function chainWords(now, i, j) {
  const { dot, scaled, allowed, logit, most, power, sum, weight, before } = chainOf(now, i, j);
  const words = now.q
    ? [`Σ q × k = ${three(dot)}`, `× scale ${three(now.scale)} = ${three(scaled)}`]
    : [`only weights are known; ln weight = ${three(scaled)}`];
  if (!allowed) return [...words, "mask: may not look: weight 0"];
  return [
    ...words,
    `mask: may look; ÷ temperature ${three(now.temperature)} = ${three(logit)}`,
    `− the row's largest, ${three(most)} (it cancels) = ${three(logit - most)}`,
    `softmax: e^(${three(logit - most)}) / Σ e^… = ${three(power)} / ${three(sum)}`,
    `weight ${now.exact ? "=" : "≈"} ${percent(weight)}${now.changed ? `, the model's ${percent(before)}` : ""}`,
  ];
}

export function makeWhy(view, act) {
  let [now, pair, rows, fields] = [null, [], [], []]; // pair: the places of the query and of the key
  const [title, chain] = [h("p", { class: "sentence" }), h("p", { class: "chain" })];
  const table = tableOf("d", "q", "k", "q × k", "v", "weight × v", "Σ weight × v");
  const spot = (which) => pair[which === "q" ? 0 : 1];
  const width = (which) => (which === "v" ? now.Dv : now.D);
  const value = (all, { which, d }) => now[all]?.[spot(which) * width(which) + d];
  const isEdited = (field) => value(field.which, field) !== value(`${field.which}0`, field);
  const edit = ({ which, d }, x) => act.edit(which, spot(which), d, x);
  const back = button("put back", () => {
    for (const field of fields.filter(isEdited)) edit(field, null);
  });

  function makeField(which, d) {
    const input = h("input", { type: "number", step: "any", "aria-label": `${which}, dimension ${d}` });
    input.tabIndex = d ? -1 : 0; // one way in by Tab; Enter goes on
    input.addEventListener("input", () => {
      if (!input.validity.badInput) edit({ which, d }, input.value ? input.valueAsNumber : null); // bad: "-"
    });
    fields.push({ which, d, input });
    return input;
  }
  table.body.addEventListener("focusout", view.redraw);
  table.body.addEventListener("keydown", ({ key, shiftKey, target }) => {
    const line = target.closest("tr")[shiftKey ? "previousSibling" : "nextSibling"];
    if (key === "Enter") line?.cells[target.parentNode.cellIndex].firstChild.focus();
  });
  function build(D) {
    table.body.replaceChildren();
    fields = [];
    const line = (_, d) => table.add(d, makeField("q", d), makeField("k", d), "", makeField("v", d), "", "");
    rows = Array.from({ length: D }, line);
  }
  function fill() {
    const { D, Dv, Tk, v } = now;
    const [i, j] = pair;
    if (rows.length !== Math.max(D, Dv)) build(Math.max(D, Dv));
    for (const field of fields) {
      const [x, { input }] = [value(field.which, field), field];
      input.hidden = x === undefined || field.d >= width(field.which);
      const text = input.hidden ? "" : three(x);
      if (!input.matches(":focus") && input.value !== text) input.value = text;
      input.toggleAttribute("data-edited", isEdited(field));
    }
    back.disabled = !fields.some(isEdited);
    const { products, weight } = chainOf(now, i, j);
    const top = topK(products.map(Math.abs), 3);
    const [after, before] = v
      ? [outputOf(now.weights, v, i, Tk, Dv), outputOf(now.original, now.v0, i, Tk, Dv)]
      : [];
    rows.forEach((cells, d) => {
      put(cells[3], d < D ? three(products[d]) : "");
      cells[3].parentNode.toggleAttribute("data-top", top.includes(d));
      if (!v || d >= Dv) return;
      put(cells[5], three(weight * v[j * Dv + d]));
      put(cells[6], `${now.changed ? `${three(before[d])} → ` : ""}${three(after[d])}`);
    });
  }

  const hint = "Edit any number; Enter goes down, Shift+Enter up. Bold: the 3 largest products.";
  const box = h("div", { class: "box" }, table.element);
  const numbers = h("div", {}, h("p", { class: "hint" }, hint), box, back);
  function draw(fresh) {
    now = fresh;
    const isHeld = numbers.matches(":focus-within") && pair[0] < now.Tq && pair[1] < now.Tk;
    if (!isHeld) pair = [now.i, now.j < 0 ? topK(now.at(now.i), 1)[0] : now.j];
    const [i, j] = pair;
    put(title, `Why '${now.names[i]}' (${i}) looks at '${now.keys[j]}' (${j}):`);
    put(chain, chainWords(now, i, j).join("\n"));
    numbers.hidden = !now.q;
    table.element.classList.toggle("short", !now.v);
    if (now.q) view.later("why", now.D > 16 ? 60 : 0, fill); // the chain follows the hand, the numbers after it
  }
  return {
    element: h("div", {}, title, h("div", { class: "beside" }, chain, numbers)),
    show(fresh) {
      if (fresh.q || !fresh.D) draw(fresh);
      else view.later("why", 300, () => draw(fresh)); // a head's q and k come a moment after it was chosen
    },
  };
}
