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
  if (cell < 26) return;
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
function fitted(context, text, room) {
  if (context.measureText(text.slice(0, 60)).width <= room && text.length <= 60) return text;
  let n = Math.min(text.length, 40);
  while (n > 1 && context.measureText(`${text.slice(0, n)}…`).width > room) n--;
  return `${text.slice(0, n)}…`;
}

function drawLabels(context, { names, place, theme, row, column }) {
  const { T, cell, left, top } = place;
  const step = Math.ceil(13 / cell); // small cells: every step-th name, and always the row and column in hand
  context.textBaseline = "middle";
  for (let i = 0; i < T; i++) {
    for (const [active, across] of [
      [row, false],
      [column, true],
    ]) {
      const near = active >= 0 && step > 1 && i !== active && Math.abs(i - active) < step;
      if ((i % step !== 0 && i !== active) || near) continue;
      context.save();
      context.font = i === active ? `700 ${FONT}` : FONT;
      context.fillStyle = i === active ? theme.accent : theme.ink;
      if (across) {
        context.translate(left + (i + 0.5) * cell, top - 5);
        context.rotate(-Math.PI / 2);
        context.textAlign = "left";
        context.fillText(fitted(context, names[i], top - 8), 0, 0);
      } else {
        context.textAlign = "right";
        context.fillText(fitted(context, names[i], left - 8), left - 5, top + (i + 0.5) * cell);
      }
      context.restore();
    }
  }
}

/** Two strokes, dark in light, so that a line shows on every colour. */
function outline(context, x, y, width, height, inner) {
  for (const [colour, line] of [
    ["#000", 3.5],
    [inner, 1.5],
  ]) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.strokeRect(x, y, width, height);
  }
}

/**
 * The whole map. `scene` has weights (T·T), names (T), rules (mask, hideFirst), table (colours), place (layout),
 * theme (ink, line, accent), row and column in hand (−1: none), pinned row.
 */
export function drawMap(context, scene) {
  const { cell, left, top, side } = scene.place;
  drawCells(context, scene);
  drawNumbers(context, scene);
  drawLabels(context, scene);
  outline(context, left, top + scene.pinned * cell, side, cell, "#fff");
  if (scene.row >= 0 && scene.row !== scene.pinned)
    outline(context, left, top + scene.row * cell, side, cell, "#9cf");
  if (scene.column >= 0) outline(context, left + scene.column * cell, top, cell, side, "#9cf");
}
