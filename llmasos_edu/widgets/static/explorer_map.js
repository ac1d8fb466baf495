// The map of one head, with its pointer and its cell cursor.

import { cellAt, drawHand, drawNames, drawWeights, layout } from "./attention_draw.js";
import { percent } from "./attention_math.js";
import { canvas, mark, nextIndex, visible } from "./base.js";

/** Keeps a picture until one of `parts` is another: what stands still is drawn once. */
function makeCache() {
  const picture = new OffscreenCanvas(1, 1);
  const inner = picture.getContext("2d");
  let parts = [];
  return (newParts, context, draw) => {
    if (newParts.length !== parts.length || newParts.some((part, i) => part !== parts[i])) {
      [picture.width, picture.height] = [context.canvas.width, context.canvas.height]; // which also clears it
      inner.setTransform(context.getTransform());
      draw(inner);
      parts = newParts;
    }
    context.save();
    context.resetTransform();
    context.drawImage(picture, 0, 0);
    context.restore();
  };
}

/** "'it' looks at 'mat': 85 %", and what it was where that has changed. */
export function pairWords({ names, keys, weights, original, changed, exact, Tk }, i, j) {
  const at = i * Tk + j;
  const was = changed ? ` (was ${percent(original[at])})` : "";
  return `'${names[i]}' looks at '${keys[j]}': ${exact ? "" : "≈ "}${percent(weights[at])}${was}`;
}

export function makeMap(view, act) {
  const [atRest, names] = [makeCache(), makeCache()];
  let [now, place, nextNames, next] = [null, null, [], null];
  const surface = canvas(view, (context) => {
    const theme = Object.fromEntries(
      ["ink", "faint", "line", "accent"].map((name) => [name, view.color(`--${name}`)]),
    );
    const scene = { ...now, original: now.difference ? now.original : null, place, theme, nextNames };
    const size = [context.canvas.width, context.canvas.height];
    const still = [now.names, now.keys, nextNames, place.cell, ...size, ...Object.values(theme)];
    atRest([now.weights, now.palette, now.difference, ...still], context, (inner) => {
      names(still, inner, (innermost) => drawNames(innermost, scene));
      drawWeights(inner, scene);
    });
    drawHand(context, { ...scene, row: act.hand.i, column: act.hand.j });
  });
  const { element } = surface;
  element.classList.add("map");
  const attributes = { role: "application", tabindex: 0, "aria-roledescription": "map" };
  for (const name in attributes) mark(element, name, attributes[name]);
  mark(
    element,
    "aria-label",
    "Attention map. Arrow keys move the cell, Home and End go to the ends of the row, Enter pins, Escape releases.",
  );
  const under = (event) => place && cellAt(place, ...surface.place(event));
  element.addEventListener("pointermove", (event) => act.cell(...(under(event) ?? [-1, -1])));
  element.addEventListener("pointerleave", () => act.cell(-1, -1));
  element.addEventListener("click", (event) => under(event) && act.pin(...under(event)));
  element.addEventListener("keydown", (event) => {
    const { hand } = act;
    const [i, j] = hand.i < 0 ? [now.pinned, 0] : [hand.i, Math.max(0, hand.j)];
    const upright = /Up|Down/.test(event.key);
    const to = nextIndex(event.key, ...(upright ? [i, now.Tq] : [j, now.Tk]));
    if (to !== undefined) act.cell(...(upright ? [to, j] : [i, to]));
    else if (event.key === "Enter") act.pin(i, j);
    else if (event.key === "Escape") act.pin(now.pinned, -1);
    else return;
    event.preventDefault();
    if (hand.i >= 0) view.say(pairWords(now, hand.i, hand.j));
  });
  return {
    element,
    surface: surface.surface,
    show(newNow) {
      now = newNow;
      if (surface.width() === 0) return;
      if (next !== now.next) {
        next = now.next;
        nextNames = next.map(([best]) => visible(best[0]));
      }
      place = layout(now.names, now.keys, surface.width(), nextNames.length > 0);
      element.style.height = `${place.top + place.high + 2}px`;
      surface.paint();
    },
  };
}
