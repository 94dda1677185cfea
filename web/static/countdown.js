// Counts down what the page says is left; the server alone decides when it is over.
"use strict";

(() => {
  const ends = new WeakMap();

  function tick() {
    for (const element of document.querySelectorAll("[data-seconds]")) {
      if (!ends.has(element)) ends.set(element, Date.now() + element.dataset.seconds * 1000);
      const left = Math.max(0, Math.ceil((ends.get(element) - Date.now()) / 1000));
      const said = `${Math.floor(left / 60)} 分 ${left % 60} 秒`;
      if (element.textContent !== said) element.textContent = said;
    }
  }

  setInterval(tick, 250);
})();
