// The pages work without this: it refreshes them, and submits the filters when one changes.
"use strict";

const EVERY = 30_000; // milliseconds
const KEY = "refresh";

function folds(within) {
  return new Map([...within.querySelectorAll("[data-fold]")].map((one) => [one.dataset.fold, one]));
}

// What an element of the page is on the fresh one: a fold's title, or a link.
function counterpart(element, fresh) {
  const fold = element.matches("summary") && folds(fresh).get(element.parentElement.dataset.fold);
  if (fold) return fold.querySelector("summary");
  const url = element.getAttribute("href");
  return [...fresh.querySelectorAll("a")].find((link) => link.getAttribute("href") === url);
}

function replace(page, id) {
  const old = document.getElementById(id);
  const fresh = page.getElementById(id);
  if (!old || !fresh) return;
  const held = old.contains(document.activeElement) && document.activeElement;
  const next = held && counterpart(held, fresh);
  if (held && !next) return;
  const open = folds(old);
  for (const [name, fold] of folds(fresh)) fold.open = open.get(name)?.open ?? fold.open;
  old.replaceWith(fresh);
  if (next) next.focus({ preventScroll: true });
}

async function refresh() {
  if (document.hidden || String(document.getSelection())) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = fresh.title;
    replace(fresh, "live");
    replace(fresh, "list");
    newest = new Date();
    silence.textContent = "";
  } catch {
    // The next refresh will try again; until then nobody shall take old figures for new ones.
    silence.textContent = `no answer since ${newest.toISOString().slice(11, 16)} UTC, `;
  }
}

function remembered() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

let newest = new Date(); // when the figures came
const silence = document.createElement("b");
silence.className = "alarm";
silence.setAttribute("role", "status");
const place = document.getElementById("refresh");
const label = document.createElement("label");
const box = document.createElement("input");
box.type = "checkbox";
box.checked = remembered();
box.addEventListener("change", () => {
  try {
    localStorage.setItem(KEY, box.checked ? "on" : "off");
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  if (box.checked) refresh();
});
label.append(box, " refresh every 30 s");
place.append(silence, label);
setInterval(() => box.checked && refresh(), EVERY);

for (const select of document.querySelectorAll("form select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
