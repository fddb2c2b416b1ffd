// Copyright (c) 2026, the publica.la collection's authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The tables of the page. Values become text nodes only, and nothing is stored in the browser.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE_SIZES = [10, 25, 100, 0]; // 0: all rows
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });

  const text = (name, values = {}) =>
    data.texts[name].replace(/\{(\w+)\}/g, (_place, key) => values[key]);
  const number = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, data.texts.thousands);

  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };
  const value = (content) => element("bdi", {}, content);

  const tags = (row) => {
    const [, , , actions, status, unlisted] = row;
    const shown = actions.map((name) => ["tag-" + name, data.actions[name]]);
    if (status === "failed" || status === "not_tried") shown.push(["tag-" + status, data.statuses[status]]);
    if (unlisted) shown.push(["", text(unlisted)]);
    return element("div", { class: "tags" },
      ...shown.map(([kind, words]) => element("span", { class: "tag " + kind }, words)));
  };

  const side = (tag, label, content) =>
    element(tag, {}, element("span", { class: "visually-hidden" }, label + " "), value(content));

  const differences = (row) => {
    const list = element("ul", { class: "diffs" });
    for (const [name, before, after] of row[6]) {
      const line = element("li", {}, element("span", { class: "name" }, value(name), " "));
      if (before) line.append(side("del", text("before"), before), " ", element("span", { class: "arrow", "aria-hidden": "true" }, "→"), " ");
      if (after) line.append(side("ins", text("after"), after));
      list.append(line);
    }
    for (const line of row[7] ? row[7].split("\n") : []) list.append(element("li", { class: "error", dir: "auto" }, line));
    return list.childElementCount ? [list] : [];
  };

  const TABLES = {
    changes: {
      rows: data.changes,
      size: 25,
      sorted: null,
      columns: [
        { name: "store", key: (row) => row[0], cell: (row) => [value(row[0])] },
        {
          name: "user",
          wide: true,
          key: (row) => row[1],
          cell: (row) => [
            element("div", { class: "who" }, value(row[1])),
            ...(row[2] && row[2] !== row[1] ? [element("span", { class: "muted" }, value(row[2]))] : []),
          ],
        },
        {
          name: "action",
          key: (row) => (row[7] ? "\u0000" + row[4] : row[3].map((name) => data.actions[name]).join()),
          cell: (row) => [tags(row)],
        },
        { name: "difference", wide: true, cell: differences },
      ],
    },
    ending: {
      rows: data.ending,
      size: 10,
      sorted: "valid_to",
      columns: [
        { name: "valid_to", key: (row) => row[3], cell: (row) => [row[4]] },
        { name: "days_left", key: (row) => row[5], numeric: true, cell: (row) => [number(row[5])] },
        { name: "user", wide: true, key: (row) => row[1], cell: (row) => [element("div", { class: "who" }, value(row[1]))] },
        { name: "plan", key: (row) => row[2], cell: (row) => [value(row[2])] },
        { name: "store", key: (row) => row[0], cell: (row) => [value(row[0])] },
      ],
    },
  };

  class Table {
    constructor(place, definition) {
      this.columns = definition.columns;
      this.all = this.shown = definition.rows;
      this.sorted = definition.sorted;
      this.descending = false;
      this.page = 0;
      this.size = this.least = definition.size;
      this.printing = false;
      const title = place.closest("section").querySelector("h2").id;
      this.heads = this.columns.map((column) => this.head(column));
      this.body = element("tbody", { role: "rowgroup" });
      // Explicit roles, since a narrow page lays out rows as blocks, which have none.
      place.append(
        element("table", { role: "table", "aria-labelledby": title },
          element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...this.heads)),
          this.body),
        this.pager());
      this.render();
    }

    head(column) {
      const words = text(column.name);
      const head = element("th", { role: "columnheader", scope: "col", class: "col-" + column.name + (column.numeric ? " num" : "") });
      if (!column.key) {
        head.append(words);
        return head;
      }
      const button = element("button", { type: "button", title: text("sort_by") + ": " + words }, words);
      button.addEventListener("click", () => this.sort(column.name));
      head.append(button);
      return head;
    }

    pager() {
      this.count = element("p", { role: "status" });
      this.previous = element("button", { type: "button" }, text("previous"));
      this.next = element("button", { type: "button" }, text("next"));
      this.previous.addEventListener("click", () => this.turn(-1));
      this.next.addEventListener("click", () => this.turn(1));
      const size = element("select", {}, ...PAGE_SIZES.map((rows) =>
        element("option", { value: rows, selected: rows === this.size ? "" : null }, rows ? String(rows) : text("page_all"))));
      size.addEventListener("change", () => {
        this.size = Number(size.value);
        this.page = 0;
        this.render();
      });
      this.turning = element("label", {}, text("page_size"), size);
      return element("div", { class: "pager" }, this.count, this.turning, this.previous, this.next);
    }

    sort(name) {
      this.descending = this.sorted === name && !this.descending;
      this.sorted = name;
      this.page = 0;
      this.render();
    }

    turn(pages) {
      const [pressed, other] = pages > 0 ? [this.next, this.previous] : [this.previous, this.next];
      this.page += pages;
      // A disabled button loses the keyboard focus, at a time that depends on the browser. So the
      // focus moves to the other button before the pressed one is disabled.
      if (document.activeElement === pressed && !this.canTurn(pages)) {
        other.disabled = false;
        other.focus();
      }
      this.render();
    }

    pageSize() {
      return this.printing || !this.size ? this.shown.length : this.size;
    }

    canTurn(pages) {
      const first = (this.page + pages) * this.pageSize();
      return first >= 0 && first < this.shown.length;
    }

    filter(matches) {
      this.shown = this.all.filter(matches);
      this.page = 0;
      this.render();
    }

    ordered() {
      const column = this.columns.find((one) => one.name === this.sorted);
      if (!column) return this.shown;
      const keyed = this.shown.map((row) => [column.key(row), row]);
      const compare = column.numeric ? (a, b) => a - b : (a, b) => collator.compare(a, b);
      const turn = this.descending ? -1 : 1;
      return keyed.sort(([a], [b]) => turn * compare(a, b)).map(([, row]) => row);
    }

    render() {
      const total = this.shown.length;
      const size = this.pageSize();
      const first = this.printing ? 0 : this.page * size;
      const rows = this.ordered().slice(first, first + size);
      this.body.replaceChildren(...rows.map((row) => this.row(row)));
      this.columns.forEach((column, place) => {
        if (!column.key) return;
        const order = this.descending ? "descending" : "ascending";
        this.heads[place].setAttribute("aria-sort", column.name === this.sorted ? order : "none");
      });
      this.count.textContent = total
        ? text("rows_shown", { from: number(first + 1), to: number(first + rows.length), total: number(total) })
        : text("rows_none");
      this.previous.disabled = !this.canTurn(-1);
      this.next.disabled = !this.canTurn(1);
      const onePage = this.all.length <= this.least;
      for (const part of [this.turning, this.previous, this.next]) part.hidden = onePage;
    }

    row(row) {
      return element("tr", { role: "row" }, ...this.columns.map((column) =>
        element("td", {
          role: "cell",
          class: column.numeric ? "num" : column.wide ? "wide" : null,
          "data-label": column.numeric ? text(column.name) : null,
        }, ...column.cell(row))));
    }
  }

  const tables = [...document.querySelectorAll("[data-rows]")].map(
    (place) => [place, new Table(place, TABLES[place.dataset.rows])]);

  const form = document.querySelector(".filters");
  if (form) {
    const table = tables.find(([place]) => place.dataset.rows === "changes")[1];
    const offer = (name, choices) => {
      const field = form.elements[name];
      for (const [key, words] of choices) field.append(element("option", { value: key }, words));
      field.closest("label").hidden = choices.length < 2;
    };
    const stores = [...new Set(data.changes.map((row) => row[0]))].sort(collator.compare);
    offer("store", stores.map((name) => [name, name]));
    offer("action", Object.entries(data.actions));
    offer("status", Object.entries(data.statuses));
    const haystacks = new Map(data.changes.map((row) =>
      [row, [row[0], row[1], row[2], ...row[6].flat(), row[7]].join("\n").toLowerCase()]));
    const apply = () => {
      const wanted = Object.fromEntries(new FormData(form));
      const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
      table.filter((row) =>
        (!wanted.store || row[0] === wanted.store) &&
        (!wanted.action || row[3].includes(wanted.action)) &&
        (!wanted.status || row[4] === wanted.status) &&
        words.every((word) => haystacks.get(row).includes(word)));
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply));
    form.hidden = false;
  }

  // Print every row that passes the filters, not only those of the current page.
  const print = (printing) => () => {
    for (const [, table] of tables) {
      table.printing = printing;
      table.render();
    }
  };
  const details = [...document.querySelectorAll("details")];
  window.addEventListener("beforeprint", print(true));
  window.addEventListener("beforeprint", () => details.forEach((one) => { one.open = true; }));
  window.addEventListener("afterprint", print(false));
})();
