// The example of base.py, as a test.
import { h, slider, widget } from "./base.js";

export default widget("", (view) => {
  const dial = slider("angle", { min: 0, max: 90 }, (value) => view.set({ angle: value }));
  const needle = h("output");
  view.body.append(dial.element, needle);
  view.watch("angle");
  return () => {
    dial.show(view.get("angle"), `${view.get("angle")}°`);
    needle.textContent = "/".repeat(view.get("angle") / 10);
    return `The dial stands at ${view.get("angle")} degrees.`;
  };
});
