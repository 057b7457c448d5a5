// Keys of JupyterLab and Notebook act on cells: R makes one raw, and what it showed is gone. Notebook looks at a key
// before the page does, and only a mark on the element that has the focus keeps it from that.

const OURS = ".xnb-editor, .xnb-view, .xnb-edit-list, .xnp-portal";
const MARK = "data-lm-suppress-shortcuts";

function markFocused(event) {
  const { target } = event;
  if (!target.closest?.(OURS)) return;
  // Combinations such as Ctrl+S stay theirs, but for those of the image.
  if ((event.ctrlKey || event.metaKey) && !target.closest(".xnb-view")) target.removeAttribute(MARK);
  else target.setAttribute(MARK, "true");
}

export function keepKeys() {
  window.addEventListener("keydown", markFocused, true);
}
