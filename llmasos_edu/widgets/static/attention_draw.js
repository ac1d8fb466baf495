// Draws a map of weights on a canvas: cells, names, next words, cross-hair, the pinned row. Knows no widget.

import { spanOf } from "./attention_math.js";
import { colours, level, tint } from "./palette.js";

const FONT = "12px system-ui, sans-serif";
const letters = (names) => 7.2 * Math.max(...names.map((name) => name.length)) + 12;

/** Where everything lies: sides of the strips of names and of a cell, in CSS pixels, for a box of that width. */
export function layout(names, keys, width, hasNext) {
  const left = Math.min(Math.max(28, letters(names)), 120, width / 3);
  const right = hasNext ? Math.min(110, width / 5) : 2;
  const cell = Math.min(44, (width - left - right) / keys.length);
  const whole = cell > 3 ? Math.floor(cell) : cell;
  const top = Math.min(Math.max(28, letters(keys)), 96);
  return { cell: whole, left, top, right, wide: whole * keys.length, high: whole * names.length };
}

/** The cell under a point, as [row, column], or null. */
export function cellAt({ cell, left, top, wide, high }, x, y) {
  const inside = x >= left && y >= top && x < left + wide && y < top + high;
  return inside ? [Math.floor((y - top) / cell), Math.floor((x - left) / cell)] : null;
}

/** What a cell shows: a weight, or half the difference from the original in units of the largest one, from ½. */
export function shades({ weights, original, difference }) {
  if (!difference) return { values: weights, most: 1 };
  const gaps = weights.map((w, at) => w - original[at]);
  const most = gaps.reduce((a, gap) => Math.max(a, Math.abs(gap)), 1e-9);
  return { values: gaps.map((gap) => 0.5 + gap / most / 2), most };
}

/** A picture of the values, one pixel a cell, past the screen's own pixels one for the largest of a block. */
export function pixels(values, { Tq, Tk, rules }, table, block) {
  const [rows, columns] = [Math.ceil(Tq / block), Math.ceil(Tk / block)];
  const shown = new Int16Array(rows * columns).fill(-1);
  for (let i = 0; i < Tq; i++) {
    const [from, to] = spanOf(i, Tk, rules);
    const line = columns * Math.floor(i / block);
    for (let j = from; j < to; j++) {
      const at = line + (block > 1 ? Math.floor(j / block) : j);
      shown[at] = Math.max(shown[at], level(values[i * Tk + j]));
    }
  }
  const image = new ImageData(columns, rows);
  const whole = new Uint32Array(image.data.buffer); // a pixel at a time: alpha, blue, green, red
  for (let at = 0; at < shown.length; at++) {
    const c = 3 * shown[at]; // what may not be looked at stays clear
    if (c >= 0) whole[at] = (255 << 24) | (table[c + 2] << 16) | (table[c + 1] << 8) | table[c];
  }
  const small = new OffscreenCanvas(columns, rows);
  small.getContext("2d").putImageData(image, 0, 0);
  return small;
}

function drawCells(context, scene, values, table) {
  const { left, top, wide, high, cell } = scene.place;
  context.strokeStyle = scene.theme.line; // hatching shows through where the mask leaves cells clear
  context.lineWidth = 0.5;
  context.save();
  context.beginPath();
  context.rect(left, top, wide, high);
  context.clip();
  context.beginPath();
  for (let s = 0; s < wide + high; s += 7) {
    context.moveTo(left + s, top);
    context.lineTo(left + s - high, top + high);
  }
  context.stroke();
  context.restore();
  context.imageSmoothingEnabled = false;
  context.drawImage(pixels(values, scene, table, Math.ceil(1 / cell)), left, top, wide, high);
  context.strokeRect(left, top, wide, high);
}

const hundredths = (weight) => Math.floor(weight * 100 + 0.5 + 1e-6);

function drawNumbers(context, scene, values, most, table) {
  const { cell, left, top } = scene.place;
  if (cell < (scene.difference ? 27 : 23)) return; // "100" takes 19 pixels
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let i = 0; i < scene.Tq; i++) {
    const [from, to] = spanOf(i, scene.Tk, scene.rules);
    for (let j = from; j < to; j++) {
      const value = values[i * scene.Tk + j];
      const gap = hundredths(most * (2 * value - 1));
      const text = scene.difference ? (gap > 0 ? `+${gap}` : String(gap)) : String(hundredths(value));
      context.fillStyle = tint(table, value).ink;
      context.fillText(text, left + (j + 0.5) * cell, top + (i + 0.5) * cell);
    }
  }
}

/** As much of the text as fits, with an ellipsis. */
export function fitted(context, text, room) {
  if (context.measureText(text.slice(0, 60)).width <= room && text.length <= 60) return text;
  let n = Math.min(text.length, 40);
  while (n > 1 && context.measureText(`${text.slice(0, n)}…`).width > room) n--;
  return `${text.slice(0, n)}…`;
}

/** One name: of a row at the left, or of a column, upright, above. */
function drawName(context, text, i, across, { cell, left, top }) {
  const at = (i + 0.5) * cell;
  context.save();
  context.textBaseline = "middle";
  context.textAlign = across ? "left" : "right";
  context.translate(...(across ? [left + at, top - 5] : [left - 5, top + at]));
  if (across) context.rotate(-Math.PI / 2);
  context.fillText(fitted(context, text, (across ? top : left) - 8), 0, 0);
  context.restore();
}

/** Two strokes, dark in light, so that a line shows on every colour. */
export function outline(context, [x, y, width, height], inner) {
  for (const [colour, line] of [
    ["#000", 3.5],
    [inner, 1.5],
  ]) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.strokeRect(x, y, width, height);
  }
}

/** The names of rows and columns, and at the right the next word that each position predicts. */
export function drawNames(context, { names, keys, nextNames, place, theme }) {
  const { cell, left, top, wide, right } = place;
  context.font = FONT;
  const step = Math.ceil(13 / cell); // where cells are small, every step-th name
  for (let i = 0; i < names.length; i += step) {
    context.fillStyle = theme.ink;
    drawName(context, names[i], i, false, place);
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillStyle = theme.faint;
    if (nextNames[i]) {
      context.fillText(
        fitted(context, `→ ${nextNames[i]}`, right - 8),
        left + wide + 6,
        top + (i + 0.5) * cell,
      );
    }
  }
  context.fillStyle = theme.ink;
  for (let j = 0; j < keys.length; j += step) drawName(context, keys[j], j, true, place);
}

/** The cells at rest. `scene` is the Explorer's state with place (layout), theme (colours) and palette. */
export function drawWeights(context, scene) {
  const { values, most } = shades(scene);
  const table = scene.difference ? colours("difference") : scene.palette;
  drawCells(context, scene, values, table);
  drawNumbers(context, scene, values, most, table);
}

/** What moves over the map: the row and column in hand (−1: none) with their names, and the pinned row. */
export function drawHand(context, { place, names, keys, theme, row, column, pinned }) {
  const { cell, left, top, wide, high } = place;
  context.font = `700 ${FONT}`;
  context.fillStyle = theme.accent;
  if (row >= 0) {
    context.clearRect(0, top + (row + 0.5) * cell - 8, left - 1, 16);
    drawName(context, names[row], row, false, place);
  }
  if (column >= 0) {
    context.clearRect(left + (column + 0.5) * cell - 8, 0, 16, top - 1);
    drawName(context, keys[column], column, true, place);
    outline(context, [left + column * cell, top, cell, high], "#9cf");
  }
  outline(context, [left, top + pinned * cell, wide, cell], "#fff");
  if (row >= 0 && row !== pinned) outline(context, [left, top + row * cell, wide, cell], "#9cf");
}
