// Draws a T × T map of weights on a canvas: cells, labels, cross-hair, the pinned row. Knows no widget.

import { mayLook } from "./attention_math.js";
import { level, tint } from "./palette.js";

const FONT = "12px system-ui, sans-serif";

/** Where everything lies: sides of the label strips and of a cell, in CSS pixels, for a box of that width. */
export function layout(T, width, longest) {
  const left = Math.min(Math.max(28, 7.2 * longest + 12), 120, width / 3);
  const cell = Math.max(3, Math.min(44, Math.floor((width - left - 2) / T)));
  return { T, cell, left, top: Math.min(left, 96), side: cell * T };
}

/** The cell under a point, as [row, column], or null. */
export function cellAt({ T, cell, left, top }, x, y) {
  const [row, column] = [Math.floor((y - top) / cell), Math.floor((x - left) / cell)];
  return row >= 0 && row < T && column >= 0 && column < T ? [row, column] : null;
}

/** A picture of the weights, one pixel a cell; cells that may not be looked at stay clear. */
function pixels(weights, T, rules, table) {
  const image = new ImageData(T, T);
  for (let i = 0; i < T; i++) {
    for (let j = 0; j < T; j++) {
      if (!mayLook(i, j, rules)) continue;
      const [from, to] = [3 * level(weights[i * T + j]), 4 * (i * T + j)];
      image.data.set(table.subarray(from, from + 3), to);
      image.data[to + 3] = 255;
    }
  }
  const small = new OffscreenCanvas(T, T);
  small.getContext("2d").putImageData(image, 0, 0);
  return small;
}

function drawCells(context, { weights, rules, table, place, theme }) {
  const { T, left, top, side } = place;
  context.strokeStyle = theme.line; // hatching shows through where the mask leaves cells clear
  context.lineWidth = 0.5;
  context.save();
  context.beginPath();
  context.rect(left, top, side, side);
  context.clip();
  context.beginPath();
  for (let s = 0; s < 2 * side; s += 7) {
    context.moveTo(left + s, top);
    context.lineTo(left + s - side, top + side);
  }
  context.stroke();
  context.restore();
  context.imageSmoothingEnabled = false;
  context.drawImage(pixels(weights, T, rules, table), left, top, side, side);
  context.strokeRect(left, top, side, side);
}

function drawNumbers(context, { weights, rules, table, place }) {
  const { T, cell, left, top } = place;
  if (cell < 23) return; // "100" takes 19 pixels
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let i = 0; i < T; i++) {
    for (let j = 0; j < T; j++) {
      if (!mayLook(i, j, rules)) continue;
      context.fillStyle = tint(table, weights[i * T + j]).ink;
      const hundredths = Math.floor(weights[i * T + j] * 100 + 0.5 + 1e-6);
      context.fillText(String(hundredths), left + (j + 0.5) * cell, top + (i + 0.5) * cell);
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

/** The names of rows and columns. `scene` has names (T), place (layout), theme (ink, line, accent). */
export function drawNames(context, { names, place, theme }) {
  context.font = FONT;
  context.fillStyle = theme.ink;
  const step = Math.ceil(13 / place.cell); // where cells are small, every step-th name
  for (let i = 0; i < place.T; i += step) {
    drawName(context, names[i], i, false, place);
    drawName(context, names[i], i, true, place);
  }
}

/** The cells at rest; besides the above `scene` has weights (T·T), rules (mask, hideFirst), table (colours). */
export function drawWeights(context, scene) {
  drawCells(context, scene);
  drawNumbers(context, scene);
}

/** What moves over the map: the row and column in hand (−1: none) with their names, and the pinned row. */
export function drawHand(context, { place, names, theme, row, column, pinned }) {
  const { cell, left, top, side } = place;
  context.font = `700 ${FONT}`;
  context.fillStyle = theme.accent;
  if (row >= 0) {
    context.clearRect(0, top + (row + 0.5) * cell - 8, left - 1, 16);
    drawName(context, names[row], row, false, place);
  }
  if (column >= 0) {
    context.clearRect(left + (column + 0.5) * cell - 8, 0, 16, top - 1);
    drawName(context, names[column], column, true, place);
    outline(context, [left + column * cell, top, cell, side], "#9cf");
  }
  outline(context, [left, top + pinned * cell, side, cell], "#fff");
  if (row >= 0 && row !== pinned) outline(context, [left, top + row * cell, side, cell], "#9cf");
}
