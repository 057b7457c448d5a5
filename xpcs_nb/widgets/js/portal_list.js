// The page: cards or a table, with pictures that come when they are seen.

import { button, h, moment, short, shown } from "./portal_dom.js";
import { chips } from "./portal_search.js";

export function thumbnails(app) {
  const known = new Map();
  let wanted = [];
  let busy = 0;
  const fill = (place, address) => {
    place.replaceChildren(address ? h("img", { src: address, alt: "" }) : h("span", {}, "no picture"));
    place.classList.toggle("xnp-none", !address);
  };
  const next = async () => {
    if (busy >= 2 || !wanted.length) return;
    busy += 1;
    const some = wanted.splice(0, 4);
    try {
      const { value, buffers } = await app.call("thumbnails", { subjects: some.map(([subject]) => subject) });
      some.forEach(([subject, place], number) => {
        const at = value[number];
        const address = at === null ? null : URL.createObjectURL(new Blob([buffers[at]], { type: "image/webp" }));
        known.set(subject, address);
        fill(place, address);
      });
    } catch {
      some.forEach(([, place]) => fill(place, null));
    }
    if (known.size > 1000) {
      const [subject, address] = known.entries().next().value;
      known.delete(subject);
      if (address) URL.revokeObjectURL(address);
    }
    busy -= 1;
    next();
  };
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      wanted.push([target.subject, target]);
    }
    next();
    next();
  }, { rootMargin: "200px" });
  return {
    place(row) {
      const place = h("div", { class: "xnp-picture" });
      place.subject = row.subject;
      if (!row.picture) fill(place, null);
      else if (known.has(row.subject)) fill(place, known.get(row.subject));
      else seen.observe(place);
      return place;
    },
    forget() {
      wanted = [];
    },
    end() {
      seen.disconnect();
      known.forEach((address) => address && URL.revokeObjectURL(address));
    },
  };
}

export function badge(trust) {
  if (!trust) return null;
  const verdict = shown(trust.verdict);
  const known = ["ok", "note", "warning", "bad"].includes(verdict) ? verdict : "other";
  const lines = ["Trust report", trust.warnings && `warnings: ${trust.warnings}`, trust.notes && `notes: ${trust.notes}`];
  const title = lines.filter(Boolean).join("\n");
  return h("span", { class: `xnp-badge xnp-${known}`, title }, verdict);
}

function tick(app, row) {
  return h("input", {
    type: "checkbox", class: "xnp-tick", checked: app.selected.has(row.subject), "aria-label": `Select ${row.dataset}`,
    onclick: (event) => event.stopPropagation(), onchange: (event) => app.select([row.subject], event.target.checked),
  });
}

function card(app, row) {
  const values = Object.entries(row.columns).filter(([, value]) => value !== null);
  return h(
    "div", { class: `xnp-card${app.selected.has(row.subject) ? " xnp-on" : ""}`, "data-subject": row.subject },
    tick(app, row),
    h(
      "button", { type: "button", class: "xnp-open", onclick: () => app.open("detail", row.subject) },
      app.pictures.place(row),
      h("div", { class: "xnp-title", title: row.title }, row.title, " ", badge(row.trust)),
      row.dataset === row.title ? null : h("div", { class: "xnp-sub" }, row.dataset),
      h("div", { class: "xnp-sub" }, moment(row.time), row.status && row.status !== "complete" ? ` · ${row.status}` : ""),
      h("div", { class: "xnp-sub" }, values.map(([key, value]) => `${short(value)}${unit(app, key)}`).join(" · ")),
    ),
  );
}

function unit(app, key) {
  return app.start.units[key] ? ` ${app.start.units[key]}` : "";
}

function table(app, rows) {
  const head = (label, key) => {
    const arrow = app.query.sort === key ? " ▲" : app.query.sort === `-${key}` ? " ▼" : "";
    const turned = app.query.sort === key ? `-${key}` : key;
    return h("th", {}, button(label + arrow, () => app.ask({ sort: turned }), { class: "xnp-head" }));
  };
  const columns = app.start.list.columns.filter((key) => app.start.keys.includes(key) || !app.start.local);
  const unitOf = (key) => (app.start.units[key] ? ` (${app.start.units[key]})` : "");
  return h(
    "table", { class: "xnp-table" },
    h("thead", {}, h("tr", {}, h("th"), h("th"), head("Dataset", "dataset"), head("Title", "title"),
      head("Time", "start_time"), columns.map((key) => head(app.label(key) + unitOf(key), key)), h("th", {}, "Trust"))),
    h("tbody", {}, rows.map((row) =>
      h(
        "tr", { class: app.selected.has(row.subject) ? "xnp-on" : "", "data-subject": row.subject,
          onclick: () => app.open("detail", row.subject) },
        h("td", { onclick: (event) => event.stopPropagation() }, tick(app, row)),
        h("td", {}, app.pictures.place(row)), h("td", {}, button(row.dataset, null, { class: "xnp-head" })),
        h("td", {}, row.title), h("td", {}, moment(row.time)),
        columns.map((key) => h("td", { class: "xnp-value-cell", title: shown(row.columns[key]) }, short(row.columns[key]))),
        h("td", {}, badge(row.trust)),
      ))),
  );
}

function pager(app) {
  const { page, pages } = app.page;
  const go = (text, to, title) => button(text, () => app.turn(to), { disabled: to < 0 || to >= pages || to === page, title });
  const number = h("input", {
    type: "number", min: 1, max: pages, value: page + 1, "aria-label": "Page",
    onkeydown: (event) => event.stopPropagation(),
    onchange: (event) => app.turn(Math.min(Math.max(1, Number(event.target.value)), pages) - 1),
  });
  return h("div", { class: "xnp-pager" }, go("«", 0, "First"), go("‹", page - 1, "Previous"), number,
    ` of ${pages.toLocaleString("en")} `, go("›", page + 1, "Next"), go("»", pages - 1, "Last"));
}

export function results(app) {
  const { total, offset, rows, pages, size } = app.page;
  const last = offset + rows.length;
  const number = total.toLocaleString("en");
  const heading = total === 0 ? "No records" : total === 1 ? "1 record" : `${number} records, ${offset + 1} to ${last}`;
  const reachable = pages * size < total ? `; the first ${(pages * size).toLocaleString("en")} can be paged through` : "";
  const none = app.start.keys.length || app.query.text || Object.keys(app.query.conditions).length
    ? "Nothing has all that is asked for: remove a condition above." : "Nothing has been published here so far.";
  return h(
    "div", { class: "xnp-results" },
    chips(app),
    h("div", { class: "xnp-heading" }, h("span", { role: "status" }, heading + reachable),
      rows.length ? button("Select page", () => app.select(rows.map((row) => row.subject), true), { class: "xnp-flat" }) : null,
      pager(app)),
    rows.length === 0 ? h("div", { class: "xnp-empty" }, none)
      : app.view === "cards" ? h("div", { class: "xnp-cards" }, rows.map((row) => card(app, row))) : table(app, rows),
    rows.length > 12 ? h("div", { class: "xnp-heading" }, h("span"), pager(app)) : null,
  );
}
