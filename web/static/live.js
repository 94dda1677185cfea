// Keeps the parts of a page fresh: the server says what changed, the page fetches its parts again.
"use strict";

(() => {
  const parts = [...document.querySelectorAll("[data-live]")].map((element) => ({
    element,
    nouns: element.dataset.live.split(" "),
    id: element.dataset.liveId,
    html: "",
    pinned: false,
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

  function swap(part, html) {
    const { element } = part;
    if (html === part.html) return;
    if (inUse(element)) {
      element.addEventListener("focusout", () => refresh(part), { once: true });
      return;
    }
    const open = [...element.querySelectorAll("details")].map((details) => details.open);
    part.html = html;
    element.innerHTML = html;
    element.querySelectorAll("details").forEach((details, i) => { details.open = Boolean(open[i]); });
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
