"use strict";
(() => {
  const record = JSON.parse(document.getElementById("record").textContent);
  const LONGEST = 120;
  const WORTH_A_FILTER = 10;

  const element = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };

  // --- words and numbers: the same as in text.py -------------------------------------------------------------
  const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]/gu;
  const visible = (text) =>
    text.replace(hidden, (letter) => {
      const code = letter.charCodeAt(0);
      return code < 256 ? "\\x" + code.toString(16).padStart(2, "0") : "\\u" + code.toString(16).padStart(4, "0");
    });
  const clip = (text) => {
    const letters = text.length > LONGEST ? Array.from(text) : [];
    return letters.length > LONGEST ? letters.slice(0, LONGEST - 1).join("") + "…" : text;
  };
  const number = (value) => {
    const size = Math.abs(value);
    if (size === Infinity) return value > 0 ? "∞" : "-∞";
    if ((Number.isInteger(value) || size >= 999.5) && size < 1e15) {
      return (Math.sign(value) * Math.round(size)).toLocaleString("en-US");
    }
    return size >= 1e-4 && size < 999.5 ? value.toPrecision(3) : value.toExponential(1).replace("e+", "e");
  };
  const percent = (share) => {
    if (share > 0 && share < 0.0005) return "< 0.1\u202f%";
    if (Math.abs(share) > 1e6) return number(100 * share) + "\u202f%";
    return (100 * share).toFixed(share === 0 || share === 1 ? 0 : 1) + "\u202f%";
  };
  const pvalue = (value) => (value < 0.001 ? "< 0.001" : value.toFixed(value < 0.1 ? 3 : 2));
  const formats = { number, percent, pvalue };
  const plain = (value) => {
    if (typeof value === "boolean") return value ? "yes" : "no";
    return typeof value === "string" ? value : JSON.stringify(value);
  };
  const shown = (value, kind) => {
    if (value === null || value === undefined) return "–";
    if (typeof value === "number" && formats[kind]) return formats[kind](value).replaceAll("-", "−");
    return visible(clip(plain(value)));
  };

  // --- files ------------------------------------------------------------------------------------------------
  const save = (name, type, ...parts) => {
    const address = URL.createObjectURL(new Blob(parts, { type }));
    element("a", { href: address, download: name.replace(/[^A-Za-z0-9._-]+/g, "-") }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  };
  // A spreadsheet runs what starts like a formula: an apostrophe makes it text. Plain numbers stay numbers.
  const harmless = (value) => {
    const text = value === null || value === undefined ? "" : plain(value);
    const risky = /^[=+\-@\t\r\n＝＋－＠]/.test(text) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
    return '"' + ((risky ? "'" : "") + text).replaceAll('"', '""') + '"';
  };

  // --- tables -----------------------------------------------------------------------------------------------
  const compare = (a, b) => {
    const empty = (value) => value === null || value === undefined || value === "";
    if (empty(a) || empty(b)) return null;
    const [left, right] = [Number(a), Number(b)];
    if (!Number.isNaN(left) && !Number.isNaN(right)) return left - right;
    return String(a).localeCompare(String(b), "en", { numeric: true, sensitivity: "base" });
  };

  class Grid {
    constructor(table) {
      this.table = table;
      this.body = table.tBodies[0];
      this.data = table.dataset.table.split(".").reduce((value, key) => value[key], record);
      this.lead = this.body.rows.length;
      this.all = false;
      this.needle = "";
      this.heads = [...table.tHead.rows[0].cells].map((cell) => this.head(cell));
      this.long = this.data.length > WORTH_A_FILTER;
      if (this.long || table.dataset.table.endsWith("shown")) table.parentElement.before(this.tools());
    }

    head(cell) {
      const { field, kind, cells } = cell.dataset;
      const read = (row) => {
        const holder = cells === undefined ? row : row.cells;
        return Object.hasOwn(holder, field) ? holder[field] : null;
      };
      const head = { cell, kind, read, name: cells === undefined ? cell.textContent : field };
      const button = element("button", { type: "button", title: "Sort" }, cell.textContent);
      button.addEventListener("click", () => this.sort(head));
      cell.replaceChildren(button);
      return head;
    }

    tools() {
      this.filter = element("input", { type: "search", placeholder: "Filter rows" });
      this.filter.setAttribute("aria-label", "Filter the rows of " + this.table.caption.textContent);
      this.filter.addEventListener("input", () => {
        this.needle = this.filter.value.toLowerCase();
        this.draw();
      });
      this.more = element("button", { type: "button", hidden: this.lead >= this.data.length });
      this.more.addEventListener("click", () => {
        this.all = !this.all;
        this.draw();
      });
      const file = element("button", { type: "button" }, "Download CSV");
      file.addEventListener("click", () => this.download());
      this.count = element("span");
      this.count.setAttribute("role", "status");
      const tools = element("div", { className: "tools" }, ...(this.long ? [this.filter, this.count, this.more] : []), file);
      this.tell(this.data.length);
      return tools;
    }

    sort(head) {
      const down = head.cell.getAttribute("aria-sort") === "ascending";
      this.heads.forEach(({ cell }) => cell.removeAttribute("aria-sort"));
      head.cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      this.order = { read: head.read, sign: down ? -1 : 1 };
      this.draw();
    }

    rows() {
      const matches = (row) => this.heads.some(({ read, kind }) => shown(read(row), kind).toLowerCase().includes(this.needle));
      const rows = this.needle ? this.data.filter(matches) : [...this.data];
      if (!this.order) return rows;
      const { read, sign } = this.order;
      // What is not known comes last, whatever the direction.
      return rows
        .map((row) => [read(row), row])
        .sort(([a], [b]) => {
          const order = compare(a, b);
          if (order !== null) return sign * order;
          const gone = (value) => Number(value === null || value === undefined || value === "");
          return gone(a) - gone(b);
        })
        .map(([, row]) => row);
    }

    draw() {
      const rows = this.rows();
      const seen = this.all ? rows : rows.slice(0, this.lead);
      this.body.replaceChildren(
        ...seen.map((row) =>
          element(
            "tr",
            {},
            ...this.heads.map(({ read, kind }) =>
              element("td", { className: kind === "text" ? "" : "n", textContent: shown(read(row), kind) }),
            ),
          ),
        ),
      );
      this.tell(rows.length);
    }

    tell(matching) {
      if (!this.count) return;
      const seen = this.all ? matching : Math.min(matching, this.lead);
      this.count.textContent = seen + " of " + matching + (this.needle ? " matching" : "") + " rows";
      this.more.textContent = this.all ? "Show fewer" : "Show all " + matching;
      this.more.hidden = matching <= this.lead;
    }

    download() {
      const lines = [
        this.heads.map(({ name }) => harmless(name)),
        ...this.rows().map((row) => this.heads.map(({ read }) => harmless(read(row)))),
      ];
      save(this.table.dataset.file + ".csv", "text/csv", "\ufeff" + lines.map((line) => line.join(",")).join("\r\n") + "\r\n");
    }
  }

  document.querySelectorAll("table[data-table]").forEach((table) => new Grid(table));

  const download = document.getElementById("download");
  download.hidden = false;
  download.addEventListener("click", () => save(download.dataset.file || "report.json", "application/json", JSON.stringify(record, null, 1)));

  // --- theme ------------------------------------------------------------------------------------------------
  const themes = { automatic: "light", light: "dark", dark: "automatic" };
  const theme = document.getElementById("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const next = themes[document.documentElement.dataset.theme || "automatic"];
    document.documentElement.dataset.theme = next;
    theme.textContent = "Theme: " + next;
  });

  // --- folded parts open where a link leads into them, and on paper --------------------------------------------
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let part = target?.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")];
    unfolded.forEach((part) => (part.open = true));
  });
  addEventListener("afterprint", () => unfolded.forEach((part) => (part.open = false)));
})();
