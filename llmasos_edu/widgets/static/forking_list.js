// The forking list: choose from the next words that a model offers; go back, and the text forks.
// Each list comes from the kernel; what is chosen is sent there as a wish.
import { button, h, listbox, visible, widget } from "./base.js";
import STYLES from "./forking_list.css";

const BROKEN = "\ufffd";

/** The probability of a path: the product of what was chosen. */
export function productOf(path) {
  return path.reduce((product, [, p]) => product * p, 1);
}

/** "0.0319, 1 in 31" */
export function oddsOf(p) {
  const odds = p > 0 ? `, 1 in ${Math.round(1 / p).toLocaleString("en")}` : "";
  return `${p === 1 ? "1" : p.toPrecision(3)}${odds}`;
}

/** How many tokens two paths share from the start. */
export function sharedOf(a, b) {
  let n = 0;
  while (n < a.length && n < b.length && a[n][0] === b[n][0]) n += 1;
  return n;
}

const join = (path) => path.map(([token]) => token).join("");
const tokensOf = (path) => path.map(([token]) => token);

/** One line of the list: the token, a bar, the probability. */
function fill(option, [token, p]) {
  const bar = h("span", { class: "bar", style: `width: ${100 * p}%` });
  option.replaceChildren(
    h("span", { class: "token" }, visible(token)),
    h("span", { class: "track", "aria-hidden": "true" }, bar),
    h("span", { class: "p" }, p.toPrecision(3)),
  );
  const broken = token.includes(BROKEN);
  option.setAttribute("aria-label", `${token.trim() || visible(token)}, ${p.toPrecision(3)}`);
  option.setAttribute("aria-disabled", String(broken));
  option.title = broken ? "half a character: it cannot go on as text" : "";
}

export default widget(STYLES, (view) => {
  let asked = -1; // the state on which the last wish was made: until another comes, we wait
  const go = (tokens) => {
    if (asked === view.get("seq") || (tokens.length === 0 && view.get("chosen").length === 0)) return;
    asked = view.get("seq");
    view.set({ wish: { tokens, seq: asked } });
    view.redraw();
  };
  const chosen = () => tokensOf(view.get("chosen"));
  const pick = (i) => {
    const [token] = view.get("options")[i];
    if (!token.includes(BROKEN)) go([...chosen(), token]);
  };

  const text = h("p", { class: "text" });
  const odds = h("p", { class: "odds" });
  const list = listbox("next words, the likeliest first", { onpick: pick });
  list.element.classList.add("bars");
  list.element.setAttribute("aria-orientation", "vertical");
  const rest = h("p", { class: "hint" });
  const back = button("back one word", () => go(chosen().slice(0, -1)));
  const again = button("start again", () => go([]));
  const left = h("ul", { class: "left" });
  const behind = h("div", { role: "group", "aria-label": "texts left behind" }, "left behind:", left);
  const hint = h(
    "p",
    { class: "hint" },
    "Click a word, or move with ↑ ↓ and press Enter. Click a chosen word to fork before it.",
  );
  const error = h("p", { class: "error", role: "alert", hidden: true });
  view.body.append(
    text,
    odds,
    list.element,
    rest,
    h("div", { class: "row" }, back, again),
    hint,
    error,
    behind,
  );
  view.watch("seq");
  let spoken = view.get("seq");

  function drawText(path) {
    const words = path.map(([token, p], i) =>
      h(
        "button",
        {
          type: "button",
          class: "chosen",
          title: `${p.toPrecision(3)}: click to choose another here`,
          onclick: () => go(chosen().slice(0, i)),
        },
        visible(token),
      ),
    );
    text.replaceChildren(h("span", {}, view.get("prompt")), ...words, h("span", { class: "next" }, "…"));
  }

  function drawOdds(path) {
    if (path.length === 0) odds.textContent = "Nothing chosen yet. The list is all that the model gives.";
    else {
      const factors = path.length > 1 ? `${path.map(([, p]) => p.toPrecision(3)).join(" × ")} = ` : "";
      odds.replaceChildren("probability of these words: ", factors, h("b", {}, oddsOf(productOf(path))));
    }
  }

  function drawList(options) {
    list.show([], -1);
    list.show(tokensOf(options), -1);
    for (const [i, option] of list.options.entries()) fill(option, options[i]);
    const others = Math.max(0, 1 - options.reduce((sum, [, p]) => sum + p, 0));
    rest.textContent = `all other tokens together: ${others.toPrecision(3)}`;
  }

  function drawLeft(path) {
    behind.hidden = view.get("left").length === 0;
    left.replaceChildren(
      ...view.get("left").map((other) => {
        const n = sharedOf(other, path);
        const label = h("button", { type: "button", class: "branch", onclick: () => go(tokensOf(other)) });
        label.append(
          h("span", { class: "shared" }, `… ${join(other.slice(0, n))}`),
          h("b", {}, join(other.slice(n))),
        );
        return h("li", {}, label, ` ${oddsOf(productOf(other))}`);
      }),
    );
  }

  return () => {
    const path = view.get("chosen");
    const waiting = asked === view.get("seq");
    list.element.setAttribute("aria-busy", String(waiting));
    if (waiting) return "";
    // what is drawn anew may hold the focus: a key must not fall through to the notebook
    const page = view.body.getRootNode();
    const held = [text, list.element, left].some((part) => part.contains(page.activeElement));
    drawText(path);
    drawOdds(path);
    drawList(view.get("options"));
    drawLeft(path);
    if (held) list.options[0].focus();
    for (const control of [back, again]) control.setAttribute("aria-disabled", String(path.length === 0));
    error.hidden = view.get("error") === "";
    error.textContent = view.get("error");
    if (spoken !== view.get("seq")) view.say(view.get("summary"));
    spoken = view.get("seq");
    return "";
  };
});
