// Pan and zoom of diagrams, and what their badges tell; without it pictures scroll, and badges tell all the same.
// A picture may be replaced at any time (page.js): its view is kept under its name, and whoever was on it stays on it.
"use strict";

(() => {
  const LARGEST = 4; // pixels per unit
  const READABLE = 0.55; // below this names cannot be read: then the beginning is shown, not all
  const STEP = 1.25;
  const NUDGE = 60; // pixels an arrow key moves

  const views = new Map(); // by the picture's name: { x, y, scale } of the middle, or "fit"
  const known = new WeakMap(); // by svg: { key, box, width, height, view }

  // ---- the view ----------------------------------------------------------------------------------

  const fitting = (it) => Math.min(1, it.width / it.box.width, it.height / it.box.height);

  const all = (it) => ({ x: it.box.x + it.box.width / 2, y: it.box.y + it.box.height / 2, scale: fitting(it) });

  // Where a picture too large to be read begins: with what waits, else at its left.
  function first(svg, it) {
    if (fitting(it) >= READABLE) return "fit";
    const scale = Math.max(READABLE, Math.min(1, it.height / it.box.height));
    const waiting = svg.querySelector(".node.standing > .shape");
    if (!waiting) return { x: it.box.x, y: all(it).y, scale };
    const at = waiting.getBBox();
    return { x: at.x + at.width / 2, y: at.y + at.height / 2, scale };
  }

  const between = (least, value, most) => Math.min(Math.max(value, least), most);

  // Nothing but the picture: its edges are not pulled inwards.
  function within(it, view) {
    const scale = between(fitting(it), view.scale, LARGEST);
    const one = (start, length, room, at) => (room >= length
      ? start + length / 2
      : between(start + room / 2, at, start + length - room / 2));
    return {
      x: one(it.box.x, it.box.width, it.width / scale, view.x),
      y: one(it.box.y, it.box.height, it.height / scale, view.y),
      scale,
    };
  }

  // Whether anything changed.
  function look(svg, wanted) {
    const it = known.get(svg);
    const before = it.view;
    it.view = within(it, wanted === "fit" ? all(it) : wanted);
    views.set(it.key, wanted === "fit" || it.view.scale <= fitting(it) ? "fit" : it.view);
    const { x, y, scale } = it.view;
    const [width, height] = [it.width / scale, it.height / scale];
    svg.setAttribute("viewBox", `${x - width / 2} ${y - height / 2} ${width} ${height}`);
    svg.classList.toggle("movable", scale > fitting(it));
    return !before || Math.abs(before.x - x) + Math.abs(before.y - y) > 0.01 || before.scale !== scale;
  }

  // Larger by a factor, about a place on the screen (default: the middle).
  function zoom(svg, factor, place) {
    const it = known.get(svg);
    const from = svg.getBoundingClientRect();
    const [dx, dy] = place ? [place.x - from.x - it.width / 2, place.y - from.y - it.height / 2] : [0, 0];
    const scale = between(fitting(it), it.view.scale * factor, LARGEST);
    const apart = 1 / it.view.scale - 1 / scale;
    return look(svg, { x: it.view.x + dx * apart, y: it.view.y + dy * apart, scale });
  }

  function move(svg, dx, dy) {
    const { x, y, scale } = known.get(svg).view;
    return look(svg, { x: x - dx / scale, y: y - dy / scale, scale });
  }

  // ---- pictures ----------------------------------------------------------------------------------

  const name = (picture) => picture.dataset.scroll || picture.id || "";

  function measure(svg, it) {
    const picture = svg.closest(".picture");
    const style = getComputedStyle(picture);
    it.width = Math.max(1, picture.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)); // while it is laid out there may be no room
    const natural = it.box.height * Math.min(1, it.width / it.box.width);
    const least = Math.min(it.box.height, 320);
    it.height = Math.max(120, Math.min(Math.max(natural, least), window.innerHeight * 0.75));
    svg.style.height = `${it.height}px`;
  }

  function enhance(picture) {
    const drawn = [...picture.querySelectorAll("svg.bpmn-diagram")];
    if (!drawn.length || !picture.clientWidth) return;
    picture.classList.add("zoomable");
    const said = "Diagram of the flow. Drag or arrow keys move it, plus and minus zoom, 0 shows all of it.";
    if (picture.getAttribute("role") === "group") picture.setAttribute("aria-label", said);
    for (const [index, svg] of drawn.entries()) {
      const { x, y, width, height } = svg.viewBox.baseVal;
      const it = { key: `${name(picture)}/${index}`, box: { x, y, width, height }, view: null };
      known.set(svg, it);
      measure(svg, it);
      svg.before(controls(svg));
      look(svg, views.get(it.key) || first(svg, it));
    }
    resizes.observe(picture);
  }

  function controls(svg) {
    const box = document.createElement("div");
    box.className = "zoom";
    for (const [what, sign, label] of [["in", "+", "Zoom in"], ["out", "−", "Zoom out"], ["fit", "Fit", "Fit: show all of it"]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.zoom = what;
      button.textContent = sign;
      button.setAttribute("aria-label", label);
      button.title = label;
      box.append(button);
    }
    return box;
  }

  const shown = (target) => {
    const svg = target instanceof Element ? target.closest("svg.bpmn-diagram") : null;
    return svg && known.has(svg) ? svg : null;
  };

  // The diagram a key is meant for: where the focus is, else the only or first one of the picture.
  function meant(target) {
    const picture = target instanceof Element ? target.closest(".picture.zoomable") : null;
    return picture && (shown(target) || shown(target.closest(".zoom")?.nextElementSibling)
      || shown(picture.querySelector("svg.bpmn-diagram")));
  }

  const resizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      for (const svg of target.querySelectorAll("svg.bpmn-diagram")) {
        const it = known.get(svg);
        const before = it && it.width;
        if (!it || !target.clientWidth) continue;
        measure(svg, it);
        if (Math.abs(it.width - before) > 0.5) look(svg, views.get(it.key) || "fit");
      }
    }
  });

  function search() {
    for (const picture of document.querySelectorAll(".picture:not(.zoomable)")) enhance(picture);
    refocus();
  }

  // ---- whoever was on a picture that was replaced -------------------------------------------------

  // Those of its kind on its element: others come and go.
  const badgesLike = ({ classList, dataset }) => `.badge.${classList[1]}[tabindex][data-element="${CSS.escape(dataset.element || "")}"]`;

  let on = null; // { name, selector, index }: which of those on which picture

  function refocus() {
    if (!on || document.activeElement !== document.body) return;
    const picture = [...document.querySelectorAll(".picture")].find((one) => name(one) === on.name);
    const twin = picture && on.selector && picture.querySelectorAll(on.selector)[on.index];
    if (picture) (twin || picture).focus({ preventScroll: true });
  }

  document.addEventListener("focusin", ({ target }) => {
    const picture = target.closest(".picture.zoomable");
    on = null;
    if (!picture) return;
    const selector = target === picture ? "" : target.dataset.zoom ? ".zoom button" : badgesLike(target);
    const index = selector ? [...picture.querySelectorAll(selector)].indexOf(target) : 0;
    on = { name: name(picture), selector, index };
    const svg = shown(target);
    if (svg && target.matches(":focus-visible")) reveal(svg, target);
  });
  document.addEventListener("focusout", ({ target }) => queueMicrotask(() => {
    if (target.isConnected && !target.closest(".picture")?.contains(document.activeElement)) on = null;
  }));

  // Moves what has the focus into view.
  function reveal(svg, badge) {
    const part = (badge.querySelector(".disc, .area") || badge).getBoundingClientRect();
    const view = svg.getBoundingClientRect();
    const off = (start, end, from, to) => (start < from ? from - start + 20 : end > to ? to - end - 20 : 0);
    const [dx, dy] = [off(part.left, part.right, view.left, view.right), off(part.top, part.bottom, view.top, view.bottom)];
    if (dx || dy) move(svg, dx, dy);
  }

  // ---- mouse, fingers, wheel, keys ----------------------------------------------------------------

  const down = new Map(); // pointers on a diagram: by id, { svg, x, y }

  document.addEventListener("pointerdown", (event) => {
    const svg = shown(event.target);
    if (!svg || (event.pointerType === "mouse" && event.button !== 0)) return;
    down.set(event.pointerId, { svg, x: event.clientX, y: event.clientY });
    hide();
  });
  document.addEventListener("pointermove", (event) => {
    const pointer = down.get(event.pointerId);
    if (!pointer) return;
    const { svg, x, y } = pointer;
    if (!svg.isConnected) {
      down.delete(event.pointerId);
      return;
    }
    const others = [...down].filter(([id, other]) => id !== event.pointerId && other.svg === svg);
    const there = { x: event.clientX, y: event.clientY };
    Object.assign(pointer, there);
    if (!others.length) {
      if (Math.abs(there.x - x) + Math.abs(there.y - y) > 0) move(svg, there.x - x, there.y - y);
      return;
    }
    const [, other] = others[0];
    const far = (from) => Math.hypot(from.x - other.x, from.y - other.y) || 1;
    zoom(svg, far(there) / far({ x, y }), { x: (there.x + other.x) / 2, y: (there.y + other.y) / 2 });
    move(svg, (there.x - x) / 2, (there.y - y) / 2);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    document.addEventListener(kind, (event) => down.delete(event.pointerId));
  }

  // A wheel scrolls the page, unless it is asked to zoom, or somebody works on the picture and it still can.
  document.addEventListener("wheel", (event) => {
    const svg = shown(event.target);
    if (!svg) return;
    const asked = event.ctrlKey || event.metaKey;
    if (!asked && Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      if (move(svg, -event.deltaX, 0)) event.preventDefault();
      return;
    }
    if (!asked && !svg.closest(".picture").contains(document.activeElement)) return;
    const lines = event.deltaMode === 1 ? 16 : 1;
    const changed = zoom(svg, Math.exp(-between(-120, event.deltaY * lines, 120) / 300), { x: event.clientX, y: event.clientY });
    if (changed || asked) event.preventDefault();
    hide();
  }, { passive: false });

  const KEYS = {
    "+": (svg) => zoom(svg, STEP),
    "=": (svg) => zoom(svg, STEP),
    "-": (svg) => zoom(svg, 1 / STEP),
    0: (svg) => look(svg, "fit"),
    ArrowLeft: (svg) => move(svg, NUDGE, 0),
    ArrowRight: (svg) => move(svg, -NUDGE, 0),
    ArrowUp: (svg) => move(svg, 0, NUDGE),
    ArrowDown: (svg) => move(svg, 0, -NUDGE),
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const svg = KEYS[event.key] && meant(event.target);
    if (svg && KEYS[event.key](svg)) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest(".zoom button") : null;
    const svg = button && shown(button.closest(".zoom").nextElementSibling);
    if (!svg) return;
    if (button.dataset.zoom === "fit") look(svg, "fit");
    else zoom(svg, button.dataset.zoom === "in" ? STEP : 1 / STEP);
  });

  // ---- what badges tell: beside them, never cut off, in a size that can be read -------------------

  const tip = document.createElement("div");
  tip.className = "bpmn-tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true"); // the badge itself is read out

  const hide = () => { tip.hidden = true; };

  function tell(badge) {
    const lines = [...badge.querySelectorAll(".tip tspan")].map((line) => line.textContent);
    if (!lines.length) return;
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    if (!tip.isConnected) document.body.append(tip);
    const at = (badge.querySelector(".disc, .area") || badge).getBoundingClientRect();
    const own = tip.getBoundingClientRect();
    const above = at.top - own.height - 8;
    tip.style.left = `${between(4, at.left + at.width / 2 - own.width / 2, Math.max(4, document.documentElement.clientWidth - own.width - 4))}px`;
    tip.style.top = `${above >= 4 ? above : Math.min(at.bottom + 8, window.innerHeight - own.height - 4)}px`;
  }

  const telling = (target) => (target instanceof Element && shown(target) ? target.closest(".badge[tabindex]") : null);

  document.addEventListener("pointerover", ({ target }) => {
    const badge = !down.size && telling(target);
    if (badge) tell(badge);
  });
  document.addEventListener("pointerout", ({ target, relatedTarget }) => {
    const badge = telling(target);
    if (badge && !badge.contains(relatedTarget)) hide();
  });
  document.addEventListener("focusin", ({ target }) => {
    const badge = telling(target);
    if (badge && badge.matches(":focus-visible")) tell(badge);
  });
  document.addEventListener("focusout", ({ target }) => { if (telling(target)) hide(); });
  document.addEventListener("scroll", hide, { passive: true, capture: true });

  // ---- paper: all of it ---------------------------------------------------------------------------

  const every = () => [...document.querySelectorAll(".picture.zoomable svg.bpmn-diagram")].filter((svg) => known.has(svg));

  window.addEventListener("beforeprint", () => {
    for (const svg of every()) {
      const { x, y, width, height } = known.get(svg).box;
      svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
      svg.style.height = "";
    }
  });
  window.addEventListener("afterprint", () => {
    for (const svg of every()) {
      const it = known.get(svg);
      measure(svg, it);
      look(svg, views.get(it.key) || "fit");
    }
  });

  new MutationObserver(search).observe(document.body, { childList: true, subtree: true });
  search();
})();
