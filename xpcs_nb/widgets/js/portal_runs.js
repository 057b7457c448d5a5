// Runs: how far they are, retry, cancel, and what they said.

import { button, h, moment, short } from "./portal_dom.js";

function progress(run) {
  if (run.status === "SUCCEEDED" || !run.total) return null;
  return h("div", { class: "xnp-progress", title: `${run.done} of ${run.total} steps` },
    h("div", { style: `width: ${Math.round((100 * run.done) / run.total)}%` }));
}

function stepTable(run) {
  return h("table", { class: "xnp-table xnp-files" },
    h("thead", {}, h("tr", {}, ["Step", "State", "Start", "Seconds", "Error"].map((each) => h("th", {}, each)))),
    h("tbody", {}, run.steps.map((step) => h("tr", {}, h("td", {}, step.name), h("td", {}, step.state),
      h("td", {}, moment(step.start)), h("td", {}, step.seconds === null ? "" : step.seconds.toFixed(2)),
      h("td", {}, step.error ? h("pre", { class: "xnp-log" }, step.error) : "")))));
}

export function runCard(app, run) {
  const body = h("div", {});
  const act = (name) => async (event) => {
    event.target.disabled = true;
    try {
      await app.call(name, { run_id: run.id, site: run.site });
    } catch (error) {
      app.fail(error);
    }
    app.watch();
  };
  const more = h("details", {
    open: app.shownRuns.has(run.id),
    ontoggle: async () => {
      if (!more.open) return app.shownRuns.delete(run.id);
      app.shownRuns.add(run.id);
      try {
        const { value } = run.steps ? { value: run } : await app.call("run", { run_id: run.id, site: run.site });
        body.replaceChildren(stepTable(value),
          ...Object.entries(value.failures).map(([name, why]) => h("pre", { class: "xnp-log" }, `${name}: ${why}`)),
          h("div", {}, value.subjects.filter(Boolean).map((subject) =>
            button(`Open record ${short(subject)}`, () => app.open("detail", subject), { class: "xnp-flat" }))),
          h("details", {}, h("summary", {}, "Log"), h("pre", { class: "xnp-log" }, value.log)));
      } catch (error) {
        body.textContent = error.message;
      }
    },
  }, h("summary", {}, "Steps and log"), body);
  const now = run.status === "ACTIVE" && run.step ? ` · ${run.step}` : "";
  return h("div", { class: "xnp-run", "data-run": run.id },
    h("div", { class: "xnp-heading" },
      h("strong", {}, run.label),
      h("span", { class: `xnp-badge xnp-${run.status.toLowerCase()}` }, run.status),
      h("span", { class: "xnp-sub" }, `${run.flow} · ${run.site} · ${moment(run.start)} UTC · ${run.seconds.toFixed(1)} s${now}`),
      run.can_retry ? button("Retry", act("retry")) : null,
      run.can_cancel ? button("Cancel", act("cancel")) : null),
    progress(run),
    run.error && run.status !== "SUCCEEDED" ? h("div", { class: "xnp-error" }, run.error) : null,
    more);
}

export function runsPanel(app) {
  const body = h("div", { "aria-live": "polite" }, "…");
  const status = h("select", { "aria-label": "Status of runs", onchange: () => app.watch() },
    [["", "all"], ["ACTIVE", "active"], ["SUCCEEDED", "succeeded"], ["FAILED", "failed"], ["ENDED", "cancelled"],
      ["INACTIVE", "interrupted"]].map(([value, text]) => h("option", { value }, text)));
  let offset = 0;
  const turn = (by) => {
    offset = Math.max(0, offset + by);
    app.watch();
  };
  const box = h("div", { class: "xnp-detail" },
    h("div", { class: "xnp-heading" }, button("‹ Back", () => app.back(), { class: "xnp-flat" }), h("h3", {}, "Runs"), status),
    body);
  box.wanted = () => ({ status: status.value, offset });
  box.refresh = ({ runs, more }) => {
    body.replaceChildren(
      ...(runs.length ? runs.map((run) => runCard(app, run)) : [h("div", { class: "xnp-empty" }, "No runs.")]),
      h("div", { class: "xnp-heading" }, h("span"), offset ? button("newer", () => turn(-30)) : null,
        more ? button("older", () => turn(30)) : null));
  };
  return box;
}
