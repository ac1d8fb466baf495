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
  const corner = 24; // room for the numbers of layers and heads, in CSS pixels
  let [now, cell, best, hand, names] = [null, 0, [], null, ""]; // `hand`: the cell under the pointer or the cursor
  const by = select("colour and sort by", [], act.sort);
  const list = listbox("heads with the most of it", { onpick: (n) => act.head(...best[n]) });
  mark(list.element, "aria-orientation", "vertical");
  const said = h("p", { class: "hint" });
  const score = (l, n) => now.measures[now.measure][l * now.heads + n];
  const words = ([l, n]) => `layer ${l} head ${n} · ${now.measure} ${score(l, n).toFixed(2)}`;
  const at = (n) => corner + n * cell;

  const surface = canvas(view, (context) => {
    const { layers, heads, measures, measure, palette } = now;
    const picture = pixels(measures[measure], { Tq: layers, Tk: heads, rules: {} }, palette, 1);
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, corner, corner, heads * cell, layers * cell);
    Object.assign(context, {
      font: "12px system-ui, sans-serif",
      textAlign: "center",
      textBaseline: "middle",
    });
    const write = (text, x, y, ink) => {
      context.fillStyle = ink;
      context.fillText(text, x, y);
    };
    const step = Math.ceil(18 / cell);
    for (let n = 0; n < heads; n += step) write(n, at(n + 0.5), 12, view.color("--ink"));
    for (let l = 0; l < layers; l += step) write(l, 12, at(l + 0.5), view.color("--ink"));
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
    const [n, l] = surface.place(event).map((x) => Math.floor((x - corner) / cell));
    return n >= 0 && l >= 0 && n < now.heads && l < now.layers ? [l, n] : null;
  };
  map.addEventListener("pointermove", (event) => move(under(event)));
  map.addEventListener("pointerleave", () => move(null));
  map.addEventListener("click", (event) => under(event) && act.head(...under(event)));
  map.addEventListener("keydown", (event) => {
    const to = [...(hand ?? [now.layer, now.head])];
    const axis = /Up|Down/.test(event.key) ? 0 : 1;
    const next = nextIndex(event.key, to[axis], [now.layers, now.heads][axis]);
    if (next !== undefined) {
      to[axis] = next;
      move(to);
      view.say(words(to));
    } else if (event.key === "Enter") act.head(...to);
    else if (event.key === "Escape") move(null);
    else return;
    event.preventDefault();
  });

  const left = h("div", {}, h("p", { class: "hint" }, "layer ↓ head →"), map, said);
  return {
    element: h("div", { class: "beside" }, left, h("div", {}, by.element, list.element)),
    show(fresh) {
      now = fresh;
      const { layers, heads, layer, head, measures, measure } = now;
      if (names !== Object.keys(measures).join()) {
        names = Object.keys(measures).join();
        by.input.replaceChildren(...Object.keys(measures).map((name) => h("option", {}, name)));
      }
      by.show(measure);
      best = bestHeads(measures[measure], heads);
      list.show(
        best.map(words),
        best.findIndex(([l, n]) => l === layer && n === head),
      );
      if (hand && (hand[0] >= layers || hand[1] >= heads)) hand = null;
      const shown = hand ?? [layer, head];
      put(said, `${words(shown)}; label: ${roleOf(now, ...shown)}`);
      cell = Math.max(3, Math.min(24, Math.floor((surface.width() - corner - 2) / heads)));
      Object.assign(map.style, { width: `${corner + 24 * heads + 2}px`, height: `${at(layers) + 2}px` });
      surface.paint();
    },
  };
}
