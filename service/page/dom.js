// Elements made without markup: what a model wrote is put into the page as text, never as HTML.

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value === 'boolean') node[name] = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An HTML element; strings among the children become text, functions named on… listeners. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Text for screen readers alone. */
export function unseen(text) {
  return el('span', { class: 'unseen' }, text);
}

/** Sets the text only where it differs, so that nothing is drawn or read out for nothing. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function button(text, onclick, attributes = {}) {
  return el('button', { type: 'button', onclick, ...attributes }, text);
}

let labels = 0;

/** An id that no other element has. */
export function freshId(prefix) {
  labels += 1;
  return `${prefix}-${labels}`;
}
