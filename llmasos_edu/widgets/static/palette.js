// Colours for weights in [0, 1]: even in lightness, readable with every kind of colour vision, and in print.
// Stops of matplotlib's maps of the same names (CC0); of differences: blue is less, orange more.
const STOPS = {
  cividis:
    "00224e002e6a1a386f32436d434e6c535a6d61656f6f70737d7c788c88789b9476aba072bcae6ccdbb63dec958f0d846fee838",
  viridis:
    "44015448186a472d7b4240863b528b33638d2c728e26828e21918c1fa08828ae803fbc735ec96284d44baddc30d8e219fde725",
  grey: "0f0f0fffffff",
  difference: "0a3d7a3f7fc4a9c8e8f6f6f6f0c48ed07a1f7a3d00",
};

/** The names of the palettes for weights, the default first. */
export const PALETTES = Object.keys(STOPS).slice(0, 3);

const made = {};

/** 256 colours as bytes r, g, b, r, g, b, …: from weight 0 to weight 1. */
export function colours(name) {
  made[name] ??= interpolate(name);
  return made[name];
}

function interpolate(name) {
  const stops = STOPS[name].match(/../g).map((byte) => Number.parseInt(byte, 16));
  const last = stops.length / 3 - 1;
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = Math.min(last - 1, Math.floor((i / 255) * last));
    const part = (i / 255) * last - at;
    for (let c = 0; c < 3; c++)
      table[3 * i + c] = (1 - part) * stops[3 * at + c] + part * stops[3 * at + 3 + c] + 0.5;
  }
  return table;
}

/** The place of a weight's colour in the table. */
export function level(weight) {
  return Math.round(255 * Math.min(1, Math.max(0, weight)));
}

/** A weight's colour, and black or white for text on it: whichever has the better contrast (≥ 4.5 : 1). */
export function tint(table, weight) {
  if (!tints.has(table))
    tints.set(
      table,
      Array.from({ length: 256 }, (_, i) => tintAt(table, i)),
    );
  return tints.get(table)[level(weight)];
}

const tints = new WeakMap();

function tintAt(table, place) {
  const [r, g, b] = table.subarray(3 * place, 3 * place + 3);
  const [x, y, z] = [r, g, b].map((byte) =>
    byte <= 10 ? byte / 3294.6 : ((byte / 255 + 0.055) / 1.055) ** 2.4,
  );
  const luminance = 0.2126 * x + 0.7152 * y + 0.0722 * z; // WCAG 2.1, relative luminance
  return { paper: `rgb(${r},${g},${b})`, ink: luminance > 0.179 ? "#000" : "#fff" };
}
