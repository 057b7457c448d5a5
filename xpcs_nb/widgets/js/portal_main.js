// The whole: what is shown, and what was there before it.

import { keepKeys } from "./keys.js";
import { detail } from "./portal_detail.js";
import { button, caller, h } from "./portal_dom.js";
import { averageForm, downloadForm, figures, reprocessForm, selectionBar } from "./portal_forms.js";
import { results, thumbnails } from "./portal_list.js";
import { runsPanel } from "./portal_runs.js";
import { searchBar, sidebar } from "./portal_search.js";

const EVERY = { compare: "Comparison", average: "Average" };

function makeApp(model, el) {
  keepKeys();
  const call = caller(model);
  const app = {
    call, id: Math.random().toString(36).slice(2), active: 0, tab: "Plots", view: "cards", choices: {},
    selected: new Set(), more: { facets: [], ranges: [] }, shownRuns: new Set(), trail: [], asked: 0, ended: false,
    query: { text: "", conditions: {}, sort: "", size: 24, page: 0 },
  };
  app.pictures = thumbnails(app);
  const error = h("div", { class: "xnp-fault", role: "alert", hidden: true });
  const main = h("div", { class: "xnp-body" });
  const busy = h("div", { class: "xnp-busy", hidden: true });

  app.fail = (fault) => {
    error.hidden = false;
    error.replaceChildren(h("pre", {}, fault.message), button("✕", () => (error.hidden = true), { class: "xnp-flat" }));
  };
  app.try = async (name, args, progress) => {
    try {
      return await call(name, args, progress);
    } catch (fault) {
      app.fail(fault);
      throw fault;
    }
  };
  app.label = (key) =>
    [...app.start.facets, ...app.start.ranges].find((each) => each.key === key)?.label ??
    key.replace(/^.*\//, "").replaceAll("_", " ");
  app.opened = (key, some) => !(app.choices.closed ?? []).includes(key) && some;
  app.toggled = (key) => {
    const closed = new Set(app.choices.closed ?? []);
    closed.has(key) ? closed.delete(key) : closed.add(key);
    app.choose({ closed: [...closed] }, false);
  };
  app.choose = (changes, again = true) => {
    Object.assign(app.choices, changes);
    app.view = app.choices.view ?? app.view;
    call("remember", { choices: changes }).catch(app.fail);
    const panel = app.trail.at(-1);
    if (again && panel?.again) panel.again();
    else if (again) app.draw();
  };
  app.condition = (key, condition) => {
    const conditions = { ...app.query.conditions };
    if (condition) conditions[key] = condition;
    else delete conditions[key];
    return app.ask({ conditions });
  };
  app.turn = (page) => app.ask({ page });
  app.ask = async (changes) => {
    const query = { ...app.query, page: 0, ...changes };
    const number = ++app.asked;
    main.classList.add("xnp-waiting");
    try {
      const { value } = await call("page", { query, facets: app.more.facets });
      if (number !== app.asked) return;
      error.hidden = true;
      app.query = { ...query, page: value.page };
      app.page = value;
      app.pictures.forget();
      app.trail = [];
      app.draw();
    } catch (fault) {
      app.fail(fault);
    } finally {
      if (number === app.asked) main.classList.remove("xnp-waiting");
    }
  };
  app.select = (subjects, on) => {
    subjects.forEach((each) => (on ? app.selected.add(each) : app.selected.delete(each)));
    call("select", { subjects: [...app.selected] }).catch(app.fail);
    selection.refresh();
    for (const each of main.querySelectorAll("[data-subject]")) {
      const chosen = app.selected.has(each.dataset.subject);
      each.classList.toggle("xnp-on", chosen);
      each.querySelector(".xnp-tick").checked = chosen;
    }
  };
  app.open = async (what, argument) => {
    try {
      const place = what === "detail" ? detail(app, (await call("detail", { subject: argument })).value)
        : what === "reprocess" ? reprocessForm(app, argument)
        : what === "average" ? averageForm(app, argument)
        : what === "download" ? downloadForm(app, argument) : runsPanel(app);
      app.show(place);
      if (what === "runs") app.watch();
    } catch (fault) {
      app.fail(fault);
    }
  };
  app.show = (place) => {
    error.hidden = true;
    app.trail.push(place);
    app.draw();
    if (el.getBoundingClientRect().top < 0) el.scrollIntoView();
  };
  app.back = () => {
    app.trail.pop();
    app.unstage();
    app.draw();
  };
  app.work = async (name, args) => {
    busy.hidden = false;
    busy.textContent = `${EVERY[name]}…`;
    try {
      const { value, buffers } = await call(name, args, (text) => (busy.textContent = `${EVERY[name]}: ${text}`));
      app.show(figures(app, EVERY[name], value, buffers));
    } catch (fault) {
      app.fail(fault);
    }
    busy.hidden = true;
  };
  app.stage = async (name, subjects) => {
    busy.hidden = false;
    busy.textContent = "Opening…";
    try {
      await call(name, { subjects });
      staged.hidden = false;
    } catch (fault) {
      app.fail(fault);
    }
    busy.hidden = true;
  };
  app.unstage = () => {
    if (staged.hidden) return;
    staged.hidden = true;
    call("unstage").catch(app.fail);
  };
  app.watch = async () => {
    clearTimeout(app.timer);
    const panel = app.trail.at(-1);
    const open = Boolean(panel?.wanted);
    try {
      const { value } = await call("runs", open ? panel.wanted() : { status: "ACTIVE" });
      const before = app.active;
      app.active = value.active;
      bar.refresh();
      if (open && panel === app.trail.at(-1)) panel.refresh(value);
      if (before > value.active && !app.trail.length) app.ask({ page: app.query.page });
    } catch (fault) {
      app.fail(fault);
    }
    if (!app.ended && (app.active || open))
      app.timer = setTimeout(app.watch, 1000 * app.start.pause * (app.active ? 1 : 4));
  };
  app.draw = () => {
    const place = app.trail.at(-1);
    bar.refresh();
    selection.refresh();
    main.classList.toggle("xnp-one", Boolean(place));
    main.replaceChildren(...(place ? [place] : [sidebar(app), results(app)]));
  };

  let bar, selection;
  const staged = h("div", { class: "xnp-staged", hidden: true }, "Opened below. ",
    button("Close it", () => app.unstage(), { class: "xnp-flat" }));
  const begin = async () => {
    try {
      const { value } = await call("start");
      Object.assign(app, { start: value, choices: value.choices, selected: new Set(value.selected), page: value.page });
      app.view = value.choices.view ?? value.list.view;
      app.query = { ...app.query, ...value.query };
      bar = searchBar(app);
      selection = selectionBar(app);
      const title = h("div", { class: "xnp-site" }, h("strong", {}, "Results"),
        h("span", { class: "xnp-sub" }, value.local ? "on this machine" : `at ${value.site}`, value.description ? ` · ${value.description}` : ""));
      el.replaceChildren(h("div", { class: "xnp-portal" }, title, bar, error, selection, busy, main, staged));
      app.draw();
      app.watch();
    } catch (fault) {
      el.replaceChildren(h("div", { class: "xnp-portal" }, error));
      app.fail(fault);
    }
  };
  begin();
  return () => {
    app.ended = true;
    clearTimeout(app.timer);
    app.pictures.end();
    call.end();
  };
}

export default {
  render({ model, el }) {
    return makeApp(model, el);
  },
};
