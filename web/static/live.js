// Keeps the parts of a page fresh: the server says what changed, the page fetches its parts again.
"use strict";

(() => {
  const parts = [...document.querySelectorAll("[data-live]")].map((element) => ({
    element,
    nouns: element.dataset.live.split(" "),
    id: element.dataset.liveId,
    html: "",
    pinned: false,
    left: false,
    timer: 0,
    busy: false,
    again: false,
  }));
  if (parts.length === 0 || !window.EventSource) return;

  const notice = document.querySelector("[data-live-state]");
  const WAIT = 150;
  const RETRY = 4000;
  let source = null;
  let retry = 0;

  const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const toEnd = (box) => { box.scrollTop = box.scrollHeight; };

  const inUse = (element) =>
    element.contains(document.activeElement) &&
    document.activeElement.matches("input, select, textarea");

  // Lists open parts and half-written words by what they belong to, and puts them back.
  const owner = (node) => { const near = node.closest("[id]"); return near ? near.id : ""; };
  function opened(element) {
    const seen = new Map();
    return [...element.querySelectorAll("details")].map((details) => {
      const of = owner(details);
      seen.set(of, (seen.get(of) || 0) + 1);
      return [`${of} ${seen.get(of)}`, details];
    });
  }

  function remembered(element) {
    const open = new Set(opened(element).filter(([, details]) => details.open).map(([name]) => name));
    const typed = [...element.querySelectorAll("textarea[id]")]
      .filter((box) => box.value !== box.defaultValue && !("sent" in box.form.dataset))
      .map((box) => [box.id, box.value, "rescue" in box.dataset]);
    return { open, typed };
  }

  function restore(element, { open, typed }) {
    for (const [name, details] of opened(element)) if (open.has(name)) details.open = true;
    for (const [id, words, rescue] of typed) {
      const box = document.getElementById(id);
      if (box) { if (box !== document.activeElement) box.value = words; } else if (rescue) saved(words);
    }
  }

  // What was written into something that is gone goes on in the reply box.
  function saved(words) {
    const box = document.querySelector("[data-draft]");
    if (!box || box.value.includes(words)) return;
    box.value = box.value ? `${box.value}\n${words}` : words;
    box.dispatchEvent(new Event("input"));
  }

  // While somebody writes inside of a talk, the talk goes on around that message.
  function weave(element, html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const talk = element.querySelector("ol.bubbles");
    const next = fresh.content.querySelector("ol.bubbles");
    const busy = document.activeElement.closest("ol.bubbles > li[id]");
    if (!talk || !next || !busy) return;
    const before = remembered(element);
    const lines = [...next.children];
    const at = lines.findIndex((line) => line.id === busy.id);
    [...talk.children].forEach((line) => { if (line !== busy) line.remove(); });
    lines.forEach((line, i) => {
      if (i === at) return;
      if (at < 0 || i < at) busy.before(line); else talk.append(line);
    });
    restore(element, before);
  }

  function swap(part, html) {
    const { element } = part;
    if (html === part.html) return;
    if (inUse(element)) {
      weave(element, html);
      if (!part.left) {
        part.left = true;
        element.addEventListener("focusout", () => { part.left = false; refresh(part); }, { once: true });
      }
      return;
    }
    // A button under somebody's finger must stay until it was let go.
    if (element.querySelector(":active")) { refresh(part); return; }
    const before = remembered(element);
    part.html = html;
    element.innerHTML = html;
    restore(element, before);
    if (part.pinned) toEnd(element);
  }

  async function fetchPart(part) {
    if (part.busy) { part.again = true; return; }
    part.busy = true;
    try {
      const answer = await fetch(part.element.dataset.part, { credentials: "same-origin" });
      if (answer.status === 401) { location.reload(); return; }
      if (answer.ok) swap(part, await answer.text());
    } catch {
      // The line is down; the stream notices too and asks again once it is back.
    } finally {
      part.busy = false;
      if (part.again) { part.again = false; refresh(part); }
    }
  }

  function refresh(part) {
    if (part.timer) return;
    part.timer = setTimeout(() => { part.timer = 0; fetchPart(part); }, WAIT);
  }

  function changed(event) {
    const { noun, id } = JSON.parse(event.data);
    for (const part of parts) {
      const concerned = part.nouns.includes(noun) &&
        (!part.id || noun === "hold" || part.id === String(id));
      if (concerned) refresh(part);
    }
  }

  function lost() {
    notice.hidden = false;
    if (source.readyState === EventSource.CLOSED) {
      clearTimeout(retry);
      retry = setTimeout(connect, RETRY);
    }
  }

  // A hidden page holds no line: browsers allow only a few per site.
  function connect() {
    if (source) source.close();
    clearTimeout(retry);
    if (document.hidden) { source = null; return; }
    source = new EventSource("/events");
    source.onopen = () => { notice.hidden = true; parts.forEach(refresh); };
    source.onmessage = changed;
    source.onerror = lost;
  }

  // A talk stays at its end while messages, late pictures or a keyboard change its size, until
  // somebody scrolls up to read.
  for (const part of parts) {
    const { element } = part;
    if (!("follow" in element.dataset)) continue;
    const hold = () => { if (part.pinned) toEnd(element); };
    part.pinned = true;
    hold();
    element.addEventListener("scroll", () => { part.pinned = atEnd(element); });
    element.addEventListener("load", hold, true);
    new ResizeObserver(hold).observe(element);
  }
  document.addEventListener("visibilitychange", connect);
  window.addEventListener("pagehide", () => { if (source) source.close(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  connect();
})();
