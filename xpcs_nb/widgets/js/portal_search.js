// The search box, the facets, the ranges, and what is chosen of them.

import { button, h, short, shown } from "./portal_dom.js";

export function searchBar(app) {
  const text = h("input", {
    type: "search", class: "xnp-text", placeholder: "Search: words, \"a phrase\", begin*", "aria-label": "Search",
    value: app.query.text,
    onkeydown: (event) => {
      event.stopPropagation();
      if (event.key === "Enter") app.ask({ text: text.value });
    },
    onsearch: () => text.value !== app.query.text && app.ask({ text: text.value }),
  });
  const sort = h(
    "select", { "aria-label": "Order", onchange: () => app.ask({ sort: sort.value }) },
    app.start.sorts.map((each) => h("option", { value: each.key }, each.label)),
  );
  const size = h(
    "select", { "aria-label": "Records a page", onchange: () => app.ask({ size: Number(size.value) }) },
    app.start.list.page_sizes.map((each) => h("option", { value: each }, `${each} a page`)),
  );
  const view = button("", () => app.choose({ view: app.view === "cards" ? "table" : "cards" }), { class: "xnp-view" });
  const runs = button("Runs", () => app.open("runs"), { class: "xnp-runs-button" });
  const bar = h(
    "div", { class: "xnp-bar" },
    text, button("Search", () => app.ask({ text: text.value }), { class: "xnp-main" }), sort, size, view, runs,
  );
  bar.refresh = () => {
    if (document.activeElement !== text) text.value = app.query.text;
    if (![...sort.options].some((each) => each.value === app.query.sort) && app.query.sort)
      sort.append(h("option", { value: app.query.sort }, app.query.sort.replace(/^-(.*)/, "$1, falling")));
    sort.value = app.query.sort || app.start.sorts[0].key;
    size.value = String(app.query.size);
    view.textContent = app.view === "cards" ? "Table" : "Cards";
    runs.textContent = app.active ? `Runs (${app.active} active)` : "Runs";
  };
  return bar;
}

export function chips(app) {
  const made = Object.entries(app.query.conditions).map(([key, each]) => {
    const label = app.label(key);
    const what = each.values?.length
      ? each.values.map(short).join(" or ")
      : each.low === each.high ? shown(each.low) : `${shown(each.low) || "…"} to ${shown(each.high) || "…"}`;
    return button(`${label}: ${what} ✕`, () => app.condition(key, null), { class: "xnp-chip", title: `Remove: ${label}` });
  });
  if (app.query.text) made.unshift(button(`“${app.query.text}” ✕`, () => app.ask({ text: "" }), { class: "xnp-chip" }));
  if (made.length > 1)
    made.push(button("Clear all", () => app.ask({ text: "", conditions: {} }), { class: "xnp-chip xnp-clear" }));
  return h("div", { class: "xnp-chips" }, made);
}

function facet(app, key, rows) {
  const days = key.endsWith(":day");
  const chosen = new Set(app.query.conditions[key]?.values ?? []);
  const base = key.replace(/:day$/, "");
  const day = days ? app.query.conditions[base] : null;
  const toggle = (value, on) => {
    if (days) return app.condition(base, on ? { low: value, high: value } : null);
    on ? chosen.add(value) : chosen.delete(value);
    return app.condition(key, chosen.size ? { values: [...chosen] } : null);
  };
  const list = (values) =>
    (days ? [...values].sort((a, b) => (a.value < b.value ? 1 : -1)) : values).map((row) => {
      const on = days ? day?.low === row.value && day?.high === row.value : chosen.has(row.value);
      return h(
        "label", { class: "xnp-value", title: shown(row.value) },
        h("input", { type: "checkbox", checked: on, onchange: (event) => toggle(row.value, event.target.checked) }),
        h("span", { class: "xnp-name" }, short(row.value)),
        h("span", { class: "xnp-count" }, row.count === null ? "–" : row.count.toLocaleString("en")),
      );
    });
  const body = h("div", {}, list(rows));
  const more = button("more", async () => {
    more.disabled = true;
    const { value } = await app.try("facet", { query: app.query, key, size: 200 });
    body.replaceChildren(...list(value));
    more.remove();
  }, { class: "xnp-more" });
  return h(
    "details", { class: "xnp-facet", "data-key": key, open: app.opened(key, rows.length > 0) },
    h("summary", { onclick: () => app.toggled(key) }, app.label(key)), body, rows.length >= 8 ? more : null,
  );
}

function range(app, each) {
  const now = app.query.conditions[each.key] ?? {};
  const kind = each.kind === "date" ? "date" : "number";
  const read = (input) => (input.value === "" ? null : kind === "date" ? input.value : Number(input.value));
  const apply = () => {
    const [low, high] = [read(from), read(to)];
    app.condition(each.key, low === null && high === null ? null : { low, high });
  };
  const field = (name, value) =>
    h("input", {
      type: kind, class: "xnp-end", step: "any", "aria-label": `${each.label} ${name}`, placeholder: name, value: value ?? "",
      onchange: apply, onkeydown: (event) => event.stopPropagation(),
    });
  const [from, to] = [field("from", now.low), field("to", now.high)];
  return h(
    "div", { class: "xnp-range" },
    h("div", {}, each.label + (each.unit ? ` (${each.unit})` : "")), h("div", { class: `xnp-ends${kind === "date" ? " xnp-dates" : ""}` }, from, to),
  );
}

// Any key of the records can be asked for, not only those of the settings.
function otherKeys(app) {
  const list = `xnp-keys-${app.id}`;
  const key = h("input", {
    list, placeholder: "Another key…", "aria-label": "Another key", onkeydown: (event) => event.stopPropagation(),
  });
  const add = (kind) => {
    const name = key.value.trim();
    if (!name) return;
    if (kind === "facet") app.more.facets.push(name);
    else app.more.ranges.push({ key: name, label: name, unit: app.start.units[name] ?? "", kind: "number" });
    app.ask({});
  };
  return h(
    "div", { class: "xnp-other" },
    h("datalist", { id: list }, app.start.keys.map((each) => h("option", { value: each }))),
    key, button("values", () => add("facet")), button("range", () => add("range")),
  );
}

export function sidebar(app) {
  const ranges = [...app.start.ranges, ...app.more.ranges];
  return h(
    "div", { class: "xnp-side" },
    ranges.map((each) => range(app, each)),
    Object.entries(app.page.facets).map(([key, rows]) => (rows.length ? facet(app, key, rows) : null)),
    otherKeys(app),
  );
}
