// The heads of one layer side by side: thumbnail, entropy, role, and a switch that takes the head out.
import { pixels } from "./attention_draw.js";
import { checkbox, h, listbox, mark, put } from "./base.js";
import { roleOf, three } from "./explorer_parts.js";

/** The mean entropy in nats of the rows of 8-bit weights. (A weight under 1/510 is 0 in them and does not count.) */
export function meanEntropy(bytes, columns) {
  let mean = 0;
  for (let start = 0; start < bytes.length; start += columns) {
    let [sum, logs] = [0, 0];
    for (const b of bytes.subarray(start, start + columns)) {
      sum += b;
      if (b) logs += b * Math.log(b);
    }
    if (sum) mean += (Math.log(sum) - logs / sum) * (columns / bytes.length);
  }
  return mean;
}

export function makeHeads(view, act) {
  let now;
  let tiles = []; // of each head its canvas and switch, and what was drawn last
  const list = listbox("heads of this layer", { onpick: (n) => act.head(now.layer, n) });
  const switches = h("div", { class: "switches", role: "group", "aria-label": "heads that are off" });
  const hint = h("p", { class: "hint" });

  function makeTile(_, n) {
    const off = checkbox("off", (on) => act.off(now.layer, n, on));
    mark(off.input, "aria-label", `off: head ${n}`);
    return { off, surface: h("canvas", { width: 64, height: 64 }), words: "…" };
  }
  function isOld({ bytes, table }, n) {
    const fresh = now.picture(now.layer, n); // may be another window on the same bytes
    return (
      table !== now.palette || bytes?.buffer !== fresh?.buffer || bytes?.byteOffset !== fresh?.byteOffset
    );
  }
  function drawTile(tile, n) {
    if (!isOld(tile, n)) return;
    const { columns, pool, palette } = now;
    const bytes = now.picture(now.layer, n);
    Object.assign(tile, { bytes, table: palette, words: "…" });
    const context = tile.surface.getContext("2d");
    context.clearRect(0, 0, 64, 64);
    if (!bytes) return;
    tile.words = pool > 1 ? "" : `≈ ${three(meanEntropy(bytes, columns))} nats`; // of blocks it means nothing
    const size = { Tq: bytes.length / columns, Tk: columns, rules: { mask: now.naturalMask } };
    const shares = new Float32Array(bytes).map((b) => b / 255);
    context.imageSmoothingEnabled = false;
    context.drawImage(pixels(shares, size, palette, Math.ceil(columns / 64)), 0, 0, 64, 64);
  }
  function draw() {
    const end = performance.now() + 6; // in slices: a hand that moves meanwhile gets its frames
    for (let n = 0; n < tiles.length && performance.now() < end; n++) drawTile(tiles[n], n);
    if (tiles.some(isOld)) view.later("heads", 5, draw);
    const words = tiles.map((tile, n) => `head ${n}\n${tile.words}\n${roleOf(now, now.layer, n)}`);
    list.show(words, now.head);
    list.options.forEach((option, n) => {
      if (option.firstChild !== tiles[n].surface) option.prepend(tiles[n].surface);
    });
  }
  return {
    element: h("div", {}, hint, h("div", { class: "heads" }, list.element, switches)),
    show(fresh) {
      now = fresh;
      if (tiles.length !== now.heads) {
        tiles = Array.from({ length: now.heads }, makeTile);
        switches.replaceChildren(...tiles.map(({ off }) => off.element));
      }
      put(hint, `Layer ${now.layer}. Nats: the entropy of this text, mean over rows. Roles: from a probe.`);
      switches.hidden = !now.live;
      tiles.forEach(({ off }, n) => {
        off.show(now.off.has(`${now.layer}.${n}`));
      });
      if (tiles.filter(isOld).length > 4) view.later("heads", 30, draw);
      else draw();
    },
  };
}
