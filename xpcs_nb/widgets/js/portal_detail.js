// One record: its pictures, metadata, files, logs and history.

import { save } from "./keep.js";
import { button, bytes, h, link, moment, short, shown } from "./portal_dom.js";
import { badge } from "./portal_list.js";
import { runCard } from "./portal_runs.js";

async function picture(app, subject, file, place) {
  try {
    const { value, buffers } = await app.call("picture", { subject, url: file.url });
    const address = URL.createObjectURL(new Blob([buffers[0]], { type: value.kind }));
    place.replaceChildren(h("img", { src: address, alt: file.name, onload: () => URL.revokeObjectURL(address) }));
  } catch (error) {
    place.replaceChildren(h("div", { class: "xnp-none" }, error.message), link(file.link, "open its address") ?? "");
  }
}

function plots(app, record) {
  const hidden = new Set(app.choices.hidden ?? []);
  const hide = (name, on) => {
    on ? hidden.add(name) : hidden.delete(name);
    app.choose({ hidden: [...hidden] });
  };
  const files = record.pictures.flatMap((group) => group.files);
  const away = files.filter((file) => hidden.has(file.name));
  if (!files.length) return h("div", { class: "xnp-empty" }, "This record has no pictures.");
  return h(
    "div", {},
    record.pictures.map((group) => {
      const left = group.files.filter((file) => !hidden.has(file.name));
      return left.length && h("section", {}, h("h4", {}, group.label), h("div", { class: "xnp-plots" }, left.map((file) => {
        const place = h("div", { class: "xnp-plot" }, "…");
        picture(app, record.subject, file, place);
        return h("figure", {}, place, h("figcaption", {}, file.name, " ",
          button("hide", () => hide(file.name, true), { class: "xnp-flat", title: "Hide pictures of this name" })));
      })));
    }),
    away.length ? h("div", { class: "xnp-sub" }, "Hidden: ",
      away.map((file) => button(file.name, () => hide(file.name, false), { class: "xnp-chip", title: "Show again" }))) : null,
  );
}

// With `app`, by the names that people use, and without the folders.
function pairs(rows, app) {
  const text = (value) => (app ? moment(short(value)) : shown(value));
  return h("table", { class: "xnp-pairs" }, h("tbody", {}, rows.map((row) =>
    h("tr", {}, h("th", { title: row.key }, app ? app.label(row.key) : row.key),
      h("td", { title: shown(row.value) }, text(row.value) + (row.unit ? ` ${row.unit}` : ""))))));
}

function metadata(app, record) {
  const about = [["identifier", record.identifier], ["keywords", record.keywords.join(", ")], ["published", moment(record.created)],
    ["visible to", record.visible_to?.join(", ")], ["subject", record.subject]].filter(([, value]) => value);
  const body = h("div", {}, pairs(record.metadata));
  const filter = h("input", {
    type: "search", placeholder: "Filter", "aria-label": "Filter the metadata", onkeydown: (event) => event.stopPropagation(),
    oninput: () => {
      const text = filter.value.toLowerCase();
      body.replaceChildren(pairs(record.metadata.filter((row) => `${row.key} ${row.value}`.toLowerCase().includes(text))));
    },
  });
  return h("div", {},
    record.description ? h("p", {}, record.description) : null,
    h("div", { class: "xnp-summary" }, record.summary.map((group) => h("section", {}, h("h4", {}, group.label), pairs(group.rows, app))),
      h("section", {}, h("h4", {}, "Record"), pairs(about.map(([key, value]) => ({ key, value }))))),
    h("h4", {}, "All metadata"), filter, body);
}

export async function download(app, subject, file, say) {
  const pieces = [];
  let at = 0;
  let size = 1;
  while (at < size) {
    const { value, buffers } = await app.call("piece", { subject, url: file.url, offset: at });
    size = value.size;
    const piece = buffers[0];
    if (!piece.byteLength && at < size) throw new Error(`${file.name} became shorter during the download`);
    pieces.push(piece);
    at += piece.byteLength;
    say?.(size ? `${Math.round((100 * at) / size)} %` : "");
  }
  save(new Blob(pieces, { type: "application/octet-stream" }), file.name);
}

function files(app, record) {
  return h("table", { class: "xnp-table xnp-files" },
    h("thead", {}, h("tr", {}, ["File", "Size", "Kind", "", ""].map((each) => h("th", {}, each)))),
    h("tbody", {}, record.files.map((file) => {
      const get = button("Download", async () => {
        get.disabled = true;
        try {
          await download(app, record.subject, file, (text) => (get.textContent = text));
          get.textContent = "Download";
        } catch (error) {
          app.fail(error);
          get.textContent = "Try again";
        }
        get.disabled = false;
      });
      return h("tr", {}, h("td", { title: `${file.url}${file.sha256 ? `\nsha256 ${file.sha256}` : ""}` }, file.name),
        h("td", {}, bytes(file.size)), h("td", {}, file.kind ?? ""), h("td", {}, get), h("td", {}, link(file.link, "open")));
    })));
}

function logs(app, record) {
  const body = h("div", {});
  for (const file of record.logs) {
    const text = h("pre", { class: "xnp-log" }, "…");
    body.append(h("h4", {}, file.name), text);
    app.call("text", { subject: record.subject, url: file.url }).then(({ value }) => (text.textContent = value),
      (error) => (text.textContent = error.message));
  }
  const made = h("div", { class: "xnp-sub" }, "Looking for the runs that made it…");
  body.append(made);
  history(app, record).then(({ runs }) => made.replaceChildren(...(runs.length
    ? runs.map((run) => h("details", { open: true }, h("summary", {}, `Run ${run.label}, ${moment(run.start)}: ${run.status}`),
      h("pre", { class: "xnp-log" }, run.log)))
    : [record.logs.length ? "" : "No log files, and none of the recent runs made this record."])),
  (error) => (made.textContent = error.message));
  return body;
}

function history(app, record) {
  record.known ??= app.call("history", { subject: record.subject }).then(({ value }) => value);
  return record.known;
}

function past(app, record) {
  const body = h("div", { class: "xnp-history" }, "…");
  const item = (row, note) => h("li", {}, row.subject
    ? button(row.dataset ?? row.subject, () => app.open("detail", row.subject), { class: "xnp-head" }) : shown(row.dataset),
    note ? h("span", { class: "xnp-sub" }, ` ${shown(note)}`) : null);
  history(app, record).then(({ origins, made_from_it, runs }) => body.replaceChildren(
    h("h4", {}, "Made from"),
    origins.length ? h("ol", {}, origins.map((row) => item(row, row.note))) : h("p", {}, "The raw data: it was not reprocessed."),
    h("h4", {}, "Made from it"),
    made_from_it.length ? h("ul", {}, made_from_it.map((row) => item(row, `${row.suffix ?? ""} ${moment(row.time)}`)))
      : h("p", {}, "Nothing so far."),
    h("h4", {}, "Runs that made it"),
    runs.length ? h("div", {}, runs.map((run) => runCard(app, run))) : h("p", {}, "None of the recent runs."),
  ), (error) => (body.textContent = error.message));
  return body;
}

export function detail(app, record) {
  const tabs = { Plots: plots, Metadata: metadata, Files: files, Logs: logs, History: past };
  const body = h("div", { class: "xnp-tab" });
  const names = Object.keys(tabs).map((name) => button(name, () => show(name), { role: "tab" }));
  const show = (name) => {
    app.tab = name;
    names.forEach((each) => each.setAttribute("aria-selected", each.textContent === name));
    body.replaceChildren(tabs[name](app, record));
  };
  const one = [record.subject];
  const box = h(
    "div", { class: "xnp-detail" },
    h("div", { class: "xnp-heading" }, button("‹ Back", () => app.back(), { class: "xnp-flat" }),
      h("span", { class: "xnp-sub" }, record.subject)),
    h("h3", {}, record.title, " ", badge(record.trust)),
    h("div", { class: "xnp-sub" }, [record.dataset, record.creators.join(", "), moment(record.time), record.status]
      .filter(Boolean).join(" · ")),
    h("div", { class: "xnp-actions" },
      button(app.selected.has(record.subject) ? "Selected ✓" : "Select",
        (event) => {
          const on = !app.selected.has(record.subject);
          app.select(one, on);
          event.target.textContent = on ? "Selected ✓" : "Select";
        }),
      record.has_result ? [
        button("Open in explorer", () => app.stage("explore", one), { class: "xnp-main" }),
        button("Reprocess…", () => app.open("reprocess", one)),
      ] : h("span", { class: "xnp-sub" }, "It has no result file (yet).")),
    h("div", { class: "xnp-tabs", role: "tablist" }, names), body,
  );
  box.again = () => show(app.tab in tabs ? app.tab : "Plots");
  box.again();
  return box;
}
