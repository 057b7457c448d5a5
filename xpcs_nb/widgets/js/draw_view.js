// The view of the editor: the image view with tools that draw.

import { View, definition } from "./image_view.js";
import { Scene } from "./scene.js";

export default definition(
  (model, scene) => new View(model, scene),
  (model) => new Scene(model),
);
