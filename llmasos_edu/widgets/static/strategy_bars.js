// The next token's distribution before and after the strategies. Logits come once; the sliders work here.
import { entropy, percent, softmaxRow } from "./attention_math.js";
import { button, floats, h, put, slider, visible, widget } from "./base.js";
import STYLES from "./strategy_bars.css";
import { keptOf, shapedBy } from "./strategy_math.js";

const DIALS = [
  // trait, name, range, value that changes nothing, how it is written
  ["temperature", "temperature", { min: 0.1, max: 3, step: 0.05 }, 1, (x) => x.toFixed(2)],
  ["top_k", "top-k", { min: 0, max: 50, step: 1 }, 0, (x) => (x === 0 ? "all" : String(x))],
  ["top_p", "top-p", { min: 0.01, max: 1, step: 0.01 }, 1, (x) => x.toFixed(2)],
  ["min_p", "min-p", { min: 0, max: 1, step: 0.01 }, 0, (x) => x.toFixed(2)],
  ["repetition_penalty", "repetition penalty", { min: 1, max: 3, step: 0.05 }, 1, (x) => x.toFixed(2)],
];

/** What is set, the neutral left out: "temperature 0.80, top-k 5"; "no strategy" where nothing is. */
export function settingsOf(values) {
  const set = DIALS.filter(([trait, , , neutral]) => values[trait] !== neutral);
  return set.map(([trait, name, , , say]) => `${name} ${say(values[trait])}`).join(", ") || "no strategy";
}

/** The sentence: how many can still be drawn, their share, the choice that is left. */
export function sentenceAbout(settings, count, V, mass, before, after) {
  const among = Math.exp(after);
  return (
    `${settings}: ${count.toLocaleString("en-US")} of ${V.toLocaleString("en-US")} tokens can be drawn, ` +
    `with ${percent(mass)} of the model's probability; the choice is ${after.toFixed(2)} nats ` +
    `(before: ${before.toFixed(2)}), as among ${among.toFixed(1)} equal tokens.`
  );
}

export default widget(STYLES, (view) => {
  let logits;
  let before; // the model's own distribution, and its entropy
  let nats;
  const read = () => {
    logits = Float64Array.from(floats(view.get("logits")));
    before = softmaxRow(logits);
    nats = entropy(before);
  };
  read();
  view.on("logits", read);

  const dials = DIALS.map(([trait, name, range, , say]) => ({
    trait,
    say,
    dial: slider(name, range, (value) => view.set({ [trait]: value })),
  }));
  const off = button("all off", () =>
    view.set(Object.fromEntries(DIALS.map(([trait, , , neutral]) => [trait, neutral]))),
  );
  const context = h("p", { class: "context" });
  const said = h("p", { class: "said" });
  const rows = h("tbody");
  const head = ["next token", "before", "after", ""].map((title) => h("th", { scope: "col" }, title));
  head[3] = h("td", { class: "track" }, h("span", { class: "key" }, "▭ before  ▬ after"));
  view.body.append(
    context,
    h("div", { class: "dials" }, ...dials.map(({ dial }) => dial.element), off),
    said,
    h("table", {}, h("thead", {}, h("tr", {}, ...head)), rows),
  );

  function line(name) {
    const parts = {
      before: h("td"),
      after: h("td"),
      was: h("span", { class: "was" }),
      is: h("span", { class: "is" }),
    };
    const track = h("td", { class: "track", "aria-hidden": "true" }, parts.was, parts.is);
    parts.element = h("tr", {}, h("th", { scope: "row" }, name), parts.before, parts.after, track);
    return parts;
  }
  let lines = [];
  let named = "";
  function build() {
    const names = view.get("names");
    if (JSON.stringify(names) === named) return;
    named = JSON.stringify(names);
    lines = [...names.map((name) => line(visible(name))), line("all others")];
    rows.replaceChildren(...lines.map((parts) => parts.element));
  }
  function fill(parts, was, is, cut) {
    put(parts.before, percent(was));
    put(parts.after, cut ? "cut" : percent(is));
    parts.element.classList.toggle("cut", cut);
    parts.was.style.width = `${100 * was}%`;
    parts.is.style.width = `${100 * is}%`;
  }

  view.watch("seq", "logits", "names", ...DIALS.map(([trait]) => trait));
  return () => {
    build();
    const values = Object.fromEntries(DIALS.map(([trait]) => [trait, view.get(trait)]));
    const seen = view.get("seen");
    const shaped = shapedBy(logits, seen, {
      penalty: values.repetition_penalty,
      temperature: values.temperature,
      topK: values.top_k,
      topP: values.top_p,
      minP: values.min_p,
    });
    const after = softmaxRow(shaped);
    const [count, mass] = keptOf(before, shaped);
    for (const { trait, say, dial } of dials) dial.show(values[trait], say(values[trait]));
    dials.at(-1).dial.element.hidden = seen.length === 0; // nothing to repeat
    put(context, view.get("context"));
    context.hidden = view.get("context") === "";
    const ids = view.get("ids");
    let [was, is, others] = [1, 1, count];
    ids.forEach((id, i) => {
      const cut = shaped[id] === Number.NEGATIVE_INFINITY;
      fill(lines[i], before[id], after[id], cut);
      was -= before[id];
      is -= after[id];
      others -= cut ? 0 : 1;
    });
    lines.at(-1).element.hidden = ids.length === logits.length;
    fill(lines.at(-1), Math.max(0, was), Math.max(0, is), others === 0);
    const sentence = sentenceAbout(settingsOf(values), count, logits.length, mass, nats, entropy(after));
    put(said, sentence);
    view.say(sentence);
    return sentence;
  };
});
