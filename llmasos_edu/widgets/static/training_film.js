// A training run as a film: loss, one distribution and a story, under a slider. See training_film.py.

import BARS from "./bars.css";
import { canvas, floats, h, put, slider, widget } from "./base.js";
import { player } from "./player.js";
import STYLES from "./training_film.css";

const FRAME = 350; // ms a moment while it plays
const EDGE = { left: 52, right: 12, top: 10, bottom: 24 };

/** A number in three significant digits, as Python's `number` gives it from 0.001 to a million. */
export function three(value) {
  if (value === 0) return "0";
  const rounded = Number(value.toExponential(2));
  const exponent = Math.floor(Math.log10(Math.abs(rounded)));
  if (exponent < -4 || exponent > 6) {
    const [digits, power] = rounded.toExponential(2).split("e");
    return `${digits}e${power[0]}${power.slice(1).padStart(2, "0")}`;
  }
  const digits = Math.max(0, 2 - exponent);
  return rounded.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The powers of ten that bound these numbers. */
export function decades(values) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  return [low, Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))];
}

/** Where each point of the curve lies, in CSS pixels: [x, y] pairs; y is logarithmic. */
export function curve(steps, values, width, height) {
  const [low, high] = decades(values);
  const [wide, tall] = [width - EDGE.left - EDGE.right, height - EDGE.top - EDGE.bottom];
  const last = Math.max(1, steps[steps.length - 1] - steps[0]);
  return Array.from(steps, (step, i) => [
    EDGE.left + (wide * (step - steps[0])) / last,
    EDGE.top + tall * (1 - (Math.log10(values[i]) - low) / (high - low)),
  ]);
}

const whole = (n) => n.toLocaleString("en-US");

export default widget(BARS + STYLES, (view) => {
  const [steps, above, words, stories, blank] = ["steps", "above", "words", "stories", "blank"].map((name) =>
    view.get(name),
  );
  const p = floats(view.get("p"));
  const last = steps.length - 1;
  const at = () => Math.min(last, Math.max(0, view.get("at")));

  const dial = slider("training step", { min: 0, max: last }, (value) => {
    play.stop();
    view.follow({ at: value });
  });
  const play = player(view, "at", last, FRAME);

  const chart = canvas(view, (context, width, height) => {
    const points = curve(steps, above, width, height);
    const [low, high] = decades(above);
    context.font = `12px ${getComputedStyle(view.host).fontFamily}`;
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (let power = low; power <= high; power++) {
      const y = EDGE.top + ((height - EDGE.top - EDGE.bottom) * (high - power)) / (high - low);
      context.strokeStyle = view.color("--soft");
      context.beginPath();
      context.moveTo(EDGE.left, y);
      context.lineTo(width - EDGE.right, y);
      context.stroke();
      context.fillStyle = view.color("--faint");
      context.fillText(power < 0 ? (10 ** power).toFixed(-power) : whole(10 ** power), EDGE.left - 6, y);
    }
    context.textBaseline = "bottom";
    context.fillText(whole(steps[last]), width - EDGE.right, height - 4);
    context.textAlign = "left";
    context.fillText(whole(steps[0]), EDGE.left, height - 4);
    context.strokeStyle = view.color("--accent");
    context.lineWidth = 2;
    context.beginPath();
    points.forEach(([x, y], i) => {
      if (i) context.lineTo(x, y);
      else context.moveTo(x, y);
    });
    context.stroke();
    const [x, y] = points[at()];
    context.strokeStyle = view.color("--ink");
    context.beginPath();
    context.moveTo(x, EDGE.top);
    context.lineTo(x, height - EDGE.bottom);
    context.stroke();
    context.fillStyle = view.color("--ink");
    context.beginPath();
    context.arc(x, y, 5, 0, 2 * Math.PI);
    context.fill();
  });

  const now = h("p", { class: "now" });
  const bars = words.map((word) => {
    const [bar, share] = [h("span", { class: "bar" }), h("td")];
    const track = h("td", { class: "track" }, bar);
    return { bar, share, element: h("tr", {}, h("th", { scope: "row" }, word), share, track) };
  });
  const table = h("table", {}, h("caption", {}, `${blank} ___`), ...bars.map((bar) => bar.element));
  const [possible, rest] = [h("span"), h("span", { class: "broken" })];
  const told = h("p", { class: "story" }, possible, rest);
  view.body.append(
    h("div", { class: "row" }, dial.element, play.element),
    h("div", { class: "label" }, "nats a story above the floor, by training step"),
    chart.element,
    now,
    table,
    h("div", { class: "label" }, "a story that it tells; struck out from the first impossible word on"),
    told,
  );
  view.watch("at");
  return () => {
    const i = at();
    const [good, bad] = stories[i];
    const verdict = bad
      ? `its story breaks at “${bad.trim().split(/\s+/)[0]}”`
      : "every word of its story is possible";
    const right = p[words.length * i];
    const sentence = `Step ${whole(steps[i])}: ${three(above[i])} nats above the floor; ${words[0]} has ${three(right)}; ${verdict}.`;
    dial.show(i, `step ${whole(steps[i])}`);
    put(now, sentence);
    put(possible, good);
    put(rest, bad);
    bars.forEach(({ bar, share }, w) => {
      const value = p[words.length * i + w];
      put(share, three(value));
      bar.style.width = `${100 * value}%`;
    });
    chart.paint();
    return sentence;
  };
});
