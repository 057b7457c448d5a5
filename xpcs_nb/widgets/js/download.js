// A button that asks the kernel for a file and hands it to the browser.

import { bytesOf } from "./codec.js";
import { button, element } from "./dom.js";

function keep(name, bytes) {
  const address = URL.createObjectURL(new Blob([bytes]));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function render({ model, el }) {
  let asked = false;
  const ask = () => {
    asked = true;
    model.send({ type: "wanted" });
  };
  const take = (message, buffers) => {
    if (asked && message.type === "file") keep(message.name, bytesOf(buffers[0]));
    asked = false;
  };
  model.on("msg:custom", take);
  el.append(button(model.get("label"), model.get("title"), ask));
  return () => model.off("msg:custom", take);
}

export default { render };
