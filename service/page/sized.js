// Pictures are drawn for the width that they have, so that their text keeps its size on a phone.

/** Calls `draw(width)` now and whenever the node's width changes; the latest `draw` of a node counts. */
export function drawSized(node, draw) {
  const known = drawings.get(node);
  drawings.set(node, draw);
  if (known === undefined) observer.observe(node);
  else if (node.clientWidth) draw(node.clientWidth);
}

const drawings = new WeakMap();
const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.clientWidth) drawings.get(target)?.(target.clientWidth);
  }
});
