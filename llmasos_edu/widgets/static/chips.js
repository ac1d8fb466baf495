// The chips game: move chips, show the word, watch what everybody pays pile up.
import { button, h, widget } from "./base.js";
import STYLES from "./chips.css";

const CHIPS = 100;
const STEP = 5;
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const range = (n) => Array.from({ length: n }, (_, i) => i);

/** `total` chips on n places, as evenly as whole chips allow. */
export function evenly(total, n) {
  return range(n).map((i) => Math.floor(total / n) + (i < total % n ? 1 : 0));
}

/**
 * The chips after candidate `i` is set to `value`. All stay on the table, and nobody goes below one. Candidates
 * that the reader has not set (`held` is false) share the rest evenly; where they have nothing left to give, the
 * fullest of the others does.
 */
export function moved(chips, held, i, value) {
  const others = range(chips.length).filter((j) => j !== i);
  const free = others.filter((j) => !held[j]);
  const fixed = others.filter((j) => held[j]);
  const next = [...chips];
  next[i] = Math.min(CHIPS - others.length, Math.max(1, Math.round(value)));
  let left = CHIPS - next[i] - sum(fixed.map((j) => chips[j])); // for the free ones
  for (; left < free.length; left++) next[fixed.reduce((a, b) => (next[b] > next[a] ? b : a))]--;
  if (free.length === 0) for (; left > 0; left--) next[fixed.reduce((a, b) => (next[b] < next[a] ? b : a))]++;
  const shares = evenly(left, free.length);
  free.forEach((j, k) => {
    next[j] = shares[k];
  });
  return next;
}

/** The word that came in a round, also where no candidate named it. */
export function came(round) {
  return (round.word || round.candidates[round.answer]).trim();
}

/** Nats paid when a share `p` lay on what came. */
export function price(p) {
  return -Math.log(p || 5e-324);
}

export default widget(STYLES, (view) => {
  const rounds = view.get("rounds");
  const believers = Object.keys(rounds[0].beliefs);
  let chips = [];
  let held = [];
  let rows = [];

  const at = () => view.get("at");
  const shown = () => view.get("costs").length > at();
  const theirs = (name, k) => rounds.slice(0, k).map((r) => price(r.beliefs[name][r.answer]));

  const context = h("p", { class: "context" });
  const table = h("table", {});
  const total = h("p", { class: "total" });
  const action = button("", act);
  const pile = h("table", {});
  const board = h("div", { class: "board" }, table, total, action);
  view.body.append(context, h("div", { class: "row game" }, board, pile));
  view.body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.type !== "range") return;
    event.preventDefault();
    act();
  });

  function deal() {
    const { candidates } = rounds[at()];
    chips = evenly(CHIPS, candidates.length);
    held = candidates.map(() => false);
    rows = candidates.map(row);
    const heads = ["candidate", "chips", "you", ...believers].map((name) => h("th", { scope: "col" }, name));
    table.replaceChildren(
      h("caption", {}, `Word ${at() + 1} of ${rounds.length}: what comes next?`),
      h("thead", {}, h("tr", {}, ...heads)),
      h("tbody", {}, ...rows.map((r) => r.element)),
    );
  }

  function row(candidate, i) {
    const name = candidate.trim();
    const place = (value) => {
      chips = moved(chips, held, i, value);
      held[i] = true;
      view.redraw();
    };
    const less = button("−", () => place(chips[i] - STEP));
    const more = button("+", () => place(chips[i] + STEP));
    less.setAttribute("aria-label", `${STEP} chips less on ${name}`);
    more.setAttribute("aria-label", `${STEP} chips more on ${name}`);
    const input = h("input", {
      type: "range",
      min: 1,
      max: CHIPS - 1,
      "aria-label": `chips on ${name}`,
      oninput: () => place(Number(input.value)),
    });
    const you = h("td", {});
    const others = believers.map(() => h("td", {}));
    const title = h("th", { scope: "row" }, name);
    const element = h("tr", {}, title, h("td", { class: "move" }, less, input, more), you, ...others);
    return { element, name, title, less, more, input, you, others };
  }

  function act() {
    const last = at() === rounds.length - 1;
    if (!shown()) {
      const { answer, beliefs } = rounds[at()];
      const cost = price(chips[answer] / CHIPS);
      action.focus(); // before the sliders rest: a control that is disabled gives its focus to the notebook
      view.set({ costs: [...view.get("costs"), cost] });
      const them = believers.map((name) => `${name} ${price(beliefs[name][answer]).toFixed(1)}`);
      view.say(`It was ${came(rounds[at()])}. You pay ${cost.toFixed(1)} nats, ${them.join(", ")}.`);
    } else {
      view.set(last ? { at: 0, costs: [] } : { at: at() + 1 });
      deal();
      rows[0].input.focus();
    }
    view.redraw();
  }

  function drawRow(r, i) {
    const { answer, beliefs } = rounds[at()];
    if (Number(r.input.value) !== chips[i]) r.input.value = chips[i];
    r.input.setAttribute("aria-valuetext", `${chips[i]} of ${CHIPS} chips`);
    for (const control of [r.input, r.less, r.more]) control.disabled = shown();
    r.you.textContent = chips[i];
    believers.forEach((name, k) => {
      r.others[k].textContent = shown() ? (CHIPS * beliefs[name][i]).toFixed(0) : "?";
    });
    const hit = shown() && i === answer;
    r.element.classList.toggle("came", hit);
    r.title.textContent = hit ? `${r.name} ←` : r.name;
  }

  function drawPile() {
    const k = view.get("costs").length;
    const everybody = [["you", view.get("costs")], ...believers.map((name) => [name, theirs(name, k)])];
    const most = Math.max(1, ...everybody.map(([, paid]) => sum(paid)));
    const line = ([name, paid]) => {
      const parts = paid.map((nats) => h("span", { style: `width: ${(100 * nats) / most}%` }));
      const bar = h("td", { "aria-hidden": "true" }, h("div", { class: "pile" }, ...parts));
      const number = h("td", {}, `${sum(paid).toFixed(1)} nats`);
      return h("tr", { class: name === "you" ? "you" : false }, h("th", { scope: "row" }, name), number, bar);
    };
    pile.replaceChildren(h("caption", {}, `Paid for ${k} of ${rounds.length} words`), ...everybody.map(line));
  }

  view.on("at", () => {
    deal();
    view.redraw();
  });
  view.watch("costs");
  deal();
  return () => {
    const round = rounds[at()];
    const k = view.get("costs").length;
    const word = shown() ? came(round) : "\u00a0";
    context.replaceChildren(
      `${round.context} `,
      h("span", { class: shown() ? "blank shown" : "blank" }, word),
    );
    rows.forEach(drawRow);
    const placed = sum(chips.filter((_, i) => held[i]));
    total.textContent = shown()
      ? `You had ${chips[round.answer]} of ${CHIPS} chips on it: −log ${(chips[round.answer] / CHIPS).toFixed(2)} = ${price(chips[round.answer] / CHIPS).toFixed(1)} nats.`
      : `Total ${sum(chips)} chips: ${placed} placed by you, ${CHIPS - placed} spread evenly over the rest.`;
    const last = at() === rounds.length - 1;
    action.textContent = !shown() ? "Show the word" : last ? "Play again" : "Next word";
    drawPile();
    if (k === 0) return `Word 1 of ${rounds.length}: ${CHIPS} chips to place, nothing paid yet.`;
    const others = believers.map((name) => `${name} ${sum(theirs(name, k)).toFixed(1)}`).join(", ");
    return `After ${k} of ${rounds.length} words you paid ${sum(view.get("costs")).toFixed(1)} nats; ${others}.`;
  };
});
