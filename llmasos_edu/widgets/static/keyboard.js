// Stamps every control of ipywidgets in the outputs, so that Jupyter does not take its keys.
const CONTROLS = ":is(input, select, textarea, button, [tabindex], [contenteditable])";

/** Stamp the controls under `root`; how many are stamped. */
export function stamp(root) {
  const controls = root.querySelectorAll(`.jupyter-widgets ${CONTROLS}, .jupyter-widgets${CONTROLS}`);
  for (const control of controls) control.setAttribute("data-lm-suppress-shortcuts", "true");
  return controls.length;
}

export default {
  render({ el }) {
    el.hidden = true;
    const renew = () => {
      el.dataset.rev = stamp(document);
    };
    const observer = new MutationObserver(renew);
    observer.observe(document.body, { childList: true, subtree: true });
    renew();
    return () => observer.disconnect();
  },
};
