// Small help for the pages; everything works without it.
// Times in the reader's own zone or in UTC, keys ("?" tells which), and quiet updates when something changed.
"use strict";

// ---- times -------------------------------------------------------------------------------------

const two = (number) => String(number).padStart(2, "0");

const clockTime = (date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;

const calendarDay = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

function localTime(date, show) {
  if (show === "full") {
    return `${calendarDay(date)} ${clockTime(date)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  }
  if (calendarDay(date) === calendarDay(new Date())) return clockTime(date);
  return `${calendarDay(date)} ${clockTime(date).slice(0, 5)}`;
}

// What people choose is remembered where the browser allows it.
const remembered = {
  get(name) {
    try {
      return window.localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      window.localStorage.setItem(name, value);
    } catch {
      // it holds for this page
    }
  },
};

let inUtc = remembered.get("times") === "utc";

function localise(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime()) || date.getTimezoneOffset() === 0) continue;
    if (element.dataset.utc === undefined) {
      element.dataset.utc = element.textContent;
      element.title = `${localTime(date, "full")} here, ${element.title}`;
    }
    const { show, utc } = element.dataset;
    element.textContent = inUtc ? utc : localTime(date, show);
    if (show === "both" && !inUtc) element.textContent += ` (${utc})`;
  }
}

const zoneButton = document.getElementById("zone");

function sayZone() {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  zoneButton.textContent = inUtc ? "Times in UTC" : `Times of ${timeZone.replaceAll("_", " ")}`;
  zoneButton.title = inUtc ? `Show times of ${timeZone}` : "Show times in UTC";
  zoneButton.hidden = timeZone === "UTC"; // there is nothing to choose
}

function changeZone() {
  inUtc = !inUtc;
  remembered.set("times", inUtc ? "utc" : "local");
  sayZone();
  localise(document);
}

zoneButton.addEventListener("click", changeZone);

// ---- keyboard ----------------------------------------------------------------------------------

const help = document.getElementById("help");
const helpOpener = document.getElementById("help-opener");
const keysOn = document.getElementById("keys-on");
const PLACES = { o: "/", t: "/traces", f: "/flows", s: "/slas", d: "/findings", a: "/alerts", i: "/inbox", c: "/sources", n: "/notices" };
const CHORD = 1500; // milliseconds within which the second key must follow "g"
let going = 0;

const isField = (element) => element instanceof HTMLElement
  && (element.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName));

function openHelp() {
  if (!help.open) help.showModal();
}

function goTo(key) {
  const path = PLACES[key];
  const link = path && [...document.querySelectorAll(".top nav a, .brand")].find(
    (one) => one.pathname.endsWith(path === "/" ? "/" : path),
  );
  if (link) window.location.assign(link.href);
}

// The first link of each row is what the row is about.
const rowLinks = () => [...document.querySelectorAll("main .rows tbody tr, main .list > li")]
  .map((row) => row.querySelector("a[href]")).filter((link) => link && link.getClientRects().length);

function moveRow(step) {
  const links = rowLinks();
  const row = document.activeElement && document.activeElement.closest("tr, .list > li");
  const at = links.findIndex((link) => row && row.contains(link));
  const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step];
  if (next) next.focus();
}

const KEYS = {
  "/": () => document.getElementById("search").focus(),
  "?": openHelp,
  j: () => moveRow(1),
  k: () => moveRow(-1),
  u: changeZone,
  g: () => { going = Date.now(); },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isField(event.target) || help.open || !keysOn.checked) return;
  const gone = Date.now() - going < CHORD;
  going = 0;
  if (gone && PLACES[event.key]) {
    event.preventDefault();
    goTo(event.key);
  } else if (Object.hasOwn(KEYS, event.key)) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

helpOpener.addEventListener("click", openHelp);
helpOpener.hidden = false;
keysOn.checked = remembered.get("keys") !== "off";
keysOn.addEventListener("change", () => remembered.set("keys", keysOn.checked ? "on" : "off"));

// ---- updates -----------------------------------------------------------------------------------

const LEAST_PAUSE = 5000; // milliseconds between two refreshes: what changed after a quiet while shows at once
const MOST_PAUSE = 30000; // ages grow and sources go blind although nothing is stored
const indicator = document.getElementById("live");
let stream = null;
let latest = null;
let refreshing = false;
let refreshed = Date.now() - LEAST_PAUSE;
let timer = 0;

function tell(kind, text) {
  if (indicator.dataset.kind === kind && indicator.firstChild && indicator.firstChild.textContent === text) return;
  indicator.dataset.kind = kind;
  indicator.textContent = text;
  if (kind === "waiting") {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Show it";
    button.addEventListener("click", () => {
      document.getElementById("main").focus({ preventScroll: true });
      refresh(true);
    });
    indicator.append(" ", button);
  }
}

const shownPulse = () => document.getElementById("main").dataset.pulse;

// Somebody who is filling in a form or marking text must not have it taken away.
function occupied() {
  const main = document.getElementById("main");
  if (isField(document.activeElement) && main.contains(document.activeElement)) return true;
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && main.contains(selection.anchorNode)) return true;
  return [...main.querySelectorAll("form")].some((form) => [...form.elements].some((field) => {
    if (field instanceof HTMLSelectElement) {
      return [...field.options].some((option) => option.selected !== option.defaultSelected)
        && field.selectedIndex !== 0;
    }
    return (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) && field.value !== field.defaultValue;
  }));
}

function changed() {
  if (latest === null || latest === shownPulse() || document.hidden || refreshing) return;
  window.clearTimeout(timer);
  if (mustNotChange()) {
    tell("waiting", "There is new data.");
    return;
  }
  const pause = refreshed + LEAST_PAUSE - Date.now();
  if (pause > 0) timer = window.setTimeout(changed, pause);
  else refresh();
}

// Older rows of a list stay put: whoever pages back wants to find them where they were.
const mustNotChange = () => occupied() || new URLSearchParams(window.location.search).has("cursor");

// `wanted`: somebody asked for it, whatever is filled in.
async function refresh(wanted = false) {
  if (refreshing) return;
  refreshing = true;
  const asked = latest;
  try {
    const response = await fetch(window.location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (response.status === 401) {
      window.location.reload(); // which leads to the login, and back here
      return;
    }
    if (!response.ok) {
      tell("away", response.status === 503 ? "The database is away; this is what was there before." : "This page cannot be updated.");
      return;
    }
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!wanted && mustNotChange()) { // since the page was asked for
      tell("waiting", "There is new data.");
      return;
    }
    show(fresh);
    tell("live", "Live");
  } catch {
    tell("away", "The monitor cannot be reached; this is what was there before.");
  } finally {
    refreshing = false;
    refreshed = Date.now();
  }
  // What arrived while the page was being fetched is on it, or is asked for once more.
  if (latest !== asked) changed();
}

function show(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const replacement = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (replacement) replace(part, document.adoptNode(replacement));
  }
  document.title = fresh.title;
  const icon = document.getElementById("favicon");
  const mood = fresh.getElementById("favicon").getAttribute("href");
  if (icon.getAttribute("href") !== mood) icon.setAttribute("href", mood);
}

function replace(part, replacement) {
  localise(replacement);
  const focused = part.contains(document.activeElement) && document.activeElement !== part ? place(document.activeElement, part) : null;
  const refocus = document.activeElement === part;
  for (const details of part.querySelectorAll("details[data-key]")) {
    const twin = replacement.querySelector(`details[data-key="${CSS.escape(details.dataset.key)}"]`);
    if (twin) twin.open = details.open;
  }
  const scrolled = [...part.querySelectorAll("[data-scroll]")].map((element) => [element.dataset.scroll, element.scrollLeft, element.scrollTop]);
  const { scrollX, scrollY } = window;
  part.replaceWith(replacement);
  for (const [key, left, top] of scrolled) {
    const twin = replacement.querySelector(`[data-scroll="${CSS.escape(key)}"]`);
    if (twin) twin.scrollTo(left, top);
  }
  window.scrollTo(scrollX, scrollY);
  if (refocus) replacement.focus({ preventScroll: true });
  if (focused) {
    const twin = found(focused, replacement);
    if (twin) twin.focus({ preventScroll: true });
  }
}

// What a form would send: by that, two of a kind are told apart.
function sent(form) {
  const fields = new FormData(form);
  fields.delete("token");
  return `${form.getAttribute("action")}?${new URLSearchParams(fields)}`;
}

// What tells an element from others of its tag; whatever does something must not be taken for another.
function mark(element) {
  for (const name of ["id", "href", "data-copy", "data-scroll", "aria-labelledby", "aria-label"]) {
    if (element.getAttribute(name)) return element.getAttribute(name);
  }
  if (element.form) return `${sent(element.form)} ${element.name} ${element.value}`;
  return element.tagName === "BUTTON" ? element.textContent : "";
}

function alike(element, around) {
  const wanted = mark(element);
  return [...around.querySelectorAll(element.tagName)].filter((one) => mark(one) === wanted);
}

// Where an element is: in which named part, and which of its like. Of pictures, diagram.js knows.
function place(element, part) {
  if (element instanceof SVGElement && !element.hasAttribute("href")) return null;
  const named = element.parentElement.closest("[id], [data-key]");
  const around = named && named !== part && part.contains(named) ? named : part;
  return { element, around, part, index: alike(element, around).indexOf(element) };
}

function found({ element, around, part, index }, fresh) {
  const name = around.id ? `#${CSS.escape(around.id)}` : `[data-key="${CSS.escape(around.dataset.key)}"]`;
  const twin = around === part ? fresh : fresh.querySelector(name);
  return twin && alike(element, twin)[index];
}

function listen() {
  if (stream || document.hidden || !shownPulse()) return;
  stream = new EventSource(document.body.dataset.stream);
  stream.addEventListener("pulse", (event) => {
    latest = event.data;
    if (latest === shownPulse()) tell("live", "Live");
    else changed();
  });
  stream.addEventListener("away", () => tell("away", "The database is away; this is what was there before."));
  stream.addEventListener("error", () => {
    if (stream && stream.readyState === EventSource.CLOSED) tell("off", "No live updates.");
    else tell("away", "The monitor cannot be reached; trying again.");
  });
}

// A hidden page holds no connection: browsers allow only six to one place.
document.addEventListener("visibilitychange", () => {
  if (document.hidden && stream) {
    stream.close();
    stream = null;
  } else {
    listen();
  }
});
window.setInterval(() => {
  if (stream && !mustNotChange() && Date.now() - refreshed >= MOST_PAUSE) refresh();
}, MOST_PAUSE);
document.addEventListener("focusout", () => window.setTimeout(changed, 0));

localise(document);
sayZone();
listen();
