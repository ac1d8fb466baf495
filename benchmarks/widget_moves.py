"""What a hand does, as JavaScript that runs in the page and times itself: for `bench_widgets`."""

PAINTED = """
const painted = () => new Promise((done) => requestAnimationFrame(() => {
  const after = performance.now();
  const channel = new MessageChannel();
  channel.port1.onmessage = () => done([after, performance.now()]);
  channel.port2.postMessage(0);
}));
const pause = () => new Promise((done) => setTimeout(done, 200 + 30 * Math.random()));
"""
MOVES = f"""async (host, kind, n) => {{
  {PAINTED}
  const root = host.shadowRoot, map = root.querySelector(".map"), found = [];
  const labels = [...root.querySelectorAll("label")];
  const named = (name) => labels.find((one) => one.firstChild.textContent === name);
  const box = map?.getBoundingClientRect();
  const slide = (name, i) => {{ // through the middle half of its range
    const input = named(name).querySelector("input"), [min, max] = [Number(input.min), Number(input.max)];
    input.value = min + (max - min) * (0.25 + (i % 16) / 32);
    input.dispatchEvent(new Event("input"));
  }};
  const choose = (name, i) => {{
    const input = named(name).querySelector("select");
    input.selectedIndex = (i + 1) % input.options.length;
    input.dispatchEvent(new Event("change"));
  }};
  const moves = {{
    hover: () => map.dispatchEvent(new PointerEvent("pointermove", {{
      clientX: box.right - 0.6 * box.width * Math.random(),
      clientY: box.bottom - 0.6 * box.height * Math.random(), bubbles: true }})),
    scale: (i) => slide("scale", i),
    temperature: (i) => slide("temperature", i),
    "top-p": (i) => slide("top-p", i),
    mask: (i) => choose("mask", i),
    head: (i) => choose("head", i),
    layer: (i) => choose("layer", i),
  }};
  for (let i = 0; i < n; i++) {{
    await pause();
    const before = new Promise((done) => requestAnimationFrame(() => done(performance.now())));
    const [start, rev] = [performance.now(), Number(host.dataset.rev)];
    moves[kind](i);
    const heard = performance.now();
    const [drawn, end] = await painted();
    const frame = await before; // the first thing in the frame; our drawing is next
    if (Number(host.dataset.rev) > rev) found.push([end - start, heard - start + end - frame, drawn - frame]);
  }}
  return found;
}}"""
STOCK = f"""async (output, n) => {{
  {PAINTED}
  const handle = output.querySelector(".noUi-handle"), found = [];
  for (let i = 0; i < n; i++) {{
    await pause();
    const old = output.querySelector("img")?.src, start = performance.now();
    handle.dispatchEvent(new KeyboardEvent("keydown", {{ key: "ArrowRight", bubbles: true }}));
    while (!output.querySelector("img") || output.querySelector("img").src === old) {{
      if (performance.now() - start > 10000) throw new Error("no new figure in 10 s");
      await new Promise((done) => setTimeout(done, 2));
    }}
    await output.querySelector("img").decode();
    const [, end] = await painted();
    found.push([end - start]);
  }}
  return found;
}}"""
# From the command that runs a cell to the first picture of the widget in it: kernel, bytes and drawing.
OPENED = f"""async (id) => {{
  {PAINTED}
  const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
  const at = notebook.widgets.findIndex((c) => c.model.id === id), cell = notebook.widgets[at];
  notebook.activeCellIndex = at;
  notebook.deselectAll();
  cell.node.scrollIntoView();
  await pause();
  const start = performance.now();
  app.commands.execute("notebook:run-cell");
  const drawn = () => Number(cell.node.querySelector(".llmasos-widget")?.dataset.rev ?? 0) > 0;
  while (!drawn()) {{
    if (performance.now() - start > 20000) throw new Error("no picture in 20 s");
    await new Promise((done) => requestAnimationFrame(done));
  }}
  const [, end] = await painted();
  return [[end - start], JSON.stringify(cell.model.outputs.toJSON()).length];
}}"""
