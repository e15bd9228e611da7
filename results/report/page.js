"use strict";
// Tables of trials: sorted, filtered, and opened by a click. All text goes in as text, never as
// HTML. One table a run; its data stand beside it as JSON.

const PAGE = 50;
const TEXT = new Set(["state", "id"]);
const UNITS = { k: 1e3, M: 1e6, G: 1e9, "": 1 };

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

function count(value) {
  for (const [unit, size, digits] of [["G", 1e9, 2], ["M", 1e6, 1], ["k", 1e3, 1]])
    if (value >= size * (1 - 5e-5)) return (value / size).toFixed(digits) + unit;
  return String(value);
}

function shown(name, value) {
  if (value === null || value === undefined) return "-";
  if (typeof value !== "number") return String(value);
  if (name === "macs" || name === "params") return count(value);
  if (name.endsWith("bytes")) return count(value) + "B";
  if (name === "reward" || name === "accuracy") return value.toFixed(4);
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function conditions(text, columns) {
  // `accuracy>0.8 macs<380M mbconv`: comparisons of columns, and words to be found.
  return text.split(/\s+/).filter(Boolean).map((word) => {
    const parts = /^(\w+)(<=|>=|<|>|=)(-?[\d.]+)([kMG]?)$/.exec(word);
    const column = parts ? columns.indexOf(parts[1].toLowerCase()) : -1;
    if (column < 0) {
      const wanted = word.toLowerCase();
      return (row, haystack) => haystack.includes(wanted);
    }
    const limit = Number(parts[3]) * UNITS[parts[4]];
    const test = {
      "<": (x) => x < limit, ">": (x) => x > limit, "=": (x) => x === limit,
      "<=": (x) => x <= limit, ">=": (x) => x >= limit,
    }[parts[2]];
    return (row) => typeof row[column] === "number" && test(row[column]);
  });
}

function compare(left, right, direction) {
  if (left === right) return 0;
  if (left === null) return 1; // what is missing comes last, whichever way it is sorted
  if (right === null) return -1;
  return (left < right ? -1 : 1) * direction;
}

class TrialTable {
  constructor(section) {
    this.data = JSON.parse(section.querySelector("script[type='application/json']").textContent);
    this.section = section;
    this.head = section.querySelector("thead tr");
    this.body = section.querySelector("tbody");
    this.status = section.querySelector("[role='status']");
    this.more = section.querySelector("button.more");
    this.filter = section.querySelector("input");
    this.state = section.querySelector("select");
    this.haystacks = this.data.rows.map((row, index) =>
      [row.join(" "), this.data.architectures[index], this.data.details[index].error || ""]
        .join(" ").toLowerCase());
    this.open = new Set();
    this.limit = PAGE;
    const reward = this.data.columns.indexOf("reward");
    this.sorted = { column: reward, direction: -1 };
    this.makeHead();
    this.filter.addEventListener("input", () => this.restart());
    this.state.addEventListener("change", () => this.restart());
    this.more.addEventListener("click", () => { this.limit += 4 * PAGE; this.draw(); });
    this.restart();
  }

  makeHead() {
    this.data.columns.forEach((name, column) => {
      const button = element("button", { type: "button" }, name);
      button.addEventListener("click", () => {
        const same = this.sorted.column === column;
        const first = TEXT.has(name) || name === "trial" ? 1 : -1;
        this.sorted = { column, direction: same ? -this.sorted.direction : first };
        this.restart();
      });
      this.head.append(element("th", TEXT.has(name) ? { class: "text" } : {}, button));
    });
  }

  restart() {
    const tests = conditions(this.filter.value, this.data.columns);
    const state = this.state.value;
    const { column, direction } = this.sorted;
    const rows = this.data.rows;
    this.order = rows.map((_, index) => index).filter((index) =>
      (!state || rows[index][1] === state) &&
      tests.every((test) => test(rows[index], this.haystacks[index])));
    const macs = this.data.columns.indexOf("macs");
    this.order.sort((a, b) => compare(rows[a][column], rows[b][column], direction) ||
      (macs < 0 ? 0 : compare(rows[a][macs], rows[b][macs], 1)) || a - b);
    this.limit = PAGE;
    [...this.head.children].forEach((cell, index) => {
      if (index === column)
        cell.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
    this.draw();
  }

  draw() {
    this.body.replaceChildren();
    for (const index of this.order.slice(0, this.limit)) {
      this.body.append(this.row(index));
      if (this.open.has(index)) this.body.append(this.detail(index));
    }
    const all = this.data.rows.length;
    const here = Math.min(this.limit, this.order.length);
    this.status.textContent = `${this.order.length} of ${all} trials` +
      (here < this.order.length ? `, ${here} shown` : "");
    this.more.hidden = here >= this.order.length;
  }

  row(index) {
    const values = this.data.rows[index];
    const open = this.open.has(index);
    const cells = this.data.columns.map((name, column) => {
      const cell = element("td", TEXT.has(name) ? { class: "text" } : {});
      const text = shown(name, values[column]);
      cell.append(column ? text
        : element("button", { type: "button", "aria-expanded": String(open) }, text));
      return cell;
    });
    const row = element("tr", {
      class: `trial ${values[1]}${open ? " open" : ""}`, "data-number": values[0],
    }, ...cells);
    row.addEventListener("click", () => this.toggle(index));
    return row;
  }

  toggle(index) {
    if (!this.open.delete(index)) this.open.add(index);
    this.draw();
    const number = this.data.rows[index][0];
    this.body.querySelector(`tr[data-number="${number}"] button`)?.focus({ preventScroll: true });
  }

  show(number) {
    // From a picture: the trial is put in sight whatever is filtered.
    const index = this.data.rows.findIndex((row) => row[0] === number);
    if (index < 0) return;
    this.open.add(index);
    if (!this.order.includes(index)) {
      this.filter.value = "";
      this.state.value = "";
      this.restart();
    }
    this.limit = Math.max(this.limit, this.order.indexOf(index) + 1);
    this.draw();
    const row = this.body.querySelector(`tr[data-number="${number}"]`);
    row.scrollIntoView({ block: "center" });
    row.querySelector("button").focus({ preventScroll: true });
  }

  detail(index) {
    const card = element("div", { class: "card" });
    card.append(element("code", {}, this.data.architectures[index]));
    const stages = this.data.networks[index];
    if (stages) card.append(this.stageTable(stages));
    const facts = element("p", { class: "faint" });
    for (const [name, value] of Object.entries(this.data.details[index])) {
      if (Array.isArray(value)) card.append(...curve(name, value));
      else facts.append(`${name}: ${shown(name, value)}  `);
    }
    card.append(facts);
    const number = this.data.rows[index][0];
    card.append(element("code", {}, `effsearch results trial ${this.data.run} ${number}${this.data.folder}`));
    const cell = element("td", { colspan: this.data.columns.length }, card);
    return element("tr", { class: "detail" }, cell);
  }

  stageTable(numbers) {
    const keys = this.data.stageKeys;
    const text = new Set(["name", "operator", "skip"]);
    const style = (key) => (text.has(key) ? { class: "text" } : {});
    const titles = { name: "stage", in_size: "input px", out_size: "output px", se: "SE" };
    const head = element("tr", {},
      ...keys.map((key) => element("th", style(key), titles[key] || key)));
    const body = numbers.map((number) => element("tr", {},
      ...keys.map((key, place) =>
        element("td", style(key), shown(key, this.data.stages[number][place])))));
    const total = (key) => numbers.reduce(
      (sum, number) => sum + this.data.stages[number][keys.indexOf(key)], 0);
    body.push(element("tr", {}, ...keys.map((key) => element("td", style(key),
      key === "name" ? "all" : key === "macs" || key === "params" ? count(total(key)) : ""))));
    return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
  }
}

function curve(name, values) {
  if (values.length < 2) return [element("p", { class: "faint" }, `${name}: ${values.join(" ")}`)];
  const low = Math.min(...values), high = Math.max(...values);
  const points = values.map((value, place) =>
    `${(place / (values.length - 1)) * 156 + 2},${38 - ((value - low) / (high - low || 1)) * 36}`);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 160 40");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", name);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", points.join(" "));
  svg.append(line);
  const ends = `${name}: ${shown(name, values[0])} to ${shown(name, values[values.length - 1])}` +
    ` over ${values.length} epochs`;
  return [element("p", { class: "faint" }, ends), svg];
}

function connectPictures(section, table) {
  const hint = document.getElementById("hint");
  const { columns, rows } = table.data;
  const byNumber = new Map(rows.map((row) => [row[0], row]));
  for (const mark of section.querySelectorAll("svg [data-trial]")) {
    const number = Number(mark.dataset.trial);
    mark.addEventListener("click", () => table.show(number));
    mark.addEventListener("pointerenter", (event) => {
      const row = byNumber.get(number);
      if (!row) return;
      hint.textContent = columns.map((name, place) => [name, row[place]])
        .filter(([name, value]) => name !== "state" && value !== null)
        .map(([name, value]) => `${name} ${shown(name, value)}`).join("\n");
      hint.hidden = false;
      const right = window.scrollX + document.documentElement.clientWidth;
      hint.style.left = `${Math.max(0, Math.min(event.pageX + 14, right - hint.offsetWidth - 8))}px`;
      hint.style.top = `${event.pageY + 14}px`;
    });
    mark.addEventListener("pointerleave", () => { hint.hidden = true; });
  }
}

for (const section of document.querySelectorAll("section.run")) {
  const place = section.querySelector(".trials");
  if (place) connectPictures(section, new TrialTable(place));
}
