// A button that runs a view through its moments, as a slider beside it does by hand.
import { button } from "./base.js";

/** Plays `trait` up to `last`, a step every `ms`; from the end it begins anew. `stop()` when a hand takes over. */
export function player(view, trait, last, ms) {
  const at = () => Math.min(last, Math.max(0, view.get(trait)));
  const element = button("▶ play", () => (view.timers.play ? stop() : start()));
  function start() {
    if (at() === last) view.set({ [trait]: 0 });
    element.textContent = "⏸ pause";
    view.later("play", ms, step);
  }
  function step() {
    if (at() === last) return stop();
    view.set({ [trait]: at() + 1 });
    view.later("play", ms, step);
  }
  function stop() {
    clearTimeout(view.timers.play);
    view.timers.play = 0;
    element.textContent = "▶ play";
  }
  view.ends.push(stop);
  return { element, stop };
}
