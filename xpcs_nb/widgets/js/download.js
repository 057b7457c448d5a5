// A button that asks the kernel for a file and hands it to the browser.

import { bytesOf } from "./codec.js";
import { button } from "./dom.js";
import { save } from "./keep.js";

function render({ model, el }) {
  let asked = false;
  const ask = () => {
    asked = true;
    model.send({ type: "wanted" });
  };
  const take = (message, buffers) => {
    if (asked && message.type === "file") save(new Blob([bytesOf(buffers[0])]), message.name);
    asked = false;
  };
  model.on("msg:custom", take);
  el.append(button(model.get("label"), model.get("title"), ask));
  return () => model.off("msg:custom", take);
}

export default { render };
