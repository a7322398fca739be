// Small help for the inbox; everything works without it.
"use strict";

// A long replay goes on by itself, step by step, until it is done or somebody stops it.
const GO_ON_AFTER = 600; // milliseconds in which one can still press "Stop here"
for (const form of document.querySelectorAll("form[data-go-on]")) {
  window.setTimeout(() => form.requestSubmit(), GO_ON_AFTER);
}

// What is to be put into the configuration can be copied.
function addCopying() {
  if (!navigator.clipboard) return;
  for (const block of document.querySelectorAll(".yaml:not([data-copies])")) {
    block.dataset.copies = "";
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.copy = block.id;
    button.textContent = "Copy";
    const actions = block.parentElement.querySelector(":scope > .actions");
    if (actions) {
      actions.append(button);
      continue;
    }
    const row = document.createElement("p");
    row.className = "actions";
    row.append(button);
    block.after(row);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("button[data-copy]") : null;
  if (!button) return;
  const block = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(block instanceof HTMLTextAreaElement ? block.value : block.textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Cannot be copied";
  }
});

// Parts of the page are replaced while it is open.
new MutationObserver(addCopying).observe(document.body, { childList: true });
addCopying();
