// Small comforts of forms. Everything works without them.
"use strict";

(() => {
  // A form goes out once, however often the button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    if (form.dataset.busy) showBusy(form);
  });

  // What takes seconds says so at once.
  function showBusy(form) {
    const line = document.createElement("p");
    line.className = "busy";
    line.setAttribute("role", "status");
    line.append(form.dataset.busy, document.createElement("progress"));
    form.append(line);
  }
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form .busy").forEach((line) => { line.remove(); });
    document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
  });

  document.querySelectorAll("[data-submit-on-change]").forEach((form) => {
    form.querySelector("button").hidden = true;
    form.addEventListener("change", () => form.requestSubmit());
  });

  document.addEventListener("keydown", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLElement) || !box.matches("[data-send]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      box.form.requestSubmit(box.form.querySelector("button.main"));
    }
  });

  // What does nothing without scripts is not shown without them.
  document.querySelectorAll("[data-scripted]").forEach((part) => { part.hidden = false; });

  // A canned answer is put where the cursor stands.
  document.querySelectorAll("[data-put]").forEach((button) => {
    button.addEventListener("click", () => {
      const box = document.getElementById(button.dataset.put);
      box.setRangeText(button.dataset.words, box.selectionStart, box.selectionEnd, "end");
      box.dispatchEvent(new Event("input"));
      const list = button.closest("details");
      if (list) list.open = false;
      box.focus();
    });
  });

  // An unfinished answer survives leaving the page, until it was accepted.
  document.querySelectorAll("[data-draft]").forEach((box) => {
    const key = `draft:${box.dataset.draft}`;
    if (new URLSearchParams(location.search).get("done") === "answer-queued") {
      sessionStorage.removeItem(key);
    } else if (!box.value && !("keep" in box.dataset)) {
      box.value = sessionStorage.getItem(key) || "";
    }
    box.addEventListener("input", () => sessionStorage.setItem(key, box.value));
  });

  // Pictures: chosen or pasted, and their names shown before they go out.
  document.querySelectorAll("[data-files]").forEach((row) => {
    const input = row.querySelector("input");
    const names = row.querySelector("output");
    const drop = row.querySelector("button");
    row.classList.add("tidy");
    const show = () => {
      const files = [...input.files];
      const size = files.reduce((sum, file) => sum + file.size, 0);
      const most = Number(input.dataset.most) - 65536;  // the text and the edges need room too
      const heavy = size > most ? `图片加起来最多 ${Math.round(most / 1048576)} MB，请少选几张，分几次发` : "";
      input.setCustomValidity(heavy);
      names.textContent = heavy || `${files.length} 张：${files.map((file) => file.name).join("、")}`;
      names.classList.toggle("bad", heavy !== "");
      names.hidden = drop.hidden = files.length === 0;
    };
    input.addEventListener("change", show);
    drop.addEventListener("click", () => { input.value = ""; show(); });
    input.form.addEventListener("paste", (event) => {
      const pasted = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
      if (pasted.length === 0) return;
      event.preventDefault();
      const all = new DataTransfer();
      [...input.files, ...pasted].forEach((file) => all.items.add(file));
      input.files = all.files;
      show();
    });
    show();
  });

  // A picture that cannot be had leaves its place empty instead of a broken one.
  const empty = (image) => {
    if (!image.matches("img.thumb")) return;
    const place = document.createElement("span");
    place.className = "thumb";
    image.replaceWith(place);
  };
  document.addEventListener("error", (event) => { if (event.target instanceof HTMLImageElement) empty(event.target); }, true);
  document.querySelectorAll("img.thumb").forEach((image) => {
    if (image.complete && image.naturalWidth === 0) empty(image);
  });

  document.querySelectorAll("[data-copy]").forEach((button) => {
    const field = document.getElementById(button.dataset.copy);
    const label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        document.execCommand("copy");
      }
      button.textContent = "已复制";
      setTimeout(() => { button.textContent = label; }, 1500);
    });
  });

  // Said once: reloading the page must not say it again.
  const address = new URL(location.href);
  if (address.searchParams.has("done")) {
    address.searchParams.delete("done");
    history.replaceState(null, "", address);
  }

  document.addEventListener("click", (event) => {
    document.querySelectorAll("nav details[open], .canned[open]").forEach((details) => {
      if (!details.contains(event.target)) details.open = false;
    });
  });
})();
