// Layers × heads at a glance, coloured and sorted by what a probe says that each head does.
import { outline, pixels } from "./attention_draw.js";
import { topK } from "./attention_math.js";
import { canvas, h, listbox, mark, nextIndex, put, select } from "./base.js";
import { roleOf } from "./explorer_parts.js";
import { tint } from "./palette.js";

/** The heads with the most of a measure, `[layer, head]`, best first. */
export function bestHeads(scores, heads, count = 8) {
  return topK(scores, count).map((n) => [Math.floor(n / heads), n % heads]);
}

export function makeGlance(view, act) {
  let [now, cell, scores, best, hand] = [null, 0, null, [], null]; // `hand`: the cell under the pointer or the cursor
  const by = select("colour and sort by", [], act.sort);
  const list = listbox("heads with the most of it", { onpick: (n) => act.head(...best[n]) });
  const said = h("p", { class: "hint", role: "status" });
  const score = (l, n) => scores[l * now.heads + n];
  const words = ([l, n]) => `layer ${l} head ${n} · ${now.measure} ${score(l, n).toFixed(2)}`;
  const at = (n) => 24 + n * cell; // in CSS pixels; the first 24 are for the numbers of layers and heads

  const surface = canvas(view, (context) => {
    const { layers, heads, palette } = now;
    const picture = pixels(scores, { Tq: layers, Tk: heads, rules: {} }, palette, 1);
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, at(0), at(0), heads * cell, layers * cell);
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    const write = (text, x, y, ink = view.color("--ink")) => {
      context.fillStyle = ink;
      context.fillText(text, x, y);
    };
    const step = Math.ceil(18 / cell);
    for (let n = 0; n < heads; n += step) write(n, at(n + 0.5), 12);
    for (let l = 0; l < layers; l += step) write(l, 12, at(l + 0.5));
    for (const key of now.off) {
      const [l, n] = key.split(".").map(Number);
      write("✕", at(n + 0.5), at(l + 0.5), tint(palette, score(l, n)).ink);
    }
    if (hand) outline(context, [at(hand[1]), at(hand[0]), cell, cell], "#9cf");
    outline(context, [at(now.head), at(now.layer), cell, cell], "#fff");
  });
  const map = surface.element;
  mark(map, "role", "application");
  mark(map, "tabindex", "0");
  mark(map, "aria-label", "layers and heads: arrow keys move, Enter chooses, Escape lets go");
  const move = (to) => {
    hand = to;
    view.redraw();
  };
  const under = (event) => {
    const [n, l] = surface.place(event).map((x) => Math.floor((x - at(0)) / cell));
    return n >= 0 && l >= 0 && n < now.heads && l < now.layers ? [l, n] : null;
  };
  map.addEventListener("pointermove", (event) => move(under(event)));
  map.addEventListener("pointerleave", () => move(null));
  map.addEventListener("blur", () => move(null));
  map.addEventListener("click", (event) => under(event) && act.head(...under(event)));
  map.addEventListener("keydown", (event) => {
    const to = [...(hand ?? [now.layer, now.head])];
    const axis = /Up|Down/.test(event.key) ? 0 : 1;
    const next = nextIndex(event.key, to[axis], axis ? now.heads : now.layers);
    if (next !== undefined) {
      to[axis] = next;
      move(to);
    } else if (event.key === "Enter") {
      act.head(...to);
      move(null);
    } else if (event.key === "Escape") move(null);
    else return;
    event.preventDefault();
  });

  const left = h("div", {}, h("p", { class: "hint" }, "layer ↓ head →"), map, said);
  const element = h("div", { class: "beside" }, left, h("div", {}, by.element, list.element));
  return {
    element,
    show(fresh) {
      now = fresh;
      const { layers, heads, layer, head, measures, measure } = now;
      element.hidden = !measures[measure];
      if (element.hidden) return;
      const names = Object.keys(measures);
      if (by.input.length !== names.length)
        by.input.replaceChildren(...names.map((name) => h("option", {}, name)));
      by.show(measure);
      if (scores !== measures[measure]) {
        scores = measures[measure];
        best = bestHeads(scores, heads);
      }
      list.show(
        best.map(words),
        best.findIndex(([l, n]) => l === layer && n === head),
      );
      if (!(hand?.[0] < layers && hand[1] < heads)) hand = null;
      const shown = hand ?? [layer, head];
      put(said, `${words(shown)}; label: ${roleOf(now, ...shown) || "none"}`);
      cell = Math.max(3, Math.min(24, Math.floor((surface.width() - 26) / heads)));
      Object.assign(map.style, { width: `${26 + 24 * heads}px`, height: `${at(layers) + 2}px` });
      surface.paint();
    },
  };
}
