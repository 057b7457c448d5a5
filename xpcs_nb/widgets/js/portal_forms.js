// What is done with several records: compare, average, reprocess, download.

import { save } from "./keep.js";
import { download } from "./portal_detail.js";
import { button, h, short } from "./portal_dom.js";

export function selectionBar(app) {
  const all = () => [...app.selected];
  const bar = h("div", { class: "xnp-selection", role: "toolbar", "aria-label": "Selected records" });
  bar.refresh = () => {
    const count = app.selected.size;
    bar.hidden = count === 0;
    bar.replaceChildren(
      h("strong", {}, count === 1 ? "1 record selected" : `${count} records selected`),
      button("Compare", () => app.work("compare", { subjects: all() }), { disabled: count < 2 }),
      button("Average…", () => app.open("average", all()), { disabled: count < 2 }),
      button("Explore", () => app.stage("explore", all())),
      button("Reprocess…", () => app.open("reprocess", all())),
      button("Download…", () => app.open("download", all())),
      button("Clear", () => app.select(all(), false), { class: "xnp-flat" }));
  };
  return bar;
}

function optionField(each) {
  const props = { "aria-label": each.name, name: each.name, onkeydown: (event) => event.stopPropagation() };
  const input = each.kind === "choice"
    ? h("select", props, [h("option", { value: "" }, "as before"),
      each.choices.map((value) => h("option", { value: JSON.stringify(value) }, String(value)))])
    : h("input", { ...props, type: each.kind === "number" ? "number" : "text", placeholder: "as before" });
  input.read = () => {
    if (input.value === "") return null;
    return each.kind === "choice" ? JSON.parse(input.value) : each.kind === "number" ? Number(input.value) : input.value;
  };
  return [h("label", { class: "xnp-field" }, h("span", {}, each.name), input), input];
}

export function reprocessForm(app, subjects) {
  const stop = (event) => event.stopPropagation();
  const suffix = h("input", { class: "xnp-suffix", "aria-label": "Suffix", placeholder: "as wedge", onkeydown: stop });
  const path = h("input", { class: "xnp-path", "aria-label": "Qmap file", placeholder: "/path/of/qmap.hdf", onkeydown: stop,
    onfocus: () => (choice("path").checked = true) });
  const group = `xnp-qmap-${app.id}`;
  const radio = (value, text, ...more) => h("label", { class: "xnp-choice" },
    h("input", { type: "radio", name: group, value, checked: value === "path" }), text, more);
  const drawn = h("span", { class: "xnp-sub" });
  const draw = button("Open the editor", async () => {
    choice("drawn").checked = true;
    await app.stage("draw", subjects.slice(0, 1));
    drawn.textContent = " below: draw, then start";
  }, { class: "xnp-draw" });
  const site = h("select", { "aria-label": "Facility" }, app.start.sites.map((each) => h("option", { value: each }, each)));
  const fields = app.start.options.map(optionField);
  const begin = button("Start", start, { class: "xnp-main xnp-start" });
  const said = h("div", { role: "status", class: "xnp-said" });
  const form = h("div", { class: "xnp-detail xnp-form" },
    h("div", { class: "xnp-heading" }, button("‹ Back", () => app.back(), { class: "xnp-flat" }),
      h("h3", {}, subjects.length === 1 ? "Reprocess a dataset" : `Reprocess ${subjects.length} datasets`)),
    h("div", { class: "xnp-sub" }, subjects.slice(0, 5).map(short).join(", ") + (subjects.length > 5 ? ", …" : "")),
    h("h4", {}, "Qmap"),
    radio("path", " a file ", path), radio("record", " that of each record, with other options"),
    radio("drawn", " drawn now ", draw, drawn),
    h("h4", {}, "Result"),
    h("label", { class: "xnp-field" }, h("span", {}, "Suffix of the new datasets"), suffix),
    h("label", { class: "xnp-field" }, h("span", {}, "Facility"), site),
    h("details", {}, h("summary", {}, "Options of the reduction and of the queue"),
      h("div", { class: "xnp-options" }, fields.map(([label]) => label))),
    h("div", { class: "xnp-actions" }, begin), said);

  function choice(value) {
    return form.querySelector(`input[type=radio][value=${value}]`);
  }

  async function start() {
    const of = form.querySelector("input[type=radio]:checked").value;
    const qmap = of === "path" ? { path: path.value.trim() } : { of };
    const options = Object.fromEntries(fields.map(([, input]) => [input.name, input.read()]).filter(([, value]) => value !== null));
    begin.disabled = true;
    try {
      const { value } = await app.call("reprocess",
        { subjects, qmap, suffix: suffix.value, site: site.value, options }, (text) => (said.textContent = `Starting ${text}…`));
      const failed = value.filter((row) => row.error);
      said.replaceChildren(...failed.map((row) => h("div", { class: "xnp-error" }, `${short(row.subject)}: ${row.error}`)));
      app.watch();
      if (!failed.length) {
        app.unstage();
        // Not to this form again: what it asked for is under way.
        app.trail.pop();
        app.open("runs");
      }
    } catch (error) {
      said.replaceChildren(h("div", { class: "xnp-error" }, error.message));
    }
    begin.disabled = false;
  }
  return form;
}

export function averageForm(app, subjects) {
  const stop = (event) => event.stopPropagation();
  const number = (label, placeholder) => h("input", { type: "number", step: "any", "aria-label": label, placeholder, onkeydown: stop });
  const weights = h("select", { "aria-label": "Weights" },
    h("option", { value: "equal" }, "the same for each"), h("option", { value: "errors" }, "by the errors of g₂"));
  const outliers = h("input", { type: "checkbox", checked: true, "aria-label": "Leave out what disagrees" });
  const limit = number("Largest χ² a point", "found from the results");
  const low = number("Lowest baseline", "any"), high = number("Highest baseline", "any");
  const read = (input) => (input.value === "" ? null : Number(input.value));
  const field = (text, ...inputs) => h("label", { class: "xnp-field" }, h("span", {}, text), inputs);
  const start = () => app.work("average", { subjects, options: {
    weights: weights.value, outliers: outliers.checked, max_chi2: read(limit), baseline: [read(low), read(high)] } });
  return h("div", { class: "xnp-detail xnp-form" },
    h("div", { class: "xnp-heading" }, button("‹ Back", () => app.back(), { class: "xnp-flat" }),
      h("h3", {}, `Average ${subjects.length} results`)),
    h("div", { class: "xnp-sub" }, subjects.slice(0, 5).map(short).join(", ") + (subjects.length > 5 ? ", …" : "")),
    field("Weights", weights),
    h("label", { class: "xnp-choice" }, outliers, " leave out results that do not agree with the others"),
    field("Largest χ² a point against their mean", limit),
    field("g₂ at the longest delays, between", low, high),
    h("div", { class: "xnp-actions" }, button("Average", start, { class: "xnp-main xnp-start" })));
}

export function downloadForm(app, subjects) {
  const stop = (event) => event.stopPropagation();
  const names = h("input", { value: "*_results.hdf", "aria-label": "Which files", onkeydown: stop });
  const folder = h("input", { class: "xnp-path", "aria-label": "Folder", placeholder: "~/results", onkeydown: stop });
  const said = h("div", { role: "status", class: "xnp-said" });
  const patterns = () => names.value.split(/[\s,]+/).filter(Boolean);
  const guard = (action) => async (event) => {
    event.target.disabled = true;
    try {
      await action();
    } catch (error) {
      said.replaceChildren(h("div", { class: "xnp-error" }, error.message));
    }
    event.target.disabled = false;
  };
  const here = guard(async () => {
    const { value } = await app.call("named", { subjects, names: patterns() });
    for (const [number, { subject, file }] of value.entries())
      await download(app, subject, file, (text) => (said.textContent = `${number + 1} of ${value.length}: ${file.name} ${text}`));
    said.textContent = value.length ? `${value.length} files downloaded` : "No file has such a name.";
  });
  const there = guard(async () => {
    said.textContent = "Copying…";
    const { value } = await app.call("save", { subjects, folder: folder.value, names: patterns() });
    said.replaceChildren(h("div", {}, `${value.length} files saved`), h("pre", { class: "xnp-log" }, value.join("\n")));
  });
  return h("div", { class: "xnp-detail xnp-form" },
    h("div", { class: "xnp-heading" }, button("‹ Back", () => app.back(), { class: "xnp-flat" }),
      h("h3", {}, subjects.length === 1 ? "Download a dataset" : `Download ${subjects.length} datasets`)),
    h("label", { class: "xnp-field" }, h("span", {}, "Files (patterns, * for all)"), names),
    h("div", { class: "xnp-actions" }, button("To this browser", here, { class: "xnp-main" })),
    h("label", { class: "xnp-field" }, h("span", {}, "or a folder where Python runs"), folder),
    h("div", { class: "xnp-actions" }, button("Save there", there)), said);
}

export function figures(app, title, value, buffers) {
  return h("div", { class: "xnp-detail" },
    h("div", { class: "xnp-heading" }, button("‹ Back", () => app.back(), { class: "xnp-flat" }), h("h3", {}, title)),
    value.text ? h("pre", { class: "xnp-log" }, value.text) : null,
    value.figures.map((each, number) => {
      const blob = new Blob([buffers[number]], { type: "image/png" });
      const address = URL.createObjectURL(blob);
      return h("figure", { class: "xnp-figure" }, h("img", { src: address, alt: each.title }),
        h("figcaption", {}, each.title, " ", button("Save picture", () => save(blob, `${each.name}.png`), { class: "xnp-flat" })));
    }));
}
