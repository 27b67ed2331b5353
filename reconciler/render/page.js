
(() => {
  "use strict";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const form = document.getElementById("filter");
  const find = document.getElementById("find");
  const shown = document.getElementById("shown");
  const buttons = all("button", form);
  const parts = all(".part").map((part) => ({ element: part, kind: part.dataset.kind, rows: rowsOf(part) }));
  const folds = all("details");
  const before = new Map();

  function rowsOf(part) {
    return all(".row", part).map((row) => ({ element: row, each: all(".each", row) }));
  }
  const text = new WeakMap();
  function textOf(element) {
    if (!text.has(element)) text.set(element, element.textContent.toLowerCase());
    return text.get(element);
  }
  function fits(element, words) {
    return words.every((word) => textOf(element).includes(word));
  }

  function apply() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kinds = buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.kind);
    const filtering = words.length > 0 || kinds.length > 0;
    let count = 0, total = 0;
    for (const part of parts) {
      const wanted = kinds.length === 0 || kinds.includes(part.kind);
      let some = false;
      for (const row of part.rows) {
        const fit = wanted && fits(row.element, words);
        row.element.hidden = !fit;
        total += Math.max(row.each.length, 1);
        let within = 0;
        for (const each of row.each) {
          each.hidden = words.length > 0 && !fits(each, words);
          within += each.hidden ? 0 : 1;
        }
        if (fit && row.each.length && !within) { row.each.forEach((each) => { each.hidden = false; }); within = row.each.length; }
        if (fit) { some = true; count += row.each.length ? within : 1; }
      }
      part.element.hidden = !some;
    }
    for (const fold of folds) {
      if (filtering) {
        if (!before.has(fold)) before.set(fold, fold.open);
        fold.hidden = !all(".row, .each", fold).some((row) => !row.hidden && !row.closest(".row").hidden);
        fold.open = !fold.hidden && (words.length > 0 || !fold.closest(".row"));
      } else {
        fold.hidden = false;
        if (before.has(fold)) fold.open = before.get(fold);
      }
    }
    if (!filtering) before.clear();
    shown.textContent = filtering ? `${count.toLocaleString("en")} of ${total.toLocaleString("en")} shown` : "";
  }

  let waiting = 0;
  find.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 120); });
  form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") === "true" ? "false" : "true");
      apply();
    });
  }
  const printed = [];
  addEventListener("beforeprint", () => {
    for (const fold of folds) if (!fold.open) { fold.open = true; printed.push(fold); }
  });
  addEventListener("afterprint", () => { for (const fold of printed.splice(0)) fold.open = false; });
  form.hidden = parts.reduce((rows, part) => rows + part.rows.length, 0) < 2;
})();
