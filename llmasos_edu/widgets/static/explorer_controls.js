// What the reader sets: the sentence, layer and head, scale, temperature, mask, and which views are open.

import { button, checkbox, h, mark, put, select, slider } from "./base.js";
import { PALETTES } from "./palette.js";

const round = (x) => Number(x.toPrecision(3)).toString();
const same = (x) => [x, x];

/** A choice of 0 … n − 1. */
function numbers(name, set) {
  const control = select(name, [], (value) => set(Number(value)));
  return {
    ...control,
    count(n) {
      control.element.hidden = n === 1;
      if (control.input.options.length === n) return;
      control.input.replaceChildren(
        ...Array.from({ length: n }, (_, i) => h("option", { value: i }, String(i))),
      );
    },
  };
}

/** The sentence: the model is asked when the typing rests, and on Enter. */
function makeSentence(view) {
  const ask = () => view.set({ typed: input.value });
  const input = h("input", { type: "text", class: "typed", spellcheck: "false", maxlength: 8000 });
  input.addEventListener("input", () => view.later("typed", 350, ask));
  input.addEventListener("keydown", (event) => event.key === "Enter" && view.later("typed", 0, ask));
  const busy = h("span", { class: "hint" });
  const error = h("p", { class: "error", role: "alert" });
  let typed = null;
  return {
    element: h("div", {}, h("label", { class: "wide" }, "sentence", input, busy), error),
    show(now) {
      if (now.typed !== typed && view.moving.typed === undefined) input.value = typed = now.typed;
      input.parentElement.hidden = !now.live;
      put(busy, now.waiting ? "the model reads …" : "");
      if (now.waiting) view.say("the model reads");
      const told = view.get("error");
      put(error, told ? `Not done: ${told} (The picture is the one before.)` : "");
      error.hidden = !told;
    },
  };
}

/** The choices of what is shown, and what is done to it. */
function makeSettings(view) {
  const natural = () => view.get("meta").scale;
  const layer = numbers("layer", (value) => view.follow({ layer: value }));
  const head = numbers("head", (value) => view.follow({ head: value }));
  const scale = slider("scale", { min: -4, max: 4, step: 0.25 }, (x) =>
    view.follow({ scale: natural() * 2 ** x }),
  );
  const scaled = checkbox("÷ √d_head", (on) => view.follow({ scale: on ? natural() : 1 }));
  const heat = slider("temperature", { min: -3, max: 3, step: 0.25 }, (x) =>
    view.follow({ temperature: 2 ** x }),
  );
  const mask = select("mask", ["causal", "none", "window"].map(same), (value) =>
    view.follow({ mask: value }),
  );
  const window = slider("window", { min: 1, max: 16, step: 1 }, (n) => view.follow({ window: n }));
  const first = checkbox("hide token 0, renormalise", (on) => view.follow({ hide_first: on }));
  const gap = checkbox("difference from the original", (on) => view.follow({ difference: on }));
  const palette = select("colours", PALETTES.map(same), (value) => view.follow({ palette: value }));
  const all = [layer, head, scale, scaled, heat, mask, window, first, gap, palette];
  return {
    element: h("div", { class: "row" }, ...all.map((control) => control.element)),
    show(now) {
      layer.count(now.layers);
      head.count(now.heads);
      layer.show(view.get("layer"));
      head.show(view.get("head"));
      const times = now.scale / now.natural;
      scale.element.hidden = scaled.element.hidden = now.D === 0;
      scale.show(Math.log2(times), `${round(now.scale)} = ${round(times)} × ${round(now.natural)}`);
      scaled.show(now.scale !== 1);
      heat.show(Math.log2(now.temperature), round(now.temperature));
      mask.show(now.rules.mask);
      mask.element.hidden = !now.same;
      window.show(now.rules.window, `${now.rules.window} tokens`);
      window.element.hidden = now.rules.mask !== "window";
      first.show(now.rules.hideFirst);
      gap.show(now.difference);
      palette.show(view.get("palette"));
    },
  };
}

/** Buttons that open and close views, and what else is done with the whole: put back, save a picture. */
function makeButtons(view, views, act) {
  const toggle = ([name, { title }]) => {
    const open = () => view.get("views");
    const flip = () =>
      view.set({ views: open().includes(name) ? open().filter((one) => one !== name) : [...open(), name] });
    return [name, button(title, flip)];
  };
  const toggles = Object.entries(views).map(toggle);
  const reset = button("put all back", act.reset);
  const save = button("save picture", act.save);
  const group = h(
    "div",
    { class: "row", role: "group", "aria-label": "views" },
    ...toggles.map(([, b]) => b),
  );
  return {
    element: h("div", { class: "row" }, group, reset, save),
    show(now) {
      for (const [name, one] of toggles) {
        mark(one, "aria-pressed", String(view.get("views").includes(name)));
        one.hidden = !views[name].fits(now);
      }
      reset.disabled = !(now.changed || now.off.size > 0 || view.get("edits").length > 0);
    },
  };
}

export function makeControls(view, views, act) {
  const parts = [makeSentence(view), makeSettings(view), makeButtons(view, views, act)];
  return {
    element: h("div", {}, ...parts.map((part) => part.element)),
    show(now) {
      for (const part of parts) part.show(now);
    },
  };
}
