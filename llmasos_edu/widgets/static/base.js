// What every widget shares: the shadow root, the drawing loop, and accessible controls.
// How to write a widget stands in base.py.
import BASE_STYLES from "./base.css";

/** An element. Attributes that start with "on" are listeners; strings go in as text, never as HTML. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Set an element's text if it is another: what stays the same costs no layout, and its text node is kept. */
export function put(element, text) {
  const node = element.firstChild;
  if (node?.nodeType !== Node.TEXT_NODE || node.nextSibling) element.textContent = text;
  else if (node.data !== text) node.data = text;
}

/** Set an attribute if it is another: even an equal value would be styled anew. */
export function mark(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** The bytes of a trait as float32 numbers. (A message may place them at any offset: copy to align.) */
export function floats(view) {
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** A token as it is shown: line breaks and tabs as signs, invisible characters as codes, at most 40 characters. */
export function visible(text) {
  const shown = text
    .replace(/\n/g, "⏎")
    .replace(/\t/g, "⇥")
    .replace(/[\p{Cc}\p{Cf}]/gu, (c) => `‹${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}›`);
  const letters = [...shown.replace(/^ +| +$/g, (spaces) => "·".repeat(spaces.length))];
  return letters.length > 40 ? `${letters.slice(0, 39).join("")}…` : letters.join("") || "∅";
}

/** One view of one widget: what `build` and `draw` get. */
export class View {
  constructor(model, element, styles) {
    this.model = model;
    this.host = h("div", { class: "llmasos-widget", "data-lm-suppress-shortcuts": "true", "data-rev": "0" });
    this.body = h("div");
    this.live = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
    const root = this.host.attachShadow({ mode: "open" });
    root.append(h("style", {}, BASE_STYLES + styles), this.body, this.live);
    element.append(this.host);
    this.ends = [];
    this.timers = {};
    this.moving = {};
    this.sentence = "";
    this.frame = 0;
    this.draw = () => "";
    this.redraw = this.redraw.bind(this);
    this.followTheme();
  }

  get(name) {
    return name in this.moving ? this.moving[name] : this.model.get(name);
  }

  /** Store the reader's state: `view.set({ head: 2 })`. Watched traits redraw; Python gets them. */
  set(traits) {
    for (const [name, value] of Object.entries(traits)) {
      delete this.moving[name];
      this.model.set(name, value);
    }
    this.model.save_changes(); // at once: what is not yet sent, the kernel's echo of an older value undoes
  }

  /**
   * The same for what must follow the hand: shown in the next frame, stored once the hand rests. (Each message to the
   * kernel makes Lab lay out its toolbar, which costs more than the drawing does.)
   */
  follow(traits) {
    Object.assign(this.moving, traits);
    this.redraw();
    this.later("follow", 60, () => this.set({ ...this.moving, summary: this.sentence }));
  }

  /** Call `listener` whenever the trait changes, here or in Python. */
  on(name, listener) {
    this.model.on(`change:${name}`, listener);
    this.ends.push(() => this.model.off(`change:${name}`, listener));
  }

  /** Redraw whenever one of these traits changes. */
  watch(...names) {
    for (const name of names) this.on(name, this.redraw);
  }

  /** Draw before the next frame, once however often it is asked. */
  redraw() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.drawNow();
    });
  }

  drawNow() {
    try {
      this.sentence = this.draw() ?? "";
    } catch (error) {
      this.body.replaceChildren(
        h("p", { class: "error", role: "alert" }, `The view stopped: ${error.message}`),
      );
      this.draw = () => "";
      console.error(error);
    }
    this.host.dataset.rev = Number(this.host.dataset.rev) + 1;
    const told = () => this.sentence === "" || this.get("summary") === this.sentence;
    this.later("summary", 80, () => told() || this.set({ summary: this.sentence }));
  }

  /** Say something to a screen reader, at most twice a second; the last word wins. */
  say(sentence) {
    this.later("say", 500, () => {
      this.live.textContent = sentence;
    });
  }

  /** Run `action` after `ms`, once: a later call under the same name takes its place. */
  later(name, ms, action) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(action, ms);
  }

  /** The value of a colour of the theme now, for a canvas: `view.color("--ink")`. */
  color(variable) {
    if (!(variable in this.colors)) {
      this.live.style.color = `var(${variable})`;
      this.colors[variable] = getComputedStyle(this.live).color;
    }
    return this.colors[variable];
  }

  followTheme() {
    const follow = () => {
      this.colors = {};
      this.later("theme", 300, () => {
        this.colors = {}; // a theme's colours may arrive after its name
        this.redraw();
      });
      const light = document.body.dataset.jpThemeLight;
      this.host.style.colorScheme = light === undefined ? "light dark" : light === "false" ? "dark" : "light";
      this.redraw();
    };
    const observer = new MutationObserver(follow);
    observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    this.ends.push(() => observer.disconnect());
    follow();
  }

  end() {
    cancelAnimationFrame(this.frame);
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    if (Object.keys(this.moving).length > 0) this.set(this.moving);
    for (const end of this.ends) end();
    this.host.remove();
  }
}

/** A widget's default export. `build(view)` makes the page once and returns `draw`, which returns a sentence. */
export function widget(styles, build) {
  return {
    render({ model, el }) {
      const view = new View(model, el, styles);
      view.draw = build(view);
      view.redraw();
      return () => view.end();
    },
  };
}

/** A labelled slider. `show(value, text)` sets it and the words beside it. */
export function slider(label, range, oninput) {
  const output = h("span", { class: "value", "aria-hidden": "true" }); // the slider itself says it: aria-valuetext
  const input = h("input", { type: "range", ...range, oninput: () => oninput(Number(input.value)) });
  return {
    element: h("label", {}, label, input, output),
    input,
    show(value, text) {
      if (Number(input.value) !== value) input.value = value;
      mark(input, "aria-valuetext", text);
      put(output, text);
    },
  };
}

/** A labelled choice of `[value, text]` pairs. */
export function select(label, options, onchange) {
  const input = h("select", { onchange: () => onchange(input.value) });
  input.append(...options.map(([value, text]) => h("option", { value }, text)));
  return {
    element: h("label", {}, label, input),
    input,
    show(value) {
      if (input.value !== String(value)) input.value = value;
    },
  };
}

/** A labelled switch. */
export function checkbox(label, onchange) {
  const input = h("input", { type: "checkbox", onchange: () => onchange(input.checked) });
  return {
    element: h("label", {}, input, label),
    input,
    show(value) {
      input.checked = value;
    },
  };
}

/** A button; `label` is what it says. */
export function button(label, onclick) {
  return h("button", { type: "button", onclick }, label);
}

/** Where an arrow, Home or End leads in a row of n; undefined for other keys. */
export function nextIndex(key, at, n) {
  const steps = {
    ArrowRight: at + 1,
    ArrowDown: at + 1,
    ArrowLeft: at - 1,
    ArrowUp: at - 1,
    Home: 0,
    End: n - 1,
  };
  return key in steps ? Math.min(n - 1, Math.max(0, steps[key])) : undefined;
}

/**
 * A row of options, one of them in the tab order (roving tabindex). Arrows, Home and End move; Enter, Space or a
 * click picks. `show(texts, selected)` renews it; `options` are the elements, for tints.
 */
export function listbox(label, { onmove = () => {}, onpick }) {
  const element = h("div", {
    class: "listbox",
    role: "listbox",
    "aria-label": label,
    "aria-orientation": "horizontal",
  });
  const self = { element, options: [], show };
  let texts = [];

  function focusable(at) {
    self.options.forEach((option, i) => {
      mark(option, "tabindex", i === at ? "0" : "-1");
    });
  }
  function show(newTexts, selected) {
    if (newTexts.length !== texts.length || newTexts.some((text, i) => text !== texts[i])) {
      texts = [...newTexts];
      self.options = texts.map((text) => h("div", { role: "option" }, text));
      element.replaceChildren(...self.options);
      focusable(Math.max(0, selected));
    }
    self.options.forEach((option, i) => {
      mark(option, "aria-selected", String(i === selected));
    });
    if (selected >= 0 && !element.matches(":focus-within")) focusable(selected);
  }
  const indexOf = (event) => self.options.indexOf(event.target.closest('[role="option"]'));
  element.addEventListener("click", (event) => indexOf(event) >= 0 && onpick(indexOf(event)));
  element.addEventListener("keydown", (event) => {
    const at = indexOf(event);
    const to = nextIndex(event.key, at, texts.length);
    if (to !== undefined) {
      focusable(to);
      self.options[to].focus();
      onmove(to);
    } else if (event.key === "Enter" || event.key === " ") onpick(at);
    else return;
    event.preventDefault();
  });
  return self;
}

/** A canvas that is as large as its box, sharp on every screen. `paint(context, width, height)` in CSS pixels. */
export function canvas(view, paint) {
  const surface = h("canvas", { "aria-hidden": "true" });
  const element = h("div", { class: "canvas" }, surface);
  let box = { width: 0, height: 0 }; // from the observer: to measure while drawing would lay the page out again
  const observer = new ResizeObserver(([entry]) => {
    box = entry.contentRect;
    view.redraw();
  });
  observer.observe(element);
  view.ends.push(() => observer.disconnect());
  return {
    element,
    surface,
    /** Paint now; call it from `draw`. Nothing happens while the box is hidden. */
    paint() {
      const { width, height } = box;
      const ratio = window.devicePixelRatio || 1;
      const [w, ht] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (w === 0 || ht === 0) return;
      if (surface.width !== w || surface.height !== ht) [surface.width, surface.height] = [w, ht];
      const context = surface.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      paint(context, width, height);
    },
    /** The width of the box, 0 while it is hidden. */
    width: () => box.width,
    /** A pointer's place in CSS pixels from the canvas's corner. */
    place(event) {
      const box = surface.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    },
  };
}
