// Type text and see its tokens; a slider runs through the merges. Encoding happens here, in the browser.
import { button, checkbox, h, listbox, slider, visible, widget } from "./base.js";
import { changes, encode, hex, tables, tokenText } from "./bpe.js";
import STYLES from "./tokenizer_playground.css";

const MOST = 600; // tokens that are drawn

function integers(view) {
  return new Int32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

export default widget(STYLES, (view) => {
  const all = tables(integers(view.get("byte_ids")), integers(view.get("joins")));
  const source = view.get("js_pattern");
  const name = (id) => visible(tokenText(all.bytesOf.get(id)));
  const film = slider("merges applied", { min: 0, max: all.merges }, (shown) => view.follow({ shown }));
  const area = h("textarea", { rows: 2, spellcheck: "false", dir: "auto" });
  area.addEventListener("input", () => view.set({ typed: area.value, picked: -1 }));
  const step = (direction) => {
    const [now, stops] = [view.get("shown"), changes(view.get("typed"), source, all)];
    const next =
      direction > 0 ? stops.find((stop) => stop > now) : stops.filter((stop) => stop <= now).at(-1);
    if (next !== undefined) view.set({ shown: direction > 0 ? next : next - 1, picked: -1 });
  };
  const back = button("◂ previous change", () => step(-1));
  const forth = button("next change ▸", () => step(1));
  const merge = h("p", { class: "merge", role: "status" });
  const bytes = checkbox("bytes instead of ids", () => view.redraw());
  const counts = h("p", { class: "hint" });
  const about = h("p", { class: "merge" });
  const list = listbox("tokens", {
    onmove: (i) => view.set({ picked: i }),
    onpick: (i) => view.set({ picked: i }),
  });
  view.body.append(
    h("label", { class: "text" }, "text", area),
    h("div", { class: "film" }, film.element),
    h("div", { class: "row" }, back, forth, bytes.element),
    merge,
    list.element,
    about,
    counts,
  );
  view.watch("typed", "shown", "picked");

  function lastMerge(shown) {
    if (shown === 0) return ["No merge yet: every token is one byte."];
    const [left, right, joined] = all.pairs.slice(3 * shown - 3, 3 * shown);
    return [`Merge ${shown} joins `, chip(left), " and ", chip(right), " to ", chip(joined), "."];
  }
  const chip = (id) => h("code", {}, name(id));

  function describe(id) {
    if (id === undefined) return ["Choose a token to see its bytes and the merge that made it."];
    const begin = [chip(id), ` has id ${id} and the bytes ${hex(all.bytesOf.get(id))}; `];
    if (!all.madeBy.has(id)) return [...begin, "it is a single byte, no merge made it."];
    const [rank, left, right] = all.madeBy.get(id);
    return [...begin, `merge ${rank + 1} made it from `, chip(left), " and ", chip(right), "."];
  }

  function drawTokens(ids, shown, picked) {
    list.show(ids.map(name), picked);
    list.options.forEach((option, i) => {
      const small = bytes.input.checked ? hex(all.bytesOf.get(ids[i])) : String(ids[i]);
      if (option.childElementCount === 0) option.append(h("small", {}, small));
      else if (option.lastChild.textContent !== small) option.lastChild.textContent = small;
      option.classList.toggle("new", shown > 0 && all.madeBy.get(ids[i])?.[0] === shown - 1);
    });
  }

  return () => {
    const [text, shown, picked] = [view.get("typed"), view.get("shown"), view.get("picked")];
    if (area.value !== text) area.value = text;
    const ids = encode(text, source, all, shown);
    film.show(shown, `${shown} of ${all.merges}`);
    merge.replaceChildren(...lastMerge(shown));
    drawTokens(ids.slice(0, MOST), shown, picked);
    about.replaceChildren(...describe(ids[picked]));
    const characters = [...text].length;
    const size = new TextEncoder().encode(text).length;
    const more = ids.length > MOST ? ` The first ${MOST} tokens are drawn.` : "";
    const sentence = `${characters} characters make ${size} bytes and ${ids.length} tokens after ${shown} of ${all.merges} merges.`;
    counts.textContent = sentence + more;
    view.say(sentence);
    return sentence;
  };
});
