// One trace's page: whoever follows a link to an event or a retracted finding wants to see it.

function reveal() {
  const named = window.location.hash.slice(1);
  const target = named && document.getElementById(named);
  if (!target) return;
  const around = target.closest("details");
  if (around) around.open = true;
  const inside = named.startsWith("event-") && target.querySelector("details");
  if (inside) inside.open = true;
  target.scrollIntoView({ block: "nearest" });
}

window.addEventListener("hashchange", reveal);
reveal();
