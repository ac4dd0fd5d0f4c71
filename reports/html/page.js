"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const live = $("live");
  const say = (words) => { live.textContent = words; };

  // Copy buttons: the text of the block beside them.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "unseen";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await copy(button.parentElement.querySelector("pre").textContent.trimEnd() + "\n");
      button.textContent = "Copied";
      say("Copied");
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }

  // A link to a check opens whatever it is folded into.
  const reveal = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const target = id && $(id);
    if (!target) return;
    if (target.closest("[hidden]") && clear) clear();
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", reveal);

  // On paper nothing that needs attention stays folded.
  window.addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details")) {
      if (!one.matches(".section.ok, .section.quiet:not(#section-waived), .words")) one.open = true;
    }
  });

  let clear = null;
  const tools = $("tools");
  if (tools) {
    const search = $("search"), area = $("area"), reset = $("clear"), nothing = $("nothing");
    const items = [...document.querySelectorAll(".item")].map((element) => ({
      element, ...element.dataset, text: element.textContent.toLowerCase(),
    }));
    const holders = [...document.querySelectorAll(".reason, .folded, details.section")].reverse();
    const chips = [...tools.querySelectorAll("[aria-pressed]")];
    const wasOpen = new Map();
    const pressed = (key) => chips
      .filter((one) => one.dataset.key === key && one.ariaPressed === "true")
      .map((one) => one.dataset.value);
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const levels = pressed("level"), whats = pressed("what");
      const active = Boolean(words.length || levels.length || whats.length || area.value);
      const fits = (one) =>
        (!levels.length || levels.includes(one.level)) &&
        (!whats.length || whats.includes(one.what)) &&
        (!area.value || area.value === one.area) &&
        words.every((word) => one.text.includes(word));
      const shown = new Set(items.filter(fits).map((one) => one.element));
      // A cause stays while one of its consequences is shown.
      for (const element of [...shown]) {
        const cause = element.parentElement.closest(".item");
        if (cause) shown.add(cause);
      }
      for (const one of items) one.element.hidden = !shown.has(one.element);
      for (const holder of holders) {
        holder.hidden = !holder.querySelector(".item:not([hidden])");
        if (holder.tagName !== "DETAILS") continue;
        if (active && !wasOpen.has(holder)) wasOpen.set(holder, holder.open);
        if (active && !holder.hidden) holder.open = true;
        if (!active && wasOpen.has(holder)) holder.open = wasOpen.get(holder);
      }
      if (!active) wasOpen.clear();
      const count = `${shown.size} of ${items.length}`;
      $("count").textContent = active ? count : "";
      reset.hidden = !active;
      nothing.hidden = shown.size > 0;
      say(active ? `${count} findings shown` : "Every finding is shown");
    };
    clear = () => {
      tools.reset();
      for (const chip of chips) chip.ariaPressed = "false";
      filter();
    };
    for (const chip of chips) {
      chip.addEventListener("click", () => {
        chip.ariaPressed = chip.ariaPressed === "true" ? "false" : "true";
        filter();
      });
    }
    search.addEventListener("input", filter);
    area.addEventListener("change", filter);
    tools.addEventListener("submit", (event) => event.preventDefault());
    reset.addEventListener("click", (event) => { event.preventDefault(); clear(); search.focus(); });
    $("again").addEventListener("click", () => { clear(); search.focus(); });
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, select, textarea");
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        search.focus();
      } else if (event.key === "Escape" && event.target === search) {
        clear();
      }
    });
    tools.hidden = false;
  }
  reveal();
})();
