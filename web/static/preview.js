// Forms of what buyers are sent: shows it while it is written. Works without as well.
"use strict";

(() => {
  const form = document.querySelector("[data-preview]");
  const box = document.getElementById("preview");
  if (!form || !box) return;
  const WAIT = 250;
  let timer = 0;
  let asked = 0;

  const chosen = () => (form.elements.kind ? form.elements.kind.value : "");

  function showFields() {
    const kind = chosen();
    if (!kind) return;
    form.querySelectorAll("[data-kind]").forEach((part) => { part.hidden = part.dataset.kind !== kind; });
  }

  function written() {
    const fields = new FormData(form);
    form.querySelectorAll("input[type=file]").forEach((input) => { fields.delete(input.name); });
    return fields;
  }

  async function refresh() {
    const mine = ++asked;
    try {
      const answer = await fetch(form.dataset.preview, {
        method: "POST", body: written(), credentials: "same-origin",
      });
      if (answer.ok && mine === asked) box.innerHTML = await answer.text();
    } catch { /* the next key stroke tries again */ }
  }

  form.addEventListener("input", () => {
    showFields();
    clearTimeout(timer);
    timer = setTimeout(refresh, WAIT);
  });
  showFields();

  // What it would change is shown below the form, which stays as it is.
  const look = form.querySelector("[data-look]");
  const differences = document.getElementById("differences");
  if (!look || !differences) return;
  look.addEventListener("click", async (event) => {
    event.preventDefault();
    if (!form.reportValidity()) return;
    const fields = written();
    const pictures = form.querySelector("input[type=file]");
    if (pictures && pictures.files.length > 0) fields.append("pictured", "1");
    look.disabled = true;
    try {
      const answer = await fetch(`${look.getAttribute("formaction")}?part=1`, {
        method: "POST", body: fields, credentials: "same-origin",
      });
      if (answer.ok) differences.innerHTML = await answer.text();
      else differences.textContent = "没有看成，请再点一次。";
    } catch {
      differences.textContent = "没有连上，请再点一次。";
    } finally {
      look.disabled = false;
      differences.scrollIntoView({ block: "nearest" });
    }
  });
})();
