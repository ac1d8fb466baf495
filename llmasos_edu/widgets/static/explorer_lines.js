// From token to token: lines from the tokens that look to the tokens that are looked at.
import { fitted } from "./attention_draw.js";
import { percent, topK } from "./attention_math.js";
import { canvas, h, put } from "./base.js";

const SHOWN = 40; // tokens on a side

/** Where a window on T places starts so that `at` is in it: it moves only when it must. */
export function windowFrom(start, at, T) {
  const kept = at >= start && at < start + SHOWN ? start : at - 30;
  return Math.max(0, Math.min(kept, T - SHOWN));
}

export function makeLines(view, act) {
  let [now, best, step, from, to] = [null, [], 0, 0, 0]; // from, to: where the windows on queries and keys start
  const [axes, said] = [h("p", { class: "hint" }), h("p", { class: "hint" })];
  const y = (n) => (n + 0.5) * step;

  const surface = canvas(view, (context, width) => {
    const [left, right] = [0.32 * width, 0.6 * width];
    const fan = (i, colour, opacity, thick) => {
      context.strokeStyle = view.color(colour);
      now
        .at(i)
        .subarray(to, to + SHOWN)
        .forEach((w, n) => {
          if (w < 0.005) return;
          context.globalAlpha = opacity * (0.2 + 0.8 * w);
          context.lineWidth = 1 + thick * w;
          context.beginPath();
          context.moveTo(left, y(i - from));
          context.lineTo(right, y(n));
          context.stroke();
        });
    };
    for (let i = 0; i < now.Tq && now.Tq <= 32; i++) fan(i, "--ink", 0.3, 0);
    fan(now.i, "--accent", 1, 7);
    context.globalAlpha = 1;
    context.textBaseline = "middle";
    const write = (text, n, x, isStrong) => {
      context.font = `${isStrong ? 700 : 400} 13px system-ui, sans-serif`;
      context.fillStyle = view.color(isStrong ? "--accent" : "--ink");
      context.fillText(fitted(context, text, 0.28 * width), x, y(n));
    };
    context.textAlign = "right";
    now.names.slice(from, from + SHOWN).forEach((name, n) => {
      write(name, n, left - 6, n + from === now.i);
    });
    context.textAlign = "left";
    now.keys.slice(to, to + SHOWN).forEach((name, n) => {
      const isStrong = best.includes(n + to);
      write(name, n, right + 54, isStrong);
      if (isStrong) write(percent(now.at(now.i)[n + to]), n, right + 6, true);
    });
  });
  surface.element.addEventListener("click", (event) => {
    const [x, top] = surface.place(event);
    const i = from + Math.floor(top / step);
    if (x < 0.32 * surface.width() && i < now.Tq) act.row(i);
  });

  return {
    element: h("div", { class: "lines" }, axes, surface.element, said),
    show(fresh) {
      now = fresh;
      const { i, Tq, Tk, keys } = now;
      const row = now.at(i);
      best = topK(row, 3).filter((j) => row[j] > 0);
      from = windowFrom(from, i, Tq);
      to = now.same ? from : windowFrom(to, best[0] ?? 0, Tk);
      const seen = row.subarray(to, to + SHOWN).reduce((sum, w) => sum + w, 0);
      const part = `; shown are ${to} to ${to + SHOWN - 1} of ${Tk}, with ${percent(seen)} of the row's weight`;
      put(axes, `left: looks (query); right: is looked at (key)${Tk > SHOWN ? part : ""}`);
      const parts = best.map((j) => `'${keys[j]}' ${percent(row[j])}`);
      put(said, `'${now.names[i]}' looks at ${parts.join(", ") || "nothing"}.`);
      const most = Math.max(Tq, Tk);
      step = most > 24 ? 18 : 24;
      surface.element.style.height = `${Math.min(SHOWN, most) * step}px`;
      surface.paint();
    },
  };
}
