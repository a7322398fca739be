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
  for (const block of document.querySelectorAll("pre.yaml:not([data-copies])")) {
    block.dataset.copies = "";
    const row = document.createElement("p");
    const button = document.createElement("button");
    row.className = "copied";
    button.type = "button";
    button.dataset.copy = block.id;
    button.textContent = "Copy";
    row.append(button);
    block.after(row);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("button[data-copy]") : null;
  if (!button) return;
  try {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Cannot be copied";
  }
});

// Parts of the page are replaced while it is open.
new MutationObserver(addCopying).observe(document.body, { childList: true });
addCopying();
