// Attention in the browser, on plain arrays: what the map shows, and the words for it.
// The same in NumPy: llmasos_edu/attention/; tests hold the two equal.

/** May the query at `row` look at the key at `column`? */
export function mayLook(row, column, { mask = "none", hideFirst = false } = {}) {
  return !(mask === "causal" && column > row) && !(hideFirst && column === 0);
}

/** scores[i, j] = scale · q_i · k_j, for q and k of shape (T, D), row by row. */
export function scoresOf(q, k, T, D, scale) {
  const scores = new Float64Array(T * T);
  for (let i = 0; i < T; i++) {
    for (let j = 0; j < T; j++) {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += q[i * D + d] * k[j * D + d];
      scores[i * T + j] = scale * sum;
    }
  }
  return scores;
}

/** softmax(scores / temperature) over the entries that `allowed(j)` lets through; zeros where none is. */
export function softmaxRow(scores, temperature = 1, allowed = () => true) {
  const row = new Float64Array(scores.length);
  let most = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < row.length; j++) if (allowed(j)) most = Math.max(most, scores[j]);
  if (most === Number.NEGATIVE_INFINITY) return row; // nothing to look at
  let sum = 0;
  for (let j = 0; j < row.length; j++)
    if (allowed(j)) sum += row[j] = Math.exp((scores[j] - most) / temperature);
  for (let j = 0; j < row.length; j++) row[j] /= sum;
  return row;
}

/** All T rows of weights, (T, T). `sums` (T) is what each row adds up to, 1 where it is left out. */
export function weightsOf(scores, T, { temperature = 1, sums = null, ...rules } = {}) {
  const weights = new Float64Array(T * T);
  for (let i = 0; i < T; i++) {
    const row = softmaxRow(scores.subarray(i * T, i * T + T), temperature, (j) => mayLook(i, j, rules));
    for (let j = 0; j < T; j++) weights[i * T + j] = row[j] * (sums ? sums[i] : 1);
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
export function sinkOf(weights, T) {
  let sum = 0;
  for (let i = 1; i < T; i++) sum += weights[i * T];
  return T > 1 ? sum / (T - 1) : 0;
}

/** A weight in words, stable under the last bits of a float: 0.8512 → "85 %", 0.0042 → "0.4 %". */
export function percent(weight) {
  if (weight <= 0) return "0 %";
  if (weight < 0.0005) return "< 0.1 %";
  if (weight < 0.0995) return `${(Math.floor(weight * 1000 + 0.5 + 1e-5) / 10).toFixed(1)} %`;
  return `${Math.floor(weight * 100 + 0.5 + 1e-6)} %`;
}

/** The sentence for one row of weights: "'it' attends most to 'mat', 85 %." */
export function sentenceOf(row, names, query) {
  const seen = Array.from(row).filter((w) => w > 0).length;
  const [first] = topK(
    Array.from(row, (w) => Math.round(w * 1e6)),
    1,
  ); // near ties: the earlier
  if (seen === 0) return `'${names[query]}' attends to nothing.`;
  const equal = seen > 1 && Array.from(row).every((w) => w === 0 || Math.abs(w - row[first]) < 1e-6);
  if (equal) return `'${names[query]}' attends equally to ${seen} tokens, ${percent(row[first])} each.`;
  const whom = first === query ? "itself" : `'${names[first]}'`;
  return `'${names[query]}' attends most to ${whom}, ${percent(row[first])}.`;
}
