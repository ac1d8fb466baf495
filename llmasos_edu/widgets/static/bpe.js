// Byte-level BPE in the browser, as llmasos_edu/tokenizer does it; the tests compare the two.
// Ids and merges come once, as 32-bit integers; nothing here touches the page.

const key = (left, right) => left * 2 ** 26 + right;

/**
 * What encoding needs. `byteIds`: id of each byte, -1 where it has none. `joins`: left, right, joined id of every
 * merge in order. Gives `joinOf` (pair → rank and id), `madeBy` (id → rank, left, right) and `bytesOf`.
 */
export function tables(byteIds, joins) {
  const joinOf = new Map();
  const madeBy = new Map();
  const bytesOf = new Map();
  byteIds.forEach((id, byte) => {
    if (id >= 0) bytesOf.set(id, [byte]);
  });
  for (let rank = 0; rank < joins.length / 3; rank++) {
    const [left, right, joined] = joins.slice(3 * rank, 3 * rank + 3);
    if (!joinOf.has(key(left, right))) joinOf.set(key(left, right), [rank, joined]);
    if (madeBy.has(joined)) continue;
    madeBy.set(joined, [rank, left, right]);
    bytesOf.set(joined, [...bytesOf.get(left), ...bytesOf.get(right)]);
  }
  return { byteIds, joinOf, madeBy, bytesOf, pairs: joins, merges: joins.length / 3 };
}

/** Text cut into pre-tokens; what the pattern does not match is kept. `source` null: no cut. */
export function splitText(text, source) {
  if (source === null) return text === "" ? [] : [text];
  const pieces = [];
  let done = 0;
  for (const match of text.matchAll(new RegExp(source, "gu"))) {
    pieces.push(text.slice(done, match.index), match[0]);
    done = match.index + match[0].length;
  }
  pieces.push(text.slice(done));
  return pieces.filter((piece) => piece !== "");
}

/** Ids of one pre-token with the first `limit` merges, and the ranks of the merges that were used. */
export function encodePiece(piece, { byteIds, joinOf }, limit) {
  const ids = [...new TextEncoder().encode(piece)].map((byte) => byteIds[byte]).filter((id) => id >= 0);
  const used = [];
  for (;;) {
    let [lowest, place, joined] = [limit, -1, -1];
    for (let i = 0; i + 1 < ids.length; i++) {
      const found = joinOf.get(key(ids[i], ids[i + 1]));
      if (found !== undefined && found[0] < lowest) [lowest, place, joined] = [found[0], i, found[1]];
    }
    if (place < 0) return { ids, used };
    ids.splice(place, 2, joined);
    used.push(lowest);
  }
}

/** Ids of a text; equal pre-tokens are encoded once. */
export function encode(text, source, all, limit) {
  const known = new Map();
  return splitText(text, source).flatMap((piece) => {
    if (!known.has(piece)) known.set(piece, encodePiece(piece, all, limit).ids);
    return known.get(piece);
  });
}

/** How many merges must be applied for each change of this text, in order. */
export function changes(text, source, all) {
  const pieces = new Set(splitText(text, source));
  const ranks = [...pieces].flatMap((piece) => encodePiece(piece, all, all.merges).used);
  return [...new Set(ranks)].map((rank) => rank + 1).sort((a, b) => a - b);
}

/** A token's text, or its bytes in hexadecimal where they are no UTF-8 on their own. */
export function tokenText(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
  } catch {
    return `‹${hex(bytes)}›`;
  }
}

/** Bytes as hexadecimal. */
export function hex(bytes) {
  return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");
}

/** The same from plain lists, for tests. */
export function encodePlain(text, source, byteIds, joins, limit) {
  return encode(text, source, tables(byteIds, joins), limit);
}
