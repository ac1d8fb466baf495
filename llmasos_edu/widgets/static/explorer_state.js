// What the Explorer shows now: the kernel's bytes, and what the reader set, made into one plain object, `now`.

import { scoresOf, weightsOf } from "./attention_math.js";
import { floats, visible } from "./base.js";
import { colours } from "./palette.js";

const CHOICES = ["scale", "temperature", "mask", "window", "hide_first", "edits", "layer", "head"];

/** Keeps what the kernel has sent of one reading: pictures of layers, exact numbers of heads. */
function makeStore(view) {
  let [reading, fresh] = [-1, true];
  const store = {
    meta: {},
    pictures: new Map(),
    exact: new Map(),
    names: [],
    keys: [],
    measures: {},
    seq: 0,
  };
  view.on("seq", () => {
    fresh = true;
  });
  function takePictures({ first, count, heads, pool }) {
    const sent = view.get("pictures");
    if (sent !== store.sent) {
      const { byteOffset, byteLength, buffer } = sent;
      store.bytes = new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength)); // thumbnails hold on to it
    }
    const all = store.bytes;
    store.sent = sent;
    const [rows, columns] = [store.names, store.keys].map((names) => Math.ceil(names.length / pool));
    const size = rows * columns;
    Object.assign(store, { columns, size });
    for (let l = 0; l < count; l++) {
      const layer = all.subarray(l * heads * size, (l + 1) * heads * size);
      store.pictures.set(first + l, layer);
    }
  }
  function takeExact({ exact_layer, exact_heads, parts, twice, d_head, d_v }) {
    const all = floats(view.get("exact"));
    const [Tq, Tk] = [store.names.length, store.keys.length];
    const size = { q: Tq * d_head, k: Tk * d_head, v: Tk * d_v, weights: Tq * Tk };
    let at = 0;
    const take = () =>
      Object.fromEntries(
        parts.map((part) => {
          at += size[part];
          return [part, all.subarray(at - size[part], at)];
        }),
      );
    for (const head of exact_heads) {
      const now = take();
      store.exact.set(`${exact_layer}.${head}`, { now, before: twice ? take() : now });
    }
  }
  return () => {
    if (!fresh) return store;
    fresh = false;
    const meta = view.get("meta");
    if (meta.reading !== reading) {
      store.pictures.clear();
      store.exact.clear();
      reading = meta.reading;
    }
    store.meta = meta;
    store.names = view.get("tokens").map(visible);
    store.keys = view.get("key_tokens").length > 0 ? view.get("key_tokens").map(visible) : store.names;
    takePictures(meta);
    takeExact(meta);
    const all = floats(view.get("glance"));
    const n = meta.layers * meta.heads;
    store.measures = Object.fromEntries(
      meta.measures.map((name, i) => [name, all.subarray(i * n, i * n + n)]),
    );
    store.seq += 1;
    return store;
  };
}

/** The reader's edits of one head, written over its numbers: [layer, head, which, position, d, value]. */
function edited(parts, edits, width) {
  const changed = { ...parts };
  for (const [, , which, position, d, value] of edits) {
    if (!parts[which] || position * width[which] + d >= parts[which].length) continue;
    if (changed[which] === parts[which]) changed[which] = Float64Array.from(parts[which]);
    changed[which][position * width[which] + d] = value;
  }
  return changed;
}

/** Scores before mask and temperature, and what each row adds up to (null: 1). */
function scoresAndSums({ q, k, weights }, D, Tk, scale, rules) {
  if (q) return { scores: scoresOf(q, k, D, scale, rules), sums: null };
  const sums = Array.from({ length: weights.length / Tk }, (_, i) =>
    weights.subarray(i * Tk, i * Tk + Tk).reduce((a, w) => a + w, 0),
  );
  return { scores: Float64Array.from(weights, Math.log), sums };
}

/** The arguments of `weightsOf` for weights as the model had them. */
function asItWas(parts, meta, Tk, rules) {
  const { scores, sums } = scoresAndSums(parts, meta.d_head, Tk, meta.scale, rules);
  return [scores, Tk, { sums, ...rules }];
}

/** Weights from 8 bits, where the exact numbers are still on their way. */
function fromPicture(picture, { columns, meta, names, keys }) {
  const [Tq, Tk, { pool }] = [names.length, keys.length, meta];
  const weights = new Float64Array(Tq * Tk);
  for (let i = 0; i < Tq; i++) {
    const row = columns * Math.floor(i / pool);
    for (let j = 0; j < Tk; j++) weights[i * Tk + j] = picture[row + Math.floor(j / pool)] / 255;
  }
  return weights;
}

const MASKS = ["none", "causal", "window"]; // each hides all that the one before it hides

/** Does the first mask show no pair that the second one hides? */
function showsNoMore({ mask, window }, wide) {
  if (mask === "window" && wide.mask === "window") return window <= wide.window;
  return MASKS.indexOf(mask) >= MASKS.indexOf(wide.mask);
}

/** Gives `now`, with what is in hand; weights are computed again only when something that matters changed. */
export function makeState(view, hand) {
  const get = (name) => view.get(name);
  const stored = makeStore(view);
  let [key, now, scored] = ["", null, { from: [] }];

  /** Scores as the reader set them; kept while the temperature moves, or the mask to one that shows no more. */
  function scoresOfNow(own, parts, edits, { meta, keys }, scale, rules) {
    const from = [own, JSON.stringify(edits), scale];
    const same = from.every((part, i) => part === scored.from[i]);
    if (!same || !showsNoMore(rules, scored.rules)) {
      scored = { from, rules, ...scoresAndSums(parts, meta.d_head, keys.length, scale, rules) };
    }
    return scored;
  }

  /** All that does not depend on what is in hand; null while the chosen layer is on its way. */
  function make(store) {
    const { meta, names, keys, pictures, size } = store;
    const [layer, head, Tk] = [get("layer"), get("head"), keys.length];
    const picture = (l, h) => pictures.get(l)?.subarray(h * size, (h + 1) * size) ?? null;
    const found = store.exact.get(`${layer}.${head}`);
    if (!found && !picture(layer, head)) return null;
    const own = found?.now ?? { weights: fromPicture(picture(layer, head), store) };
    const edits = get("edits").filter(([l, h]) => l === layer && h === head);
    const parts = edited(own, edits, { q: meta.d_head, k: meta.d_head, v: meta.d_v });
    const [scale, temperature] = [get("scale"), get("temperature")];
    const rules = { mask: get("mask"), window: get("window"), hideFirst: get("hide_first") };
    const { scores, sums } = scoresOfNow(own, parts, edits, store, scale, rules);
    const weights = weightsOf(scores, Tk, { temperature, sums, ...rules });
    const moved = [scale !== meta.scale && meta.d_head > 0, temperature !== 1, rules.mask !== meta.mask];
    const changed =
      moved.includes(true) || rules.hideFirst || edits.length > 0 || (found?.before ?? own) !== own;
    const part = (from, name) => from[name] ?? null;
    let original = changed ? null : weights;
    return {
      ...{
        layer,
        head,
        layers: meta.layers,
        heads: meta.heads,
        D: meta.d_head,
        Dv: meta.d_v,
        live: meta.live,
      },
      ...{ names, keys, Tq: names.length, Tk, same: names === keys, leftOut: meta.left_out },
      ...{ rules, scale, temperature, natural: meta.scale, naturalMask: meta.mask, scores, weights, changed },
      ...{ q: part(parts, "q"), k: part(parts, "k"), v: part(parts, "v") },
      ...{ q0: part(own, "q"), k0: part(own, "k"), v0: part(own, "v") },
      ...{
        exact: Boolean(found),
        picture,
        pool: meta.pool,
        columns: store.columns,
        measures: store.measures,
      },
      label: (l, h) => meta.labels[l * meta.heads + h],
      at: (i) => weights.subarray(i * Tk, i * Tk + Tk),
      /** The weights as the model had them, all heads on. */
      get original() {
        const plain = { mask: meta.mask };
        original ??= weightsOf(...asItWas(found?.before ?? own, meta, Tk, plain));
        return original;
      },
    };
  }

  return () => {
    const store = stored();
    const wanted = JSON.stringify([store.seq, ...CHOICES.map(get)]);
    const made = wanted === key ? now : make(store);
    key = made ? wanted : "";
    now = made ?? now;
    const asked = JSON.stringify([get("typed"), get("off")]) !== JSON.stringify(store.meta.answered);
    const within = (at, n) => (at < n ? at : -1);
    [hand.i, hand.j] = [within(hand.i, now.Tq), within(hand.j, now.Tk)]; // a new sentence may be shorter
    const before = get("next_before");
    const next = get("next_words");
    return Object.assign(now, {
      ...{ pinned: get("row"), i: hand.i < 0 ? get("row") : hand.i, j: hand.j < 0 ? get("column") : hand.j },
      ...{ next, next0: before.length > 0 ? before : next, measure: get("measure") },
      ...{ off: new Set(get("off").map(([l, h]) => `${l}.${h}`)), palette: colours(get("palette")) },
      ...{
        waiting: made === null || (store.meta.live && asked),
        difference: get("difference"),
        typed: get("typed"),
      },
    });
  };
}
