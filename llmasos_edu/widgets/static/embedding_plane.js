// Words as points that move while a model trains. Everything is sent once; the slider moves it here.
import { canvas, floats, h, listbox, slider, widget } from "./base.js";
import STYLES from "./embedding_plane.css";
import { player } from "./player.js";

const NEAR = 3; // neighbours a word
const REACH = 18; // pixels from the pointer to a point that count as on it
const FRAME = 90; // milliseconds a snapshot when playing

/** Least and greatest value of each axis: [[left, right], [bottom, top]]. */
export function bounds(points) {
  const found = [
    [Infinity, -Infinity],
    [Infinity, -Infinity],
  ];
  points.forEach((value, i) => {
    const axis = found[i % 2];
    axis[0] = Math.min(axis[0], value);
    axis[1] = Math.max(axis[1], value);
  });
  return found;
}

/** Pixels of points (x, y, x, y, …): `box`, from `bounds`, fills the canvas, one scale for both axes. */
export function onScreen(points, box, width, height) {
  const spans = box.map(([low, high]) => Math.max(high - low, 1e-9));
  const scale = Math.min((width - 120) / spans[0], (height - 50) / spans[1]);
  const middle = box.map(([low, high]) => (low + high) / 2);
  return points.map((value, i) =>
    i % 2 ? height / 2 - (value - middle[1]) * scale : width / 2 - 10 + (value - middle[0]) * scale,
  );
}

/**
 * Where each name goes, in the order given: right, left, above or below its point, or nowhere (undefined) if every
 * place would cover a point or another name. `widths` are the names' widths in pixels.
 */
export function places(pixels, widths, order, width, height) {
  const overlaps = (a, b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
  const taken = [];
  for (let i = 0; i < pixels.length; i += 2)
    taken.push([pixels[i] - 5, pixels[i + 1] - 5, pixels[i] + 5, pixels[i + 1] + 5]);
  const found = [];
  for (const i of order) {
    const [x, y, wide] = [pixels[2 * i], pixels[2 * i + 1], widths[i]];
    const corners = [
      [x + 9, y + 4],
      [x - 9 - wide, y + 4],
      [x - wide / 2, y - 9],
      [x - wide / 2, y + 18],
    ];
    found[i] = corners.find(([left, base]) => {
      const box = [left, base - 11, left + wide, base + 3];
      const inside = box[0] >= 0 && box[2] <= width && box[1] >= 0 && box[3] <= height;
      return inside && !taken.some((other) => overlaps(box, other));
    });
    if (found[i]) taken.push([found[i][0], found[i][1] - 11, found[i][0] + wide, found[i][1] + 3]);
  }
  return found;
}

/** The point nearest to (x, y) within `within` pixels; −1 where there is none. */
export function pointAt(pixels, x, y, within) {
  let [best, distance] = [-1, within];
  for (let i = 0; i < pixels.length / 2; i++) {
    const d = Math.hypot(pixels[2 * i] - x, pixels[2 * i + 1] - y);
    if (d <= distance) [best, distance] = [i, d];
  }
  return best;
}

/** Share of words whose nearest word is of their own group. `near` holds (index, cosine) pairs, NEAR a word. */
export function together(near, groups) {
  return groups.filter((group, i) => group === groups[near[2 * NEAR * i]]).length / groups.length;
}

function byChance(groups) {
  const sizes = new Map();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const pairs = [...sizes.values()].reduce((sum, n) => sum + n * (n - 1), 0);
  return pairs / (groups.length * (groups.length - 1));
}

// from the paper itself: right after a change of theme, light-dark() still gives a canvas the colour before
const isDark = (rgb) =>
  rgb
    .match(/\d+/g)
    .slice(0, 3)
    .map(Number)
    .reduce((a, b) => a + b) <
  3 * 128;
const percent = (share) => `${Math.round(100 * share)} %`;

/** A sign as a small picture; the parser knows what <svg> is, so no namespace stands here. */
function sign(path) {
  const template = h("template");
  template.innerHTML =
    '<svg viewBox="-8 -8 16 16" width="16" height="16" aria-hidden="true"><path></path></svg>';
  const shape = template.content.querySelector("path");
  shape.setAttribute("d", path);
  return shape;
}

export default widget(STYLES, (view) => {
  const [words, groups, names, steps] = ["words", "groups", "names", "steps"].map((name) => view.get(name));
  const points = floats(view.get("points"));
  const near = floats(view.get("neighbours"));
  const paths = view.get("markers").map((path) => new Path2D(path));
  const last = steps.length - 1;
  const box = bounds(points);
  let hovered = -1;
  let pixels = [];

  const at = () => Math.min(last, Math.max(0, view.get("at")));
  const snapshot = () => points.subarray(2 * words.length * at(), 2 * words.length * (at() + 1));
  const nearNow = () => near.subarray(2 * NEAR * words.length * at(), 2 * NEAR * words.length * (at() + 1));
  const neighboursOf = (word) => {
    const from = nearNow().subarray(2 * NEAR * word, 2 * NEAR * (word + 1));
    return Array.from({ length: NEAR }, (_, k) => [from[2 * k], from[2 * k + 1]]);
  };
  const sentenceOf = (word) => {
    const list = neighboursOf(word).map(([i, cosine]) => `${words[i]} ${cosine.toFixed(2)}`);
    return `Nearest to ${words[word]} (${names[groups[word]]}), by cosine: ${list.join(", ")}.`;
  };

  const dial = slider("training step", { min: 0, max: last }, (value) => {
    play.stop();
    view.follow({ at: value });
  });
  const play = player(view, "at", last, FRAME);

  const pick = (word) => {
    view.set({ picked: word === view.get("picked") ? -1 : word });
    if (view.get("picked") >= 0) view.say(sentenceOf(word));
  };
  const list = listbox("words", {
    onmove: (word) => {
      hovered = word;
      view.say(sentenceOf(word));
      view.redraw();
    },
    onpick: pick,
  });
  list.element.addEventListener("focusout", () => {
    hovered = -1;
    view.redraw();
  });
  const signs = names.map((_, group) => sign(view.get("markers")[group]));
  const keys = names.map((name, group) => h("span", { class: "key" }, signs[group].parentNode, name));
  const legend = h("div", { class: "row" }, ...keys);
  const now = h("p", { class: "now" });
  const told = h("p", { class: "now" });
  const plane = canvas(view, (context, width, height) => {
    pixels = Array.from(onScreen(Array.from(snapshot()), box, width, height));
    paint(context, width, height);
  });
  plane.element.addEventListener("pointermove", (event) =>
    hover(pointAt(pixels, ...plane.place(event), REACH)),
  );
  plane.element.addEventListener("pointerleave", () => hover(-1));
  plane.element.addEventListener("click", (event) => {
    const word = pointAt(pixels, ...plane.place(event), REACH);
    if (word >= 0) pick(word);
  });
  function hover(word) {
    if (word === hovered) return;
    hovered = word;
    plane.element.classList.toggle("near", word >= 0);
    view.redraw();
  }

  function paint(context, width, height) {
    const chosen = hovered >= 0 ? hovered : view.get("picked");
    const friends = chosen >= 0 ? neighboursOf(chosen).map(([i]) => i) : [];
    const place = (i) => [pixels[2 * i], pixels[2 * i + 1]];
    context.lineWidth = 1.5;
    context.strokeStyle = view.color("--ink");
    for (const friend of friends) {
      context.beginPath();
      context.moveTo(...place(chosen));
      context.lineTo(...place(friend));
      context.stroke();
    }
    const colours = view.get("colours")[isDark(view.color("--paper")) ? "dark" : "light"];
    signs.forEach((shape, group) => {
      shape.style.fill = colours[group];
    });
    groups.forEach((group, i) => {
      const [x, y] = place(i);
      context.save();
      context.translate(x, y);
      context.fillStyle = colours[group];
      context.fill(paths[group]);
      context.restore();
    });
    if (chosen >= 0) {
      context.beginPath();
      context.arc(...place(chosen), 11, 0, 2 * Math.PI);
      context.stroke();
    }
    // names that would cover a point or a name are left out; the chosen word and its neighbours come first
    const order = new Set([...(chosen >= 0 ? [chosen, ...friends] : []), ...words.keys()]);
    const font = getComputedStyle(view.host).fontFamily;
    context.font = `12px ${font}`;
    const widths = words.map((word) => context.measureText(word).width + 2);
    context.fillStyle = view.color("--ink");
    places(pixels, widths, order, width, height).forEach((spot, i) => {
      if (!spot) return;
      context.font = `${i === chosen ? 700 : 400} 12px ${font}`;
      context.fillText(words[i], ...spot);
    });
  }

  view.body.append(
    h("div", { class: "row steps" }, dial.element, play.element),
    legend,
    plane.element,
    now,
    told,
    h("details", {}, h("summary", {}, "Words: pick one by keyboard or pointer"), list.element),
  );
  view.watch("at", "picked");
  return () => {
    const sentence =
      `At step ${steps[at()].toLocaleString("en-US")} of ${steps[last].toLocaleString("en-US")}: ` +
      `${percent(together(nearNow(), groups))} of the words have their nearest word in their own group; ` +
      `by chance ${percent(byChance(groups))}.`;
    const chosen = hovered >= 0 ? hovered : view.get("picked");
    dial.show(at(), `step ${steps[at()].toLocaleString("en-US")}`);
    list.show(words, view.get("picked"));
    now.textContent = sentence;
    told.textContent =
      chosen >= 0 ? sentenceOf(chosen) : "Point at a word, or pick one below, for its nearest words.";
    plane.paint();
    return sentence;
  };
});
