// Attention in the browser, on plain arrays: what the views show, and the words for it.
// The same in NumPy: llmasos_edu/widgets/attention_data.py; tests hold the two equal.

/** The columns that the query at `row` may look at, [from, to): `window` counts the query itself. */
export function spanOf(row, Tk, { mask = "none", window = 1, hideFirst = false } = {}) {
  const from = mask === "window" ? Math.max(0, row - window + 1) : 0;
  return [hideFirst ? Math.max(1, from) : from, mask === "none" ? Tk : Math.min(Tk, row + 1)];
}

/** May the query at `row` look at the key at `column`? */
export function mayLook(row, column, rules) {
  const [from, to] = spanOf(row, column + 1, rules);
  return from <= column && column < to;
}

/** scores[i, j] = scale · q_i · k_j where i may look at j, 0 elsewhere; q (Tq, D) and k (Tk, D), row by row. */
export function scoresOf(q, k, D, scale, rules) {
  const [Tq, Tk] = [q.length / D, k.length / D];
  const scores = new Float64Array(Tq * Tk);
  for (let i = 0; i < Tq; i++) {
    const [from, to] = spanOf(i, Tk, rules);
    for (let j = from; j < to; j++) {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += q[i * D + d] * k[j * D + d];
      scores[i * Tk + j] = scale * sum;
    }
  }
  return scores;
}

/** softmax(scores / temperature) over the columns [from, to); zeros elsewhere, and where there is nothing to see. */
export function softmaxRow(scores, temperature = 1, from = 0, to = scores.length, row = null) {
  const out = row ?? new Float64Array(scores.length);
  let most = Number.NEGATIVE_INFINITY;
  for (let j = from; j < to; j++) if (scores[j] > most) most = scores[j];
  if (most === Number.NEGATIVE_INFINITY) return out;
  let sum = 0;
  for (let j = from; j < to; j++) sum += out[j] = Math.exp((scores[j] - most) / temperature);
  for (let j = from; j < to; j++) out[j] /= sum;
  return out;
}

/** All rows of weights, (Tq, Tk). `sums` (Tq) is what each row adds up to, 1 where it is left out. */
export function weightsOf(scores, Tk, { temperature = 1, sums = null, ...rules } = {}) {
  const weights = new Float64Array(scores.length);
  for (let i = 0; i * Tk < scores.length; i++) {
    const [start, end] = [i * Tk, i * Tk + Tk];
    const row = weights.subarray(start, end);
    softmaxRow(scores.subarray(start, end), temperature, ...spanOf(i, Tk, rules), row);
    if (sums) for (let j = 0; j < Tk; j++) row[j] *= sums[i];
  }
  return weights;
}

/** Places of the k largest entries, largest first; of equal ones the earlier first. */
export function topK(row, k) {
  const places = Array.from(row, (_, j) => j);
  return places.sort((a, b) => row[b] - row[a] || a - b).slice(0, k);
}

/** −Σ w ln w of one row, in nats. */
export function entropy(row) {
  return row.reduce((sum, w) => (w > 0 ? sum - w * Math.log(w) : sum), 0);
}

/** The mean weight on token 0 over the rows after it: past one half we call it a sink. */
export function sinkOf(weights, Tk) {
  const rows = weights.length / Tk;
  let sum = 0;
  for (let i = 1; i < rows; i++) sum += weights[i * Tk];
  return rows > 1 ? sum / (rows - 1) : 0;
}

/** A weight in words, stable under the last bits of a float: 0.8512 → "85 %", 0.0042 → "0.4 %". */
export function percent(weight) {
  if (weight <= 0) return "0 %";
  if (weight < 0.0005) return "< 0.1 %";
  if (weight < 0.0995) return `${(Math.floor(weight * 1000 + 0.5 + 1e-5) / 10).toFixed(1)} %`;
  return `${Math.floor(weight * 100 + 0.5 + 1e-6)} %`;
}

/** The sentence for one row of weights: "'it' attends most to 'mat', 85 %." `own`: the column of the query itself. */
export function sentenceOf(row, name, keys, own = -1) {
  const seen = row.reduce((n, w) => n + (w > 0), 0);
  const rounded = row.map((w) => Math.round(w * 1e6)); // near ties: the earlier
  const first = rounded.indexOf(rounded.reduce((a, b) => Math.max(a, b), 0));
  if (seen === 0) return `'${name}' attends to nothing.`;
  const equal = seen > 1 && row.every((w) => w === 0 || Math.abs(w - row[first]) < 1e-6);
  if (equal) return `'${name}' attends equally to ${seen} tokens, ${percent(row[first])} each.`;
  return `'${name}' attends most to ${first === own ? "itself" : `'${keys[first]}'`}, ${percent(row[first])}.`;
}
