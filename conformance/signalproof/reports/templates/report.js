"use strict";
(() => {
  const form = document.querySelector(".filters");
  const rows = [...document.querySelectorAll(".requirements tbody tr")];
  const articles = [...document.querySelectorAll(".breach[data-outcome]")];
  const texts = new Map([...rows, ...articles].map((element) => [element, element.textContent.toLowerCase()]));
  const nothing = document.querySelector(".nothing");
  const apply = () => {
    const wanted = new FormData(form);
    const words = wanted.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    for (const [element, text] of texts) {
      element.hidden =
        ["outcome", "profile", "level"].some((name) => wanted.get(name) && element.dataset[name] !== wanted.get(name)) ||
        !words.every((word) => text.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    form.elements.count.value = `${shown} of ${rows.length} requirements`;
    nothing.hidden = shown > 0;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.hidden) {
      form.reset();
      apply();
      target.scrollIntoView();
    }
  });
  apply();
})();
