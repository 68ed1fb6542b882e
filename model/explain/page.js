"use strict";
// views[v].rows[w] lists [source word, weight] for summary word w, the heaviest first.
const data = JSON.parse(document.getElementById("weights").textContent);
const buttons = [...document.querySelectorAll(".summary button")];
const source = [...document.querySelectorAll(".source span")];
const chooser = document.getElementById("view");
const detail = document.getElementById("detail");
const perCent = (share) => (100 * share).toFixed(share < 0.1 ? 1 : 0) + " %";
let pinned = null;

function clear() {
  for (const word of source) {
    delete word.dataset.share;
    word.style.removeProperty("--share");
    word.removeAttribute("title");
  }
}

function show(number) {
  clear();
  buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === pinned)));
  if (number === null) {
    detail.textContent = "";
    return;
  }
  const row = data.views[Number(chooser.value)].rows[number];
  const most = row.length ? row[0][1] : 1;
  for (const [place, weight] of row) {
    const word = source[place];
    word.dataset.share = weight;
    word.style.setProperty("--share", weight / most);
    word.title = perCent(weight);
  }
  const named = row.slice(0, 5).map(([place, weight]) => `${source[place].textContent.trim()} ${perCent(weight)}`);
  const shown = row.reduce((sum, [, weight]) => sum + weight, 0);
  const copied = data.gate ? ` Copied: ${perCent(data.gate[number])}.` : "";
  detail.textContent = `“${buttons[number].textContent}” looked at ${named.join(", ")}.${copied} ` +
    `The ${row.length} words shaded have ${perCent(shown)} of its attention.`;
}

buttons.forEach((button, number) => {
  button.addEventListener("mouseenter", () => { if (pinned === null) show(number); });
  button.addEventListener("mouseleave", () => { if (pinned === null) show(null); });
  button.addEventListener("focus", () => { if (pinned === null) show(number); });
  button.addEventListener("click", () => {
    pinned = pinned === number ? null : number;
    show(number);
  });
  button.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step && buttons[number + step];
    if (next) {
      if (pinned !== null) pinned = number + step;
      next.focus();
      show(number + step);
      event.preventDefault();
    } else if (event.key === "Escape") {
      pinned = null;
      show(null);
    }
  });
});
chooser.addEventListener("change", () => show(pinned));
