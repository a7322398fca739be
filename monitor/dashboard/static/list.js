// Lists: the address of what is shown, for a chat or a ticket. The page works without it.
"use strict";

document.documentElement.classList.add("scripted");

async function copied(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const focused = document.activeElement;
  const field = document.createElement("textarea"); // no clipboard without https
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (focused) focused.focus({ preventScroll: true });
  if (!done) throw new Error("not copied");
}

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("button[data-copy]") : null;
  if (!button) return;
  const word = button.dataset.word ??= button.textContent; // whoever presses twice gets it back, too
  try {
    await copied(new URL(button.dataset.copy, window.location.href).href);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not copied: take it from the address bar";
  }
  window.setTimeout(() => { button.textContent = word; }, 2000);
});
