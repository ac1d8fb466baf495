// Decoding strategies in the browser, on one row of logits (a Float64Array): what is cut becomes -Infinity.
// The same in torch: llmasos_edu/generation/strategies.py; tests hold the two equal.
import { softmaxRow } from "./attention_math.js";

const CUT = Number.NEGATIVE_INFINITY;

/** Divide positive logits of tokens that the text has by the penalty, multiply negative ones. */
export function penalise(logits, seen, penalty) {
  const row = logits.slice();
  for (const id of new Set(seen)) row[id] = row[id] > 0 ? row[id] / penalty : row[id] * penalty;
  return row;
}

/** Divide by the temperature. */
export function temper(logits, temperature) {
  return logits.map((z) => z / temperature);
}

/** Keep the k largest, and what equals the k-th. */
export function keepTopK(logits, k) {
  const kth = logits.slice().sort()[Math.max(0, logits.length - k)];
  return logits.map((z) => (z < kth ? CUT : z));
}

/** Keep the fewest that together have the share p: from the smallest up, cut while that weighs at most 1 - p. */
export function keepTopP(logits, p) {
  const rising = logits.slice().sort();
  const shares = softmaxRow(rising);
  let [n, weight] = [0, 0]; // how many are cut
  while (n < rising.length - 1 && weight + shares[n] <= 1 - p) weight += shares[n++];
  const least = rising[n];
  let equal = 0; // of those that equal the last one kept, so many are cut, the first ones
  for (let i = n - 1; i >= 0 && rising[i] === least; i--) equal += 1;
  return logits.map((z) => (z < least || (z === least && equal-- > 0) ? CUT : z));
}

/** Keep what is at least p times as likely as the likeliest. */
export function keepMinP(logits, p) {
  const shares = softmaxRow(logits);
  const least = p * shares.reduce((a, b) => Math.max(a, b), 0);
  return logits.map((z, i) => (shares[i] < least ? CUT : z));
}

/** All of them, in the order of `Decoding`; those that change nothing are left out. */
export function shapedBy(logits, seen, { penalty = 1, temperature = 1, topK = 0, topP = 1, minP = 0 }) {
  let row = logits;
  if (penalty !== 1) row = penalise(row, seen, penalty);
  if (temperature !== 1) row = temper(row, temperature);
  if (topK > 0) row = keepTopK(row, topK);
  if (topP < 1) row = keepTopP(row, topP);
  if (minP > 0) row = keepMinP(row, minP);
  return row;
}

/** How many can still be drawn, and how much of the model's own probability they have. */
export function keptOf(before, shaped) {
  let [count, mass] = [0, 0];
  for (let i = 0; i < shaped.length; i++) {
    if (shaped[i] === CUT) continue;
    count += 1;
    mass += before[i];
  }
  return [count, mass];
}
