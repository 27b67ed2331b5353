(() => {
  "use strict";
  const said = document.getElementById("said");
  const parts = [...document.querySelectorAll("[data-live]")];
  if (!parts.length || !window.EventSource) return;
  let before = null;

  const figures = (each) => {
    const number = (n) => n.toLocaleString("en");
    if (each.total !== null) return `${number(each.done)} of ${number(each.total)}`;
    return each.done ? number(each.done) : "";
  };

  function move(each) {
    const progress = document.getElementById(`phase-${each.app}`);
    if (!progress) return;
    progress.querySelector("[data-phase]").textContent = each.phase;
    progress.querySelector("[data-figures]").textContent = figures(each);
    const bar = progress.parentElement.querySelector("progress");
    if (each.total) {
      bar.max = each.total;
      bar.value = Math.min(each.done, each.total);
    } else {
      bar.removeAttribute("value");
    }
  }

  /* What a cycle's beginning or end changes is the server's to say: the same page is asked for again. */
  async function renew(words) {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll("[data-live]");
    const focused = document.activeElement?.getAttribute?.("href");
    parts.forEach((part, number) => {
      if (!fresh[number]) return;
      const held = part.contains(document.activeElement);
      part.replaceChildren(...fresh[number].childNodes);
      if (held && focused) part.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
    });
    said.textContent = words;
  }

  const source = new EventSource("/events");
  source.addEventListener("message", async (event) => {
    const running = JSON.parse(event.data).running;
    const now = new Map(running.map((each) => [each.app, each.cycle]));
    const began = before && [...now].filter(([app, cycle]) => before.get(app) !== cycle).map(([app]) => app);
    const ended = before && [...before].filter(([app, cycle]) => now.get(app) !== cycle).map(([app]) => app);
    const first = before === null && running.some((each) => !document.getElementById(`phase-${each.app}`));
    before = now;
    if (first || began?.length || ended?.length) {
      const words = [...(ended ?? []).map((app) => `${app}: the cycle ended.`), ...(began ?? []).map((app) => `${app}: a cycle began.`)];
      try { await renew(words.join(" ")); } catch { /* the server is gone: the stream begins again when it is back */ }
    }
    running.forEach(move);
  });
})();
