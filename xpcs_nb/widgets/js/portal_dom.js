// Elements, and calls to Python. All text of records goes into text nodes; nothing is ever parsed as HTML.

export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "value") element.value = value;
    else if (name === "checked") element.checked = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

export function button(text, action, props) {
  return h("button", { type: "button", onclick: action, ...props }, text);
}

export function link(address, text) {
  // Python has let through what is safe; this is the second lock.
  if (!/^https?:\/\//i.test(address ?? "")) return null;
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, text);
}

export function caller(model) {
  const prefix = Math.random().toString(36).slice(2);
  const waiting = new Map();
  let last = 0;
  const listen = (message, buffers) => {
    const one = waiting.get(message.id);
    if (!one) return;
    if (message.progress !== undefined) {
      one.progress?.(message.progress);
      return;
    }
    waiting.delete(message.id);
    if (message.ok) one.resolve({ value: message.value, buffers: buffers ?? [] });
    else one.reject(Object.assign(new Error(message.error), { kind: message.kind }));
  };
  model.on("msg:custom", listen);
  const call = (name, args = {}, progress = null) =>
    new Promise((resolve, reject) => {
      const id = `${prefix}-${++last}`;
      waiting.set(id, { resolve, reject, progress });
      model.send({ id, call: name, args });
    });
  call.end = () => model.off("msg:custom", listen);
  return call;
}

export function bytes(number) {
  if (number === null || number === undefined) return "";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let power = 0;
  while (number >= 1000 && power < units.length - 1) {
    number /= 1000;
    power += 1;
  }
  return `${power && number < 100 ? number.toFixed(1) : Math.round(number)} ${units[power]}`;
}

export function shown(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  return String(value);
}

export function moment(text) {
  return (text ?? "").replace("T", " ").replace(/(\.\d+)?(\+00:00|Z)?$/, "");
}

// The last part of an address or a path, which people know it by.
export function short(value) {
  const text = shown(value);
  return /^(\w+:\/)?\//.test(text) ? text.replace(/\/+$/, "").split("/").pop() || text : text;
}
