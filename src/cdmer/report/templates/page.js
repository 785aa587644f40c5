"use strict";
// A press on a heading sorts its table by that column: numbers from the largest, words from A; again, the other way.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    heading.tabIndex = 0;
    const sort = () => {
      const numeric = heading.classList.contains("number");
      const now = heading.getAttribute("aria-sort");
      const up = now ? now === "descending" : !numeric;
      const value = (row) => {
        const cell = row.cells[column];
        const text = cell.dataset.v ?? cell.textContent.trim();
        if (!numeric) return text;
        const number = parseFloat(text);
        return Number.isNaN(number) ? -Infinity : number;
      };
      const order = (a, b) => (numeric ? value(a) - value(b) || 0 : value(a).localeCompare(value(b), "en", { numeric: true }));
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => (up ? order(a, b) : order(b, a)));
      body.append(...rows);
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    };
    heading.addEventListener("click", sort);
    heading.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        sort();
      }
    });
  });
}
// Rows of a selection come and go with its box, in the table that follows.
for (const group of document.querySelectorAll(".choose")) {
  const table = group.nextElementSibling.querySelector("table");
  group.addEventListener("change", (event) => {
    for (const row of table.tBodies[0].rows) {
      if (row.dataset.selection === event.target.value) row.hidden = !event.target.checked;
    }
  });
}
// What is folded away on the screen is printed all the same.
const folded = [];
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open])")) {
    details.open = true;
    folded.push(details);
  }
});
addEventListener("afterprint", () => {
  for (const details of folded.splice(0)) details.open = false;
});
